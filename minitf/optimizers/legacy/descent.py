"""Steps along the gradient: SGD, with and without momentum."""

from __future__ import annotations

from typing import Any

from minitf.core.tensor import Tensor
from minitf.ops.training import apply_gradient_descent
from minitf.ops.training_keras import apply_keras_momentum
from minitf.optimizers.legacy.optimizer import Optimizer
from minitf.optimizers.updating import Rule


class SGD(Optimizer):
    """Gradient descent; with ``momentum``: ``accum = momentum * accum - rate * g; var += accum`` (``nesterov``: ``var +=
    momentum * accum - rate * g``).

    Slot: "momentum", if there is one. Raises ValueError unless ``momentum`` is between 0 and 1.
    """

    _slot_kinds = frozenset({"momentum"})

    def __init__(self, learning_rate: Any = 0.01, momentum: Any = 0.0, nesterov: bool = False, name: str | None = "SGD",
                 **kwargs: Any):  # fmt: skip
        super().__init__(name, **kwargs)
        self._momentum = has_momentum(self, momentum)
        self._set_hypers(learning_rate, kwargs, momentum=momentum)
        self.nesterov = nesterov

    def _create_slots(self, var_list: list[Any]) -> None:
        if self._momentum:
            for var in var_list:
                self.add_slot(var, "momentum")

    def _prepare_local(self, var_device: str, var_dtype: Any, apply_state: Any) -> None:
        super()._prepare_local(var_device, var_dtype, apply_state)
        apply_state[var_device, var_dtype]["momentum"] = self._get_hyper("momentum", var_dtype)

    def _rule(self) -> Rule:
        if not self._momentum:
            return Rule(apply_gradient_descent, (), ("lr_t",))
        return Rule(apply_keras_momentum, ("momentum",), ("lr_t", "momentum"), {"use_nesterov": bool(self.nesterov)})

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor by name."""
        return self._with_settings(super().get_config(), "momentum", "nesterov")


def has_momentum(optimizer: Any, momentum: Any) -> bool:
    """Whether a momentum needs a slot: any but the number 0. Raises ValueError for a number that is not between 0 and 1."""
    if isinstance(momentum, Tensor) or callable(momentum):
        return True
    if isinstance(momentum, (int, float)) and not 0 <= momentum <= 1:
        raise ValueError(f"{type(optimizer).__name__}: momentum must be between 0 and 1, not {momentum}.")
    return bool(momentum > 0)
