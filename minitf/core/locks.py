"""Locks that Ctrl-C leaves open.

Up to Python 3.13 no signal comes between taking the lock of a ``with`` and its block. Python 3.14 looks for one there, and a
plain lock may stay taken for ever: after more than every other Ctrl-C in a loop that does nothing but take and leave one.
"""

from __future__ import annotations

import sys
from itertools import starmap
from operator import attrgetter, methodcaller
from typing import Any, TypeVar

_L = TypeVar("_L")
_NO_ARGUMENTS = ((),)
acquire, release = methodcaller("acquire"), methodcaller("release")


def left_open(lock: _L) -> _L:
    """The lock itself, or one that serves for it in a ``with`` and at a fork."""
    return lock if sys.version_info < (3, 14) else Guarded(lock)  # type: ignore[return-value]


class Guarded:
    """A lock whose ``__enter__`` lets go of it again if an interrupt comes out of it.

    ``__enter__`` is a function of Python's: behind the end of one Python does not look for signals. ``__exit__`` is the lock's
    own, a function of C: before one Python does not look for them either.
    """

    __slots__ = ("_lock",)

    def __init__(self, lock: Any):
        self._lock = lock

    acquire, release, locked, __exit__, _at_fork_reinit = (
        property(attrgetter(f"_lock.{name}")) for name in ("acquire", "release", "locked", "__exit__", "_at_fork_reinit")
    )

    def __enter__(self) -> None:
        taken: list[bool] = []
        try:
            taken.extend(starmap(self._lock.acquire, _NO_ARGUMENTS))  # takes it and says so, and nothing comes between
        except BaseException:
            if taken:
                self._lock.release()
            raise
