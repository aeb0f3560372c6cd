"""Sums, means and extremes over segments: groups of slices along axis 0 that share a number."""

from typing import Any

import numpy as np

from minitf.core.dtypes import of_numpy
from minitf.core.op import Index, Numeric, Real, convert, op
from minitf.core.spec import Spec, compatible, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.comparisons import equal, greater_equal, select
from minitf.ops.creating import cast, ones_like, zeros_like
from minitf.ops.elementwise import sqrt
from minitf.ops.extremes import maximum
from minitf.ops.gathering import gather
from minitf.ops.kinds import Rows
from minitf.ops.shapes import reshape, widened
from minitf.ops.static import known


def _grouped(ufunc, data, ids, count, start):
    """``ufunc`` over the slices of each segment; negative numbers are left out."""
    if ids.shape != data.shape[: ids.ndim]:
        raise ShapeError(f"segment_ids of shape {ids.shape} must be the first axes of data, which has shape {data.shape}.")
    rows = data.reshape(ids.size, *data.shape[ids.ndim :])
    flat = ids.reshape(-1)
    if flat.size and flat.max() >= count:
        raise InvalidArgumentError(f"A segment has number {flat.max()}, but there are only {count} segments.")
    wide = widened(rows)
    out = np.full((count, *rows.shape[1:]), start, dtype=wide.dtype)
    kept = flat >= 0
    ufunc.at(out, flat[kept], wide[kept])
    return out.astype(data.dtype, copy=False)


def _grouped_spec(data, segment_ids, num_segments, *, count=None):
    if num_segments.rank not in (None, 0):
        raise ShapeError(f"num_segments must be a scalar, but it has shape {shape_text(num_segments.shape)}.")
    if data.shape is None or segment_ids.shape is None:
        return Spec(data.dtype, None)
    depth = len(segment_ids.shape)
    if not compatible(data.shape[:depth], segment_ids.shape):
        raise ShapeError(
            f"segment_ids of shape {shape_text(segment_ids.shape)} must be the first axes of data, which has shape "
            f"{shape_text(data.shape)}."
        )
    return Spec(data.dtype, (count, *data.shape[depth:]))


@op(name="unsorted_segment_sum", infer_first=True)
def _sum(data: Numeric, segment_ids: Rows, num_segments: Index, *, count=None):
    """The sum of each segment; 0 for an empty one."""
    return _grouped(np.add, data, segment_ids, int(num_segments), 0)


@op(name="unsorted_segment_prod", infer_first=True)
def _prod(data: Numeric, segment_ids: Rows, num_segments: Index, *, count=None):
    """The product of each segment; 1 for an empty one."""
    return _grouped(np.multiply, data, segment_ids, int(num_segments), 1)


@op(name="unsorted_segment_max", infer_first=True)
def _max(data: Real, segment_ids: Rows, num_segments: Index, *, count=None):
    """The largest of each segment; the smallest number there is for an empty one."""
    return _grouped(np.maximum, data, segment_ids, int(num_segments), _limit(data.dtype, "min"))


@op(name="unsorted_segment_min", infer_first=True)
def _min(data: Real, segment_ids: Rows, num_segments: Index, *, count=None):
    """The smallest of each segment; the largest number there is for an empty one."""
    return _grouped(np.minimum, data, segment_ids, int(num_segments), _limit(data.dtype, "max"))


def _limit(np_dtype, which):

    return getattr(of_numpy(np_dtype), which)


def _draw(draw):
    ids = draw.integers(-1, 2, shape=draw.shape(most=2, smallest=1))
    return (draw(shape=(*ids.shape, *draw.shape(most=1))), ids, np.int32(3)), {"count": 3}


for _summing in (_sum, _prod):
    _summing.terms(lambda data, segment_ids, num_segments, *, count=None: segment_ids.size)
for _segments in (_sum, _prod, _max, _min):
    _segments.infer(_grouped_spec)
    _segments.samples(_draw)


def _taken(x, ids):
    """The slice of each element's segment; zeros for elements of no segment."""
    out = gather(x, maximum(ids, zeros_like(ids)), axis=0)
    inside = greater_equal(ids, zeros_like(ids))
    for _ in range(len(out.shape) - len(ids.shape)):
        inside = inside[..., None]
    return select(inside, out, zeros_like(out))


@_sum.vjp
def _(g, out, data, segment_ids, num_segments, *, count=None):
    return _taken(g, segment_ids), None, None


def _extreme_vjp(g, out, data, segment_ids, num_segments, *, count=None):
    # Equal extremes of a segment share its gradient.
    mine = equal(data, _taken(out, segment_ids))
    ties = _sum(cast(mine, g.dtype), segment_ids, num_segments, count=count)
    share = _taken(g / maximum(ties, ones_like(ties)), segment_ids)
    return select(mine, share, zeros_like(share)), None, None


