"""Ops on variables: reading, assigning, updating. Their first input is a handle; the kernel gets the cell of the store.

A cell's array is never written into: updates make a new array and write that. So an array that somebody else holds (a tensor,
a fetched value that has been copied) can be stored as it is; only views are copied, lest a small one keep a large one alive.
"""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Numeric, Place, convert, op
from minitf.core.spec import Spec, compatible, merge_shapes, shape_text
from minitf.core.state import Handle
from minitf.errors import DTypeError, ShapeError

# -- reading -----------------------------------------------------------------------------------------------------------


@op(stateful=True, expr="{0}.read()")
def read_variable(handle: Place):
    """The value of a variable. Raises FailedPreconditionError if it has none yet."""
    return handle.read()


@read_variable.infer
def _(handle):
    return handle


@read_variable.vjp
def _(g, out, handle):
    return (g,)


@op(stateful=True)
def uninitialized_names(*handles: Place, names):
    """The names (a string vector) of those variables that have no value yet."""
    missing = [name.encode() for handle, name in zip(handles, names, strict=True) if handle.empty]
    out = np.empty(len(missing), dtype=object)
    out[:] = missing
    return out


@uninitialized_names.infer
def _(*handles, names):
    return Spec(dtypes.string, (None,))


@op(stateful=True)
def is_initialized(handle: Place):
    """True if the variable has a value."""
    return np.bool_(handle.value is not None)


@is_initialized.infer
def _(handle):
    return Spec(dtypes.bool, ())


@op(stateful=True)
def initialized_value(handle: Place, initial: Anything):
    """The value of a variable; ``initial`` if it has none yet."""
    return initial if handle.value is None else handle.value


@initialized_value.infer
def _(handle, initial):
    return handle


# -- assigning ---------------------------------------------------------------------------------------------------------


def stored(value: Any) -> Any:
    """The array as it may be stored: a view is copied."""
    return value.copy() if type(value) is np.ndarray and value.base is not None else value


@op(stateful=True)
def assign(handle: Place, value: Anything):
    """Stores a value in a variable."""
    spec = handle.spec
    if value.dtype is not spec.dtype.np or value.shape != spec.shape:
        handle.check(value, f"assign to {handle.name!r}")
    new = stored(value)
    handle.write(new)
    return new


@op(stateful=True)
def assign_add(handle: Place, value: Numeric):
    """Adds to a variable."""
    with handle.lock:
        new = _fitting(handle, value) + value
        handle.write(new)
        return new


@op(stateful=True)
def assign_sub(handle: Place, value: Numeric):
    """Subtracts from a variable."""
    with handle.lock:
        new = _fitting(handle, value) - value
        handle.write(new)
        return new


def _fitting(cell, value):
    """The old value, if ``value`` has its dtype and shape."""
    old = cell.read()
    if old.shape != value.shape or old.dtype is not value.dtype:
        cell.check(value, f"update of {cell.name!r}")
    if old.shape != value.shape:
        raise ShapeError(
            f"Cannot update variable {cell.name!r} of shape {old.shape} with a tensor of shape {value.shape}: the "
            f"shapes must be equal."
        )
    return old


def _assigned(handle, value):
    if value.dtype is not handle.dtype:
        raise DTypeError(
            f"The variable is {handle.dtype.name}, but the value is {value.dtype.name}. Write tf.cast(x, "
            f"tf.{handle.dtype.name})."
        )
    if not compatible(handle.shape, value.shape):
        raise ShapeError(
            f"The variable has shape {shape_text(handle.shape)}, but the value has shape {shape_text(value.shape)}."
        )
    return Spec(handle.dtype, merge_shapes(handle.shape, value.shape))


for _update in (assign, assign_add, assign_sub):
    _update.infer(_assigned)


def value_for(handle: Handle, value: Any) -> Any:
    """``value`` as a tensor next to a variable: Python numbers and arrays adapt to its dtype."""
    if hasattr(value, "_as_tensor") or hasattr(value, "spec"):
        return convert(value)
    return convert(value, handle.spec.dtype)
