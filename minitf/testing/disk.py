"""A file system in memory, behind the interface of ``minitf.storage.files.Disk``, that logs each call that changes something.

``minitf.testing.crashes`` knows from the log what a crash may leave.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from types import SimpleNamespace
from typing import Any, TypeAlias

from minitf.storage.files import Disk

State: TypeAlias = "dict[str, bytes]"  # content by path
Call: TypeAlias = "tuple[Any, ...]"  # what was done: the kind, then what it was done to

_devices = itertools.count(1)  # no two disks look alike, for whoever remembers files by their numbers


class KilledError(BaseException):
    """What a disk raises whose time is over; no code can clean up behind it, as behind SIGKILL."""


class RecordingDisk(Disk):
    """Files in memory, and ``log``. Directories exist as soon as they are made (or as something is in them).

    * ``state``: what is there at the beginning.
    * ``most``: bytes that one write takes.
    * ``calls``: after so many changes nothing works any more (KilledError).
    """

    def __init__(self, state: State | None = None, most: int = 1 << 30, calls: int | None = None):
        self.log: list[Call] = []
        self.entries: dict[str, int] = {}
        self.inodes: dict[int, bytearray] = {}
        self.times: dict[int, int] = {}
        self.handles: dict[int, int] = {}
        self.directories: set[str] = {"", "/"}
        self.most = most
        self.calls = calls
        self._clock = itertools.count(1)
        self._device = next(_devices)
        self._numbers = itertools.count(1)
        self._begin_with(state or {})

    def _begin_with(self, state: State) -> None:
        for path, content in state.items():
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
        """What the disk holds if everything reaches it."""
        return {path: bytes(self.inodes[inode]) for path, inode in self.entries.items()}

    def _new(self, path: str, content: bytes = b"") -> int:
        inode = next(self._numbers)
        self.entries[path], self.inodes[inode], self.times[inode] = inode, bytearray(content), next(self._clock)
        return inode

    def _inode(self, path: str) -> int:
        if path not in self.entries:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return self.entries[path]

    def create(self, path: str) -> int:
        """Makes a file that must not exist and opens it for writing."""
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

    def open(self, path: str) -> int:
        """Opens a file for reading."""
        return self._handle(self._inode(path))

    def write(self, handle: int, data: Any, offset: int) -> int:
        """Writes, at most ``most`` bytes."""
        inode = self.handles[handle]
        part = bytes(memoryview(data).cast("B")[: self.most])
        self._note("write", inode, part, offset)
        content = self.inodes[inode]
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(part)] = part
        self.times[inode] = next(self._clock)
        return len(part)

    def reserve(self, handle: int, size: int) -> None:
        """There is room; nothing changes."""

    def begin_sync(self, handle: int, offset: int, size: int) -> None:
        """Nothing is sure to be on the disk before ``sync``."""

    def read(self, handle: int, into: Any, offset: int) -> int:
        """Reads."""
        found = self.inodes[self.handles[handle]][offset : offset + len(into)]
        into[: len(found)] = found
        return len(found)

    def sync(self, handle: int) -> None:
        """What was written to the file is on the disk."""
        self._note("sync", self.handles[handle])

    def close(self, handle: int) -> None:
        """Closes."""
        del self.handles[handle]

    def size(self, handle: int) -> int:
        """Bytes in an open file."""
        return len(self.inodes[self.handles[handle]])

    def stat(self, path: str) -> Any:
        """What is known of a path."""
        if path in self.directories or path == os.curdir:
            return SimpleNamespace(st_mode=stat.S_IFDIR, st_dev=self._device, st_ino=0, st_size=0, st_mtime_ns=0)
        inode = self._inode(path)
        size, time = len(self.inodes[inode]), self.times[inode]
        return SimpleNamespace(st_mode=stat.S_IFREG, st_dev=self._device, st_ino=inode, st_size=size, st_mtime_ns=time)

    def replace(self, old: str, new: str) -> None:
        """Renames a file over whatever has the new name."""
        inode = self._inode(old)
        self._note("replace", old, new, inode)
        del self.entries[old]
        self.entries[new] = inode

    def link(self, old: str, new: str) -> None:
        """Gives a file a second name."""
        self._note("link", new, self._inode(old))
        self.entries[new] = self._inode(old)

    def remove(self, path: str) -> None:
        """Takes a name away."""
        self._inode(path)
        self._note("remove", path)
        del self.entries[path]

    def names(self, directory: str) -> list[str]:
        """Names in a directory."""
        return [
            os.path.basename(path) for path in (*self.entries, *self.directories) if path and os.path.dirname(path) == directory
        ]

    def make_directory(self, path: str) -> None:
        """Makes a directory, which is on the disk at once."""
        if path in self.directories:
            raise FileExistsError(errno.EEXIST, "there is one", path)
        self.directories.add(path)

    def remove_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        if self.names(path):
            raise OSError(errno.ENOTEMPTY, "not empty", path)
        self.directories.discard(path)

    def sync_directory(self, path: str) -> None:
        """The names in the directory are on the disk."""
        self._note("sync_directory", path)

    def lock(self, directory: str) -> None:
        """None: nobody else is there."""
        return None
