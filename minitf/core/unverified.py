"""Values that a variable takes over before anybody has looked at their bytes, and looks at when they are first needed.

The cell of such a variable is of another class until then, so that all other cells read their values as fast as ever.
"""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Sequence
from typing import Any

from numpy import ndarray

from minitf.core.at_once import at_once, exhaust
from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.core.overwriting import BusyCell
from minitf.core.state import Cell, in_order

_changing = whole_in_children(left_open(allocate_lock()))  # held while a cell changes its class together with what it holds
_held: Any = Cell.value  # type: ignore[misc]
_writes: Any = Cell.writes  # type: ignore[misc]
_set = object.__setattr__


class Unverified:
    """An array, known by ``dtype``, ``shape`` and ``nbytes``, with a check that is made before it is given out."""

    __slots__ = ("_array", "_check", "dtype", "nbytes", "shape")

    def __init__(self, array: Any, check: Callable[[], None]):
        self._array = array
        self._check = check
        self.dtype = array.dtype
        self.shape = array.shape
        self.nbytes = array.nbytes

    def verified(self) -> Any:
        """The array. Raises what the check raises, DataLossError."""
        self._check()
        return self._array


class UnverifiedCell(Cell):
    """A cell that verifies its value when it is first read, or forgets it when it is written; then it is an ordinary one."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The array, verified. Raises DataLossError each time until another value is written."""
        held = _held.__get__(self)
        if type(held) is not Unverified:
            return held
        array = held.verified()
        with _changing:
            if _held.__get__(self) is held:  # nobody has written meanwhile
                self._become_ordinary(array)
        return array

    @value.setter
    def value(self, value: Any) -> None:
        with _changing:
            self._become_ordinary(value)

    def _become_ordinary(self, value: Any) -> None:
        _held.__set__(self, value)
        self.__class__ = Cell  # type: ignore[assignment]

    @property
    def empty(self) -> bool:
        """False: there is a value, whatever it is."""
        return False


_OURS = {Cell, UnverifiedCell, BusyCell}


def take_over(cell: Cell, value: Any) -> None:
    """``cell.write(value)``, where ``value`` may be ``Unverified``: then the cell verifies it at its first use."""
    if type(value) is not Unverified:
        cell.write(value)
    elif isinstance(cell, UnverifiedCell) or type(cell) is Cell:
        with _changing:
            cell.__class__ = UnverifiedCell
            _held.__set__(cell, value)
        cell.writes += 1
    else:  # a class of somebody's own
        cell.write(value.verified())


def take_over_all(cells: Sequence[Any], values: Sequence[Any]) -> None:
    """``take_over`` of many, all at once: no signal and no other thread comes between two cells of minitf's classes."""
    values = [v if type(v) is not ndarray or v.flags.c_contiguous else in_order(v) for v in values]
    classes = set(map(type, cells))
    if classes <= _OURS:
        others: list[tuple[Any, Any]] = []
    else:  # classes of somebody's own
        others = [(cell, value) for cell, value in zip(cells, values, strict=True) if type(cell) not in _OURS]
        pairs = [(cell, value) for cell, value in zip(cells, values, strict=True) if type(cell) in _OURS]
        cells, values = [cell for cell, _ in pairs], [value for _, value in pairs]
    steps: list[tuple[Any, ...]] = []
    if classes != {Cell} or Unverified in set(map(type, values)):
        wanted = [UnverifiedCell if type(value) is Unverified else Cell for value in values]
        steps = [
            (_set, cell, "__class__", new)
            for cell, new in zip(cells, wanted, strict=True)
            if type(cell) is not new and type(cell) is not BusyCell
        ]
    with _changing:
        before = list(map(_held.__get__, cells))  # so that nothing is finalized between
        writes = [cell.writes + 1 for cell in cells]
        at_once(*steps, (exhaust, map(_held.__set__, cells, values)), (exhaust, map(_writes.__set__, cells, writes)))
    del before
    for cell, value in others:
        take_over(cell, value)
