"""Space into batch and back: each block of places becomes slices of the batch."""

from typing import Any

import numpy as np

from minitf.core.op import convert
from minitf.errors import ShapeError
from minitf.ops.padding import pad
from minitf.ops.shapes import reshape, shape
from minitf.ops.shaping import transpose
from minitf.ops.static import known


def _numbers(value: Any, what: str, rank: int) -> Any:
    found = known(convert(value))
    if found is None:
        raise ValueError(f"{what} must be known while the graph is built.")
    array = np.asarray(found, np.int64)
    if array.ndim != rank:
        raise ShapeError(f"{what} must have rank {rank}, but it has shape {array.shape}.")
    return array


def _settings(input: Any, block_shape: Any, around: Any, what: str, name: str) -> tuple[Any, list[int], Any]:
    x, blocks, rims = convert(input), _numbers(block_shape, f"{name}: block_shape", 1), _numbers(around, f"{name}: {what}", 2)
    count = len(blocks)
    if rims.shape != (count, 2):
        raise ShapeError(f"{name}: {what} must have the shape ({count}, 2), but it has {rims.shape}.")
    if (blocks < 1).any() or (rims < 0).any():
        raise ShapeError(f"{name}: block_shape must be positive and {what} not negative: {blocks.tolist()}, {rims.tolist()}.")
    if x.shape.rank is None:
        raise ValueError(f"{name}: the rank of the input must be known while the graph is built. Use ensure_shape.")
    if x.shape.rank < 1 + count:
        raise ShapeError(f"{name}: an input of shape {x.shape} has no {count} axes behind the batch.")
    return x, blocks.tolist(), rims


def _sizes(x: Any) -> list[Any]:
    sizes = x.shape.as_list()
    return [shape(x)[i] if s is None else s for i, s in enumerate(sizes)]


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """Puts the places of each block of ``block_shape``, behind the first axis, into the first axis.

    ``input`` is padded with zeros by ``paddings``, a pair for each of these axes; then their sizes must be multiples of the
    block's. Raises ShapeError if they are not; ValueError if a session has to tell ``block_shape``, ``paddings`` or the rank.
    """
    x, blocks, rims = _settings(input, block_shape, paddings, "paddings", "space_to_batch")
    n, rest = len(blocks), x.shape.rank - 1 - len(blocks)
    if rims.any():
        x = pad(x, [[0, 0], *rims.tolist(), *[[0, 0]] * rest])
    sizes = _sizes(x)
    for size, block in zip(sizes[1:], blocks, strict=False):
        if isinstance(size, int) and size % block:
            raise ShapeError(f"space_to_batch: padded, an axis has size {size}, which is no multiple of {block}.")
    parted = [part for s, b in zip(sizes[1 : n + 1], blocks, strict=True) for part in (s // b, b)]
    folded = reshape(x, [sizes[0], *parted, *sizes[n + 1 :]])
    inside, outside = [2 + 2 * i for i in range(n)], [1 + 2 * i for i in range(n)]
    moved = transpose(folded, [*inside, 0, *outside, *range(2 * n + 1, 2 * n + 1 + rest)])
    batch = sizes[0]
    for block in blocks:
        batch = batch * block
    return reshape(moved, [batch, *parted[::2], *sizes[n + 1 :]], name=name)


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """The inverse of ``space_to_batch``: takes blocks out of the first axis, and cuts ``crops`` off the axes behind it.

    Raises ShapeError if the batch is no multiple of the block, or nothing is left to cut off; ValueError if a session has to
    tell ``block_shape``, ``crops`` or the rank.
    """
    x, blocks, rims = _settings(input, block_shape, crops, "crops", "batch_to_space")
    n, rest, sizes = len(blocks), x.shape.rank - 1 - len(blocks), _sizes(x)
    places = int(np.prod(blocks))
    if isinstance(sizes[0], int) and sizes[0] % places:
        raise ShapeError(f"batch_to_space: the batch has size {sizes[0]}, which is no multiple of {places}.")
    folded = reshape(x, [*blocks, sizes[0] // places, *sizes[1:]])
    order = [n, *[axis for i in range(n) for axis in (n + 1 + i, i)], *range(2 * n + 1, 2 * n + 1 + rest)]
    grown = [s * b for s, b in zip(sizes[1 : n + 1], blocks, strict=True)]
    whole = reshape(transpose(folded, order), [sizes[0] // places, *grown, *sizes[n + 1 :]], name=name)
    if not rims.any():
        return whole
    for size, (before, after) in zip(grown, rims.tolist(), strict=True):
        if isinstance(size, int) and size < before + after:
            raise ShapeError(f"batch_to_space: {before} and {after} cannot be cut off an axis of size {size}.")
    cut = [slice(before, -after if after else None) for before, after in rims.tolist()]
    return whole[(slice(None), *cut)]


def space_to_batch(input: Any, block_shape: Any, paddings: Any, name: str | None = None) -> Any:
    """See ``space_to_batch_nd``."""
    return space_to_batch_nd(input, block_shape, paddings, name)


def batch_to_space(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Any:
    """See ``batch_to_space_nd``."""
    return batch_to_space_nd(input, block_shape, crops, name)


