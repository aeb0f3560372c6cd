"""Steps of pipelines as functions for ``dataset.apply``, under the names of ``tf.data.experimental``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core.tensor import Tensor
from minitf.errors import FailedPreconditionError
from minitf.pipelines.cursors import Cursor, End
from minitf.pipelines.dataset import Dataset
from minitf.pipelines.elements import Leaves

Step = Callable[[Dataset], Dataset]


def cardinality(dataset: Dataset) -> Tensor:
    """``dataset.cardinality()``."""
    return dataset.cardinality()


def enumerate_dataset(start: int = 0) -> Step:
    """``dataset.enumerate(start)``."""
    return lambda dataset: dataset.enumerate(start)


def get_single_element(dataset: Dataset) -> Any:
    """``dataset.get_single_element()``."""
    return dataset.get_single_element()


def map_and_batch(map_func: Callable[..., Any], batch_size: int, num_parallel_batches: Any = None, drop_remainder: bool = False,
                  num_parallel_calls: Any = None) -> Step:  # fmt: skip
    """``dataset.map(map_func).batch(batch_size)``."""
    return lambda dataset: dataset.map(map_func).batch(batch_size, drop_remainder)


def scan(initial_state: Any, scan_func: Callable[..., Any]) -> Step:
    """``dataset.scan(initial_state, scan_func)``."""
    return lambda dataset: dataset.scan(initial_state, scan_func)


def shuffle_and_repeat(buffer_size: int, count: int | None = None, seed: int | None = None) -> Step:
    """``dataset.shuffle(buffer_size, seed).repeat(count)``."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def take_while(predicate: Callable[..., Any]) -> Step:
    """``dataset.take_while(predicate)``."""
    return lambda dataset: dataset.take_while(predicate)


def unbatch() -> Step:
    """``dataset.unbatch()``."""
    return lambda dataset: dataset.unbatch()


def unique() -> Step:
    """``dataset.unique()``."""
    return lambda dataset: dataset.unique()


def assert_cardinality(expected_cardinality: int) -> Step:
    """The same elements, of which the program knows how many there are.

    Iterating raises FailedPreconditionError where there are fewer or more.
    """
    expected = int(expected_cardinality)

    def step(dataset: Dataset) -> Dataset:
        return dataset._next("AssertCardinality", lambda shared: _Counted(dataset._cursor(shared), expected), count=expected)

    return step


class _Counted(Cursor):
    """Elements that are counted."""

    def __init__(self, source: Cursor, expected: int):
        self.inputs = (source,)
        self._expected = expected
        self._seen = 0

    def next(self) -> Leaves:
        """The next element. Raises End, or FailedPreconditionError for an element too many or too few."""
        try:
            leaves = self.inputs[0].next()
        except End:
            if 0 <= self._expected != self._seen:
                raise self._wrong(f"{self._seen}") from None
            raise
        self._seen += 1
        if 0 <= self._expected < self._seen:
            raise self._wrong(f"at least {self._seen}")
        return leaves

    def _wrong(self, found: str) -> FailedPreconditionError:
        return FailedPreconditionError(
            None, None, f"Input dataset was expected to contain {self._expected} elements but contained {found} elements."
        )  # fmt: skip

    def kept(self) -> Any:
        """What it keeps."""
        return self._seen

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._seen = int(kept)
