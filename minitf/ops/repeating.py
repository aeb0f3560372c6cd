"""Ops that repeat: whole tensors (``tile``) or each element (``repeat``)."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Index, convert, op
from minitf.core.spec import Spec, shape_text
from minitf.errors import DTypeError, ShapeError
from minitf.ops import ranges
from minitf.ops.creating import cast, zeros_like
from minitf.ops.gathering import gather_grad
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import reshape, shape, shape_of
from minitf.ops.static import known, known_int, one_axis, requested


@op(name="tile", infer_first=True)
def _tile(input: Anything, multiples: Index = None, *, times):
    """Repeats along each axis."""
    return np.tile(input, times if multiples is None else tuple(multiples)) if input.ndim else input


@_tile.infer
def _(input, multiples=None, *, times):
    if times is None or input.shape is None:
        return Spec(input.dtype, None if input.shape is None else (None,) * len(input.shape))
    if len(times) != len(input.shape):
        raise ShapeError(
            f"multiples has {len(times)} numbers, but the tensor has shape {shape_text(input.shape)}: give one for each axis."
        )
    if any(t is not None and t < 0 for t in times):
        raise ShapeError(f"multiples={shape_text(times)} has a negative number.")
    return Spec(input.dtype, tuple(None if t is None or s is None else s * t for s, t in zip(input.shape, times, strict=True)))


@_tile.vjp
def _(g, out, input, multiples=None, *, times):
    # (n * s) is laid out as n blocks of s: fold into (n, s) and sum the blocks.
    given = shape_of(input)
    rank = len(input.shape)
    folded = []
    for i in range(rank):
        n = times[i] if times is not None and times[i] is not None else multiples[i]
        folded += [n, given[i]]
    return (reduce_sum(reshape(g, folded), [2 * i for i in range(rank)]) if rank else g), None


@_tile.samples
def _(draw):
    x = draw(Anything)
    return (x, None), {"times": tuple(draw.integer(0, 3) for _ in x.shape)}


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """``input`` repeated ``multiples[i]`` times along axis i."""
    times, dynamic = requested(multiples, "multiples")
    return _tile(input, dynamic, times=times, name=name)


@op(name="repeat", infer_first=True)
def _repeat(input: Anything, repeats: Index, *, axis, length=None):
    """Repeats each element along an axis."""
    return np.repeat(input, repeats, axis=axis)


@_repeat.infer
def _(input, repeats, *, axis, length=None):
    if input.shape is None:
        return input
    at = one_axis(axis, len(input.shape))
    return Spec(input.dtype, (*input.shape[:at], length, *input.shape[at + 1 :]))


@_repeat.vjp
def _(g, out, input, repeats, *, axis, length=None):
    places = ranges.range(shape(input)[axis])
    each = zeros_like(places, dtype=repeats.dtype) + repeats
    return gather_grad(g, _repeat(places, each, axis=0, length=length), input, axis=axis % len(input.shape), batch_dims=0), None


@_repeat.samples
def _(draw):
    x = draw(Anything, shape=draw.shape(least=1))
    n = draw.integer(0, 3)
    axis = draw.integer(-x.ndim, x.ndim - 1)
    return (x, np.int32(n)), {"axis": axis, "length": n * x.shape[axis]}


def repeat(input: Any, repeats: Any, axis: Any = None, name: str | None = None) -> Any:
    """``input`` with each element along ``axis`` repeated; without an axis it is flattened first. ``repeats``: one number or
    one each.
    """
    tensor = convert(input)
    if axis is None:
        tensor, axis = reshape(tensor, [-1]), 0
    own = tensor.spec.shape
    at = known_int(axis, "axis") if own is None else one_axis(known_int(axis, "axis"), len(own))
    counted = convert(repeats)
    if counted.dtype.kind not in "iu":
        raise DTypeError(f"repeat: repeats must be integers, not {counted.dtype.name}. Convert them with tf.cast.")
    if counted.dtype.kind in "iu" and counted.dtype not in (dtypes.int32, dtypes.int64):
        counted = cast(counted, dtypes.int32)
    times = known(counted)
    length = None
    if times is not None and own is not None:
        counts = np.asarray(times)
        size = own[at]
        if counts.size == 1:
            length = None if size is None else int(counts.reshape(-1)[0]) * size
        else:
            length = int(counts.sum())
    return _repeat(tensor, counted, axis=at, length=length, name=name)
