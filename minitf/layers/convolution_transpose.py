"""Transposes of convolutions: from what a convolution gives to what it takes. Conv1DTranspose, Conv2DTranspose."""

from __future__ import annotations

from typing import Any

from minitf.layers.convolution import Convolution
from minitf.layers.weight_settings import make, settle
from minitf.layers.windows import axes_of, numbers
from minitf.ops.conv import conv1d_transpose, conv2d_transpose
from minitf.ops.shapes import shape as shape_of


class _ConvTranspose(Convolution):
    """The transpose of a convolution. Weights: ``kernel`` (*kernel_size, filters, channels), ``bias``.

    ``output_padding``: how much longer each axis of the result is than the shortest that the convolution would shrink to the
    inputs (by default it is as long as the stride times the input). Raises ValueError unless it is less than the strides.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer,
                         **kwargs)  # fmt: skip
        settle(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            what = f"{type(self).__name__}: output_padding"
            self.output_padding = numbers(output_padding, self.rank, what, least=0)
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(f"{what} must be less than the strides, {self.strides}, but it is {self.output_padding}.")

    def build(self, input_shape: Any) -> None:
        """Makes kernel and bias. Raises ValueError if the number of channels is not known."""
        self.kernel = make(self, "kernel", (*self.kernel_size, self.filters, self._channels(input_shape)))
        self._make_bias(self.filters or 0)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """The spread inputs."""
        first = 2 if self.data_format == "channels_first" else 1
        dynamic = shape_of(inputs)
        given = [dynamic[axis] if size is None else size for axis, size in enumerate(inputs.shape)]
        sizes = [self._spread(given[first + i], i) for i in range(self.rank)]
        goal = [given[0], self.filters, *sizes] if first == 2 else [given[0], *sizes, self.filters]
        transposed = conv1d_transpose if self.rank == 1 else conv2d_transpose
        out = transposed(
            inputs, self.kernel, goal, list(self.strides), self.padding.upper(), axes_of(self.rank, self.data_format),
            list(self.dilation_rate),
        )  # fmt: skip
        return self._finished(out)

    def _spread(self, size: Any, axis: int) -> Any:
        stride, wide = self.strides[axis], (self.kernel_size[axis] - 1) * self.dilation_rate[axis] + 1
        if self.output_padding is None:
            return size * stride + (0 if self.padding == "same" else max(wide - stride, 0))
        cut = 2 * (wide // 2) if self.padding == "same" else 0
        return (size - 1) * stride + wide - cut + self.output_padding[axis]


class Conv1DTranspose(_ConvTranspose):
    """The transpose of ``Conv1D``."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """The transpose of ``Conv2D``."""

    rank = 2
