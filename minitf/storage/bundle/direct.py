"""Values without a copy of their own: mapped from the data file, or read into memory that is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from crc32c import crc32c

from minitf.errors import AbortedError, InvalidArgumentError
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import typed
from minitf.storage.keys import bytes_of
from minitf.storage.values import Array, bytes_view

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
        payload.check_crc(mask(crc32c(memoryview(pages)[entry.offset : entry.offset + entry.size])), entry, reader.where(name))
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


def _check_same(reader: BundleReader) -> None:
    if not reader.unchanged():
        raise AbortedError(f"read: checkpoint {reader.prefix!r} was replaced or removed while it was read; open it again.")
