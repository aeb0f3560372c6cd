"""Rates along a line times a cosine, which only TensorFlow 1.x has. Bello et al., "Neural Optimizer Search", 2017."""

from __future__ import annotations

import math
from typing import Any

from minitf.ops.elementwise import sqrt
from minitf.ops.extremes import minimum
from minitf.ops.random import normal
from minitf.ops.trigonometry import cos
from minitf.optimizers.schedules import LearningRateSchedule, _of, _start


class _LinearCosine(LearningRateSchedule):
    def __init__(self, rate: Any, steps: Any, periods: Any, alpha: Any, beta: Any, noise: tuple[Any, Any] | None = None):
        self.rate, self.steps, self.periods, self.alpha, self.beta, self.noise = rate, steps, periods, alpha, beta, noise

    def __call__(self, step: Any) -> Any:
        """The learning rate at a step."""
        rate, step, steps, periods, alpha, beta = _start(self.rate, step, self.steps, self.periods, self.alpha, self.beta)
        step = minimum(step, steps)
        line = (steps - step) / steps
        if self.noise is not None:
            _, variance, decay = _start(rate, *self.noise)
            line = line + normal((), dtype=rate.dtype) * sqrt(variance / (1.0 + step) ** decay)
        wave = 0.5 * (1.0 + cos(2.0 * math.pi * periods * (step / steps)))
        return rate * ((alpha + line) * wave + beta)


def linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, num_periods: Any = 0.5, alpha: Any = 0.0,
                        beta: Any = 0.001, name: str | None = None) -> Any:  # fmt: skip
    """``learning_rate * ((alpha + 1 - t) * (1 + cos(2 pi num_periods t)) / 2 + beta)`` with ``t = global_step / decay_steps``.

    ``t`` is at most 1. In eager mode a function without arguments that gives it.
    """
    return _of(global_step, _LinearCosine(learning_rate, decay_steps, num_periods, alpha, beta))


def noisy_linear_cosine_decay(learning_rate: Any, global_step: Any, decay_steps: Any, initial_variance: Any = 1.0,
                              variance_decay: Any = 0.55, num_periods: Any = 0.5, alpha: Any = 0.0, beta: Any = 0.001,
                              name: str | None = None) -> Any:  # fmt: skip
    """``linear_cosine_decay`` with a normal number added to ``1 - t``.

    Its variance is ``initial_variance / (1 + global_step) ** variance_decay``.
    """
    noise = (initial_variance, variance_decay)
    return _of(global_step, _LinearCosine(learning_rate, decay_steps, num_periods, alpha, beta, noise))
