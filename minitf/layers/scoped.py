"""``tf.compat.v1.layers``: layers whose weights are variables of variable scopes, as programs of TensorFlow 1.x share them.

A scoped layer is the Keras layer of the same name with another place for its weights: ``get_variable`` makes them in the
variable scope in which the layer is first called. A second layer may share them (``reuse=True``, ``AUTO_REUSE``), and the
scope's initializer and regularizer count. Penalties go to the collection ``REGULARIZATION_LOSSES``, the updates of moving
averages to ``UPDATE_OPS``: the training step has to run them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from minitf.layers import convolution, convolution_transpose, depthwise, normalization, pooling, shaping
from minitf.layers import dense as dense_layers
from minitf.layers import dropout as dropout_layers
from minitf.layers.layer import Layer
from minitf.objects.variable_scope import VariableScope, get_variable, variable_scope
from minitf.objects.variable_table import add_regularization_loss
from minitf.runtimes.building import add_to_collection, global_variables, name_scope
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.object_names import snake_case


class Scoped(Layer):
    """What the layers of this room have in common; stands before the Keras layer among the bases.

    ``_reuse``: True or AUTO_REUSE to take weights that are there already. ``name=None`` numbers the layers of a scope.
    """

    _starts: tuple[str, ...] = ("kernel_initializer",)  # where None leaves it to the scope

    def __init__(self, *args: Any, name: str | None = None, _reuse: Any = None, **settings: Any):
        settings = dict.fromkeys(self._starts) | settings | {"name": name or snake_case(type(self).__name__)}
        super().__init__(*args, **settings)
        self._named, self._reuse = name, _reuse
        self._scope: VariableScope | None = None

    @property
    def scope_name(self) -> str:
        """The name of the variable scope of the weights. Raises ValueError before the first call."""
        if self._scope is None:
            raise ValueError(f"Layer {self.name!r} has no scope yet: call it first.")
        return self._scope.name

    @property
    def name_scope(self) -> AbstractContextManager[str]:
        """The variable scope and its name scope."""
        return self._entered()

    @contextmanager
    def _entered(self) -> Iterator[str]:
        if self._scope is None:
            with variable_scope(self._named, default_name=self.name, reuse=self._reuse) as scope:
                self._scope = scope
                yield scope.original_name_scope
        else:
            with (
                variable_scope(self._scope, reuse=self.built or self._reuse, auxiliary_name_scope=False),
                name_scope(self._scope.original_name_scope) as name,
            ):
                yield name

    def add_weight(self, name: str | None = None, shape: Any = None, dtype: Any = None, initializer: Any = None,
                   regularizer: Any = None, trainable: bool | None = None, constraint: Any = None,
                   synchronization: Any = None, aggregation: Any = None) -> Any:  # fmt: skip
        """``get_variable`` in the scope of the layer. A penalty of the layer's own joins that of the scope; who shares a weight
        pays no second one.
        """
        self._check_trained(name, trainable, synchronization)
        before = set(map(id, global_variables())) if regularizer is not None else set()
        weight = get_variable(
            name or "Variable",
            () if shape is None else shape,
            self._weight_dtype if dtype is None else dtype,
            initializer,
            trainable=trainable if self.trainable else False,
            constraint=constraint,
            synchronization=synchronization,
            aggregation=aggregation,
        )
        if regularizer is not None and id(weight) not in before:
            with name_scope(f"{name}/Regularizer"):
                add_regularization_loss(regularizer(weight))
        return weight

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs."""
        outputs = super().__call__(*args, **kwargs)
        for loss in self.losses:  # of outputs: those of weights are in the collection already
            add_regularization_loss(loss)
        return outputs

    apply = __call__


class Dense(Scoped, dense_layers.Dense):
    """``activation(inputs @ kernel + bias)``."""


class Conv1D(Scoped, convolution.Conv1D):
    """A convolution of (batch, steps, channels)."""


class Conv2D(Scoped, convolution.Conv2D):
    """A convolution of (batch, rows, columns, channels)."""


class Conv3D(Scoped, convolution.Conv3D):
    """A convolution of (batch, depth, rows, columns, channels)."""


