"""Comparing every checksum of a V2 checkpoint, in little memory: numbers are read and forgotten piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from minitf.errors import OpError
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import typed
from minitf.storage.keys import bytes_of
from minitf.storage.values import Array, check_shape

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader

LARGE = 1 << 18  # a value of more bytes is read alone
TOGETHER = 256  # so many others are read at once

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
    for large, items in groupby(found, lambda item: item[1].size > LARGE and not item[1].slices and _numbers(item[1])):
        run = list(items)
        if large:
            yield from _without_keeping(reader, run)
        else:
            for start in range(0, len(run), TOGETHER):
                yield from _by_reading(reader, [key for key, _ in run[start : start + TOGETHER]])


def _numbers(entry: Entry) -> bool:
    """True if there is nothing to look at but the checksum."""
    return payload.bare_dtype(entry.dtype) is not None


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
