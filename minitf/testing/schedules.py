"""A scheduler that asks Hypothesis at each choice; ``strategies.schedules()`` draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.core.schedule import Scheduler


class DrawnSchedule(Scheduler):
    """Draws each choice from Hypothesis, the smallest being program order. ``choices`` are those made so far.

    ``minitf.explore.orders.Replay(choices)`` makes the same choices again.
    It wants one execution, so that ``explore.check(body, strategy=schedule)`` does one for each example.
    """

    def __init__(self, data: Any, max_choices: int | None = None):
        self._data = data
        self._most = max_choices
        self._started = False
        self.choices: list[int] = []

    def start(self) -> bool:
        """One execution."""
        first, self._started = not self._started, True
        return first

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """A drawn place in ``ready``."""
        if len(ready) == 1:
            return 0
        choice = 0
        if self._most is None or len(self.choices) < self._most:
            from hypothesis.strategies import integers

            choice = self._data.draw(integers(0, len(ready) - 1), label=str(event))
        self.choices.append(choice)
        return choice

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""

    def __repr__(self) -> str:
        return f"DrawnSchedule(choices={self.choices})"
