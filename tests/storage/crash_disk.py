"""A disk that remembers what is not on it yet, and every state that a power cut may leave of it.

``RecordingDisk`` is a whole file system in memory behind the interface of ``minitf.storage.files.Disk``; it logs each call that
changes something. ``crash_states(start, log)`` goes through the log and gives, after each call, all states that a crash at that
moment may leave:

* of what was written to a file since its last sync any part may be there, the rest being zeros or what was there before;
* each change of a directory (a new name, a rename, a second name, a deletion) since the directory's last sync may have
  reached the disk or not, independently of the others; a rename is never half done.

That is more than file systems really do to one, on purpose.
"""

from __future__ import annotations

import errno
import itertools
import math
import os
import random
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from minitf.storage.files import Disk

State = dict[str, bytes]  # path -> content

_clock = itertools.count(1)


class KilledError(BaseException):
    """What a disk raises whose time is over; no code can clean up behind it, as behind SIGKILL."""


class RecordingDisk(Disk):
    """Files in memory. Directories exist as soon as they are made (or as something is in them)."""

    def __init__(self, state: State | None = None, most: int = 1 << 30, calls: int | None = None):
        self.log: list[tuple[Any, ...]] = []
        self.entries: dict[str, int] = {}
        self.inodes: dict[int, bytearray] = {}
        self.times: dict[int, int] = {}
        self.handles: dict[int, int] = {}
        self.directories: set[str] = {"", "/"}
        self.most = most  # bytes that one write takes
        self.calls = calls  # after so many changes nothing works any more
        self._numbers = itertools.count(1)
        for path, content in (state or {}).items():
            self._new(path, content)
            directory = os.path.dirname(path)
            while directory not in self.directories:
                self.directories.add(directory)
                directory = os.path.dirname(directory)

    def _note(self, *call: Any) -> None:
        if self.calls is not None and len(self.log) >= self.calls:
            raise KilledError
        self.log.append(call)

    def state(self) -> State:
        return {path: bytes(self.inodes[inode]) for path, inode in self.entries.items()}

    def _new(self, path: str, content: bytes = b"") -> int:
        inode = next(self._numbers)
        self.entries[path], self.inodes[inode], self.times[inode] = inode, bytearray(content), next(_clock)
        return inode

    def _inode(self, path: str) -> int:
        if path not in self.entries:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return self.entries[path]

    def create(self, path):
        if path in self.entries:
            raise FileExistsError(errno.EEXIST, "there is one", path)
        if os.path.dirname(path) not in self.directories:
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        self._note("create", path)
        inode = self._new(path)
        self.log[-1] = ("create", path, inode)
        return self._handle(inode)

    def _handle(self, inode: int) -> int:
        handle = next(self._numbers)
        self.handles[handle] = inode
        return handle

    def open(self, path):
        return self._handle(self._inode(path))

    def write(self, handle, data, offset):
        inode = self.handles[handle]
        part = bytes(memoryview(data).cast("B")[: self.most])
        self._note("write", inode, part, offset)
        content = self.inodes[inode]
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(part)] = part
        self.times[inode] = next(_clock)
        return len(part)

    def read(self, handle, into, offset):
        found = self.inodes[self.handles[handle]][offset : offset + len(into)]
        into[: len(found)] = found
        return len(found)

    def sync(self, handle):
        self._note("sync", self.handles[handle])

    def close(self, handle):
        del self.handles[handle]

    def size(self, handle):
        return len(self.inodes[self.handles[handle]])

    def stat(self, path):
        if path in self.directories or path == os.curdir:
            return SimpleNamespace(st_mode=stat.S_IFDIR, st_dev=1, st_ino=0, st_size=0, st_mtime_ns=0)
        inode = self._inode(path)
        return SimpleNamespace(
            st_mode=stat.S_IFREG, st_dev=1, st_ino=inode, st_size=len(self.inodes[inode]), st_mtime_ns=self.times[inode]
        )

    def replace(self, old, new):
        inode = self._inode(old)
        self._note("replace", old, new, inode)
        del self.entries[old]
        self.entries[new] = inode

    def link(self, old, new):
        self._note("link", new, self._inode(old))
        self.entries[new] = self._inode(old)

    def remove(self, path):
        self._inode(path)
        self._note("remove", path)
        del self.entries[path]

    def names(self, directory):
        return [
            os.path.basename(path) for path in (*self.entries, *self.directories) if path and os.path.dirname(path) == directory
        ]

    def make_directory(self, path):
        if path in self.directories:
            raise FileExistsError(errno.EEXIST, "there is one", path)
        self.directories.add(path)

    def remove_directory(self, path):
        if self.names(path):
            raise OSError(errno.ENOTEMPTY, "not empty", path)
        self.directories.discard(path)

    def sync_directory(self, path):
        self._note("sync_directory", path)

    def lock(self, directory):
        return None


