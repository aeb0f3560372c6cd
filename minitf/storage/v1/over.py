"""Values of a V1 checkpoint read into memory that is there: twice, to verify them and to fill the memory.

A value of a MiB and more has a block almost for itself. It goes through memory in pieces: a block's checksum is put together
from those of what stands before the numbers, of the numbers and of what stands behind them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from crc32c import crc32c

from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError
from minitf.storage.bundle import spans
from minitf.storage.bundle.block import BLOCK_SIZE, LARGE, PLAIN, TRAILER, find_value
from minitf.storage.bundle.coding import mask, slice_key
from minitf.storage.files import Disk, read_fully, typed
from minitf.storage.keys import bytes_of
from minitf.storage.regions import slice_shape
from minitf.storage.v1.numbers import PACKINGS, PIECE, most_bytes, narrow, unpack_pieces
from minitf.storage.v1.records import Slice, TensorMeta, packed_place
from minitf.storage.values import Array, Reading, bytes_view, has_array

if TYPE_CHECKING:
    from minitf.storage.v1.reader import SlicesReader, TableFile


class Place(NamedTuple):
    """Where in the file the numbers of a large value are, and their block with its type byte."""

    start: int
    stop: int
    block_start: int
    block_stop: int
    crc: int  # of the block, masked


@contextmanager
def reading_over(reader: SlicesReader, keys: Sequence[str], spare: Sequence[Any]) -> Iterator[Reading]:
    """``BundleReader.reading_over``."""
    taken = [array is not None and _fits(reader.meta(key), array) for key, array in zip(keys, spare, strict=True)]
    rest = iter(reader.read_many([key for key, fits in zip(keys, taken, strict=True) if not fits]))
    wanted: dict[int, tuple[TableFile, list[tuple[TensorMeta, Array]]]] = {}
    for key, array, fits in zip(keys, spare, taken, strict=True):
        if fits:
            meta = reader.meta(key)
            file = reader.file_of(meta, meta.slices[0])
            wanted.setdefault(id(file), (file, []))[1].append((meta, array))
    with ExitStack() as stack:
        opened = []
        for file, found in wanted.values():
            with file.kept_open(stack) as handle:
                found.sort(key=lambda one: slice_key(bytes_of(one[0].name), ()))
                for meta, array in found:
                    _read(reader, file, meta, array, False)
                opened.append((file, handle, found))

        def fill() -> None:
            for file, handle, found in opened:
                with typed("read", file.path), file.reading(handle):
                    for meta, array in found:
                        _read(reader, file, meta, array, True)

        yield [array if fits else next(rest) for array, fits in zip(spare, taken, strict=True)], fill


def _fits(meta: TensorMeta, array: Array) -> bool:
    whole = meta.slices == ((None,) * len(meta.shape),)
    return whole and meta.dtype in PACKINGS and meta.dtype.np == array.dtype and meta.shape == array.shape and bool(array.size)


def _read(reader: SlicesReader, file: TableFile, meta: TensorMeta, array: Array, fill: bool) -> None:
    """Reads and verifies a value; into the array or, without ``fill``, to forget it."""
    where = f"{file.path}: key {meta.name!r}"
    place = _place(reader, file, meta, meta.slices[0], meta.shape)
    if place is not None:
        _pass(reader.disk, file.handle, place, meta.dtype, array, fill, where)
        return
    found = reader.piece(meta, meta.slices[0])
    if fill:
        array[...] = found


def read_large(reader: SlicesReader, file: TableFile, meta: TensorMeta, extents: Slice, where: str) -> Array | None:
    """A piece as a new array, if it is large; None for others, and for anything unusual. The file must be open."""
    shape = slice_shape(extents, meta.shape)
    place = _place(reader, file, meta, extents, shape)
    if place is None:
        return None
    array: Array = np.empty(shape, meta.dtype.np)
    _pass(reader.disk, file.handle, place, meta.dtype, array, True, where)
    return array


def _place(
    reader: SlicesReader, file: TableFile, meta: TensorMeta, extents: Slice, shape: tuple[int, ...]
) -> Place | None:  # fmt: skip
    """Where a large value is, if it is most of its block and may have as many elements as it should."""
    key = slice_key(bytes_of(meta.name), extents)
    start, length = file.block_of(key) or (0, 0)
    packing, count = PACKINGS.get(meta.dtype), total_size(shape)
    if length < LARGE or packing is None or 2 * count * most_bytes(meta.dtype) < length:
        return None
    begin, trailer = bytearray(2 * BLOCK_SIZE), bytearray(TRAILER)
    read_fully(reader.disk, file.handle, memoryview(begin), start)
    read_fully(reader.disk, file.handle, memoryview(trailer), start + length)
    at, size = find_value(begin, key) or (0, 0)
    packed = packed_place(memoryview(begin)[at:], size, packing.field)
    if packed is None or at + size > length or 2 * size < length or trailer[0] != PLAIN:
        return None
    room = packed[1] - packed[0]
    if not has_array(shape, meta.dtype.size) or (room < count if packing.bare is None else room != count * meta.dtype.size):
        return None
    crc = int.from_bytes(trailer[1:], "little")
    return Place(start + at + packed[0], start + at + packed[1], start, start + length + 1, crc)


def _pass(disk: Disk, handle: int, place: Place, dtype: DType, array: Array, fill: bool, where: str) -> None:
    size, behind = place.stop - place.start, place.block_stop - place.stop
    around = [(place.block_start, place.start - place.block_start), (place.stop, behind)]
    if PACKINGS[dtype].bare is None:
        crc = _varints(disk, handle, place, dtype, array, fill, where)
    elif fill:
        (crc,) = spans.read(disk, handle, [(place.start, bytes_view(array))], where)
    else:
        (crc,) = spans.check(disk, handle, [(place.start, size)], where)
    first, last = spans.check(disk, handle, around, where)
    found = mask(spans.combine(spans.combine(first, crc, size), last, behind))
    if found != place.crc:
        raise DataLossError(f"{where}: block checksum mismatch: stored {place.crc:08x}, calculated {found:08x}.")


def _varints(disk: Disk, handle: int, place: Place, dtype: DType, array: Array, fill: bool, where: str) -> int:
    """The checksum of packed numbers."""
    flat = array.reshape(-1)
    count = crc = 0

    def pieces() -> Iterator[bytearray]:
        nonlocal crc
        for start in range(place.start, place.stop, PIECE):
            piece = bytearray(min(PIECE, place.stop - start))
            if read_fully(disk, handle, memoryview(piece), start) < len(piece):
                raise DataLossError(f"{where}: the file became shorter while it was being read.")
            crc = crc32c(piece, crc)
            yield piece

    for numbers in unpack_pieces(pieces(), where):
        count += numbers.size
        if fill and count <= flat.size:
            flat[count - numbers.size : count] = narrow(dtype, numbers)
    if count != flat.size:
        raise DataLossError(f"{where}: {count} values stored; {dtype.name} {array.shape} has {flat.size}.")
    return crc
