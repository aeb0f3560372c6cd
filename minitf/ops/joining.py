"""Ops that join tensors and take them apart: concat, stack, unstack, split."""

from typing import Any

import numpy as np

from minitf.core.op import Anything, Index, convert, op
from minitf.core.spec import Spec, merge_shapes, shape_text
from minitf.errors import ShapeError
from minitf.ops.creating import identity
from minitf.ops.shapes import expand_dims, reshape, settle, shape
from minitf.ops.static import known, known_int, one_axis

# -- concat and split --------------------------------------------------------------------------------------------------


@op(name="concat")
def _concat(*values: Anything, axis):
    """Joins tensors along an axis."""
    return np.concatenate(values, axis)


@_concat.infer
def _(*values, axis):
    shapes = [v.shape for v in values if v.shape is not None]
    if not shapes:
        return values[0]
    rank = len(shapes[0])
    if any(len(s) != rank for s in shapes):
        raise ShapeError(f"Tensors to be joined must have one rank, but the shapes are {', '.join(map(shape_text, shapes))}.")
    if rank == 0:
        raise ShapeError("Tensors of rank 0 have no axis to be joined along. Use tf.stack.")
    at = one_axis(axis, rank)
    size = 0 if len(shapes) == len(values) else None
    others = (None,) * (rank - 1)
    for s in shapes:
        size = None if size is None or s[at] is None else size + s[at]
        try:
            others = merge_shapes(others, s[:at] + s[at + 1 :])
        except ShapeError:
            raise ShapeError(
                f"Tensors joined along axis {at} must agree in all other axes, but the shapes are "
                f"{', '.join(map(shape_text, shapes))}."
            ) from None
    return Spec(values[0].dtype, (*others[:at], size, *others[at:]))


@_concat.vjp
def _(g, out, *values, axis):
    sizes = [_size_along(v, axis) for v in values]
    if all(type(s) is int for s in sizes):
        return _split(g, axis=axis, sizes=tuple(sizes))
    return _split(g, _stack(*[convert(s) for s in sizes], axis=0), axis=axis, sizes=(None,) * len(sizes))


def _size_along(x, axis):
    sizes = x.spec.shape
    found = None if sizes is None else sizes[axis]
    return shape(x)[axis] if found is None else found


@_concat.samples
def _(draw):
    x = draw(Anything, shape=draw.shape(least=1))
    axis = draw.integer(-x.ndim, x.ndim - 1) % x.ndim
    others = [
        draw(Anything, shape=(*x.shape[:axis], draw.integer(0, 3), *x.shape[axis + 1 :]), dtype=x.dtype)
        for _ in range(draw.integer(0, 2))
    ]
    return (x, *others), {"axis": axis}


def concat(values: Any, axis: Any, name: str | None = "concat") -> Any:
    """The tensors joined along ``axis``; they agree in dtype and in all other axes."""
    if not isinstance(values, (list, tuple)):
        values = [values]
    if not values:
        raise ValueError("concat needs at least one tensor.")
    if len(values) == 1:  # TensorFlow does not look at the axis then
        known_int(axis, "axis")
        return identity(values[0], name=name)
    return _concat(*values, axis=known_int(axis, "axis"), name=name)


@op(name="split", infer_first=True)
def _split(value: Anything, size_splits: Index = None, *, axis, sizes):
    """Cuts a tensor along an axis."""
    cuts = np.cumsum(sizes if size_splits is None else size_splits)
    if size_splits is not None and cuts[-1] != value.shape[axis]:
        raise ShapeError(f"split: the sizes sum to {cuts[-1]}, but axis {axis} of the tensor has {value.shape[axis]}.")
    return tuple(np.split(value, cuts[:-1], axis))


@_split.infer
def _(value, size_splits=None, *, axis, sizes):
    if value.shape is None:
        return tuple(value for _ in sizes)
    at = one_axis(axis, len(value.shape))
    have = value.shape[at]
    if have is not None and None not in sizes and sum(sizes) != have:
        raise ShapeError(
            f"Cannot split axis {at} of a tensor of shape {shape_text(value.shape)} into sizes {list(sizes)}: they must sum to "
            f"{have}."
        )
    return tuple(Spec(value.dtype, (*value.shape[:at], s, *value.shape[at + 1 :])) for s in sizes)


@_split.vjp
def _(g, out, value, size_splits=None, *, axis, sizes):
    return _concat(*g, axis=axis), None


