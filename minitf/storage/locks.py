"""Locks of directories, between processes and between threads, which an interrupt does not leave locked.

``flock`` belongs to an open directory, so two threads of a process exclude each other with it as two processes do, and a lock
that is left behind when Ctrl-C comes between two lines would block its own process for ever. So whoever locks takes the
process's turn first, an ordinary lock, which ``with`` surely ends. Who has the turn knows that a lock which this process
holds on the directory was left behind.
"""

from __future__ import annotations

import contextlib
import errno
import os
from _thread import LockType, allocate_lock
from typing import Any

from minitf.core.locks import left_open
from minitf.storage.descriptors import Descriptor

_turns: dict[Any, LockType] = {}  # by place
_held: dict[Any, int] = {}  # numbers of the open directories that are locked, by device and inode


def turn(place: Any) -> LockType:
    """The lock of a directory in this process; ``place`` tells it from others."""
    return _turns.setdefault(place, left_open(allocate_lock()))


class Locked(Descriptor):
    """An open directory that is locked until it is closed."""

    place: Any = None

    def close(self) -> None:
        """Closes."""
        if _held.get(self.place) == self:
            del _held[self.place]
        super().close()


def lock(directory: str) -> Locked | None:
    """Waits until no other process has locked a directory and locks it; None where there is no such lock."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = Locked.opened(directory, os.O_RDONLY)
    facts = os.fstat(handle)
    handle.place = facts.st_dev, facts.st_ino
    left = _held.get(handle.place)
    if left is not None:
        fcntl.flock(left, fcntl.LOCK_UN)
    _held[handle.place] = int(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except BaseException as error:
        unlock(handle)
        if isinstance(error, OSError) and error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            return None  # some network file systems
        raise
    return handle


def unlock(handle: Any) -> None:
    """Ends a lock."""
    import fcntl

    with contextlib.suppress(OSError):  # where there are no locks
        fcntl.flock(handle, fcntl.LOCK_UN)  # a forked child may still have the directory open, so closing is not enough
    handle.close()


def _in_a_child() -> None:
    """Behind a fork: the parent's threads are not here, and a directory that stays open would keep a killed parent's lock."""
    for handle in _held.values():
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), handle, inheritable=False)  # not closed, because the number may still have an owner
    _held.clear()
    _turns.clear()


getattr(os, "register_at_fork", lambda **hooks: None)(after_in_child=_in_a_child)  # Windows does not fork
