"""What a dataset gives: nested tuples and dicts of tensors; lists count as tensors. ``None`` and datasets may be parts, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.core import runtime
from minitf.core.op import convert
from minitf.core.spec import Spec, TensorShape
from minitf.core.structures import dict_like, flatten, pack
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor
from minitf.objects.tensor_spec import TensorSpec
from minitf.ops.shapes import settle
from minitf.runtimes.eager import EAGER

Leaves = list[Any]  # of one element, in the order of ``flatten``: tensors, None, datasets


class NoneTensorSpec:
    """The spec of a part that is None."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoneTensorSpec)

    def __hash__(self) -> int:
        return hash(NoneTensorSpec)

    def __repr__(self) -> str:
        return "NoneTensorSpec()"


class DatasetSpec:
    """The spec of a part that is a dataset. ``element_spec``: of its elements."""

    def __init__(self, element_spec: Any, dataset_shape: Any = ()):
        self.element_spec = element_spec
        self._shape = TensorShape(dataset_shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatasetSpec) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"DatasetSpec({self.element_spec!r}, {self._shape!r})"


def is_dataset(value: Any) -> bool:
    """Whether it is a dataset."""
    return hasattr(value, "_cursor")


def element_of(value: Any) -> Any:
    """A value as an element: its leaves made tensors, named tuples and dicts of the same kind. Raises what ``convert`` does."""
    if value is None or isinstance(value, Tensor) or is_dataset(value):
        return value
    if isinstance(value, (tuple, dict)):
        if isinstance(value, dict):
            return dict_like(value, {key: element_of(part) for key, part in value.items()})
        parts = [element_of(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list) and any(isinstance(leaf, SymbolicTensor) for leaf in flatten(value)):
        return convert(value)  # in a function that is being traced
    with runtime.using(EAGER):
        return convert(value)


def spec_of(element: Any) -> Any:
    """The specs of an element, in its structure."""
    return over(element, _leaf_spec)


def _leaf_spec(leaf: Any) -> Any:
    if leaf is None:
        return NoneTensorSpec()
    return DatasetSpec(leaf.element_spec) if is_dataset(leaf) else TensorSpec(leaf.shape, leaf.dtype)


def over(structure: Any, function: Callable[[Any], Any]) -> Any:
    """The structure with ``function`` of each leaf."""
    return pack(structure, [function(leaf) for leaf in flatten(structure)])


def tensors_only(spec: Any, what: str) -> list[TensorSpec]:
    """The leaves of a spec. Raises TypeError if one is no tensor's."""
    leaves: list[TensorSpec] = flatten(spec)
    for leaf in leaves:
        if not isinstance(leaf, TensorSpec):
            raise TypeError(f"{what}: elements of tensors are needed, but a part is described by {leaf!r}.")
    return leaves


def reshaped(spec: Any, change: Callable[[Any], Any], what: str) -> Any:
    """A spec of tensors with other shapes: ``change(sizes)`` of each, sizes a tuple or None."""
    leaves = [TensorSpec(change(leaf.spec.shape), leaf.dtype) for leaf in tensors_only(spec, what)]
    return pack(spec, leaves)


def array_of(leaf: Any, what: str) -> Any:
    """The array of a tensor. Raises ValueError for one that stands in a graph and has none."""
    if not isinstance(leaf, EagerTensor):
        kind = "of a graph" if isinstance(leaf, SymbolicTensor) else "without a value"
        raise ValueError(f"{what}: {leaf!r} is a tensor {kind}. Datasets are made of values: give an array.")
    return leaf._v


def tensor_of(array: Any) -> EagerTensor:
    """A tensor around an array that nobody writes into."""
    return EAGER.constant(settle(np.asarray(array)))


def row_of(array: Any, number: int) -> EagerTensor:
    """A row of an array. (A string alone is no array for NumPy, as it is for tensors.)"""
    row = array[number]
    if array.dtype.kind == "O" and array.ndim == 1:
        row = np.empty((), object)
        row[()] = array[number]
    return tensor_of(row)


def stacked(column: Sequence[Any]) -> EagerTensor:
    """Tensors of one shape as the rows of one."""
    return tensor_of(np.stack([np.asarray(leaf._v) for leaf in column]))


def fits(spec: Spec, leaf: Any) -> bool:
    """Whether a tensor has the dtype and the sizes of a spec."""
    return leaf.dtype is spec.dtype and TensorShape(spec.shape).is_compatible_with(leaf.shape)
