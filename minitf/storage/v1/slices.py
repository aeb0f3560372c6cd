"""V1 checkpoints as a storage: written to a temporary name and renamed, a file at a time."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from minitf.errors import AlreadyExistsError, DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle.block import Value
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.names import index_path
from minitf.storage.bundle.table import table_chunks
from minitf.storage.files import (
    TEMPORARY,
    Disk,
    discard_left,
    is_directory,
    is_file,
    make_directories,
    names_in,
    replace_file,
    typed,
    while_locked,
)
from minitf.storage.flows import Flow, flow_of
from minitf.storage.keys import bytes_of, is_text
from minitf.storage.paths import join_path, parent_of, path_of, split_path
from minitf.storage.regions import check_piece, check_pieces
from minitf.storage.same_file import opened_whole
from minitf.storage.v1.names import pattern_of, shard_path
from minitf.storage.v1.reader import SlicesReader
from minitf.storage.v1.records import Slice, TensorMeta, check_dtype, check_size, encode_meta, encode_values
from minitf.storage.values import Partitioned

Tensors = Mapping[str, Any] | Sequence[tuple[str, Any]]


class TensorSlices:
    """TensorFlow's V1 format as a ``Storage``: the file has the name of the prefix itself.

    A prefix with ``?`` or ``*`` is a pattern for the files of a sharded checkpoint, as in the state file of a sharded saver.
    """

    name = "tf-v1"
    on_disk = True

    def __init__(self, durable: bool = True, *, disk: Disk = ANYWHERE):
        self.durable = durable
        self._disk = disk

    def __repr__(self) -> str:
        return f"TensorSlices(durable={self.durable})"

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Writes a checkpoint of one file; on an error what stood there before is still there.

        Raises UnimplementedError for dtypes that the format does not have, AlreadyExistsError if a V2 checkpoint has the same
        prefix (readers would take that one first), and typed errors for what the file system refuses.
        """
        prefix = path_of(prefix)
        self._write([(prefix, tensors)], prefix)

    def write_shards(self, prefix: str, shards: Sequence[Tensors], *, though_hidden: bool = False) -> str:
        """Writes a file for each of ``shards`` and returns the pattern that stands for all of them.

        Each file is replaced in one step; the set is not: use it for new prefixes. One shard: the same as ``write``.
        ``though_hidden`` is for who removes a V2 checkpoint that has the prefix afterwards: until then readers take that one.
        """
        prefix = path_of(prefix)
        if len(shards) == 1:
            self._write([(prefix, shards[0])], prefix, though_hidden)
            return prefix
        files = [(shard_path(prefix, n, len(shards)), tensors) for n, tensors in enumerate(shards)]
        self._write(files, prefix, though_hidden)
        return pattern_of(prefix, len(shards))

    def _write(self, files: Sequence[tuple[str, Tensors]], prefix: str, though_hidden: bool = False) -> None:
        tables = [(path, *_records(tensors)) for path, tensors in files]
        directory = parent_of(prefix)
        make_directories(self._disk, directory, self.durable)

        def write() -> None:
            if not though_hidden and is_file(self._disk, index_path(prefix)):
                raise AlreadyExistsError(
                    f"write: a V2 checkpoint stands under {prefix!r} and would hide a V1 one. Remove it, or use another name."
                )
            discard_left(self._disk, [prefix, *(path for path, _ in files)])
            for path, keys, values in tables:
                replace_file(self._disk, path, table_chunks(keys, values), self.durable)

        while_locked(self._disk, directory, write)

    def open(self, prefix: str) -> SlicesReader:
        """Opens a checkpoint: reads the list of tensors. Raises NotFoundError, DataLossError."""
        prefix = path_of(prefix)
        paths = self.files(prefix)
        if not paths:
            if prefix and is_directory(self._disk, prefix):
                raise DataLossError(f"open: {prefix!r} is a directory, not a checkpoint; try latest_checkpoint({prefix!r}).")
            raise NotFoundError(f"open: failed to find any matching files for {prefix!r}.")
        return opened_whole(lambda: SlicesReader(self._disk, prefix, paths))

    def exists(self, prefix: str) -> bool:
        """True if files stand there (whatever they are)."""
        return bool(self.files(path_of(prefix)))

    def remove(self, prefix: str) -> None:
        """Deletes the file, or all files of the pattern."""
        for path in self.files(path_of(prefix)):
            with typed("remove", path):
                self._disk.remove(path)

    def files(self, prefix: str) -> list[str]:
        """The files that stand there, sorted: the one with exactly this name, or those of the pattern."""
        if is_file(self._disk, prefix):
            return [prefix]
        directory, pattern = split_path(prefix)
        if not any(sign in pattern for sign in "*?["):
            return []
        names = fnmatch.filter(names_in(self._disk, directory), pattern)
        paths = [join_path(directory, name) for name in names if TEMPORARY not in name]
        return [path for path in paths if is_file(self._disk, path)]


class _Values(Sequence[Value]):
    """The records of a table, each encoded when it is written, so that they are not all in memory at once."""

    def __init__(self, meta: bytes, pieces: Sequence[tuple[str, Slice, Flow]]):
        self._meta = meta
        self._pieces = pieces
        self._kept: tuple[int, Value] = -1, b""

    def __len__(self) -> int:
        return len(self._pieces) + 1

    def __getitem__(self, number: Any) -> Any:
        if number == 0:
            return self._meta
        if self._kept[0] != number:
            self._kept = number, encode_values(*self._pieces[number - 1])
        return self._kept[1]


def _records(tensors: Tensors) -> tuple[list[bytes], Sequence[Value]]:
    """Keys and values of a table."""
    metas: dict[str, TensorMeta] = {}
    pieces: dict[bytes, tuple[str, Slice, Flow]] = {}
    for name, value in tensors.items() if isinstance(tensors, Mapping) else tensors:
        if not is_text(name):
            raise InvalidArgumentError(f"write: the key {name!r} is not UTF-8, and a V1 checkpoint could not be read any more.")
        if isinstance(value, Partitioned):
            shape, listed = tuple(value.shape), list(value.pieces)
            if not listed:
                raise InvalidArgumentError(f"write: the partitioned tensor {name!r} has no pieces.")
        else:
            whole = flow_of(value, name)
            shape, listed = whole.shape, [((None,) * len(whole.shape), whole)]
        for extents, piece in listed:
            flow = flow_of(piece, name)
            dtype = flow.dtype
            check_dtype(dtype, name)
            check_piece(name, shape, extents, flow.shape)
            check_size(name, extents, flow)
            key = slice_key(bytes_of(name), extents)
            if key in pieces:
                raise AlreadyExistsError(f"write: the key {name!r} comes twice.")
            pieces[key] = name, extents, flow
            before = metas.get(name, TensorMeta(name, shape, dtype, ()))
            if (before.shape, before.dtype) != (shape, dtype):
                raise InvalidArgumentError(f"write: the pieces of {name!r} differ in dtype or in the shape of the whole.")
            metas[name] = before._replace(slices=(*before.slices, extents))
    for meta in metas.values():
        check_pieces(meta.name, meta.slices, meta.shape)
    keys = sorted(pieces)
    return [b"", *keys], _Values(encode_meta(list(metas.values())), [pieces[key] for key in keys])
