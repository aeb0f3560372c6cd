"""``tf.data.Dataset``: elements one after another, made of values or of other datasets.

    dataset = tf.data.Dataset.from_tensor_slices({"x": x, "y": y}).shuffle(100, seed=1).repeat().batch(32)
    iterator = iter(dataset)
    checkpoint = tf.train.Checkpoint(model=model, iterator=iterator)  # goes on with the batch that would have come next

What tunes TensorFlow's threads (``num_parallel_calls``, ``deterministic``, ``prefetch``) is accepted and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minitf.core.structures import flatten, pack
from minitf.errors import InvalidArgumentError
from minitf.objects.tensor_spec import TensorSpec
from minitf.pipelines import cursors, ordering
from minitf.pipelines.batches import Batches
from minitf.pipelines.cursors import End, checked_size
from minitf.pipelines.described import INFINITE, UNKNOWN, no_value, number, valued
from minitf.pipelines.elements import element_of, is_dataset, spec_of, tensors_only
from minitf.pipelines.functions import Traced
from minitf.pipelines.philox import Seeds
from minitf.pipelines.seeding import seeds_of
from minitf.pipelines.signatures import check_same, common
from minitf.pipelines.sources import Sources


class Dataset(Sources, Batches):
    """A sequence of elements: nested tuples and dicts of tensors, described by ``element_spec``.

    A dataset is made by a function of the class (``from_tensor_slices``, ``range``, ...), or from another by a method; it can
    be iterated as often as one likes.
    """

    @staticmethod
    def zip(*args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """The elements of several datasets side by side, until one ends: ``zip(a, b)``, or a nested structure of datasets."""
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else args
        parts = flatten(structure)
        for part in parts:
            if not is_dataset(part):
                raise TypeError(f"Dataset.zip: datasets, or tuples and dicts of them, are expected, not {part!r}.")
        spec = pack(structure, [part.element_spec for part in parts])
        known = [part._count for part in parts if part._count != INFINITE]
        count = INFINITE if not known else UNKNOWN if UNKNOWN in known else min(known)
        return Dataset("Zip", spec, lambda shared: cursors.Together([part._cursor(shared) for part in parts]), count)

    # -- of each element -----------------------------------------------------------------------------------------------

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None, deterministic: Any = None,
            synchronous: Any = None, use_unbounded_threadpool: bool = False, name: str | None = None) -> Dataset:  # fmt: skip
        """``map_func`` of each element; the parts of a tuple are its arguments. It is traced once."""
        function = Traced(map_func, self._spec, "Dataset.map")
        if all(leaf is None for leaf in function._leaves):
            raise InvalidArgumentError("Dataset.map: the function gives no tensor.")
        following = self._next("Map", lambda shared: cursors.Mapped(self._cursor(shared), function), function.element_spec)
        return self._unless(function.changes, following)

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which ``predicate`` is true."""
        return self._filtered("Filter", predicate, ends=False)

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements before the first for which ``predicate`` is false."""
        return self._filtered("TakeWhile", predicate, ends=True)

    def _filtered(self, name: str, predicate: Callable[..., Any], ends: bool) -> Dataset:
        function = Traced(predicate, self._spec, f"Dataset.{name}")
        spec = function.element_spec
        if not isinstance(spec, TensorSpec) or spec.dtype.name != "bool" or spec.shape.rank not in (0, None):
            raise ValueError(f"Invalid `predicate`: it must give a bool scalar, but its result is {spec!r}.")
        return self._next(name, lambda shared: cursors.Filtered(self._cursor(shared), function, ends), count=UNKNOWN)

    def unique(self, name: str | None = None) -> Dataset:
        """Each element once, where it comes first. Elements are one tensor each."""
        if len(tensors_only(self._spec, "Dataset.unique")) != 1:
            raise TypeError(f"Dataset.unique: elements of one tensor are needed, not {self._spec!r}.")
        return self._next("Unique", lambda shared: cursors.Distinct(self._cursor(shared)), count=UNKNOWN)

    def enumerate(self, start: Any = 0, name: str | None = None) -> Dataset:
        """``(number, element)``, numbers from ``start``."""
        return Dataset.zip(Dataset.counter(int(start)), self)

    def scan(self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """``state, result = scan_func(state, element)`` for each element; gives the results."""
        first = element_of(initial_state)
        function = Traced(scan_func, (spec_of(first), self._spec), "Dataset.scan")
        if not isinstance(function.structure, tuple) or len(function.structure) != 2:
            raise TypeError(f"Dataset.scan: scan_func must give (state, result), not {function.structure!r}.")
        after, spec = function.element_spec
        check_same(spec_of(first), after, "Dataset.scan")
        leaves = valued(first, "Dataset.scan")
        return self._next("Scan", lambda shared: cursors.Scanned(self._cursor(shared), function, leaves), spec)

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None) -> Any:
        """``state = reduce_func(state, element)`` over all elements; gives the last state."""
        first = element_of(initial_state)
        function = Traced(reduce_func, (spec_of(first), self._spec), "Dataset.reduce")
        check_same(spec_of(first), function.element_spec, "Dataset.reduce")
        leaves, cursor = valued(first, "Dataset.reduce"), self._cursor()
        try:
            while True:
                leaves = function([*leaves, *cursor.next()])
        except End:
            return pack(first, leaves)

    # -- which, how often, in which order ------------------------------------------------------------------------------

    def take(self, count: Any, name: str | None = None) -> Dataset:
        """The first ``count`` elements; -1: all."""
        most = number(count)
        if most is None:
            return self._next("Take", lambda _: no_value(count), count=UNKNOWN)
        size = self._count if most < 0 else most if self._count == INFINITE else _at_most(self._count, most)
        following = self._next(
            "Take", lambda shared: cursors.Part(self._cursor(shared), count=None if most < 0 else most), count=size
        )
        return self._unless(most >= 0, following)

    def skip(self, count: Any, name: str | None = None) -> Dataset:
        """All but the first ``count`` elements; -1: none."""
        left_out = number(count)
        if left_out is None:
            return self._next("Skip", lambda _: no_value(count), count=UNKNOWN)
        if left_out < 0:
            return self._next("Skip", lambda shared: cursors.Part(self._cursor(shared), count=0), count=0)
        size = max(0, self._count - left_out) if self._count >= 0 else self._count
        following = self._next("Skip", lambda shared: cursors.Part(self._cursor(shared), left_out), count=size)
        return self._unless(left_out > 0, following)

    def shard(self, num_shards: Any, index: Any, name: str | None = None) -> Dataset:
        """One element in ``num_shards``, beginning with number ``index``."""
        step, first = checked_size(int(num_shards), "shard: num_shards"), int(index)
        if not 0 <= first < step:
            raise InvalidArgumentError(f"shard: index must be between 0 and {step - 1} (currently index = {first}).")
        size = len(range(first, self._count, step)) if self._count >= 0 else self._count
        following = self._next("Shard", lambda shared: cursors.Part(self._cursor(shared), step=step, first=first), count=size)
        return self._unless(step > 1, following)

    def repeat(self, count: Any = None, name: str | None = None) -> Dataset:
        """The elements again and again, ``count`` times in all; without end for None or -1."""
        times = -1 if count is None else number(count)
        if times is None:
            return self._next("Repeat", lambda _: no_value(count), count=UNKNOWN)
        many = None if times < 0 else times
        size = (
            0 if self._count == 0 or many == 0 else INFINITE if many is None else self._count * (many if self._count > 0 else 1)
        )
        if many == 1:  # which TensorFlow leaves out
            return self._unless(False, self._next("Repeat", self._cursor, count=size))
        shuffled = self._shuffled
        return self._next("Repeat", lambda shared: ordering.Repeated(partial(self._cursor, shared), many, shuffled), count=size)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """The elements of this dataset, then of another. Raises TypeError for elements of other dtypes or structures."""
        spec = common(self._spec, dataset.element_spec)
        known = (self._count, dataset._count)
        size = INFINITE if INFINITE in known else UNKNOWN if UNKNOWN in known else sum(known)
        return self._next(
            "Concatenate", lambda shared: ordering.After([partial(one._cursor, shared) for one in (self, dataset)]), spec, size
        )

    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = True,
                name: str | None = None) -> Dataset:  # fmt: skip
        """The elements in an order that chance makes, from a buffer of ``buffer_size`` of them.

        With the same ``seed`` (or ``tf.random.set_seed``) the order is TensorFlow's. ``reshuffle_each_iteration``: another
        order each time.
        """
        size = self._count if int(buffer_size) == UNKNOWN else int(buffer_size)
        checked_size(size, "shuffle: buffer_size")
        seeds = Seeds(seeds_of(seed), reshuffle_each_iteration is not False)
        following = self._next(
            "Shuffle", lambda shared: ordering.Shuffled(partial(self._cursor, shared), size, shared.of(seeds))
        )
        following._shuffled = True
        return following

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """The elements, kept in memory from the first complete iteration on. Raises NotImplementedError for a file."""
        if filename:
            raise NotImplementedError("Dataset.cache: elements are kept in memory only; leave the file's name out.")
        cache = ordering.Cache()
        return self._next("Cache", lambda shared: ordering.Cached(partial(self._cursor, shared), shared.of(cache)))

    def prefetch(self, buffer_size: Any, name: str | None = None) -> Dataset:
        """The same elements: there is no thread that would make them ahead."""
        return self._next("Prefetch", self._cursor)

    def apply(self, transformation_func: Callable[[Dataset], Dataset], name: str | None = None) -> Dataset:
        """``transformation_func`` of the dataset."""
        result = transformation_func(self)
        if not is_dataset(result):
            raise TypeError(f"Dataset.apply: the function must give a dataset, not {result!r}.")
        return result


def _at_most(count: int, most: int) -> int:
    return min(count, most) if count >= 0 else UNKNOWN
