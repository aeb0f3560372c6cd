"""Values of a V1 checkpoint read into memory that is there: twice, to verify them and to fill the memory.

A value of a MiB and more has a block almost for itself. It goes through memory in pieces, and the block with it. The pieces of
a partitioned tensor go to their places in the whole, each for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError
from minitf.storage.bundle import spans
from minitf.storage.bundle.block import LARGE, find_value
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.snappy import TooFar
from minitf.storage.files import typed
from minitf.storage.filling import Elements, Part, in_whole, straight, whole
from minitf.storage.keys import bytes_of
from minitf.storage.regions import region_box, slice_shape, touched
from minitf.storage.v1.blocks import LargeBlock
from minitf.storage.v1.numbers import PACKINGS, most_bytes, narrow, unpack_pieces
from minitf.storage.v1.records import Slice, TensorMeta, packed_place, tensor_place
from minitf.storage.v1.strings import OtherField, unpack_strings
from minitf.storage.values import Array, Reading, Region, bytes_view, has_array, string_array

if TYPE_CHECKING:
    from minitf.storage.v1.reader import SlicesReader, TableFile


class Piece(NamedTuple):
    """What is stored for itself, and where parts of it are to go."""

    meta: TensorMeta
    extents: Slice
    parts: list[Part]


class Place(NamedTuple):
    """Where in the contents of a block the numbers or strings of a large value are, and its shape."""

    block: LargeBlock
    start: int
    stop: int
    shape: tuple[int, ...]

    def pieces(self) -> Iterator[bytes]:
        """The bytes, all of which are verified at the end."""
        return self.block.part(self.start, self.stop)


@contextmanager
def reading_over(
    reader: SlicesReader, keys: Sequence[str], spare: Sequence[Any], regions: Sequence[Region | None] | None = None
) -> Iterator[Reading]:
    """``BundleReader.reading_over``, and ``reading_regions_over``."""
    where = [None] * len(keys) if regions is None else regions
    pieces: dict[tuple[str, Slice], Piece] = {}
    taken = [
        array is not None and _takes(reader, key, region, array, pieces)
        for key, region, array in zip(keys, where, spare, strict=True)
    ]
    rest = _others(reader, [(key, region) for key, region, mine in zip(keys, where, taken, strict=True) if not mine])
    wanted: dict[int, tuple[TableFile, list[Piece]]] = {}
    for piece in sorted(pieces.values(), key=lambda one: slice_key(bytes_of(one.meta.name), one.extents)):
        file = reader.file_of(piece.meta, piece.extents)
        wanted.setdefault(id(file), (file, []))[1].append(piece)
    with ExitStack() as stack:
        opened = []
        for file, found in wanted.values():
            with file.kept_open(stack) as handle:
                for piece in found:
                    _read(reader, file, piece, False)
                opened.append((file, handle, found))

        def fill() -> None:
            for file, handle, found in opened:
                with typed("read", file.path), file.reading(handle):
                    for piece in found:
                        _read(reader, file, piece, True)

        yield [array if mine else next(rest) for array, mine in zip(spare, taken, strict=True)], fill


def _others(reader: SlicesReader, wanted: Sequence[tuple[str, Region | None]]) -> Iterator[Any]:
    """The values for which no memory is there."""
    found = iter(reader.read_many([key for key, region in wanted if region is None]))
    return iter([next(found) if region is None else reader.read_slice(key, *region) for key, region in wanted])


def _takes(
    reader: SlicesReader, key: str, region: Region | None, array: Array, pieces: dict[tuple[str, Slice], Piece]
) -> bool:  # fmt: skip
    """Notes what goes into the array. False if it cannot take the value. Raises if stored pieces overlap or leave a gap."""
    meta = reader.meta(key)
    if not (meta.dtype in PACKINGS or meta.dtype.kind == "S") or meta.dtype.np != array.dtype or not array.size:
        return False
    target: Any = array
    wanted = region_box(key, meta.shape, *(region or ((0,) * len(meta.shape), meta.shape)))
    if tuple(side.stop - side.start for side in wanted) != array.shape:
        return False
    for extents, box, place in touched(meta.shape, meta.slices, wanted, f"{reader.source}: key {key!r}"):
        piece = pieces.setdefault((key, extents), Piece(meta, extents, []))
        piece.parts.append((box, target[(*place, ...)]))
    return True


def _read(reader: SlicesReader, file: TableFile, piece: Piece, fill: bool) -> None:
    """Reads and verifies a piece; to where its parts go or, without ``fill``, to forget it."""
    meta, extents, parts = piece
    where = reader.where(meta, extents)
    with suppress(TooFar, OtherField):  # what is unusual is read as small values are
        place = place_of(reader, file, file.handle, meta, extents)
        if place is not None:
            array = straight(place.shape, parts)
            if meta.dtype.kind == "S":
                _strings(place, parts if fill else [], where)
            elif PACKINGS[meta.dtype].bare is not None and place.block.plain and (array is not None or not fill):
                _straight(place, array if fill else None, where)
            else:
                _numbers(place, meta.dtype, parts if fill else [], where)
            return
    found = reader.piece(meta, extents)
    for box, target in parts if fill else []:
        target[...] = found[box]


def read_large(reader: SlicesReader, file: TableFile, meta: TensorMeta, extents: Slice, where: str) -> Array | None:
    """A piece as a new array, if it is large; None for others, and for anything unusual. The file must be open."""
    with suppress(TooFar):
        place = place_of(reader, file, file.handle, meta, extents) if meta.dtype in PACKINGS else None
        if place is not None:
            array: Array = np.empty(slice_shape(extents, meta.shape), meta.dtype.np)
            if place.block.plain and PACKINGS[meta.dtype].bare is not None:
                _straight(place, array, where)
            else:
                _numbers(place, meta.dtype, whole(array), where)
            return array
    return None


def may_be_large(file: TableFile, meta: TensorMeta, extents: Slice) -> int:
    """The most bytes that a block may have which has this value almost for itself; 0 if it is not large."""
    _, length = file.block_of(slice_key(bytes_of(meta.name), extents)) or (0, 0)
    most = 22 * length  # more does not come out of so many bytes
    if meta.dtype.kind != "S":
        each = most_bytes(meta.dtype) if meta.dtype in PACKINGS else 0
        most = min(most, 2 * total_size(slice_shape(extents, meta.shape)) * each)
    return most if most >= LARGE else 0


def place_of(
    reader: SlicesReader, file: TableFile, handle: int, meta: TensorMeta, extents: Slice
) -> Place | None:  # fmt: skip
    """Where a large value is, if it is most of its block and may have as many elements as it should. Raises TooFar."""
    most = may_be_large(file, meta, extents)
    if not most:
        return None
    key = slice_key(bytes_of(meta.name), extents)
    start, length = file.block_of(key) or (0, 0)
    shape = slice_shape(extents, meta.shape)
    packing, count = PACKINGS.get(meta.dtype), total_size(shape)
    block = LargeBlock(reader.disk, handle, start, length, reader.where(meta, extents))
    if not LARGE <= block.size <= most + 64:
        return None
    begin = block.begin()
    at, size = find_value(begin, key) or (0, 0)
    record = memoryview(begin)[at:]
    place = tensor_place(record, size) if packing is None else packed_place(record, size, packing.field)
    if place is None or at + size > block.size or 2 * size < block.size or not has_array(shape, meta.dtype.np.itemsize):
        return None
    room = place[1] - place[0]
    if room < 2 * count if packing is None else room < count if packing.bare is None else room != count * meta.dtype.size:
        return None
    return Place(block, at + place[0], at + place[1], shape)


def _straight(place: Place, array: Array | None, where: str) -> None:
    """Bare numbers, by two threads; without an array only verified."""
    block, start, stop, _ = place
    if array is not None:
        (crc,) = spans.read(block.disk, block.handle, [(block.start + start, bytes_view(array))], where)
    else:
        (crc,) = spans.check(block.disk, block.handle, [(block.start + start, stop - start)], where)
    block.check_around(start, stop, crc)


def _numbers(place: Place, dtype: DType, parts: Sequence[Part], where: str) -> None:
    elements = Elements(place.shape, np.dtype(PACKINGS[dtype].bare or dtype.np), parts)
    for some in numbers_at(place, dtype, where):
        elements.put(some)


def numbers_at(place: Place, dtype: DType, where: str) -> Iterator[Array]:
    """The elements of a large value of numbers, some at a time, verified at the end."""
    bare = PACKINGS[dtype].bare
    if bare is not None:
        yield from in_whole(place.pieces(), np.dtype(bare))
        return
    count = 0
    for numbers in unpack_pieces(place.pieces(), where):
        count += numbers.size
        yield narrow(dtype, numbers)
    check_count(count, dtype.name, place.shape, where)


def _strings(place: Place, parts: Sequence[Part], where: str) -> None:
    elements = Elements(place.shape, np.dtype(object), parts)
    for items in unpack_strings(place.pieces(), bool(parts), where):
        elements.put(string_array(items, (len(items),)))
        elements.let_go()  # the next one may be long
    check_count(elements.count, "string", place.shape, where)


def check_count(count: int, name: str, shape: tuple[int, ...], where: str) -> None:
    """Raises DataLossError for another number of elements than there should be."""
    if count != total_size(shape):
        raise DataLossError(f"{where}: {count} values stored; {name} {shape} has {total_size(shape)}.")
