"""Order: sort, argsort, top_k, unique, searchsorted."""

from typing import Any, NamedTuple

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Index, Real, convert, op
from minitf.core.spec import Spec, merge_shapes, shape_text, total_size
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.creating import cast
from minitf.ops.gathering import gather, gather_grad
from minitf.ops.kinds import Single, Wide
from minitf.ops.shaping import transpose
from minitf.ops.static import known_int, one_axis


class TopK(NamedTuple):
    """What ``top_k`` gives."""

    values: Any
    indices: Any


class Unique(NamedTuple):
    """What ``unique`` gives."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """What ``unique_with_counts`` gives."""

    y: Any
    idx: Any
    count: Any


# -- sorting -----------------------------------------------------------------------------------------------------------


def _order(values, axis, descending):
    """Positions that sort; equal elements keep their order."""
    if not descending:
        return np.argsort(values, axis=axis, kind="stable")
    turned = np.argsort(np.flip(values, axis), axis=axis, kind="stable")
    return values.shape[axis] - 1 - np.flip(turned, axis)


@op(name="argsort", infer_first=True)
def _argsort(values: Real, *, axis, descending):
    """The positions that sort along an axis."""
    return _order(values, axis, descending).astype(np.int32)


@_argsort.infer
def _(values, *, axis, descending):
    if values.shape is not None:
        if not values.shape:
            raise ShapeError("A tensor of rank 0 has no axis to be sorted along.")
        one_axis(axis, len(values.shape))
    return Spec(dtypes.int32, values.shape)


@_argsort.samples
def _(draw):
    return (draw(Real, shape=draw.shape(least=1)),), {"axis": draw.integer(-1, 0), "descending": draw.choice([False, True])}


def _descending(direction: str) -> bool:
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction must be 'ASCENDING' or 'DESCENDING', not {direction!r}.")
    return direction == "DESCENDING"


def argsort(values: Any, axis: Any = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None) -> Any:
    """The positions (int32) that sort ``values`` along ``axis``; equal elements always keep their order."""
    return _argsort(values, axis=known_int(axis, "axis"), descending=_descending(direction), name=name)


def sort(values: Any, axis: Any = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """``values`` sorted along ``axis``."""
    x = convert(values)
    at = known_int(axis, "axis")
    order = argsort(x, at, direction)
    rank = len(x.shape)
    at %= rank
    if at == rank - 1:
        return gather(x, order, axis=at, batch_dims=rank - 1, name=name)
    swapped = [*(i for i in range(rank) if i != at), at]
    back = [int(i) for i in np.argsort(swapped)]
    return transpose(
        gather(transpose(x, swapped), transpose(order, swapped), axis=rank - 1, batch_dims=rank - 1), back, name=name
    )


@op(name="top_k", infer_first=True)
def _top_k(input: Real, *, k, index_type):
    """The largest elements of the last axis, largest first, and their positions."""
    places = _order(input, -1, True)[..., :k]
    return np.take_along_axis(input, places, -1), places.astype(index_type.np)


@_top_k.infer
def _(input, *, k, index_type):
    if input.shape is None:
        return input, Spec(index_type, None)
    if not input.shape:
        raise ShapeError("top_k looks along the last axis, but the tensor has rank 0.")
    if k < 0 or (input.shape[-1] is not None and input.shape[-1] < k):
        raise ShapeError(f"A tensor of shape {shape_text(input.shape)} has no {k} largest elements in its last axis.")
    sizes = (*input.shape[:-1], k)
    return Spec(input.dtype, sizes), Spec(index_type, sizes)


@_top_k.vjp
def _(g, out, input, *, k, index_type):
    rank = len(input.shape)
    return (gather_grad(g[0], out[1], input, axis=rank - 1, batch_dims=rank - 1),)


@_top_k.samples
def _(draw):
    x = draw(shape=draw.shape(least=1))
    return (x,), {"k": draw.integer(0, x.shape[-1]), "index_type": dtypes.int32}


def top_k(input: Any, k: Any = 1, sorted: bool = True, index_type: Any = dtypes.int32, name: str | None = None) -> Any:
    """The ``k`` largest elements along the last axis and their positions, as ``(values, indices)``; of equal ones the first."""
    values, indices = _top_k(input, k=known_int(k, "k"), index_type=dtypes.as_dtype(index_type), name=name)
    return TopK(values, indices)


@op(name="in_top_k", infer_first=True)
def _in_top_k(predictions: Single, targets: Index, *, k):
    """True where a row's target is among its k largest."""
    chosen = np.take_along_axis(predictions, targets[:, None].clip(0, max(predictions.shape[1] - 1, 0)), 1)
    fine = np.isfinite(chosen[:, 0]) & (targets >= 0) & (targets < predictions.shape[1])
    return fine & ((predictions > chosen).sum(1) < k)


@_in_top_k.infer
def _(predictions, targets, *, k):
    if predictions.rank not in (None, 2) or targets.rank not in (None, 1):
        raise ShapeError(
            f"in_top_k takes a matrix and a vector, not {shape_text(predictions.shape)} and {shape_text(targets.shape)}."
        )
    rows = None if predictions.shape is None else predictions.shape[:1]
    return Spec(dtypes.bool, merge_shapes(rows, targets.shape))


@_in_top_k.samples
def _(draw):
    x = draw(Single, shape=(draw.integer(0, 3), draw.integer(1, 4)))
    return (x, draw.integers(0, x.shape[1] - 1, shape=x.shape[:1])), {"k": draw.integer(1, 3)}


