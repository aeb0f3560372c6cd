"""Values that are gone through piece by piece, each time anew: who copies, compares or verifies large ones holds none of them.

The elements come in the order of rows. What stands in a file is verified while it is gone through: that it was sound is known
when the last piece has come, which is to be waited for.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import AbortedError
from minitf.storage import string_pieces
from minitf.storage.filling import MANY, PIECE, Bytes
from minitf.storage.regions import box_of, boxes_of_run, cut, intersection, join, moved, touched, volume
from minitf.storage.values import Array, Extent, as_value, bytes_view, each_as_bytes, gathered

LEAST = 1 << 16  # bytes; smaller values are read as arrays
OPEN = 64  # pieces of a tensor that are gone through at the same time, each of which may have a file open


@dataclass(frozen=True, eq=False)
class Numbers:
    """A value of numbers. ``pieces`` gives flat arrays, each of which is good until the next one is asked for."""

    dtype: DType
    shape: tuple[int, ...]
    pieces: Callable[[], Iterator[Array]]


@dataclass(frozen=True, eq=False)
class Texts:
    """A value of strings or serialized variants: the lengths of all, some at a time, and the bytes of all, in any pieces.

    Only ``text`` verifies everything. Its pieces, too, are good until the next one is asked for.
    """

    dtype: DType
    shape: tuple[int, ...]
    lengths: Callable[[], Iterator[Array]]
    text: Callable[[], Iterator[Bytes]]


Flow = Numbers | Texts


class Long(NamedTuple):
    """Stands for a long string: another one with this length and digest is the same."""

    length: int
    digest: bytes


def source_of(value: Any, key: str) -> tuple[DType, Array | Flow]:
    """``as_value`` that leaves a flow as it is."""
    return (value.dtype, value) if isinstance(value, Numbers | Texts) else as_value(value, key)


def flow_of(value: Any, key: str) -> Flow:
    """A value that can be written as a flow; one that is a flow already as it is. Raises InvalidArgumentError."""
    if isinstance(value, Numbers | Texts):
        return value
    dtype, array = as_value(value, key)
    flat = array.reshape(-1)
    if dtype.kind not in "SV":
        return Numbers(dtype, array.shape, lambda: iter((flat,)))

    def lengths() -> Iterator[Array]:
        for start in range(0, flat.size, MANY):
            yield np.array([len(item) for item in each_as_bytes(flat[start : start + MANY], key)], np.int64)

    return Texts(dtype, array.shape, lengths, lambda: gathered(each_as_bytes(flat, key), PIECE))


def gone_through(flow: Flow) -> int:
    """Verifies a value; gives its bytes, of strings those of their text. Raises as reading it does."""
    if isinstance(flow, Texts):
        return sum(map(len, flow.text()))
    return sum(piece.nbytes for piece in flow.pieces())


def in_memory(flow: Flow) -> Array:
    """The value as a new array."""
    out: Array = np.empty(flow.shape, flow.dtype.np)
    flat, at = out.reshape(-1), 0
    if isinstance(flow, Texts):
        text = Cursor(flow.text())

        def put(number: int, items: list[bytes]) -> None:
            flat[number : number + len(items)] = items

        string_pieces.fill(flow.lengths(), text.fetch, put)
        text.finish()
        return out
    for piece in flow.pieces():
        flat[at : at + piece.size] = piece
        at += piece.size
    return out


class Cursor:
    """Takes bytes, as many as somebody wants at a time, out of pieces."""

    def __init__(self, pieces: Iterable[Bytes]):
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def take(self, size: int) -> Iterator[memoryview]:
        """The next bytes, in pieces. Raises AbortedError if there are no more."""
        while size:
            if not self._left:
                piece = next(self._pieces, None)
                if piece is None:
                    raise AbortedError("read: the strings of a value have changed while they were read.")
                self._left = memoryview(piece)
            here, self._left = self._left[:size], self._left[size:]
            size -= len(here)
            yield here

    def fetch(self, room: memoryview) -> None:
        """Fills a buffer with the next bytes."""
        at = 0
        for piece in self.take(len(room)):
            room[at : at + len(piece)] = piece
            at += len(piece)

    def skip(self, size: int) -> None:
        """Moves on."""
        deque(self.take(size), 0)

    def finish(self) -> None:
        """Goes to the end, where everything is verified."""
        deque(self._pieces, 0)


class _Taken:
    """Takes elements, as many as somebody wants at a time, out of a value of numbers."""

    def __init__(self, flow: Numbers):
        self._bytes = Cursor(map(bytes_view, flow.pieces()))
        self._dtype = flow.dtype.np
        self._left = total_size(flow.shape)

    def take(self, count: int) -> Array:
        room = bytearray(count * self._dtype.itemsize)
        self._bytes.fetch(memoryview(room))
        self._left -= count
        if not self._left:  # nothing stays open that is not needed
            self._bytes.finish()
        out: Array = np.frombuffer(room, self._dtype)
        return out


def side_by_side(first: Numbers, second: Numbers, count: int) -> Iterator[tuple[Array, Array]]:
    """Two values of one dtype and shape, ``count`` elements of both at a time."""
    a, b, size = _Taken(first), _Taken(second), total_size(first.shape)
    for start in range(0, size, count):
        some = min(count, size - start)
        yield a.take(some), b.take(some)


def items(flow: Texts) -> Iterator[list[bytes | Long]]:
    """The elements, some at a time; of long ones what tells them from others."""
    source = Cursor(flow.text())
    for some in flow.lengths():
        for sizes in string_pieces.together(some):
            if sizes[0] > string_pieces.TOGETHER:
                digest = blake2b()
                for piece in source.take(sizes[0]):
                    digest.update(piece)
                yield [Long(sizes[0], digest.digest())]
            else:
                yield list(string_pieces.short(sizes, source.fetch))
    source.finish()


def beginnings(flow: Texts, count: int, longest: int) -> list[tuple[int, bytes]]:
    """Of the first elements the length, and as many bytes as are to be seen; all elements are verified."""
    source, out = Cursor(flow.text()), []
    for length in itertools.islice(itertools.chain.from_iterable(some.tolist() for some in flow.lengths()), count):
        room = bytearray(min(length, longest))
        source.fetch(memoryview(room))
        source.skip(length - len(room))
        out.append((length, bytes(room)))
    source.finish()
    return out


def joined(shape: tuple[int, ...], parts: Sequence[tuple[tuple[Extent, ...], Flow]], where: str) -> Flow:
    """A tensor put together from its pieces. Raises as ``regions.touched``.

    Strings are in memory while somebody goes through them, and so is what is not in the order of rows and in very many pieces.
    """
    everything = box_of((None,) * len(shape), shape)
    boxes = [box_of(extents, shape) for extents, _ in parts]
    touched(shape, [extents for extents, _ in parts], everything, where)
    dtype = parts[0][1].dtype
    if dtype.kind in "SV":
        return _joined_texts(dtype, shape, parts, where)
    in_turn = all(side == all_of_it for box in boxes for side, all_of_it in zip(box[1:], everything[1:], strict=True))

    def pieces() -> Iterator[Array]:
        flows: list[Any] = [flow for _, flow in parts]
        if len(flows) > OPEN and not in_turn:
            flows = [flow_of(in_memory(flow), where) for flow in flows]
        sources = [_Taken(flow) for flow in flows]
        step, count = max(1, PIECE // dtype.size), total_size(shape)
        for start in range(0, count, step):
            for box in boxes_of_run(shape, start, min(start + step, count)):
                out: Array = np.empty([side.stop - side.start for side in box], dtype.np)
                for place, source in zip(boxes, sources, strict=True):
                    common = intersection(box, place)
                    if common is not None:
                        found = source.take(volume(common))
                        out[moved(common, box)] = found.reshape([side.stop - side.start for side in common])
                yield out.reshape(-1)

    return Numbers(dtype, shape, pieces)


def _joined_texts(dtype: DType, shape: tuple[int, ...], parts: Sequence[tuple[tuple[Extent, ...], Any]], where: str) -> Texts:
    def found() -> Any:
        everything = box_of((None,) * len(shape), shape)
        read = dict(parts)
        fetch = lambda extents, box: cut(in_memory(read[extents]), box)  # noqa: E731
        return flow_of(join(dtype, shape, list(read), everything, fetch, where), where)

    return Texts(dtype, shape, lambda: found().lengths(), lambda: found().text())
