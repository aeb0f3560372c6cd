"""Schedulers for tests: one that asks Hypothesis at each choice, and one that repeats choices.

``strategies.schedules()`` draws the first. Its choices are the numbers that it prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.core.schedule import Scheduler


class Replayed(Scheduler):
    """Makes the choices of a list, and then keeps to program order. A choice that is too high takes the last ready step."""

    def __init__(self, choices: Sequence[int]):
        self._given = list(choices)
        self.choices: list[int] = []

    def start(self) -> bool:
        """Begins again with the first choice."""
        self.choices = []
        return True

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The next choice of the list."""
        at = len(self.choices)
        self.choices.append(min(self._given[at], len(ready) - 1) if at < len(self._given) else 0)
        return self.choices[-1]

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""

    def __repr__(self) -> str:
        return f"Replayed({self._given})"


class DrawnSchedule(Scheduler):
    """Draws each choice from Hypothesis, the smallest being program order. ``choices`` are those made so far."""

    def __init__(self, data: Any, max_choices: int | None = None):
        self._data = data
        self._most = max_choices
        self.choices: list[int] = []

    def start(self) -> bool:
        """One execution, always."""
        return True

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """A drawn place in ``ready``."""
        from hypothesis.strategies import integers

        choice = 0
        if len(ready) > 1 and (self._most is None or len(self.choices) < self._most):
            choice = self._data.draw(integers(0, len(ready) - 1), label=event)
        self.choices.append(choice)
        return choice

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""

    def __repr__(self) -> str:
        return f"DrawnSchedule(choices={self.choices})"
