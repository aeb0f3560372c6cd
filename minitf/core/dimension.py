"""``Dimension``: one size of a shape in TensorFlow 1.x, an int or None (not known) that can be calculated with."""

from __future__ import annotations

from collections.abc import Callable
from operator import add, floordiv, ge, gt, index, le, lt, mod, mul, sub
from typing import Any, NoReturn

from minitf.core.spec import TensorShape


class Dimension:
    """A size that may be unknown. What is computed or compared with an unknown size is unknown (None)."""

    __slots__ = ("value",)
    value: int | None

    def __init__(self, value: Any):
        if value is None or isinstance(value, Dimension):
            self.value = None if value is None else value.value
            return
        try:
            self.value = index(value)
        except TypeError:
            raise TypeError(f"A dimension is an integer or None, not {value!r} (a {type(value).__name__}).") from None
        if self.value < 0:
            raise ValueError(f"A dimension cannot be negative: {self.value}.")

    def is_compatible_with(self, other: Any) -> bool:
        """True if both are equal, or one is unknown."""
        more = Dimension(other)
        return None in (self.value, more.value) or self.value == more.value

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raises ValueError unless ``is_compatible_with``."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Dimensions {self} and {other} are not compatible.")

    def merge_with(self, other: Any) -> Dimension:
        """What both know. Raises ValueError if they contradict each other."""
        self.assert_is_compatible_with(other)
        return Dimension(other) if self.value is None else Dimension(self)

    def _with(self, other: Any, function: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
        try:
            more = Dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        if self.value is None or more.value is None:
            return None
        return function(more.value, self.value) if swapped else function(self.value, more.value)

    def _computed(self, other: Any, function: Callable[[Any, Any], Any], swapped: bool = False) -> Any:
        found = self._with(other, function, swapped)
        return found if found is NotImplemented else Dimension(found)

    def __add__(self, other: Any) -> Any:
        return self._computed(other, add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._computed(other, sub)

    def __rsub__(self, other: Any) -> Any:
        return self._computed(other, sub, swapped=True)

    def __mul__(self, other: Any) -> Any:
        return self._computed(other, mul)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._computed(other, floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._computed(other, floordiv, swapped=True)

    def __mod__(self, other: Any) -> Any:
        return self._computed(other, mod)

    def __rmod__(self, other: Any) -> Any:
        return self._computed(other, mod, swapped=True)

    def __truediv__(self, other: Any) -> NoReturn:
        raise TypeError("A dimension is divided with //, not with /: a size is an integer.")

    __rtruediv__ = __truediv__

    def __eq__(self, other: object) -> Any:
        try:
            more = Dimension(other)
        except (TypeError, ValueError):
            return NotImplemented
        return None if None in (self.value, more.value) else self.value == more.value

    def __ne__(self, other: object) -> Any:
        same = self.__eq__(other)
        return same if same in (None, NotImplemented) else not same

    __hash__ = None  # type: ignore[assignment]  # == may be None

    def __lt__(self, other: Any) -> Any:
        return self._with(other, lt)

    def __le__(self, other: Any) -> Any:
        return self._with(other, le)

    def __gt__(self, other: Any) -> Any:
        return self._with(other, gt)

    def __ge__(self, other: Any) -> Any:
        return self._with(other, ge)

    def __int__(self) -> int:
        return self.value  # type: ignore[return-value]  # int() says what is wrong with None

    __index__ = __int__

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Dimension, (self.value,)


def dimension_value(dimension: Any) -> Any:
    """The size of a ``Dimension``; an int and None are given back: code for TensorFlow 1.x and 2.x alike."""
    return dimension.value if isinstance(dimension, Dimension) else dimension


def dimension_at_index(shape: TensorShape, index: int) -> Dimension:
    """Size ``index`` of a shape as a ``Dimension``, unknown if the rank is. Raises IndexError if the rank is known and less."""
    return Dimension(None if shape.rank is None else shape[index])