class Conv2DTranspose(Scoped, convolution_transpose.Conv2DTranspose):
    """A transposed convolution of (batch, rows, columns, channels)."""


class SeparableConv1D(Scoped, depthwise.SeparableConv1D):
    """A convolution of each channel, and one of all channels at each step."""

    _starts = ("depthwise_initializer", "pointwise_initializer")


class SeparableConv2D(Scoped, depthwise.SeparableConv2D):
    """A convolution of each channel, and one of all channels at each pixel."""

    _starts = ("depthwise_initializer", "pointwise_initializer")


class BatchNormalization(Scoped, normalization.BatchNormalization):
    """Normalises by the moments of the batch (``training=True``), or by those tracked; the updates are in ``UPDATE_OPS``."""

    _starts = ()

    def _after(self, updates: list[Any]) -> AbstractContextManager[Any]:
        for update in updates:  # none in eager mode, where all is done
            add_to_collection(GraphKeys.UPDATE_OPS, update)
        return nullcontext()


class Dropout(Scoped, dropout_layers.Dropout):
    """Drops a share of the inputs while training."""

    _starts = ()

    def __init__(self, rate: float = 0.5, noise_shape: Any = None, seed: Any = None, **settings: Any):
        super().__init__(rate, noise_shape, seed, **settings)


class Flatten(Scoped, shaping.Flatten):
    """Each example as one vector."""

    _starts = ()


class MaxPooling1D(Scoped, pooling.MaxPooling1D):
    """The largest of each window of (batch, steps, channels)."""

    _starts = ()


class MaxPooling2D(Scoped, pooling.MaxPooling2D):
    """The largest of each window of (batch, rows, columns, channels)."""

    _starts = ()


class AveragePooling1D(Scoped, pooling.AveragePooling1D):
    """The mean of each window of (batch, steps, channels)."""

    _starts = ()


class AveragePooling2D(Scoped, pooling.AveragePooling2D):
    """The mean of each window of (batch, rows, columns, channels)."""

    _starts = ()


# -- functions: a layer made and called ----------------------------------------------------------------------------------


def dense(inputs: Any, units: int, activation: Any = None, use_bias: bool = True, *, name: str | None = None,
          reuse: Any = None, **settings: Any) -> Any:  # fmt: skip
    """``activation(inputs @ kernel + bias)``: weights ``kernel`` and ``bias`` in the scope ``name``.

    ``settings``: ``kernel_initializer`` (None: the scope's, or Glorot-uniform), ``bias_initializer``, ``kernel_regularizer``,
    ``bias_regularizer``, ``activity_regularizer``, ``kernel_constraint``, ``bias_constraint``, ``trainable``, as those of the
    Keras layer. Raises ValueError if the weights exist and may not be shared, or do not and ``reuse=True``.
    """
    return Dense(units, activation, use_bias, name=name, _reuse=reuse, **settings)(inputs)


def conv1d(inputs: Any, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
           data_format: str = "channels_last", dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True, *,
           name: str | None = None, reuse: Any = None, **settings: Any) -> Any:  # fmt: skip
    """A convolution of (batch, steps, channels); ``settings`` are those of ``dense``."""
    return Conv1D(filters, kernel_size, strides, padding, data_format, dilation_rate, activation=activation, use_bias=use_bias,
                  name=name, _reuse=reuse, **settings)(inputs)  # fmt: skip


def conv2d(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
           data_format: str = "channels_last", dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True, *,
           name: str | None = None, reuse: Any = None, **settings: Any) -> Any:  # fmt: skip
    """A convolution of (batch, rows, columns, channels); ``settings`` are those of ``dense``."""
    return Conv2D(filters, kernel_size, strides, padding, data_format, dilation_rate, activation=activation, use_bias=use_bias,
                  name=name, _reuse=reuse, **settings)(inputs)  # fmt: skip


def conv3d(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
           data_format: str = "channels_last", dilation_rate: Any = (1, 1, 1), activation: Any = None, use_bias: bool = True,
           *, name: str | None = None, reuse: Any = None, **settings: Any) -> Any:  # fmt: skip
    """A convolution of (batch, depth, rows, columns, channels); ``settings`` are those of ``dense``."""
    return Conv3D(filters, kernel_size, strides, padding, data_format, dilation_rate, activation=activation, use_bias=use_bias,
                  name=name, _reuse=reuse, **settings)(inputs)  # fmt: skip


