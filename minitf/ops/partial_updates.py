"""Ops that change a part of a variable: rows by number, elements by coordinates, what a slice points at, a counter.

Their first input is the variable's handle; what they give is its whole new value (``count_up_to``: the old one). As in
``state``, the cell's array is left alone and a new one written. Of several updates for one place, ``scatter_update`` and its
kind keep the last.
"""

import numpy as np

from minitf.core.op import Anything, Index, Numeric, Place, op
from minitf.core.spec import compatible, shape_text
from minitf.errors import DTypeError, InvalidArgumentError, OutOfRangeError, ShapeError
from minitf.ops.gathering import check_bounds, coordinates
from minitf.ops.indexing import filled, sliced
from minitf.ops.kinds import Rows

# -- rows by number ----------------------------------------------------------------------------------------------------


@op(stateful=True)
def scatter_update(handle: Place, indices: Rows, updates: Anything):
    """Replaces slices of a variable by number."""
    return _scatter(handle, indices, updates, _replace)


@op(stateful=True)
def scatter_add(handle: Place, indices: Rows, updates: Numeric):
    """Adds to slices of a variable by number."""
    return _scatter(handle, indices, updates, np.add.at)


@op(stateful=True)
def scatter_sub(handle: Place, indices: Rows, updates: Numeric):
    """Subtracts from slices of a variable by number."""
    return _scatter(handle, indices, updates, np.subtract.at)


@op(stateful=True)
def scatter_mul(handle: Place, indices: Rows, updates: Numeric):
    """Multiplies slices of a variable by number."""
    return _scatter(handle, indices, updates, np.multiply.at)


@op(stateful=True)
def scatter_div(handle: Place, indices: Rows, updates: Numeric):
    """Divides slices of a variable by number."""
    return _scatter(handle, indices, updates, np.floor_divide.at if updates.dtype.kind in "iu" else np.divide.at)


@op(stateful=True)
def scatter_max(handle: Place, indices: Rows, updates: Numeric):
    """Keeps the larger of slices of a variable and updates, by number."""
    return _scatter(handle, indices, updates, np.maximum.at)


@op(stateful=True)
def scatter_min(handle: Place, indices: Rows, updates: Numeric):
    """Keeps the smaller of slices of a variable and updates, by number."""
    return _scatter(handle, indices, updates, np.minimum.at)


def _scatter(cell, indices, updates, change):
    with cell.lock:
        new = np.array(cell.read())
        if new.ndim == 0:
            raise ShapeError(f"Variable {cell.name!r} has rank 0, so it has no slices.")
        check_bounds(indices, new.shape[0])
        return _changed(cell, new, indices, updates, indices.shape + new.shape[1:], change)


def _replace(out, place, updates):
    out[place] = updates


def _changed(cell, new, place, updates, wanted, change):
    if updates.dtype != new.dtype:
        cell.check(updates, f"update of {cell.name!r}")
    if updates.shape != wanted and updates.ndim:
        raise ShapeError(f"The updates of variable {cell.name!r} must have shape {wanted}, not {updates.shape}.")
    change(new, place, updates)
    cell.write(new)
    return new


def _slices(handle, indices, updates):
    if handle.shape is not None and indices.shape is not None:
        wanted = indices.shape + handle.shape[1:]
        if updates.shape != () and not compatible(wanted, updates.shape):
            raise ShapeError(f"The updates must have shape {shape_text(wanted)}, not {shape_text(updates.shape)}.")
    return handle


for _update in (scatter_update, scatter_add, scatter_sub, scatter_mul, scatter_div, scatter_max, scatter_min):
    _update.infer(_slices)


# -- elements and slices by coordinates --------------------------------------------------------------------------------


@op(stateful=True)
def scatter_nd_update(handle: Place, indices: Rows, updates: Anything):
    """Replaces slices of a variable by coordinates."""
    return _scatter_nd(handle, indices, updates, _replace)


@op(stateful=True)
def scatter_nd_add(handle: Place, indices: Rows, updates: Numeric):
    """Adds to slices of a variable by coordinates."""
    return _scatter_nd(handle, indices, updates, np.add.at)


@op(stateful=True)
def scatter_nd_sub(handle: Place, indices: Rows, updates: Numeric):
    """Subtracts from slices of a variable by coordinates."""
    return _scatter_nd(handle, indices, updates, np.subtract.at)


