"""What a crash may leave of a disk.

``crash_states(start, log)`` goes through the log of a ``RecordingDisk`` and gives, after each call, all states that a crash at
that moment may leave:

* of what was written to a file since its last sync any part may be there, the rest being zeros or what was there before;
* each change of a directory (a new name, a rename, a second name, a deletion) since the directory's last sync may have
  reached the disk or not, independently of the others; a rename is never half done.

That is more than file systems really do to one, on purpose. A ``CrashingDisk`` asks a scheduler whether to crash, and what is
left.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from minitf.storage.anywhere import MOUNTED_HANDLES
from minitf.storage.files import TEMPORARY
from minitf.testing.disk import Call, KilledError, RecordingDisk, State

MOST_WRITES = 12  # of one file that may each be there or not; more of them go together


@dataclass
class _File:
    """A file after a crash: ``safe`` is there; of the writes since then any may have reached the disk."""

    safe: bytes
    writes: list[tuple[bytes, int]] = field(default_factory=list)

    @property
    def choices(self) -> int:
        return 1 << min(len(self.writes), MOST_WRITES)

    def content(self, choice: int) -> bytes:
        """The content if the writes whose bits are set are there; the first of many go with the lowest bit."""
        out = bytearray(self.safe)
        first = max(0, len(self.writes) - MOST_WRITES)
        for number, (data, offset) in enumerate(self.writes):
            if choice >> max(0, number - first) & 1:
                out.extend(bytes(max(0, offset + len(data) - len(out))))
                out[offset : offset + len(data)] = data
        return bytes(out)


Change = tuple[str, int | None]  # a path, and the number of the file that it names now, if any


class Wreck:
    """What is on the disk for sure, and what may be, after some calls.

    * ``names``: files by path, for sure; ``files``: by number.
    * ``pending``: (directory, changes of names that happen together) that may have reached the disk or not.
    """

    def __init__(self, start: State):
        self.names: dict[str, int] = {}
        self.files: dict[int, _File] = {}
        self.pending: list[tuple[str, list[Change]]] = []
        for number, (path, content) in enumerate(start.items(), 1):  # the recording disk numbers its files the same way
            self.names[path], self.files[number] = number, _File(content)

    def add(self, call: Call) -> None:
        """Goes on by one call of the log."""
        match call:
            case ("create", path, number):
                self.files[number] = _File(b"")
                self._change(path, [(path, number)])
            case ("write", number, data, offset):
                self.files[number].writes.append((data, offset))
            case ("sync", number):
                self.files[number] = _File(self.files[number].content(-1))
            case ("replace", old, new, number):
                self._change(new, [(old, None), (new, number)])
            case ("link", new, number):
                self._change(new, [(new, number)])
            case ("remove", path):
                self._change(path, [(path, None)])
            case ("sync_directory", directory):
                for changed, changes in self.pending:
                    if changed == directory:
                        _apply(self.names, changes)
                self.pending = [item for item in self.pending if item[0] != directory]

    def _change(self, path: str, changes: list[Change]) -> None:
        self.pending.append((os.path.dirname(path), changes))

    def loose(self) -> list[int]:
        """Files with writes that may not be there."""
        return [number for number, file in self.files.items() if file.writes]

    def state(self, changes: Sequence[Any], contents: Sequence[int]) -> State:
        """What is left if these of the pending changes are there, and of the loose files these contents."""
        found = dict(self.names)
        for there, (_, change) in zip(changes, self.pending, strict=True):
            if there:
                _apply(found, change)
        chosen = dict(zip(self.loose(), contents, strict=True))
        return {path: self.files[number].content(chosen.get(number, -1)) for path, number in found.items()}

    def states(self, most: int, rng: random.Random) -> Iterator[State]:
        """All states, if they are not more than ``most``, else as many drawn at random, the two extremes among them."""
        sizes = [2] * len(self.pending) + [self.files[number].choices for number in self.loose()]
        picks: Any
        if math.prod(sizes) <= most:
            picks = itertools.product(*map(range, sizes))
        else:
            drawn = [tuple(rng.randrange(size) for size in sizes) for _ in range(most - 2)]
            picks = [tuple(0 for _ in sizes), tuple(size - 1 for size in sizes), *drawn]
        for pick in picks:
            yield self.state(pick[: len(self.pending)], pick[len(self.pending) :])


def _apply(names: dict[str, int], changes: list[Change]) -> None:
    for path, number in changes:
        if number is None:
            names.pop(path, None)
        else:
            names[path] = number


def crash_states(start: State, log: Sequence[Call], most: int, rng: random.Random) -> Iterator[tuple[int, State]]:
    """(how many calls were made, what the disk holds) for crashes at every moment; at most ``most`` a moment."""
    wreck = Wreck(start)
    for state in wreck.states(most, rng):
        yield 0, state
    for done, call in enumerate(log, 1):
        wreck.add(call)
        for state in wreck.states(most, rng):
            yield done, state


class CrashError(KilledError):
    """The machine has crashed; ``with world.crash():`` ends here."""


class CrashingDisk(RecordingDisk):
    """A disk that, between ``arm`` and ``disarm``, asks before each change whether the crash comes now."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(MOUNTED_HANDLES)
        self._choose: Callable[[Sequence[str]], int] | None = None
        self._wreck = Wreck({})
        self._down = False

    def arm(self, choose: Callable[[Sequence[str]], int]) -> None:
        """``choose(alternatives)`` says from now on what happens. Raises RuntimeError if somebody is asked already."""
        if self._choose is not None:
            raise RuntimeError("world.crash() inside world.crash(): a machine crashes once. Leave the outer block first.")
        self._choose = choose

    def disarm(self) -> None:
        """No crash comes any more."""
        self._choose = None

    def _note(self, *call: Any) -> None:
        if not self._down and self._choose is not None:
            self._down = self._choose([_described(call), "the machine crashes"]) == 1
        if self._down:  # what clears up behind the crash does not happen any more
            raise CrashError
        super()._note(*call)

    def restart(self, power: bool) -> None:
        """Starts again after a crash, without open files.

        ``power``: what was not synced is there or not, as is chosen.
        """
        assert self._choose is not None, "only an armed disk crashes"
        choose = self._choose
        for call in self.log:
            self._wreck.add(call)
        wreck = self._wreck
        keep, contents = [True] * len(wreck.pending), [-1] * len(wreck.loose())
        if power:
            texts = [_changes(changes) for _, changes in wreck.pending]
            keep = [not choose([f"{text} is on the disk", f"{text} is lost"]) for text in texts]
            contents = [self._content(wreck.files[number], choose) for number in wreck.loose()]
        state = wreck.state(keep, contents)
        self._down = False
        for table in (self.log, self.handles, self.entries, self.inodes, self.times):
            table.clear()
        self._wreck = Wreck({})
        self._begin_with(state)
        for path, number in self.entries.items():
            self._wreck.names[path], self._wreck.files[number] = number, _File(state[path])

    @staticmethod
    def _content(file: _File, choose: Callable[[Sequence[str]], int]) -> int:
        bits = min(len(file.writes), MOST_WRITES)
        lost = [choose([f"write {n} of {bits} is on the disk", f"write {n} of {bits} is lost"]) for n in range(1, bits + 1)]
        return sum(1 << n for n in range(bits) if not lost[n])


_RANDOM = re.compile(re.escape(TEMPORARY) + "[0-9a-f]+")


def _plain(path: Any) -> str:
    """A path without the random end of a temporary name."""
    return _RANDOM.sub(TEMPORARY + "*", os.path.basename(str(path)))


def _described(call: Call) -> str:
    match call:
        case ("write", _, data, offset):
            return f"write {len(data)} bytes at {offset}"
        case ("sync", _):
            return "sync a file"
        case ("replace", old, new, _):
            return f"rename {_plain(old)} to {_plain(new)}"
        case (kind, path, *_):
            return f"{kind} {_plain(path)}".replace("_", " ")
    return str(call[0])


def _changes(changes: list[Change]) -> str:
    return " and ".join(f"the {'end of' if number is None else 'name'} {_plain(path)}" for path, number in changes)
