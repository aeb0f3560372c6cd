"""Boxes in a tensor: what a slice covers, and putting a region together from stored pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import index
from typing import Any

import numpy as np

from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError, InvalidArgumentError
from minitf.storage.values import Array, Extent, check_shape

Box = tuple[slice, ...]  # with start and stop in every dimension


def box_of(extents: tuple[Extent, ...], shape: tuple[int, ...]) -> Box:
    """A slice's box."""
    return tuple(slice(0, n) if e is None else slice(e[0], e[0] + e[1]) for e, n in zip(extents, shape, strict=True))


def slice_text(extents: tuple[Extent, ...]) -> str:
    """A slice as TensorFlow writes it: ``0,3:-``."""
    return ":".join("-" if extent is None else f"{extent[0]},{extent[1]}" for extent in extents)


def slice_shape(extents: tuple[Extent, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a piece of a tensor."""
    return tuple(size if extent is None else extent[1] for extent, size in zip(extents, shape, strict=True))


def intersection(a: Box, b: Box) -> Box | None:
    """What two boxes have in common, None if nothing."""
    out = tuple(slice(max(x.start, y.start), min(x.stop, y.stop)) for x, y in zip(a, b, strict=True))
    return None if any(s.start >= s.stop for s in out) else out


def volume(box: Box) -> int:
    """Number of elements."""
    return total_size(s.stop - s.start for s in box)


def moved(box: Box, origin: Box) -> Box:
    """A box counted from the corner of another."""
    return tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(box, origin, strict=True))


def region_box(key: str, shape: tuple[int, ...], begin: Sequence[int], size: Sequence[int]) -> Box:
    """The box that ``begin`` and ``size`` (-1: up to the end) ask for.

    Raises InvalidArgumentError if it is not inside, TypeError for what is no integer.
    """
    if len(begin) != len(shape) or len(size) != len(shape):
        raise InvalidArgumentError(
            f"read_slice: {key!r} has {len(shape)} dimensions; begin {list(begin)} and size {list(size)} must have as many."
        )
    out = []
    for start, length, whole in zip(map(index, begin), map(index, size), shape, strict=True):
        stop = whole if length == -1 else start + length
        if not 0 <= start <= stop <= whole:
            raise InvalidArgumentError(
                f"read_slice: the region from {list(begin)} of size {list(size)} is not inside {key!r} of shape {shape}."
            )
        out.append(slice(start, stop))
    return tuple(out)


def cut(array: Array, box: Box) -> Array:
    """A part of an array, as an array of its own; the array itself if that is all of it."""
    if all(s.start == 0 and s.stop == n for s, n in zip(box, array.shape, strict=True)):
        return array
    return array[box].copy()


def overlap(slices: Sequence[tuple[Extent, ...]], shape: tuple[int, ...]) -> str | None:
    """Two slices that overlap, as text; None if there are none.

    Many slices are cut in two, again and again, where few of them reach across; so a grid of them takes no time to speak of,
    whatever its rank.
    """
    found = [(box_of(extents, shape), extents) for extents in slices]
    found = [(box, extents) for box, extents in found if volume(box)]
    starts: Any = np.array([[side.start for side in box] for box, _ in found], np.int64)
    stops: Any = np.array([[side.stop for side in box] for box, _ in found], np.int64)
    groups = [np.arange(len(found))]
    while groups:
        group = groups.pop()
        halves = _halves(starts[group], stops[group]) if len(group) > FEW else None
        if halves is None:
            pair = _overlap_of_few([found[number] for number in group.tolist()], len(shape))
            if pair is not None:
                return pair
        else:
            groups += [group[half] for half in halves]
    return None


FEW = 64  # slices that are compared with each other,
MANY = 1024  # and those for which a cut pays through which more of them reach, if there are fewer pairs to compare then
PAIRS = 1 << 22  # that are compared at once


def _halves(starts: Any, stops: Any) -> tuple[Any, Any] | None:
    """Which boxes reach below a cut and which above it, both for some; None if no cut parts them well."""
    count, best = len(starts), None
    for axis in range(starts.shape[1]):
        begins = starts[:, axis]
        above = begins[begins > begins.min()]
        if not len(above):
            continue
        cut_at = max(np.partition(begins, count // 2)[count // 2], above.min())
        below, behind = begins < cut_at, stops[:, axis] > cut_at
        sizes = np.count_nonzero(below), np.count_nonzero(behind)
        good = max(sizes) <= 0.9 * count and sum(sizes) <= 1.1 * count
        if not good and count > MANY:
            good = sizes[0] ** 2 + sizes[1] ** 2 <= 0.9 * count**2
        if good and (best is None or max(sizes) < best[0]):
            best = max(sizes), (below, behind)
    return None if best is None else best[1]


def _overlap_of_few(found: Sequence[tuple[Box, tuple[Extent, ...]]], rank: int) -> str | None:
    """Each is compared with each, along one axis after the other as long as any two may overlap."""
    axis = max(range(rank), key=lambda d: len({(box[d].start, box[d].stop) for box, _ in found}), default=None)
    ordered = found if axis is None else sorted(found, key=lambda item: item[0][axis].start)
    starts: Any = np.array([[side.start for side in box] for box, _ in ordered], np.int64)
    stops: Any = np.array([[side.stop for side in box] for box, _ in ordered], np.int64)
    rows = max(1, PAIRS // max(1, len(ordered)))
    for first in range(0, len(ordered), rows):
        last = min(first + rows, len(ordered))
        both: Any = np.tri(last - first, last, first - 1, dtype=bool)  # each with those before it
        for side in range(rank):
            both &= starts[first:last, side, None] < stops[None, :last, side]
            both &= stops[first:last, side, None] > starts[None, :last, side]
        if both.any():
            later, earlier = np.argwhere(both)[0].tolist()
            return f"{slice_text(ordered[earlier][1])} and {slice_text(ordered[first + later][1])}"
    return None


def check_disjoint(slices: Sequence[tuple[Extent, ...]], shape: tuple[int, ...], where: str) -> None:
    """Raises DataLossError if two slices overlap."""
    found = overlap(slices, shape)
    if found is not None:
        raise DataLossError(f"{where}: overlapping slices {found}.")


def check_pieces(key: str, slices: Sequence[tuple[Extent, ...]], shape: tuple[int, ...], doing: str = "write") -> None:
    """Raises InvalidArgumentError for pieces to be stored of which two overlap: nobody could read them again."""
    found = overlap(slices, shape)
    if found is not None:
        raise InvalidArgumentError(f"{doing}: the pieces {found} of {key!r} overlap.")


def touched(
    shape: tuple[int, ...], slices: Sequence[tuple[Extent, ...]], wanted: Box, where: str
) -> list[tuple[tuple[Extent, ...], Box, Box]]:
    """The pieces that a region touches: the extents, the part of the piece (from the piece's corner) and of the region.

    Raises DataLossError if pieces overlap, InvalidArgumentError if they do not cover the region.
    """
    check_disjoint(slices, shape, where)
    found = []
    covered = 0
    for extents in slices:
        box = box_of(extents, shape)
        common = intersection(box, wanted)
        if common is not None and volume(common):
            found.append((extents, moved(common, box), moved(common, wanted)))
            covered += volume(common)
    if covered < volume(wanted):
        raise InvalidArgumentError(
            f"{where} does not have sufficient slices: they cover {covered} of the {volume(wanted)} elements wanted."
        )
    return found


def join(
    dtype: DType,
    shape: tuple[int, ...],
    slices: Sequence[tuple[Extent, ...]],
    wanted: Box,
    fetch: Callable[[tuple[Extent, ...], Box], Array],
    where: str,
) -> Array:
    """A region of a tensor from those of its pieces that touch it.

    ``fetch(extents, box)`` gives a part of a piece, the box counted from the piece's corner. Raises as ``touched``.
    """
    parts = [(place, fetch(extents, box)) for extents, box, place in touched(shape, slices, wanted, where)]
    check_shape([s.stop - s.start for s in wanted], dtype, where)
    out = np.empty([s.stop - s.start for s in wanted], dtype.np)  # not before the parts are there: the file may lie
    for place, part in parts:
        out[place] = part
    return out


def boxes_of_run(shape: tuple[int, ...], start: int, stop: int) -> Iterator[Box]:
    """Boxes that together are the elements from ``start`` to ``stop`` in the order of rows, in this order."""
    if start >= stop:
        return
    if not shape:
        yield ()
        return
    width = total_size(shape[1:])
    first, begin = divmod(start, width)
    last, end = divmod(stop, width)
    if first == last:
        for box in boxes_of_run(shape[1:], begin, end):
            yield (slice(first, first + 1), *box)
        return
    if begin:
        for box in boxes_of_run(shape[1:], begin, width):
            yield (slice(first, first + 1), *box)
        first += 1
    if first < last:
        yield (slice(first, last), *(slice(0, n) for n in shape[1:]))
    for box in boxes_of_run(shape[1:], 0, end):
        yield (slice(last, last + 1), *box)


def check_piece(name: str, shape: tuple[int, ...], extents: tuple[Extent, ...], part: tuple[int, ...]) -> None:
    """Raises InvalidArgumentError for a piece that is not inside the whole, or of another shape than its extents."""
    inside = len(extents) == len(shape) and all(
        e is None or (e[0] >= 0 and e[1] > 0 and sum(e) <= n) for e, n in zip(extents, shape, strict=True)
    )
    if not inside or part != slice_shape(extents, shape):
        raise InvalidArgumentError(f"write: a piece of {name!r} of shape {part} does not fit at {extents} in {shape}.")
