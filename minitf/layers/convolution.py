"""Convolutions: Conv1D, Conv2D, Conv3D, their transposes, and depthwise and separable ones."""

from __future__ import annotations

from typing import Any

from minitf.layers import activations, initializers, regularizers
from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.layers.windows import axes_of, numbers
from minitf.ops.conv import (
    conv1d,
    conv1d_transpose,
    conv2d,
    conv2d_transpose,
    conv3d,
    depthwise_conv2d,
)
from minitf.ops.losses import bias_add
from minitf.ops.padding import pad
from minitf.ops.shapes import shape as shape_of


class _Convolution(Layer):
    """What all convolutions have in common: filters, windows, a bias, an activation."""

    rank = 2

    def __init__(self, filters: int | None, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        kind = type(self).__name__
        if filters is not None and filters <= 0:
            raise ValueError(f"{kind}: filters must be positive, not {filters}.")
        self.filters = filters
        self.kernel_size = numbers(kernel_size, self.rank, f"{kind}: kernel_size")
        self.strides = numbers(strides, self.rank, f"{kind}: strides")
        self.dilation_rate = numbers(dilation_rate, self.rank, f"{kind}: dilation_rate")
        self.padding = padding.lower()
        if self.padding not in ("valid", "same", "causal") or (self.padding == "causal" and self.rank != 1):
            raise ValueError(
                f"{kind}: padding must be 'valid' or 'same'{' or causal' if self.rank == 1 else ''}, not {padding!r}."
            )
        self.data_format = data_format or "channels_last"
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _channels_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _channels(self, input_shape: Any) -> int:
        channels = input_shape[self._channels_axis]
        if channels is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: the number of channels must be known; the inputs have {input_shape}."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channels_axis: channels})
        return int(channels)

    def _make_bias(self, filters: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (filters,), initializer=self.bias_initializer, regularizer=self.bias_regularizer
            )

    def _finished(self, outputs: Any) -> Any:
        """With bias and activation."""
        if self.bias is not None:
            channels_first = "NCHW" if self.data_format == "channels_first" else None
            outputs = bias_add(outputs, self.bias, channels_first) if channels_first else outputs + self.bias
        return self.activation(outputs)


class _Conv(_Convolution):
    """Products of filters with all windows. Weights: ``kernel`` (*kernel_size, channels, filters), ``bias``."""

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the number of channels is not known."""
        shape = (*self.kernel_size, self._channels(input_shape), self.filters)
        self.kernel = self.add_weight("kernel", shape, initializer=self.kernel_initializer, regularizer=self.kernel_regularizer)
        self._make_bias(self.filters or 0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The filtered inputs."""
        padding = self.padding.upper()
        if self.padding == "causal":  # a step sees no later one
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            time = [[before, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [before, 0]]
            inputs, padding = pad(inputs, [[0, 0], *time]), "VALID"
        convolve = {1: conv1d, 2: conv2d, 3: conv3d}[self.rank]
        single = self.rank == 1
        out = convolve(
            inputs, self.kernel, self.strides[0] if single else list(self.strides), padding,
            axes_of(self.rank, self.data_format), self.dilation_rate[0] if single else list(self.dilation_rate),
        )  # fmt: skip
        return self._finished(out)


class Conv1D(_Conv):
    """Convolution along steps: (batch, steps, channels). ``padding`` may also be "causal"."""

    rank = 1


class Conv2D(_Conv):
    """Convolution of pictures: (batch, rows, columns, channels)."""

    rank = 2


class Conv3D(_Conv):
    """Convolution of volumes: (batch, depth, rows, columns, channels)."""

    rank = 3


class _ConvTranspose(_Convolution):
    """The transpose of a convolution: from what it gives to what it takes. ``kernel`` is (*kernel_size, filters, channels)."""

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the number of channels is not known."""
        shape = (*self.kernel_size, self.filters, self._channels(input_shape))
        self.kernel = self.add_weight("kernel", shape, initializer=self.kernel_initializer, regularizer=self.kernel_regularizer)
        self._make_bias(self.filters or 0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The spread inputs."""
        first = 2 if self.data_format == "channels_first" else 1
        dynamic = shape_of(inputs)
        batch = inputs.shape[0] if inputs.shape[0] is not None else dynamic[0]
        sizes = [
            self._spread(inputs.shape[first + i] if inputs.shape[first + i] is not None else dynamic[first + i], i)
            for i in range(self.rank)
        ]
        goal = [batch, self.filters, *sizes] if self.data_format == "channels_first" else [batch, *sizes, self.filters]
        if self.rank == 1:
            out = conv1d_transpose(
                inputs, self.kernel, goal, self.strides[0], self.padding.upper(), axes_of(1, self.data_format)
            )
        else:
            out = conv2d_transpose(
                inputs, self.kernel, goal, list(self.strides), self.padding.upper(), axes_of(2, self.data_format)
            )
        return self._finished(out)

    def _spread(self, size: Any, axis: int) -> Any:
        out = size * self.strides[axis]
        return out if self.padding == "same" else out + max(self.kernel_size[axis] - self.strides[axis], 0)


class Conv1DTranspose(_ConvTranspose):
    """The transpose of ``Conv1D``."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """The transpose of ``Conv2D``."""

    rank = 2


class DepthwiseConv2D(_Convolution):
    """Convolution of each channel by itself. Weights: ``depthwise_kernel`` (rows, columns, channels, depth_multiplier),
    ``bias``.
    """

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(None, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         depthwise_initializer, bias_initializer, depthwise_regularizer, **kwargs)  # fmt: skip
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the number of channels is not known."""
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel", shape, initializer=self.kernel_initializer, regularizer=self.kernel_regularizer
        )
        self._make_bias(channels * self.depth_multiplier)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The filtered inputs."""
        return self._finished(self._depthwise(inputs))

    def _depthwise(self, inputs: Any) -> Any:
        first = self.data_format == "channels_first"
        strides = [1, 1, *self.strides] if first else [1, *self.strides, 1]
        return depthwise_conv2d(
            inputs, self.depthwise_kernel, strides, self.padding.upper(), axes_of(2, self.data_format), list(self.dilation_rate)
        )


class SeparableConv2D(DepthwiseConv2D):
    """A depthwise convolution, then a mixture of channels. Weights: ``depthwise_kernel``, ``pointwise_kernel``, ``bias``."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None,
                 use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **kwargs: Any):  # fmt: skip
        super().__init__(kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
                         depthwise_initializer, bias_initializer, **kwargs)  # fmt: skip
        self.filters = filters
        self.pointwise_initializer = initializers.get(pointwise_initializer)

    def build(self, input_shape: Any) -> None:
        """Makes both kernels and the bias. Raises ValueError if the number of channels is not known."""
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_weight("depthwise_kernel", shape, initializer=self.kernel_initializer)
        mixed = (1, 1, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.add_weight("pointwise_kernel", mixed, initializer=self.pointwise_initializer)
        self._make_bias(self.filters or 0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The filtered and mixed inputs."""
        out = conv2d(self._depthwise(inputs), self.pointwise_kernel, 1, "VALID", axes_of(2, self.data_format))
        return self._finished(out)
