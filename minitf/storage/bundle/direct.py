"""Values without a copy of their own: mapped from the data file, or read into memory that is there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.errors import AbortedError, InvalidArgumentError
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import typed
from minitf.storage.keys import bytes_of
from minitf.storage.values import Array, Reading, bytes_view

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader


def mapped(reader: BundleReader, key: str, verify: bool) -> Array | None:
    """The value as pages of its data file, copied by the system where they are written to; None if that cannot be.

    It cannot be for strings and variants, pieces, dtypes of which not every byte is a value (bool, int4), the other byte
    order, and files that are not on a local disk.
    """
    entry = reader.entry(key)
    dtype = payload.bare_dtype(entry.dtype)
    if dtype is None or entry.slices or not entry.size or reader.index.header.big_endian:
        return None
    name = bytes_of(key)
    payload.check_rank(entry, reader.where(name))
    path = reader.data_path(name, entry.shard)
    with typed(f"map key {key!r}", path):
        handle = reader.disk.open(path)
        try:
            length = reader.disk.size(handle)
            reader.check_inside(name, entry, path, length)
            pages = reader.disk.map(handle)
        finally:
            reader.disk.close(handle)
    if pages is None:
        return None
    _check_same(reader)
    array: Array = np.ndarray(entry.shape, dtype, pages, entry.offset)
    if verify:
        payload.check_crc(mask(spans.checksum(bytes_view(array))), entry, reader.where(name))
    return array


def read_into(reader: BundleReader, key: str, array: Any) -> None:
    """Fills an array that has the value's dtype and shape. Raises InvalidArgumentError if it has not."""
    entry = reader.entry(key)
    if not isinstance(array, np.ndarray) or array.dtype != entry.dtype.np or array.shape != entry.shape:
        given = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InvalidArgumentError(f"read_into: {key!r} is {entry.spec}; the array given is {given}.")
    if not array.flags.writeable:
        raise InvalidArgumentError(f"read_into: the array given for {key!r} is read-only.")
    if entry.slices or not payload.is_plain(entry.dtype) or not array.flags.c_contiguous or not entry.size:
        array[...] = reader.read(key)
        return
    _fill(reader, bytes_of(key), entry, array)
    _check_same(reader)


def _fill(reader: BundleReader, key: bytes, entry: Entry, array: Array) -> None:
    path = reader.data_path(key, entry.shard)
    with typed(f"read key {key!r}", path):
        handle = reader.disk.open(path)
        try:
            reader.check_inside(key, entry, path, reader.disk.size(handle))
            (crc,) = spans.read(reader.disk, handle, [(entry.offset, bytes_view(array))], path)
        finally:
            reader.disk.close(handle)
    payload.check_crc(mask(crc), entry, reader.where(key))
    found = payload.finish_numbers(array, entry.dtype, reader.index.header.big_endian)
    if found is not array:
        array[...] = found


@contextmanager
def reading_over(reader: BundleReader, keys: Sequence[str], spare: Sequence[Any]) -> Iterator[Reading]:
    """``BundleReader.reading_over``. What goes into spare memory is read twice: to verify it, and to fill the memory.

    So a damaged file changes nothing, and no second copy of the values is needed. The data files stay open in between, so that
    it is the same files that are read.
    """
    names = [bytes_of(key) for key in keys]
    taken: dict[int, list[int]] = {}  # numbers of the keys by data file
    for number, (key, array) in enumerate(zip(keys, spare, strict=True)):
        if array is not None and _fits(reader, reader.entry(key), array):
            taken.setdefault(reader.entry(key).shard, []).append(number)
    over = {number for numbers in taken.values() for number in numbers}
    with ExitStack() as stack:
        opened = []
        for shard, numbers in taken.items():
            path = reader.data_path(names[numbers[0]], shard)
            with typed(f"read key {keys[numbers[0]]!r}", path):
                handle = reader.disk.open(path)
                stack.callback(reader.disk.close, handle)
                length = reader.disk.size(handle)
            entries = [reader.entry(keys[number]) for number in numbers]
            for number, entry in zip(numbers, entries, strict=True):
                reader.check_inside(names[number], entry, path, length)
            with typed(f"read key {keys[numbers[0]]!r}", path):
                crcs = spans.check(reader.disk, handle, [(entry.offset, entry.size) for entry in entries], path)
            _check_crcs(reader, [names[number] for number in numbers], entries, crcs)
            opened.append((path, handle, numbers, entries))
        rest = iter(reader.read_many([key for number, key in enumerate(keys) if number not in over]))
        values = [spare[number] if number in over else next(rest) for number in range(len(keys))]
        _check_same(reader)

        def fill() -> None:
            for path, handle, numbers, entries in opened:
                places = [(entry.offset, bytes_view(spare[n])) for n, entry in zip(numbers, entries, strict=True)]
                with typed(f"read key {keys[numbers[0]]!r}", path):
                    crcs = spans.read(reader.disk, handle, places, path)
                _check_crcs(reader, [names[number] for number in numbers], entries, crcs)

        yield values, fill


def _fits(reader: BundleReader, entry: Entry, array: Any) -> bool:
    """True if the bytes of the file can go into the array as they are."""
    return (
        bool(entry.size)
        and not entry.slices
        and not reader.index.header.big_endian
        and payload.bare_dtype(entry.dtype) == array.dtype
        and entry.shape == array.shape
    )


def _check_crcs(reader: BundleReader, names: Sequence[bytes], entries: Sequence[Entry], crcs: Sequence[int]) -> None:
    for name, entry, crc in zip(names, entries, crcs, strict=True):
        payload.check_crc(mask(crc), entry, reader.where(name))


def _check_same(reader: BundleReader) -> None:
    if not reader.unchanged():
        raise AbortedError(f"read: checkpoint {reader.prefix!r} was replaced or removed while it was read; open it again.")
