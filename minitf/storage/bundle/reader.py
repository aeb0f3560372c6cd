"""Reading a V2 checkpoint.

Everything is verified before it is handed out, and no file is open between two reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from operator import attrgetter
from typing import Any

import numpy as np

from minitf.core.spec import Spec
from minitf.errors import AbortedError, DataLossError, NotFoundError, OpError
from minitf.storage.bundle import direct, fetching, flowing, over, payload, slices, small, strings
from minitf.storage.bundle.apart import shared_bytes
from minitf.storage.bundle.entries import Entry
from minitf.storage.bundle.index import Identity, Index, identity_of
from minitf.storage.bundle.names import data_path
from minitf.storage.bundle.verify import Verdict, verify
from minitf.storage.files import Disk, read_fully, typed
from minitf.storage.flows import Flow
from minitf.storage.keys import all_bytes_of, all_texts_of, bytes_of, text_of
from minitf.storage.values import Array, Extent, Reading, Region, bytes_view, check_shape

_slices_of = attrgetter("slices")


class BundleReader:
    """An open V2 checkpoint (a ``Reader``). No file is open between calls."""

    def __init__(self, disk: Disk, prefix: str, index: Index, identity: Identity):
        self.disk = disk
        self._index = index
        self._identity = identity
        self.prefix = prefix
        self.source = prefix

    @property
    def index(self) -> Index:
        """Header and records, for tools."""
        return self._index

    def unchanged(self) -> bool:
        """True if the checkpoint is still the one that was opened."""
        try:
            found = self.disk.stat(self._index.path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) == self._identity

    def keys(self) -> list[str]:
        """All keys, sorted by their bytes. Keys that are not UTF-8 come with surrogate escapes."""
        return all_texts_of(self._index.keys())

    def __contains__(self, key: object) -> bool:
        """True if the checkpoint has a tensor of this name."""
        if not isinstance(key, str):
            return False
        found = bytes_of(key)
        return found in self._index.records and (not found.startswith(b"\0") or found not in self._index.pieces())

    def entry(self, key: str) -> Entry:
        """Where and what a value is. Raises NotFoundError, DataLossError."""
        try:
            return self._index.entry(bytes_of(key))
        except KeyError:
            raise self._not_there(key) from None

    def _not_there(self, key: str) -> NotFoundError:
        count = len(self._index.records) - len(self._index.pieces())
        return NotFoundError(f"read: key {key!r} is not in checkpoint {self.prefix!r}, which has {count} keys.")

    def spec(self, key: str) -> Spec:
        """Dtype and shape. Raises NotFoundError, DataLossError."""
        return self.entry(key).spec

    def specs(self) -> dict[str, Spec]:
        """Dtype and shape of every key, in the order of ``keys()``. Raises DataLossError."""
        names = self._index.keys()
        found: list[Any] = [None] * len(names)
        alike, rest = self._index.alike(names)
        for group in alike:
            spec = Spec(group.dtype, group.shape)
            for number in group.numbers.tolist():
                found[number] = spec
        for number in rest:
            found[number] = self._index.entry(names[number]).spec
        return dict(zip(all_texts_of(names), found, strict=True))

    def read_small(self, keys: Sequence[str], limit: int) -> dict[str, Any]:
        """The values of those keys that are there, saved whole, with at most so many bytes in the files. Raises as ``read``."""
        records, names = self._index.records, all_bytes_of(keys)
        if not all(map(records.__contains__, names)):
            keys = [key for key, name in zip(keys, names, strict=True) if name in records]
            names = all_bytes_of(keys)
        alike, rest = self._index.alike(names)
        out: list[Any] = [None] * len(names)
        with self._told_if_replaced():
            rest += small.read(self, names, [group for group in alike if group.size <= limit], out)
        found = [(number, self._index.entry(names[number])) for number in rest]
        found = [(number, entry) for number, entry in found if entry.size <= limit and not entry.slices]
        values = self.read_entries([names[number] for number, _ in found], [entry for _, entry in found])
        for (number, _), value in zip(found, values, strict=True):
            out[number] = value
        return {key: value for key, value in zip(keys, out, strict=True) if value is not None}

    def slices(self, key: str) -> list[tuple[Extent, ...]]:
        """The pieces that a partitioned tensor was saved in; none for a tensor saved whole."""
        return list(self.entry(key).slices)

    def read(self, key: str) -> Array:
        """The value as a new array. Raises NotFoundError (also for a missing data file), DataLossError, OutOfRangeError."""
        entry = self.entry(key)  # looking for others that are alike would be the longest part of reading one
        value: Array = self._read_one_by_one((key,), (bytes_of(key),), (entry,))[0]
        return value

    def read_lazily(self, key: str, *, verify: bool = False) -> Array:
        """The value as pages of its data file, fetched when they are looked at; writing to the array leaves the file alone.

        ``verify`` compares the checksum now, which looks at all of it. What cannot be mapped (strings, pieces, bool and
        smaller, the other byte order, URLs) is read and verified at once. While such an array is in use nobody may shorten the
        file or write into it: the program would be killed by SIGBUS, or see other values. minitf never does (it makes new
        files); other programs may. Raises as ``read``.
        """
        [found] = direct.mapped(self, [key], 0, verify)
        return self.read(key) if found is None else found

    def read_into(self, key: str, array: Array) -> None:
        """Reads into an array that is there: same dtype and shape, and no further memory.

        Raises InvalidArgumentError for an array that does not fit, and as ``read``; after an error of reading the array's
        content is undefined.
        """
        direct.read_into(self, key, array)

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; all or an error."""
        wanted = list(keys)
        names = all_bytes_of(wanted)
        try:
            alike, rest = self._index.alike(names)
        except KeyError:
            raise self._not_there(next(key for key in wanted if bytes_of(key) not in self._index.records)) from None
        out: list[Any] = [None] * len(wanted)
        with self._told_if_replaced():
            rest += small.read(self, names, alike, out)
        if rest:
            some = [names[number] for number in rest]
            values = self._read_one_by_one([wanted[number] for number in rest], some, self._index.entries(some))
            for number, value in zip(rest, values, strict=True):
                out[number] = value
        return out

    def _read_one_by_one(self, keys: Sequence[str], names: Sequence[bytes], entries: Sequence[Entry]) -> list[Any]:
        if not any(map(_slices_of, entries)):
            return self.read_entries(names, entries)
        return [
            slices.read_region(self, key, [0] * len(entry.shape), entry.shape, True)
            for key, entry in zip(keys, entries, strict=True)
        ]

    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> AbstractContextManager[Reading]:
        """Reads many values, large ones into memory that is there: ``with reader.reading_over(keys, spare) as (values, fill)``.

        ``spare`` has an array that may be overwritten for each key, or None. Inside, everything has been verified; where an
        array is taken, it is the value, and ``fill()`` writes into it. A ``Resizable`` one gets the value's shape then.
        Raises as ``read_many``.
        """
        return over.reading_over(self, keys, spare)

    def reading_regions_over(
        self, keys: Sequence[str], regions: Sequence[Region | None], spare: Sequence[Any]
    ) -> AbstractContextManager[Reading]:
        """``reading_over`` of regions, (begin, size) each as in ``read_slice``; None for all of a value."""
        return over.reading_over(self, keys, spare, regions)

    def stored_bytes(self) -> int:
        """The size of all data files together; 0 if one is not there."""
        shards = self._index.header.shards
        try:
            return sum([self.disk.stat(data_path(self.prefix, shard, shards)).st_size for shard in range(shards)])
        except OSError:
            return 0

    def verify(self, keys: Iterable[str]) -> Iterator[Verdict]:
        """Reads values, compares their checksums and forgets them: gives (key, bytes, error or None) for each, in any order."""
        return verify(self, keys)

    def large(self, key: str) -> Flow | None:
        """The value as a flow, if it is large; None for others. Raises as ``spec``, and for pieces that do not fit together."""
        return flowing.large(self, key)

    def contents(self) -> list[list[tuple[str, Any]]]:
        """Everything, in the order in which it stands in each data file, ready for ``TensorBundle.write_shards``.

        Large values come as flows, other quantised and variant ones as ``Typed``, pieces of partitioned tensors as
        ``Partitioned`` with one piece. Raises as ``read``, and DataLossError if values share bytes.
        """
        return flowing.contents(self)

    def check_apart(self) -> None:
        """Raises DataLossError if values share bytes: all of them together may be far more than there is."""
        shared = shared_bytes(self._index)
        if shared is not None:
            raise DataLossError(f"{self.prefix}: {shared}.")

    def read_slice(self, key: str, begin: Sequence[int], size: Sequence[int], verify: bool = True) -> Array:
        """A region of a tensor: ``size`` elements from ``begin`` on in each dimension; -1: up to the end.

        Of a partitioned tensor only the pieces that the region touches are read. The checksum of a piece covers all of it, so
        all of it is read; ``verify=False`` reads the rows of the region only and trusts them. Raises InvalidArgumentError if
        the region is not inside the tensor or the stored pieces do not cover it.
        """
        return slices.read_region(self, key, begin, size, verify)

    def read_rows(self, key: bytes, entry: Entry, start: int, stop: int) -> Array:
        """Rows of a value of numbers, without looking at its checksum. Raises NotFoundError, DataLossError, AbortedError."""
        check_shape(entry.shape, entry.dtype, self.where(key))
        width = entry.size // entry.shape[0] if entry.shape[0] else 0
        path = self.data_path(key, entry.shard)
        with direct.one_checkpoint(self), typed(f"read key {text_of(key)!r}", path):  # no checksum would tell other values
            handle = self.disk.open(path)
            try:
                self.check_inside(key, entry, path, self.disk.size(handle))
                array = np.empty((stop - start, *entry.shape[1:]), entry.dtype.np)
                read_fully(self.disk, handle, bytes_view(array), entry.offset + start * width)
            finally:
                self.disk.close(handle)
        return payload.finish_numbers(array, entry.dtype, self._index.header.big_endian)

    def read_entries(self, keys: Sequence[bytes], entries: Sequence[Entry]) -> list[Array]:
        """The values behind entries that have bytes of their own; the keys are for messages. Raises as ``read`` does."""
        with self._told_if_replaced():
            return fetching.read(self, keys, entries)

    @contextmanager
    def _told_if_replaced(self) -> Iterator[None]:
        """Turns an error into AbortedError if it comes from a checkpoint that is another one by now."""
        try:
            yield
        except OpError as error:
            if identity_of(self.disk, self._index.path) != self._identity:
                raise AbortedError(
                    f"read: checkpoint {self.prefix!r} was replaced or removed while it was read; open it again. ({error})"
                ) from error
            raise

    def text_in(self, handle: int, path: str, key: bytes, entry: Entry) -> strings.Stored:
        """A value of strings or variants in its open data file. Raises UnimplementedError."""
        return strings.stored(self.disk, handle, path, entry, self.where(key), self._index.header.big_endian)

    def data_path(self, key: bytes, shard: int) -> str:
        """The data file in which a key stands. Raises NotFoundError for a number that there is not."""
        shards = self._index.header.shards
        if shard >= shards:
            raise NotFoundError(
                f"{self.where(key)}: it stands in data file {shard}, but the checkpoint has {shards} (0 to {shards - 1})."
            )
        return data_path(self.prefix, shard, shards)

    def check_inside(self, key: bytes, entry: Entry, path: str, length: int) -> None:
        """Raises DataLossError if a value reaches beyond the end of its file."""
        if entry.size and entry.offset + entry.size > length:
            raise DataLossError(
                f"{self.where(key)}: read less bytes than requested: {entry.size} bytes at offset {entry.offset} of {path}, "
                f"which has {length}."
            )

    def where(self, key: bytes) -> str:
        """What messages call a key."""
        return f"{self.prefix}: key {text_of(key)!r}"
