"""TensorFlow and minitf agree about random programs of objects and checkpoints."""

import os
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from differential.bulk import MOST_DEVIATIONS, report, run
from differential.compare import Comparison
from differential.minitf_adapter import Minitf
from differential.oracle import Oracle
from differential.rendering import render
from differential.shrink import shrink

pytestmark = [pytest.mark.interop, pytest.mark.timeout(1800)]

FIXED = 1200  # programs of the fixed seed, and of a seed that is another one each day
ROTATING = 400
ROOT = Path(__file__).parent.parent.parent


def rotating() -> str:
    """The day of the commit that is tested, so that a run can be repeated; without git a seed that nobody has seen."""
    done = subprocess.run(["git", "log", "-1", "--format=%cs"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or str(random.SystemRandom().randrange(10**9))


@pytest.fixture(scope="module")
def compare():
    oracle = Oracle(os.environ["MINITF_ORACLE_PYTHON"])
    yield Comparison(oracle, Minitf)
    oracle.close()


@pytest.mark.slow
def test_programs_show_the_same(compare, capsys):
    differing, deviations = [], Counter()
    for count, number in ((FIXED, "fixed"), (ROTATING, rotating())):
        before = compare.ran
        differ, deviate = run(compare, count, number, most=3, quiet=True)
        with capsys.disabled():
            print(f"\nseed {number}", *report(differ, deviate, compare.ran - before), sep="\n  ")
        differing += differ
        deviations += deviate
    smallest = [shrink(verdict, compare) for verdict in differing]
    assert not differing, "\n\n".join(f"{v}\n{render(v.program)}\n{v.program.to_json()}" for v in smallest)
    assert deviations["any"] <= MOST_DEVIATIONS * (FIXED + ROTATING), report(differing, deviations, FIXED + ROTATING)
