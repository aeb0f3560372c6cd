"""Cursors: where an iteration over a dataset stands. Each kind of dataset has one, which takes from those of its inputs.

A cursor gives the leaves of one element after another, and raises ``End`` behind the last. What is needed to go on from
there in another process is plain data (see ``states``): the name of each kind, what it keeps, and the same of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minitf.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from minitf.pipelines.elements import Leaves, tensor_of
from minitf.pipelines.philox import Bits, Seeds


class End(Exception):
    """There are no more elements."""


class Shared:
    """What iterations over a dataset have in common: seeds that are drawn anew for each, a cache. In eager mode all have."""

    def of(self, thing: Any) -> Any:
        """The seeds or the cache of a dataset, for these iterations."""
        return thing


class Renewed(Shared):
    """For the iterations that begin with one beginning, as in a graph: seeds and caches as they were at first."""

    def __init__(self) -> None:
        self._things: dict[int, Any] = {}

    def of(self, thing: Any) -> Any:
        """A copy of its own."""
        if id(thing) not in self._things:
            self._things[id(thing)] = thing.renewed()
        return self._things[id(thing)]


ALL = Shared()


class Cursor:
    """The place in one dataset. ``inputs``: cursors of the datasets that it takes from."""

    inputs: Sequence[Cursor] = ()

    def next(self) -> Leaves:
        """The leaves of the next element. Raises End."""
        raise NotImplementedError

    def kept(self) -> Any:
        """What it keeps itself, as plain data."""
        return None

    def take_back(self, kept: Any) -> None:
        """Takes what ``kept`` gave."""

    def state(self) -> Any:
        """Where it stands, with its inputs. Raises FailedPreconditionError if nobody can tell."""
        return {"kind": type(self).__name__, "kept": self.kept(), "inputs": [one.state() for one in self.inputs]}

    def go_to(self, state: Any) -> None:
        """Goes to where another one stood. Raises NotFoundError if the dataset is another one."""
        mine = type(self).__name__
        if state["kind"] != mine or len(state["inputs"]) != len(self.inputs):
            raise NotFoundError(
                f"Failed to restore the iterator: the checkpoint has the place in a {state['kind']} with "
                f"{len(state['inputs'])} inputs where the program has a {mine} with {len(self.inputs)}. Make the dataset as it "
                "was made when it was saved."
            )
        for one, saved in zip(self.inputs, state["inputs"], strict=True):
            one.go_to(saved)
        self.take_back(state["kept"])


class One(Cursor):
    """One element."""

    def __init__(self, leaves: Leaves):
        self._leaves: Leaves | None = leaves

    def next(self) -> Leaves:
        """The next element. Raises End."""
        if self._leaves is None:
            raise End
        leaves, self._leaves = self._leaves, None
        return leaves

    def kept(self) -> Any:
        """What it keeps."""
        return self._leaves is None

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._leaves = None if kept else self._leaves


class Listed(Cursor):
    """Elements that are there: ``at(number)`` for each below ``count``."""

    def __init__(self, at: Callable[[int], Leaves], count: int):
        self._at = at
        self._count = count
        self._next = 0

    def next(self) -> Leaves:
        """The next element. Raises End."""
        if self._next >= self._count:
            raise End
        self._next += 1
        return self._at(self._next - 1)

    def kept(self) -> Any:
        """What it keeps."""
        return self._next

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._next = kept


class Counted(Cursor):
    """Numbers in equal steps; without end if ``stop`` is None."""

    def __init__(self, start: int, stop: int | None, step: int, dtype: Any):
        self._next = start
        self._stop = stop
        self._step = step
        self._dtype = dtype

    def next(self) -> Leaves:
        """The next element. Raises End."""
        number, stop = self._next, self._stop
        if stop is not None and (number >= stop if self._step > 0 else number <= stop):
            raise End
        self._next += self._step
        return [tensor_of(np.asarray(number).astype(self._dtype))]

    def kept(self) -> Any:
        """What it keeps."""
        return self._next

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._next = kept


class Drawn(Cursor):
    """Numbers below 2**32, by chance."""

    def __init__(self, seeds: Seeds):
        self._seeds = seeds
        self._bits = Bits(seeds.draw())

    def next(self) -> Leaves:
        """The next element. Raises End."""
        return [tensor_of(np.int64(self._bits.draw()))]

    def kept(self) -> Any:
        """What it keeps."""
        return [[*self._bits.seeds, self._bits.count], self._seeds.state()]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        (one, other, count), seeds = kept
        self._bits = Bits((one, other), count)
        self._seeds.restore(seeds)


class Generated(Cursor):
    """What a Python iterator gives, made leaves by ``leaves_of``."""

    def __init__(self, iterator: Iterator[Any], leaves_of: Callable[[Any], Leaves]):
        self._iterator = iterator
        self._leaves_of = leaves_of

    def next(self) -> Leaves:
        """The next element. Raises End."""
        try:
            value = next(self._iterator)
        except StopIteration:
            raise End from None
        return self._leaves_of(value)

    def state(self) -> Any:
        """Raises FailedPreconditionError if nobody can tell."""
        raise FailedPreconditionError(
            "The place in a dataset from a Python generator cannot be saved: nobody knows what the generator remembers. Leave "
            "the iterator out of the checkpoint, or make the dataset of arrays."
        )


class Mapped(Cursor):
    """``function`` of each element."""

    def __init__(self, source: Cursor, function: Any):
        self.inputs = (source,)
        self._function = function

    def next(self) -> Leaves:
        """The next element. Raises End."""
        return self._function(self.inputs[0].next())  # type: ignore[no-any-return]

    def state(self) -> Any:
        """Raises FailedPreconditionError if nobody can tell."""
        refuse_stateful(self._function)
        return super().state()


def refuse_stateful(function: Any) -> None:
    """Raises FailedPreconditionError for a function that calls Python."""
    if function.stateful:
        raise FailedPreconditionError(
            "The place in a dataset cannot be saved: one of its functions calls a Python function (numpy_function, "
            "py_function), and nobody knows what that remembers."
        )


class Filtered(Mapped):
    """The elements for which ``function`` is true. ``ends``: the first other one is the end."""

    def __init__(self, source: Cursor, function: Any, ends: bool):
        super().__init__(source, function)
        self._ends = ends
        self._over = False

    def next(self) -> Leaves:
        """The next element. Raises End."""
        while not self._over:
            leaves = self.inputs[0].next()
            (holds,) = self._function(leaves)
            if holds._v:
                return leaves
            self._over = self._ends
        raise End

    def kept(self) -> Any:
        """What it keeps."""
        return self._over

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._over = kept


class Scanned(Mapped):
    """``function`` of a state and each element, which gives the next state and a result."""

    def __init__(self, source: Cursor, function: Any, first: Leaves):
        super().__init__(source, function)
        self._carried = first

    def next(self) -> Leaves:
        """The next element. Raises End."""
        both = self._function([*self._carried, *self.inputs[0].next()])
        self._carried = both[: len(self._carried)]
        return both[len(self._carried) :]  # type: ignore[no-any-return]

    def kept(self) -> Any:
        """What it keeps."""
        return self._carried

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._carried = kept


class Distinct(Cursor):
    """Each element once."""

    def __init__(self, source: Cursor):
        self.inputs = (source,)
        self._seen: dict[Any, Leaves] = {}

    def next(self) -> Leaves:
        """The next element. Raises End."""
        while True:
            leaves = self.inputs[0].next()
            if _key(leaves) not in self._seen:
                self._seen[_key(leaves)] = leaves
                return leaves

    def kept(self) -> Any:
        """What it keeps."""
        return list(self._seen.values())

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._seen = {_key(leaves): leaves for leaves in kept}


def _key(leaves: Leaves) -> Any:
    array = np.asarray(leaves[0]._v)
    return array.shape, tuple(array.ravel().tolist())


class Together(Cursor):
    """The leaves of several, next to each other, until one ends."""

    def __init__(self, sources: Sequence[Cursor]):
        self.inputs = sources

    def next(self) -> Leaves:
        """The next element. Raises End."""
        return [leaf for source in self.inputs for leaf in source.next()]


class Part(Cursor):
    """``count`` elements (None: all) behind the first ``skipped``; one in ``step`` of them, from number ``first`` on."""

    def __init__(self, source: Cursor, skipped: int = 0, count: int | None = None, step: int = 1, first: int = 0):
        self.inputs = (source,)
        self._skipped, self._count, self._step, self._first = skipped, count, step, first
        self._given = 0
        self._seen = 0

    def next(self) -> Leaves:
        """The next element. Raises End."""
        if self._count is not None and self._given >= self._count:
            raise End
        while True:
            leaves = self.inputs[0].next()
            number = self._seen - self._skipped
            self._seen += 1
            if number >= 0 and number % self._step == self._first:
                self._given += 1
                return leaves

    def kept(self) -> Any:
        """What it keeps."""
        return [self._given, self._seen]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._given, self._seen = kept


def checked_size(value: int, what: str) -> int:
    """A size that must be positive. Raises InvalidArgumentError."""
    if value <= 0:
        raise InvalidArgumentError(f"{what} must be greater than zero, not {value}.")
    return value
