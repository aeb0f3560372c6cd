"""Locks that a fork finds open, and what they guard whole.

A child process has the one thread that forked. A lock that another thread held at that moment would stay locked in it for
ever, and what that thread was about to change would stay half changed. So whoever forks takes these locks first, and both
sides let go of them then. A thread may hold one for long, or even wait for whoever forks: after ``PATIENCE`` seconds the fork
goes on, and the child has the lock open all the same. (Locks that belong to one object are not among them.)
"""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import Any, TypeVar

_L = TypeVar("_L")
PATIENCE = 10.0  # seconds for all locks together
_locks: list[tuple[int, Any]] = []
_taken = threading.local()  # by the thread that forks: others may fork, too, when one waits in vain


def whole_in_children(lock: _L, depth: int = 2) -> _L:
    """Registers a lock of the process, and gives it. ``depth``: who holds a lock may take deeper ones, of greater depth."""
    _locks.append((depth, lock))
    _locks.sort(key=lambda entry: entry[0])
    return lock


def _take() -> None:
    _taken.locks = []
    end = monotonic() + PATIENCE
    for _, lock in _locks:
        if lock.acquire(timeout=max(0.0, end - monotonic())):
            _taken.locks.append(lock)


def _let_go() -> None:
    while _taken.locks:
        _taken.locks.pop().release()


def _open_in_child() -> None:
    left = [lock for _, lock in _locks if lock not in _taken.locks]
    _let_go()
    for lock in left:
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(before=_take, after_in_parent=_let_go, after_in_child=_open_in_child)
