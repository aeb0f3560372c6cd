"""Normalising: BatchNormalization over a batch, LayerNormalization within an example, UnitNormalization to length 1."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from minitf.core import dtypes
from minitf.layers import initializers
from minitf.layers.abstract import given_shapes
from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.layers.switching import in_training, share_of_training
from minitf.layers.weight_settings import make, settle
from minitf.ops.creating import cast
from minitf.ops.elementwise import rsqrt, square
from minitf.ops.extremes import maximum
from minitf.ops.gathering import gather
from minitf.ops.normalisation import weighted_moments
from minitf.ops.reductions import reduce_mean, reduce_prod, reduce_sum
from minitf.ops.shapes import expand_dims, reshape
from minitf.ops.shapes import shape as shape_of
from minitf.runtimes.building import control_dependencies


class _Normalization(Layer):
    """What the two layers with gamma and beta have in common."""

    supports_masking = True

    def __init__(self, axis: Any, epsilon: float, center: bool, scale: bool, beta_initializer: Any, gamma_initializer: Any,
                 beta_regularizer: Any, gamma_regularizer: Any, beta_constraint: Any, gamma_constraint: Any,
                 **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        self.axis = list(axis) if isinstance(axis, (list, tuple)) else axis
        self.epsilon, self.center, self.scale = epsilon, center, scale
        settle(self, "beta", beta_initializer, beta_regularizer, beta_constraint)
        settle(self, "gamma", gamma_initializer, gamma_regularizer, gamma_constraint)

    def _settle_axis(self, input_shape: Any) -> list[int]:
        """The axes as a list of numbers from 0, which it keeps as ``axis``. Raises ValueError for axes that are not there."""
        rank = input_shape.rank
        if rank is None:
            raise ValueError(f"{type(self).__name__} {self.name!r}: the rank of the inputs must be known.")
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        axes = [a + rank if a < 0 else a for a in given]
        if not axes or len(set(axes)) != len(axes) or not all(0 <= a < rank for a in axes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: axis {list(given)} does not fit inputs of shape {input_shape}."
            )
        if self.axis != axes:  # a list that fits stays the same object
            self.axis = axes
        if any(input_shape[a] is None for a in axes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: the sizes of axes {axes} must be known; the shape is {input_shape}."
            )
        return axes

    def _make_gamma_and_beta(self, sizes: list[int]) -> None:
        self.gamma = make(self, "gamma", sizes) if self.scale else None
        self.beta = make(self, "beta", sizes) if self.center else None


class BatchNormalization(_Normalization):
    """Subtracts the mean and divides by the standard deviation of each channel (``axis``), then scales by gamma and adds beta.

    While training these are taken from the batch and tracked in ``moving_mean`` and ``moving_variance`` with ``momentum``;
    otherwise the tracked ones are used, also if ``trainable`` is False. Ioffe and Szegedy, 2015. In a graph the two move
    whenever the outputs are computed.
    """

    def __init__(self, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
                 moving_variance_initializer: Any = "ones", beta_regularizer: Any = None, gamma_regularizer: Any = None,
                 beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
                         beta_constraint, gamma_constraint, **kwargs)  # fmt: skip
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Any) -> None:
        """Makes gamma, beta and the two moving averages, of the sizes of ``axis``."""
        input_shape = given_shapes(input_shape)
        axes = self._settle_axis(input_shape)
        self.input_spec = InputSpec(ndim=input_shape.rank, axes={a: input_shape[a] for a in axes})
        sizes = [input_shape[a] for a in axes]
        if len(axes) > 1:
            sizes = [input_shape[a] if a in axes else 1 for a in range(input_shape.rank)]
        self._make_gamma_and_beta(sizes)
        self.moving_mean = self.add_weight("moving_mean", sizes, initializer=self.moving_mean_initializer, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", sizes, initializer=self.moving_variance_initializer, trainable=False
        )
        self.built = True

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The normalised inputs. Where ``mask`` (the shape of the inputs but for the last axis) is False, they do not count."""
        training = training if self.trainable else False
        return in_training(
            training,
            lambda: self._by_batch(inputs, share_of_training(training, self._weight_dtype), mask),
            lambda: self._by(inputs, self.moving_mean, self.moving_variance),
        )

    def _by_batch(self, inputs: Any, share: Any, mask: Any) -> Any:
        over = [a for a in range(len(inputs.shape)) if a not in self.axis]
        precise = cast(inputs, dtypes.float32) if inputs.dtype.size < 4 else inputs
        if mask is None:
            mean = reduce_mean(precise, over, keepdims=True)
            variance = reduce_mean(square(precise - mean), over, keepdims=True)
        else:
            mean, variance = weighted_moments(precise, over, expand_dims(cast(mask, precise.dtype), -1), keepdims=True)
        updates = [
            self._move(self.moving_mean, mean, share),
            self._move(self.moving_variance, variance * self._correction(inputs, over), share),
        ]
        with self._after([u for u in updates if u is not None]):
            return self._by(inputs, cast(mean, inputs.dtype), cast(variance, inputs.dtype))

    def _after(self, updates: list[Any]) -> AbstractContextManager[Any]:
        """Where the outputs are computed: after the updates."""
        return control_dependencies(updates)

    def _correction(self, inputs: Any, over: list[int]) -> Any:
        """What the tracked variance is multiplied by: n / (n - 1) for pictures, as in Keras's fused kernel, else 1."""
        if len(inputs.shape) != 4 or self.axis not in ([1], [3]):
            return 1.0
        count = cast(reduce_prod(gather(shape_of(inputs), over)), dtypes.float32)
        return count / maximum(count - 1.0, 1.0)

    def _move(self, average: Any, value: Any, share: Any) -> Any:
        """``average -= (average - value) * (1 - momentum)``, while training."""
        value = cast(reshape(value, average.shape), average.dtype)
        return average.assign_sub((average - value) * (1.0 - self.momentum) * share, read_value=False)

    def _by(self, inputs: Any, mean: Any, variance: Any) -> Any:
        mean, variance, gamma, beta = (self._along_axis(t, inputs) for t in (mean, variance, self.gamma, self.beta))
        factor = rsqrt(variance + self.epsilon)
        if gamma is not None:
            factor = factor * gamma
        shift = -mean * factor
        return inputs * factor + (shift if beta is None else shift + beta)

    def _along_axis(self, weight: Any, inputs: Any) -> Any:
        """A weight in the shape in which it goes with the inputs."""
        rank = len(inputs.shape)
        if weight is None or len(weight.shape) == rank:
            return weight if weight is None else weight + 0.0
        return reshape(weight, [inputs.shape[a] if a in self.axis else 1 for a in range(rank)])


