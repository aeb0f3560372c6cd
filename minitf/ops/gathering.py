"""Taking and putting elements by number: gather, scatter, masks, one-hot."""

from typing import Any

import numpy as np

from minitf.core.op import Anything, Index, Numeric, Other, convert, op
from minitf.core.spec import Spec, compatible, merge_shapes, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.creating import zeros_like
from minitf.ops.kinds import Rows, Scatterable
from minitf.ops.shapes import settle, shape_of, widened
from minitf.ops.static import known_int, one_axis, requested

# -- gather ------------------------------------------------------------------------------------------------------------


@op(name="gather", infer_first=True)
def _gather(params: Anything, indices: Rows, *, axis, batch_dims):
    """Slices of a tensor by number."""
    axis %= params.ndim
    check_bounds(indices, params.shape[axis])
    if not batch_dims:
        return np.take(params, indices, axis)
    out = np.moveaxis(params, axis, batch_dims)[_batched(indices, batch_dims)]
    return np.moveaxis(out, range(batch_dims, indices.ndim), range(axis, axis + indices.ndim - batch_dims))


def _batched(indices, batch_dims):
    grid = np.ogrid[tuple(slice(n) for n in indices.shape[:batch_dims])]
    return (*(g.reshape(g.shape + (1,) * (indices.ndim - batch_dims)) for g in grid), indices)


def check_bounds(indices, size):
    """Raises InvalidArgumentError unless all indices are in [0, size)."""
    if indices.size and (indices.min() < 0 or indices.max() >= size):
        bad = np.asarray(indices)[(np.asarray(indices) < 0) | (np.asarray(indices) >= size)].reshape(-1)[0]
        raise InvalidArgumentError(f"Index {bad} is out of bounds: it must be in [0, {size}).")


@_gather.infer
def _(params, indices, *, axis, batch_dims):
    if params.shape is None or indices.shape is None:
        return Spec(params.dtype, None)
    if not params.shape:
        raise ShapeError("A tensor of rank 0 has no slices to gather.")
    at = one_axis(axis, len(params.shape))
    if not 0 <= batch_dims <= min(at, len(indices.shape)):
        raise ShapeError(
            f"batch_dims={batch_dims} must not be greater than axis={at} and the rank {len(indices.shape)} of the indices."
        )
    if not compatible(params.shape[:batch_dims], indices.shape[:batch_dims]):
        raise ShapeError(
            f"The first {batch_dims} sizes of params {shape_text(params.shape)} and indices {shape_text(indices.shape)} must "
            "agree."
        )
    return Spec(params.dtype, (*params.shape[:at], *indices.shape[batch_dims:], *params.shape[at + 1 :]))


@_gather.vjp
def _(g, out, params, indices, *, axis, batch_dims):
    return gather_grad(g, indices, params, axis=axis, batch_dims=batch_dims), None


@op
def gather_grad(g: Numeric, indices: Rows, like: Other, *, axis, batch_dims):
    """Adds slices to where ``gather`` took them from; zeros elsewhere."""
    axis %= len(like.shape)
    values = widened(g)
    out = np.zeros(like.shape, values.dtype)
    view = np.moveaxis(out, axis, batch_dims)
    moved = np.moveaxis(values, range(axis, axis + indices.ndim - batch_dims), range(batch_dims, indices.ndim))
    np.add.at(view, _batched(indices, batch_dims) if batch_dims else indices, moved)
    return out.astype(g.dtype, copy=False)


@gather_grad.infer
def _(g, indices, like, *, axis, batch_dims):
    return Spec(g.dtype, like.shape)


@gather_grad.vjp
def _(g, out, inner, indices, like, *, axis, batch_dims):
    return _gather(g, indices, axis=axis, batch_dims=batch_dims), None, None


