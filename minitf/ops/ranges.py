"""Ops that count: ``range`` and ``linspace``."""

import builtins
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Index, RealFloating, convert, op
from minitf.core.spec import Spec, broadcast_shapes, shape_text
from minitf.errors import DTypeError, InvalidArgumentError, ShapeError
from minitf.ops.creating import cast
from minitf.ops.extremes import maximum
from minitf.ops.kinds import Countable
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import reshape, shape, sum_to
from minitf.ops.static import known, known_int

_range = builtins.range

_WIDENING = (dtypes.int32, dtypes.int64, dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64)


@op(name="range", infer_first=True)
def _range_op(start: Countable, limit: Countable, delta: Countable, *, length=None):
    """Numbers from ``start`` to before ``limit`` in steps of ``delta``."""
    count = _length(start, limit, delta)
    if start.dtype.kind in "iu":
        return np.arange(count, dtype=start.dtype) * delta + start
    steps = np.arange(count, dtype=np.float32 if start.dtype.itemsize == 2 else start.dtype)
    return (steps * delta.astype(steps.dtype) + start.astype(steps.dtype)).astype(start.dtype)


def _length(start, limit, delta):
    a, b, d = (v.item() for v in (start, limit, delta))
    if d == 0:
        raise InvalidArgumentError("range: delta must not be 0.")
    if (d > 0 and a > b) or (d < 0 and a < b):
        raise InvalidArgumentError(f"range: from {a} one does not get to {b} in steps of {d}.")
    return -((a - b) // d) if isinstance(d, int) else int(np.ceil(abs((b - a) / d)))


@_range_op.infer
def _(start, limit, delta, *, length=None):
    for s in (start, limit, delta):
        if s.shape not in (None, ()):
            raise ShapeError(f"start, limit and delta must be scalars, but one has shape {shape_text(s.shape)}.")
    return Spec(start.dtype, (length,))


@_range_op.samples
def _(draw):
    kind = draw.dtype()
    return tuple(kind.np.type(v) for v in draw.choice([(0, 5, 1), (5, 0, -2), (3, 3, 1)])), {}


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range") -> Any:
    """Numbers from ``start`` (default 0) to before ``limit`` in steps of ``delta``.

    The dtype is the widest of the three. Raises InvalidArgumentError if the steps do not lead to the limit.
    """
    if limit is None:
        start, limit = 0, start
    wanted = None if dtype is None else dtypes.as_dtype(dtype)
    three = [convert(v, wanted if not hasattr(v, "dtype") else None) for v in (start, limit, delta)]
    if wanted is None:
        given = [t.dtype for t in three]
        if all(d in _WIDENING for d in given):
            wanted = max(given, key=_WIDENING.index)
        elif len(set(given)) == 1 or sum(hasattr(v, "dtype") for v in (start, limit, delta)) == 1:
            wanted = next(d for d in given if d not in _WIDENING)
        else:
            raise DTypeError(
                f"range: {', '.join(d.name for d in given)} have no dtype in common. Write tf.cast(x, tf.{given[0].name})."
            )
    three = [cast(t, wanted) for t in three]
    values = [known(t) for t in three]
    if any(v is None for v in values):
        return _range_op(*three, name=name)
    if any(v.ndim for v in values):
        return _range_op(*three, name=name)  # raises
    return _range_op(*three, length=int(_length(*values)), name=name)


@op(name="linspace", infer_first=True)
def _linspace(start: RealFloating, stop: RealFloating, num: Index, *, length, axis):
    """Evenly spaced numbers, both ends included."""
    count = int(num)
    if count < 0:
        raise InvalidArgumentError(f"linspace: num must not be negative, but it is {count}.")
    first, last = (np.expand_dims(end, axis) for end in np.broadcast_arrays(start, stop))
    if count <= 1:
        return np.repeat(first, count, axis)
    at = axis % first.ndim
    steps = np.arange(1, max(count - 1, 1), dtype=start.dtype).reshape([-1 if i == at else 1 for i in _range(first.ndim)])
    delta = (last - first) / np.asarray(count - 1, dtype=start.dtype)
    return np.concatenate([first, first + delta * steps, last], axis=at)


@_linspace.infer
def _(start, stop, num, *, length, axis):
    if num.rank not in (None, 0):
        raise ShapeError(f"num must be a scalar, but it has shape {shape_text(num.shape)}.")
    shape = broadcast_shapes(start.shape, stop.shape)
    if shape is None:
        return Spec(start.dtype, None)
    at = axis if axis >= 0 else axis + len(shape) + 1
    if not 0 <= at <= len(shape):
        raise ShapeError(f"axis={axis} is out of range for results of rank {len(shape) + 1}.")
    return Spec(start.dtype, (*shape[:at], length, *shape[at:]))


@_linspace.vjp
def _(g, out, start, stop, num, *, length, axis):
    rank = len(out.shape)
    count = shape(out)[axis]
    top = maximum(count - 1, 1)
    weights = cast(range(count), g.dtype) / cast(top, g.dtype)
    at = axis % rank
    weights = reshape(weights, [-1 if i == at else 1 for i in _range(rank)])
    upper = reduce_sum(g * weights, at)
    return sum_to(reduce_sum(g, at) - upper, start), sum_to(upper, stop), None


@_linspace.samples
def _(draw):
    x = draw(RealFloating)
    y = draw(RealFloating, shape=x.shape, dtype=x.dtype)
    n = draw.integer(1, 5)
    return (x, y, np.int32(n)), {"length": n, "axis": draw.integer(-x.ndim - 1, x.ndim)}


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: Any = 0) -> Any:
    """``num`` evenly spaced numbers from ``start`` to ``stop``, both included, along a new ``axis``."""
    first = convert(start)
    last = convert(stop, first.dtype)
    if first.dtype.kind in "iu":
        first, last = cast(first, dtypes.float64), cast(last, dtypes.float64)
    count = convert(num)
    if count.dtype.kind in "iu" and count.dtype is not dtypes.int64:
        count = cast(count, dtypes.int32)
    found = known(count)
    length = int(found) if found is not None and found.ndim == 0 and found.dtype.kind in "iu" else None
    return _linspace(first, last, count, length=length, axis=known_int(axis, "axis"), name=name)
