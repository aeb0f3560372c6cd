"""Large values whose bytes in the file are others than in memory, given out in pieces: no second copy of them is made.

``payload`` says what the bytes are, and makes those of small values at once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

from crc32c import crc32c

from minitf.core.spec import total_size
from minitf.errors import InvalidArgumentError
from minitf.storage.bundle import payload
from minitf.storage.bundle.coding import mask
from minitf.storage.flows import Cursor, Flow, Numbers, Texts
from minitf.storage.values import Array, as_bytes, bytes_view, gathered
from minitf.storage.varint import varint

SOME = 1 << 12  # strings that are looked at together
PIECE = 1 << 20  # bytes that are written together


class Stream:
    """The bytes of a value, whose number is its length; ``crc`` is the value's checksum when all have been given out."""

    def __init__(self, size: int, key: str, parts: Callable[[Stream], Iterator[Any]]):
        self._size = size
        self._key = key
        self._parts = parts
        self.crc: int

    def __len__(self) -> int:
        return self._size

    def pieces(self) -> Iterator[Any]:
        """The bytes, at most ``PIECE`` at a time. Raises InvalidArgumentError if they have become more or fewer."""
        self.crc, left = 0, self._size
        for some in gathered(self._parts(self), PIECE):
            left -= len(some)
            view = memoryview(some)
            yield from (view[start : start + PIECE] for start in range(0, len(view), PIECE))
        if left:
            raise InvalidArgumentError(f"write: the strings of {self._key!r} have changed while they were written.")


def is_large(array: Array) -> bool:
    """True if strings are worth being written in pieces."""
    return array.size > SOME or _text_size(array) > PIECE


def strings(array: Array, key: str, big_endian: bool) -> Stream:
    """A string tensor. Raises InvalidArgumentError for elements that are none."""
    order = ">" if big_endian else "<"
    size = 4
    for items in _some(array, key):
        lengths = list(map(len, items))
        size += len(_varints(lengths)) + sum(lengths)

    def parts(stream: Stream) -> Iterator[Any]:
        for items in _some(array, key):
            lengths = list(map(len, items))
            stream.crc = crc32c(payload.fixed_lengths(lengths, order), stream.crc)
            yield _varints(lengths)
        stored = struct.pack(f"{order}I", mask(stream.crc))
        stream.crc = crc32c(stored, stream.crc)
        yield stored
        for items in _some(array, key):
            for text in [b"".join(items)] if sum(map(len, items)) <= PIECE else items:
                stream.crc = crc32c(text, stream.crc)
                yield text

    return Stream(size, key, parts)


def variants(array: Array, key: str) -> Stream:
    """A variant tensor, given as serialized elements. Raises InvalidArgumentError for elements that are none."""
    size = 0
    for items in _some(array, key):
        lengths = list(map(len, items))
        size += len(_varints(lengths)) + sum(lengths) + 4 * len(lengths)

    def parts(stream: Stream) -> Iterator[Any]:
        for items in _some(array, key):
            for item in items:
                stream.crc = crc32c(item, crc32c(struct.pack("<Q", len(item)), stream.crc))
                stored = struct.pack("<I", mask(stream.crc))
                stream.crc = crc32c(stored, stream.crc)
                yield varint(len(item))
                yield item
                yield stored

    return Stream(size, key, parts)


def swapped(array: Array, key: str) -> Stream:
    """Numbers with their bytes in the other order."""
    flat, step = array.reshape(-1), PIECE // array.dtype.itemsize

    def parts(stream: Stream) -> Iterator[Any]:
        for start in range(0, flat.size, step):
            piece = bytes_view(payload.swapped(flat[start : start + step]))
            stream.crc = crc32c(piece, stream.crc)
            yield piece

    return Stream(array.nbytes, key, parts)


def of_flow(flow: Flow, key: str, big_endian: bool) -> Stream:
    """A value that is gone through piece by piece."""
    if isinstance(flow, Numbers):
        return _of_numbers(flow, key, big_endian)
    return _of_strings(flow, key, ">" if big_endian else "<") if flow.dtype.kind == "S" else _of_variants(flow, key)


def _of_numbers(flow: Numbers, key: str, big_endian: bool) -> Stream:
    def parts(stream: Stream) -> Iterator[Any]:
        for piece in flow.pieces():
            view = bytes_view(payload.swapped(piece) if big_endian else piece)
            stream.crc = crc32c(view, stream.crc)
            yield from _copies(view)

    return Stream(total_size(flow.shape) * flow.dtype.size, key, parts)


def _of_strings(flow: Texts, key: str, order: str) -> Stream:
    size = 4 + sum(len(_varints(some)) + sum(some) for some in _lengths(flow))

    def parts(stream: Stream) -> Iterator[Any]:
        for some in _lengths(flow):
            stream.crc = crc32c(payload.fixed_lengths(some, order), stream.crc)
            yield _varints(some)
        stored = struct.pack(f"{order}I", mask(stream.crc))
        stream.crc = crc32c(stored, stream.crc)
        yield stored
        for piece in flow.text():
            stream.crc = crc32c(piece, stream.crc)
            yield from _copies(piece)

    return Stream(size, key, parts)


def _of_variants(flow: Texts, key: str) -> Stream:
    size = sum(len(_varints(some)) + sum(some) + 4 * len(some) for some in _lengths(flow))

    def parts(stream: Stream) -> Iterator[Any]:
        text = Cursor(flow.text())
        for some in _lengths(flow):
            for length in some:
                stream.crc = crc32c(struct.pack("<Q", length), stream.crc)
                yield varint(length)
                for piece in text.take(length):
                    stream.crc = crc32c(piece, stream.crc)
                    yield from _copies(piece)
                stored = struct.pack("<I", mask(stream.crc))
                stream.crc = crc32c(stored, stream.crc)
                yield stored
        text.finish()

    return Stream(size, key, parts)


def _lengths(flow: Texts) -> Iterator[list[int]]:
    return (some.tolist() for some in flow.lengths() if len(some))


def _copies(piece: Any) -> Iterator[bytes]:
    """Pieces that stay as they are while they are joined with those behind them."""
    return (bytes(piece[start : start + PIECE]) for start in range(0, len(piece), PIECE))


def _some(array: Array, key: str) -> Iterator[list[bytes]]:
    """The elements, some at a time; of str, which are encoded, only as many as have few bytes, or one."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, SOME):
        some = flat[start : start + SOME]
        items = some.tolist()
        if set(map(type, items)) == {bytes}:
            yield items
        elif _text_size(some) <= PIECE:
            yield as_bytes(some, key)
        else:
            yield from (as_bytes(some[number : number + 1], key) for number in range(len(some)))


def _text_size(array: Array) -> int:
    return sum([len(item) for item in array.ravel().tolist() if isinstance(item, str | bytes)])


def _varints(lengths: list[int]) -> bytes:
    return bytes(lengths) if max(lengths) < 128 else b"".join(map(varint, lengths))
