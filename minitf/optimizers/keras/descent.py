"""Steps along the gradient, or its sign: SGD and Lion."""

from __future__ import annotations

from typing import Any

from minitf.core.op import convert
from minitf.ops.elementwise import sign
from minitf.optimizers.keras.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent; with ``momentum``: ``m = momentum * m - rate * g; var += m`` (``nesterov``: ``var += momentum * m -
    rate * g``).
    """

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str = "SGD", **kwargs: Any
    ):
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be between 0 and 1, not {momentum}.")
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.momentum, self.nesterov = momentum, nesterov

    def build(self, var_list: list[Any]) -> None:
        """Makes the momenta."""
        super().build(var_list)
        if self._built:
            return
        self.momentums = self._states(var_list, "m")
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        step = gradient * self._rate(variable)
        m = self.momentums[self._index(variable)]
        moved = convert(m.assign(m * self.momentum - step))
        return variable.assign_add(moved * self.momentum - step if self.nesterov else moved, read_value=False)


class Lion(Optimizer):
    """Steps of one size: the sign of a mean of gradients, ``beta_1 * m + (1 - beta_1) * g`` (Chen et al., 2023).

    Raises ValueError unless ``beta_1`` is above 0 and at most 1.
    """

    def __init__(self, learning_rate: Any = 0.0001, beta_1: float = 0.9, beta_2: float = 0.99, name: str = "Lion",
                 **kwargs: Any):  # fmt: skip
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1 must be above 0 and at most 1, not {beta_1}.")
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means."""
        super().build(var_list)
        if self._built:
            return
        self.momentums = self._states(var_list, "m")
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        state = self.momentums[self._index(variable)]
        m = state.read_value()
        step = sign(m * self.beta_1 + gradient * (1.0 - self.beta_1))
        mean = convert(state.assign(m * self.beta_2 + gradient * (1.0 - self.beta_2)))
        return mean, variable.assign_sub(self._rate(variable) * step, read_value=False)
