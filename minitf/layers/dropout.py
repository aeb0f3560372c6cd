"""Noise while training: Dropout, SpatialDropout1D and 2D, GaussianNoise, GaussianDropout."""

from __future__ import annotations

import math
from typing import Any

from minitf.layers import drawing
from minitf.layers.layer import Layer
from minitf.layers.switching import in_training
from minitf.ops.comparisons import select
from minitf.ops.creating import zeros_like
from minitf.ops.shapes import shape as shape_of


class Dropout(Layer):
    """While training, sets a share ``rate`` of the inputs to 0 and scales the others by ``1 / (1 - rate)``; else changes
    nothing.

    ``noise_shape``: axes where it is 1 are kept or dropped as a whole. ``seed``: see ``minitf.layers.initializers``. Raises
    ValueError unless 0 <= rate <= 1.
    """

    supports_masking = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= rate <= 1:
            raise ValueError(f"Dropout: rate must be between 0 and 1, not {rate}.")
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs, some of them dropped while training."""
        if self.rate == 0:
            return inputs
        return in_training(training, lambda: self._dropped(inputs), lambda: inputs)

    def _dropped(self, inputs: Any) -> Any:
        if self.rate == 1:
            return zeros_like(inputs)
        kept = drawing.uniform(self.seed, self._noise_shape(inputs), 0.0, 1.0, inputs.dtype) >= self.rate
        scaled = inputs * (1.0 / (1.0 - self.rate))
        return select(kept, scaled, zeros_like(scaled))

    def _noise_shape(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return inputs.shape if inputs.shape.is_fully_defined() else shape_of(inputs)
        dynamic = shape_of(inputs)
        return [(inputs.shape[i] or dynamic[i]) if size is None else size for i, size in enumerate(self.noise_shape)]


class SpatialDropout1D(Dropout):
    """Dropout of whole channels of (batch, steps, channels)."""

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any):
        super().__init__(rate, (None, 1, None), seed, **kwargs)


class SpatialDropout2D(Dropout):
    """Dropout of whole channels of (batch, rows, columns, channels)."""

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any):
        super().__init__(rate, (None, 1, 1, None), seed, **kwargs)


class GaussianNoise(Layer):
    """While training, adds normal noise with mean 0."""

    supports_masking = True

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.stddev, self.seed = stddev, seed

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs, with noise while training."""
        return in_training(training, lambda: inputs + self._noise(inputs), lambda: inputs)

    def _noise(self, inputs: Any) -> Any:
        size = inputs.shape if inputs.shape.is_fully_defined() else shape_of(inputs)
        return drawing.normal(self.seed, size, 0.0, self.stddev, inputs.dtype)


class GaussianDropout(GaussianNoise):
    """While training, multiplies by normal noise with mean 1 and the variance that Dropout of that rate would have."""

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any):
        if not 0 <= rate < 1:
            raise ValueError(f"GaussianDropout: rate must be at least 0 and below 1, not {rate}.")
        super().__init__(math.sqrt(rate / (1.0 - rate)), seed, **kwargs)
        self.rate = rate

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The inputs, with noise while training."""
        return in_training(training, lambda: inputs * (1.0 + self._noise(inputs)), lambda: inputs)
