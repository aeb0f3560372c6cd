"""Choosing by a mask, and masks made of numbers: ``boolean_mask``, ``one_hot``."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Index, convert, op
from minitf.core.spec import Spec, compatible, shape_text, total_size
from minitf.errors import ShapeError
from minitf.ops.comparisons import where
from minitf.ops.gathering import gather
from minitf.ops.kinds import Places
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import reshape, shape
from minitf.ops.static import known, known_int, one_axis


def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: str | None = "boolean_mask") -> Any:
    """The slices of ``tensor`` where ``mask`` holds; the axes of the mask, from ``axis`` on, become one."""
    x, chosen = convert(tensor), convert(mask, dtypes.bool)
    at = 0 if axis is None else known_int(axis, "axis")
    own, marks = x.spec.shape, chosen.spec.shape
    if own is None or marks is None:
        raise ValueError("boolean_mask: the ranks of tensor and mask must be known while the graph is built.")
    if not marks:
        raise ValueError("boolean_mask: the mask must not be a scalar.")
    at = at + len(own) if at < 0 else at
    if not compatible(own[at : at + len(marks)], marks):
        raise ShapeError(
            f"boolean_mask: a mask of shape {shape_text(marks)} does not fit shape {shape_text(own)} from axis {at} on."
        )
    sizes: Any = own if None not in own else shape(x)
    middle = own[at : at + len(marks)]
    whole: Any = -1 if None in middle else total_size(s or 0 for s in middle)
    rest = [sizes[i] for i in (*range(at), *range(at + len(marks), len(own)))]
    folded = reshape(x, [*rest[:at], whole, *rest[at:]]) if len(marks) > 1 else x
    return gather(folded, reshape(where(reshape(chosen, [-1])), [-1]), axis=at, name=name)


@op(name="one_hot", infer_first=True)
def _one_hot(indices: Places, on_value: Anything, off_value: Anything, depth: Index = None, *, size, axis):
    """A new axis that is ``on_value`` at the index and ``off_value`` elsewhere."""
    count = size if depth is None else int(depth)
    at = axis % (indices.ndim + 1)
    places = np.arange(count).reshape([-1 if i == at else 1 for i in range(indices.ndim + 1)])
    return np.where(np.expand_dims(indices, at) == places, on_value, off_value)


@_one_hot.infer
def _(indices, on_value, off_value, depth=None, *, size, axis):
    if on_value.shape not in (None, ()) or off_value.shape not in (None, ()):
        raise ShapeError("on_value and off_value must be scalars.")
    if indices.shape is None:
        return Spec(on_value.dtype, None)
    if axis < -1:
        raise ShapeError(f"axis={axis} must be -1 (the last) or count from the front.")
    if size is not None and size < 0:
        raise ShapeError(f"depth={size} must not be negative.")
    at = one_axis(axis, len(indices.shape) + 1)
    return Spec(on_value.dtype, (*indices.shape[:at], size, *indices.shape[at:]))


@_one_hot.vjp
def _(g, out, indices, on_value, off_value, depth=None, *, size, axis):
    hot = _one_hot(indices, convert(1, g.dtype), convert(0, g.dtype), depth, size=size, axis=axis)
    return None, reduce_sum(g * hot), reduce_sum(g * (1 - hot)), None


@_one_hot.samples
def _(draw):
    indices = draw.integers(-1, 4, shape=draw.shape(most=2))
    on = draw(shape=())
    return (indices, on, draw(shape=(), dtype=on.dtype), None), {"size": 3, "axis": draw.integer(-1, indices.ndim)}


def one_hot(indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None,
            name: str | None = None) -> Any:  # fmt: skip
    """A new ``axis`` (default: the last) of size ``depth``: ``on_value`` (1) at the index, ``off_value`` (0) elsewhere.

    An index out of range gives ``off_value`` everywhere.
    """
    given = [convert(v, dtype if not hasattr(v, "dtype") else None) for v in (on_value, off_value) if v is not None]
    wanted = dtypes.as_dtype(dtype) if dtype is not None else given[0].dtype if given else dtypes.float32
    on = convert(1 if wanted.kind != "b" else True, wanted) if on_value is None else convert(on_value, wanted)
    off = convert(0 if wanted.kind != "b" else False, wanted) if off_value is None else convert(off_value, wanted)
    size = known(depth)
    count = None if size is None else int(size)
    return _one_hot(
        indices,
        on,
        off,
        depth if count is None else None,
        size=count,
        axis=-1 if axis is None else known_int(axis, "axis"),
        name=name,
    )
