"""Activations as layers."""

from __future__ import annotations

from typing import Any

from minitf.layers import activations
from minitf.layers.layer import Layer
from minitf.ops.activations import elu, leaky_relu, softmax
from minitf.ops.comparisons import select


class Activation(Layer):
    """A function by name, or any function of a tensor."""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """``activation(inputs)``"""
        return self.activation(inputs)


class ReLU(Layer):
    """``x`` above ``threshold``, else ``negative_slope * (x - threshold)``; never more than ``max_value``."""

    supports_masking = True

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if value is not None and value < 0.0:
                raise ValueError(f"ReLU: {name} must not be negative, but it is {value}.")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Any) -> Any:
        """The rectified inputs."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """``x`` if it is positive, else ``alpha * x``."""

    supports_masking = True

    def __init__(self, alpha: float = 0.3, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """The rectified inputs."""
        return leaky_relu(inputs, self.alpha)


class ELU(Layer):
    """``x`` if it is positive, else ``alpha * (e ** x - 1)``."""

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """The rectified inputs."""
        out = elu(inputs)
        return out if self.alpha == 1.0 else select(out > 0.0, out, out * self.alpha)


class Softmax(Layer):
    """``e ** x``, scaled to sum 1 along ``axis``. Where a boolean ``mask`` is False, the result is 0."""

    supports_masking = True

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Probabilities."""
        if mask is not None:
            inputs = masked(inputs, mask)
        return softmax(inputs, self.axis)


def masked(scores: Any, mask: Any) -> Any:
    """``scores`` with about minus infinity added where ``mask`` is False."""
    from minitf.ops.creating import cast

    lowest = scores.dtype.min if scores.dtype.size < 4 else -1e9
    return scores + (1.0 - cast(mask, scores.dtype)) * float(lowest)
