"""Limits for weights: functions of a weight that give the nearest allowed value. An optimizer applies them after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core.op import convert
from minitf.ops.creating import cast
from minitf.ops.elementwise import sqrt, square
from minitf.ops.extremes import clip_by_value
from minitf.ops.reductions import reduce_sum
from minitf.runtimes.object_names import snake_case

_EPSILON = 1e-7


class Constraint:
    """Base class: define ``__call__(weight)``."""

    def __call__(self, weight: Any) -> Any:
        """The weight as it may be."""
        raise NotImplementedError("A constraint defines __call__(weight).")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """A constraint from ``get_config()``."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


class NonNeg(Constraint):
    """Negative elements become 0."""

    def __call__(self, weight: Any) -> Any:
        """The weight as it may be."""
        value = convert(weight)
        return value * cast(value >= 0.0, value.dtype)


class MaxNorm(Constraint):
    """Vectors along ``axis`` (an int or several) that are longer than ``max_value`` are shortened to it."""

    def __init__(self, max_value: float = 2.0, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, weight: Any) -> Any:
        """The weight as it may be."""
        value = convert(weight)
        norms = _norms(value, self.axis)
        return value * (clip_by_value(norms, 0.0, self.max_value) / (norms + _EPSILON))


class UnitNorm(Constraint):
    """Vectors along ``axis`` (an int or several) get the length 1."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, weight: Any) -> Any:
        """The weight as it may be."""
        value = convert(weight)
        return value / (_norms(value, self.axis) + _EPSILON)


class MinMaxNorm(Constraint):
    """Vectors along ``axis`` get a length from ``min_value`` to ``max_value``, or go the share ``rate`` of the way there."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, weight: Any) -> Any:
        """The weight as it may be."""
        value = convert(weight)
        norms = _norms(value, self.axis)
        wanted = clip_by_value(norms, self.min_value, self.max_value) * self.rate + norms * (1.0 - self.rate)
        return value * (wanted / (norms + _EPSILON))


def _norms(value: Any, axis: Any) -> Any:
    return sqrt(reduce_sum(square(value), axis, keepdims=True))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
_KINDS = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
_BY_NAME: dict[str, type[Constraint]] = {name: kind for kind in _KINDS for name in (kind.__name__, snake_case(kind.__name__))}


def get(identifier: Any) -> Callable[[Any], Any] | None:
    """The constraint that ``identifier`` stands for: a name, a function of a weight, or None. Raises ValueError for other
    things.
    """
    if isinstance(identifier, type) and issubclass(identifier, Constraint):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier  # type: ignore[no-any-return]
    if not isinstance(identifier, str) or identifier not in _BY_NAME:
        raise ValueError(f"A constraint is a function of a weight, or one of {sorted(_BY_NAME)}, not {identifier!r}.")
    return _BY_NAME[identifier]()