def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Any:
    """For each row of ``predictions`` whether the class ``targets[i]`` is among the ``k`` largest (ties count)."""
    return _in_top_k(predictions, targets, k=known_int(k, "k"), name=name)


# -- sets of values ----------------------------------------------------------------------------------------------------


@op(name="unique", infer_first=True)
def _unique(x: Anything, *, out_idx):
    """The different elements in order of appearance, where each stands among them, how often it is there."""
    values, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    kind = out_idx.np
    return values[order], place[inverse.reshape(x.shape)].astype(kind), counts[order].astype(kind)


@_unique.infer
def _(x, *, out_idx):
    if x.rank not in (None, 1):
        raise ShapeError(f"unique takes a vector, not shape {shape_text(x.shape)}.")
    return Spec(x.dtype, (None,)), Spec(out_idx, x.shape), Spec(out_idx, (None,))


@_unique.samples
def _(draw):
    return (draw(Anything, shape=(draw.integer(0, 6),)),), {"out_idx": draw.choice([dtypes.int32, dtypes.int64])}


def unique(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """The different elements of a vector in order of appearance, and for each element its number among them: ``(y, idx)``."""
    return Unique(*_unique(x, out_idx=dtypes.as_dtype(out_idx), name=name)[:2])


def unique_with_counts(x: Any, out_idx: Any = dtypes.int32, name: str | None = None) -> Any:
    """As ``unique``, and how often each is there: ``(y, idx, count)``."""
    return UniqueWithCounts(*_unique(x, out_idx=dtypes.as_dtype(out_idx), name=name))


@op(name="searchsorted", infer_first=True)
def _searchsorted(sorted_sequence: Real, values: Real, *, side, out_type):
    """Where to insert values so that the last axis stays sorted."""
    rows = sorted_sequence.reshape(total_size(sorted_sequence.shape[:-1]), -1 if sorted_sequence.size else 0)
    wanted = values.reshape(total_size(values.shape[:-1]), -1 if values.size else 0)
    if len(rows) != len(wanted):
        raise ShapeError(_other_rows(sorted_sequence.shape, values.shape))
    found = [np.searchsorted(r, w, side) for r, w in zip(rows, wanted, strict=True)]
    return np.array(found, dtype=out_type.np).reshape(values.shape)


def _other_rows(have, wanted):
    return f"Each row of values is looked up in a sorted row, but the shapes are {shape_text(have)} and {shape_text(wanted)}."


@_searchsorted.infer
def _(sorted_sequence, values, *, side, out_type):
    if sorted_sequence.shape is not None and values.shape is not None:
        if not sorted_sequence.shape or not values.shape:
            raise ShapeError("searchsorted looks along the last axis, but a tensor has rank 0.")
        rows, wanted = sorted_sequence.shape[:-1], values.shape[:-1]
        if None not in (*rows, *wanted) and total_size(rows) != total_size(wanted):
            raise ShapeError(_other_rows(sorted_sequence.shape, values.shape))
    return Spec(out_type, values.shape)


@_searchsorted.samples
def _(draw):
    rows = draw.shape(most=1, smallest=1)
    x = np.sort(draw(shape=(*rows, draw.integer(1, 4))), -1)
    y = draw(shape=(*rows, draw.integer(1, 4)), dtype=x.dtype)
    return (x, y), {"side": draw.choice(["left", "right"]), "out_type": dtypes.int32}


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = dtypes.int32, name: str | None = None
) -> Any:
    """Where each value would have to be inserted into the sorted last axis of ``sorted_sequence`` to keep it sorted."""
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right', not {side!r}.")
    return _searchsorted(sorted_sequence, values, side=side, out_type=dtypes.as_dtype(out_type), name=name)


@op(name="bincount", infer_first=True)
def _bincount(arr: Index, weights: Wide = None, *, size, dtype):
    """How often each number from 0 on occurs, or the sum of its weights."""
    if arr.size and arr.min() < 0:
        raise InvalidArgumentError(f"bincount counts numbers from 0 on, but one is {arr.min()}.")
    length = max(int(arr.max()) + 1 if arr.size else 0, size[0])
    if size[1] is not None:
        length = min(length, size[1])
    kept = arr.reshape(-1) < length
    out = np.zeros(length, dtype.np)
    np.add.at(out, arr.reshape(-1)[kept], 1 if weights is None else weights.reshape(-1)[kept])
    return out


@_bincount.infer
def _(arr, weights=None, *, size, dtype):
    return Spec(dtype, (size[0] if size[0] == size[1] else None,))


@_bincount.samples
def _(draw):
    return (draw.integers(0, 4, shape=draw.shape()), None), {"size": (draw.integer(0, 3), None), "dtype": dtypes.int32}


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """How often each natural number occurs in ``arr`` (or the sum of its ``weights``), from 0 to the largest one.

    The length is at least ``minlength`` and at most ``maxlength``; larger numbers are then not counted.
    """
    least = 0 if minlength is None else known_int(minlength, "minlength")
    most = None if maxlength is None else known_int(maxlength, "maxlength")
    given = None if weights is None else convert(weights)
    numbers = convert(arr)
    numbers = cast(numbers, dtypes.int32) if numbers.dtype.kind in "fcb" else numbers  # as in TensorFlow
    return _bincount(
        numbers, given, size=(least, most), dtype=dtypes.as_dtype(dtype) if given is None else given.dtype, name=name
    )
