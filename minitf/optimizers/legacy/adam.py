"""Adam and its relatives: steps along a running mean of gradients, divided by a measure of their size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.core.op import convert
from minitf.ops.creating import cast
from minitf.ops.training import apply_adam
from minitf.ops.training_keras import apply_ada_max, apply_adam_with_amsgrad, apply_nadam
from minitf.optimizers.legacy.optimizer import Optimizer
from minitf.optimizers.schedules import LearningRateSchedule
from minitf.optimizers.updating import Rule

_EPSILON = 1e-7  # also where the argument is 0 or None


class _Means(Optimizer):
    """What Adam, Adamax and Nadam share: two running means, and how much of them is kept."""

    _slot_kinds = frozenset({"m", "v"})

    def _settle(self, learning_rate: Any, kwargs: dict[str, Any], beta_1: Any, beta_2: Any, epsilon: float | None) -> None:
        self._set_hypers(learning_rate, kwargs, beta_1=beta_1, beta_2=beta_2)
        self.epsilon = epsilon or _EPSILON

    def _create_slots(self, var_list: list[Any]) -> None:
        for slot in ("m", "v"):  # the order of weights: all means of gradients, then all of squares
            for var in var_list:
                self.add_slot(var, slot)

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        beta_1, beta_2 = self._get_hyper("beta_1", var_dtype), self._get_hyper("beta_2", var_dtype)
        step = cast(self.iterations + 1, var_dtype)
        apply_state[var_device, var_dtype] |= {
            "beta_1_t": beta_1, "beta_2_t": beta_2, "beta_1_power": beta_1**step, "beta_2_power": beta_2**step,
            "epsilon": convert(self.epsilon, var_dtype),
        }  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        return self._with_settings(super().get_config(), "beta_1", "beta_2", "epsilon")


class Adam(_Means):
    """Running means of gradients (m) and of their squares (v), both corrected for having started from zero.

    ``var -= rate * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t) * m / (sqrt(v) + epsilon)`` (Kingma and Ba, 2014). ``amsgrad``
    divides by the largest v so far (Reddi et al., 2018). Slots: "m", "v", and "vhat" with ``amsgrad``.
    """

    _slot_kinds = frozenset({"m", "v", "vhat"})

    def __init__(self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float | None = 1e-7,
                 amsgrad: bool = False, name: str | None = "Adam", **kwargs: Any):  # fmt: skip
        super().__init__(name, **kwargs)
        self._settle(learning_rate, kwargs, beta_1, beta_2, epsilon)
        self.amsgrad = amsgrad

    def _create_slots(self, var_list: list[Any]) -> None:
        super()._create_slots(var_list)
        if self.amsgrad:
            for var in var_list:
                self.add_slot(var, "vhat")

    def _rule(self) -> Rule:
        return _AMSGRAD if self.amsgrad else _ADAM

    def set_weights(self, weights: Sequence[Any]) -> None:
        """As in the base class; the weights of Keras 1 have a third state for each variable, which is left out."""
        own = len(self._weights)
        super().set_weights(weights[:own] if len(weights) == 3 * int((own - 1) / 2) + 1 else weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        return self._with_settings(super().get_config(), "amsgrad")


class Adamax(_Means):
    """Adam with the largest gradient of late (v) in the place of the mean of squares (Kingma and Ba, 2014, section 7).

    Slots: "m", "v".
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float | None = 1e-7,
                 name: str | None = "Adamax", **kwargs: Any):  # fmt: skip
        super().__init__(name, **kwargs)
        self._settle(learning_rate, kwargs, beta_1, beta_2, epsilon)

    def _rule(self) -> Rule:
        return _ADAMAX


class Nadam(_Means):
    """Adam with Nesterov's momentum, whose weight ``beta_1 * (1 - 0.96 ** (decay * t) / 2)`` grows with the steps t (Dozat,
    2015).

    ``schedule_decay`` (0.004 if it is not given) is that decay; ``decay`` itself has no effect. Slots: "m", "v"; own variable:
    "momentum_cache", the product of the weights so far. Raises ValueError for a schedule of learning rates.
    """

    _m_cache: Any = None

    def __init__(self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.999, epsilon: float | None = 1e-7,
                 name: str | None = "Nadam", **kwargs: Any):  # fmt: skip
        kwargs["decay"] = kwargs.pop("schedule_decay", 0.004)
        if isinstance(kwargs.get("lr", learning_rate), LearningRateSchedule):
            raise ValueError("Nadam: the learning rate cannot follow a schedule. Give a number, or a function.")
        super().__init__(name, **kwargs)
        self._settle(learning_rate, kwargs, beta_1, beta_2, epsilon)

    def _create_slots(self, var_list: list[Any]) -> None:
        if self._m_cache is None and var_list:
            dtype = var_list[0].dtype
            self._m_cache = self.add_weight("momentum_cache", shape=[], dtype=dtype, initializer="ones", trainable=False)
            self._weights.append(self._m_cache)
        super()._create_slots(var_list)

    def _decayed_lr(self, var_dtype: Any) -> Any:
        return self._get_hyper("learning_rate", var_dtype)  # decay is for the momentum

    def _prepare(self, var_list: list[Any]) -> Any:
        self._m_cache_read = convert(self._m_cache)  # before the first dtype's numbers change it
        return super()._prepare(var_list)

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        state = apply_state[var_device, var_dtype]
        now, later = (self._weight(state["beta_1_t"], self.iterations + n) for n in (1, 2))
        product = cast(self._m_cache_read, var_dtype) * now
        if var_dtype is self._m_cache.dtype:
            product = convert(self._m_cache.assign(product))
        state |= {"m_t": now, "m_t_1": later, "m_schedule_new": product, "m_schedule_next": product * later}

    def _weight(self, beta: Any, step: Any) -> Any:
        """The weight of momentum at a step."""
        return beta * (1.0 - 0.5 * cast(0.96, beta.dtype) ** (self._initial_decay * cast(step, beta.dtype)))

    def _rule(self) -> Rule:
        return _NADAM


_OF_ADAM = ("beta_1_power", "beta_2_power", "lr_t", "beta_1_t", "beta_2_t", "epsilon")
_ADAM = Rule(apply_adam, ("m", "v"), _OF_ADAM)
_AMSGRAD = Rule(apply_adam_with_amsgrad, ("m", "v", "vhat"), _OF_ADAM)
_ADAMAX = Rule(apply_ada_max, ("m", "v"), ("beta_1_power", "lr_t", "beta_1_t", "beta_2_t", "epsilon"))
_NADAM = Rule(
    apply_nadam,
    ("m", "v"),
    ("lr_t", "beta_1_t", "beta_2_t", "epsilon", "m_t", "m_t_1", "m_schedule_new", "m_schedule_next", "beta_2_power"),
)
