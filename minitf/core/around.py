"""Wrappers around the parts of a program, for as long as somebody looks.

Parts that follow a protocol are chosen in few places: a runtime when it is entered, the executor of a session when the session
is made, the storage of a save, the disk of a rename, a restore when it begins. Each place takes ``around(kind, part)``: the
part itself, or what a recorder of this context puts around it. What runs often (an op, a run of a session, an assignment) asks
nobody, so nothing costs when nobody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, SupportsIndex, TypeVar

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open

_T = TypeVar("_T")
_wrappers: ContextVar[tuple[Callable[[str, Any], Any], ...]] = ContextVar("minitf_wrappers", default=())
_count = 0  # contexts with wrappers, process-wide
_lock = whole_in_children(left_open(threading.Lock()))


def around(kind: str, part: _T) -> _T:
    """``part``, or what the wrappers of this context put around it.

    ``kind`` is ``runtime``, ``executor``, ``storage``, ``disk``, ``restoration`` (its wrappers only listen) or
    ``named restore``.
    """
    if _count:
        for wrap in _wrappers.get():
            part = wrap(kind, part)
    return part


@contextmanager
def wrapped(wrap: Callable[[str, Any], Any]) -> Iterator[None]:
    """Inside, parts that are chosen in this thread and task go through ``wrap(kind, part)``, after the wrappers outside."""
    global _count
    with _lock:
        _count += 1
    token = _wrappers.set((*_wrappers.get(), wrap))
    try:
        yield
    finally:
        _wrappers.reset(token)
        with _lock:
            _count -= 1


class Told(list[_T]):
    """A list that tells its ``listeners`` what is added to it, after it was added, and from where on it is deleted, before."""

    def __init__(self, items: Iterable[_T]):
        super().__init__(items)
        self.listeners: list[tuple[Callable[[list[_T]], None], Callable[[int], None] | None]] = []

    def append(self, item: _T) -> None:
        """Appends and tells."""
        super().append(item)
        for added, _ in self.listeners:
            added([item])

    def extend(self, items: Iterable[_T]) -> None:
        """Appends all and tells once."""
        new = list(items)
        super().extend(new)
        for added, _ in self.listeners:
            added(new)

    def __delitem__(self, place: SupportsIndex | slice) -> None:
        start = range(len(self))[place].start if isinstance(place, slice) else range(len(self))[place]
        for _, deleted in self.listeners:
            if deleted is not None:
                deleted(start)
        super().__delitem__(place)


def told(items: list[_T], added: Callable[[list[_T]], None], deleted: Callable[[int], None] | None = None) -> list[_T]:
    """The list with one listener more; a plain list becomes one that tells."""
    out = items if isinstance(items, Told) else Told(items)
    out.listeners.append((added, deleted))
    return out


def untold(items: list[_T], added: Callable[[list[_T]], None]) -> list[_T]:
    """The list without this listener; a plain one again if nobody listens any more."""
    if not isinstance(items, Told):
        return items
    items.listeners[:] = [pair for pair in items.listeners if pair[0] != added]
    return items if items.listeners else list(items)
