"""How many executions differ by more than the order of independent steps.

A class is known by its *Foata normal form*: each step stands on the first level above all earlier steps that it conflicts
with, and the sets of steps on the levels are the same for all equivalent executions.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from minitf.core.schedule import Scheduler
from minitf.explore.steps import ANYTHING, Access, is_step


class ClassCounter:
    """Passes everything on to a scheduler, and counts the classes of the executions."""

    def __init__(self, scheduler: Scheduler):
        self.scheduler = scheduler
        self.seen: set[int] = set()
        self._choices: list[int] = []
        self._known: set[tuple[int, ...]] = set()
        self._taken: list[tuple[str, Any, Access, frozenset[Any]]] = []
        self._others: list[tuple[str, int]] = []
        self._last: dict[str, Any] = {}

    @property
    def classes(self) -> int:
        """How many there were."""
        return len(self.seen)

    def start(self) -> bool:
        """Begins an execution."""
        self._taken, self._others, self._choices, self._last = [], [], [], {}
        return self.scheduler.start()

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """What the scheduler chooses."""
        index = self.scheduler.choose(ready, event)
        step = ready[index]
        if is_step(step):
            self._taken.append((event, step.key, step.access, step.after))
            self._last[event] = step
        else:
            self._others.append((event, index))
        if len(ready) > 1:
            self._choices.append(index)
        return index

    def end(self, error: BaseException | None = None) -> None:
        """Notes the class of the execution."""
        self.scheduler.end(error)
        choices = tuple(self._choices)
        if choices not in self._known:
            self._known.add(choices)
            raised = {event for event, step in self._last.items() if step.raised}
            for place in reversed(range(len(self._taken))):
                event, key, _, after = self._taken[place]
                if event in raised:  # its last step
                    self._taken[place] = event, key, ANYTHING, after
                    raised.remove(event)
            form = repr((sorted(normal_form(self._taken), key=repr), sorted(self._others)))
            self.seen.add(int.from_bytes(blake2b(form.encode(), digest_size=8).digest(), "big"))


def normal_form(taken: Sequence[tuple[str, Any, Access, frozenset[Any]]]) -> frozenset[tuple[int, str, Any]]:
    """The level of each step ``(round, key, access, keys before)``, as a set that equivalent executions share."""
    levels: list[int] = []
    for place, (event, key, access, after) in enumerate(taken):
        level = 0
        for earlier in range(place):
            other_event, other_key, other, _ = taken[earlier]
            if levels[earlier] >= level and other_event == event and (
                other_key == key or other_key in after or other.conflicts(access)
            ):  # fmt: skip
                level = levels[earlier] + 1
        levels.append(level)
    return frozenset((level, event, key) for level, (event, key, _, _) in zip(levels, taken, strict=True))
