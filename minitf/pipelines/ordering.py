"""Cursors that change how often and in which order elements come: repeated, one dataset after another, shuffled, cached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.pipelines.cursors import Cursor, End
from minitf.pipelines.elements import Leaves
from minitf.pipelines.philox import Bits, Seeds


class Repeated(Cursor):
    """A dataset from its beginning again, ``count`` times in all; without end if that is None.

    Like TensorFlow it begins once more behind the last time, which shows where beginning draws the seeds of a new order. Where
    elements are shuffled just before (``shuffled``), TensorFlow makes one step of both, and that does not.
    """

    def __init__(self, start: Callable[[], Cursor], count: int | None, shuffled: bool):
        self._start = start
        self._count = count
        self._once_more = count is not None and not shuffled
        self._done = 0
        self._now: Cursor | None = start() if count else None

    def next(self) -> Leaves:
        """The next element. Raises End."""
        while self._count is None or self._done < self._count:
            first = self._now is None
            if self._now is None:
                self._now = self._start()
            try:
                return self._now.next()
            except End:
                if first and self._count is None:
                    raise  # there is nothing to repeat
                self._done += 1
                if self._count is None:
                    self._now = None
                elif self._once_more or self._done < self._count:
                    self._now = self._start()
        raise End

    def kept(self) -> Any:
        """What it keeps."""
        return [self._done, None if self._now is None else self._now.state()]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._done, state = kept
        self._now = None if state is None else self._now or self._start()
        if self._now is not None:
            self._now.go_to(state)


class After(Cursor):
    """One dataset after another. Those that are through are kept: what they share with later iterations is saved with them."""

    def __init__(self, starts: list[Callable[[], Cursor]]):
        self._starts = starts
        self._begun = [starts[0]()]

    def next(self) -> Leaves:
        """The next element. Raises End."""
        while True:
            try:
                return self._begun[-1].next()
            except End:
                if len(self._begun) == len(self._starts):
                    raise
                self._begun.append(self._starts[len(self._begun)]())

    def kept(self) -> Any:
        """What it keeps."""
        return [one.state() for one in self._begun]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._begun += [start() for start in self._starts[1 : len(kept)]]
        for one, state in zip(self._begun, kept, strict=True):
            one.go_to(state)


class Shuffled(Cursor):
    """Elements by chance from a buffer of ``size``: with the same seeds in the same order as TensorFlow's.

    The buffer is a ring. An element is drawn from those that wait, and the first of these takes its place. What is shuffled
    begins with the first element, which shows where it draws seeds itself.
    """

    def __init__(self, start: Callable[[], Cursor], size: int, seeds: Seeds):
        self._start = start
        self._source: Cursor | None = None
        self._size = size
        self._seeds = seeds
        self._bits = Bits(seeds.draw())
        self._ring: list[Leaves | None] = []
        self._first = self._last = 0  # the elements that wait have these numbers, modulo the size
        self._more = True

    def next(self) -> Leaves:
        """The next element. Raises End."""
        ring, size = self._ring, self._size
        while self._more and self._last - self._first < size:
            try:
                if self._source is None:
                    self._source = self._start()
                leaves = self._source.next()
            except End:
                self._more = False
                break
            if len(ring) < size:
                ring.append(leaves)
            else:
                ring[self._last % size] = leaves
            self._last += 1
        waiting = self._last - self._first
        if not waiting:
            raise End
        drawn, first = (self._first + self._bits.draw() % waiting) % size, self._first % size
        leaves, ring[drawn], ring[first] = ring[drawn], ring[first], None  # type: ignore[assignment]
        self._first += 1
        return leaves

    def kept(self) -> Any:
        """What it keeps."""
        bits, source = self._bits, None if self._source is None else self._source.state()
        return [source, self._ring, self._first, self._last, self._more, [*bits.seeds, bits.count], self._seeds.state()]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        source, self._ring, self._first, self._last, self._more, (one, other, count), seeds = kept
        self._source = None if source is None else self._start()
        if self._source is not None:
            self._source.go_to(source)
        self._bits = Bits((one, other), count)
        self._seeds.restore(seeds)


class Cache:
    """The elements of a dataset, once somebody has come to its end; shared by its iterations."""

    def __init__(self) -> None:
        self.elements: list[Leaves] | None = None

    def renewed(self) -> Cache:
        """An empty one."""
        return Cache()


class Cached(Cursor):
    """What the cache has; if it has nothing yet, the elements themselves, which it takes at the end."""

    def __init__(self, start: Callable[[], Cursor], cache: Cache):
        self._start = start
        self._cache = cache
        self._next = 0
        self._seen: list[Leaves] = []
        self._now: Cursor | None = None if cache.elements is not None else start()

    def next(self) -> Leaves:
        """The next element. Raises End."""
        if self._now is None:
            elements = self._cache.elements or []
            if self._next >= len(elements):
                raise End
            self._next += 1
            return elements[self._next - 1]
        try:
            leaves = self._now.next()
        except End:
            self._cache.elements, self._now, self._next = self._seen, None, len(self._seen)
            raise
        self._seen.append(leaves)
        return leaves

    def kept(self) -> Any:
        """What it keeps."""
        state = None if self._now is None else self._now.state()
        return [self._next, self._cache.elements if self._now is None else self._seen, state]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._next, elements, state = kept
        if state is None:
            self._cache.elements, self._now = elements, None
        else:
            self._seen, self._now = elements, self._start()
            self._now.go_to(state)