@_split.samples
def _(draw):
    x = draw(Anything, shape=draw.shape(least=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    first = draw.integer(0, x.shape[axis])
    return (x, None), {"axis": axis, "sizes": (first, x.shape[axis] - first)}


def split(value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str | None = "split") -> list[Any]:
    """``value`` cut along ``axis`` into a number of equal parts, or into parts of given sizes (one of them may be -1).

    Raises ShapeError if the sizes do not make up the axis.
    """
    tensor = convert(value)
    at = known_int(axis, "axis")
    own = tensor.spec.shape
    have = None if own is None else own[one_axis(at, len(own))]
    wanted = num_or_size_splits
    if not isinstance(wanted, (list, tuple)):
        wanted = known(wanted)
    if wanted is not None and np.ndim(wanted) == 0:
        count = known_int(wanted, "num_or_size_splits")
        if have is None:
            if count == 1:
                return list(_split(tensor, axis=at, sizes=(None,), size_splits=reshape(shape(tensor)[at], (1,)), name=name))
            part = shape(tensor)[at] // count
            return list(_split(tensor, _stack(*[part] * count, axis=0), axis=at, sizes=(None,) * count, name=name))
        if count < 1 or have % count:
            raise ShapeError(f"split: axis {at} of a tensor of shape {tensor.shape} cannot be cut into {count} equal parts.")
        return list(_split(tensor, axis=at, sizes=(have // count,) * count, name=name))
    sizes = None if wanted is None else [known(s) for s in wanted]
    if sizes is None or None in sizes:
        spec = convert(num_or_size_splits)
        length = num if num is not None else (spec.spec.shape or (None,))[0]
        if length is None:
            raise ValueError("split: the number of parts must be known while the graph is built. Pass num=...")
        return list(_split(tensor, spec, axis=at, sizes=(None,) * length, name=name))
    parts = [int(s) for s in sizes]
    if parts.count(-1) == 1:
        rest = -1 - sum(parts)
        if have is None:
            whole = shape(tensor)[at]
            filled = [whole + rest if p == -1 else p for p in parts]
            return list(_split(tensor, convert(filled), axis=at, sizes=tuple(None if p == -1 else p for p in parts), name=name))
        parts[parts.index(-1)] = have + rest
    if any(p < 0 for p in parts):
        raise ShapeError(f"split: axis {at} of a tensor of shape {tensor.shape} cannot be cut into sizes {list(wanted)}.")
    if have is None:
        return list(_split(tensor, convert(parts), axis=at, sizes=tuple(parts), name=name))
    return list(_split(tensor, axis=at, sizes=tuple(parts), name=name))


# -- stack and unstack -------------------------------------------------------------------------------------------------


@op(name="stack")
def _stack(*values: Anything, axis):
    """Joins tensors along a new axis."""
    return np.stack(values, axis)


@_stack.infer
def _(*values, axis):
    shape = None
    for v in values:
        try:
            shape = merge_shapes(shape, v.shape)
        except ShapeError:
            raise ShapeError(
                f"Tensors to be stacked must have one shape, but the shapes are "
                f"{', '.join(shape_text(v.shape) for v in values)}."
            ) from None
    if shape is None:
        return Spec(values[0].dtype, None)
    at = one_axis(axis, len(shape) + 1)
    return Spec(values[0].dtype, (*shape[:at], len(values), *shape[at:]))


@_stack.vjp
def _(g, out, *values, axis):
    return _unstack(g, num=len(values), axis=axis)


@_stack.samples
def _(draw):
    x = draw(Anything)
    return (x, *(draw(Anything, shape=x.shape, dtype=x.dtype) for _ in range(draw.integer(0, 2)))), {
        "axis": draw.integer(-x.ndim - 1, x.ndim)
    }


def stack(values: Any, axis: Any = 0, name: str | None = "stack") -> Any:
    """Tensors of one shape joined along a new ``axis``."""
    if not isinstance(values, (list, tuple)):
        values = unstack(values)
    if not values:
        raise ValueError("stack needs at least one tensor.")
    if not any(hasattr(v, "dtype") or isinstance(v, (list, tuple)) for v in values) and known_int(axis, "axis") in (0, -1):
        return convert(values, name=name)  # Python numbers find one dtype together
    return _stack(*values, axis=known_int(axis, "axis"), name=name)


@op(name="unstack", infer_first=True)
def _unstack(value: Anything, *, num, axis):
    """Takes a tensor apart along an axis."""
    return tuple(settle(np.moveaxis(value, axis, 0)[i, ...]) for i in range(num))


@_unstack.infer
def _(value, *, num, axis):
    if value.shape is None:
        return (value,) * num
    if not value.shape:
        raise ShapeError("A tensor of rank 0 has no axis to be unstacked along.")
    at = one_axis(axis, len(value.shape))
    if value.shape[at] not in (None, num):
        raise ShapeError(f"num={num}, but axis {at} of a tensor of shape {shape_text(value.shape)} has another size.")
    return (Spec(value.dtype, value.shape[:at] + value.shape[at + 1 :]),) * num


@_unstack.vjp
def _(g, out, value, *, num, axis):
    return (_stack(*g, axis=axis) if num else expand_dims(value, 0)[0],)


@_unstack.samples
def _(draw):
    x = draw(Anything, shape=draw.shape(least=1, smallest=1))
    axis = draw.integer(-x.ndim, x.ndim - 1)
    return (x,), {"num": x.shape[axis], "axis": axis}


def unstack(value: Any, num: Any = None, axis: Any = 0, name: str | None = "unstack") -> list[Any]:
    """The parts of ``value`` along ``axis``, as a list. Raises ValueError if their number is neither known nor given."""
    tensor = convert(value)
    at = known_int(axis, "axis")
    own = tensor.spec.shape
    if num is None:
        if own is None or not own:
            raise ValueError(f"unstack: the shape is {shape_text(own)}, so the number of parts is not known. Pass num=...")
        num = own[one_axis(at, len(own))]
        if num is None:
            raise ValueError(f"unstack: the size of axis {at} of shape {shape_text(own)} is not known. Pass num=...")
    return list(_unstack(tensor, num=known_int(num, "num"), axis=at, name=name))
