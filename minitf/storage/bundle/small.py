"""Reading many small values that are stored alike: one NumPy step a run of the file instead of several calls a value.

This is a faster road for what is as it should be. Where a value is not inside its file, or a checksum differs, or the numbers
need more than their bytes, the values are left to the reader's common road, which says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from crc32c import crc32c

from minitf.storage.bundle import payload
from minitf.storage.bundle.coding import mask_all
from minitf.storage.bundle.entries import Alike
from minitf.storage.files import read_fully, typed
from minitf.storage.keys import text_of
from minitf.storage.values import MAX_RANK

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

SMALL = 1 << 12  # bytes of a value that is copied out of a run
RUN = 1 << 20  # bytes that are fetched at a time
GAP = 1 << 12  # bytes that nobody wants, inside a run


def read(reader: BundleReader, names: Sequence[bytes], groups: Sequence[Alike], out: list[Any]) -> list[int]:
    """Puts the values of the groups into ``out``; gives the numbers of those that the common road must read."""
    left: list[Alike] = []
    by_shard: dict[int, list[Alike]] = {}
    for group in groups:
        (by_shard.setdefault(group.shard, []) if _suits(group, reader.index.header.big_endian) else left).append(group)
    for _, mine in sorted(by_shard.items()):
        if not _read_shard(reader, names[mine[0].numbers[0]], mine, out):
            left += mine
    return [number for group in left for number in group.numbers.tolist()]


def _suits(group: Alike, big_endian: bool) -> bool:
    """True if the values of a group are small, and no more than their bytes."""
    plain = payload.bare_dtype(group.dtype) is not None and len(group.shape) <= MAX_RANK
    return plain and 0 < group.size <= SMALL and not big_endian


def _read_shard(reader: BundleReader, name: bytes, groups: Sequence[Alike], out: list[Any]) -> bool:
    """Values of one data file. False if something is wrong with one of them."""
    path = reader.data_path(name, groups[0].shard)
    with typed(f"read key {text_of(name)!r}", path):
        handle = reader.disk.open(path)
        try:
            length = reader.disk.size(handle)
            if any((group.offsets > length - group.size).any() for group in groups):
                return False
            for start, end in _runs(groups):
                data = bytearray(end - start)
                if read_fully(reader.disk, handle, memoryview(data), start) < len(data):
                    return False
                if not all(_take(data, start, group, out) for group in groups):
                    return False
        finally:
            reader.disk.close(handle)
    return True


def _runs(groups: Sequence[Alike]) -> Iterator[tuple[int, int]]:
    """Where the runs begin and end, in the order of the file."""
    offsets = np.concatenate([group.offsets for group in groups])
    ends = np.concatenate([group.offsets + group.size for group in groups])
    order = np.argsort(offsets, kind="stable")
    offsets, ends = offsets[order], np.maximum.accumulate(ends[order])
    first = 0
    cuts = [*(np.flatnonzero(offsets[1:] > ends[:-1] + GAP) + 1).tolist(), len(offsets)]
    for cut in cuts:
        while first < cut:
            start = int(offsets[first])
            stop = min(cut, int(np.searchsorted(offsets, start + RUN)))
            yield start, int(ends[stop - 1])
            first = stop


def _take(data: bytearray, start: int, group: Alike, out: list[Any]) -> bool:
    """The values of a group that are inside a run. False if a checksum differs."""
    here = (group.offsets >= start) & (group.offsets + group.size <= start + len(data))
    places = group.offsets[here] - start
    rows = np.frombuffer(data, np.uint8)[places[:, None] + np.arange(group.size)]
    crcs = list(map(crc32c, rows.view(f"V{group.size}").ravel().tolist()))
    if (mask_all(crcs) != group.crcs[here]).any():
        return False
    arrays = rows.view(group.dtype.np).reshape(len(places), *group.shape)
    for number, value in zip(group.numbers[here].tolist(), map(np.array, arrays), strict=True):
        out[number] = value
    return True
