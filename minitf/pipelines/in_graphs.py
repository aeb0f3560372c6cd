"""Iterators of 1.x: in a graph, the next element is an operation, and each session has its own place.

iterator = tf.compat.v1.data.make_initializable_iterator(dataset)
x, y = iterator.get_next()
session.run(iterator.initializer)
session.run([x, y])  # OutOfRangeError behind the last element
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minitf.core import runtime
from minitf.core.dtypes import variant
from minitf.core.spec import Spec
from minitf.core.state import Handle
from minitf.core.structures import pack
from minitf.errors import OutOfRangeError
from minitf.ops.iterating import get_next, make_iterator
from minitf.pipelines.cursors import End, Renewed
from minitf.pipelines.dataset import Dataset
from minitf.pipelines.elements import array_of, over, tensors_only
from minitf.pipelines.iterator import Iterator


class GraphIterator:
    """An iterator whose elements are tensors of a graph. ``start``: begins it at its first use in a session; None: its
    ``initializer`` does.
    """

    def __init__(self, dataset: Dataset, start: Callable[[], Any] | None, name: str):
        graph = runtime.current().home.require_graph("An iterator of 1.x")
        self._dataset = dataset
        self._start = start
        self._specs = tuple(leaf.spec for leaf in tensors_only(dataset.element_spec, "get_next"))
        self._handle = Handle(name, Spec(variant, ()), graph, trainable=False)
        self._initializer = (
            None if start else make_iterator(self._handle, start=partial(_begun, dataset), name="MakeIterator").op
        )

    @property
    def initializer(self) -> Any:
        """The operation that places it before the first element. Raises ValueError for a one-shot iterator."""
        if self._initializer is None:
            raise ValueError("A one-shot iterator has no initializer. Use make_initializable_iterator to begin again.")
        return self._initializer

    def get_next(self, name: str | None = None) -> Any:
        """The next element: tensors that are another element in each run. Raises OutOfRangeError behind the last (when run)."""
        results = get_next(self._handle, start=self._start, specs=self._specs, name=name or "IteratorGetNext")
        leaves = list(results) if isinstance(results, (list, tuple)) else [results]
        return pack(self._dataset.element_spec, leaves)

    @property
    def element_spec(self) -> Any:
        """The specs of an element."""
        return self._dataset.element_spec

    @property
    def output_types(self) -> Any:
        """The dtypes of an element."""
        return get_output_types(self)

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element."""
        return get_output_shapes(self)


def _begun(dataset: Dataset) -> Callable[[], tuple[Any, ...]]:
    """An iteration's beginning: the function that gives the arrays of the next element."""
    cursor = dataset._cursor(Renewed())

    def arrays() -> tuple[Any, ...]:
        try:
            return tuple(array_of(leaf, "get_next") for leaf in cursor.next())
        except End:
            raise OutOfRangeError("End of sequence") from None

    return arrays


def make_one_shot_iterator(dataset: Dataset) -> Any:
    """An iterator that begins by itself in each session; in eager mode ``iter(dataset)``."""
    if runtime.current().home.graph_being_built() is None:
        return Iterator(dataset)
    return GraphIterator(dataset, partial(_begun, dataset), "OneShotIterator")


def make_initializable_iterator(dataset: Dataset, shared_name: str | None = None) -> GraphIterator:
    """An iterator that ``session.run(iterator.initializer)`` places before the first element. Raises RuntimeError if eager."""
    return GraphIterator(dataset, None, shared_name or "Iterator")


def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of an element."""
    return over(dataset_or_iterator.element_spec, lambda leaf: leaf.dtype)


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The shapes of an element."""
    return over(dataset_or_iterator.element_spec, lambda leaf: leaf.shape)
