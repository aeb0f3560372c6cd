"""What flags of the command line can be. ``read`` takes a text, or a value of the kind, and raises ValueError for others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Kind:
    """A kind of flag."""

    bounds = ""  # what a value must be besides, as a message

    def fits(self, value: Any) -> bool:
        """True if a value is within bounds."""
        return True

    def read(self, given: Any) -> Any:
        """The value that a text, or a value, stands for."""
        raise NotImplementedError


class Text(Kind):
    """Any text."""

    def read(self, given: Any) -> Any:
        """The text itself."""
        if not isinstance(given, str):
            raise TypeError(f"flag value must be a string, found '{type(given).__name__}'")
        return given


class _Number(Kind):
    what = ""
    convert: Callable[[Any], Any]

    def __init__(self, lower: Any = None, upper: Any = None):
        self._lower, self._upper = lower, upper
        if lower is not None or upper is not None:
            ends = "-inf" if lower is None else lower, "inf" if upper is None else upper
            self.bounds = f"it must be {self.what} from {ends[0]} to {ends[1]}"

    def fits(self, value: Any) -> bool:
        """True if a number is between the bounds."""
        return (self._lower is None or value >= self._lower) and (self._upper is None or value <= self._upper)

    def read(self, given: Any) -> Any:
        """The number. Raises ValueError if it is not between the bounds."""
        value = self.convert(given)
        if not self.fits(value):
            raise ValueError(self.bounds)
        return value


def _integer(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, (str, int)):
        raise TypeError(f"Expect argument to be a string or int, found {type(given).__name__}")
    if isinstance(given, int):
        return given
    return int(given, 16 if given.lower().startswith(("0x", "-0x")) else 8 if given.lower().startswith("0o") else 10)


def _float(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise TypeError(f"Expect argument to be a string, int, or float, found {type(given).__name__}")
    return float(given)


class Integer(_Number):
    """An integer, also 0x10 and 0o10."""

    what = "an integer"
    convert = staticmethod(_integer)


class Float(_Number):
    """A float."""

    what = "a number"
    convert = staticmethod(_float)


class Boolean(Kind):
    """True (true, t, 1) or False (false, f, 0)."""

    def read(self, given: Any) -> bool:
        """True or False."""
        if isinstance(given, str):
            if given.lower() in ("true", "t", "1"):
                return True
            if given.lower() in ("false", "f", "0"):
                return False
            raise ValueError("Non-boolean argument to boolean flag")
        if isinstance(given, int) and given in (0, 1):
            return bool(given)
        raise TypeError("Non-boolean argument to boolean flag")


class Choice(Kind):
    """One of some texts."""

    def __init__(self, choices: Sequence[str], case_sensitive: bool = True):
        if not choices:
            raise ValueError(f"enum_values cannot be empty, found {choices!r}")
        self._choices, self._exact = list(choices), case_sensitive

    def read(self, given: Any) -> str:
        """The text as it stands among the choices."""
        for choice in self._choices:
            if given == choice or (not self._exact and str(given).lower() == choice.lower()):
                return choice
        raise ValueError(f"value should be one of <{'|'.join(self._choices)}>")


class Listed(Kind):
    """Texts with commas between them."""

    def read(self, given: Any) -> list[str]:
        """The texts, without spaces around them."""
        if isinstance(given, list):
            return given
        if not isinstance(given, str):
            raise TypeError(f"flag value must be a string, found '{type(given).__name__}'")
        return [part.strip() for part in given.split(",")] if given else []
