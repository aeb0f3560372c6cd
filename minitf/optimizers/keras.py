"""Optimizers with the names, formulas and checkpoints of Keras 2 (``tf.keras.optimizers``).

Other than those of TensorFlow 1.x, they keep all state in lists of variables (``_variables`` and one list a kind), count
their steps in ``iterations``, and hold the learning rate in a variable. An optimizer belongs to the mode or graph in which it
was made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minitf.autodiff import GradientTape
from minitf.core import dtypes, names, runtime
from minitf.core.op import convert
from minitf.core.structures import flatten
from minitf.objects.slots import SlotOwner
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable
from minitf.ops.arithmetic import clip_by_value, maximum
from minitf.ops.creating import cast, fill, zeros
from minitf.ops.elementwise import rsqrt, sqrt
from minitf.ops.norms import clip_by_global_norm, clip_by_norm
from minitf.optimizers import schedules as schedules
from minitf.optimizers.constraining import constrain, with_constraint
from minitf.optimizers.schedules import LearningRateSchedule
from minitf.runtimes.building import control_dependencies, group, init_scope


class Optimizer(AutoTrackable):
    """Base class: define ``build(var_list)``, which makes state, and ``update_step(gradient, variable, rate)``.

    * ``learning_rate``: a number, or a ``LearningRateSchedule``.
    * ``clipnorm``, ``clipvalue``, ``global_clipnorm``: limits for the norm of each gradient, for its elements, for the norm
      of all together.
    * ``weight_decay``: after each step variables shrink by this share times the learning rate.
    """

    def __init__(self, learning_rate: Any = 0.001, name: str | None = None, weight_decay: float | None = None,
                 clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None):  # fmt: skip
        if clipnorm is not None and global_clipnorm is not None:
            raise ValueError("At most one of clipnorm and global_clipnorm can be set.")
        self.name = name or type(self).__name__
        self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm = (
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
        )
        self.built = False
        self._variables: list[Any] = []
        with names.entered(names.Scope()):
            self._iterations = Variable(0, trainable=False, name="iteration", dtype=dtypes.int64)
            self._variables.append(self._iterations)
            if isinstance(learning_rate, LearningRateSchedule):
                self._schedule: Any = learning_rate
                first = learning_rate(self._iterations.initialized_value())
                self._current_learning_rate = Variable(
                    first, trainable=False, name="current_learning_rate", dtype=dtypes.float32
                )
            else:
                self._schedule = None
                self._learning_rate = Variable(learning_rate, trainable=False, name="learning_rate", dtype=dtypes.float32)

    @property
    def iterations(self) -> Any:
        """The variable that counts steps."""
        return self._iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate's variable (with a schedule, that of the last step)."""
        return self._learning_rate if self._schedule is None else self._current_learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self._schedule is not None:
            raise TypeError("This optimizer's learning rate follows a schedule, so it cannot be set.")
        self._learning_rate.assign(value)

    @property
    def variables(self) -> list[Any]:
        """All state that belongs to the training so far: the step count first."""
        return list(self._variables)

    # -- state ---------------------------------------------------------------------------------------------------------

    def build(self, var_list: list[Any]) -> None:
        """Makes the state for these variables."""
        self._index_dict = {v.ref(): i for i, v in enumerate(var_list)}
        self.built = True

    def add_variable_from_reference(self, model_variable: Any, variable_name: str, initial_value: float = 0.0) -> Any:
        """New state in the shape of a variable, filled with ``initial_value``."""
        shape, dtype = model_variable.shape, model_variable.dtype
        start = zeros(shape, dtype) if initial_value == 0.0 else fill(shape, dtype.np.type(initial_value))
        with names.entered(names.Scope()):
            state = Variable(start, trainable=False, name=f"{self.name}/{variable_name}/{model_variable.handle.name}")
        self._variables.append(state)
        return state

    def _states(self, var_list: list[Any], name: str, initial_value: float = 0.0) -> list[Any]:
        return [self.add_variable_from_reference(v, name, initial_value) for v in var_list]

    # -- steps ---------------------------------------------------------------------------------------------------------

    def minimize(self, loss: Any, var_list: Any, tape: Any = None) -> Any:
        """One step for ``loss``: a function without arguments, or a tensor with the ``tape`` that recorded it."""
        if not callable(loss) and tape is None:
            raise ValueError(
                "minimize: `tape` is required when the loss is a tensor. Or pass a function that computes the loss."
            )
        variables = flatten(var_list() if callable(var_list) else var_list)
        if callable(loss):
            with GradientTape() as tape:
                tape.watch(variables)
                loss = loss()
        return self.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None) -> Any:
        """One step: at once (eager), or by the operation that it gives. The first call makes the state.

        Pairs without a gradient are left out. Raises ValueError if nothing remains, KeyError for a variable that the first
        call did not have.
        """
        pairs = [(convert(g), v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        gradients, variables = [g for g, _ in pairs], [v for _, v in pairs]
        if not self.built:
            with init_scope():
                self.build(variables)
        unknown = [v.name for v in variables if v.ref() not in self._index_dict]
        if unknown:
            raise KeyError(
                f"This optimizer was built for other variables and does not know {unknown}. Build it with all, or make another."
            )
        gradients = self._clipped(gradients)
        with runtime.current().home.name_scope(name or self.name) as scope, control_dependencies(gradients):
            decays = [] if self.weight_decay is None else [self._decay(v) for v in variables]
            rate = self._rate()
            with control_dependencies([d for d in decays if d is not None]):
                steps = [self.update_step(g, v, cast(rate, v.dtype)) for g, v in zip(gradients, variables, strict=True)]
            steps = flatten(steps)
            with control_dependencies([s for s in steps if s is not None]):
                counted = self._iterations.assign_add(1, read_value=False)
                kept = constrain(with_constraint(variables), [])
            return group(*steps, counted, *kept, name=scope)

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        if self.clipnorm is not None and self.clipnorm > 0:
            return [clip_by_norm(g, self.clipnorm) for g in gradients]
        if self.global_clipnorm is not None and self.global_clipnorm > 0:
            return clip_by_global_norm(gradients, self.global_clipnorm)[0]
        if self.clipvalue is not None and self.clipvalue > 0:
            return [clip_by_value(g, -self.clipvalue, self.clipvalue) for g in gradients]
        return gradients

    def _rate(self) -> Any:
        if self._schedule is None:
            return self._learning_rate.read_value()
        now = cast(self._schedule(self._iterations), dtypes.float32)
        return convert(self._current_learning_rate.assign(now))

    def _decay(self, variable: Any) -> Any:
        share = cast(self.learning_rate, variable.dtype) * float(self.weight_decay or 0.0)
        return variable.assign_sub(variable * share, read_value=False)

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> Any:
        """Updates one variable and its state; gives the operations."""
        raise NotImplementedError(f"{type(self).__name__} must define update_step(gradient, variable, rate).")

    def _index(self, variable: Any) -> int:
        return int(self._index_dict[variable.ref()])


class SGD(Optimizer):
    """Gradient descent; with ``momentum``: ``m = momentum * m - rate * g; var += m`` (``nesterov``: ``var += momentum * m -
    rate * g``).
    """

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, name: str = "SGD", **kwargs: Any
    ):
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be between 0 and 1, not {momentum}.")
        super().__init__(learning_rate, name, **kwargs)
        self.momentum, self.nesterov = momentum, nesterov

    def build(self, var_list: list[Any]) -> None:
        """Makes the momenta."""
        super().build(var_list)
        self.momentums = self._states(var_list, "m")

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> Any:
        """One step for one variable."""
        step = gradient * rate
        m = self.momentums[self._index(variable)]
        moved = convert(m.assign(m * self.momentum - step))
        return variable.assign_add(moved * self.momentum - step if self.nesterov else moved, read_value=False)


class RMSprop(Optimizer):
    """Divides gradients by the root of a running mean of their squares; ``centered``: of their variance."""

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
                 centered: bool = False, name: str = "RMSprop", **kwargs: Any):  # fmt: skip
        super().__init__(learning_rate, name, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means."""
        super().build(var_list)
        self._velocities = self._states(var_list, "velocity")
        self._momentums = self._states(var_list, "momentum") if self.momentum > 0 else []
        self._average_gradients = self._states(var_list, "average_gradient") if self.centered else []

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        velocity = self._velocities[i]
        spread = convert(velocity.assign(velocity * self.rho + gradient * gradient * (1.0 - self.rho)))
        if self.centered:
            average = self._average_gradients[i]
            mean = convert(average.assign(average * self.rho + gradient * (1.0 - self.rho)))
            spread = spread - mean * mean
        step = gradient * rate * rsqrt(spread + self.epsilon)
        if self.momentum > 0:
            m = self._momentums[i]
            step = convert(m.assign(m * self.momentum + step))
        return variable.assign_sub(step, read_value=False)


class Adagrad(Optimizer):
    """Divides gradients by the root of the sum of their squares so far."""

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
                 name: str = "Adagrad", **kwargs: Any):  # fmt: skip
        super().__init__(learning_rate, name, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def build(self, var_list: list[Any]) -> None:
        """Makes the sums of squares."""
        super().build(var_list)
        self._accumulators = self._states(var_list, "accumulator", self.initial_accumulator_value)

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> Any:
        """One step for one variable."""
        total = convert(self._accumulators[self._index(variable)].assign_add(gradient * gradient))
        return variable.assign_sub(rate * gradient / sqrt(total + self.epsilon), read_value=False)


class Adam(Optimizer):
    """Running means of gradients and of their squares, corrected for having started from zero (Kingma and Ba, 2014).

    ``amsgrad`` divides by the largest mean of squares so far (Reddi et al., 2018).
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 amsgrad: bool = False, name: str = "Adam", **kwargs: Any):  # fmt: skip
        super().__init__(learning_rate, name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def build(self, var_list: list[Any]) -> None:
        """Makes the running means."""
        super().build(var_list)
        self._momentums, self._velocities = [], []
        for v in var_list:
            self._momentums.append(self.add_variable_from_reference(v, "m"))
            self._velocities.append(self.add_variable_from_reference(v, "v"))
        if self.amsgrad:
            self._velocity_hats = self._states(var_list, "vhat")

    def update_step(self, gradient: Any, variable: Any, rate: Any) -> Any:
        """One step for one variable."""
        i = self._index(variable)
        m, v = self._momentums[i], self._velocities[i]
        step = cast(self._iterations, variable.dtype) + 1.0
        alpha = rate * sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        # not apply_adam: that op rounds 1 - beta in the variable's dtype, Keras does not
        mean = convert(m.assign_add((gradient - m) * (1.0 - self.beta_1)))
        spread = convert(v.assign_add((gradient * gradient - v) * (1.0 - self.beta_2)))
        if self.amsgrad:
            hat = self._velocity_hats[i]
            spread = convert(hat.assign(maximum(hat, spread)))
        return variable.assign_sub(mean * alpha / (sqrt(spread) + self.epsilon), read_value=False)


class TFOptimizer(AutoTrackable):
    """An optimizer of TensorFlow 1.x in a Keras model: it counts steps in ``iterations`` (the edge "global_step")."""

    def __init__(self, optimizer: Any):
        self.optimizer = optimizer
        with names.entered(names.Scope()):
            self.global_step = Variable(0, trainable=False, name="TFOptimizer/iterations", dtype=dtypes.int64)

    @property
    def iterations(self) -> Any:
        """The variable that counts steps."""
        return self.global_step

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None) -> Any:
        """One step of the optimizer."""
        return self.optimizer.apply_gradients(grads_and_vars, self.global_step, name)


_BY_NAME = {kind.__name__.lower(): kind for kind in (SGD, RMSprop, Adagrad, Adam)}


def get(identifier: Any) -> Any:
    """The optimizer that ``identifier`` stands for: a name such as "adam", or an optimizer. One of 1.x becomes a TFOptimizer.

    Raises ValueError for other things.
    """
    if isinstance(identifier, str) and identifier.lower() in _BY_NAME:
        return _BY_NAME[identifier.lower()]()
    if isinstance(identifier, SlotOwner):
        return TFOptimizer(identifier)
    if hasattr(identifier, "apply_gradients"):
        return identifier
    raise ValueError(f"An optimizer is one of {sorted(_BY_NAME)} or an optimizer object, not {identifier!r}.")
