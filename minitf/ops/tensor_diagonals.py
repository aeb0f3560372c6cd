"""Diagonals of whole tensors: ``tensor_diag`` doubles the axes of its input, ``tensor_diag_part`` halves them."""

from typing import Any

from minitf.core.op import convert
from minitf.errors import ShapeError
from minitf.ops.diagonals import diag, diag_part
from minitf.ops.joining import concat
from minitf.ops.shapes import reshape, shape


def tensor_diag(diagonal: Any, name: str | None = None) -> Any:
    """Zeros of shape ``s + s``, with ``diagonal``, of shape ``s``, where both halves of the indices agree.

    Raises ShapeError for a scalar.
    """
    x = convert(diagonal)
    if x.shape.rank == 0:
        raise ShapeError("tensor_diag: the diagonal must have at least rank 1, but it is a scalar.")
    sizes = x.shape.as_list() if x.shape.is_fully_defined() else shape(x)
    doubled = [*sizes, *sizes] if isinstance(sizes, list) else concat([sizes, sizes], 0)
    return reshape(diag(reshape(x, [-1])), doubled, name=name)


def tensor_diag_part(input: Any, name: str | None = None) -> Any:
    """The elements of a tensor of shape ``s + s`` where both halves of the indices agree, in shape ``s``.

    Raises ShapeError for an odd rank, rank 0, and halves that differ; ValueError if a session has to tell the rank.
    """
    x = convert(input)
    rank = x.shape.rank
    if rank is None:
        raise ValueError("tensor_diag_part: the rank must be known while the graph is built. Use ensure_shape.")
    half = rank // 2
    if rank == 0 or rank % 2:
        raise ShapeError(f"tensor_diag_part: the rank must be even and not 0, but the shape is {x.shape}.")
    if not x.shape[:half].is_compatible_with(x.shape[half:]):
        raise ShapeError(f"tensor_diag_part: both halves of the shape must be equal, but it is {x.shape}.")
    known = x.shape[:half].merge_with(x.shape[half:])
    sizes = known.as_list() if known.is_fully_defined() else shape(x)[:half]
    count = known.num_elements()
    if count is None:
        from minitf.ops.reductions import reduce_prod

        count = reduce_prod(sizes)
    return reshape(diag_part(reshape(x, [count, count])), sizes, name=name)
