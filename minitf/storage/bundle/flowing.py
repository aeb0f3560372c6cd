"""Values of a V2 checkpoint as flows: read piece by piece from their data files, and verified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from crc32c import crc32c

from minitf.core.spec import total_size
from minitf.errors import DataLossError
from minitf.storage.bundle import payload
from minitf.storage.bundle.coding import mask, slice_key
from minitf.storage.bundle.direct import one_checkpoint
from minitf.storage.bundle.entries import Entry
from minitf.storage.bundle.slices import piece_of
from minitf.storage.files import read_fully, typed
from minitf.storage.flows import LEAST, Flow, Numbers, Texts, joined
from minitf.storage.keys import bytes_of, text_of
from minitf.storage.values import Array, Extent, Partitioned, Typed, check_shape

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

ROOM = 1 << 20  # bytes of numbers that are in memory at a time


def large(reader: BundleReader, key: str) -> Flow | None:
    """A value as a flow, None if it is small. Raises as ``BundleReader.entry``, and for pieces that do not fit together."""
    entry, name = reader.entry(key), bytes_of(key)
    if not entry.slices:
        return _flow_of_entry(reader, name, entry)
    pieces = [(extents, piece_of(reader, name, entry, extents)) for extents in entry.slices]
    if sum(piece.size for _, (_, piece) in pieces) < LEAST:
        return None
    return joined(entry.shape, [(extents, _flow(reader, *piece)) for extents, piece in pieces], reader.where(name))


def _flow_of_entry(reader: BundleReader, name: bytes, entry: Entry) -> Flow | None:
    """Something with bytes of its own as a flow, None if it is small."""
    return _flow(reader, name, entry) if entry.size >= LEAST else None


def _flow(reader: BundleReader, name: bytes, entry: Entry) -> Flow:
    if payload.is_plain(entry.dtype):
        return Numbers(entry.dtype, entry.shape, partial(_numbers, reader, name, entry))
    return Texts(entry.dtype, entry.shape, partial(_lengths, reader, name, entry), partial(_text, reader, name, entry))


def contents(reader: BundleReader) -> list[list[tuple[str, Any]]]:
    """``BundleReader.contents``."""
    index = reader.index
    reader.check_apart()
    found: list[tuple[Entry, bytes, bytes, tuple[Extent, ...] | None]] = []
    for key in index.keys():
        entry = index.entry(key)
        found += [(piece_of(reader, key, entry, e)[1], key, slice_key(key, e), e) for e in entry.slices]
        if not entry.slices:
            found.append((entry, key, key, None))
    found.sort(key=lambda item: (item[0].shard, item[0].offset, item[0].size))
    flows = [_flow_of_entry(reader, name, entry) for entry, _, name, _ in found]
    small = [item for item, flow in zip(found, flows, strict=True) if flow is None]
    values = iter(reader.read_entries([name for _, _, name, _ in small], [entry for entry, _, _, _ in small]))
    out: list[list[tuple[str, Any]]] = [[] for _ in range(index.header.shards)]
    for (entry, key, _, extents), flow in zip(found, flows, strict=True):
        item: Any = flow
        if flow is None:
            item = next(values)
            item = Typed(entry.dtype, item) if entry.dtype.kind in "qV" else item
        if extents is not None:
            item = Partitioned(index.entry(key).shape, [(extents, item)])
        out[entry.shard].append((text_of(key), item))
    return out


@contextmanager
def _opened(reader: BundleReader, name: bytes, entry: Entry) -> Iterator[tuple[str, int]]:
    """Path and handle of its data file."""
    check_shape(entry.shape, entry.dtype, reader.where(name))
    path = reader.data_path(name, entry.shard)
    with one_checkpoint(reader), typed(f"read key {text_of(name)!r}", path):
        handle = reader.disk.open(path)
        try:
            reader.check_inside(name, entry, path, reader.disk.size(handle))
            yield path, handle
        finally:
            reader.disk.close(handle)


def _numbers(reader: BundleReader, name: bytes, entry: Entry) -> Iterator[Array]:
    with _opened(reader, name, entry) as (path, handle):
        yield from numbers_in(reader, path, handle, name, entry)


def numbers_in(reader: BundleReader, path: str, handle: int, name: bytes, entry: Entry) -> Iterator[Array]:
    """The elements of a value of numbers, each time in the same buffer. Raises DataLossError at the end."""
    crc, room = 0, memoryview(bytearray(min(ROOM, entry.size)))
    width = entry.dtype.np.itemsize
    count, step = total_size(entry.shape), ROOM // width
    for start in range(0, count, step):
        here = room[: width * min(step, count - start)]
        if read_fully(reader.disk, handle, here, entry.offset + start * width) < len(here):
            raise DataLossError(f"{path}: the file became shorter while it was being read.")
        crc = crc32c(here, crc)
        found: Any = np.frombuffer(here, entry.dtype.np)
        yield payload.finish_numbers(found, entry.dtype, reader.index.header.big_endian)
    payload.check_crc(mask(crc), entry, reader.where(name))


def _lengths(reader: BundleReader, name: bytes, entry: Entry) -> Iterator[Array]:
    with _opened(reader, name, entry) as (path, handle):
        yield from reader.text_in(handle, path, name, entry).lengths()


def _text(reader: BundleReader, name: bytes, entry: Entry) -> Iterator[memoryview]:
    with _opened(reader, name, entry) as (path, handle):
        yield from reader.text_in(handle, path, name, entry).text()
