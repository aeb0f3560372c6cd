"""Penalties on weights: functions of a weight that give a scalar, which joins ``layer.losses``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core.op import convert
from minitf.ops import elementwise
from minitf.ops.reductions import reduce_sum


class L1L2:
    """``l1 * sum(|w|) + l2 * sum(w ** 2)``"""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = l1, l2

    def __call__(self, weight: Any) -> Any:
        """The penalty."""
        value = convert(weight)
        terms = [reduce_sum(elementwise.abs(value)) * self.l1] if self.l1 else []
        terms += [reduce_sum(elementwise.square(value)) * self.l2] if self.l2 else []
        return sum(terms[1:], terms[0]) if terms else reduce_sum(value) * 0.0


class L1(L1L2):
    """``l1 * sum(|w|)``"""

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)


class L2(L1L2):
    """``l2 * sum(w ** 2)``"""

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)


def get(identifier: Any) -> Callable[[Any], Any] | None:
    """The regularizer that ``identifier`` stands for: "l1", "l2", "l1_l2", a function, or None. Raises ValueError for other
    things.
    """
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    named: dict[Any, Callable[[], Callable[[Any], Any]]] = {
        "l1": L1, "l2": L2, "L1": L1, "L2": L2, "l1_l2": lambda: L1L2(0.01, 0.01), "L1L2": lambda: L1L2(0.01, 0.01),
    }  # fmt: skip
    if identifier not in named:
        raise ValueError(f"A regularizer is 'l1', 'l2', 'l1_l2' or a function of a weight, not {identifier!r}.")
    return named[identifier]()
