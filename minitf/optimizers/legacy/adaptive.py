"""Steps divided by what the squares of gradients have been: RMSprop, Adagrad, Adadelta, Ftrl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from minitf.core.op import convert
from minitf.ops.creating import cast, fill
from minitf.ops.training import apply_adadelta, apply_centered_rms_prop, apply_ftrl, apply_rms_prop
from minitf.ops.training_keras import apply_adagrad_v2, apply_plain_centered_rms_prop, apply_plain_rms_prop
from minitf.optimizers.legacy.descent import has_momentum
from minitf.optimizers.legacy.optimizer import Optimizer
from minitf.optimizers.updating import Rule

_EPSILON = 1e-7  # also where the argument is 0 or None


class _WithoutSteps(Optimizer):
    """What RMSprop, Adagrad and Adadelta share: a small number in the divisor, and weights without a count of steps."""

    epsilon: float

    def set_weights(self, weights: Sequence[Any]) -> None:
        """As in the base class; the weights of Keras 1 have no count of steps, which becomes 0."""
        super().set_weights([np.array(0), *weights] if len(weights) + 1 == len(self._weights) else weights)

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        apply_state[var_device, var_dtype]["epsilon"] = convert(self.epsilon, var_dtype)


class RMSprop(_WithoutSteps):
    """Divides gradients by the root of a running mean of their squares; ``centered``: of their variance.

    Without ``momentum`` epsilon is added to the root, with it to the mean under the root. Slots: "rms", and "momentum", "mg" if
    there are such. Raises ValueError unless ``momentum`` is between 0 and 1.
    """

    _slot_kinds = frozenset({"rms", "momentum", "mg"})

    def __init__(self, learning_rate: Any = 0.001, rho: Any = 0.9, momentum: Any = 0.0, epsilon: float | None = 1e-7,
                 centered: bool = False, name: str | None = "RMSprop", **kwargs: Any):  # fmt: skip
        super().__init__(name, **kwargs)
        self._momentum = has_momentum(self, momentum)
        self._set_hypers(learning_rate, kwargs, rho=rho, momentum=momentum)
        self.epsilon, self.centered = epsilon or _EPSILON, centered

    def _create_slots(self, var_list: list[Any]) -> None:
        for slot in ["rms"] + ["momentum"] * self._momentum + ["mg"] * bool(self.centered):
            for var in var_list:
                self.add_slot(var, slot)

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        for name in ("rho", "momentum"):
            apply_state[var_device, var_dtype][name] = self._get_hyper(name, var_dtype)

    def _rule(self) -> Rule:
        numbers = ("lr_t", "rho", "momentum", "epsilon") if self._momentum else ("lr_t", "rho", "epsilon")
        match self._momentum, bool(self.centered):
            case True, True:
                return Rule(apply_centered_rms_prop, ("mg", "rms", "momentum"), numbers)
            case True, False:
                return Rule(apply_rms_prop, ("rms", "momentum"), numbers)
            case False, True:
                return Rule(apply_plain_centered_rms_prop, ("rms", "mg"), numbers)
        return Rule(apply_plain_rms_prop, ("rms",), numbers)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        return self._with_settings(super().get_config(), "rho", "momentum", "epsilon", "centered")


class Adagrad(_WithoutSteps):
    """Divides gradients by the root of the sum of their squares so far (Duchi et al., 2011).

    Slot: "accumulator". Raises ValueError for a negative ``initial_accumulator_value``.
    """

    _slot_kinds = frozenset({"accumulator"})

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float | None = 1e-7,
                 name: str | None = "Adagrad", **kwargs: Any):  # fmt: skip
        _not_negative(self, initial_accumulator_value=initial_accumulator_value)
        super().__init__(name, **kwargs)
        self._set_hypers(learning_rate, kwargs)
        self._initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon or _EPSILON

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            self.add_slot(var, "accumulator", _filled(self._initial_accumulator_value))

    def _rule(self) -> Rule:
        return Rule(apply_adagrad_v2, ("accumulator",), ("lr_t", "epsilon"))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        config = {**super().get_config(), "initial_accumulator_value": self._initial_accumulator_value}
        return self._with_settings(config, "epsilon")

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new optimizer from ``get_config()``, also of a version without ``initial_accumulator_value``."""
        return super().from_config({"initial_accumulator_value": 0.1, **config}, custom_objects)


