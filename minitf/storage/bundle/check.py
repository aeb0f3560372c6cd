"""Checks of a V2 checkpoint that do not need its values."""

from __future__ import annotations

from minitf.errors import DataLossError
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.names import data_path
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.files import find
from minitf.storage.keys import text_of
from minitf.storage.regions import slice_text


def missing_data(reader: BundleReader) -> str | None:
    """What a checkpoint lacks: a data file, or the end of one. None if nothing.

    Raises DataLossError for an entry that makes no sense.
    """
    needed: dict[int, tuple[int, bytes]] = {}
    index = reader.index
    for key in index.records:
        entry = index.entry(key)
        for extents in entry.slices:
            if slice_key(key, extents) not in index.records:
                return f"{reader.prefix!r} lacks the slice {slice_text(extents)} of key {text_of(key)!r}"
        if entry.slices:
            continue
        if not 0 <= entry.shard < index.header.shards:
            raise DataLossError(f"{reader.prefix}: key {text_of(key)!r} stands in data file {entry.shard}, which cannot be.")
        end = entry.offset + entry.size
        if entry.shard not in needed or needed[entry.shard][0] < end:
            needed[entry.shard] = end, key
    for shard, (end, key) in sorted(needed.items()):
        path = data_path(reader.prefix, shard, index.header.shards)
        found = find(reader.disk, path)
        if found is None:
            return f"{reader.prefix!r} lacks the data file {path!r}"
        if found.st_size < end:
            return f"{path!r} has {found.st_size} bytes; key {text_of(key)!r} needs {end}"
    return None
