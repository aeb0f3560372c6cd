"""Datasets that are made of values: tensors, numbers, what a generator gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from minitf.core.structures import flatten, pack
from minitf.core.tensor import SymbolicTensor
from minitf.errors import InvalidArgumentError
from minitf.objects.tensor_spec import TensorSpec
from minitf.pipelines import cursors
from minitf.pipelines.cursors import Cursor, Shared
from minitf.pipelines.described import INFINITE, UNKNOWN, Described, no_value, valued
from minitf.pipelines.elements import array_of, element_of, row_of, spec_of, tensors_only
from minitf.pipelines.philox import Seeds
from minitf.pipelines.seeding import seeds_of
from minitf.pipelines.signatures import along, leaves_like


class Sources(Described):
    """Functions of the class ``Dataset`` that make one of values."""

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Self:
        """One element."""
        element = element_of(tensors)
        return cls("Tensor", spec_of(element), lambda _: cursors.One(valued(element, "from_tensors")), 1)

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Self:
        """The rows of tensors, which must have as many each. Raises ValueError for a scalar or other numbers of rows."""
        element = element_of(tensors)
        leaves = flatten(element)
        tensors_only(spec_of(leaves), "from_tensor_slices")
        for leaf in leaves:
            if leaf.shape.rank == 0:
                raise ValueError("from_tensor_slices: a scalar has no rows. Unbatching a tensor needs rank >= 1.")
            if leaf.shape.rank and not leaf.shape[:1].is_compatible_with(leaves[0].shape[:1]):
                raise ValueError(
                    f"from_tensor_slices: the parts must have as many rows each, but dimensions {leaves[0].shape[0]} and "
                    f"{leaf.shape[0]} are not compatible."
                )
        spec = pack(element, [TensorSpec(leaf.shape[1:], leaf.dtype) for leaf in leaves])
        count = leaves[0].shape[0] if leaves[0].shape.rank else None

        def start(shared: Shared) -> Cursor:
            arrays = [array_of(leaf, "from_tensor_slices") for leaf in leaves]
            return cursors.Listed(lambda i: [row_of(array, i) for array in arrays], len(arrays[0]))

        return cls("TensorSlice", spec, start, UNKNOWN if count is None else count)

    @classmethod
    def range(cls, *args: Any, output_type: Any = "int64", name: str | None = None) -> Self:
        """The numbers of Python's ``range``. Raises InvalidArgumentError for a step of 0."""
        spec = TensorSpec([], output_type)
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Dataset.range takes one to three numbers, not {len(args)}.")
        if any(isinstance(arg, SymbolicTensor) for arg in args):
            return cls("Range", spec, lambda _: no_value(args), UNKNOWN)
        numbers = range(*[int(arg) for arg in args]) if len(args) < 3 or int(args[2]) else None
        if numbers is None:
            raise InvalidArgumentError("Dataset.range: step must be a non-zero integer.")
        start = lambda _: cursors.Counted(numbers.start, numbers.stop, numbers.step, spec.dtype.np)  # noqa: E731
        return cls("Range", spec, start, len(numbers))

    @classmethod
    def counter(cls, start: int = 0, step: int = 1, dtype: Any = "int64", name: str | None = None) -> Self:
        """Numbers in equal steps, without end."""
        spec = TensorSpec([], dtype)
        return cls("Counter", spec, lambda _: cursors.Counted(int(start), None, int(step), spec.dtype.np), INFINITE)

    @classmethod
    def random(cls, seed: Any = None, rerandomize_each_iteration: bool | None = None, name: str | None = None) -> Self:
        """Numbers below 2**32 by chance, int64, without end; with the same ``seed`` TensorFlow's. The same in each iteration,
        unless ``rerandomize_each_iteration``.
        """
        seeds = Seeds(seeds_of(seed), bool(rerandomize_each_iteration))
        return cls("Random", TensorSpec([], "int64"), lambda shared: cursors.Drawn(shared.of(seeds)), INFINITE)

    @classmethod
    def from_generator(cls, generator: Callable[..., Any], output_types: Any = None, output_shapes: Any = None,
                       args: Any = None, output_signature: Any = None, name: str | None = None) -> Self:  # fmt: skip
        """What the iterator gives that ``generator(*args)`` makes, anew for each iteration.

        ``output_signature``: the specs of an element (or ``output_types`` and ``output_shapes``). Raises InvalidArgumentError
        when something else comes.
        """
        if not callable(generator):
            raise TypeError(f"from_generator: the generator must be callable, not {generator!r}.")
        if output_signature is None and output_types is None:
            raise TypeError("from_generator needs output_signature (or output_types) to know what will come.")
        if output_signature is None:
            kinds = flatten(output_types)
            shapes = [None] * len(kinds) if output_shapes is None else along(output_types, output_shapes, "from_generator")
            output_signature = pack(output_types, [TensorSpec(s, k) for s, k in zip(shapes, kinds, strict=True)])
        tensors_only(output_signature, "from_generator")
        given = [array_of(element_of(arg), "from_generator") for arg in args or ()]

        def start(shared: Shared) -> Cursor:
            return cursors.Generated(iter(generator(*given)), lambda value: leaves_like(output_signature, value))

        return cls("FlatMap", output_signature, start, UNKNOWN)
