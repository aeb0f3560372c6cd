"""When it is time again: after so many steps or seconds."""

from __future__ import annotations

import time
from typing import Protocol

from minitf.checkpoint.state_functions import Clock


class Timer(Protocol):
    """Says at which steps to do something, and is told when it was done."""

    def reset(self) -> None:
        """Forgets when it was done."""

    def should_trigger_for_step(self, step: int) -> bool:
        """True if it is time at this step."""

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """It was done. Gives seconds and steps since the time before (None, None: there was none)."""

    def last_triggered_step(self) -> int | None:
        """The step at which it was done last."""


class SecondOrStepTimer:
    """Once every so many seconds or steps, and at once at first; never twice at one step.

    Raises ValueError unless exactly one of the two is given. ``clock``: where time comes from.
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None, *, clock: Clock = time):
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self._secs = every_secs
        self._steps = every_steps
        self._clock = clock
        self._last: tuple[float, int] | None = None

    def reset(self) -> None:
        """Forgets when it was done."""
        self._last = None

    def should_trigger_for_step(self, step: int) -> bool:
        """True if it is time at this step."""
        if self._last is None:
            return True
        when, at = self._last
        if at == step:
            return False
        if self._secs is not None:
            return self._clock.time() >= when + self._secs
        assert self._steps is not None
        return bool(step >= at + self._steps)

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """It was done at this step. Gives seconds and steps since the time before (None, None: there was none)."""
        now = self._clock.time()
        before, self._last = self._last, (now, step)
        return (None, None) if before is None else (now - before[0], step - before[1])

    def last_triggered_step(self) -> int | None:
        """The step at which it was done last, or None."""
        return None if self._last is None else self._last[1]


class NeverTimer:
    """Never."""

    def reset(self) -> None:
        """Nothing."""

    def should_trigger_for_step(self, step: int) -> bool:
        """False."""
        return False

    def update_last_triggered_step(self, step: int) -> tuple[None, None]:
        """Nothing to compare with."""
        return None, None

    def last_triggered_step(self) -> None:
        """It was never done."""
