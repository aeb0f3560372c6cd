"""Steps divided by what the squares of gradients have been: RMSprop, Adagrad, Adadelta, Ftrl."""

from __future__ import annotations

from typing import Any

from minitf.core.op import convert
from minitf.ops.elementwise import rsqrt, sqrt
from minitf.ops.extremes import clip_by_value
from minitf.optimizers.keras.optimizer import Optimizer


class RMSprop(Optimizer):
    """Divides gradients by the root of a running mean of their squares; ``centered``: of their variance."""

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
                 centered: bool = False, name: str = "RMSprop", **kwargs: Any):  # fmt: skip
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means."""
        super().build(var_list)
        if self._built:
            return
        self._velocities = self._states(var_list, "velocity")
        self._momentums = self._states(var_list, "momentum") if self.momentum > 0 else []
        self._average_gradients = self._states(var_list, "average_gradient") if self.centered else []
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        velocity = self._velocities[i]
        spread = convert(velocity.assign(velocity * self.rho + gradient * gradient * (1.0 - self.rho)))
        if self.centered:
            average = self._average_gradients[i]
            mean = convert(average.assign(average * self.rho + gradient * (1.0 - self.rho)))
            spread = spread - mean * mean
        step = gradient * self._rate(variable) * rsqrt(spread + self.epsilon)
        if self.momentum > 0:
            m = self._momentums[i]
            step = convert(m.assign(m * self.momentum + step))
        return variable.assign_sub(step, read_value=False)


class Adagrad(Optimizer):
    """Divides gradients by the root of the sum of their squares so far."""

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
                 name: str = "Adagrad", **kwargs: Any):  # fmt: skip
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def build(self, var_list: list[Any]) -> None:
        """Makes the sums of squares."""
        super().build(var_list)
        if self._built:
            return
        self._accumulators = self._states(var_list, "accumulator", self.initial_accumulator_value)
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        total = convert(self._accumulators[self._index(variable)].assign_add(gradient * gradient))
        return variable.assign_sub(self._rate(variable) * gradient / sqrt(total + self.epsilon), read_value=False)


class Adadelta(Optimizer):
    """Gives steps the size of earlier ones: gradients times the root of a running mean of squared steps, over that of squared
    gradients (Zeiler, 2012).
    """

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, name: str = "Adadelta",
                 **kwargs: Any):  # fmt: skip
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means."""
        super().build(var_list)
        if self._built:
            return
        self._accumulated_grads, self._accumulated_delta_vars = self._interleaved(
            var_list, "accumulated_grad", "accumulated_delta_var"
        )
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        grads, deltas = self._accumulated_grads[i], self._accumulated_delta_vars[i]
        spread = convert(grads.assign(grads * self.rho + gradient * gradient * (1.0 - self.rho)))
        before = deltas.read_value()
        step = sqrt(before + self.epsilon) * gradient / sqrt(spread + self.epsilon)
        kept = convert(deltas.assign(before * self.rho + step * step * (1.0 - self.rho)))
        return kept, variable.assign_sub(self._rate(variable) * step, read_value=False)


class Ftrl(Optimizer):
    """Follow the regularised leader (McMahan et al., 2013): with ``l1_regularization_strength`` many weights stay exactly 0.

    ``l2_shrinkage_regularization_strength`` adds a penalty on the weights to the gradient; ``beta`` adds ``beta / (2 * rate)``
    to ``l2_regularization_strength``. Raises ValueError for a negative strength or initial value, and for a positive
    ``learning_rate_power``.
    """

    def __init__(self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
                 l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0,
                 l2_shrinkage_regularization_strength: float = 0.0, beta: float = 0.0, name: str = "Ftrl",
                 **kwargs: Any):  # fmt: skip
        if learning_rate_power > 0.0:
            raise ValueError(f"Ftrl: learning_rate_power must not be positive, but it is {learning_rate_power}.")
        for what, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if value < 0.0:
                raise ValueError(f"Ftrl: {what} must not be negative, but it is {value}.")
        super().__init__(name, learning_rate=learning_rate, **kwargs)
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength, self.l2_regularization_strength = (
            l1_regularization_strength,
            l2_regularization_strength,
        )
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta

    def build(self, var_list: list[Any]) -> None:
        """Makes the sums of squares and the linear terms."""
        super().build(var_list)
        if self._built:
            return
        self._accumulators, self._linears = [], []
        for v in var_list:
            self._accumulators.append(
                self.add_variable_from_reference(v, "accumulator", initial_value=self.initial_accumulator_value)
            )
            self._linears.append(self.add_variable_from_reference(v, "linear"))
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> Any:
        """One step for one variable."""
        i, rate, power = self._index(variable), self._rate(variable), -self.learning_rate_power
        accumulator, linear = self._accumulators[i], self._linears[i]
        before, value = accumulator.read_value(), variable.read_value()
        after = before + gradient * gradient
        shrunk = gradient + value * (2.0 * self.l2_shrinkage_regularization_strength)
        leader = convert(linear.assign_add(shrunk - (after**power - before**power) / rate * value))
        l1, l2 = self.l1_regularization_strength, self.beta / (rate * 2.0) + self.l2_regularization_strength
        best = (clip_by_value(leader, -l1, l1) - leader) / (after**power / rate + l2 * 2.0)
        return accumulator.assign(after, read_value=False), variable.assign(best, read_value=False)
