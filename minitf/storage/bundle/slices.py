"""Partitioned tensors: joining stored pieces, wholly or as far as a region needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minitf.core.spec import total_size
from minitf.errors import DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.entries import Entry, slice_shape, slice_text
from minitf.storage.bundle.index import bytes_of, text_of
from minitf.storage.bundle.payload import is_plain
from minitf.storage.values import Array, Extent

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

Box = tuple[slice, ...]  # a region, with start and stop in every dimension


def box_of(extents: tuple[Extent, ...], shape: tuple[int, ...]) -> Box:
    """A slice's region."""
    return tuple(slice(0, n) if e is None else slice(e[0], e[0] + e[1]) for e, n in zip(extents, shape, strict=True))


def intersection(a: Box, b: Box) -> Box | None:
    """What two regions have in common, None if nothing."""
    out = tuple(slice(max(x.start, y.start), min(x.stop, y.stop)) for x, y in zip(a, b, strict=True))
    return None if any(s.start >= s.stop for s in out) else out


def volume(box: Box) -> int:
    """Number of elements."""
    return total_size(s.stop - s.start for s in box)


def moved(box: Box, origin: Box) -> Box:
    """A region counted from the corner of another."""
    return tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, origin, strict=True))


def region_box(key: str, shape: tuple[int, ...], begin: Sequence[int], size: Sequence[int]) -> Box:
    """The region that ``begin`` and ``size`` (-1: up to the end) ask for. Raises InvalidArgumentError if it is not inside."""
    if len(begin) != len(shape) or len(size) != len(shape):
        raise InvalidArgumentError(
            f"read_slice: {key!r} has {len(shape)} dimensions; begin {list(begin)} and size {list(size)} must have as many."
        )
    out = []
    for start, length, whole in zip(map(int, begin), map(int, size), shape, strict=True):
        stop = whole if length == -1 else start + length
        if not 0 <= start <= stop <= whole:
            raise InvalidArgumentError(
                f"read_slice: the region from {list(begin)} of size {list(size)} is not inside {key!r} of shape {shape}."
            )
        out.append(slice(start, stop))
    return tuple(out)


def read_region(reader: BundleReader, key: str, begin: Sequence[int], size: Sequence[int], verify: bool) -> Array:
    """A region of a tensor; see ``BundleReader.read_slice``."""
    entry = reader.entry(key)
    name = bytes_of(key)
    wanted = region_box(key, entry.shape, begin, size)
    if not entry.slices:
        return _region_of(reader, name, entry, wanted, verify)
    shape = tuple(s.stop - s.start for s in wanted)
    touched = []
    for extents, box in _checked_boxes(reader, key, entry):
        common = intersection(box, wanted)
        if common is not None:
            touched.append((piece_of(reader, name, entry, extents), box, common))
    covered = sum(volume(common) for _, _, common in touched)
    if covered < total_size(shape):
        raise InvalidArgumentError(
            f"{reader.source}: key {key!r} does not have sufficient slices: they cover {covered} of the {total_size(shape)} "
            f"elements wanted."
        )
    out = np.empty(shape, entry.dtype.np)
    for (piece_key, piece), box, common in touched:
        out[moved(common, wanted)] = _region_of(reader, piece_key, piece, moved(common, box), verify)
    return out


def _checked_boxes(reader: BundleReader, key: str, entry: Entry) -> list[tuple[tuple[Extent, ...], Box]]:
    """The stored slices with their regions, none empty. Raises DataLossError if two overlap."""
    boxes = [(extents, box_of(extents, entry.shape)) for extents in entry.slices]
    boxes = [(extents, box) for extents, box in boxes if volume(box)]
    cut = [d for d in range(len(entry.shape)) if len({(box[d].start, box[d].stop) for _, box in boxes}) > 1]
    axis = cut[0] if cut else 0
    by_start = sorted(boxes, key=lambda item: item[1][axis].start if item[1] else 0)
    active: list[tuple[tuple[Extent, ...], Box]] = []  # those that may reach into the next one
    for extents, box in by_start:
        if box:
            active = [other for other in active if other[1][axis].stop > box[axis].start]
        for other, other_box in active:
            if intersection(box, other_box) is not None:
                raise DataLossError(
                    f"{reader.source}: key {key!r}: overlapping slices {slice_text(other)} and {slice_text(extents)}."
                )
        active.append((extents, box))
    return boxes


def piece_of(reader: BundleReader, key: bytes, entry: Entry, extents: tuple[Extent, ...]) -> tuple[bytes, Entry]:
    """Slice key and entry of a piece that ``entry`` lists. Raises NotFoundError, DataLossError if it is another."""
    piece_key = slice_key(key, extents)
    try:
        piece = reader.index.entry(piece_key)
    except KeyError:
        raise NotFoundError(
            f"{reader.source}: key {text_of(key)!r}: the slice {slice_text(extents)} is listed, but it is not in the index."
        ) from None
    shape = slice_shape(extents, entry.shape)
    if piece.dtype is not entry.dtype or piece.shape != shape or piece.slices:
        raise DataLossError(
            f"{reader.source}: key {text_of(key)!r}: the slice {slice_text(extents)} is stored as {piece.dtype.name} "
            f"{piece.shape}; it should be {entry.dtype.name} {shape}."
        )
    return piece_key, piece


def _region_of(reader: BundleReader, key: bytes, entry: Entry, box: Box, verify: bool) -> Array:
    """A region of one stored value."""
    if not verify and entry.shape and is_plain(entry.dtype):
        rows = reader.read_rows(key, entry, box[0].start, box[0].stop)
        box = (slice(0, box[0].stop - box[0].start), *box[1:])
    else:
        rows = reader.read_entries([key], [entry])[0]
    return rows if all(s.start == 0 and s.stop == n for s, n in zip(box, rows.shape, strict=True)) else rows[box].copy()
