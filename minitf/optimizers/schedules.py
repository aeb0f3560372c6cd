"""Learning rates that change with the step.

A schedule is a function of the step (a number, variable or tensor) that gives a scalar tensor. Classes have the names of
Keras 2; the functions at the end are those of TensorFlow 1.x, which read the step from a variable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minitf.core import dtypes, runtime
from minitf.core.op import convert
from minitf.ops.comparisons import equal, select
from minitf.ops.creating import cast, ones_like
from minitf.ops.elementwise import ceil, exp, floor, log
from minitf.ops.extremes import minimum
from minitf.ops.trigonometry import cos


class LearningRateSchedule:
    """Base class of schedules: define ``__call__(step)``."""

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step, as a scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """A schedule from ``get_config()``."""
        return cls(**config)


def _start(rate: Any, *numbers: Any) -> tuple[Any, ...]:
    """The first rate as a float tensor, and the other numbers in its dtype."""
    first = convert(rate)
    return (first, *(cast(n, first.dtype) for n in numbers))


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``; with ``staircase`` the exponent is cut to an integer."""

    def __init__(
        self, initial_learning_rate: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False, name: str | None = None
    ):
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        rate, step, steps, base = _start(self.initial_learning_rate, step, self.decay_steps, self.decay_rate)
        share = step / steps
        return rate * base ** (floor(share) if self.staircase else share)


class InverseTimeDecay(ExponentialDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``; with ``staircase`` the quotient is cut to an
    integer.
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        rate, step, steps, base = _start(self.initial_learning_rate, step, self.decay_steps, self.decay_rate)
        share = step / steps
        return rate / (1.0 + base * (floor(share) if self.staircase else share))


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and including step ``boundaries[i]``, the last value after that.

    Raises ValueError unless there is one value more than boundaries.
    """

    def __init__(self, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None):
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: there must be one value more than boundaries, but there are {len(boundaries)} "
                f"boundaries and {len(values)} values."
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        step = convert(step)
        values = [convert(v) for v in self.values]
        rate = values[-1]
        for boundary, value in reversed(list(zip(self.boundaries, values, strict=False))):
            rate = select(step <= cast(boundary, step.dtype), value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From ``initial_learning_rate`` to ``end_learning_rate`` within ``decay_steps``, along ``(1 - step / decay_steps) **
    power``.

    With ``cycle`` it starts again when it has arrived, over a longer time.
    """

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
                 cycle: bool = False, name: str | None = None):  # fmt: skip
        self.initial_learning_rate, self.decay_steps, self.end_learning_rate = (
            initial_learning_rate,
            decay_steps,
            end_learning_rate,
        )
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        rate, end, power, step, steps = _start(
            self.initial_learning_rate, self.end_learning_rate, self.power, step, self.decay_steps
        )
        if self.cycle:
            rounds = select(equal(step, 0.0 * step), ones_like(step), ceil(step / steps))
            steps = steps * rounds
        else:
            step = minimum(step, steps)
        return (rate - end) * (1.0 - step / steps) ** power + end


