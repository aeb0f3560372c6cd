"""Reading V1 checkpoints: one table file or several."""

from __future__ import annotations

import bisect
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from minitf.core.locks import left_open
from minitf.core.spec import Spec
from minitf.errors import DataLossError, NotFoundError
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.table import Read, Table
from minitf.storage.files import Disk, read_fully
from minitf.storage.flows import Flow
from minitf.storage.keys import bytes_of
from minitf.storage.regions import Box, cut, join, region_box, slice_shape, slice_text
from minitf.storage.same_file import SameFile
from minitf.storage.v1 import flowing, over
from minitf.storage.v1.names import missing_shard
from minitf.storage.v1.records import Slice, TensorMeta, decode_meta, decode_values
from minitf.storage.values import Array, Partitioned, Reading, Region, Typed

KEEP = 1 << 20  # bytes of the blocks that are kept for the next look

Tables = Callable[[Read, int, str], Table]  # how the blocks of a file are found: as Table does


class TableFile:
    """A table on disk; open only inside ``with file.opened()``, for one thread at a time.

    The blocks read last are kept while the file is the same: looking up values one by one, or by turns in several blocks, would
    decode one for each.
    """

    def __init__(self, disk: Disk, path: str, lock: threading.RLock, table: Tables):
        self.path = path
        self._disk = disk
        self._lock = lock
        self._handle: int | None = None
        self._file = SameFile(disk, path)
        self._kept: dict[int, dict[bytes, bytes]] = {}  # by the number of the block, the last one read at the end
        self._taken = 0  # bytes of them in the file
        with self.opened() as handle:
            self._table = table(self._read, disk.size(handle), path)
            first = self._table.block(0) if self._table.handles else ([], [])
            if first[0][:1] != [b""]:
                raise DataLossError(f"{path}: failed to find the saved tensor slices: there is no list of tensors.")
            self.tensors = decode_meta(first[1][0], path)

    @contextlib.contextmanager
    def opened(self) -> Iterator[int]:
        """Opens the file, closes it at the end."""
        with contextlib.ExitStack() as stack, self.kept_open(stack) as handle:
            yield handle

    @contextlib.contextmanager
    def kept_open(self, stack: contextlib.ExitStack) -> Iterator[int]:
        """``opened``, but closed when ``stack`` ends; until then ``reading`` may use it."""
        with self._lock, self._file.kept_open(stack) as handle, self.reading(handle):
            yield handle

    @contextlib.contextmanager
    def reading(self, handle: int) -> Iterator[None]:
        """Records are read from this open file, by this thread."""
        with self._lock:
            self._handle = handle
            try:
                yield
                self._forget(0)
            finally:
                self._handle = None

    def _read(self, offset: int, size: int) -> memoryview:
        data = memoryview(bytearray(size))
        if read_fully(self._disk, self.handle, data, offset) < size:
            raise DataLossError(f"{self.path}: the file became shorter while it was being read.")
        return data

    @property
    def handle(self) -> int:
        """The open file."""
        assert self._handle is not None
        return self._handle

    @contextlib.contextmanager
    def opened_apart(self) -> Iterator[int]:
        """Opens the file once more, for whoever reads it for a while and on its own."""
        with self._file.opened() as handle:
            yield handle

    def block_of(self, key: bytes) -> tuple[int, int] | None:
        """Offset and length of the block that has a key if any has."""
        number = bisect.bisect_left(self._table.bounds, key)
        return self._table.handles[number] if number < len(self._table.handles) else None

    def record(self, key: bytes) -> bytes | None:
        """The record at a key, None if there is none. The file must be open."""
        number = bisect.bisect_left(self._table.bounds, key)
        if number == len(self._table.bounds):
            return None
        block = self._kept.pop(number, None)
        if block is None:
            block = dict(zip(*self._table.block(number), strict=True))
            self._taken += self._table.handles[number][1]
        self._kept[number] = block
        self._forget(1)
        return block.get(key)

    def _forget(self, least: int) -> None:
        """Lets blocks go that take too much together, those of long ago first; keeps ``least`` of them."""
        while self._taken > KEEP and len(self._kept) > least:
            number = next(iter(self._kept))
            self._taken -= self._table.handles[number][1]
            del self._kept[number]


