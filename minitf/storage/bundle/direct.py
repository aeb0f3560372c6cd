"""Values without a copy of their own: mapped from the data file, or read into memory that is there already."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.core.unverified import Unverified
from minitf.errors import AbortedError, InvalidArgumentError, OpError
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.files import typed
from minitf.storage.keys import bytes_of
from minitf.storage.values import Array, bytes_view, check_shape

if TYPE_CHECKING:
    from minitf.storage.bundle.reader import BundleReader


def mapped(reader: BundleReader, keys: Sequence[str], least: int, verify: bool) -> list[Any]:
    """Values as pages of their data files, copied by the system where they are written to; None for those that cannot be.

    These are values of fewer than ``least`` bytes, strings and variants, pieces, dtypes of which not every byte is a value
    (bool, int4), the other byte order, and files that are not on a local disk.
    """
    entries = [reader.entry(key) for key in keys]
    with one_checkpoint(reader):
        out = [
            _pages(reader, key, entry, {}) if entry.size >= least else None for key, entry in zip(keys, entries, strict=True)
        ]
    if verify:
        there = [(key, entry, array) for key, entry, array in zip(keys, entries, out, strict=True) if array is not None]
        for (key, entry, _), crc in zip(there, spans.checksums([bytes_view(array) for _, _, array in there]), strict=True):
            payload.check_crc(mask(crc), entry, reader.where(bytes_of(key)))
    return out


def mapped_unverified(reader: BundleReader, keys: Sequence[str], least: int, maps: MutableMapping[int, Any]) -> list[Any]:
    """The same of many values, as ``Unverified``: their checksums are compared when somebody wants the arrays.

    Smaller values than ``least`` bytes are None. ``maps`` has the data files that are mapped already. Nobody may write to an
    array, which may have its pages in common with others.
    """
    out: list[Any] = []
    with one_checkpoint(reader):
        for key in keys:
            entry = reader.entry(key)
            array = _pages(reader, key, entry, maps) if entry.size >= least else None
            out.append(None if array is None else Unverified(array, partial(_check_pages, reader, key, entry, array)))
    return out


def _pages(reader: BundleReader, key: str, entry: Entry, maps: MutableMapping[int, Any]) -> Array | None:
    dtype = payload.bare_dtype(entry.dtype)
    if dtype is None or entry.slices or not entry.size or reader.index.header.big_endian:
        return None
    name = bytes_of(key)
    check_shape(entry.shape, entry.dtype, reader.where(name))
    pages = maps.get(entry.shard)
    path = reader.data_path(name, entry.shard)
    if pages is None:
        with typed(f"map key {key!r}", path):
            handle = reader.disk.open(path)
            try:
                reader.check_inside(name, entry, path, reader.disk.size(handle))
                pages = reader.disk.map(handle)
            finally:
                reader.disk.close(handle)
        if pages is None:
            return None
        maps[entry.shard] = pages
    else:
        reader.check_inside(name, entry, path, len(pages))
    array: Array = np.ndarray(entry.shape, dtype, pages, entry.offset)
    return array


def _check_pages(reader: BundleReader, key: str, entry: Entry, array: Array) -> None:
    [crc] = spans.checksums([bytes_view(array)])
    payload.check_crc(mask(crc), entry, reader.where(bytes_of(key)))


def read_into(reader: BundleReader, key: str, array: Any) -> None:
    """Fills an array that has the value's dtype and shape. Raises InvalidArgumentError if it has not."""
    entry = reader.entry(key)
    if not isinstance(array, np.ndarray) or array.dtype != entry.dtype.np or array.shape != entry.shape:
        given = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise InvalidArgumentError(f"read_into: {key!r} is {entry.spec}; the array given is {given}.")
    if not array.flags.writeable:
        raise InvalidArgumentError(f"read_into: the array given for {key!r} is read-only.")
    if entry.slices or not payload.is_plain(entry.dtype) or not array.flags.c_contiguous:
        with reader.reading_over([key], [array]) as ([value], fill):
            fill()
            if value is not array:
                array[...] = value
        return
    with one_checkpoint(reader):
        _fill(reader, bytes_of(key), entry, array)


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
    payload.finish_numbers(array, entry.dtype, reader.index.header.big_endian)


@contextmanager
def one_checkpoint(reader: BundleReader) -> Iterator[None]:
    """Raises AbortedError, whatever was read and whatever went wrong inside, if the checkpoint is another one now."""
    try:
        yield
    except OpError as error:
        if not reader.unchanged():
            raise _replaced(reader) from error
        raise
    check_same(reader)


def check_same(reader: BundleReader) -> None:
    """Raises AbortedError if the checkpoint is another one than was opened."""
    if not reader.unchanged():
        raise _replaced(reader)


def _replaced(reader: BundleReader) -> AbortedError:
    return AbortedError(f"read: checkpoint {reader.prefix!r} was replaced or removed while it was read; open it again.")