@dataclass
class _File:
    """A file after a crash: ``safe`` is there; of the writes since then any may have reached the disk."""

    safe: bytes
    writes: list[tuple[bytes, int]]

    @property
    def choices(self) -> int:
        return 1 << min(len(self.writes), 12)

    def content(self, choice: int) -> bytes:
        """The content if the writes whose bits are set are there; the first of many go with the lowest bit."""
        out = bytearray(self.safe)
        first = max(0, len(self.writes) - 12)
        for number, (data, offset) in enumerate(self.writes):
            if choice >> max(0, number - first) & 1:
                out.extend(bytes(max(0, offset + len(data) - len(out))))
                out[offset : offset + len(data)] = data
        return bytes(out)


def crash_states(start: State, log: list[tuple[Any, ...]], most: int, rng: random.Random) -> Iterator[tuple[int, State]]:
    """(how many calls were made, what the disk holds) for crashes at every moment; at most ``most`` a moment.

    All of a moment's states if they are not more than that, else as many drawn at random, the two extremes among them.
    """
    files: dict[int, _File] = {}
    names: dict[str, int] = {}  # on the disk for sure
    pending: list[tuple[str, list[tuple[str, int | None]]]] = []  # (directory, changes) not synced
    for number, (path, content) in enumerate(start.items(), 1):  # the recording disk numbers its inodes the same way
        names[path], files[number] = number, _File(content, [])
    for done, call in enumerate([("start",), *log]):
        kind = call[0]
        if kind == "create":
            files[call[2]] = _File(b"", [])
            pending.append((os.path.dirname(call[1]), [(call[1], call[2])]))
        elif kind == "write":
            files[call[1]].writes.append((call[2], call[3]))
        elif kind == "sync":
            files[call[1]] = _File(files[call[1]].content(-1), [])
        elif kind == "replace":
            pending.append((os.path.dirname(call[2]), [(call[1], None), (call[2], call[3])]))
        elif kind == "link":
            pending.append((os.path.dirname(call[1]), [(call[1], call[2])]))
        elif kind == "remove":
            pending.append((os.path.dirname(call[1]), [(call[1], None)]))
        elif kind == "sync_directory":
            for directory, changes in pending:
                if directory == call[1]:
                    _apply(names, changes)
            pending = [item for item in pending if item[0] != call[1]]
        for state in _choices(names, files, pending, most, rng):
            yield done, state


def _apply(names: dict[str, int], changes: list[tuple[str, int | None]]) -> None:
    for path, inode in changes:
        if inode is None:
            names.pop(path, None)
        else:
            names[path] = inode


def _choices(
    names: dict[str, int],
    files: dict[int, _File],
    pending: list[tuple[str, list[tuple[str, int | None]]]],
    most: int,
    rng: random.Random,
) -> Iterator[State]:
    loose = [inode for inode, file in files.items() if file.writes]
    sizes = [2] * len(pending) + [files[inode].choices for inode in loose]
    picks: Any
    if math.prod(sizes) <= most:
        picks = itertools.product(*map(range, sizes))
    else:
        drawn = [tuple(rng.randrange(size) for size in sizes) for _ in range(most - 2)]
        picks = [tuple(0 for _ in sizes), tuple(size - 1 for size in sizes), *drawn]
    for pick in picks:
        found = dict(names)
        for chosen, (_, changes) in zip(pick, pending, strict=False):
            if chosen:
                _apply(found, changes)
        chosen_content = dict(zip(loose, pick[len(pending) :], strict=True))
        yield {path: files[inode].content(chosen_content.get(inode, -1)) for path, inode in found.items()}
