"""Values read into memory that is there: twice, to verify them and to fill the memory.

So a damaged file changes nothing, and no second copy of the values is needed. The data files stay open in between, so that the
same ones are read. Everything goes piece by piece: what is stored in the order in which the array has it is read to
where it stays, strings and what goes elsewhere through a buffer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from minitf.core.overwriting import Resizable
from minitf.errors import ResourceExhaustedError
from minitf.storage.bundle import payload, spans, strings
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.direct import check_same, one_checkpoint
from minitf.storage.bundle.entries import Entry
from minitf.storage.bundle.flowing import numbers_in
from minitf.storage.bundle.slices import piece_of
from minitf.storage.files import typed
from minitf.storage.filling import Elements, Part, straight
from minitf.storage.keys import bytes_of, text_of
from minitf.storage.regions import Box, box_of, region_box, touched
from minitf.storage.values import Array, Reading, Region, bytes_view, check_shape

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

class Piece(NamedTuple):
    """Something that has bytes of its own, and where parts of it are to go."""

    key: bytes
    entry: Entry
    parts: list[Part]


class Opened(NamedTuple):
    """A data file, and what is read from it: numbers to where they stay, numbers elsewhere, strings."""

    doing: str  # for messages
    path: str
    handle: int
    straight: list[tuple[Piece, Array]]
    scattered: list[Piece]
    texts: list[tuple[Piece, strings.Stored]]


@contextmanager
def reading_over(
    reader: BundleReader, keys: Sequence[str], spare: Sequence[Any], regions: Sequence[Region | None] | None = None
) -> Iterator[Reading]:
    """``BundleReader.reading_over``, and ``reading_regions_over``."""
    where = [None] * len(keys) if regions is None else regions
    pieces: dict[bytes, Piece] = {}
    resized: list[tuple[str, Array, tuple[int, ...]]] = []
    taken = []
    for key, region, array in zip(keys, where, spare, strict=True):
        if isinstance(array, Resizable):
            taken.append(region is None and _takes_resized(reader, key, array, pieces))
            if taken[-1]:
                resized.append((key, array.array, array.wanted))
        else:
            taken.append(array is not None and _takes(reader, key, region, array, pieces))
    arrays = [array.array if isinstance(array, Resizable) else array for array in spare]
    shards: dict[int, list[Piece]] = {}
    for piece in pieces.values():
        shards.setdefault(piece.entry.shard, []).append(piece)
    with ExitStack() as stack:
        with one_checkpoint(reader):
            opened = [_verified(reader, found, stack) for found in shards.values()]
        rest = _others(reader, [(key, region) for key, region, mine in zip(keys, where, taken, strict=True) if not mine])
        values = [array if mine else next(rest) for array, mine in zip(arrays, taken, strict=True)]
        check_same(reader)

        def fill() -> None:
            for key, array, shape in resized:
                _resize(array, shape, reader.where(bytes_of(key)))
            for file in opened:
                with typed(file.doing, file.path):
                    _fill(reader, file)

        yield values, fill


def _others(reader: BundleReader, wanted: Sequence[tuple[str, Region | None]]) -> Iterator[Any]:
    """The values for which no memory is there."""
    whole = iter(reader.read_many([key for key, region in wanted if region is None]))
    return iter([next(whole) if region is None else reader.read_slice(key, *region) for key, region in wanted])


def _takes(reader: BundleReader, key: str, region: Region | None, array: Array, pieces: dict[bytes, Piece]) -> bool:
    """Notes what goes into the array. False if it cannot take the value."""
    entry = reader.entry(key)
    if entry.dtype.np != array.dtype or not array.size:
        return False
    name = bytes_of(key)
    if region is None and not entry.slices:
        if entry.shape != array.shape:
            return False
        _note(pieces, name, entry, box_of((None,) * array.ndim, array.shape), array)
        return True
    wanted = region_box(key, entry.shape, *(region or ((0,) * len(entry.shape), entry.shape)))
    if tuple(side.stop - side.start for side in wanted) != array.shape:
        return False
    if not entry.slices:
        _note(pieces, name, entry, wanted, array)
        return True
    for extents, box, place in touched(entry.shape, entry.slices, wanted, reader.where(name)):
        _note(pieces, *piece_of(reader, name, entry, extents), box, array[place])
    return True


def _takes_resized(reader: BundleReader, key: str, array: Resizable, pieces: dict[bytes, Piece]) -> bool:
    """Notes what goes into an array that has another shape until it is filled. Nothing may look into its memory before."""
    entry = reader.entry(key)
    if entry.slices or not entry.size or entry.dtype.np != array.dtype or entry.shape != array.wanted:
        return False
    name = bytes_of(key)
    check_shape(entry.shape, entry.dtype, reader.where(name))
    _note(pieces, name, entry, box_of((None,) * len(entry.shape), entry.shape), array.array)
    return True


def _resize(array: Any, shape: tuple[int, ...], where: str) -> None:
    """Gives an array another shape and as much memory as that needs, of which the old one is let go before.

    Raises ResourceExhaustedError; the array has its old shape then, and no more than that.
    """
    before, text = array.shape, array.dtype == object
    if text:  # NumPy 2.0 does not let them go
        array[...] = None
    array.resize(0, refcheck=False)
    try:
        array.resize(shape, refcheck=False)
    except MemoryError:
        array.resize(before, refcheck=False)
        raise ResourceExhaustedError(f"{where}: there is no memory for a value of shape {shape}.") from None
    finally:
        if text:
            array[...] = b""


def _note(pieces: dict[bytes, Piece], key: bytes, entry: Entry, box: Box, array: Array) -> None:
    pieces.setdefault(key, Piece(key, entry, [])).parts.append((box, array))


def _verified(reader: BundleReader, pieces: Sequence[Piece], stack: ExitStack) -> Opened:
    """The data file of these pieces, open, and the pieces verified. Raises DataLossError and its like."""
    key = pieces[0].key
    path = reader.data_path(key, pieces[0].entry.shard)
    doing = f"read key {text_of(key)!r}"
    with typed(doing, path):
        handle = reader.disk.open(path)
        stack.callback(reader.disk.close, handle)
        length = reader.disk.size(handle)
    file = Opened(doing, path, handle, [], [], [])
    numbers = []
    for piece in pieces:
        reader.check_inside(piece.key, piece.entry, path, length)
        array = straight(piece.entry.shape, piece.parts)
        if not payload.is_plain(piece.entry.dtype):
            file.texts.append((piece, reader.text_in(handle, path, piece.key, piece.entry)))
            continue
        numbers.append(piece)
        if array is None:
            file.scattered.append(piece)
        else:
            file.straight.append((piece, array))
    with typed(doing, path):
        crcs = spans.check(reader.disk, handle, [(piece.entry.offset, piece.entry.size) for piece in numbers], path)
        _check_crcs(reader, numbers, crcs)
        for _, text in file.texts:
            text.check()
    return file


def _fill(reader: BundleReader, file: Opened) -> None:
    places = [(piece.entry.offset, bytes_view(array)) for piece, array in file.straight]
    crcs = spans.read(reader.disk, file.handle, places, file.path)
    _check_crcs(reader, [piece for piece, _ in file.straight], crcs)
    for piece, array in file.straight:
        payload.finish_numbers(array, piece.entry.dtype, reader.index.header.big_endian)
    for piece in file.scattered:
        _scatter(reader, file, piece)
    for piece, text in file.texts:
        target = straight(piece.entry.shape, piece.parts)
        if target is None:
            text.fill(Elements(piece.entry.shape, piece.entry.dtype.np, piece.parts).put_strings)
        else:
            text.fill(strings.putting(target))


def _scatter(reader: BundleReader, file: Opened, piece: Piece) -> None:
    """Reads numbers through a buffer to where they are to be."""
    elements = Elements(piece.entry.shape, piece.entry.dtype.np, piece.parts)
    for found in numbers_in(reader, file.path, file.handle, piece.key, piece.entry):
        elements.put(found)


def _check_crcs(reader: BundleReader, pieces: Sequence[Piece], crcs: Sequence[int]) -> None:
    for piece, crc in zip(pieces, crcs, strict=True):
        payload.check_crc(mask(crc), piece.entry, reader.where(piece.key))
