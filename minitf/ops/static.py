"""What of a value is known while a program is being built.

Sizes, axes and index bounds may be given as Python numbers, arrays or tensors. What is known now becomes an attribute of the
op, so that its shape rule can use it; what only a session will know becomes an input.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import index
from typing import Any

import numpy as np

from minitf.core.spec import Shape, TensorShape
from minitf.core.tensor import EagerTensor, SymbolicTensor
from minitf.errors import ShapeError

_INTS = (int, np.integer)


def known(value: Any) -> Any:
    """The array, NumPy scalar or Python value that ``value`` holds, or None if only a session will know it."""
    if hasattr(value, "_as_tensor"):
        value = value._as_tensor()
    if type(value) is EagerTensor:
        return value._v
    if isinstance(value, SymbolicTensor):
        _look(value)
        return value.op.attrs["value"] if value.op.type == "const" else None
    return value


_looks: ContextVar[list[SymbolicTensor] | None] = ContextVar("minitf_looks", default=None)


@contextmanager
def looks() -> Iterator[list[SymbolicTensor]]:
    """``with looks() as seen:`` collects the tensors of graphs whose values somebody wants to know here."""
    seen: list[SymbolicTensor] = []
    token = _looks.set(seen)
    try:
        yield seen
    finally:
        _looks.reset(token)


def _look(tensor: SymbolicTensor) -> None:
    seen = _looks.get()
    if seen is not None:
        seen.append(tensor)


def known_int(value: Any, what: str) -> int:
    """``value`` as an int. Raises TypeError if it is none, ValueError if only a session will know it."""
    if type(value) is int:
        return value
    found = known(value)
    if found is None:
        raise ValueError(f"{what} must be known while the graph is built, but it is a tensor that a session will compute.")
    try:
        return index(found) if getattr(found, "ndim", 0) == 0 else index(found.item())
    except (TypeError, ValueError):
        raise TypeError(f"{what} must be an integer, not {value!r}.") from None


def known_axes(axis: Any, what: str) -> tuple[int, ...] | None:
    """An axis or several as a tuple; None stays None. Raises TypeError or ValueError as ``known_int``."""
    if axis is None:
        return None
    if type(axis) is int:
        return (axis,)
    if not isinstance(axis, (list, tuple)):
        axis = known(axis)
        if axis is None:
            raise ValueError(f"{what} must be known while the graph is built, but it is a tensor that a session will compute.")
        if isinstance(axis, range):
            axis = tuple(axis)
        if getattr(axis, "ndim", 0):
            axis = axis.tolist()
    if not isinstance(axis, (list, tuple)):
        return (known_int(axis, what),)
    return tuple(known_int(a, what) for a in axis)


def requested(shape: Any, what: str = "shape") -> tuple[Shape, Any]:
    """A shape that a caller asks for, as ``(sizes, tensor)``.

    ``sizes`` is what is known now (None for an unknown size; None for all if not even the rank is known). ``tensor`` is None if
    everything is known, else the value to hand to the op as an input. Raises TypeError for what is no sequence of integers.
    """
    if type(shape) in (list, tuple):
        if all(type(s) is int for s in shape):
            return tuple(shape), None
        sizes = tuple(_size(s, what) for s in shape)
        if None in sizes and any(s is None for s in shape):
            raise ValueError(f"{what}: a size to be made cannot be None. Use -1 where a size may be inferred, or a tensor.")
        return sizes, (shape if None in sizes else None)
    if isinstance(shape, TensorShape):
        if not shape.is_fully_defined():
            raise ValueError(f"{what}: {shape} is not fully defined. Use tf.shape(x) to get sizes that a session will know.")
        return shape.sizes, None
    if isinstance(shape, _INTS):
        return (int(shape),), None
    if hasattr(shape, "_as_tensor"):
        shape = shape._as_tensor()
    if isinstance(shape, SymbolicTensor):
        found = shape_value(shape)
        return found, (shape if found is None or None in found else None)
    array = np.asarray(known(shape))
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{what}: sizes must be integers, not {array.dtype}.")
    if array.ndim > 1:
        raise ShapeError(f"{what}: sizes must form a vector, but they have shape {array.shape}.")
    return tuple(int(s) for s in array.reshape(-1)), None


def _size(value: Any, what: str) -> int | None:
    found = known(value)
    if found is None:
        return None
    try:
        return index(found) if not isinstance(found, np.ndarray) else index(found.item())
    except (TypeError, ValueError):
        raise TypeError(f"{what}: a size must be an integer, not {value!r}.") from None


def shape_value(tensor: SymbolicTensor) -> Shape:
    """What is known of the elements of a symbolic integer vector that is used as a shape: follows shape, stack, concat,
    const.
    """
    _look(tensor)
    operation = tensor.op
    kind = operation.type
    if kind == "const":
        return tuple(int(s) for s in operation.attrs["value"].reshape(-1))
    if kind == "shape":
        return operation.arguments[0].spec.shape  # type: ignore[no-any-return]
    if kind == "stack" and operation.attrs["axis"] == 0:
        return tuple(_size(a, "shape") if a.spec.shape == () else None for a in operation.arguments)
    if kind == "cast":
        return shape_value(operation.arguments[0])
    if kind == "concat":
        out: tuple[int | None, ...] = ()
        for a in operation.arguments:
            part = shape_value(a)
            if part is None:
                return None
            out += part
        return out
    own = tensor.spec.shape
    return None if own is None or len(own) != 1 or own[0] is None else (None,) * own[0]


def one_axis(axis: int, rank: int, what: str = "axis") -> int:
    """``axis`` counted from the front. Raises ShapeError unless -rank <= axis < rank."""
    if not -rank <= axis < rank:
        raise ShapeError(f"{what}={axis} is out of range for a tensor of rank {rank}: it must be in [{-rank}, {rank}).")
    return axis + rank if axis < 0 else axis


def many_axes(axes: tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """The axes counted from the front, None for all. Raises ShapeError if one is out of range or named twice."""
    if axes is None:
        return tuple(range(rank))
    out = tuple(one_axis(a, rank) for a in axes)
    if len(set(out)) != len(out):
        raise ShapeError(f"axis={axes} names an axis of a tensor of rank {rank} twice.")
    return out
