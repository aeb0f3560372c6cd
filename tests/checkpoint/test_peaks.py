"""What the kernel says of the memory that saves and restores need: at most 24 MiB more, whatever the values are."""

import pytest

from tests.checkpoint.peaks import SCENARIOS
from tests.kernel import measuring, needs_peaks

MOST = 24  # MiB, of values of 64

pytestmark = needs_peaks


@pytest.fixture(scope="module")
def measure():
    with measuring("tests.checkpoint.peaks") as measure:
        yield measure


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_saves_and_restores_need_little_memory(measure, scenario):
    saved, restored = measure(scenario)
    assert saved < MOST
    assert restored < MOST
