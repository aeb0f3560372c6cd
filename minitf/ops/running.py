"""Running sums and products along an axis."""

from typing import Any

import numpy as np

from minitf.core.op import Numeric, op
from minitf.errors import ShapeError
from minitf.ops.arithmetic import div_no_nan
from minitf.ops.elementwise import conj
from minitf.ops.shapes import widened
from minitf.ops.static import known_int, one_axis


def _running(ufunc, start, x, axis, exclusive, reverse):
    if reverse:
        x = np.flip(x, axis)
    x = widened(x) if x.dtype.itemsize <= 2 else x
    if exclusive:
        x = np.concatenate([np.full_like(np.take(x, [0], axis), start), np.delete(x, -1, axis)], axis) if x.shape[axis] else x
    out = ufunc.accumulate(x, axis=axis, dtype=x.dtype)
    return np.flip(out, axis) if reverse else out


def _along(x, *, axis, exclusive, reverse):
    if x.shape is not None:
        if not x.shape:
            raise ShapeError("A tensor of rank 0 has no axis to run along.")
        one_axis(axis, len(x.shape))
    return x


@op(name="cumsum", infer_first=True)
def _cumsum(x: Numeric, *, axis, exclusive, reverse):
    """The running sum along an axis."""
    return _running(np.add, 0, x, axis, exclusive, reverse).astype(x.dtype)


@_cumsum.vjp
def _(g, out, x, *, axis, exclusive, reverse):
    return (_cumsum(g, axis=axis, exclusive=exclusive, reverse=not reverse),)


@op(name="cumprod", infer_first=True, domain=(0.3, 2.0))
def _cumprod(x: Numeric, *, axis, exclusive, reverse):
    """The running product along an axis."""
    return _running(np.multiply, 1, x, axis, exclusive, reverse).astype(x.dtype)


@_cumprod.vjp
def _(g, out, x, *, axis, exclusive, reverse):
    back = _cumsum(g * conj(out), axis=axis, exclusive=exclusive, reverse=not reverse)
    return (div_no_nan(back, conj(x)),)


for _run in (_cumsum, _cumprod):
    _run.infer(_along)
    _run.terms(lambda x, *, axis, exclusive, reverse: x.shape[axis])
    _run.samples(
        lambda draw: (
            (draw(shape=draw.shape(least=1)),),
            {"axis": draw.integer(-1, 0), "exclusive": draw.choice([False, True]), "reverse": draw.choice([False, True])},
        )
    )


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The running sum along ``axis``. ``exclusive`` leaves out the element itself, ``reverse`` runs from the end."""
    return _cumsum(x, axis=known_int(axis, "axis"), exclusive=bool(exclusive), reverse=bool(reverse), name=name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Any:
    """The running product along ``axis``. ``exclusive`` leaves out the element itself, ``reverse`` runs from the end."""
    return _cumprod(x, axis=known_int(axis, "axis"), exclusive=bool(exclusive), reverse=bool(reverse), name=name)
