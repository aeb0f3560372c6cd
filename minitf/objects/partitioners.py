"""Partitioners: functions that say into how many pieces a variable is cut along each axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minitf.core import dtypes, names
from minitf.core.spec import as_shape
from minitf.objects.variable_scope import variable_scope
from minitf.objects.variable_table import named_variable

Partitioner = Callable[..., list[int]]


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """A partitioner that cuts ``axis`` into ``num_shards`` pieces."""

    def partitioner(shape: Any, dtype: Any, **unused: Any) -> list[int]:
        counts = [1] * len(_sizes(shape))
        counts[axis] = num_shards
        return counts

    return partitioner


def variable_axis_size_partitioner(
    max_shard_bytes: int, axis: int = 0, bytes_per_string_element: int = 16, max_shards: int | None = None
) -> Partitioner:
    """A partitioner that cuts ``axis`` into as few pieces as there can be of at most ``max_shard_bytes`` bytes each.

    There are never more pieces than the axis is long, or than ``max_shards``; then pieces are larger. A string counts as
    ``bytes_per_string_element`` bytes. Raises ValueError unless all of these are positive.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError(
            "variable_axis_size_partitioner: max_shard_bytes and bytes_per_string_element must be positive, not "
            f"{max_shard_bytes} and {bytes_per_string_element}."
        )
    if max_shards is not None and max_shards < 1:
        raise ValueError(f"variable_axis_size_partitioner: max_shards must be positive, not {max_shards}.")

    def partitioner(shape: Any, dtype: Any, **unused: Any) -> list[int]:
        sizes = _sizes(shape)
        counts = [1] * len(sizes)
        slice_bytes = _bytes(sizes, dtype, bytes_per_string_element) // max(1, sizes[axis])
        a_shard = max(1, max_shard_bytes // max(1, slice_bytes))  # rows of a piece
        count = max(1, math.ceil(sizes[axis] / a_shard))
        counts[axis] = count if max_shards is None else min(count, max_shards)
        return counts

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1, axis: int = 0, min_slice_size: int = 256 << 10, bytes_per_string_element: int = 16
) -> Partitioner:
    """A partitioner that cuts ``axis`` into as many pieces of at least ``min_slice_size`` bytes as there can be.

    There are at most ``max_partitions``, and never more than the axis is long. A string counts as ``bytes_per_string_element``
    bytes. Raises ValueError unless ``min_slice_size`` is positive.
    """
    if min_slice_size < 1:
        raise ValueError(f"min_max_variable_partitioner: min_slice_size must be positive, not {min_slice_size}.")

    def partitioner(shape: Any, dtype: Any, **unused: Any) -> list[int]:
        sizes = _sizes(shape)
        counts = [1] * len(sizes)
        fit = _bytes(sizes, dtype, bytes_per_string_element) // min_slice_size
        counts[axis] = max(1, min(sizes[axis], max_partitions, fit))
        return counts

    return partitioner


def create_partitioned_variables(
    shape: Any, slicing: Sequence[int], initializer: Any, dtype: Any = dtypes.float32, trainable: bool = True,
    collections: Any = None, name: str | None = None, reuse: Any = None,
) -> list[Any]:  # fmt: skip
    """The pieces of a new partitioned variable, cut into so many pieces along each axis; ``slicing`` is a list of numbers.

    Without a name it is called ``PartitionedVariable``. Raises as ``get_variable``.
    """
    if len(slicing) != len(_sizes(shape)):
        raise ValueError(f"create_partitioned_variables: slicing {list(slicing)} needs a number for each axis of {shape!r}.")
    with (
        variable_scope(name, default_name="PartitionedVariable", reuse=reuse) as scope,
        names.entered(names.Scope("", names.scope().control)),
    ):
        whole = named_variable(
            scope.name, shape, dtype, initializer, reuse=scope.reuse, trainable=trainable, collections=collections,
            partitioner=lambda **unused: list(slicing),
        )  # fmt: skip
    return list(whole)


def _sizes(shape: Any) -> tuple[int, ...]:
    sizes = as_shape(shape)
    if sizes is None or None in sizes:
        raise ValueError(f"A partitioner needs a fully known shape, not {shape!r}.")
    return sizes  # type: ignore[return-value]


def _bytes(sizes: tuple[int, ...], dtype: Any, of_string: int) -> int:
    dtype = dtypes.as_dtype(dtype)
    return math.prod(sizes) * (of_string if dtype is dtypes.string else dtype.size)
