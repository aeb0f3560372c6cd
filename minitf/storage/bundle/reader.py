"""Reading a V2 checkpoint.

Everything is verified before it is handed out. A read opens each data file that it needs once, fetches neighbouring small
values together and large ones straight into the array that the caller gets, and closes the files again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from crc32c import crc32c

from minitf.core.spec import Spec
from minitf.errors import AbortedError, DataLossError, NotFoundError, OpError
from minitf.storage.bundle import payload, slices, spans
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.bundle.index import Identity, Index, bytes_of, identity_of, text_of
from minitf.storage.bundle.names import data_path
from minitf.storage.files import Disk, read_fully, typed
from minitf.storage.values import Array, Extent, bytes_view

SMALL = 1 << 18  # a value up to this size is fetched together with its neighbours,
RUN = 1 << 20  # up to this many bytes at a time
GAP = 1 << 12  # and over so many bytes that nobody wants


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

    def keys(self) -> list[str]:
        """All keys, sorted by their bytes. Keys that are not UTF-8 come with surrogate escapes."""
        return [text_of(key) for key in self._index.keys()]

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
            raise NotFoundError(
                f"read: key {key!r} is not in checkpoint {self.prefix!r}, which has {len(self._index.records)} keys."
            ) from None

    def spec(self, key: str) -> Spec:
        """Dtype and shape. Raises NotFoundError, DataLossError."""
        return self.entry(key).spec

    def slices(self, key: str) -> list[tuple[Extent, ...]]:
        """The pieces that a partitioned tensor was saved in; none for a tensor saved whole."""
        return list(self.entry(key).slices)

    def read(self, key: str) -> Array:
        """The value as a new array. Raises NotFoundError (also for a missing data file), DataLossError, OutOfRangeError."""
        value: Array = self.read_many((key,))[0]
        return value

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; all or an error."""
        wanted = list(keys)
        entries = [self.entry(key) for key in wanted]
        out: list[Any] = [None] * len(wanted)
        whole = []
        for number, entry in enumerate(entries):
            if entry.slices:
                out[number] = slices.read_region(self, wanted[number], [0] * len(entry.shape), entry.shape, True)
            else:
                whole.append(number)
        for number, value in zip(whole, self.read_entries([(bytes_of(wanted[n]), entries[n]) for n in whole]), strict=True):
            out[number] = value
        return out

    def read_slice(self, key: str, begin: Sequence[int], size: Sequence[int], verify: bool = True) -> Array:
        """A region of a tensor: ``size`` elements from ``begin`` on in each dimension; -1: up to the end.

        Of a partitioned tensor only the pieces that the region touches are read. The checksum of a piece covers all of it, so
        all of it is read; ``verify=False`` reads the rows of the region only and trusts them. Raises InvalidArgumentError if
        the region is not inside the tensor or the stored pieces do not cover it.
        """
        return slices.read_region(self, key, begin, size, verify)

    def read_rows(self, key: bytes, entry: Entry, start: int, stop: int) -> Array:
        """Rows of a value of numbers, without looking at its checksum. Raises NotFoundError, DataLossError."""
        where = self._where(key)
        payload.check_size(entry, where)
        width = entry.size // entry.shape[0] if entry.shape[0] else 0
        path = data_path(self.prefix, entry.shard, self._index.header.shards)
        with typed(f"read key {text_of(key)!r}", path):
            handle = self.disk.open(path)
            try:
                self._check_inside(key, entry, path, self.disk.size(handle))
                array = np.empty((stop - start, *entry.shape[1:]), entry.dtype.np)
                read_fully(self.disk, handle, bytes_view(array), entry.offset + start * width)
            finally:
                self.disk.close(handle)
        return payload.finish_numbers(array, entry.dtype, self._index.header.big_endian)

    def _check_inside(self, key: bytes, entry: Entry, path: str, length: int) -> None:
        if entry.size and entry.offset + entry.size > length:
            raise DataLossError(
                f"{self._where(key)}: read less bytes than requested: {entry.size} bytes at offset {entry.offset} of {path}, "
                f"which has {length}."
            )

    def read_entries(self, items: Sequence[tuple[bytes, Entry]]) -> list[Array]:
        """The values behind entries that have bytes of their own. Raises as ``read`` does."""
        try:
            return self._read_entries(items)
        except OpError as error:
            if identity_of(self.disk, self._index.path) != self._identity:
                raise AbortedError(
                    f"read: checkpoint {self.prefix!r} was replaced or removed while it was read; open it again. ({error})"
                ) from error
            raise

    def _read_entries(self, items: Sequence[tuple[bytes, Entry]]) -> list[Array]:
        order = sorted(range(len(items)), key=lambda n: (items[n][1].shard, items[n][1].offset))
        out: list[Any] = [None] * len(items)
        for shard, numbers in _by_shard(items, order):
            first_key = items[numbers[0]][0]
            if shard >= self._index.header.shards:
                raise NotFoundError(
                    f"{self._where(first_key)}: it stands in data file {shard}, but the checkpoint has "
                    f"{self._index.header.shards} (0 to {self._index.header.shards - 1})."
                )
            path = data_path(self.prefix, shard, self._index.header.shards)
            with typed(f"read key {text_of(first_key)!r}", path):
                handle = self.disk.open(path)
                try:
                    self._read_shard(handle, path, items, numbers, out)
                finally:
                    self.disk.close(handle)
        return out

    def _read_shard(
        self, handle: int, path: str, items: Sequence[tuple[bytes, Entry]], numbers: Sequence[int], out: list[Any]
    ) -> None:
        length = self.disk.size(handle)
        big_endian = self._index.header.big_endian
        large = []
        for start, end, run in _runs(items, numbers):
            for number in run:
                entry = items[number][1]
                payload.check_size(entry, self._where(items[number][0]))
                self._check_inside(items[number][0], entry, path, length)
            key, entry = items[run[0]]
            if entry.size > SMALL and payload.is_plain(entry.dtype):
                large.append(run[0])
                continue
            data = memoryview(bytearray(end - start if entry.size else 0))
            got = read_fully(self.disk, handle, data, start)
            if got < len(data):
                raise DataLossError(f"{self._where(key)}: {path} became shorter while it was being read.")
            for number in run:
                key, entry = items[number]
                piece = data[entry.offset - start : entry.offset - start + entry.size]
                out[number] = self._decode(piece, key, entry, big_endian)
        if large:
            self._read_large(handle, path, items, large, out)

    def _decode(self, piece: memoryview, key: bytes, entry: Entry, big_endian: bool) -> Array:
        if not big_endian and entry.dtype.kind in "fiu" and entry.dtype.name not in payload.SUB_BYTE:
            if mask(crc32c(piece)) == entry.crc:
                return np.frombuffer(piece, entry.dtype.np).reshape(entry.shape).copy()
        return payload.decode_value(piece, entry, self._where(key), big_endian)

    def _read_large(
        self, handle: int, path: str, items: Sequence[tuple[bytes, Entry]], numbers: Sequence[int], out: list[Any]
    ) -> None:
        arrays = [np.empty(items[number][1].shape, items[number][1].dtype.np) for number in numbers]
        wanted = [(items[n][1].offset, bytes_view(array)) for n, array in zip(numbers, arrays, strict=True)]
        found = spans.read(self.disk, handle, wanted, path)
        for number, array, crc in zip(numbers, arrays, found, strict=True):
            key, entry = items[number]
            payload.check_crc(mask(crc), entry, self._where(key))
            out[number] = payload.finish_numbers(array, entry.dtype, self._index.header.big_endian)

    def _where(self, key: bytes) -> str:
        return f"{self.prefix}: key {text_of(key)!r}"


def _by_shard(items: Sequence[tuple[bytes, Entry]], order: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    start = 0
    for stop in range(1, len(order) + 1):
        if stop == len(order) or items[order[stop]][1].shard != items[order[start]][1].shard:
            yield items[order[start]][1].shard, list(order[start:stop])
            start = stop


def _runs(items: Sequence[tuple[bytes, Entry]], numbers: Sequence[int]) -> Iterator[tuple[int, int, list[int]]]:
    """Cuts values in the order of their offsets into runs to be fetched at once: (start, end, numbers)."""
    run: list[int] = []
    start = end = 0
    for number in numbers:
        entry = items[number][1]
        stop = entry.offset + entry.size
        if run and (entry.size == 0 or entry.size > SMALL or entry.offset > end + GAP or max(stop, end) - start > RUN):
            yield start, end, run
            run = []
        if not run:
            start, end = entry.offset, stop
        run.append(number)
        end = max(end, stop)
        if entry.size > SMALL or entry.size == 0:
            yield start, end, run
            run = []
    if run:
        yield start, end, run
