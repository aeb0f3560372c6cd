"""Ops that part a tensor's slices by number and put them together again, and the lookup in a table of several pieces."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.core.dtypes import int32
from minitf.core.op import Anything, Index, convert, op
from minitf.core.spec import Spec, compatible, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.comparisons import where
from minitf.ops.creating import cast
from minitf.ops.extremes import maximum
from minitf.ops.gathering import gather
from minitf.ops.joining import concat
from minitf.ops.kinds import Rows
from minitf.ops.ranges import range as range_of
from minitf.ops.shapes import reshape, shape, size
from minitf.ops.static import known_int

# -- parting -----------------------------------------------------------------------------------------------------------


@op(name="dynamic_partition", infer_first=True)
def _dynamic_partition(data: Anything, partitions: Index, *, num_partitions):
    """The slices of a tensor, sorted into several."""
    numbers = np.asarray(partitions)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= num_partitions):
        bad = numbers[(numbers < 0) | (numbers >= num_partitions)].reshape(-1)[0]
        raise InvalidArgumentError(f"dynamic_partition: the number {bad} is not in [0, {num_partitions}).")
    return tuple(np.asarray(data)[numbers == number] for number in range(num_partitions))


@_dynamic_partition.infer
def _(data, partitions, *, num_partitions):
    if data.shape is None or partitions.shape is None:
        return (Spec(data.dtype, None),) * num_partitions
    rank = len(partitions.shape)
    if len(data.shape) < rank or not compatible(data.shape[:rank], partitions.shape):
        raise ShapeError(
            f"dynamic_partition: the shape of data must begin with that of partitions, but they are {shape_text(data.shape)} "
            f"and {shape_text(partitions.shape)}."
        )
    return (Spec(data.dtype, (None, *data.shape[rank:])),) * num_partitions


@_dynamic_partition.vjp
def _(g, out, data, partitions, *, num_partitions):
    places = reshape(range_of(size(partitions)), shape(partitions))
    indices = _dynamic_partition(places, partitions, num_partitions=num_partitions)
    return reshape(dynamic_stitch(list(indices), list(g)), shape(data)), None


@_dynamic_partition.samples
def _(draw):
    data = draw(Anything, shape=draw.shape())
    count = draw.integer(1, 4)
    rank = draw.integer(0, data.ndim)
    return (data, draw.integers(0, count - 1, shape=data.shape[:rank]).astype(np.int32)), {"num_partitions": count}


def dynamic_partition(data: Any, partitions: Any, num_partitions: int, name: str | None = None) -> list[Any]:
    """The slices of ``data``, sorted into ``num_partitions`` tensors by their numbers, each in the order in which they came.

    ``partitions`` (int32) has the number of each slice; the shape of ``data`` begins with its shape. Raises ShapeError if it
    does not, InvalidArgumentError for a number that is not in [0, ``num_partitions``) and for less than one partition.
    """
    count = known_int(num_partitions, "num_partitions")
    if count < 1:
        raise InvalidArgumentError(f"dynamic_partition: num_partitions must be positive, not {count}.")
    return list(_dynamic_partition(convert(data), convert(partitions), num_partitions=count, name=name))


# -- putting together --------------------------------------------------------------------------------------------------


@op(name="dynamic_stitch", infer_first=True)
def _dynamic_stitch(indices: Rows, data: Anything):
    """Slices put where their numbers say; of those with one number the last."""
    if indices.size and indices.min() < 0:
        raise InvalidArgumentError(f"dynamic_stitch: the number {indices.min()} is negative.")
    out = np.zeros((int(indices.max()) + 1 if indices.size else 0, *data.shape[1:]), data.dtype)
    if data.dtype == object:
        out.fill(b"")
    for number, value in zip(indices.tolist(), data, strict=True):  # in order, so that the last one stays
        out[number] = value
    return out


@_dynamic_stitch.infer
def _(indices, data):
    return Spec(data.dtype, None if data.shape is None else (None, *data.shape[1:]))


@_dynamic_stitch.vjp
def _(g, out, indices, data):
    return None, gather(g, indices)


@_dynamic_stitch.samples
def _(draw):
    data = draw(Anything, shape=draw.shape(least=1))
    order = np.argsort(draw.integers(0, 99, shape=data.shape[:1]), kind="stable")
    return (order.astype(np.int32), data), {}


def dynamic_stitch(indices: Sequence[Any], data: Sequence[Any], name: str | None = None) -> Any:
    """The slices of the tensors ``data`` in one tensor, each where ``indices`` (int32) says.

    ``data[i]`` has the shape of ``indices[i]``, then a shape that all share. Of slices with one number the last stays; a number
    that nobody has leaves zeros. Raises ValueError for lists that are empty or of different lengths, ShapeError for shapes that
    do not go together.
    """
    if len(indices) != len(data) or not data:
        raise ValueError(f"dynamic_stitch: as many indices as data are needed, one at least; not {len(indices)}, {len(data)}.")
    numbers, values = [convert(i) for i in indices], [convert(d) for d in data]
    for number, value in zip(numbers, values, strict=True):
        own, whole = number.spec.shape, value.spec.shape
        if own is not None and whole is not None and not compatible(whole[: len(own)], own):
            raise ShapeError(
                f"dynamic_stitch: the shape of data must begin with that of its indices, but they are {shape_text(whole)} and "
                f"{shape_text(own)}."
            )
    rows = [_in_a_row(number, value) for number, value in zip(numbers, values, strict=True)]
    return _dynamic_stitch(concat([reshape(number, (-1,)) for number in numbers], 0), concat(rows, 0), name=name)


def _in_a_row(number: Any, value: Any) -> Any:
    """The slices of ``value`` along one axis; ``number`` has a number for each."""
    rank = len(number.shape)
    if rank == 1:
        return value
    return reshape(value, concat([reshape(size(number), (1,)), shape(value)[rank:]], 0))


# -- tables in pieces --------------------------------------------------------------------------------------------------


def embedding_lookup(params: Any, ids: Any, max_norm: Any = None, name: str | None = None) -> Any:
    """The rows of ``params`` with numbers ``ids``; with ``max_norm`` longer rows are scaled down to that length.

    ``params`` is a table, a partitioned variable, or a list of tables that are the pieces of one, the first rows in the first.
    """
    return lookup(params, ids, "div", max_norm, name)


def lookup(params: Any, ids: Any, strategy: str, max_norm: Any, name: str | None) -> Any:
    """``embedding_lookup`` in pieces that have rows in turn (``strategy`` "mod"), or one piece after the other ("div").

    Raises ValueError for another strategy, and for an empty list.
    """
    if hasattr(params, "_get_variable_list"):
        params = params._get_variable_list()
    pieces = list(params) if isinstance(params, (list, tuple)) and any(hasattr(p, "shape") for p in params) else [params]
    if len(pieces) == 0:
        raise ValueError("embedding_lookup: at least one table is needed.")
    rows = gather(pieces[0], ids, name=name) if len(pieces) == 1 else _in_pieces(pieces, convert(ids), strategy)
    if max_norm is None:
        return rows
    from minitf.ops.norms import clip_by_norm

    return clip_by_norm(rows, max_norm, axes=list(range(len(convert(ids).shape), len(rows.shape))))


def _in_pieces(pieces: list[Any], ids: Any, strategy: str) -> Any:
    count, flat = len(pieces), reshape(ids, (-1,))
    if strategy == "mod":
        piece, row = flat % count, flat // count
    elif strategy == "div":  # the first pieces have one row more, if they cannot all have as many
        total = sum(int(p.shape[0]) for p in pieces)
        least, longer = divmod(total, count)
        piece = maximum(flat // (least + 1), (flat - longer) // max(1, least))
        row = where(piece < longer, flat % (least + 1), (flat - longer) % max(1, least))
    else:
        raise ValueError(f"embedding_lookup: partition_strategy must be 'mod' or 'div', not {strategy!r}.")
    piece = cast(piece, int32)
    rows = _dynamic_partition(row, piece, num_partitions=count)
    places = _dynamic_partition(range_of(size(flat)), piece, num_partitions=count)
    found = dynamic_stitch(list(places), [gather(p, r) for p, r in zip(pieces, rows, strict=True)])
    return reshape(found, concat([shape(ids), shape(pieces[0])[1:]], 0))
