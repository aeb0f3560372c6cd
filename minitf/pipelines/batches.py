"""Datasets whose elements are several of another's, or parts of them: batches, rows, windows, datasets of elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from minitf.core.op import convert
from minitf.core.spec import as_shape
from minitf.core.structures import flatten, pack
from minitf.objects.tensor_spec import TensorSpec
from minitf.pipelines import grouping
from minitf.pipelines.cursors import Cursor, Shared, checked_size
from minitf.pipelines.described import AUTOTUNE, INFINITE, UNKNOWN, Described
from minitf.pipelines.elements import DatasetSpec, Leaves, array_of, reshaped, tensors_only
from minitf.pipelines.functions import ToDatasets
from minitf.pipelines.signatures import along


class Batches(Described):
    """Methods of ``Dataset`` that put elements together or take them apart."""

    def batch(self, batch_size: Any, drop_remainder: bool = False, num_parallel_calls: Any = None, deterministic: Any = None,
              name: str | None = None) -> Self:  # fmt: skip
        """``batch_size`` elements stacked into one; the last ones too, unless ``drop_remainder``."""
        size = checked_size(int(batch_size), "Batch size")
        rows = size if drop_remainder else None
        spec = reshaped(self._spec, grouping.batch_sizes(rows), "Dataset.batch")
        return self._in_batches("Batch", spec, size, drop_remainder, grouping.equal_rows)

    def _in_batches(self, name: str, spec: Any, size: int, whole: bool, stack: Callable[..., Any]) -> Self:
        count = self._count if self._count < 0 else self._count // size + bool(self._count % size and not whole)
        return self._next(name, lambda shared: grouping.Batched(self._cursor(shared), size, whole, stack), spec, count)

    def padded_batch(self, batch_size: Any, padded_shapes: Any = None, padding_values: Any = None,
                     drop_remainder: bool = False, name: str | None = None) -> Self:  # fmt: skip
        """As ``batch``, for tensors of different sizes, filled up to ``padded_shapes`` (None: the largest of the batch).

        Raises DataLossError for an element that is larger.
        """
        size = checked_size(int(batch_size), "Batch size")
        leaves = tensors_only(self._spec, "Dataset.padded_batch")
        shapes: list[Any] = [leaf.spec.shape for leaf in leaves]
        if padded_shapes is not None:
            shapes = [_padded(given) for given in along(self._spec, padded_shapes, "padded_batch")]
        if None in shapes:
            raise ValueError("Dataset.padded_batch: a part has an unknown rank, so padded_shapes must be given.")
        values = [padding_values] * len(leaves)
        if isinstance(padding_values, (tuple, dict)):
            values = along(self._spec, padding_values, "padded_batch")
        filling = [
            (b"" if leaf.dtype.kind == "S" else 0) if value is None else array_of(convert(value, leaf.dtype), "padding_values")
            for value, leaf in zip(values, leaves, strict=True)
        ]
        rows = size if drop_remainder else None
        spec = pack(self._spec, [TensorSpec((rows, *shape), leaf.dtype) for shape, leaf in zip(shapes, leaves, strict=True)])
        return self._in_batches("PaddedBatch", spec, size, drop_remainder, grouping.padded_rows(shapes, filling))

    def unbatch(self, name: str | None = None) -> Self:
        """The rows of the elements, one by one."""
        spec = reshaped(self._spec, grouping.without_rows, "Dataset.unbatch")
        rows: set[Any] = {leaf.spec.shape[0] if leaf.spec.shape else None for leaf in flatten(self._spec)} - {None}
        count = self._count * min(rows) if self._count >= 0 and rows else INFINITE if self._count == INFINITE else UNKNOWN
        return self._next("Unbatch", lambda shared: grouping.Rows(self._cursor(shared)), spec, count)

    def rebatch(self, batch_size: Any, drop_remainder: bool = False, name: str | None = None) -> Self:
        """Batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def window(self, size: Any, shift: Any = None, stride: Any = 1, drop_remainder: bool = False,
               name: str | None = None) -> Self:  # fmt: skip
        """``size`` elements at a time as datasets; of nested elements, one for each part. They begin ``shift`` (size) apart."""
        many = checked_size(int(size), "Window size")
        step = checked_size(many if shift is None else int(shift), "Window shift")
        between = checked_size(int(stride), "Window stride")
        parts = flatten(self._spec)
        spec = pack(self._spec, [DatasetSpec(part) for part in parts])

        def dataset_of(elements: list[Leaves], number: int) -> Any:
            return self._of_elements([[leaves[number]] for leaves in elements], parts[number])

        def start(shared: Shared) -> Cursor:
            return grouping.Windows(self._cursor(shared), many, step, between, drop_remainder, dataset_of, len(parts))

        return self._next("Window", start, spec, self._count if self._count < 0 else UNKNOWN)

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Self:
        """The elements of the datasets that ``map_func`` gives for the elements, one dataset after another.

        The function runs in Python for each element, and once before on tensors without values.
        """
        return self._interleaved("FlatMap", map_func, 1, 1)

    def interleave(self, map_func: Callable[..., Any], cycle_length: Any = None, block_length: Any = 1,
                   num_parallel_calls: Any = None, deterministic: Any = None, name: str | None = None) -> Self:  # fmt: skip
        """As ``flat_map``, with ``cycle_length`` (1) datasets open at a time, ``block_length`` elements of each in turn."""
        length = 1 if cycle_length is None or int(cycle_length) == AUTOTUNE else int(cycle_length)
        checked_size(length, "interleave: cycle_length")
        return self._interleaved("Interleave", map_func, length, checked_size(int(block_length), "interleave: block_length"))

    def _interleaved(self, name: str, map_func: Callable[..., Any], length: int, block: int) -> Self:
        function = ToDatasets(map_func, self._spec, f"Dataset.{name}", lambda leaf: self._of_elements([], leaf.element_spec))
        start = lambda shared: grouping.Interleaved(self._cursor(shared), function, length, block, shared)  # noqa: E731
        return self._next(name, start, function.element_spec, UNKNOWN)


def _padded(shape: Any) -> Any:
    """A shape in which -1 is an open size, too."""
    return as_shape(None if shape is None else [None if size == -1 else size for size in shape])
