"""Ops that put the axes, or the elements along them, into another order: transposing, reversing, rolling."""

from typing import Any

import numpy as np

from minitf.core.op import Anything, convert, op
from minitf.core.spec import Spec, shape_text
from minitf.errors import ShapeError
from minitf.ops.shapes import settle
from minitf.ops.static import known_axes, many_axes, one_axis

# -- transposing -------------------------------------------------------------------------------------------------------


@op(name="transpose")
def _transpose(a: Anything, *, perm=None, conjugate=False):
    """Permutes the axes."""
    out = np.transpose(a, perm)
    return np.conj(out) if conjugate and a.dtype.kind == "c" else settle(out)


@_transpose.infer
def _(a, *, perm=None, conjugate=False):
    if a.shape is None:
        return a if perm is None else Spec(a.dtype, (None,) * len(perm))
    if perm is None:
        return Spec(a.dtype, a.shape[::-1])
    if sorted(p % len(perm) if -len(perm) <= p < len(perm) else p for p in perm) != list(range(len(a.shape))):
        raise ShapeError(f"perm={perm} is no permutation of the axes of a tensor of shape {shape_text(a.shape)}.")
    return Spec(a.dtype, tuple(a.shape[p] for p in perm))


@_transpose.vjp
def _(g, out, a, *, perm=None, conjugate=False):
    back = None if perm is None else tuple(int(i) for i in np.argsort([p % len(perm) for p in perm]))
    return (_transpose(g, perm=back, conjugate=conjugate),)


@_transpose.samples
def _(draw):
    x = draw(Anything)
    return (x,), {"perm": draw.choice([None, tuple(draw.shuffled(range(x.ndim)))])}


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Any:
    """``a`` with its axes in the order ``perm`` (None: reversed), optionally conjugated."""
    return _transpose(a, perm=known_axes(perm, "perm"), conjugate=bool(conjugate), name=name)


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Any:
    """``a`` with its last two axes exchanged. Raises ValueError if its rank is below 2."""
    tensor = convert(a)
    rank = tensor.ndim
    if rank < 2:
        raise ShapeError(f"matrix_transpose needs a tensor of rank 2 or more, but the shape is {tensor.shape}.")
    return transpose(tensor, (*range(rank - 2), rank - 1, rank - 2), conjugate, name)


# -- turning round -----------------------------------------------------------------------------------------------------


@op(name="reverse")
def _reverse(tensor: Anything, *, axis):
    """Turns axes round."""
    return settle(np.flip(tensor, axis)) if axis else tensor


@_reverse.infer
def _(tensor, *, axis):
    if tensor.shape is not None:
        many_axes(axis, len(tensor.shape))
    return tensor


@_reverse.vjp
def _(g, out, tensor, *, axis):
    return (_reverse(g, axis=axis),)


@_reverse.samples
def _(draw):
    x = draw(Anything)
    return (x,), {"axis": tuple(range(draw.integer(0, x.ndim)))}


def reverse(tensor: Any, axis: Any, name: str | None = None) -> Any:
    """``tensor`` with the order of the elements along ``axis`` (one or several) turned round."""
    return _reverse(tensor, axis=known_axes(axis, "axis"), name=name)


@op(name="roll")
def _roll(input: Anything, *, shift, axis):
    """Rolls elements along axes; what leaves at one end enters at the other."""
    return np.roll(input, shift, axis)


@_roll.infer
def _(input, *, shift, axis):
    if len(shift) != len(axis):
        raise ShapeError(f"shift has {len(shift)} numbers and axis {len(axis)}; give one shift for each axis.")
    if input.shape is not None:
        for a in axis:
            one_axis(a, len(input.shape))
    return input


@_roll.vjp
def _(g, out, input, *, shift, axis):
    return (_roll(g, shift=tuple(-s for s in shift), axis=axis),)


@_roll.samples
def _(draw):
    x = draw(Anything, shape=draw.shape(least=1))
    return (x,), {"shift": (draw.integer(-4, 4),), "axis": (draw.integer(-x.ndim, x.ndim - 1),)}


def roll(input: Any, shift: Any, axis: Any, name: str | None = None) -> Any:
    """``input`` rolled by ``shift`` along ``axis`` (one of each, or several)."""
    return _roll(input, shift=known_axes(shift, "shift"), axis=known_axes(axis, "axis"), name=name)
