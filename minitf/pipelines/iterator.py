"""Iterators over datasets. A checkpoint keeps where they stand, and restores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.core.structures import pack
from minitf.errors import DataLossError, OpError, OutOfRangeError
from minitf.objects.trackable import Trackable
from minitf.objects.values import PythonValue
from minitf.pipelines import states
from minitf.pipelines.cursors import End
from minitf.pipelines.elements import is_dataset, over

ITERATOR_STATE = "ITERATOR_STATE"


class Iterator(Trackable):
    """An iterator over a dataset: a trackable object whose value is the place where it stands.

    In a checkpoint it is a string, of minitf's own kind (``pipelines.states``) under TensorFlow's key. To restore it, make the
    dataset as it was made, and an iterator over it. A dataset that reads from a Python generator, or calls Python functions,
    has no place that could be saved: FailedPreconditionError.
    """

    def __init__(self, dataset: Any):
        self._dataset = dataset
        self._cursor = dataset._cursor()

    @property
    def element_spec(self) -> Any:
        """The specs of the elements."""
        return self._dataset.element_spec

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        try:
            leaves = self._cursor.next()
        except End:
            raise StopIteration from None
        return pack(self._dataset.element_spec, leaves)

    next = __next__

    def get_next(self) -> Any:
        """The next element. Raises OutOfRangeError behind the last."""
        try:
            return next(self)
        except StopIteration:
            raise OutOfRangeError("End of sequence") from None

    def _saved_values(self) -> Mapping[str, Any]:
        return {ITERATOR_STATE: PythonValue(lambda: states.encoded(self._cursor.state()), self._go_to)}

    def _go_to(self, data: bytes) -> None:
        state = states.decoded(data, self._dataset._of_elements)
        cursor = self._dataset._cursor()  # a new one: a state that does not fit changes nothing
        try:
            cursor.go_to(state)
        except OpError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise DataLossError(f"Failed to restore the iterator: its state is damaged ({error}).") from None
        self._cursor = cursor


class NumpyIterator:
    """An iterator that gives arrays in place of tensors."""

    def __init__(self, dataset: Any):
        self._iterator = iter(dataset)

    def __iter__(self) -> NumpyIterator:
        return self

    def __next__(self) -> Any:
        return over(next(self._iterator), _as_numpy)


def _as_numpy(leaf: Any) -> Any:
    if leaf is None:
        return None
    return NumpyIterator(leaf) if is_dataset(leaf) else leaf.numpy()
