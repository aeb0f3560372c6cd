"""A parsed ``.index`` file, and the rule when it may be used again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open
from minitf.errors import DataLossError, NotFoundError
from minitf.storage.bundle.coding import slice_key
from minitf.storage.bundle.entries import Alike, Entry, Header, Known, decode_alike, decode_header, quick_entry
from minitf.storage.bundle.names import index_path, missing_text
from minitf.storage.bundle.table import Table
from minitf.storage.files import Disk, find, is_directory, read_whole
from minitf.storage.keys import text_of

Identity = tuple[int, int, int, int]
FEW = 8  # entries that are not worth a group
KINDS = 16  # of entries of one length, which are looked for


class Index:
    """Header and records of one checkpoint. Entries are decoded when they are asked for."""

    def __init__(self, data: bytes | bytearray, path: str):
        view = memoryview(data).toreadonly()
        records = Table(lambda offset, size: view[offset : offset + size], len(view), path).records()
        if b"" not in records:
            raise DataLossError(f"{path}: the header, the record with the empty key, is missing.")
        self._fill(path, decode_header(records.pop(b""), path), records)

    def _fill(self, path: str, header: Header, records: dict[bytes, bytes]) -> None:
        self.path = path
        self.header: Header = header
        self.records = records
        self._heads: dict[bytes, Known] = {}
        self._pieces: set[bytes] | None = None

    @classmethod
    def of_records(cls, path: str, header: Header, records: dict[bytes, bytes]) -> Index:
        """An index of records that were found in another way than by reading the whole file."""
        index = cls.__new__(cls)
        index._fill(path, header, records)
        return index

    def entry(self, key: bytes) -> Entry:
        """The entry of a key (or slice key). Raises KeyError if there is none, DataLossError if it makes no sense."""
        return quick_entry(self.records[key], self._heads, self._where, key)

    def entries(self, keys: Sequence[bytes]) -> list[Entry]:
        """``entry`` of many keys, all that look alike at once."""
        alike, rest = self.alike(keys)
        out: list[Any] = [None] * len(keys)
        for group in alike:
            for number, entry in zip(group.numbers.tolist(), group.entries(), strict=True):
                out[number] = entry
        for number in rest:
            out[number] = self.entry(keys[number])
        return out

    def alike(self, keys: Sequence[bytes]) -> tuple[list[Alike], list[int]]:
        """The entries of many keys in groups that look alike, and the numbers of keys that are in none. Raises as ``entry``."""
        found = list(map(self.records.__getitem__, keys))
        rest: list[int] = []
        alike: list[Alike] = []
        lengths = np.fromiter(map(len, found), np.intp, len(found))
        kinds, counts = np.unique(lengths, return_counts=True)  # records of one length mostly are of one kind, or of few
        for length in kinds[np.argsort(-counts, kind="stable")].tolist():
            left: Any = np.flatnonzero(lengths == length)
            few = 0 if alike else FEW  # beside many that are fetched together, few are fetched along with them
            for _ in range(KINDS):
                if len(left) <= few:
                    break
                first = quick_entry(found[left[0]], self._heads, self._where, keys[left[0]])
                decoded = decode_alike(first, list(map(found.__getitem__, left.tolist())), left)
                if decoded is None or len(decoded[0].numbers) <= few:
                    break
                alike.append(decoded[0])
                left = decoded[1]
            rest += left.tolist()
        return alike, rest

    def _where(self, key: bytes) -> str:
        return f"{self.path}: key {text_of(key)!r}"

    def pieces(self) -> set[bytes]:
        """The slice keys of all partitioned tensors: they are no tensors of their own, and listings leave them out."""
        if self._pieces is None:
            found: set[bytes] = set()
            if next(iter(self.records), b"").startswith(b"\0"):  # slice keys begin with byte 00, so they come first
                for key in self.records:
                    try:
                        slices = self.entry(key).slices
                    except DataLossError:
                        continue  # said when the key is used
                    found.update(slice_key(key, extents) for extents in slices)
            self._pieces = found & self.records.keys()
        return self._pieces

    def keys(self) -> list[bytes]:
        """The keys of all tensors, in byte order."""
        pieces = self.pieces()
        return [key for key in self.records if key not in pieces]


_KEPT = 4
_parsed: OrderedDict[tuple[int, str], tuple[Identity, Index]] = OrderedDict()
_lock = whole_in_children(left_open(threading.Lock()))


def identity_of(disk: Disk, path: str) -> Identity | None:
    """What changes when a file is replaced: device, inode, size and time; None if nothing is there."""
    found = find(disk, path)
    return found and (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def forget(disk: Disk, prefix: str) -> None:
    """For who has replaced or removed an index. The next may look the same where times are coarse and inodes used again."""
    with _lock:
        _parsed.pop((id(disk), index_path(prefix)), None)


def load_index(disk: Disk, prefix: str) -> tuple[Index, Identity]:
    """The index of a prefix, parsed now or, if the file is the same as then, a short time ago.

    Raises NotFoundError (with what was looked for), DataLossError for damage and for a directory.
    """
    path = index_path(prefix)
    identity = identity_of(disk, path)
    if identity is None:
        if is_directory(disk, prefix) and prefix:
            raise DataLossError(f"open: {prefix!r} is a directory, not a checkpoint; try latest_checkpoint({prefix!r}).")
        raise NotFoundError(missing_text(disk, prefix))
    place = (id(disk), path)
    with _lock:
        kept = _parsed.get(place)
        if kept is not None and kept[0] == identity:
            _parsed.move_to_end(place)
            return kept[1], identity
    if is_directory(disk, path):
        raise DataLossError(f"open: {path!r} is a directory, not an index file.")
    index = Index(read_whole(disk, path), path)
    if identity_of(disk, path) == identity:  # else the file was replaced while it was read: good for now, not for later
        with _lock:
            _parsed[place] = identity, index
            while len(_parsed) > _KEPT:
                _parsed.popitem(last=False)
    return index, identity
