"""Who chooses when several next steps are legal.

Everything that has more than one legal order (ready operations of a session, steps of a program, effects on a disk) asks a
scheduler.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Scheduler(Protocol):
    """Chooses one of several ready steps, and may end a round of executions."""

    def start(self) -> bool:
        """Begins an execution; False when there is nothing left to try."""

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The place in ``ready`` of the step to take; asked at every step, also when only one is ready.

        ``event`` says what kind of choice it is, for messages and replay.
        """

    def end(self, error: BaseException | None = None) -> None:
        """The execution is over; ``error`` if it failed."""


class ProgramOrder:
    """Always the first ready step: the order in which things were written."""

    def start(self) -> bool:
        """One execution, always."""
        return True

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The first."""
        return 0

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""