def conv2d_transpose(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                     data_format: str = "channels_last", activation: Any = None, use_bias: bool = True, *,
                     name: str | None = None, reuse: Any = None, **settings: Any) -> Any:  # fmt: skip
    """A transposed convolution of (batch, rows, columns, channels); ``settings`` are those of ``dense``."""
    return Conv2DTranspose(filters, kernel_size, strides, padding, data_format=data_format, activation=activation,
                           use_bias=use_bias, name=name, _reuse=reuse, **settings)(inputs)  # fmt: skip


def separable_conv1d(inputs: Any, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                     data_format: str = "channels_last", dilation_rate: Any = 1, depth_multiplier: int = 1,
                     activation: Any = None, use_bias: bool = True, *, name: str | None = None, reuse: Any = None,
                     **settings: Any) -> Any:  # fmt: skip
    """A convolution of each channel of (batch, steps, channels), then one of all channels at each step.

    ``settings`` are those of ``dense``, with ``depthwise_`` and ``pointwise_`` for ``kernel_``.
    """
    return SeparableConv1D(filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation,
                           use_bias, name=name, _reuse=reuse, **settings)(inputs)  # fmt: skip


def separable_conv2d(inputs: Any, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                     data_format: str = "channels_last", dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
                     activation: Any = None, use_bias: bool = True, *, name: str | None = None, reuse: Any = None,
                     **settings: Any) -> Any:  # fmt: skip
    """A convolution of each channel of (batch, rows, columns, channels), then one of all channels at each pixel.

    ``settings`` are those of ``dense``, with ``depthwise_`` and ``pointwise_`` for ``kernel_``.
    """
    return SeparableConv2D(filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation,
                           use_bias, name=name, _reuse=reuse, **settings)(inputs)  # fmt: skip


def batch_normalization(inputs: Any, axis: Any = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
                        scale: bool = True, *, training: Any = False, name: str | None = None, reuse: Any = None,
                        **settings: Any) -> Any:  # fmt: skip
    """Normalises by the moments of the batch while ``training`` (which may be a tensor), otherwise by those tracked.

    In a graph, run ``tf.get_collection(tf.GraphKeys.UPDATE_OPS)`` with each training step, or nothing is tracked. ``settings``
    are those of the Keras layer.
    """
    layer = BatchNormalization(axis, momentum, epsilon, center, scale, name=name, _reuse=reuse, **settings)
    return layer(inputs, training=training)


def dropout(inputs: Any, rate: float = 0.5, noise_shape: Any = None, seed: Any = None, training: Any = False,
            name: str | None = None) -> Any:  # fmt: skip
    """Drops a share ``rate`` of the inputs while ``training`` (which may be a tensor)."""
    return Dropout(rate, noise_shape, seed, name=name)(inputs, training=training)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Any:
    """Each example as one vector."""
    return Flatten(data_format, name=name)(inputs)


def max_pooling1d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
                  name: str | None = None) -> Any:  # fmt: skip
    """The largest of each window of (batch, steps, channels)."""
    return MaxPooling1D(pool_size, strides, padding, data_format, name=name)(inputs)


def max_pooling2d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
                  name: str | None = None) -> Any:  # fmt: skip
    """The largest of each window of (batch, rows, columns, channels)."""
    return MaxPooling2D(pool_size, strides, padding, data_format, name=name)(inputs)


def average_pooling1d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
                      name: str | None = None) -> Any:  # fmt: skip
    """The mean of each window of (batch, steps, channels)."""
    return AveragePooling1D(pool_size, strides, padding, data_format, name=name)(inputs)


def average_pooling2d(inputs: Any, pool_size: Any, strides: Any, padding: str = "valid", data_format: str = "channels_last",
                      name: str | None = None) -> Any:  # fmt: skip
    """The mean of each window of (batch, rows, columns, channels)."""
    return AveragePooling2D(pool_size, strides, padding, data_format, name=name)(inputs)
