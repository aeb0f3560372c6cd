"""The first three lines of an explanation name the true cause; those of its near-miss twin do not, nor does the rest."""

import logging

import pytest

from minitf.explain.why import Why
from minitf.explain.why.explanation import LINES
from tests.checkpoint.conftest import WORLDS
from tests.explain.mistakes import MISTAKES, Place

CASES = [(name, mode) for name, mistake in MISTAKES.items() for mode in mistake.modes]


def told(name, mode, planted, directory):
    logging.getLogger("minitf").setLevel(logging.ERROR)  # inconsistent references and name-based files are meant here
    with WORLDS[mode]().scope() as world:
        return MISTAKES[name].make(Place(world, directory), planted)


@pytest.fixture(autouse=True)
def quiet():
    logger = logging.getLogger("minitf")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.mark.parametrize("name, mode", CASES)
def test_the_cause_is_named_in_the_first_three_lines(name, mode, tmp_path):
    explanation = told(name, mode, True, tmp_path)
    mistake = MISTAKES[name]
    named = [(line.cause.kind, line.cause.path) for line in explanation.lines[:3] if line.cause is not None]
    assert (mistake.cause, mistake.path) in named, str(explanation)
    assert named[0][0] is mistake.cause or named[0][0] is Why.NAME_BASED, str(explanation)
    assert not explanation.complete
    assert 2 <= len(str(explanation).splitlines()) <= LINES
    assert explanation.causes[0].advice


@pytest.mark.parametrize("name, mode", CASES)
def test_the_near_miss_has_another_cause_or_none(name, mode, tmp_path):
    explanation = told(name, mode, False, tmp_path)
    assert MISTAKES[name].cause not in {cause.kind for cause in explanation.causes}, str(explanation)


def test_there_are_mistakes_of_nearly_every_kind():
    planted = {mistake.cause for mistake in MISTAKES.values()}
    assert set(Why) - planted == {Why.FAILED}
    assert sum(bool(mistake.thread) for mistake in MISTAKES.values()) >= 20
