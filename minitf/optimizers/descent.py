"""Gradient descent, with and without momentum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.ops.training import apply_gradient_descent, apply_momentum
from minitf.optimizers.optimizer import Optimizer
from minitf.optimizers.updating import Rule


class GradientDescentOptimizer(Optimizer):
    """``var -= learning_rate * gradient``

    ``learning_rate``: a number, a tensor, or a function that gives one.
    """

    _slot_kinds = frozenset()

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"):
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _hypers(self) -> Mapping[str, Any]:
        return {"learning_rate": self._learning_rate}

    def _rule(self) -> Rule:
        return _DESCENT


class MomentumOptimizer(Optimizer):
    """``accumulator = momentum * accumulator + gradient; var -= learning_rate * accumulator``

    With ``use_nesterov`` (Sutskever et al., 2013): ``var -= learning_rate * (gradient + momentum * accumulator)``. Slot:
    "momentum".
    """

    _slot_kinds = frozenset({"momentum"})

    def __init__(self, learning_rate: Any, momentum: Any, use_locking: bool = False, name: str = "Momentum",
                 use_nesterov: bool = False):  # fmt: skip
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum")

    def _hypers(self) -> Mapping[str, Any]:
        return {"learning_rate": self._learning_rate, "momentum": self._momentum}

    def _rule(self) -> Rule:
        return Rule(
            apply_momentum, ("momentum",), ("learning_rate", "momentum"), {"use_nesterov": self._use_nesterov}
        )


_DESCENT = Rule(apply_gradient_descent, (), ("learning_rate",))
