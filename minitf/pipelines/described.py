"""What every dataset has: specs of its elements, a way to begin, a number of elements if that is known, iterators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minitf.core import runtime
from minitf.core.structures import flatten
from minitf.core.tensor import SymbolicTensor, Tensor
from minitf.errors import InvalidArgumentError
from minitf.objects.trackable import Trackable
from minitf.pipelines.cursors import ALL, Cursor, Listed, Shared
from minitf.pipelines.elements import Leaves, array_of, tensor_of
from minitf.pipelines.iterator import Iterator, NumpyIterator
from minitf.pipelines.options import Options

AUTOTUNE = INFINITE = -1
UNKNOWN = -2


class Described(Trackable):
    """A sequence of elements. ``start(shared)`` gives a cursor before the first; ``elements``: they are all there already."""

    _options: Options | None = None
    _shuffled = False  # whether the last thing that was done to the elements was to shuffle them

    def __init__(self, name: str, element_spec: Any, start: Callable[[Shared], Cursor], cardinality: int,
                 elements: list[Leaves] | None = None):  # fmt: skip
        self._name = name
        self._spec = element_spec
        self._start = start
        self._count = cardinality
        self._elements = elements

    # -- what it is ----------------------------------------------------------------------------------------------------

    @property
    def element_spec(self) -> Any:
        """The specs of an element, in its structure."""
        return self._spec

    def cardinality(self) -> Tensor:
        """How many elements there are, an int64 scalar; -1 (INFINITE) without end, -2 (UNKNOWN) if nobody knows."""
        return tensor_of(np.int64(self._count))

    def options(self) -> Options:
        """The settings of the dataset, from all ``with_options`` before; changing them changes nothing in the dataset."""
        return Options().merge(self._options or Options())

    def with_options(self, options: Options, name: str | None = None) -> Self:
        """The same elements, with these settings over those of the dataset. Raises TypeError unless they are Options."""
        following = self._unless(False, self._next("Options", self._cursor))
        following._options = self.options().merge(options)
        return following

    def __len__(self) -> int:
        if self._count < 0:
            raise TypeError("The dataset is infinite." if self._count == INFINITE else "The dataset length is unknown.")
        return self._count

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator:
        if runtime.current().home.graph_being_built() is not None:
            raise RuntimeError(
                "A dataset is iterated in Python in eager mode only, not while a graph or a tf.function is built. In a graph, "
                "use tf.compat.v1.data.make_one_shot_iterator(dataset).get_next()."
            )
        return Iterator(self)

    def as_numpy_iterator(self) -> NumpyIterator:
        """An iterator over the elements with arrays in place of tensors."""
        return NumpyIterator(self)

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element. Raises InvalidArgumentError unless there is exactly one."""
        iterator = Iterator(self)
        found = [element for _, element in zip(range(2), iterator, strict=False)]
        if len(found) != 1:
            raise InvalidArgumentError("Dataset was empty." if not found else "Dataset had more than one element.")
        return found[0]

    def _cursor(self, shared: Shared = ALL) -> Cursor:
        return self._start(shared)

    def __repr__(self) -> str:
        return f"<_{self._name}Dataset element_spec={self._spec!r}>"

    def _unless(self, changes: bool, following: Self) -> Self:
        """The dataset that follows this one; if it changes nothing, the elements are still as shuffled as they are here."""
        following._shuffled = self._shuffled and not changes
        return following

    @classmethod
    def _of_elements(cls, elements: list[Leaves], spec: Any = None) -> Self:
        start = lambda _: Listed(elements.__getitem__, len(elements))  # noqa: E731
        return cls("Window", spec, start, len(elements), elements)

    def _next(self, name: str, start: Callable[[Shared], Cursor], spec: Any = ..., count: int | None = None) -> Self:
        following = type(self)(name, self._spec if spec is ... else spec, start, self._count if count is None else count)
        following._options = self._options
        return following


def valued(element: Any, what: str) -> Leaves:
    """The leaves of an element. Raises ValueError if one is a tensor without a value."""
    leaves = flatten(element)
    for leaf in leaves:
        if isinstance(leaf, Tensor):
            array_of(leaf, what)
    return leaves


def no_value(value: Any) -> Cursor:
    """Raises ValueError."""
    raise ValueError(f"{value!r} has no value: it is a tensor of a graph or of a function that is being traced.")


def number(value: Any) -> int | None:
    """A number; None for a tensor without a value."""
    return None if isinstance(value, SymbolicTensor) else int(value)
