"""Making a failing schedule small: as few deviations from program order as possible."""

from __future__ import annotations

from minitf.explore.errors import TokenError
from minitf.explore.orders import Bounded
from minitf.explore.report import signature
from minitf.explore.running import Body, Choices, MakeWorld, execute, run

BUDGET = 2_000
"""Executions that are spent on looking through all schedules with fewer deviations."""


def smallest(body: Body, choices: Choices, kind: tuple[str, str], make_world: MakeWorld) -> Choices:
    """A schedule that fails in the same way and takes fewer, or at least no more, steps out of turn.

    If all schedules with fewer deviations can be tried, there is none with fewer.
    """
    choices = _simplified(body, _trimmed(choices), kind, make_world)
    fewer = sum(map(bool, choices)) - 1
    if fewer < 0:
        return choices
    found = run(body, Bounded(fewer, BUDGET), BUDGET, make_world, until=lambda found: kind in found.failures)
    if kind in found.failures:
        return _trimmed(found.failures[kind][1])
    return choices


def _simplified(body: Body, choices: Choices, kind: tuple[str, str], make_world: MakeWorld) -> Choices:
    """Takes deviations back one by one, as long as the failure stays."""

    def fails(candidate: Choices) -> Choices | None:
        try:
            execution = execute(body, candidate, make_world)
        except TokenError:
            return None
        same = execution.error is not None and signature(execution.error) == kind
        return _trimmed(execution.choices) if same else None

    going = True
    while going:
        going = False
        for place in reversed(range(len(choices))):
            for value in (0, 1):
                if place < len(choices) and value < choices[place]:
                    smaller = fails((*choices[:place], value, *choices[place + 1 :]))
                    if smaller is not None and _size(smaller) < _size(choices):
                        choices, going = smaller, True
                        break
    return choices


def _size(choices: Choices) -> tuple[int, int, int]:
    return sum(map(bool, choices)), sum(choices), len(choices)


def _trimmed(choices: Choices) -> Choices:
    end = len(choices)
    while end and not choices[end - 1]:
        end -= 1
    return choices[:end]