class LayerNormalization(_Normalization):
    """Subtracts the mean and divides by the standard deviation of each example along ``axis``, then scales by gamma and adds
    beta.

    Ba, Kiros and Hinton, 2016.
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
                 **kwargs: Any):  # fmt: skip
        super().__init__(axis, epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
                         beta_constraint, gamma_constraint, **kwargs)  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Makes gamma and beta, of the sizes of ``axis``."""
        input_shape = given_shapes(input_shape)
        axes = self._settle_axis(input_shape)
        self._make_gamma_and_beta([input_shape[a] for a in axes])
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The normalised inputs."""
        precise = cast(inputs, dtypes.float32) if inputs.dtype.size < 4 else inputs
        mean = reduce_mean(precise, self.axis, keepdims=True)
        centred = precise - mean
        out = cast(centred * rsqrt(reduce_mean(square(centred), self.axis, keepdims=True) + self.epsilon), inputs.dtype)
        sizes = [inputs.shape[a] if a in self.axis else 1 for a in range(len(inputs.shape))]
        if self.gamma is not None:
            out = out * reshape(self.gamma, sizes)
        return out if self.beta is None else out + reshape(self.beta, sizes)


class UnitNormalization(Layer):
    """Scales each vector along ``axis`` to length 1."""

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        """The scaled inputs."""
        squares = reduce_sum(square(inputs), self.axis, keepdims=True)
        return inputs * rsqrt(maximum(squares, 1e-12))