_max.vjp(_extreme_vjp)
_min.vjp(_extreme_vjp)


@_prod.vjp
def _(g, out, data, segment_ids, num_segments, *, count=None):
    # Divide by the element itself; where that is 0, only a segment's single zero has a gradient: the product of the others.
    zero = equal(data, zeros_like(data))
    zeros = _taken(_sum(cast(zero, data.dtype), segment_ids, num_segments, count=count), segment_ids)
    others = _prod(select(zero, ones_like(data), data), segment_ids, num_segments, count=count)
    without = select(zero, zeros_like(data), _taken(out, segment_ids) / select(zero, ones_like(data), data))
    alone = select(equal(zeros, ones_like(zeros)), _taken(others, segment_ids), zeros_like(data))
    return _taken(g, segment_ids) * select(zero, alone, without), None, None


def _call(which: Any, data: Any, segment_ids: Any, num_segments: Any, name: str | None) -> Any:
    number = known(num_segments)
    fine = number is not None and np.ndim(number) == 0 and np.asarray(number).dtype.kind in "iu"
    count = int(number) if fine else None  # the op says what is wrong otherwise
    return which(data, segment_ids, num_segments, count=count, name=name)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sum of the slices of each segment. Negative segment numbers are left out; an empty segment gives 0."""
    return _call(_sum, data, segment_ids, num_segments, name)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The product of the slices of each segment; 1 for an empty one."""
    return _call(_prod, data, segment_ids, num_segments, name)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The largest of each segment; the smallest finite number for an empty one."""
    return _call(_max, data, segment_ids, num_segments, name)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The smallest of each segment; the largest finite number for an empty one."""
    return _call(_min, data, segment_ids, num_segments, name)


def _sizes(data: Any, segment_ids: Any, num_segments: Any) -> Any:
    ones = cast(ones_like(segment_ids), data.dtype)
    sizes = unsorted_segment_sum(ones, segment_ids, num_segments)
    sizes = maximum(sizes, ones_like(sizes))
    return reshape(sizes, [-1, *[1] * (len(data.shape) - len(segment_ids.shape))])


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The mean of the slices of each segment; 0 for an empty one."""
    values, ids = convert(data), convert(segment_ids)
    return unsorted_segment_sum(values, ids, num_segments) / _sizes(values, ids, num_segments)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Any:
    """The sum of the slices of each segment, divided by the square root of their number."""
    values, ids = convert(data), convert(segment_ids)
    return unsorted_segment_sum(values, ids, num_segments) / sqrt(_sizes(values, ids, num_segments))


# -- sorted segments ---------------------------------------------------------------------------------------------------


@op(name="segment_count")
def _segment_count(segment_ids: Rows):
    """One more than the last number. Raises InvalidArgumentError unless the numbers ascend from 0 on."""
    if segment_ids.size and (segment_ids[0] < 0 or (np.diff(segment_ids.astype(np.int64)) < 0).any()):
        raise InvalidArgumentError("segment ids are not increasing. Use tf.math.unsorted_segment_sum and its kin.")
    return segment_ids.dtype.type(segment_ids[-1] + 1 if segment_ids.size else 0)


@_segment_count.infer
def _(segment_ids):
    if segment_ids.rank not in (None, 1):
        raise ShapeError(f"segment_ids must be a vector, but it has shape {shape_text(segment_ids.shape)}.")
    return Spec(segment_ids.dtype, ())


@_segment_count.samples
def _(draw):
    return (np.sort(draw.integers(0, 4, shape=(draw.integer(0, 5),))),), {}


def _sorted(which: Any, what: str) -> Any:
    def segment(data: Any, segment_ids: Any, name: str | None = None) -> Any:
        ids = convert(segment_ids)
        out = which(data, ids, _segment_count(ids), count=None, name=name)
        if which is _max or which is _min:  # an empty segment gives 0 here
            values = convert(data)
            sizes = reshape(_sum(ones_like(ids), ids, _segment_count(ids), count=None), [-1, *[1] * (len(values.shape) - 1)])
            out = select(sizes > zeros_like(sizes), out, zeros_like(out))
        return out

    segment.__doc__ = f"The {what} of each segment. The numbers must ascend. Raises InvalidArgumentError if they do not."
    segment.__name__ = f"segment_{what}"
    return segment


segment_sum, segment_prod, segment_max, segment_min = (
    _sorted(which, what) for which, what in ((_sum, "sum"), (_prod, "prod"), (_max, "max"), (_min, "min"))
)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Any:
    """The mean of each segment (0 for an empty one). The numbers must ascend. Raises InvalidArgumentError if they do not."""
    return unsorted_segment_mean(data, segment_ids, _segment_count(segment_ids), name)
