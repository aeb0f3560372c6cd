"""Checkpoints in memory: a ``Storage`` for tests and for snapshots that need no disk."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minitf.core.dtypes import DType
from minitf.core.locks import left_open
from minitf.core.spec import Spec
from minitf.errors import NotFoundError
from minitf.storage.carried import whole_value
from minitf.storage.keys import bytes_of
from minitf.storage.paths import normal, parent_of, path_of
from minitf.storage.regions import cut, region_box
from minitf.storage.values import Array, Extent, Typed, as_bytes, string_array

Stored = dict[str, tuple[DType, Array]]


class MemoryStorage:
    """Keeps copies of what is written, by prefix, as long as the object lives. Safe to use from several threads."""

    name = "memory"
    on_disk = False

    def __init__(self) -> None:
        self._sets: dict[str, Stored] = {}
        self._lock = left_open(threading.Lock())

    def __repr__(self) -> str:
        return f"MemoryStorage({sorted(self._sets)})"

    def __deepcopy__(self, memo: Any) -> MemoryStorage:
        return self  # a place, not a value

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Keeps copies of the values. Raises InvalidArgumentError for what no checkpoint can hold; then nothing changes."""
        kept: Stored = {}
        for key, value in tensors.items():
            bytes_of(key)
            dtype, array = whole_value(value, key)
            kept[key] = dtype, string_array(as_bytes(array, key), array.shape) if dtype.kind in "SV" else array.copy()
        with self._lock:
            self._sets.pop(path_of(prefix), None)  # so that the newest is the last
            self._sets[path_of(prefix)] = kept

    def open(self, prefix: str) -> MemoryReader:
        """Opens a checkpoint; it stays as it is when the prefix is written again. Raises NotFoundError."""
        prefix = path_of(prefix)
        with self._lock:
            found = self._sets.get(prefix)
            if found is None:
                raise NotFoundError(f"open: no checkpoint {prefix!r} in memory; there are {sorted(self._sets)}.")
        return MemoryReader(prefix, found)

    def exists(self, prefix: str) -> bool:
        """True if something was written under the prefix."""
        return path_of(prefix) in self._sets

    def latest_checkpoint(self, directory: str = "") -> str | None:
        """The prefix in a directory (of the prefixes; no disk is looked at) that was written last; None if there is none."""
        place = normal(path_of(directory))
        with self._lock:
            found = [prefix for prefix in self._sets if normal(parent_of(prefix)) == place]
        return found[-1] if found else None

    def remove(self, prefix: str) -> None:
        """Forgets a checkpoint."""
        with self._lock:
            self._sets.pop(path_of(prefix), None)


class MemoryReader:
    """An open checkpoint in memory (a ``Reader``)."""

    def __init__(self, prefix: str, stored: Stored):
        self.prefix = self.source = prefix
        self._stored = stored

    def keys(self) -> list[str]:
        """All keys, sorted by their UTF-8 bytes."""
        return sorted(self._stored, key=bytes_of)

    def __contains__(self, key: object) -> bool:
        """True if there is such a key."""
        return key in self._stored

    def _item(self, key: str) -> tuple[DType, Array]:
        try:
            return self._stored[key]
        except KeyError:
            raise NotFoundError(
                f"read: key {key!r} is not in checkpoint {self.prefix!r}, which has {len(self._stored)} keys."
            ) from None

    def spec(self, key: str) -> Spec:
        """Dtype and shape. Raises NotFoundError."""
        dtype, array = self._item(key)
        return Spec(dtype, array.shape)

    def slices(self, key: str) -> list[tuple[Extent, ...]]:
        """None: values are kept whole."""
        self._item(key)
        return []

    def read(self, key: str) -> Array:
        """A copy of the value. Raises NotFoundError."""
        return self._item(key)[1].copy()

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """Copies of many values, in the order of the keys."""
        return [array.copy() for array in [self._item(key)[1] for key in keys]]

    def read_slice(self, key: str, begin: Sequence[int], size: Sequence[int], verify: bool = True) -> Array:
        """A region: ``size`` elements from ``begin`` on in each dimension; -1: up to the end. Raises InvalidArgumentError."""
        array = self._item(key)[1]
        return cut(array, region_box(key, array.shape, begin, size)).copy()

    def contents(self) -> list[list[tuple[str, Any]]]:
        """Everything in the order of saving, ready to be written by another storage."""
        typed = [
            (key, Typed(dtype, array.copy()) if dtype.kind in "qV" else array.copy())
            for key, (dtype, array) in self._stored.items()
        ]
        return [typed]
