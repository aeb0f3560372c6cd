"""Places in shapes: ``unravel_index``, shapes that broadcast, sequences turned round."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Index, convert, op
from minitf.core.spec import Spec, TensorShape, as_shape, broadcast_shapes, compatible, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.kinds import Seed
from minitf.ops.shapes import shape

# -- numbers and coordinates -------------------------------------------------------------------------------------------


@op(infer_first=True)
def unravel_index(indices: Index, dims: Index):
    """The coordinates, one row for each axis, of elements given by their number in a tensor of the shape ``dims``.

    Raises InvalidArgumentError for a number that the shape does not have.
    """
    sizes = np.asarray(dims)
    if np.any(np.asarray(indices) >= np.prod(sizes, dtype=np.int64)) or np.any(sizes == 0):
        numbers = np.asarray(indices).tolist()
        raise InvalidArgumentError(f"unravel_index: a number of {numbers} is too large for the shape {sizes.tolist()}.")
    rows, rest = [], np.asarray(indices)
    for i in range(len(sizes)):
        below = np.prod(sizes[i + 1 :], dtype=sizes.dtype)
        at = np.trunc(rest / below).astype(sizes.dtype)  # as C divides: a negative number keeps its sign
        rows.append(at)
        rest = rest - at * below
    return np.stack(rows) if rows else np.zeros((0, *np.shape(indices)), sizes.dtype)


@unravel_index.infer
def _(indices, dims):
    if dims.rank not in (None, 1):
        raise ShapeError(f"unravel_index: dims must be a vector, but it has shape {shape_text(dims.shape)}.")
    if indices.rank not in (None, 0, 1):
        raise ShapeError(f"unravel_index: indices must be a scalar or vector, but they have shape {shape_text(indices.shape)}.")
    if dims.shape is None or indices.shape is None:
        return Spec(dims.dtype, None)
    return Spec(dims.dtype, (dims.shape[0], *indices.shape))


@unravel_index.samples
def _(draw):
    sizes = np.array([draw.integer(1, 4) for _ in range(draw.integer(1, 3))], np.int32)
    indices = draw.integers(0, int(np.prod(sizes)) - 1, shape=draw.choice([(), (3,)]))
    return (indices, sizes.astype(indices.dtype)), {}


# -- shapes ------------------------------------------------------------------------------------------------------------


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape that both broadcast to. Raises ShapeError if they do not go together."""
    return TensorShape(broadcast_shapes(as_shape(shape_x), as_shape(shape_y)))


@op(name="broadcast_args")
def _broadcast_args(s0: Index, s1: Index):
    """The shape that two shapes broadcast to."""
    try:
        out = np.broadcast_shapes(tuple(s0), tuple(s1))
    except ValueError:
        raise ShapeError(f"Shapes {tuple(s0.tolist())} and {tuple(s1.tolist())} do not broadcast.") from None
    return np.array(out, s0.dtype)


@_broadcast_args.infer
def _(s0, s1):
    for s in (s0, s1):
        if s.rank not in (None, 1):
            raise ShapeError(f"broadcast_dynamic_shape: a shape is a vector, not of shape {shape_text(s.shape)}.")
    if s0.shape is None or s1.shape is None or None in (*s0.shape, *s1.shape):
        return Spec(s0.dtype, (None,))
    return Spec(s0.dtype, (max(s0.shape[0], s1.shape[0]),))


@_broadcast_args.samples
def _(draw):
    sizes = [draw.integer(1, 4) for _ in range(draw.integer(0, 3))]
    other = [draw.choice([1, n]) for n in sizes][draw.integer(0, len(sizes)) :]
    return (np.array(sizes, np.int32), np.array(other, np.int32)), {}


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Any:
    """The shape that both broadcast to; shapes are integer vectors, also tensors. Raises ShapeError if there is none."""
    x, y = (s if hasattr(s, "dtype") else convert(s, dtypes.int32) for s in (shape_x, shape_y))
    return _broadcast_args(x, y)


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Any]:
    """The shapes of the tensors of a list."""
    return [shape(x, out_type) for x in input]


# -- sequences ---------------------------------------------------------------------------------------------------------


@op(name="reverse_sequence", infer_first=True)
def _reverse_sequence(input: Anything, seq_lengths: Seed, *, seq_axis, batch_axis):
    """Turns the first elements along an axis round, of each slice of a batch another number."""
    size = input.shape[seq_axis]
    if np.any(seq_lengths < 0) or np.any(seq_lengths > size):
        raise InvalidArgumentError(f"reverse_sequence: lengths {seq_lengths.tolist()} must be in [0, {size}].")
    rows = np.moveaxis(input, (batch_axis, seq_axis), (0, 1))
    at, lengths = np.arange(size), seq_lengths[:, None]
    taken = rows[np.arange(len(rows))[:, None], np.where(at < lengths, lengths - 1 - at, at)]
    return np.moveaxis(taken, (0, 1), (batch_axis, seq_axis))


@_reverse_sequence.infer
def _(input, seq_lengths, *, seq_axis, batch_axis):
    if seq_lengths.rank not in (None, 1):
        raise ShapeError(f"reverse_sequence: seq_lengths must be a vector, not of shape {shape_text(seq_lengths.shape)}.")
    if seq_axis == batch_axis or min(seq_axis, batch_axis) < 0:
        raise ShapeError(f"reverse_sequence: seq_axis={seq_axis} and batch_axis={batch_axis} must be two axes from the front.")
    if input.shape is None:
        return input
    if max(seq_axis, batch_axis) >= len(input.shape):
        raise ShapeError(
            f"reverse_sequence: seq_axis={seq_axis}, batch_axis={batch_axis} must be axes of shape {shape_text(input.shape)}."
        )
    if seq_lengths.shape is not None and not compatible(seq_lengths.shape, (input.shape[batch_axis],)):
        raise ShapeError(
            f"reverse_sequence: there must be one length for each of the {input.shape[batch_axis]} slices of the batch, not "
            f"{seq_lengths.shape[0]}."
        )
    return input


@_reverse_sequence.vjp(reads="seq_lengths")
def _(g, out, input, seq_lengths, *, seq_axis, batch_axis):
    return _reverse_sequence(g, seq_lengths, seq_axis=seq_axis, batch_axis=batch_axis), None


@_reverse_sequence.samples
def _(draw):
    x = draw(Anything, shape=draw.shape(least=2))
    seq_axis, batch_axis = draw.shuffled(range(x.ndim))[:2]
    lengths = draw.integers(0, x.shape[seq_axis], shape=(x.shape[batch_axis],))
    return (x, lengths), {"seq_axis": seq_axis, "batch_axis": batch_axis}


def reverse_sequence(
    input: Any, seq_lengths: Any, seq_axis: Any = None, batch_axis: Any = None, name: str | None = None
) -> Any:
    """``input`` with the first ``seq_lengths[i]`` elements along ``seq_axis`` turned round, for each i along ``batch_axis``.

    Raises TypeError without ``seq_axis``, InvalidArgumentError for a length that is negative or more than there is.
    """
    if seq_axis is None:
        raise TypeError("reverse_sequence: seq_axis is missing.")
    return _reverse_sequence(input, seq_lengths, seq_axis=int(seq_axis), batch_axis=int(batch_axis or 0), name=name)