class SlicesReader:
    """An open V1 checkpoint (a ``Reader``). No file is open between calls."""

    def __init__(self, disk: Disk, prefix: str, paths: Sequence[str], table: Tables = Table):
        self.prefix = self.source = prefix
        self.disk = disk
        lock = left_open(threading.RLock())  # one for all: files are opened together, in any order
        self._files = [TableFile(disk, path, lock, table) for path in paths]
        self._metas: dict[str, TensorMeta] = {}
        self._places: dict[tuple[str, Slice], TableFile] = {}
        parts: dict[str, list[Slice]] = {}  # of names that come several times
        for file in self._files:
            for meta in file.tensors:
                self._add(file, meta, parts)
        for name, slices in parts.items():
            self._metas[name] = self._metas[name]._replace(slices=tuple(slices))

    def _add(self, file: TableFile, meta: TensorMeta, parts: dict[str, list[Slice]]) -> None:
        where = f"{file.path}: key {meta.name!r}"
        before = self._metas.get(meta.name)
        if before is not None and (before.shape, before.dtype) != (meta.shape, meta.dtype):
            raise DataLossError(
                f"{where}: {meta.dtype.name} {meta.shape} here, {before.dtype.name} {before.shape} in another file."
            )
        for extents in meta.slices:
            if (meta.name, extents) in self._places:
                raise DataLossError(f"{where}: overlapping slices: {slice_text(extents) or 'the whole'} comes twice.")
            self._places[meta.name, extents] = file
        if before is None:
            self._metas[meta.name] = meta
        else:
            parts.setdefault(meta.name, list(before.slices)).extend(meta.slices)

    def missing_file(self) -> str | None:
        """A file of a sharded checkpoint that is not there; None if none is missing."""
        return missing_shard(file.path for file in self._files)

    def keys(self) -> list[str]:
        """All keys, sorted by their UTF-8 bytes."""
        return sorted(self._metas, key=bytes_of)

    def __contains__(self, key: object) -> bool:
        """True if the checkpoint has a tensor of this name."""
        return key in self._metas

    def meta(self, key: str) -> TensorMeta:
        """What the list says of a tensor. Raises NotFoundError."""
        try:
            return self._metas[key]
        except KeyError:
            raise NotFoundError(
                f"read: key {key!r} is not in checkpoint {self.prefix!r}, which has {len(self._metas)} keys."
            ) from None

    def spec(self, key: str) -> Spec:
        """Dtype and shape. Raises NotFoundError."""
        meta = self.meta(key)
        return Spec(meta.dtype, meta.shape)

    def slices(self, key: str) -> list[Slice]:
        """The pieces that a partitioned tensor was saved in; none for a tensor saved whole."""
        meta = self.meta(key)
        return [] if meta.slices == ((None,) * len(meta.shape),) else list(meta.slices)

    def file_of(self, meta: TensorMeta, extents: Slice) -> TableFile:
        """The file that has a piece."""
        return self._places[meta.name, extents]

    def read(self, key: str) -> Array:
        """The value as a new array. Raises NotFoundError, DataLossError."""
        shape = self.meta(key).shape
        return self.read_slice(key, [0] * len(shape), shape)

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; all or an error."""
        wanted = list(keys)
        metas = [self.meta(key) for key in wanted]
        found: dict[str, Array] = {}
        ordered = sorted({meta.name: meta for meta in metas}.values(), key=lambda meta: slice_key(bytes_of(meta.name), ()))
        with contextlib.ExitStack() as stack:
            for file in self._files:
                stack.enter_context(file.opened())
            for meta in ordered:
                found[meta.name] = self._region(meta, tuple(slice(0, n) for n in meta.shape))
        counted = Counter(wanted)
        return [found[key] if counted[key] == 1 else found[key].copy() for key in wanted]

    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> AbstractContextManager[Reading]:
        """``BundleReader.reading_over``: what goes into spare memory is read twice."""
        return over.reading_over(self, keys, spare)

    def reading_regions_over(
        self, keys: Sequence[str], regions: Sequence[Region | None], spare: Sequence[Any]
    ) -> AbstractContextManager[Reading]:
        """``reading_over`` of regions, (begin, size) each as in ``read_slice``; None for all of a value."""
        return over.reading_over(self, keys, spare, regions)

    def read_slice(self, key: str, begin: Sequence[int], size: Sequence[int], verify: bool = True) -> Array:
        """A region: ``size`` elements from ``begin`` on in each dimension; -1: up to the end.

        ``verify`` is there for the other formats: here every block that is read is verified. Raises InvalidArgumentError if the
        region is not inside the tensor or the stored pieces do not cover it.
        """
        meta = self.meta(key)
        wanted = region_box(key, meta.shape, begin, size)
        with contextlib.ExitStack() as stack:
            for file in {id(self._places[key, extents]): self._places[key, extents] for extents in meta.slices}.values():
                stack.enter_context(file.opened())
            return self._region(meta, wanted)

    def _region(self, meta: TensorMeta, wanted: Box) -> Array:
        def fetch(extents: Slice, box: Box) -> Array:
            return cut(self.piece(meta, extents), box)

        whole = (None,) * len(meta.shape)
        if meta.slices == (whole,):
            return fetch(whole, wanted)
        return join(meta.dtype, meta.shape, meta.slices, wanted, fetch, f"{self.source}: key {meta.name!r}")

    def piece(self, meta: TensorMeta, extents: Slice) -> Array:
        """A stored piece, as a new array. Its file must be open."""
        file = self.file_of(meta, extents)
        where = self.where(meta, extents)
        large = over.read_large(self, file, meta, extents, where)
        if large is not None:
            return large
        record = file.record(slice_key(bytes_of(meta.name), extents))
        if record is None:
            raise NotFoundError(f"{where} is listed, but it is not found in the checkpoint file.")
        return decode_values(record, slice_shape(extents, meta.shape), meta.dtype, where)

    def where(self, meta: TensorMeta, extents: Slice) -> str:
        """What messages call a stored piece."""
        return f"{self.file_of(meta, extents).path}: key {meta.name!r}: slice {slice_text(extents)!r}"

    def large(self, key: str) -> Flow | None:
        """The value as a flow, if it is large; None for others. Raises as ``spec``, and for pieces that do not fit together."""
        return flowing.large(self, self.meta(key))

    def contents(self) -> list[list[tuple[str, Any]]]:
        """Everything, in the order of the list of each file, ready for ``TensorSlices.write_shards``; large values as flows."""
        out = []
        for file in self._files:
            items: list[tuple[str, Any]] = []
            with file.opened():
                for meta in file.tensors:
                    pieces = [(e, flowing.piece_flow(self, meta, e) or self._small(meta, e)) for e in meta.slices]
                    whole = meta.slices == ((None,) * len(meta.shape),)
                    items.append((meta.name, pieces[0][1] if whole else Partitioned(meta.shape, pieces)))
            out.append(items)
        return out

    def _small(self, meta: TensorMeta, extents: Slice) -> Any:
        value = self.piece(meta, extents)
        return Typed(meta.dtype, value) if meta.dtype.kind == "q" else value
