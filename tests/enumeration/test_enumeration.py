"""A slice of the enumeration, and that it would notice."""

import gc
import logging

import pytest

from enumeration import command, sides
from enumeration.canonical import canonical
from enumeration.steps import possible
from enumeration.walk import at, difference, every_program, levels, stands_for_all

NUMBERS = {1: (9, 9, 4), 2: (103, 44, 18), 3: (1_409, 242, 85), 4: (22_392, 1_345, 446)}  # programs, classes, new states


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    enabled = gc.isenabled()
    gc.disable()
    yield
    logging.disable(logging.NOTSET)
    if enabled:
        gc.enable()


def test_all_programs_of_up_to_four_steps_agree():
    for level in levels(4):
        assert not level.differences
        assert (level.programs, level.classes, level.states) == NUMBERS[level.length]


def test_one_by_one_there_are_as_many_programs_and_states():
    """Up to three steps here; the command confirms four: ``scripts/enumerate --longest 4 --brute 4``."""
    states = 1
    for length in (1, 2, 3):
        wrong = []
        count, reached = stands_for_all(length, lambda *what, wrong=wrong: wrong.append(what))
        states += NUMBERS[length][2]
        assert (count, len(reached), wrong) == (NUMBERS[length][0], states, [])


def test_merged_states_offer_the_same_steps():
    """As many of each kind, and leading to the same states."""
    seen = {}
    for length in range(4):
        for program in every_program(length):
            shape = at(program)
            steps = possible(shape[0])
            told = sorted(step[0] for step in steps)
            if length < 3:
                told.append(sorted(canonical(at((*program, step))) for step in steps))
                assert seen.setdefault((canonical(shape), "followed"), told) == told, program
            else:
                assert seen.setdefault(canonical(shape), told) == told, program


@pytest.mark.parametrize(
    "name, wrong",
    [
        ("restore", lambda self, which, r: None),
        ("initialize", lambda self, r: None),
        ("delete", lambda self, i: self.objects.__setitem__(i, None)),
    ],
)
def test_a_mistake_of_the_engine_is_found(monkeypatch, name, wrong):
    monkeypatch.setattr(sides.OfEngine, name, wrong)
    assert any(level.differences for level in levels(4))


def test_a_longer_program_by_hand():
    program = (
        ("create", 1, "variable"), ("attach", 0, 1), ("initialize", 0), ("save", 0), ("delete", 1), ("restore", "A", 0),
        ("create", 1, "variable"), ("attach", 0, 1), ("run", 0), ("assign", 1), ("save", 0), ("restore", "B", 0),
    )  # fmt: skip
    for length in range(1, len(program) + 1):
        assert difference(program[:length]) is None


def test_the_command(capsys):
    assert command.main(["--longest", "2", "--brute", "1"]) == 0
    out = capsys.readouterr().out
    assert "    2               103          44          18          0" in out
    assert "one by one, 1 steps: 9 programs, 5 states, 0 differing" in out
