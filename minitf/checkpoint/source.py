"""An open checkpoint that outlives its files' replacement: what waiting restores and restore ops read from.

Waiting values are asked for one by one, as their objects appear, mostly in the order in which they were saved. So some that
follow are fetched with each; they are given out only while the files are still the same (S76).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import attrgetter
from typing import Any

from minitf.core.spec import Spec
from minitf.core.unverified import Unverified
from minitf.errors import AbortedError, OpError
from minitf.saved import Reader

FEW, MANY = 8, 1024  # how many values that follow are fetched with one
SMALL = 1 << 14  # the largest of them in bytes


class Source:
    """A ``Reader`` that opens the checkpoint again if its files have been replaced since."""

    __slots__ = ("_ahead", "_expected", "_open", "_order", "_places", "_span", "first_use", "reader", "source")

    def __init__(self, open_again: Callable[[], Reader], reader: Reader):
        self._open = open_again
        self._order: Callable[[], Sequence[str]] | None = None
        self._expected: Sequence[str] = ()
        self._places: dict[str, int] | None = None
        self._ahead: dict[str, Any] = {}
        self._span = FEW
        self.reader = reader
        self.source = reader.source
        self.first_use = hasattr(reader, "unverified")  # variables may take values over unverified

    def keys(self) -> Iterable[str]:
        """All keys."""
        return self.reader.keys()

    def __contains__(self, key: object) -> bool:
        return key in self.reader

    def spec(self, key: str) -> Spec:
        """Dtype and shape of a value."""
        return self.reader.spec(key)

    def expect(self, order: Callable[[], Sequence[str]]) -> None:
        """Says in which order values will probably be asked for, if they are asked for one by one."""
        if hasattr(self.reader, "unchanged"):
            self._order = order

    def read(self, key: str) -> Any:
        """One value, from the files as they are now."""
        if self._order is None:
            return self._read([key])[0]
        value = self._ahead.pop(key, None)
        if value is not None and self.reader.unchanged():  # type: ignore[attr-defined]
            return value
        return self._read_on(key)

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, from the files as they are now; numbers of rank 0 as NumPy scalars, as kernels have them."""
        wanted = list(keys)
        if len(wanted) == 1:
            return [self.read(wanted[0])]
        return self._read(wanted) if wanted else []

    @contextmanager
    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> Iterator[tuple[list[Any], Callable[[], None]]]:
        """``BundleReader.reading_over``, of the files as they are now; some readers do not reuse memory."""
        with ExitStack() as stack:
            if not hasattr(self.reader, "reading_over"):
                yield self.read_many(keys), _nothing
                return
            try:
                values, fill = stack.enter_context(self.reader.reading_over(keys, spare))
            except AbortedError:
                self.reader = self._open()
                values, fill = stack.enter_context(self.reader.reading_over(keys, spare))  # type: ignore[attr-defined]
            yield [value if value.ndim else as_kernels_have(value) for value in values], fill

    def renewed(self) -> Source:
        """Itself, reading from the files as they are now."""
        if hasattr(self.reader, "unchanged") and not self.reader.unchanged():
            self.reader = self._open()
        return self

    def stored_bytes(self) -> int:
        """``BundleReader.stored_bytes``, of the files as they are now; 0 if the reader does not know."""
        self.renewed()
        return self.reader.stored_bytes() if hasattr(self.reader, "stored_bytes") else 0

    def unverified(self, keys: Sequence[str]) -> list[Unverified | None]:
        """``FirstUseReader.unverified``, of the files as they are now."""
        try:
            return self.reader.unverified(keys)  # type: ignore[attr-defined, no-any-return]
        except AbortedError:
            self.reader = self._open()
            return self.reader.unverified(keys)  # type: ignore[attr-defined, no-any-return]

    def _read(self, keys: list[str]) -> list[Any]:
        try:
            found = self.reader.read_many(keys)
        except AbortedError:
            self.reader = self._open()
            found = self.reader.read_many(keys)
        return found if all(map(_rank_of, found)) else [value if value.ndim else as_kernels_have(value) for value in found]

    def _read_on(self, key: str) -> Any:
        """A value, and some that are expected next."""
        wasted = len(self._ahead) * 2 > self._span
        self._span = max(FEW, self._span // 4) if wasted else min(MANY, self._span * 2)
        self._ahead.clear()
        if self._places is None:
            self._expected = self._order()  # type: ignore[misc]
            self._places = {k: i for i, k in enumerate(self._expected)}
        place = self._places.get(key, len(self._places))
        try:
            found = self.reader.read_small([key, *self._expected[place + 1 : place + 1 + self._span]], SMALL)  # type: ignore[attr-defined]
        except OpError:  # perhaps of a value that nobody has asked for
            found = {}
        for k in [k for k, value in found.items() if not value.ndim]:
            found[k] = as_kernels_have(found[k])
        self._ahead = found
        value = found.pop(key, None)
        return self._read([key])[0] if value is None else value


_rank_of = attrgetter("ndim")


def as_kernels_have(value: Any) -> Any:
    """The value of an array of rank 0 as kernels have it: a number is a NumPy scalar."""
    return value if value.ndim or value.dtype.kind == "O" else value[()]


def _nothing() -> None:
    """Nothing is left to be filled in."""
