"""Means and variances of layers' activations, and normalising by them."""

from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.ops.arithmetic import squared_difference
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import rsqrt
from minitf.ops.reductions import reduce_mean, reduce_sum, squeeze_reduced


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None, keep_dims: bool | None = None
) -> Any:
    """The mean and the variance of ``x`` over ``axes``, as ``(mean, variance)``. float16 is averaged in float32."""
    values = convert(x)
    wide = cast(values, dtypes.float32) if values.dtype.size == 2 else values
    keep = keepdims if keep_dims is None else keep_dims
    mean = reduce_mean(wide, axes, keepdims=True)
    variance = reduce_mean(squared_difference(wide, mean), axes, keepdims=True)
    if not keep:
        mean, variance = squeeze_reduced(mean, axes), squeeze_reduced(variance, axes)
    return cast(mean, values.dtype), cast(variance, values.dtype)


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: Any, name: str | None = None
) -> Any:
    """``(x - mean) / sqrt(variance + variance_epsilon) * scale + offset``; ``offset`` and ``scale`` may be None."""
    values = convert(x)
    factor = rsqrt(convert(variance) + variance_epsilon)
    if scale is not None:
        factor = factor * scale
    shift = -convert(mean) * factor if offset is None else offset - convert(mean) * factor
    return values * cast(factor, values.dtype) + cast(shift, values.dtype)


def weighted_moments(
    x: Any, axes: Any, frequency_weights: Any, keepdims: bool = False, name: str | None = None
) -> tuple[Any, Any]:
    """Mean and variance over ``axes``, each element counted ``frequency_weights`` times (broadcast to the shape of ``x``)."""
    values, weights = convert(x), convert(frequency_weights)
    whole = weights + zeros_like(values)
    count = reduce_sum(whole, axes, keepdims=True)
    mean = reduce_sum(whole * values, axes, keepdims=True) / count
    variance = reduce_sum(whole * squared_difference(values, mean), axes, keepdims=True) / count
    return (mean, variance) if keepdims else (squeeze_reduced(mean, axes), squeeze_reduced(variance, axes))
