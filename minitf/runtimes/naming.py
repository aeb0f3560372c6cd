"""Unique names of a graph's operations, written out only when somebody asks.

Names that differ in their number only are a *series*: ``add``, ``add_1``, ``add_2``, ... An operation that nobody named gets
the next of the series of its op: it keeps the text and its number, and the name is put together when it is asked for. So the
names of a series are taken without being written down anywhere: they are those with a number below the *next*. A name that
somebody chose may lie ahead in a series (``add_7``); such numbers are kept, and left out when the series gets there. Names that
differ in case only count as the same.
"""

from __future__ import annotations

_DIGITS = frozenset("0123456789")


class Names:
    """The names taken in one graph. ``following``: the next number of each series, by its text in lower case."""

    __slots__ = ("_ahead", "_usual", "following")

    def __init__(self) -> None:
        self.following: dict[str, int] = {}  # 0 is the name without a number
        self._ahead: dict[str, set[int]] = {}
        self._usual: dict[tuple[str, str], tuple[str, str]] = {}  # scope and op: the text, as it is and in lower case

    def usual(self, path: str, name: str) -> tuple[str, int]:
        """Takes the next name of the series ``name`` in the scope ``path``; gives its text and its number."""
        try:
            full, key = self._usual[path, name]
            number = self.following[key]
        except KeyError:  # the first one
            full = path + name
            self._usual[path, name] = full, full.lower()
            return full, self.take(full)
        if self._ahead and key in self._ahead:
            return full, self.take(full)
        self.following[key] = number + 1
        return full, number

    def take(self, full: str, mark: bool = True) -> int:
        """The number that makes ``full`` unique, 0 if it is so without one. ``mark``: the name is taken from now on."""
        key = full.lower()
        number = self.following.get(key, 0)
        if number == 0:
            if key[-1:] not in _DIGITS:
                if mark:
                    self.following[key] = 1
                return 0
            if self._take_in_series(key, mark):
                return 0
            number = 1
        ahead = self._ahead.get(key, ())
        while number in ahead:
            number += 1
        if mark:
            self.following[key] = number + 1
        return number

    def take_below(self, full: str, first: str, second: str) -> tuple[int, int]:
        """``take`` of two names that begin with ``full`` and do not end with a digit."""
        key, known = full.lower(), self.following
        a, b = key + first.lower(), key + second.lower()
        if a in known or b in known:
            return self.take(full + first), self.take(full + second)
        known[a] = known[b] = 1
        return 0, 0

    def without_gaps(self, full: str) -> str | None:
        """The series of ``full``, as in ``following``, unless a name that somebody chose lies ahead in it."""
        key = full.lower()
        return None if key in self._ahead else key

    def _take_in_series(self, key: str, mark: bool) -> bool:
        """Takes a name that ends with a digit, as it is. False if that is taken, by the series in which it stands."""
        text, _, digits = key.rpartition("_")
        if text and digits[0] != "0" and digits.isascii() and digits.isdigit():  # not `a`, `a_07`, `a_0` or `_7`
            number, ahead = int(digits), self._ahead.get(text)
            if number < self.following.get(text, 0) or (ahead is not None and number in ahead):
                return False
            if mark and ahead is None:
                self._ahead[text] = {number}
            elif mark:
                ahead.add(number)  # type: ignore[union-attr]
        if mark:
            self.following[key] = 1
        return True


def with_number(full: str, number: int) -> str:
    """The name of that number in a series."""
    return f"{full}_{number}" if number else full
