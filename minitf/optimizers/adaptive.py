"""Optimizers that scale each element's step by what its gradients have been: Adagrad, Adadelta, RMSProp, Adam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.ops.training import apply_adadelta, apply_adagrad, apply_adam, apply_centered_rms_prop, apply_rms_prop
from minitf.optimizers.optimizer import Optimizer
from minitf.optimizers.updating import Rule


class AdagradOptimizer(Optimizer):
    """``accumulator += gradient ** 2; var -= learning_rate * gradient / sqrt(accumulator)``

    Duchi et al., 2011. Slot: "accumulator". Raises ValueError unless ``initial_accumulator_value`` is positive.
    """

    _slot_kinds = frozenset({"accumulator"})

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False, name: str = "Adagrad"
    ):
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive, not {initial_accumulator_value}: it is a divisor.")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._filled_slot(var, "accumulator", self._initial_accumulator_value)

    def _hypers(self) -> Mapping[str, Any]:
        return {"learning_rate": self._learning_rate}

    def _rule(self) -> Rule:
        return Rule(apply_adagrad, ("accumulator",), ("learning_rate",))


class AdadeltaOptimizer(Optimizer):
    """A step of ``learning_rate * gradient * sqrt(accum_update + epsilon) / sqrt(accum + epsilon)``

    ``accum``: running mean of ``gradient ** 2``; ``accum_update``: that of squared steps, before the learning rate.
    Zeiler, 2012. Slots: "accum", "accum_update".
    """

    _slot_kinds = frozenset({"accum", "accum_update"})

    def __init__(self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: Any = 1e-8, use_locking: bool = False,
                 name: str = "Adadelta"):  # fmt: skip
        super().__init__(use_locking, name)
        self._numbers = {"learning_rate": learning_rate, "rho": rho, "epsilon": epsilon}

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum")
            self._zeros_slot(var, "accum_update")

    def _hypers(self) -> Mapping[str, Any]:
        return self._numbers

    def _rule(self) -> Rule:
        return Rule(apply_adadelta, ("accum", "accum_update"), tuple(self._numbers))


class RMSPropOptimizer(Optimizer):
    """A step of ``learning_rate * gradient / sqrt(rms + epsilon)`` with momentum; ``rms``: running mean of ``gradient ** 2``.

    Hinton, lecture 6 of "Neural Networks for Machine Learning", 2012. ``centered`` divides by the variance instead:
    ``sqrt(rms - mg ** 2 + epsilon)``, with ``mg`` the running mean of gradients. Slots: "rms" (ones at first), "momentum", and
    "mg" if centered.
    """

    _slot_kinds = frozenset({"rms", "mg", "momentum"})

    def __init__(self, learning_rate: Any, decay: Any = 0.9, momentum: Any = 0.0, epsilon: Any = 1e-10,
                 use_locking: bool = False, centered: bool = False, name: str = "RMSProp"):  # fmt: skip
        super().__init__(use_locking, name)
        self._numbers = {"learning_rate": learning_rate, "decay": decay, "momentum": momentum, "epsilon": epsilon}
        self._centered = centered

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for var in var_list:
            self._filled_slot(var, "rms", 1.0)
            if self._centered:
                self._zeros_slot(var, "mg")
            self._zeros_slot(var, "momentum")

    def _hypers(self) -> Mapping[str, Any]:
        return self._numbers

    def _rule(self) -> Rule:
        if self._centered:
            return Rule(apply_centered_rms_prop, ("mg", "rms", "momentum"), tuple(self._numbers))
        return Rule(apply_rms_prop, ("rms", "momentum"), tuple(self._numbers))


class AdamOptimizer(Optimizer):
    """Running means of gradients (m) and of their squares (v), both corrected for having started from zero.

    ``rate = learning_rate * sqrt(1 - beta2 ** t) / (1 - beta1 ** t); var -= rate * m / (sqrt(v) + epsilon)``: the formula just
    before section 2.1 of Kingma and Ba, 2014, so ``epsilon`` is what they call epsilon-hat. Slots: "m", "v"; own variables:
    ``beta1_power``, ``beta2_power``.
    """

    _slot_kinds = frozenset({"m", "v"})

    def __init__(self, learning_rate: Any = 0.001, beta1: Any = 0.9, beta2: Any = 0.999, epsilon: Any = 1e-8,
                 use_locking: bool = False, name: str = "Adam"):  # fmt: skip
        super().__init__(use_locking, name)
        self._numbers = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}

    def _create_slots(self, var_list: Sequence[Any]) -> None:
        for beta in ("beta1", "beta2"):
            start = self._numbers[beta]
            start = start() if callable(start) else start
            power = self._create_non_slot_variable(start, f"{beta}_power", colocate_with=var_list[0])
            self._powers[f"{beta}_power"] = power, beta
        for var in var_list:
            self._zeros_slot(var, "m")
            self._zeros_slot(var, "v")

    def _hypers(self) -> Mapping[str, Any]:
        return self._numbers

    def _rule(self) -> Rule:
        return _ADAM


_ADAM = Rule(
    apply_adam, ("m", "v"), ("beta1_power", "beta2_power", "learning_rate", "beta1", "beta2", "epsilon")
)