def _draw_rows(draw):
    batch = draw.integer(0, 1)
    params = draw(shape=draw.shape(least=1 + batch, smallest=1))
    axis = draw.integer(batch, params.ndim - 1)
    indices = draw.integers(0, params.shape[axis] - 1, shape=(*params.shape[:batch], *draw.shape(most=2)))
    return params, indices, {"axis": axis, "batch_dims": batch}


@_gather.samples
def _(draw):
    params, indices, attrs = _draw_rows(draw)
    return (params, indices), attrs


@gather_grad.samples
def _(draw):
    params, indices, attrs = _draw_rows(draw)
    at, batch = attrs["axis"], attrs["batch_dims"]
    return (draw(shape=(*params.shape[:at], *indices.shape[batch:], *params.shape[at + 1 :])), indices, params), attrs


def gather(
    params: Any, indices: Any, validate_indices: Any = None, axis: Any = None, batch_dims: Any = 0, name: str | None = None
) -> Any:
    """Slices of ``params`` along ``axis`` (default: ``batch_dims``) by number.

    The first ``batch_dims`` axes of ``params`` and ``indices`` belong together. Raises InvalidArgumentError for a number that
    is out of bounds; negative ones are.
    """
    tensor, numbers = convert(params), convert(indices)
    batch = known_int(batch_dims, "batch_dims")
    if batch < 0:
        batch += len(numbers.shape)
    at = batch if axis is None else known_int(axis, "axis")
    return _gather(tensor, numbers, axis=at, batch_dims=batch, name=name)


# -- by coordinates ----------------------------------------------------------------------------------------------------


def coordinates(indices, sizes, batch_dims=0):
    """The index of NumPy for coordinates in the last axis of ``indices``; checked."""
    depth = indices.shape[-1]
    for k in range(depth):
        check_bounds(indices[..., k], sizes[batch_dims + k])
    where_ = tuple(indices[..., k] for k in range(depth))
    if not batch_dims:
        return where_
    return _batched(indices[..., 0] if depth else indices.sum(-1), batch_dims)[:-1] + where_


@op(name="gather_nd", infer_first=True)
def _gather_nd(params: Anything, indices: Rows, *, batch_dims):
    """Slices of a tensor by coordinates."""
    place = coordinates(indices, params.shape, batch_dims)
    if not place:
        return settle(np.broadcast_to(params, indices.shape[:-1] + params.shape))
    return settle(np.asarray(params[place], dtype=params.dtype))


@_gather_nd.infer
def _(params, indices, *, batch_dims):
    if params.shape is None or indices.shape is None or not indices.shape or indices.shape[-1] is None:
        if indices.shape == ():
            raise ShapeError("Coordinates form a vector at least, but the indices have rank 0.")
        return Spec(params.dtype, None)
    depth = indices.shape[-1]
    if batch_dims + depth > len(params.shape):
        raise ShapeError(
            f"{depth} coordinates are too many for a tensor of shape {shape_text(params.shape)} with batch_dims={batch_dims}."
        )
    merge_shapes(params.shape[:batch_dims], indices.shape[:batch_dims])
    return Spec(params.dtype, indices.shape[:-1] + params.shape[batch_dims + depth :])


@_gather_nd.vjp
def _(g, out, params, indices, *, batch_dims):
    if batch_dims:
        return _gather_nd_grad(g, indices, params, batch_dims=batch_dims), None
    sizes, dynamic = requested(shape_of(params))
    return _scatter_nd(indices, g, dynamic, sizes=sizes), None  # also for the one place of a vector of coordinates


@op(name="gather_nd_grad")
def _gather_nd_grad(g: Numeric, indices: Rows, like: Other, *, batch_dims):
    """Adds slices to where ``gather_nd`` took them from; zeros elsewhere."""
    return _added(np.zeros(like.shape, g.dtype), coordinates(indices, like.shape, batch_dims), g)


@_gather_nd_grad.infer
def _(g, indices, like, *, batch_dims):
    return Spec(g.dtype, like.shape)


@_gather_nd_grad.vjp
def _(g, out, inner, indices, like, *, batch_dims):
    return _gather_nd(g, indices, batch_dims=batch_dims), None, None


