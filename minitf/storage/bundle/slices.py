"""Partitioned tensors of a V2 checkpoint: the pieces that an entry lists, and regions put together from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minitf.errors import DataLossError, NotFoundError
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.entries import Entry
from minitf.storage.bundle.payload import is_plain
from minitf.storage.keys import bytes_of, text_of
from minitf.storage.regions import Box, cut, join, region_box, slice_shape, slice_text
from minitf.storage.values import Array, Extent

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader


def read_region(reader: BundleReader, key: str, begin: Sequence[int], size: Sequence[int], verify: bool) -> Array:
    """A region of a tensor; see ``BundleReader.read_slice``."""
    entry = reader.entry(key)
    name = bytes_of(key)
    wanted = region_box(key, entry.shape, begin, size)
    if not entry.slices:
        return _region_of(reader, name, entry, wanted, verify)

    def fetch(extents: tuple[Extent, ...], box: Box) -> Array:
        return _region_of(reader, *piece_of(reader, name, entry, extents), box, verify)

    return join(entry.dtype, entry.shape, entry.slices, wanted, fetch, f"{reader.source}: key {key!r}")


def piece_of(reader: BundleReader, key: bytes, entry: Entry, extents: tuple[Extent, ...]) -> tuple[bytes, Entry]:
    """Slice key and entry of a piece that ``entry`` lists. Raises NotFoundError, DataLossError if it is another."""
    where = f"{reader.source}: key {text_of(key)!r}: the slice {slice_text(extents)}"
    piece_key = slice_key(key, extents)
    try:
        piece = reader.index.entry(piece_key)
    except KeyError:
        raise NotFoundError(f"{where} is listed, but it is not in the index.") from None
    shape = slice_shape(extents, entry.shape)
    if piece.dtype is not entry.dtype or piece.shape != shape or piece.slices:
        raise DataLossError(f"{where} is stored as {piece.dtype.name} {piece.shape}; it should be {entry.dtype.name} {shape}.")
    return piece_key, piece


def _region_of(reader: BundleReader, key: bytes, entry: Entry, box: Box, verify: bool) -> Array:
    """A region of one stored value."""
    if verify or not entry.shape or not is_plain(entry.dtype):
        return cut(reader.read_entries([key], [entry])[0], box)
    rows = reader.read_rows(key, entry, box[0].start, box[0].stop)
    return cut(rows, (slice(0, len(rows)), *box[1:]))
