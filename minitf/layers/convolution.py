"""Convolutions of steps, pictures and volumes: Conv1D, Conv2D, Conv3D, and what all convolutions have in common."""

from __future__ import annotations

from typing import Any

from minitf.layers import activations
from minitf.layers.abstract import given_shapes
from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.layers.weight_settings import make, settle
from minitf.layers.windows import axes_of, numbers
from minitf.ops.conv import conv1d, conv2d, conv3d
from minitf.ops.losses import bias_add
from minitf.ops.padding import pad
from minitf.ops.shapes import reshape


class Convolution(Layer):
    """Base class of all convolutions: filters, windows, a bias, an activation."""

    rank = 2
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(self, filters: int | None, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 bias_initializer: Any = "zeros", bias_regularizer: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):  # fmt: skip
        super().__init__(**kwargs)
        kind = type(self).__name__
        if filters is not None and filters <= 0:
            raise ValueError(f"{kind}: filters must be positive, not {filters}.")
        self.filters = filters
        self.kernel_size = numbers(kernel_size, self.rank, f"{kind}: kernel_size")
        self.strides = numbers(strides, self.rank, f"{kind}: strides")
        self.dilation_rate = numbers(dilation_rate, self.rank, f"{kind}: dilation_rate")
        self.padding = padding.lower()
        if self.padding not in self.paddings:
            raise ValueError(f"{kind}: padding must be {' or '.join(map(repr, self.paddings))}, not {padding!r}.")
        self.data_format = data_format or "channels_last"
        axes_of(self.rank, self.data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        settle(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _channels_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _channels(self, input_shape: Any) -> int:
        channels = given_shapes(input_shape)[self._channels_axis]
        if channels is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: the number of channels must be known; the inputs have {input_shape}."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channels_axis: channels})
        return int(channels)

    def _make_bias(self, filters: int) -> None:
        self.bias = make(self, "bias", (filters,)) if self.use_bias else None

    def _padded(self, inputs: Any) -> tuple[Any, str]:
        """The inputs and the padding for the op: "causal" puts zeros before the first step, so no step sees a later one."""
        if self.padding != "causal":
            return inputs, self.padding.upper()
        before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
        time = [[before, 0], [0, 0]] if self.data_format == "channels_last" else [[0, 0], [before, 0]]
        return pad(inputs, [[0, 0], *time]), "VALID"

    def _finished(self, outputs: Any) -> Any:
        """With bias and activation."""
        if self.bias is not None:
            if self.data_format == "channels_last":
                outputs = outputs + self.bias
            elif self.rank == 1:
                outputs = outputs + reshape(self.bias, (1, -1, 1))
            else:
                outputs = bias_add(outputs, self.bias, "NCHW")
        return self.activation(outputs)


class _Conv(Convolution):
    """Products of filters with all windows. Weights: ``kernel`` (*kernel_size, channels // groups, filters), ``bias``.

    ``groups``: channels and filters are divided into so many groups; each filter sees the channels of its group. Raises
    ValueError if it does not divide both.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1, activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer,
                         **kwargs)  # fmt: skip
        self.groups = groups or 1
        if self.groups < 1 or filters % self.groups:
            raise ValueError(f"{type(self).__name__}: groups must divide the number of filters, {filters}, but it is {groups}.")
        settle(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the number of channels is not known, or not divided by ``groups``."""
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: groups must divide the number of channels, but it is {self.groups}, and "
                f"the inputs have {channels} channels (shape {input_shape})."
            )
        self.kernel = make(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._make_bias(self.filters or 0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The filtered inputs."""
        inputs, padding = self._padded(inputs)
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
    paddings = ("valid", "same", "causal")


class Conv2D(_Conv):
    """Convolution of pictures: (batch, rows, columns, channels)."""

    rank = 2


class Conv3D(_Conv):
    """Convolution of volumes: (batch, depth, rows, columns, channels)."""

    rank = 3
