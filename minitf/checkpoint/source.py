"""An open checkpoint that outlives its files' replacement: what waiting restores and restore ops read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minitf.core.spec import Spec
from minitf.errors import AbortedError
from minitf.saved import Reader


class Source:
    """A ``Reader`` that opens the checkpoint again if its files have been replaced since (S76)."""

    __slots__ = ("_open", "reader", "source")

    def __init__(self, open_again: Callable[[], Reader], reader: Reader):
        self._open = open_again
        self.reader = reader
        self.source = reader.source

    def keys(self) -> Iterable[str]:
        """All keys."""
        return self.reader.keys()

    def __contains__(self, key: object) -> bool:
        return key in self.reader

    def spec(self, key: str) -> Spec:
        """Dtype and shape of a value."""
        return self.reader.spec(key)

    def read(self, key: str) -> Any:
        """One value."""
        return self.read_many((key,))[0]

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, from the files as they are now; numbers of rank 0 as NumPy scalars, as kernels have them."""
        wanted = list(keys)
        if not wanted:
            return []
        try:
            found = self.reader.read_many(wanted)
        except AbortedError:
            self.reader = self._open()
            found = self.reader.read_many(wanted)
        return [v if v.shape or v.dtype.kind == "O" else v[()] for v in found]
