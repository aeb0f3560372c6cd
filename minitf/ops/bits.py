"""``bitcast``: the bytes of a tensor seen as elements of another dtype."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import op
from minitf.core.spec import Spec, shape_text
from minitf.errors import DTypeError, ShapeError
from minitf.ops.kinds import Castable
from minitf.ops.shapes import settle


@op(name="bitcast", infer_first=True)
def _bitcast(input: Castable, *, type):
    """The bytes of a tensor as elements of another dtype."""
    array = np.asarray(input)
    ratio = type.np.itemsize / array.itemsize
    if ratio < 1:
        array = array[..., None]
    out = np.asarray(array, order="C").view(type.np)
    return settle(out[..., 0] if ratio > 1 else out)


@_bitcast.infer
def _(input, *, type):
    if type not in Castable.allowed:
        raise DTypeError(f"bitcast: bytes cannot be seen as {type.name}.")
    if input.shape is None:
        return Spec(type, None)
    before, after = input.dtype.size, type.size
    if after < before:
        return Spec(type, (*input.shape, before // after))
    if after == before:
        return Spec(type, input.shape)
    if not input.shape or input.shape[-1] not in (None, after // before):
        raise ShapeError(
            f"bitcast: {after // before} elements of {input.dtype.name} make one of {type.name}, so the last axis must have "
            f"that size, but the shape is {shape_text(input.shape)}."
        )
    return Spec(type, input.shape[:-1])


@_bitcast.samples
def _(draw):
    x = draw(Castable, shape=draw.shape())
    known = dtypes.of_numpy(x.dtype)
    smaller = [d for d in Castable.allowed if d.size <= known.size]
    return (x,), {"type": draw.choice(sorted(smaller, key=int))}


def bitcast(input: Any, type: Any, name: str | None = None) -> Any:
    """The bytes of ``input`` as elements of ``type``, in the machine's order.

    With smaller elements there is one axis more; with larger ones the last axis, whose size must be how many make one, is gone.
    Raises DTypeError for bool and string, ShapeError for a last axis of another size. It has no gradient.
    """
    return _bitcast(input, type=dtypes.as_dtype(type), name=name)