def _draw_coordinates(draw, batch=0):
    params = draw(shape=draw.shape(least=1 + batch, smallest=1))
    depth = draw.integer(1, params.ndim - batch)
    grid = (*params.shape[:batch], *draw.shape(most=2))
    indices = np.stack([draw.integers(0, params.shape[batch + k] - 1, shape=grid) for k in range(depth)], -1)
    return params, indices


@_gather_nd.samples
def _(draw):
    batch = draw.integer(0, 1)
    return _draw_coordinates(draw, batch), {"batch_dims": batch}


@_gather_nd_grad.samples
def _(draw):
    params, indices = _draw_coordinates(draw, 1)
    return (draw(shape=indices.shape[:-1] + params.shape[1 + indices.shape[-1] :]), indices, params), {"batch_dims": 1}


def gather_nd(params: Any, indices: Any, batch_dims: Any = 0, name: str | None = None, bad_indices_policy: str = "") -> Any:
    """Slices of ``params`` by coordinates: the last axis of ``indices`` holds them. Raises InvalidArgumentError out of
    bounds.
    """
    batch = known_int(batch_dims, "batch_dims")
    given, where = convert(params), convert(indices)
    for what, rank in (("params", given.shape.rank), ("indices", where.shape.rank)):
        if batch < 0 or (rank is not None and batch and batch >= rank):
            raise ShapeError(f"gather_nd: batch_dims={batch} must be from 0 to below the rank of {what}, {rank}.")
    return _gather_nd(given, where, batch_dims=batch, name=name)


def _added(out, place, updates):
    if out.dtype.kind == "b":
        np.logical_or.at(out, place, updates)
        return out
    if out.dtype.itemsize <= 2:
        wide = widened(out)
        np.add.at(wide, place, widened(updates))
        return wide.astype(out.dtype)
    np.add.at(out, place, updates)
    return out


@op(name="scatter_nd", infer_first=True)
def _scatter_nd(indices: Rows, updates: Scatterable, shape: Index = None, *, sizes):
    """Zeros, to which slices are added by coordinates."""
    goal = sizes if shape is None else tuple(shape)
    start = np.full(goal, b"", object) if updates.dtype.kind == "O" else np.zeros(goal, updates.dtype)
    return _added(start, coordinates(indices, goal), updates)


@_scatter_nd.infer
def _(indices, updates, shape=None, *, sizes):
    if sizes is not None:
        _check_updates(sizes, indices.shape, updates.shape)
    return Spec(updates.dtype, sizes)


def _check_updates(target, indices, updates):
    if indices is None or not indices or indices[-1] is None:
        return
    if indices[-1] > len(target):
        raise ShapeError(f"{indices[-1]} coordinates are too many for a tensor of shape {shape_text(target)}.")
    wanted = indices[:-1] + tuple(target)[indices[-1] :]
    if not compatible(wanted, updates):
        raise ShapeError(
            f"The updates must have shape {shape_text(wanted)} for indices {shape_text(indices)} into {shape_text(target)}, "
            f"but they have shape {shape_text(updates)}."
        )


@_scatter_nd.vjp
def _(g, out, indices, updates, shape=None, *, sizes):
    return None, _gather_nd(g, indices, batch_dims=0), None


_scatter_nd.terms(lambda indices, updates, shape=None, *, sizes: updates.size)


@_scatter_nd.samples
def _(draw):
    like, indices = _draw_coordinates(draw)
    return (indices, draw(shape=indices.shape[:-1] + like.shape[indices.shape[-1] :]), None), {"sizes": like.shape}


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    """Zeros of ``shape`` to which ``updates`` are added at the coordinates in the last axis of ``indices``."""
    sizes, dynamic = requested(shape)
    places = convert(indices)
    if places.spec.rank in (0, 1):
        raise ShapeError(
            f"scatter_nd: the indices must be a list of coordinates, of rank 2 or more, but have shape "
            f"{places.shape}. Write [[...]] for one place."
        )
    return _scatter_nd(places, updates, dynamic, sizes=sizes, name=name)


