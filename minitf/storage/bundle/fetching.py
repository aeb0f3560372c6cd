"""Reading values by their entries: neighbouring small ones together, a large one straight into its array.

Each data file that is needed is opened once. ``small`` does the same for values that are alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from crc32c import crc32c

from minitf.errors import DataLossError
from minitf.storage.bundle import payload, spans, strings
from minitf.storage.bundle.coding import mask, mask_all
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import read_fully, typed
from minitf.storage.keys import text_of
from minitf.storage.values import MAX_RANK, bytes_view, check_shape

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

SMALL = 1 << 18  # a value up to this size is fetched together with its neighbours,
RUN = 1 << 20  # up to this many bytes at a time
GAP = 1 << 12  # and over so many bytes that nobody wants
_array: Any = np.ndarray


def read(reader: BundleReader, keys: Sequence[bytes], entries: Sequence[Entry]) -> list[Any]:
    """The values behind entries that have bytes of their own; the keys are for messages. Raises as ``BundleReader.read``."""
    out: list[Any] = [None] * len(entries)
    places = [entry.shard << 64 | entry.offset for entry in entries]
    order = sorted(range(len(entries)), key=places.__getitem__)
    for numbers in _by_shard(entries, order):
        _read_shard(reader, keys, entries, numbers, out)
    return out


def _read_shard(
    reader: BundleReader, keys: Sequence[bytes], entries: Sequence[Entry], numbers: Sequence[int], out: list[Any]
) -> None:
    """Reads values that stand in one data file, in the order of their offsets."""
    path = reader.data_path(keys[numbers[0]], entries[numbers[0]].shard)
    with typed(f"read key {text_of(keys[numbers[0]])!r}", path):
        handle = reader.disk.open(path)
        try:
            length = reader.disk.size(handle)
            large = []
            for start, end, run in _runs(entries, numbers):
                if end > length:
                    for number in run:
                        reader.check_inside(keys[number], entries[number], path, length)
                if len(run) == 1 and (entry := entries[run[0]]).size > SMALL:
                    if payload.is_plain(entry.dtype):
                        large.append(run[0])
                    else:
                        out[run[0]] = strings.read(reader.text_in(handle, path, keys[run[0]], entry), entry.shape)
                    continue
                data = bytearray(end - start)
                if read_fully(reader.disk, handle, memoryview(data), start) < len(data):
                    raise DataLossError(f"{reader.where(keys[run[0]])}: {path} became shorter while it was being read.")
                _take(reader, data, start, keys, entries, run, out)
            if large:
                _read_large(reader, handle, path, keys, entries, large, out)
        finally:
            reader.disk.close(handle)


def _take(
    reader: BundleReader,
    data: bytearray,
    start: int,
    keys: Sequence[bytes],
    entries: Sequence[Entry],
    run: Sequence[int],
    out: list[Any],
) -> None:
    """Values out of the bytes of a run that begins at ``start``."""
    big_endian = reader.index.header.big_endian
    view = memoryview(data)
    dtype, bare = None, None
    crcs, wanted = [], []
    for number in run:
        entry = entries[number]
        found, shape, _, offset, size, _, _ = entry
        if found is not dtype:
            dtype = found
            bare = None if big_endian else payload.bare_dtype(dtype)
        at = offset - start
        piece = view[at : at + size]
        if bare is None or not size or len(shape) > MAX_RANK:
            out[number] = payload.decode_value(piece, entry, reader.where(keys[number]), big_endian)
        else:
            crcs.append(crc32c(piece))
            wanted.append(number)
            out[number] = _array(shape, bare, data, at).copy()
    if mask_all(crcs).tolist() != [entries[number].crc for number in wanted]:
        for number, crc in zip(wanted, crcs, strict=True):
            payload.check_crc(mask(crc), entries[number], reader.where(keys[number]))


def _read_large(
    reader: BundleReader,
    handle: int,
    path: str,
    keys: Sequence[bytes],
    entries: Sequence[Entry],
    numbers: Sequence[int],
    out: list[Any],
) -> None:
    """Reads values of numbers each into an array of its own."""
    for number in numbers:
        check_shape(entries[number].shape, entries[number].dtype, reader.where(keys[number]))
    arrays = [np.empty(entries[number].shape, entries[number].dtype.np) for number in numbers]
    wanted = [(entries[n].offset, bytes_view(array)) for n, array in zip(numbers, arrays, strict=True)]
    for number, array, crc in zip(numbers, arrays, spans.read(reader.disk, handle, wanted, path), strict=True):
        payload.check_crc(mask(crc), entries[number], reader.where(keys[number]))
        out[number] = payload.finish_numbers(array, entries[number].dtype, reader.index.header.big_endian)


def _by_shard(entries: Sequence[Entry], order: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cuts numbers, sorted by shard, into those of each shard."""
    start = 0
    while start < len(order):
        shard = entries[order[start]].shard
        stop = len(order) if entries[order[-1]].shard == shard else start
        while stop < len(order) and entries[order[stop]].shard == shard:
            stop += 1
        yield order[start:stop]
        start = stop


def _runs(entries: Sequence[Entry], numbers: Sequence[int]) -> Iterator[tuple[int, int, list[int]]]:
    """Cuts values in the order of their offsets into runs to be fetched at once: (start, end, numbers).

    A value without bytes is fetched alone: its offset may be anywhere.
    """
    run: list[int] = []
    start = end = 0
    for number in numbers:
        _, _, _, offset, size, _, _ = entries[number]
        if 0 < size <= SMALL:
            if run and (offset > end + GAP or offset + size - start > RUN):
                yield start, end, run
                run = []
            if not run:
                start = end = offset
            run.append(number)
            end = max(end, offset + size)
        else:
            if run:
                yield start, end, run
                run = []
            yield offset, offset + size, [number]
    if run:
        yield start, end, run
