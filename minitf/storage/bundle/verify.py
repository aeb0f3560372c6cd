"""Comparing every checksum of a V2 checkpoint, in little memory: numbers are read and forgotten piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from minitf.core.spec import total_size
from minitf.errors import OpError
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import typed
from minitf.storage.flows import LEAST, gone_through
from minitf.storage.keys import bytes_of
from minitf.storage.values import Array, check_shape

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

TOGETHER = 256  # so many small ones are read at once,
ROOM = 1 << 23  # with so many bytes,
STRING = 1 << 6  # of which a string in memory needs these for itself

Verdict = tuple[str, int, OpError | None]  # key, bytes of the value, what is wrong


def verify(reader: BundleReader, keys: Iterable[str]) -> Iterator[Verdict]:
    """Reads the values and compares their checksums; gives a verdict for each key, in the order in which they stand."""
    found: list[tuple[str, Entry]] = []
    for key in keys:
        try:
            found.append((key, reader.entry(key)))
        except OpError as error:
            yield key, 0, error
    found.sort(key=lambda item: (item[1].shard, item[1].offset))
    for way, items in groupby(found, lambda item: _way(item[1])):
        yield from way(reader, list(items))


def _way(entry: Entry) -> Callable[[BundleReader, list[tuple[str, Entry]]], Iterator[Verdict]]:
    if entry.size < LEAST and not entry.slices:
        return _in_groups
    return _by_flows if entry.slices or payload.bare_dtype(entry.dtype) is None else _without_keeping


def _in_groups(reader: BundleReader, run: Sequence[tuple[str, Entry]]) -> Iterator[Verdict]:
    group: list[str] = []
    room = ROOM
    for key, entry in run:
        needed = entry.size if payload.is_plain(entry.dtype) else entry.size + STRING * total_size(entry.shape)
        if group and (needed > room or len(group) == TOGETHER):
            yield from _by_reading(reader, group)
            group, room = [], ROOM
        group.append(key)
        room -= needed
    yield from _by_reading(reader, group)


def _by_flows(reader: BundleReader, run: Sequence[tuple[str, Entry]]) -> Iterator[Verdict]:
    for key, _ in run:
        try:
            flow = reader.large(key)
            size = size_of(reader.read(key)) if flow is None else gone_through(flow)
        except OpError as error:
            yield key, 0, error
        else:
            yield key, size, None


def _without_keeping(reader: BundleReader, run: Sequence[tuple[str, Entry]]) -> Iterator[Verdict]:
    for key, entry in run:
        name = bytes_of(key)
        try:
            check_shape(entry.shape, entry.dtype, reader.where(name))
            path = reader.data_path(name, entry.shard)
            with typed(f"read key {key!r}", path):
                handle = reader.disk.open(path)
                try:
                    reader.check_inside(name, entry, path, reader.disk.size(handle))
                    [crc] = spans.check(reader.disk, handle, [(entry.offset, entry.size)], path)
                finally:
                    reader.disk.close(handle)
            payload.check_crc(mask(crc), entry, reader.where(name))
        except OpError as error:
            yield key, 0, error
        else:
            yield key, entry.size, None


def _by_reading(reader: BundleReader, keys: Sequence[str]) -> Iterator[Verdict]:
    try:
        values = reader.read_many(keys)
    except OpError as error:
        if len(keys) == 1:
            yield keys[0], 0, error
        else:  # one of them, at least
            half = len(keys) // 2
            yield from _by_reading(reader, keys[:half])
            yield from _by_reading(reader, keys[half:])
    else:
        for key, value in zip(keys, values, strict=True):
            yield key, size_of(value), None


def size_of(value: Array) -> int:
    """Bytes of a value; of strings those of their text."""
    return sum(map(len, value.ravel())) if value.dtype == object else value.nbytes
