"""Arrays that are there, filled with bytes that come in pieces: so a value needs no second copy of its own.

Strings stand as ``carried`` stores them: the lengths of all elements, 8 bytes each (little-endian), then the elements.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minitf.core.spec import total_size
from minitf.errors import DataLossError
from minitf.storage import string_pieces
from minitf.storage.regions import Box, box_of, boxes_of_run, intersection, moved, volume
from minitf.storage.string_pieces import Fetch
from minitf.storage.values import Array, as_bytes, string_array

PIECE = 1 << 20  # bytes that are in memory at a time
MANY = 1 << 14  # lengths that are in memory at a time

Bytes = bytes | bytearray | memoryview
Part = tuple[Box, Array]  # a part of a value, and where it goes to


class _Cut:
    """Makes elements of bytes that come in pieces."""

    def __init__(self, stored: np.dtype[Any]):
        self._stored = stored
        self._left = bytearray()  # of an element whose end is in the next piece

    def __call__(self, piece: Bytes) -> Array:
        """Those that end in the next piece."""
        if self._left or len(piece) % self._stored.itemsize:
            self._left += piece
            whole = len(self._left) // self._stored.itemsize * self._stored.itemsize
            piece = bytes(self._left[:whole])
            del self._left[:whole]
        return np.frombuffer(piece, self._stored)


def in_whole(pieces: Iterable[Bytes], stored: np.dtype[Any]) -> Iterator[Array]:
    """The elements in bytes that come in pieces."""
    return map(_Cut(stored), pieces)


class Elements:
    """Takes the elements of a value in the order of its rows, some at a time, and puts those that are wanted where they go.

    They may be of the other byte order, and NumPy's strings if they go into arrays of objects. Without parts they are only
    looked at. All methods raise ValueError for text that is none.
    """

    def __init__(self, shape: tuple[int, ...], stored: np.dtype[Any], parts: Sequence[Part]):
        self._shape = shape
        self._parts = parts
        self.count = 0  # of elements so far
        self._cut = _Cut(stored)

    def __call__(self, piece: Bytes) -> None:
        """The next bytes."""
        self.put(self._cut(piece))

    def put(self, found: Array) -> None:
        """The next elements."""
        if found.dtype.kind in "SU":
            found = texts(found)
        at = 0
        for box in boxes_of_run(self._shape, self.count, self.count + found.size if self._parts else 0):
            some = found[at : at + volume(box)].reshape([side.stop - side.start for side in box])
            at += some.size
            for wanted, array in self._parts:
                common = intersection(box, wanted)
                if common is not None:
                    array[moved(common, wanted)] = some[moved(common, box)]
        self.count += found.size

    def let_go(self) -> None:
        """Nobody needs the old string any more in whose place the next one comes."""
        if self.count < total_size(self._shape):
            self.put_strings(self.count, [b""])
            self.count -= 1

    def put_strings(self, number: int, items: list[bytes]) -> None:
        """Strings from this one on."""
        self.count = number
        self.put(string_array(items, (len(items),)))


def whole(array: Array) -> list[Part]:
    """All of a value, which goes into this array."""
    return [(box_of((None,) * array.ndim, array.shape), array)]


def straight(shape: tuple[int, ...], parts: Sequence[Part]) -> Array | None:
    """The array that all of a value goes to in its own order; None if there is no such."""
    box, array = parts[0]
    return array if len(parts) == 1 and volume(box) == total_size(shape) and array.flags.c_contiguous else None


def texts(found: Array) -> Array:
    """NumPy's strings as an array of bytes, text as UTF-8. Raises ValueError for numbers that are no text."""
    if found.dtype.kind == "U" and (found.view(np.dtype("u4").newbyteorder(found.dtype.byteorder)) > sys.maxunicode).any():
        raise ValueError("a sign of its text is no Unicode")
    return string_array(as_bytes(found, ""), found.shape)


def lengths_of(fetch: Fetch, count: int, size: int, where: str) -> Iterator[Array]:
    """The lengths of ``count`` strings, some at a time, with which a value of ``size`` bytes begins.

    Raises DataLossError if the strings do not take the rest of it, exactly.
    """
    left = size - 8 * count
    if left < 0:
        raise DataLossError(f"{where}: {size} bytes cannot hold {count} strings.")
    strings = 0
    for start in range(0, count, MANY):
        room = bytearray(8 * min(MANY, count - start))
        fetch(memoryview(room))
        found: Array = np.frombuffer(room, "<u8")
        strings += sum(found.tolist())
        if strings > left:
            break
        yield found.astype(np.int64)
    if strings != left:
        raise DataLossError(f"{where}: the strings have {strings} bytes; there are {left}.")


def fill_strings(elements: Elements, lengths: Iterator[Array], count: int, fetch: Fetch) -> None:
    """Puts strings where they go. ``fetch`` gives the whole value; the lengths, with which it begins, are known."""
    room = memoryview(bytearray(min(PIECE, 8 * count)))
    for start in range(0, 8 * count, PIECE):
        fetch(room[: 8 * count - start])
    string_pieces.fill(lengths, fetch, elements.put_strings)


def fill_numbers(elements: Elements, size: int, fetch: Fetch) -> None:
    """Puts the numbers of a value of so many bytes where they go."""
    room = memoryview(bytearray(min(PIECE, size)))
    for start in range(0, size, PIECE):
        fetch(room[: size - start])
        elements(room[: size - start])


def fetching(data: memoryview) -> Fetch:
    """Fetches bytes that are in memory."""
    at = 0

    def fetch(room: memoryview) -> None:
        nonlocal at
        room[:] = data[at : at + len(room)]
        at += len(room)

    return fetch
