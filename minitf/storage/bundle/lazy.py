"""Readers of V2 checkpoints whose large values are pages of the data files: what ``TensorBundle(lazy=...)`` opens.

They differ in when the checksum of such a value is compared, which is the one thing that looks at all of its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from minitf.core.unverified import Unverified
from minitf.saved import Lazy
from minitf.storage.bundle import direct
from minitf.storage.bundle.index import Identity, Index
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.files import Disk
from minitf.storage.values import Array, Reading, Region

LEAST = 1 << 16  # values of fewer bytes are read: mapping costs more


class LazyReader(BundleReader):
    """A ``BundleReader`` that maps values of 64 KiB and more instead of reading them, and verifies them then.

    What is said of files in use at ``BundleReader.read_lazily`` holds here, for as long as any of the arrays lives.
    """

    verified = True

    def read(self, key: str) -> Array:
        """The value, mapped if it is large. Raises as ``BundleReader.read``."""
        value: Array = self.read_many((key,))[0]
        return value

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; large ones are mapped. Raises as ``BundleReader.read_many``."""
        wanted = list(keys)
        out = direct.mapped(self, wanted, LEAST, self.verified)
        missing = [number for number, value in enumerate(out) if value is None]
        for number, value in zip(missing, super().read_many([wanted[number] for number in missing]), strict=True):
            out[number] = value
        return out

    @contextmanager
    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> Iterator[Reading]:
        """``read_many``: mapped values need no memory that is there."""
        yield self.read_many(keys), _nothing

    @contextmanager
    def reading_regions_over(
        self, keys: Sequence[str], regions: Sequence[Region | None], spare: Sequence[Any]
    ) -> Iterator[Reading]:
        """Mapped values, and regions that are read."""
        pairs = zip(keys, regions, strict=True)
        yield [self.read(key) if region is None else self.read_slice(key, *region) for key, region in pairs], _nothing


class UnverifiedReader(LazyReader):
    """A ``LazyReader`` that compares no checksum of what it maps: damage goes unnoticed."""

    verified = False


class FirstUseReader(LazyReader):
    """A ``LazyReader`` that lets variables take values over before their checksums are compared.

    Who reads from it gets the bytes, so they are verified; a variable looks at them at its first use.
    """

    def __init__(self, disk: Disk, prefix: str, index: Index, identity: Identity):
        super().__init__(disk, prefix, index, identity)
        self._maps: WeakValueDictionary[int, Any] = WeakValueDictionary()  # each data file, while a variable has a value in it

    def unverified(self, keys: Sequence[str]) -> list[Unverified | None]:
        """Values for variables, which do not write to the arrays; None for those that are to be read.

        Raises as ``read``, but for wrong checksums.
        """
        return direct.mapped_unverified(self, keys, LEAST, self._maps)


def reader_for(lazy: Lazy) -> type[BundleReader]:
    """The reader for a choice of ``TensorBundle(lazy=...)``. Raises ValueError for what is none."""
    found = _READERS.get(lazy)
    if found is None:
        raise ValueError(f"lazy={lazy!r}: it is one of {', '.join(map(repr, _READERS))}.")
    return found


_READERS: dict[Any, type[BundleReader]] = {
    False: BundleReader, True: LazyReader, "first use": FirstUseReader, "unverified": UnverifiedReader,
}  # fmt: skip


def _nothing() -> None:
    """Nothing is left to be filled in."""
