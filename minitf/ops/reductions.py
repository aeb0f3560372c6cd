"""Ops that sum up axes: sums, means, products, extremes, logic; and where the extremes are."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Boolean, Numeric, Real, convert, op
from minitf.core.spec import Shape, Spec, total_size
from minitf.errors import DTypeError, InvalidArgumentError, ShapeError
from minitf.ops.arithmetic import floordiv
from minitf.ops.comparisons import equal, not_equal, select
from minitf.ops.complex import real
from minitf.ops.creating import cast, stop_gradient, zeros_like
from minitf.ops.elementwise import conj, exp, is_finite, log, sqrt, square
from minitf.ops.extremes import maximum
from minitf.ops.kinds import Ordered
from minitf.ops.running import cumprod
from minitf.ops.shapes import (
    _broadcast_to,
    broadcast_to,
    expand_dims,
    reshape,
    settle,
    shape,
    shape_of,
    size,
    squeeze,
    total,
    widened,
)
from minitf.ops.shaping import transpose
from minitf.ops.static import known_axes, known_int, many_axes, one_axis


def reduced_shape(given: Shape, axis: Any, keepdims: bool) -> Shape:
    """The shape after reducing ``axis`` (None: all)."""
    if given is None:
        return () if axis is None and not keepdims else None
    gone = many_axes(axis, len(given))
    if keepdims:
        return tuple(1 if i in gone else s for i, s in enumerate(given))
    return tuple(s for i, s in enumerate(given) if i not in gone)


def _reduced(x, *, axis=None, keepdims=False):
    return Spec(x.dtype, reduced_shape(x.shape, axis, keepdims))


def spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """``g``, a reduced tensor, with the reduced axes of ``x`` back as axes of size 1: it broadcasts against ``x``."""
    if keepdims or (axis is None and g.spec.shape == ()):
        return g
    given = x.spec.shape
    if given is None:
        raise ValueError(
            "The gradient of a reduction needs the rank of the tensor that was reduced. Use set_shape or tf.ensure_shape."
        )
    for a in sorted(many_axes(axis, len(given))):
        g = expand_dims(g, a)
    return g


def _draw_axes(draw, kind=None):
    x = draw(kind)
    axis = draw.choice([None, *([(draw.integer(-x.ndim, x.ndim - 1),)] if x.ndim else [])])
    return (x,), {"axis": axis, "keepdims": draw.choice([False, True])}


# -- sums --------------------------------------------------------------------------------------------------------------


@op(name="reduce_sum", fresh=True)
def _sum(input_tensor: Numeric, *, axis=None, keepdims=False):
    """The sum over axes."""
    return total(input_tensor, axis, keepdims)


@_sum.vjp(reads="")
def _(g, out, x, *, axis=None, keepdims=False):
    have = shape_of(x)
    if axis is None and not keepdims and type(have) is tuple:
        return (_broadcast_to(g, sizes=have),)
    return (broadcast_to(spread(g, x, axis, keepdims), have),)


@op(name="reduce_mean", fresh=True)
def _mean(input_tensor: Numeric, *, axis=None, keepdims=False):
    """The mean over axes; of integers cut to an integer."""
    x = widened(input_tensor)
    if axis is None and not keepdims and x.dtype.kind == "f" and x is input_tensor and x.size:
        return np.add.reduce(x, None) / x.size
    out = np.add.reduce(x, axis, x.dtype, None, keepdims)  # type: ignore[call-overload]
    count = x.dtype.type(x.size // out.size if out.size else total_size(x.shape[a] for a in many_axes(axis, x.ndim)))
    if x.dtype.kind not in "iu":
        out = out / count
    elif count == 0:
        out = out * 0
    else:
        out = (out - np.fmod(out, count)) // count
    return out if x is input_tensor else settle(out.astype(input_tensor.dtype))


@_mean.written
def _(x, *, axis=None, keepdims=False):
    if axis is not None or keepdims or not x.complete or x.dtype.kind != "f" or x.dtype.size < 4:
        return None
    count = total_size(x.shape)
    return f"np.add.reduce({{0}}, None) / {count}.0" if x.shape and count else None


@_mean.vjp(reads="")
def _(g, out, x, *, axis=None, keepdims=False):
    have = shape_of(x)
    if axis is None and not keepdims and type(have) is tuple:
        return (_broadcast_to(g / float(max(total_size(have), 1)), sizes=have),)
    have = x.spec.shape
    left = reduced_shape(have, axis, keepdims)
    if have is None or left is None or None in have or None in left:
        share = g / cast(floordiv(size(x), maximum(size(g), 1)), g.dtype)
    else:
        share = g / float(max(total_size(have) // max(total_size(left), 1), 1))
    return (broadcast_to(spread(share, x, axis, keepdims), shape_of(x)),)


@op(name="reduce_prod", fresh=True)
def _prod(input_tensor: Numeric, *, axis=None, keepdims=False):
    """The product over axes."""
    x = widened(input_tensor)
    out = np.multiply.reduce(x, axis=axis, dtype=x.dtype, keepdims=keepdims)
    return out if x is input_tensor else settle(out.astype(input_tensor.dtype))


@_prod.vjp
def _(g, out, x, *, axis=None, keepdims=False):
    # The product of all others, without dividing (an element may be 0): those before it times those behind it.
    rank = len(x.shape)
    gone = many_axes(axis, rank)
    kept = tuple(i for i in range(rank) if i not in gone)
    sizes = [shape(x)[i] if s is None else s for i, s in enumerate(x.spec.shape)]
    count = 1
    for i in gone:
        count = count * sizes[i]
    front = transpose(x, (*gone, *kept))
    flat = reshape(front, [count, *(sizes[i] for i in kept)])
    others = cumprod(flat, 0, exclusive=True) * cumprod(flat, 0, exclusive=True, reverse=True)
    back = transpose(reshape(others, shape_of(front)), tuple(int(i) for i in np.argsort((*gone, *kept))))
    return (spread(g, x, axis, keepdims) * conj(back),)


# -- extremes ----------------------------------------------------------------------------------------------------------


def _extreme(reduce, x, axis, keepdims, empty):
    if x.size == 0:
        return settle(np.asarray(reduce(x, axis=axis, keepdims=keepdims, initial=empty(x.dtype)), dtype=x.dtype))
    return reduce(x, axis=axis, keepdims=keepdims)


def _least(dtype):
    return np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-np.inf)


def _greatest(dtype):
    return np.iinfo(dtype).max if dtype.kind in "iu" else dtype.type(np.inf)


@op(name="reduce_max", fresh=True)
def _max(input_tensor: Real, *, axis=None, keepdims=False):
    """The largest element over axes."""
    return _extreme(np.maximum.reduce, input_tensor, axis, keepdims, _least)


@op(name="reduce_min", fresh=True)
def _min(input_tensor: Real, *, axis=None, keepdims=False):
    """The smallest element over axes."""
    return _extreme(np.minimum.reduce, input_tensor, axis, keepdims, _greatest)


def _extreme_vjp(g, out, x, *, axis=None, keepdims=False):
    # The extreme may sit in several places at once: they share the gradient.
    places = cast(equal(x, spread(out, x, axis, keepdims)), g.dtype)
    count = _sum(places, axis=axis, keepdims=keepdims)
    return (places * spread(g / count, x, axis, keepdims),)


_max.vjp(_extreme_vjp)
_min.vjp(_extreme_vjp)

# -- logic -------------------------------------------------------------------------------------------------------------


@op(name="reduce_all", fresh=True)
def _all(input_tensor: Boolean, *, axis=None, keepdims=False):
    """True where all are."""
    return np.logical_and.reduce(input_tensor, axis=axis, keepdims=keepdims)


@op(name="reduce_any", fresh=True)
def _any(input_tensor: Boolean, *, axis=None, keepdims=False):
    """True where one is."""
    return np.logical_or.reduce(input_tensor, axis=axis, keepdims=keepdims)


for _summing in (_sum, _mean, _prod):
    _summing.terms(lambda x, *, axis, keepdims: total_size(x.shape[a] for a in many_axes(axis, x.ndim)))
for _reduction in (_sum, _mean, _prod, _max, _min, _all, _any):
    _reduction.infer(_reduced)
    _reduction.samples(_draw_axes)
for _logic in (_all, _any):
    _logic.samples(lambda draw: _draw_axes(draw, Boolean))

# -- TensorFlow's calls ------------------------------------------------------------------------------------------------


def _axes_of(axis: Any) -> Any:
    return known_axes(axis, "axis")


def reduce_sum(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The sum over ``axis`` (an int, several, or None for all), in the dtype of the elements."""
    if axis is None and not keepdims:
        return _sum(input_tensor, name=name)
    return _sum(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_mean(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean over ``axis``; NaN if there is nothing to take it of. The mean of integers is an integer, cut towards 0."""
    if axis is None and not keepdims:
        return _mean(input_tensor, name=name)
    return _mean(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_prod(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The product over ``axis``."""
    return _prod(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_max(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The largest element over ``axis``; of nothing the smallest number there is."""
    return _max(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_min(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The smallest element over ``axis``; of nothing the largest number there is."""
    return _min(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_all(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """True where all elements over ``axis`` are."""
    return _all(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_any(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """True where any element over ``axis`` is."""
    return _any(input_tensor, axis=_axes_of(axis), keepdims=bool(keepdims), name=name)


def reduce_variance(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The mean squared distance from the mean over ``axis`` (of complex numbers that of the modulus, real)."""
    x = convert(input_tensor)
    if x.dtype.kind not in "fc":
        raise DTypeError(f"reduce_variance: the mean of {x.dtype.name} is not exact. Cast the tensor to a float first.")
    away = x - reduce_mean(x, axis, keepdims=True)
    if x.dtype.kind == "c":
        return reduce_mean(real(away * conj(away)), axis, keepdims, name)
    return reduce_mean(square(away), axis, keepdims, name)


def reduce_std(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The square root of ``reduce_variance``."""
    return sqrt(reduce_variance(input_tensor, axis, keepdims), name=name)


def reduce_euclidean_norm(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The square root of the sum of squares over ``axis``."""
    given = convert(input_tensor)
    x = cast(given, dtypes.float64) if given.dtype.kind in "iu" else given
    return cast(sqrt(reduce_sum(x * conj(x), axis, keepdims), name=name), given.dtype)


def reduce_logsumexp(input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """``log(sum(exp(x)))`` over ``axis``, without overflow."""
    x = convert(input_tensor)
    top = reduce_max(x, axis, keepdims=True)
    top = stop_gradient(select(is_finite(top), top, zeros_like(top)))
    out = log(reduce_sum(exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else squeeze_reduced(out, axis, name)


def squeeze_reduced(x: Any, axis: Any, name: str | None = None) -> Any:
    """Removes axes that were reduced with ``keepdims``."""
    axes = known_axes(axis, "axis")
    if axes is None and x.spec.shape is None:
        return reshape(x, ())
    axes = tuple(range(len(x.spec.shape))) if axes is None else axes
    return squeeze(x, axes, name) if axes else x


def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = dtypes.int64, name: str | None = None
) -> Any:
    """How many elements over ``axis`` are not zero (not an empty string)."""
    x = convert(input)
    return cast(reduce_sum(cast(not_equal(x, zeros_like(x)), dtypes.int64), axis, keepdims), dtype, name)


# -- positions ---------------------------------------------------------------------------------------------------------


@op(name="argmax", infer_first=True, fresh=True)
def _argmax(input: Ordered, *, axis, output_type):
    """The position of the largest element along an axis; of equal ones the first."""
    _refuse_empty(input, axis)
    return settle(np.asarray(np.argmax(input, axis=axis)).astype(output_type.np))


@op(name="argmin", infer_first=True, fresh=True)
def _argmin(input: Ordered, *, axis, output_type):
    """The position of the smallest element along an axis; of equal ones the first."""
    _refuse_empty(input, axis)
    return settle(np.asarray(np.argmin(input, axis=axis)).astype(output_type.np))


def _refuse_empty(x, axis):
    if x.shape[axis] == 0:
        raise InvalidArgumentError(f"Axis {axis} of a tensor of shape {x.shape} is empty: no element is the largest.")


def _position(x, *, axis, output_type):
    if x.shape is None:
        return Spec(output_type, None)
    if not x.shape:
        raise ShapeError("A tensor of rank 0 has no axis along which to look for an extreme.")
    at = one_axis(axis, len(x.shape))
    return Spec(output_type, x.shape[:at] + x.shape[at + 1 :])


for _where in (_argmax, _argmin):
    _where.infer(_position)
    _where.samples(
        lambda draw: (
            (draw(shape=draw.shape(least=1, smallest=1)),),
            {"axis": draw.integer(-1, 0), "output_type": dtypes.int64},
        )
    )


def argmax(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """The position of the largest element along ``axis`` (default 0)."""
    return _argmax(
        input, axis=0 if axis is None else known_int(axis, "axis"), output_type=dtypes.as_dtype(output_type), name=name
    )


def argmin(input: Any, axis: Any = None, output_type: Any = dtypes.int64, name: str | None = None) -> Any:
    """The position of the smallest element along ``axis`` (default 0)."""
    return _argmin(
        input, axis=0 if axis is None else known_int(axis, "axis"), output_type=dtypes.as_dtype(output_type), name=name
    )
