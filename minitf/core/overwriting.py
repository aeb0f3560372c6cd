"""Cells whose memory somebody is about to overwrite: other threads that read one of them wait until that is done.

The cell is of another class meanwhile, so that all other cells read their values as fast as ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.core.state import Cell

_changing = whole_in_children(left_open(threading.Lock()))  # held while cells change their class
_held: Any = Cell.value  # type: ignore[misc]
_busy: dict[int, Overwriting] = {}  # by the identity of the cell, which the thread that overwrites it keeps


class Resizable:
    """An array whose memory may be overwritten by a value of another shape, which is ``wanted``: the variable takes it."""

    __slots__ = ("array", "dtype", "size", "wanted")
    shape = None  # so that it fits nothing for those who do not know it

    def __init__(self, array: Any, wanted: tuple[int, ...]):
        self.array = array
        self.dtype = array.dtype
        self.size = array.size
        self.wanted = wanted


class Overwriting:
    """Who overwrites, and when it is done."""

    __slots__ = ("done", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.done = threading.Event()


class BusyCell(Cell):
    """A cell that its own thread reads and everybody writes as usual, while others wait to read it."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The array, for other threads only when nobody overwrites it any more."""
        while True:
            with _changing:  # so that who overwrites next sees the reference that this thread gets
                overwriting = _busy.get(id(self))
                if overwriting is None or overwriting.thread == threading.get_ident():
                    return _held.__get__(self)
            overwriting.done.wait()

    @value.setter
    def value(self, value: Any) -> None:
        _held.__set__(self, value)

    @property
    def empty(self) -> bool:
        """False: what is overwritten was there."""
        return False


@contextmanager
def overwriting(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    """Inside, other threads wait when they read the cells. It gives those that nobody else overwrites already.

    Who has read before has the array, which shows in the number of references to it.
    """
    mine: list[Cell] = []
    now = Overwriting()
    try:
        with _changing:
            for cell in cells:
                if type(cell) is Cell:
                    mine.append(cell)
                    _busy[id(cell)] = now
                    cell.__class__ = BusyCell
        yield mine
    finally:
        with _changing:
            for cell in mine:
                cell.__class__ = Cell
                _busy.pop(id(cell), None)
        now.done.set()
