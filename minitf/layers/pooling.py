"""Pooling: the largest element or the mean of windows, or of everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.layers.input_spec import InputSpec
from minitf.layers.layer import Layer
from minitf.layers.windows import axes_of, numbers
from minitf.ops.creating import cast
from minitf.ops.padding import pad
from minitf.ops.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from minitf.ops.reductions import reduce_max, reduce_mean, reduce_sum
from minitf.ops.shapes import expand_dims


class _Pooling(Layer):
    """Windows of ``pool_size``, moved by ``strides`` (by default the size)."""

    rank = 2
    pool: Callable[..., Any]

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.pool_size = numbers(pool_size, self.rank, f"{kind}: pool_size")
        self.strides = self.pool_size if strides is None else numbers(strides, self.rank, f"{kind}: strides")
        self.padding = padding.lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(f"{kind}: padding must be 'valid' or 'same', not {padding!r}.")
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """One element for each window."""
        return type(self).pool(
            inputs, list(self.pool_size), list(self.strides), self.padding.upper(), axes_of(self.rank, self.data_format)
        )


class MaxPooling1D(_Pooling):
    """The largest element of windows of steps: (batch, steps, channels)."""

    rank, pool = 1, staticmethod(max_pool1d)


class MaxPooling2D(_Pooling):
    """The largest element of windows: (batch, rows, columns, channels)."""

    rank, pool = 2, staticmethod(max_pool2d)


class MaxPooling3D(_Pooling):
    """The largest element of windows: (batch, depth, rows, columns, channels)."""

    rank, pool = 3, staticmethod(max_pool3d)


class AveragePooling1D(_Pooling):
    """The mean of windows of steps: (batch, steps, channels)."""

    rank, pool = 1, staticmethod(avg_pool1d)


class AveragePooling2D(_Pooling):
    """The mean of windows: (batch, rows, columns, channels)."""

    rank, pool = 2, staticmethod(avg_pool2d)


class AveragePooling3D(_Pooling):
    """The mean of windows: (batch, depth, rows, columns, channels)."""

    rank, pool = 3, staticmethod(avg_pool3d)


class _GlobalPooling(Layer):
    """One element for each channel; with ``keepdims`` the other axes stay, with size 1."""

    rank = 2
    reduce: Callable[..., Any]

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = data_format or "channels_last", keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """One element for each channel."""
        first = 2 if axes_of(self.rank, self.data_format)[1] == "C" else 1
        return type(self).reduce(inputs, list(range(first, first + self.rank)), keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest element of all steps."""

    rank, reduce = 1, staticmethod(reduce_max)


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest element of a picture."""

    rank, reduce = 2, staticmethod(reduce_max)


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of all steps; of those that are not masked, if the inputs have a mask."""

    supports_masking = True
    rank, reduce = 1, staticmethod(reduce_mean)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """One element for each channel."""
        if mask is None:
            return super().call(inputs)
        steps, channels = (2, 1) if self.data_format == "channels_first" else (1, 2)
        shares = expand_dims(cast(mask, inputs.dtype), channels)
        return reduce_sum(inputs * shares, steps, keepdims=self.keepdims) / reduce_sum(shares, steps, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: the steps are gone."""
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of a picture."""

    rank, reduce = 2, staticmethod(reduce_mean)


class ZeroPadding1D(Layer):
    """Zeros before and behind the steps."""

    def __init__(self, padding: Any = 1, **kwargs: Any):
        super().__init__(**kwargs)
        self.padding = (padding, padding) if isinstance(padding, int) else tuple(padding)
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """The padded inputs."""
        return pad(inputs, [[0, 0], list(self.padding), [0, 0]])


class ZeroPadding2D(Layer):
    """Zeros around pictures: ``padding`` is an int, a pair (rows, columns), or pairs ((top, bottom), (left, right))."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        given = (padding, padding) if isinstance(padding, int) else tuple(padding)
        self.padding = tuple((p, p) if isinstance(p, int) else tuple(p) for p in given)
        self.data_format = data_format or "channels_last"
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """The padded inputs."""
        around = [list(p) for p in self.padding]
        if axes_of(2, self.data_format)[1] == "C":
            return pad(inputs, [[0, 0], [0, 0], *around])
        return pad(inputs, [[0, 0], *around, [0, 0]])
