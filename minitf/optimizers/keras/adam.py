"""Adam and its relatives: steps along a running mean of gradients, divided by a measure of their size."""

from __future__ import annotations

from typing import Any

from minitf.core.op import convert
from minitf.objects.variable import Variable
from minitf.ops import elementwise
from minitf.ops.creating import cast, ones
from minitf.ops.elementwise import sqrt
from minitf.ops.extremes import maximum
from minitf.ops.training_keras import apply_keras_adam
from minitf.optimizers.keras.optimizer import Optimizer
from minitf.optimizers.updating import Rule


class Adam(Optimizer):
    """Running means of gradients and of their squares, corrected for having started from zero (Kingma and Ba, 2014).

    ``amsgrad`` divides by the largest mean of squares so far (Reddi et al., 2018).
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 amsgrad: bool = False, name: str = "Adam", **kwargs: Any):  # fmt: skip
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means."""
        super().build(var_list)
        if self._built:
            return
        self._momentums, self._velocities = self._interleaved(var_list, "m", "v")
        if self.amsgrad:
            self._velocity_hats = self._states(var_list, "vhat")
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        m, v = self._momentums[i], self._velocities[i]
        alpha = self._alpha(variable.dtype)
        # not apply_adam: that op rounds 1 - beta in the variable's dtype, Keras does not
        mean = convert(m.assign_add((gradient - m) * (1.0 - self.beta_1)))
        spread = convert(v.assign_add((gradient * gradient - v) * (1.0 - self.beta_2)))
        if self.amsgrad:
            hat = self._velocity_hats[i]
            spread = convert(hat.assign(maximum(hat, spread)))
        return variable.assign_sub(mean * alpha / (sqrt(spread) + self.epsilon), read_value=False)

    def _alpha(self, dtype: Any) -> Any:
        """The rate of this step, with the corrections of both means."""
        step = cast(self._iterations, dtype) + 1.0
        return cast(self.learning_rate, dtype) * sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)

    def _rule(self) -> Rule | None:
        """``update_step`` in one formula."""
        return None if self.amsgrad else _ADAM

    def _state_of(self, variable: Any, name: str) -> Any:
        return (self._momentums if name == "m" else self._velocities)[self._index(variable)]

    def _numbers(self, dtype: Any) -> list[Any]:
        shares = [convert(1.0 - beta, dtype) for beta in (self.beta_1, self.beta_2)]
        return [self._alpha(dtype), *shares, convert(self.epsilon, dtype)]


_ADAM = Rule(apply_keras_adam, ("m", "v"), ("alpha", "share", "share_of_squares", "epsilon"))


class AdamW(Adam):
    """Adam with ``weight_decay`` apart from the gradients (Loshchilov and Hutter, 2019). Raises ValueError without one."""

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float = 1e-7, amsgrad: bool = False, name: str = "AdamW", **kwargs: Any):  # fmt: skip
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number. Adam is the optimizer without decay.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, name, weight_decay=weight_decay, **kwargs)


class Adamax(Optimizer):
    """Adam with the largest gradient of late in the place of the mean of squares (Kingma and Ba, 2014, section 7)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 name: str = "Adamax", **kwargs: Any):  # fmt: skip
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, var_list: list[Any]) -> None:
        """Makes running means and running maxima."""
        super().build(var_list)
        if self._built:
            return
        self._m, self._u = self._interleaved(var_list, "m", "u")
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        m, u = self._m[i], self._u[i]
        step = cast(self._iterations, variable.dtype) + 1.0
        mean = convert(m.assign_add((gradient - m) * (1.0 - self.beta_1)))
        largest = convert(u.assign(maximum(u * self.beta_2, elementwise.abs(gradient))))
        scale = (1.0 - self.beta_1**step) * (largest + self.epsilon)
        return variable.assign_sub(self._rate(variable) * mean / scale, read_value=False)


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose weight ``beta_1 * (1 - 0.96 ** t / 2)`` grows with the steps t (Dozat, 2015).

    The product of these weights so far is a variable of its own. It grows once a step, also where Keras (which counts in
    Python) lets it grow once a variable: in a function or graph, or after a restore.
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 name: str = "Nadam", **kwargs: Any):  # fmt: skip
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means, and the product."""
        super().build(var_list)
        if self._built:
            return
        product = Variable(ones((), var_list[0].dtype), trainable=False)
        self._momentums, self._velocities = self._interleaved(var_list, "m", "v")
        self._u_product = product  # the variable is made first, its edge comes last
        self._built = True

    def _weight(self, step: Any) -> Any:
        return (1.0 - 0.96**step * 0.5) * self.beta_1

    def _begin_step(self) -> list[Any]:
        product = self._u_product
        weight = self._weight(cast(self._iterations, product.dtype) + 1.0)
        grown = product.assign(product * weight, read_value=False)
        return super()._begin_step() + ([] if grown is None else [grown])

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        m, v = self._momentums[i], self._velocities[i]
        step = cast(self._iterations, variable.dtype) + 1.0
        now, later = self._weight(step), self._weight(step + 1.0)
        product = cast(self._u_product, variable.dtype)
        mean = convert(m.assign_add((gradient - m) * (1.0 - self.beta_1)))
        spread = convert(v.assign_add((gradient * gradient - v) * (1.0 - self.beta_2)))
        ahead = mean * later / (1.0 - product * later) + gradient * (1.0 - now) / (1.0 - product)
        scale = sqrt(spread / (1.0 - self.beta_2**step)) + self.epsilon
        return variable.assign_sub(ahead * self._rate(variable) / scale, read_value=False)
