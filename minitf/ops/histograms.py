"""Histograms with bins of one width."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import RealFloating, convert, op
from minitf.core.spec import Spec, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.arithmetic import truediv
from minitf.ops.creating import cast
from minitf.ops.elementwise import floor
from minitf.ops.extremes import maximum, minimum
from minitf.ops.kinds import Divisible
from minitf.ops.static import known_int


@op(name="histogram_fixed_width", infer_first=True)
def _histogram(values: Divisible, value_range: Divisible, *, nbins, dtype):
    """How many values are in each bin."""
    low, high = value_range
    if not low < high:
        raise InvalidArgumentError(f"histogram_fixed_width: the range must go up, but it is {value_range.tolist()}.")
    step = (float(high) - float(low)) / nbins
    inside = np.clip(values, low, high).astype(np.float64) - float(low)
    bins = np.minimum((inside / step).astype(np.int64), nbins - 1)
    return np.bincount(bins.reshape(-1), minlength=nbins).astype(dtype.np)


@_histogram.infer
def _(values, value_range, *, nbins, dtype):
    if nbins < 1:
        raise InvalidArgumentError(f"histogram_fixed_width: nbins must be positive, not {nbins}.")
    if value_range.shape not in (None, (None,), (2,)):
        raise ShapeError(f"histogram_fixed_width: the range is two numbers, not of shape {shape_text(value_range.shape)}.")
    return Spec(dtype, (nbins,))


@_histogram.samples
def _(draw):
    values = draw(RealFloating, dtype=dtypes.float32)
    return (values, np.array([-1, 2], values.dtype)), {"nbins": draw.integer(1, 9), "dtype": dtypes.int32}


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """How many of the values are in each of ``nbins`` bins between ``value_range[0]`` and ``value_range[1]``.

    Smaller and greater values count in the first and last bin. Raises InvalidArgumentError if the range does not go up.
    """
    x = convert(values)
    kind = dtypes.as_dtype(dtype)
    return _histogram(x, convert(value_range, x.dtype), nbins=known_int(nbins, "nbins"), dtype=kind, name=name)


def histogram_fixed_width_bins(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = dtypes.int32, name: str | None = None
) -> Any:
    """The number of the bin of each value, an int32 whatever ``dtype`` says, as in TensorFlow; see ``histogram_fixed_width``.

    The values must be floats.
    """
    x = convert(values)
    between = convert(value_range, x.dtype)
    count = cast(nbins, x.dtype)
    share = truediv(x - between[0], between[1] - between[0])
    inside = minimum(maximum(floor(count * share), cast(0, x.dtype)), count - 1)
    return cast(inside, dtypes.int32, name)