class Adadelta(_WithoutSteps):
    """Gives steps the size of earlier ones: gradients times the root of a running mean of squared steps, over that of squared
    gradients (Zeiler, 2012).

    Slots: "accum_grad", "accum_var".
    """

    _slot_kinds = frozenset({"accum_grad", "accum_var"})

    def __init__(self, learning_rate: Any = 0.001, rho: Any = 0.95, epsilon: float | None = 1e-7,
                 name: str | None = "Adadelta", **kwargs: Any):  # fmt: skip
        super().__init__(name, **kwargs)
        self._set_hypers(learning_rate, kwargs, rho=rho)
        self.epsilon = epsilon or _EPSILON

    def _create_slots(self, var_list: list[Any]) -> None:
        for slot in ("accum_grad", "accum_var"):
            for var in var_list:
                self.add_slot(var, slot)

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        apply_state[var_device, var_dtype]["rho"] = self._get_hyper("rho", var_dtype)

    def _rule(self) -> Rule:
        return Rule(apply_adadelta, ("accum_grad", "accum_var"), ("lr_t", "rho", "epsilon"))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        return self._with_settings(super().get_config(), "rho", "epsilon")


class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al., 2013): with ``l1_regularization_strength`` many weights stay exactly 0.

    ``l2_shrinkage_regularization_strength`` adds a penalty on the weights to the gradient; ``beta`` adds ``beta / (2 * rate)``
    to ``l2_regularization_strength``. Slots: "accumulator", "linear". Raises ValueError for a negative strength or initial
    value, and for a positive ``learning_rate_power``.
    """

    _slot_kinds = frozenset({"accumulator", "linear"})

    def __init__(self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, name: str | None = "Ftrl",
                 l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0, **kwargs: Any):  # fmt: skip
        super().__init__(name, **kwargs)
        _not_negative(
            self, initial_accumulator_value=initial_accumulator_value, l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
        )  # fmt: skip
        if learning_rate_power > 0.0:
            raise ValueError(f"Ftrl: learning_rate_power must not be positive, but it is {learning_rate_power}.")
        self._set_hypers(
            learning_rate, kwargs, learning_rate_power=learning_rate_power, beta=beta,
            l1_regularization_strength=l1_regularization_strength, l2_regularization_strength=l2_regularization_strength,
        )  # fmt: skip
        self._initial_accumulator_value = initial_accumulator_value
        self._l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength

    def _create_slots(self, var_list: list[Any]) -> None:
        for var in var_list:
            self.add_slot(var, "accumulator", _filled(self._initial_accumulator_value))
            self.add_slot(var, "linear")

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        state = apply_state[var_device, var_dtype]
        for name in ("learning_rate_power", "l1_regularization_strength", "l2_regularization_strength", "beta"):
            state[name] = self._get_hyper(name, var_dtype)
        state["l2_shrinkage_regularization_strength"] = cast(self._l2_shrinkage_regularization_strength, var_dtype)
        state["l2_with_beta"] = state["l2_regularization_strength"] + state["beta"] / (2.0 * state["lr_t"])

    def _rule(self) -> Rule:
        return _FTRL

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        config = {
            **super().get_config(),
            "initial_accumulator_value": self._initial_accumulator_value,
            "l2_shrinkage_regularization_strength": self._l2_shrinkage_regularization_strength,
        }
        strengths = ("l1_regularization_strength", "l2_regularization_strength")
        return self._with_settings(config, "learning_rate_power", *strengths, "beta")


_FTRL = Rule(
    apply_ftrl,
    ("accumulator", "linear"),
    ("lr_t", "l1_regularization_strength", "l2_with_beta", "l2_shrinkage_regularization_strength", "learning_rate_power"),
)


def _filled(value: float) -> Any:
    """An initializer that puts one value everywhere."""
    return lambda shape, dtype: fill(shape, dtype.np.type(value))


def _not_negative(optimizer: Any, **values: float) -> None:
    for what, value in values.items():
        if value < 0.0:
            raise ValueError(f"{type(optimizer).__name__}: {what} must not be negative, but it is {value}.")
