"""Optimizers that draw variables towards zero, where a penalty on their size would have them: FTRL and proximal steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.ops.training import apply_ftrl, apply_proximal_adagrad, apply_proximal_gradient_descent
from minitf.optimizers.optimizer import Optimizer
from minitf.optimizers.updating import Rule


class FtrlOptimizer(Optimizer):
    """Follow the regularised leader: many variables become exactly 0 with ``l1_regularization_strength``.

    McMahan et al., 2013. ``l2_shrinkage_regularization_strength`` adds a penalty to the gradient; ``beta`` adds ``beta / (2 *
    learning_rate)`` to ``l2_regularization_strength``. ``accum_name``, ``linear_name``: other names for the variables of the
    slots, "accum" and "linear". Raises ValueError for negative strengths and initial values and a positive
    ``learning_rate_power``.
    """

    _slot_kinds = frozenset({"accum", "linear"})

    def __init__(self, learning_rate: Any, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, use_locking: bool = False,
                 name: str = "Ftrl", accum_name: str | None = None, linear_name: str | None = None,
                 l2_shrinkage_regularization_strength: float = 0.0, beta: float | None = None):  # fmt: skip
        super().__init__(use_locking, name)
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power must not be positive, but it is {learning_rate_power}.")
        for what, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise ValueError(f"{what} must not be negative, but it is {value}.")
        self._numbers = {
            "learning_rate": learning_rate,
            "l1": l1_regularization_strength,
            "l2": l2_regularization_strength + beta / (2.0 * learning_rate) if beta else l2_regularization_strength,
            "l2_shrinkage": l2_shrinkage_regularization_strength,
            "learning_rate_power": learning_rate_power,
        }
        self._initial_accumulator_value = initial_accumulator_value
        self._names = {"accum": accum_name or name, "linear": linear_name or name}

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._filled_slot(var, "accum", self._initial_accumulator_value)
            self._zeros_slot(var, "linear")

    def _slot_base(self, slot_name: str) -> str:
        return self._names[slot_name]

    def _hypers(self) -> Mapping[str, Any]:
        return self._numbers

    def _rule(self) -> Rule:
        return Rule(apply_ftrl, ("accum", "linear"), tuple(self._numbers))


class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent; then each variable moves to where the penalties ``l1 * |x|`` and ``l2 * x ** 2 / 2`` draw it.

    Duchi and Singer, 2009.
    """

    _slot_kinds = frozenset()

    def __init__(self, learning_rate: Any, l1_regularization_strength: Any = 0.0, l2_regularization_strength: Any = 0.0,
                 use_locking: bool = False, name: str = "ProximalGradientDescent"):  # fmt: skip
        super().__init__(use_locking, name)
        self._numbers = {"learning_rate": learning_rate, "l1": l1_regularization_strength, "l2": l2_regularization_strength}

    def _hypers(self) -> Mapping[str, Any]:
        return self._numbers

    def _rule(self) -> Rule:
        return Rule(apply_proximal_gradient_descent, (), tuple(self._numbers))


class ProximalAdagradOptimizer(ProximalGradientDescentOptimizer):
    """Adagrad's step and learning rates, with the penalties of ``ProximalGradientDescentOptimizer``.

    Slot: "accumulator". Raises ValueError unless ``initial_accumulator_value`` is positive.
    """

    _slot_kinds = frozenset({"accumulator"})

    def __init__(self, learning_rate: Any, initial_accumulator_value: float = 0.1, l1_regularization_strength: Any = 0.0,
                 l2_regularization_strength: Any = 0.0, use_locking: bool = False,
                 name: str = "ProximalAdagrad"):  # fmt: skip
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive, not {initial_accumulator_value}: it is a divisor.")
        super().__init__(learning_rate, l1_regularization_strength, l2_regularization_strength, use_locking, name)
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._filled_slot(var, "accumulator", self._initial_accumulator_value)

    def _rule(self) -> Rule:
        return Rule(apply_proximal_adagrad, ("accumulator",), tuple(self._numbers))
