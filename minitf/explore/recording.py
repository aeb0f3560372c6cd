"""Wrappers of schedulers that take notes: which choices were made, and what was done.

``Recorder`` notes the choices, for the token. ``Chronicle`` notes besides what was ready and what was taken, as text: for
timelines, and for the hash that tells one program from another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from minitf.core.schedule import Scheduler
from minitf.explore.steps import is_step, label


class Recorder:
    """Passes everything on, and keeps the choices of the present execution as far as there was a choice."""

    def __init__(self, scheduler: Scheduler):
        self.scheduler = scheduler
        self.choices: list[int] = []

    def start(self) -> bool:
        """Begins an execution."""
        self.choices = []
        return self.scheduler.start()

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """What the scheduler chooses."""
        index = self.scheduler.choose(ready, event)
        if len(ready) > 1:
            self.choices.append(index)
        return index

    def end(self, error: BaseException | None = None) -> None:
        """Ends the execution."""
        self.scheduler.end(error)


@dataclass(frozen=True)
class Moment:
    """One choice of an execution: ``round`` says what kind of choice, ``ready`` what could be taken, ``index`` what was.

    ``text`` is the line of the program from which a task went on, ``place`` its file and number, if they are known.
    """

    round: str
    ready: tuple[str, ...]
    index: int
    step: bool
    text: str = ""
    place: tuple[str, int] | None = field(default=None, compare=False)

    @property
    def taken(self) -> str:
        """What was taken."""
        return self.ready[self.index]

    def __str__(self) -> str:
        others = [name for place, name in enumerate(self.ready) if place != self.index]
        note = f"   (instead of {', '.join(others[:4])}{', ...' if len(others) > 4 else ''})" if self.index else ""
        return f"{self.taken}{'   ' + self.text if self.text else ''}{note}"


class Chronicle(Recorder):
    """A recorder that notes every moment, and tells of it before the step is taken."""

    def __init__(self, scheduler: Scheduler, tell: Callable[[Moment], Any] | None = None):
        super().__init__(scheduler)
        self.moments: list[Moment] = []
        self._tell = tell

    def start(self) -> bool:
        """Begins an execution."""
        self.moments = []
        return super().start()

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """What the scheduler chooses."""
        names = tuple(map(label, ready))
        lines = [getattr(r, "line", None) for r in ready]  # before the step is taken
        index = super().choose(ready, event)
        text, *place = lines[index] or ("", None)
        moment = Moment(event, names, index, is_step(ready[0]), text, *place)
        self.moments.append(moment)
        if self._tell is not None:
            self._tell(moment)
        return index


def hash_of(moments: Sequence[Moment]) -> int:
    """A hash of what was ready and what was taken, the same on every machine, in 16 bits; never 0."""
    text = "\n".join(f"{m.round}\t{m.index}\t{' '.join(m.ready)}" for m in moments)
    return (crc32(text.encode("utf-8", "backslashreplace")) & 0xFFFF) or 1