class CosineDecay(LearningRateSchedule):
    """Along half a cosine from ``initial_learning_rate`` to ``alpha`` times it. Loshchilov and Hutter, 2017.

    With ``warmup_target``, first for ``warmup_steps`` in a straight line from ``initial_learning_rate`` to the target.
    """

    def __init__(self, initial_learning_rate: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None,
                 warmup_target: Any = None, warmup_steps: int = 0):  # fmt: skip
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = initial_learning_rate, decay_steps, alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        rate, step, steps = _start(self.initial_learning_rate, step, self.decay_steps)
        if self.warmup_target is None:
            return self._cosine(minimum(step, steps) / steps, rate)
        target, before = _start(self.warmup_target, self.warmup_steps)
        step = minimum(step, steps + before)
        return select(step < before, rate + (target - rate) * (step / before), self._cosine((step - before) / steps, target))

    def _cosine(self, share: Any, rate: Any) -> Any:
        return rate * ((1.0 - self.alpha) * (0.5 * (1.0 + cos(share * math.pi))) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """``CosineDecay`` that starts again: each period is ``t_mul`` times as long and begins ``m_mul`` times as high. SGDR,
    2017.
    """

    def __init__(self, initial_learning_rate: Any, first_decay_steps: Any, t_mul: float = 2.0, m_mul: float = 1.0,
                 alpha: float = 0.0, name: str | None = None):  # fmt: skip
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        rate, step, first = _start(self.initial_learning_rate, step, self.first_decay_steps)
        share = step / first
        if self.t_mul == 1.0:
            period = floor(share)
            share = share - period
        else:
            period = floor(log(1.0 - share * (1.0 - self.t_mul)) / math.log(self.t_mul))
            begun = (1.0 - self.t_mul**period) / (1.0 - self.t_mul)
            share = (share - begun) / self.t_mul**period
        height = rate * self.m_mul**period
        return height * ((1.0 - self.alpha) * (0.5 * (1.0 + cos(share * math.pi))) + self.alpha)


def serialize(schedule: LearningRateSchedule) -> dict[str, Any]:
    """A schedule as plain data: the name of its class, and its ``get_config()``."""
    return {"class_name": type(schedule).__name__, "config": schedule.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that ``serialize`` was given. ``custom_objects``: classes of one's own by their names.

    Raises ValueError for the name of an unknown class.
    """
    name = config["class_name"]
    kind = (custom_objects or {}).get(name) or globals().get(name)
    if not (isinstance(kind, type) and issubclass(kind, LearningRateSchedule)):
        raise ValueError(f"{name!r} is no learning rate schedule that is known here. Give its class in custom_objects.")
    return kind.from_config(dict(config["config"]))


# -- TensorFlow 1.x ------------------------------------------------------------------------------------------------------


def _of(global_step: Any, schedule: Callable[[Any], Any]) -> Any:
    """The rate at the step that a variable holds: a tensor (graph), or a function that looks at the step when it is called
    (eager).
    """
    if global_step is None:
        raise ValueError("A decayed learning rate needs a global_step to read. Pass tf.train.get_or_create_global_step().")

    def rate() -> Any:
        return schedule(global_step)

    return rate if runtime.current().home.graph_being_built() is None else rate()


def exponential_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                      name: str | None = None) -> Any:  # fmt: skip
    """``learning_rate * decay_rate ** (global_step / decay_steps)``. In eager mode a function without arguments that gives
    it.
    """
    return _of(global_step, ExponentialDecay(learning_rate, decay_steps, decay_rate, staircase, name))


def inverse_time_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                       name: str | None = None) -> Any:  # fmt: skip
    """``learning_rate / (1 + decay_rate * global_step / decay_steps)``. In eager mode a function that gives it."""
    return _of(global_step, InverseTimeDecay(learning_rate, decay_steps, decay_rate, staircase, name))


def natural_exp_decay(learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
                      name: str | None = None) -> Any:  # fmt: skip
    """``learning_rate * exp(-decay_rate * global_step / decay_steps)``. In eager mode a function that gives it."""
    base = exp(-cast(decay_rate, dtypes.float32))
    return _of(global_step, ExponentialDecay(learning_rate, decay_steps, base, staircase, name))


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> Any:
    """``values[i]`` up to and including step ``boundaries[i]``. In eager mode a function that gives it."""
    return _of(x, PiecewiseConstantDecay(boundaries, values, name))


def polynomial_decay(learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
                     cycle: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """See ``PolynomialDecay``. In eager mode a function that gives the rate."""
    return _of(global_step, PolynomialDecay(learning_rate, decay_steps, end_learning_rate, power, cycle, name))


def cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None) -> Any:
    """See ``CosineDecay``. In eager mode a function that gives the rate."""
    return _of(global_step, CosineDecay(learning_rate, decay_steps, alpha, name))


def cosine_decay_restarts(learning_rate: Any, global_step: Any, first_decay_steps: Any, t_mul: float = 2.0, m_mul: float = 1.0,
                          alpha: float = 0.0, name: str | None = None) -> Any:  # fmt: skip
    """See ``CosineDecayRestarts``. In eager mode a function that gives the rate."""
    return _of(global_step, CosineDecayRestarts(learning_rate, first_decay_steps, t_mul, m_mul, alpha, name))