@op(stateful=True)
def scatter_nd_max(handle: Place, indices: Rows, updates: Numeric):
    """Keeps the larger of slices of a variable and updates, by coordinates."""
    return _scatter_nd(handle, indices, updates, np.maximum.at)


@op(stateful=True)
def scatter_nd_min(handle: Place, indices: Rows, updates: Numeric):
    """Keeps the smaller of slices of a variable and updates, by coordinates."""
    return _scatter_nd(handle, indices, updates, np.minimum.at)


@op(stateful=True)
def batch_scatter_update(handle: Place, indices: Rows, updates: Anything):
    """Replaces slices of a variable by number, in each of a batch: ``variable[i, indices[i, j]] = updates[i, j]``.

    All axes of ``indices`` but the last run along the first axes of the variable.
    """
    cell = handle
    with cell.lock:
        new = np.array(cell.read())
        if not 0 < indices.ndim <= new.ndim:
            raise ShapeError(
                f"Variable {cell.name!r} has shape {new.shape}, so the indices of a batch in it have 1 to {new.ndim} axes, not "
                f"{indices.ndim}."
            )
        check_bounds(indices, new.shape[indices.ndim - 1])
        if any(many > size for many, size in zip(indices.shape[:-1], new.shape, strict=False)):
            raise ShapeError(
                f"Indices of shape {indices.shape} have more in the batch than variable {cell.name!r} of {new.shape}."
            )
        place = (*np.indices(indices.shape, sparse=True)[:-1], indices)
        return _changed(cell, new, place, updates, indices.shape + new.shape[indices.ndim :], _replace)


def _scatter_nd(cell, indices, updates, change):
    with cell.lock:
        new = np.array(cell.read())
        wanted = indices.shape[:-1] + new.shape[indices.shape[-1] :]
        return _changed(cell, new, coordinates(indices, new.shape), updates, wanted, change)


for _update in (scatter_nd_update, scatter_nd_add, scatter_nd_sub, scatter_nd_max, scatter_nd_min, batch_scatter_update):
    _update.infer(lambda handle, indices, updates: handle)


# -- what a slice points at --------------------------------------------------------------------------------------------


@op(stateful=True)
def strided_slice_assign(handle: Place, value: Anything, *parts: Index, key):
    """``variable[key] = value``, where the value is broadcast to the shape of the slice. The key is ``strided_slice``'s."""
    cell = handle
    with cell.lock:
        new = np.array(cell.read())
        if value.dtype != new.dtype:
            cell.check(value, f"assign to a slice of {cell.name!r}")
        where = filled(key, parts)
        slice_ = new[where]
        if slice_.size:  # TensorFlow looks at no value for an empty slice
            new[where] = _fitting(value, slice_.shape, cell.name)
        cell.write(new)
        return new


def _fitting(value, shape, name):
    ones = max(0, value.ndim - len(shape))
    try:
        return np.broadcast_to(np.reshape(value, value.shape[ones:]), shape)  # axes of size 1 in front may be too many
    except ValueError:
        raise ShapeError(
            f"Cannot assign to a slice of variable {name!r}: the slice has shape {shape}, and a value of shape {value.shape} "
            f"cannot be broadcast to it."
        ) from None


@strided_slice_assign.infer
def _(handle, value, *parts, key):
    if value.dtype is not handle.dtype:
        raise DTypeError(
            f"The variable is {handle.dtype.name}, but the value for its slice is {value.dtype.name}. Write tf.cast(x, "
            f"tf.{handle.dtype.name})."
        )
    sliced(handle.shape, key)
    return handle


# -- a counter ---------------------------------------------------------------------------------------------------------


@op(stateful=True, infer_first=True)
def count_up_to(handle: Place, *, limit):
    """Adds 1 to a counter and gives what it was. Raises OutOfRangeError when it has reached ``limit``."""
    cell = handle
    with cell.lock:
        old = cell.read()
        if old.shape != ():
            raise InvalidArgumentError(f"count_up_to: variable {cell.name!r} has shape {old.shape}, but a counter is a scalar.")
        if old >= limit:
            raise OutOfRangeError(f"Reached limit of {limit}: variable {cell.name!r} is {old}.")
        cell.write(old.dtype.type(old + 1))
        return old


@count_up_to.infer
def _(handle, *, limit):
    if handle.dtype.name not in ("int32", "int64"):
        raise DTypeError(f"count_up_to: a counter is int32 or int64, not {handle.dtype.name}.")
    return handle
