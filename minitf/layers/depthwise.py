"""Convolutions of each channel by itself, and those with a mixture of channels after it: in one and two dimensions."""

from __future__ import annotations

from typing import Any

from minitf.layers.convolution import Convolution
from minitf.layers.weight_settings import make, settle
from minitf.layers.windows import axes_of
from minitf.ops.conv import conv1d, conv2d, depthwise_conv2d
from minitf.ops.shapes import expand_dims, squeeze


class _Depthwise(Convolution):
    """Convolution of each channel by itself, with ``depth_multiplier`` filters."""

    def __init__(self, filters: int | None, kernel_size: Any, strides: Any, padding: str, depth_multiplier: int,
                 data_format: str | None, dilation_rate: Any, activation: Any, use_bias: bool, depthwise_initializer: Any,
                 bias_initializer: Any, depthwise_regularizer: Any, bias_regularizer: Any, depthwise_constraint: Any,
                 bias_constraint: Any, **kwargs: Any):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint, **kwargs)  # fmt: skip
        self.depth_multiplier = depth_multiplier
        settle(self, "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def _make_depthwise(self, channels: int) -> None:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = make(self, "depthwise_kernel", shape, settings="depthwise")

    def _depthwise(self, inputs: Any) -> Any:
        inputs, padding = self._padded(inputs)
        first = self.data_format == "channels_first"
        if self.rank == 1:  # as pictures of one row
            axis = 2 if first else 1
            moves, dilations = self.strides * 2, [1, *self.dilation_rate]
            out = depthwise_conv2d(
                expand_dims(inputs, axis), expand_dims(self.depthwise_kernel, 0),
                [1, 1, *moves] if first else [1, *moves, 1], padding, axes_of(2, self.data_format), dilations,
            )  # fmt: skip
            return squeeze(out, [axis])
        strides = [1, 1, *self.strides] if first else [1, *self.strides, 1]
        return depthwise_conv2d(
            inputs, self.depthwise_kernel, strides, padding, axes_of(2, self.data_format), list(self.dilation_rate)
        )


class _DepthwiseConv(_Depthwise):
    """Convolution of each channel by itself. Weights: ``depthwise_kernel`` (*sizes, channels, depth_multiplier), ``bias``."""

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(None, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation,
                         use_bias, depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
                         depthwise_constraint, bias_constraint, activity_regularizer=activity_regularizer,
                         **kwargs)  # fmt: skip

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the number of channels is not known."""
        channels = self._channels(input_shape)
        self._make_depthwise(channels)
        self._make_bias(channels * self.depth_multiplier)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The filtered inputs."""
        return self._finished(self._depthwise(inputs))


class DepthwiseConv1D(_DepthwiseConv):
    """Convolution along steps of each channel by itself."""

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Convolution of pictures, of each channel by itself."""

    rank = 2


class _SeparableConv(_Depthwise):
    """A depthwise convolution, then a mixture of channels. Weights: ``depthwise_kernel``, ``pointwise_kernel``, ``bias``."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None,
                 use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation,
                         use_bias, depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
                         depthwise_constraint, bias_constraint, activity_regularizer=activity_regularizer,
                         **kwargs)  # fmt: skip
        settle(self, "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        """Makes both kernels and the bias. Raises ValueError if the number of channels is not known."""
        channels = self._channels(input_shape)
        self._make_depthwise(channels)
        mixed = (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = make(self, "pointwise_kernel", mixed, settings="pointwise")
        self._make_bias(self.filters or 0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The filtered and mixed inputs."""
        mix = conv1d if self.rank == 1 else conv2d
        out = mix(self._depthwise(inputs), self.pointwise_kernel, 1, "VALID", axes_of(self.rank, self.data_format))
        return self._finished(out)


class SeparableConv1D(_SeparableConv):
    """A convolution along steps of each channel by itself, then a mixture of channels. ``padding`` may also be "causal"."""

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(_SeparableConv):
    """A convolution of pictures, of each channel by itself, then a mixture of channels."""

    rank = 2
