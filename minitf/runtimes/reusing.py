"""Reading values into the memory of those that they replace, where that may be done.

Memory is reused if nobody else holds it and there is much of it: a second copy of everything might not fit, while a little is
read faster into new memory.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from operator import itemgetter
from typing import Any

import numpy as np

from minitf.core.overwriting import Resizable, overwriting
from minitf.core.spec import Spec
from minitf.core.state import Cell

Reading = tuple[list[Any], Callable[[], None]]
LARGE = 1 << 20  # an array of so many bytes is read into the memory of the old value,
MUCH = 1 << 25  # if all together have so many; and smaller ones, if those have so many
STRINGS = np.dtype(object)
HEAD = sys.getsizeof(b"")  # what a string takes besides its bytes
COUNTED = 1 << 14  # strings that are looked at together


def reading(
    reader: Any, keys: Sequence[str], cells: Sequence[Cell | None], check: Callable[[int, Any], None]
) -> AbstractContextManager[Reading]:
    """The values of the keys, and a function that fills in what goes into the memory of the first keys' cells.

    ``check`` raises for a value, known by dtype and shape, that the variable of this number does not take. Where much may be
    read in vain it is asked before.

    Memory is reused if nobody else holds it and there is much of it: a second copy of everything might not fit, while a little
    is read faster into new memory. Inside, everything is read and verified, and other threads that read such a cell wait.
    """
    if getattr(reader, "first_use", False):
        return nullcontext((_untouched(reader, keys, len(cells)), nothing))
    arrays = [cell.value for cell in cells if type(cell) is Cell]
    sizes = [a.nbytes if a.dtype is not STRINGS else _with_strings(a) for a in arrays if a is not None]
    total = sum(sizes)
    if hasattr(reader, "stored_bytes") and reader.stored_bytes() > total + MUCH:
        for number in range(len(cells)):
            check(number, _Described(reader.spec(keys[number])))
    if not hasattr(reader, "reading_over") or total < MUCH:
        return nullcontext((reader.read_many(keys), nothing))
    return _over(reader, keys, cells, check)


class _Described:
    """What is known of a value that has not been read."""

    __slots__ = ("dtype", "shape")

    def __init__(self, spec: Spec):
        self.dtype = spec.dtype.np
        self.shape: Any = spec.shape


@contextmanager
def _over(
    reader: Any, keys: Sequence[str], cells: Sequence[Cell | None], check: Callable[[int, Any], None]
) -> Iterator[Reading]:  # fmt: skip
    large = _large(cells)
    wanted = set(map(id, large))
    stored = {number: _Described(reader.spec(keys[number])) for number, cell in enumerate(cells) if id(cell) in wanted}
    for number, described in stored.items():
        check(number, described)
    with overwriting(large) as mine:
        busy = set(map(id, mine))
        spare = [cell.value if id(cell) in busy and _alone(cell) else None for cell in cells]  # type: ignore[union-attr, arg-type]
        for number, described in stored.items():
            array = spare[number]
            if array is not None and array.shape != described.shape:
                resizable = described.shape and array.ndim and array.flags.owndata
                spare[number] = Resizable(array, described.shape) if resizable else None
            del array
        with reader.reading_over(keys, spare + [None] * (len(keys) - len(spare))) as found:
            yield found


def _large(cells: Sequence[Cell | None]) -> list[Cell]:
    """The cells whose memory is worth being reused: so many that what the others need anew is little."""
    held = [(_bytes_in(cell.value), cell) for cell in cells if type(cell) is Cell and cell.value is not None]
    held.sort(key=itemgetter(0))
    left = MUCH
    for number, (size, _) in enumerate(held):
        left -= size
        if left < 0 or size >= LARGE:
            return [cell for _, cell in held[number:]]
    return []


def _bytes_in(array: Any) -> int:
    size: int = array.nbytes if array.dtype is not STRINGS else _with_strings(array)
    return size


def _with_strings(array: Any) -> int:
    """Bytes that an array of strings and these take; no more are counted than are much."""
    flat, size = array.reshape(-1), int(array.nbytes)
    for start in range(0, flat.size, COUNTED):
        some = flat[start : start + COUNTED].tolist()
        size += sum(map(len, some)) + HEAD * len(some)
        if size >= MUCH:
            break
    return size


def _untouched(reader: Any, keys: Sequence[str], count: int) -> list[Any]:
    """The values of the keys; those of the first ones, which are variables', unverified where that can be."""
    found = [*reader.unverified(keys[:count]), *[None] * (len(keys) - count)]
    rest = iter(reader.read_many([key for key, value in zip(keys, found, strict=True) if value is None]))
    return [next(rest) if value is None else value for value in found]


def nothing() -> None:
    """Nothing is left to be filled in."""


def _alone(cell: Cell) -> bool:
    """True if the cell has an array that nobody else holds."""
    value = cell.value
    return (
        type(value) is np.ndarray
        and value.base is None
        and value.flags.c_contiguous
        and value.flags.writeable
        and sys.getrefcount(value) <= _references()
    )


@functools.cache
def _references() -> int:
    """What getrefcount says in ``_alone`` of an array that only a cell holds (interpreters differ)."""
    cell = Cell(None, np.zeros(1))  # type: ignore[arg-type]

    def count(cell: Cell) -> int:
        value = cell.value
        return sys.getrefcount(value)

    return count(cell)
