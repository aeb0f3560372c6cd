"""Strings and variants of a data file, verified and decoded in pieces: none of them is in memory as a whole.

``payload`` says how they are laid out, and decodes what is small enough to be read at once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from crc32c import crc32c

from minitf.core.spec import total_size
from minitf.errors import DataLossError
from minitf.storage import string_pieces
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import Disk, read_fully
from minitf.storage.filling import MANY
from minitf.storage.string_pieces import Put
from minitf.storage.values import Array, check_shape
from minitf.storage.varint import read_varint

PIECE = 1 << 16  # bytes of lengths that are decoded at a time
LONGEST = 10  # bytes of a varint


class Stored(Protocol):
    """A value of strings in an open file. All raise DataLossError."""

    def measure(self) -> None:
        """Verifies so much that an array may be made: that there are as many strings as the shape says."""

    def check(self) -> None:
        """Verifies everything."""

    def fill(self, put: Put) -> None:
        """Reads the strings to where they are to be, after ``measure``, and verifies everything once more."""

    def lengths(self) -> Iterator[Array]:
        """The lengths of all strings, some at a time."""

    def text(self) -> Iterator[memoryview]:
        """The strings, one after the other, in pieces; verifies everything."""


def stored(disk: Disk, handle: int, path: str, entry: Entry, where: str, big_endian: bool) -> Stored:
    """A value of strings or variants; ``where`` is what messages call it. Raises UnimplementedError."""
    check_shape(entry.shape, entry.dtype, where)
    bytes_of_it = _Bytes(disk, handle, path, entry.offset, entry.size)
    if entry.dtype.kind == "S":
        return _Strings(bytes_of_it, entry, where, ">" if big_endian else "<")
    if big_endian:
        raise payload.undefined(where)
    return _Variants(bytes_of_it, entry, where)


def read(value: Stored, shape: tuple[int, ...]) -> Array:
    """The strings as a new array."""
    value.measure()
    array: Any = np.empty(shape, object)
    value.fill(putting(array))
    return array  # type: ignore[no-any-return]


def putting(array: Array) -> Put:
    """Puts strings into a C-ordered array."""
    flat = array.reshape(-1)

    def put(start: int, items: list[bytes]) -> None:
        flat[start : start + len(items)] = items

    return put


class _Bytes:
    """The bytes of a value, from ``at`` on in turn. ``crc`` is the checksum of those that were fetched."""

    def __init__(self, disk: Disk, handle: int, path: str, offset: int, size: int):
        self.disk = disk
        self.handle = handle
        self.path = path
        self.offset = offset
        self.size = size
        self.at = 0

    def go_to(self, at: int) -> None:
        self.at = at
        self.crc = 0

    def fetch(self, into: memoryview) -> None:
        """Fills a buffer. Raises DataLossError where the bytes, or those of the file, end before."""
        if len(into) > spans.CHUNK:
            self._has(len(into))
            (crc,) = spans.read(self.disk, self.handle, [(self.offset + self.at, into)], self.path)
            self.crc = spans.combine(self.crc, crc, len(into))
        else:
            self.look(into)
            self.crc = crc32c(into, self.crc)
        self.at += len(into)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """``fetch`` of bytes that are there, some at a time, each time into the same buffer."""
        room = memoryview(bytearray(min(spans.CHUNK, size)))
        for start in range(0, size, spans.CHUNK):
            here = room[: size - start]
            self.fetch(here)
            yield here

    def look(self, into: memoryview) -> None:
        """``fetch`` that stays where it is."""
        self._has(len(into))
        if read_fully(self.disk, self.handle, into, self.offset + self.at) < len(into):
            raise DataLossError(f"{self.path}: the file became shorter while it was being read.")

    def skip(self, size: int) -> None:
        """``fetch`` of bytes that are there and that nobody wants but for their checksum."""
        if size <= spans.CHUNK:
            self.fetch(memoryview(bytearray(size)))
            return
        (crc,) = spans.check(self.disk, self.handle, [(self.offset + self.at, size)], self.path)
        self.crc = spans.combine(self.crc, crc, size)
        self.at += size

    def _has(self, size: int) -> None:
        if size > self.size - self.at:
            raise DataLossError(f"{self.path}: the file changed while it was being read.")


class _Strings:
    def __init__(self, found: _Bytes, entry: Entry, where: str, order: str):
        self._bytes = found
        self._entry = entry
        self._where = where
        self._order = order

    def measure(self) -> None:
        crc = total = at = 0
        for some, behind in self._pieces_of_lengths():
            crc = self._with_lengths(some, crc)
            total += int(some.sum())
            at = behind
        self._bytes.go_to(at)
        left = self._bytes.size - at - 4
        payload.check_lengths(self._where, total_size(self._entry.shape), left)
        trailer = bytearray(4)
        self._bytes.fetch(memoryview(trailer))
        payload.check_length_crc(self._where, trailer, crc, self._order)
        payload.check_room(self._where, total, left)
        self._lengths: int = crc32c(trailer, crc)
        self._text = at + 4  # where the strings begin

    def check(self) -> None:
        self.measure()
        self._bytes.go_to(self._text)
        self._bytes.skip(self._bytes.size - self._text)
        self._check_crc(self._lengths)

    def fill(self, put: Put) -> None:
        crc = 0

        def lengths() -> Iterator[Array]:
            nonlocal crc
            for some, _ in self._pieces_of_lengths():
                crc = self._with_lengths(some, crc)
                yield some

        self._bytes.go_to(self._text)
        string_pieces.fill(lengths(), self._bytes.fetch, put)
        self._check_crc(crc32c(struct.pack(f"{self._order}I", mask(crc)), crc))

    def lengths(self) -> Iterator[Array]:
        self.measure()
        return (some for some, _ in self._pieces_of_lengths())

    def text(self) -> Iterator[memoryview]:
        self.measure()
        self._bytes.go_to(self._text)
        yield from self._bytes.pieces(self._bytes.size - self._text)
        self._check_crc(self._lengths)

    def _check_crc(self, before: int) -> None:
        found = spans.combine(before, self._bytes.crc, self._bytes.at - self._text)
        payload.check_crc(mask(found), self._entry, self._where)

    def _with_lengths(self, some: Array, crc: int) -> int:
        after: int = crc32c(payload.fixed_lengths(some.tolist(), self._order), crc)
        return after

    def _pieces_of_lengths(self) -> Iterator[tuple[Array, int]]:
        """All lengths, some at a time, and where those behind them begin."""
        count, at, number = total_size(self._entry.shape), 0, 0
        room, source = bytearray(PIECE), self._bytes
        while number < count:
            there = memoryview(room)[: min(PIECE, source.size - at)]
            here = _Bytes(source.disk, source.handle, source.path, source.offset + at, len(there))
            here.look(there)
            some, used = self._decoded(there, count - number, number, at)
            number, at = number + len(some), at + used
            yield some, at

    def _decoded(self, data: memoryview, count: int, number: int, at: int) -> tuple[Array, int]:
        """The whole varints at the beginning of the data, at most ``count``, and how many bytes they take."""
        raw = np.frombuffer(data, np.uint8)
        stops = np.flatnonzero(raw < 128)[:count] + 1
        if not len(stops):
            raise payload.no_length(self._where, number, at)
        starts = np.concatenate(([0], stops[:-1]))
        widths = stops - starts
        widest = int(widths.max())
        if widest > 4:
            found = self._one_by_one(data, starts.tolist(), number, at)
        else:
            found = raw[starts].astype(np.int64) & 127
            for place in range(1, widest):
                more = widths > place
                found[more] |= (raw[starts[more] + place].astype(np.int64) & 127) << 7 * place
        if int(found.max()) > self._bytes.size:
            first = int(np.argmax(found > self._bytes.size))
            raise payload.too_long(self._where, number + first, int(found[first]), self._bytes.size)
        return found, int(stops[-1])

    def _one_by_one(self, data: memoryview, starts: list[int], number: int, at: int) -> Array:
        """Varints of any length."""
        found: list[int] = []
        for start in starts:
            try:
                length, _ = read_varint(data, start, len(data))
            except DataLossError:
                raise payload.no_length(self._where, number + len(found), at + start) from None
            if length > self._bytes.size:
                raise payload.too_long(self._where, number + len(found), length, self._bytes.size)
            found.append(length)
        return np.array(found, np.int64)


class _Variants:
    def __init__(self, found: _Bytes, entry: Entry, where: str):
        self._bytes = found
        self._entry = entry
        self._where = where

    def measure(self) -> None:
        self.check()

    def check(self) -> None:
        for _, length in self._elements():
            self._bytes.skip(length)

    def fill(self, put: Put) -> None:
        for number, length in self._elements():
            string_pieces.put_next(number, [length], self._bytes.fetch, put)

    def lengths(self) -> Iterator[Array]:
        self.check()
        found = []
        for _, length in self._elements():
            self._bytes.skip(length)
            found.append(length)
            if len(found) == MANY:
                yield np.array(found, np.int64)
                found = []
        yield np.array(found, np.int64)

    def text(self) -> Iterator[memoryview]:
        for _, length in self._elements():
            yield from self._bytes.pieces(length)

    def _elements(self) -> Iterator[tuple[int, int]]:
        """Number and length of each element; whoever asks moves over its bytes."""
        crc, source = 0, self._bytes
        source.go_to(0)
        trailer = bytearray(4)
        for number in range(total_size(self._entry.shape)):
            length = self._length(number)
            source.crc = crc32c(struct.pack("<Q", length), crc)
            yield number, length
            crc = source.crc
            source.fetch(memoryview(trailer))
            payload.check_variant_crc(self._where, number, trailer, crc)
            crc = source.crc
        payload.check_end(self._where, source.size - source.at)
        payload.check_crc(mask(crc), self._entry, self._where)

    def _length(self, number: int) -> int:
        """The length of the next element, which is all there."""
        source = self._bytes
        start = memoryview(bytearray(min(LONGEST, source.size - source.at)))
        source.look(start)
        length, used = payload.variant_length(self._where, number, start, 0, source.at, source.size)
        source.at += used
        return length
