"""A reader of V2 checkpoints whose large values are pages of the data files: what ``TensorBundle(lazy=True)`` opens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from minitf.storage.bundle import direct
from minitf.storage.bundle.index import Identity, Index
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.files import Disk
from minitf.storage.values import Reading

LEAST = 1 << 16  # values of fewer bytes are read: mapping costs more


class LazyReader(BundleReader):
    """A ``BundleReader`` that maps values of 64 KiB and more instead of reading them.

    ``verify`` compares checksums when a value is mapped, which looks at all of it; without, damage goes unnoticed. What is said
    of files in use at ``BundleReader.read_lazily`` holds here, for as long as any of the arrays lives.
    """

    def __init__(self, disk: Disk, prefix: str, index: Index, identity: Identity, verify: bool):
        super().__init__(disk, prefix, index, identity)
        self._verify = verify

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; large ones are mapped. Raises as ``BundleReader.read_many``."""
        wanted = list(keys)
        out: list[Any] = [direct.mapped(self, key, self._verify) if self.entry(key).size >= LEAST else None for key in wanted]
        missing = [number for number, value in enumerate(out) if value is None]
        for number, value in zip(missing, super().read_many([wanted[number] for number in missing]), strict=True):
            out[number] = value
        return out

    @contextmanager
    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> Iterator[Reading]:
        """``read_many``: mapped values need no memory that is there."""
        yield self.read_many(keys), _nothing


def _nothing() -> None:
    """Nothing is left to be filled in."""
