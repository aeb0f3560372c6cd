"""Joining several V2 checkpoints into one (TensorFlow's ``MergeV2Checkpoints``): the data files are taken over as they are."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from functools import partial

from minitf.errors import InternalError, InvalidArgumentError, NotFoundError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle.bundle import TensorBundle, free_count
from minitf.storage.bundle.entries import Entry, Header, encode_entry, encode_header
from minitf.storage.bundle.names import data_path, files_of, index_path
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.bundle.table import table_chunks
from minitf.storage.bundle.writer import check_partitioned, join_partitioned, what_is_at
from minitf.storage.files import (
    Disk,
    commit,
    discard,
    fill_temporary,
    make_directories,
    read_fully,
    temporary_name,
    typed,
    while_locked,
    write_fully,
    write_temporary,
)
from minitf.storage.keys import text_of
from minitf.storage.paths import normal, parent_of, path_of

COPY = 1 << 22


def merge(
    inputs: Sequence[str],
    prefix: str,
    *,
    delete_inputs: bool = True,
    allow_missing: bool = False,
    durable: bool = True,
    disk: Disk = ANYWHERE,
) -> None:
    """Makes one checkpoint of several; a tensor may be spread over them only in pieces.

    A data file of the result is a second name for the input's (a copy where the file system has no such thing), so the
    inputs are whole until the result is; then, with ``delete_inputs``, they and their empty directories go. Raises
    InvalidArgumentError for a missing input (unless ``allow_missing``), for a tensor that comes twice and for inputs that do
    not go together, InternalError for a whole tensor behind pieces of it.
    """
    prefix = path_of(prefix)
    storage = TensorBundle(durable, disk=disk)
    readers = []
    for path in map(path_of, inputs):
        try:
            readers.append(storage.open(path))
        except NotFoundError as error:
            if not allow_missing:
                raise InvalidArgumentError(f"merge: the input {path!r} is missing: {error}") from error
    if not readers:
        raise InvalidArgumentError(f"merge: there is nothing to merge into {prefix!r}.")
    if any(reader.prefix == prefix for reader in readers):
        raise InvalidArgumentError(f"merge: {prefix!r} is one of the inputs; give the result another name.")
    header, entries, sources = _joined(readers)
    directory = parent_of(prefix)
    make_directories(disk, directory, durable)
    while_locked(disk, directory, partial(_write, disk, prefix, header, entries, sources, durable))
    if delete_inputs:
        for reader in readers:
            storage.remove(reader.prefix)
            _remove_empty(disk, parent_of(reader.prefix), directory)


def _write(disk: Disk, prefix: str, header: Header, entries: dict[bytes, Entry], sources: list[str], durable: bool) -> None:
    """Puts the result in its place."""
    directory = parent_of(prefix)
    present, left = files_of(disk, prefix)
    header.shards = free_count(disk, prefix, header.shards, present)
    keys = sorted(entries)
    chunks = table_chunks([b"", *keys], [encode_header(header), *(encode_entry(entries[key]) for key in keys)])
    paths = [data_path(prefix, number, header.shards) for number in range(len(sources))]
    pending: list[str] = []
    temporaries: list[str] = []
    try:
        for source, path in zip(sources, paths, strict=True):
            temporary = _take_over(disk, source, path, durable)
            temporaries.append(temporary)
            pending += temporary, path
            with typed("rename", path):
                disk.replace(temporary, path)
        index = write_temporary(disk, index_path(prefix), chunks, durable)
        pending.append(index)
        _sync(disk, directory, durable)
        commit(disk, index, index_path(prefix), pending)
    except BaseException:
        discard(disk, pending)
        raise
    _sync(disk, directory, durable)
    discard(disk, temporaries)  # where both names were of one file already, renaming has done nothing
    discard(disk, [*left, *(path for path in present if path not in paths)])


def _joined(readers: Sequence[BundleReader]) -> tuple[Header, dict[bytes, Entry], list[str]]:
    """Header, entries and data files of the result."""
    first = readers[0].index.header
    header = Header(0, first.big_endian, first.version)
    entries: dict[bytes, Entry] = {}
    sources: dict[str, int] = {}
    for reader in readers:
        found = reader.index.header
        if (found.big_endian, found.version) != (first.big_endian, first.version):
            raise InvalidArgumentError(f"merge: {reader.prefix!r} and {readers[0].prefix!r} differ in byte order or version.")
        header.shards += found.shards
        for key in reader.index.records:
            entry = reader.index.entry(key)
            before = entries.get(key)
            if before is not None and not (before.slices and entry.slices):
                if before.slices:
                    raise InternalError(f"merge: {text_of(key)!r} comes in pieces, and then whole from {reader.prefix!r}.")
                what = what_is_at(key, {name: one for name, one in entries.items() if one.slices})
                raise InvalidArgumentError(f"merge: Duplicate tensor: {what} comes again from {reader.prefix!r}.")
            if before is not None:
                entries.update(join_partitioned([{key: before}, {key: entry}]))
            else:
                path = data_path(reader.prefix, entry.shard, found.shards)
                entries[key] = entry._replace(shard=sources.setdefault(path, len(sources)))
    check_partitioned({key: entry for key, entry in entries.items() if entry.slices}, "merge")
    return header, entries, list(sources)


def _sync(disk: Disk, directory: str, durable: bool) -> None:
    if durable:
        with typed("sync directory", directory or os.curdir):
            disk.sync_directory(directory)


def _take_over(disk: Disk, source: str, path: str, durable: bool) -> str:
    """Gives a file a second name, a temporary one for ``path``, which it returns; where that cannot be, copies it."""
    with typed("take over", source):
        try:
            temporary = temporary_name(path)
            disk.link(source, temporary)
            return temporary
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
                raise
            return _copy(disk, source, path, durable)


def _copy(disk: Disk, source: str, path: str, durable: bool) -> str:
    """Copies a file to a temporary name for ``path``, which it returns."""
    reading = disk.open(source)
    try:

        def fill(handle: int) -> None:
            for offset, data in _pieces(disk, reading):
                write_fully(disk, handle, data, offset)

        return fill_temporary(disk, path, fill, durable)
    finally:
        disk.close(reading)


def _pieces(disk: Disk, handle: int) -> Iterator[tuple[int, memoryview]]:
    buffer = memoryview(bytearray(COPY))
    offset = 0
    while got := read_fully(disk, handle, buffer, offset):
        yield offset, buffer[:got]
        offset += got


def _remove_empty(disk: Disk, directory: str, keep: str) -> None:
    if directory and normal(directory) != normal(keep):
        try:
            disk.remove_directory(directory)
        except OSError:
            return  # something else is in it