@op(infer_first=True)
def tensor_scatter_nd_update(tensor: Anything, indices: Rows, updates: Anything):
    """A copy of ``tensor`` with slices replaced by coordinates; of several for one place the last stays."""
    out = tensor.copy()
    out[coordinates(indices, tensor.shape)] = updates
    return out


@op(infer_first=True)
def tensor_scatter_nd_add(tensor: Numeric, indices: Rows, updates: Numeric):
    """A copy of ``tensor`` with slices added by coordinates."""
    return _added(tensor.copy(), coordinates(indices, tensor.shape), updates)


@op(infer_first=True)
def tensor_scatter_nd_sub(tensor: Numeric, indices: Rows, updates: Numeric):
    """A copy of ``tensor`` with slices subtracted by coordinates."""
    return _added(tensor.copy(), coordinates(indices, tensor.shape), -updates)


@op(infer_first=True)
def tensor_scatter_nd_max(tensor: Numeric, indices: Rows, updates: Numeric):
    """A copy of ``tensor`` where slices by coordinates are the larger of old and new."""
    out = tensor.copy()
    np.maximum.at(out, coordinates(indices, tensor.shape), updates)
    return out


@op(infer_first=True)
def tensor_scatter_nd_min(tensor: Numeric, indices: Rows, updates: Numeric):
    """A copy of ``tensor`` where slices by coordinates are the smaller of old and new."""
    out = tensor.copy()
    np.minimum.at(out, coordinates(indices, tensor.shape), updates)
    return out


def _scattered(tensor, indices, updates):
    if tensor.shape is not None:
        _check_updates(tensor.shape, indices.shape, updates.shape)
    return tensor


def _draw_updates(draw):
    tensor, indices = _draw_coordinates(draw)
    indices = np.unique(indices.reshape(-1, indices.shape[-1]), axis=0)  # the order of equal places is not defined
    return (tensor, indices, draw(shape=indices.shape[:-1] + tensor.shape[indices.shape[-1] :], dtype=tensor.dtype)), {}


for _adding in (tensor_scatter_nd_add, tensor_scatter_nd_sub):
    _adding.terms(lambda tensor, indices, updates: (
        updates.size + 1, tensor_scatter_nd_add.kernel(np.abs(tensor), indices, np.abs(updates))
    ))  # fmt: skip
for _scatter in (
    tensor_scatter_nd_update,
    tensor_scatter_nd_add,
    tensor_scatter_nd_sub,
    tensor_scatter_nd_max,
    tensor_scatter_nd_min,
):
    _scatter.infer(_scattered)
    _scatter.samples(_draw_updates)


@tensor_scatter_nd_update.vjp
def _(g, out, tensor, indices, updates):
    kept = tensor_scatter_nd_update(g, indices, zeros_like(updates))
    return kept, None, _gather_nd(g, indices, batch_dims=0)


@tensor_scatter_nd_add.vjp
def _(g, out, tensor, indices, updates):
    return g, None, _gather_nd(g, indices, batch_dims=0)


@tensor_scatter_nd_sub.vjp
def _(g, out, tensor, indices, updates):
    return g, None, -_gather_nd(g, indices, batch_dims=0)


def _extreme_vjp(g, out, tensor, indices, updates):
    """Where several are equally extreme, each gets an equal part."""
    from minitf.ops.comparisons import equal
    from minitf.ops.creating import cast

    stayed = cast(equal(out, tensor), g.dtype)
    moved = cast(equal(_gather_nd(out, indices, batch_dims=0), updates), g.dtype)
    part = g / tensor_scatter_nd_add(stayed, indices, moved)
    return stayed * part, None, moved * _gather_nd(part, indices, batch_dims=0)


tensor_scatter_nd_max.vjp(_extreme_vjp)
tensor_scatter_nd_min.vjp(_extreme_vjp)
