"""Ops about the shape alone: asking for it, changing it, stretching to one and summing back."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Index, Numeric, Other, convert, op
from minitf.core.spec import Spec, broadcast_shapes, shape_text, total_size
from minitf.core.tape import Outline
from minitf.core.tensor import EagerTensor, SymbolicTensor
from minitf.errors import ShapeError
from minitf.ops.static import known_axes, known_int, many_axes, one_axis, requested


def settle(array: Any) -> Any:
    """A kernel's array; rank 0 becomes a NumPy scalar (except for strings, which have none)."""
    return array if array.ndim or array.dtype.kind == "O" else array[()]


def widened(x: Any) -> Any:
    """Floats of 16 bits and less as float32: sums of them are accumulated there, as TensorFlow does."""
    return x.astype(np.float32) if x.dtype.itemsize <= 2 and x.dtype.kind not in "iub" else x


def total(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """Sum of an array in its own dtype (NumPy would widen small integers)."""
    wide = widened(x)
    out = np.add.reduce(wide, axis, wide.dtype, None, keepdims)  # type: ignore[call-overload]
    return out if wide is x else settle(out.astype(x.dtype))


# -- asking ------------------------------------------------------------------------------------------------------------


@op(name="shape", of_shape=True)
def _shape(input: Anything, *, out_type):
    """The sizes of ``input`` as a vector."""
    return np.array(input.shape, dtype=out_type.np)


@_shape.infer
def _(input, *, out_type):
    return Spec(out_type, (input.rank,))


@_shape.samples
def _(draw):
    return (draw(Anything),), {"out_type": draw.choice([dtypes.int32, dtypes.int64])}


def shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """The sizes of ``input`` as an integer vector; in a graph they are those of the run."""
    return _shape(input, out_type=dtypes.as_dtype(out_type), name=name)


@op(name="size", of_shape=True)
def _size(input: Anything, *, out_type):
    """The number of elements."""
    return out_type.np.type(input.size)


@_size.infer
def _(input, *, out_type):
    return Spec(out_type, ())


_size.samples(lambda draw: ((draw(Anything),), {"out_type": draw.choice([dtypes.int32, dtypes.int64])}))


def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """The number of elements of ``input``."""
    return _size(input, out_type=dtypes.as_dtype(out_type), name=name)


@op(of_shape=True)
def rank(input: Anything):
    """The number of dimensions, an int32 scalar."""
    return np.int32(input.ndim)


@rank.infer
def _(input):
    return Spec(dtypes.int32, ())


def shape_of(x: Any) -> Any:
    """The shape of a tensor for use in gradient rules: sizes if they are known, else a tensor."""
    if type(x) is EagerTensor:
        return x._v.shape
    if type(x) is Outline:
        return x.sizes
    sizes = x.spec.shape
    return sizes if sizes is not None and None not in sizes else _shape(x, out_type=dtypes.int32)


# -- changing ----------------------------------------------------------------------------------------------------------


@op(name="reshape")
def _reshape(tensor: Anything, shape: Index = None, *, sizes):
    """The same elements in another shape."""
    return settle(tensor.reshape(sizes if shape is None else tuple(shape)))


@_reshape.infer
def _(tensor, shape=None, *, sizes):
    if sizes is None:
        return Spec(tensor.dtype, None)
    if sizes.count(-1) > 1:
        raise ShapeError(f"Only one size of {shape_text(sizes)} may be -1: the others would be ambiguous.")
    if any(s is not None and s < -1 for s in sizes):
        raise ShapeError(f"Cannot reshape to {shape_text(sizes)}: a size is not negative, except one -1 that is inferred.")
    if not tensor.complete or None in sizes:
        return Spec(tensor.dtype, tuple(None if s == -1 else s for s in sizes))
    have = total_size(tensor.shape)
    want = total_size(s for s in sizes if s != -1)
    if -1 not in sizes:
        if have != want:
            raise ShapeError(
                f"Cannot reshape a tensor of shape {tensor.shape} ({have} elements) to {shape_text(sizes)} ({want} elements)."
            )
        return Spec(tensor.dtype, sizes)
    if want == 0 or have % want:
        raise ShapeError(
            f"Cannot reshape a tensor of shape {tensor.shape} ({have} elements) to {shape_text(sizes)}: no size fits for -1."
        )
    return Spec(tensor.dtype, tuple(have // want if s == -1 else s for s in sizes))


@_reshape.vjp(reads="")
def _(g, out, tensor, shape=None, *, sizes):
    return reshape(g, shape_of(tensor)), None


@_reshape.samples
def _(draw):
    x = draw(Anything)
    return (x, None), {"sizes": draw.choice([(-1,), (1, -1) if x.size else (-1,), tuple(reversed(x.shape))])}


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """``tensor`` with the same elements, in row-major order, in another shape; one size may be -1 and is inferred."""
    sizes, dynamic = requested(shape)
    return _reshape(tensor, sizes=sizes, name=name) if dynamic is None else _reshape(tensor, dynamic, sizes=sizes, name=name)


@op(name="expand_dims")
def _expand_dims(input: Anything, *, axis):
    """Adds a dimension of size 1."""
    if axis == -1:
        return input[..., None]
    sizes = list(input.shape)
    sizes.insert(one_axis(axis, input.ndim + 1), 1)
    return input.reshape(sizes)


@_expand_dims.infer
def _(input, *, axis):
    if input.shape is None:
        return input
    at = one_axis(axis, len(input.shape) + 1)
    return Spec(input.dtype, (*input.shape[:at], 1, *input.shape[at:]))


@_expand_dims.vjp(reads="")
def _(g, out, input, *, axis):
    return (reshape(g, shape_of(input)),)


@_expand_dims.samples
def _(draw):
    x = draw(Anything)
    return (x,), {"axis": draw.integer(-x.ndim - 1, x.ndim)}


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """``input`` with a dimension of size 1 put at ``axis`` (-1: at the end)."""
    return _expand_dims(input, axis=known_int(axis, "axis"), name=name)


@op(name="squeeze")
def _squeeze(input: Anything, *, axis=None):
    """Removes dimensions of size 1."""
    return settle(np.squeeze(input, axis))


@_squeeze.infer
def _(input, *, axis=None):
    if input.shape is None:
        return input
    if axis is None:
        return Spec(input.dtype, None if None in input.shape else tuple(s for s in input.shape if s != 1))
    gone = many_axes(axis, len(input.shape))
    for a in gone:
        if input.shape[a] not in (1, None):
            raise ShapeError(f"Cannot squeeze axis {a} of a tensor of shape {shape_text(input.shape)}: its size is not 1.")
    return Spec(input.dtype, tuple(s for i, s in enumerate(input.shape) if i not in gone))


@_squeeze.vjp(reads="")
def _(g, out, input, *, axis=None):
    return (reshape(g, shape_of(input)),)


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """``input`` without its dimensions of size 1, or without those in ``axis``. Raises ShapeError if one has another size."""
    axes = known_axes(axis, "axis")
    return _squeeze(input, axis=axes or None, name=name)


# -- stretching and summing back ---------------------------------------------------------------------------------------


@op(name="broadcast_to")
def _broadcast_to(input: Anything, shape: Index = None, *, sizes):
    """Stretches dimensions of size 1."""
    goal = sizes if shape is None else tuple(shape)
    if input.ndim == 0 and input.dtype.kind == "f" and total_size(goal) <= _SMALL and goal:
        out = np.empty(goal, input.dtype)  # quicker than a view that repeats the element
        out.fill(input)
        return out
    return settle(np.broadcast_to(input, goal))


_SMALL = 4096


@_broadcast_to.infer
def _(input, shape=None, *, sizes):
    if sizes is None:
        return Spec(input.dtype, None)
    if any(s is not None and s < 0 for s in sizes):
        raise ShapeError(f"Cannot broadcast to {shape_text(sizes)}: a size is negative.")
    out = broadcast_shapes(input.shape, sizes)
    if out is not None and (
        len(out) != len(sizes) or any(s is not None and o is not None and s != o for s, o in zip(sizes, out, strict=True))
    ):
        raise ShapeError(f"Cannot broadcast a tensor of shape {shape_text(input.shape)} to {shape_text(sizes)}.")
    return Spec(input.dtype, tuple(sizes))


@_broadcast_to.vjp(reads="")
def _(g, out, input, shape=None, *, sizes):
    return sum_to(g, input), None


@_broadcast_to.samples
def _(draw):
    x = draw(Anything)
    return (x, None), {"sizes": (draw.integer(1, 3), *(draw.integer(0, 3) if s == 1 else s for s in x.shape))}


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """``input`` stretched to ``shape`` by NumPy's rule. Raises ShapeError if it does not stretch to it."""
    sizes, dynamic = requested(shape)
    return _broadcast_to(input, dynamic, sizes=sizes, name=name)


@op(name="sum_to", fresh=True)
def _sum_to(x: Numeric, like: Other = None, *, sizes):
    """Sums over the dimensions that broadcasting to the shape of ``x`` had stretched."""
    goal = sizes if like is None else like.shape
    extra = x.ndim - len(goal)
    if extra == 1 and x.shape[1:] == goal:
        return settle(total(x, 0))
    axes = (*range(extra), *(extra + i for i, s in enumerate(goal) if s == 1 and x.shape[extra + i] != 1))
    return settle(total(x, axes).reshape(goal))


@_sum_to.infer
def _(x, like=None, *, sizes):
    goal = sizes if like is None else like.shape
    if goal is not None and x.shape is not None:
        stretched = broadcast_shapes(goal, x.shape)
        if stretched is not None and len(stretched) > len(x.shape):
            raise ShapeError(f"A tensor of shape {shape_text(x.shape)} is no stretched {shape_text(goal)}.")
    return Spec(x.dtype, goal)


@_sum_to.written
def _(x, like=None, *, sizes):
    plain = x.dtype.kind in "fc" and x.dtype.size >= 4 and x.complete
    return "np.add.reduce({0}, 0)" if plain and x.rank and sizes == x.shape[1:] else None


@_sum_to.vjp(reads="")
def _(g, out, x, like=None, *, sizes):
    return broadcast_to(g, shape_of(x)), None


@_sum_to.samples
def _(draw):
    x = draw(Numeric)
    start = draw.integer(0, x.ndim)
    return (x, None), {"sizes": tuple(draw.choice([1, s]) for s in x.shape[start:])}


def sum_to(g: Any, like: Any) -> Any:
    """``g`` summed to the shape of ``like``: undoes the broadcasting of ``like`` in a gradient rule."""
    if type(g) is EagerTensor:
        goal = like.sizes if type(like) is Outline else shape_of(like)
        return g if g._v.shape == goal else _sum_to(g, sizes=goal)
    goal = like._spec.shape if type(like) is SymbolicTensor else like.spec.shape
    if goal is None or None in goal:
        return _sum_to(g, like, sizes=None)
    shape = g._spec.shape if type(g) is SymbolicTensor else g.spec.shape
    return g if shape == goal else _sum_to(g, sizes=goal)


def static_tensor(sizes: Any, dtype: Any = dtypes.int32) -> Any:
    """Sizes from ``shape_of`` as an integer vector."""
    return convert(np.array(sizes, dtype=dtype.np)) if isinstance(sizes, tuple) else sizes
