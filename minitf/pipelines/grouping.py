"""Cursors that put elements together or take them apart: batches, windows, rows, and datasets made of elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.core.spec import TensorShape
from minitf.errors import DataLossError, InvalidArgumentError
from minitf.pipelines.cursors import Cursor, End, Shared
from minitf.pipelines.elements import Leaves, row_of, stacked, tensor_of


class Batched(Cursor):
    """``size`` elements at a time, stacked by ``stack(column, number)``; the last ones too, unless ``whole``."""

    def __init__(self, source: Cursor, size: int, whole: bool, stack: Callable[[Sequence[Any], int], Any]):
        self.inputs = (source,)
        self._size = size
        self._whole = whole
        self._stack = stack

    def next(self) -> Leaves:
        """The next element. Raises End."""
        rows: list[Leaves] = []
        try:
            while len(rows) < self._size:
                rows.append(self.inputs[0].next())
        except End:
            if not rows or self._whole:
                raise
        return [self._stack(column, number) for number, column in enumerate(zip(*rows, strict=True))]


def equal_rows(column: Sequence[Any], number: int) -> Any:
    """Tensors stacked. Raises InvalidArgumentError if their shapes differ."""
    first = column[0]._v.shape
    for at, leaf in enumerate(column):
        if leaf._v.shape != first:
            raise InvalidArgumentError(
                f"Cannot batch tensors with different shapes in component {number}. First element had shape {list(first)} and "
                f"element {at} had shape {list(leaf._v.shape)}. Use padded_batch."
            )
    return stacked(column)


def padded_rows(shapes: Sequence[Any], values: Sequence[Any]) -> Callable[[Sequence[Any], int], Any]:
    """Tensors stacked, each filled up with ``values[number]`` to ``shapes[number]``, None sizes to the largest of the batch."""

    def pad(column: Sequence[Any], number: int) -> Any:
        arrays = [np.asarray(leaf._v) for leaf in column]
        wanted = shapes[number]
        sizes = []
        for axis in range(arrays[0].ndim):
            largest = max(array.shape[axis] for array in arrays)
            size = None if wanted is None else wanted[axis]
            if size is not None and size < largest:
                raise DataLossError(
                    f"Attempted to pad to a smaller size than the input element: component {number} has size {largest} in "
                    f"axis {axis}, the padded shape is {list(wanted)}."
                )
            sizes.append(largest if size is None else size)
        out = np.full((len(arrays), *sizes), values[number], arrays[0].dtype)
        for row, array in zip(out, arrays, strict=True):
            row[tuple(slice(n) for n in array.shape)] = array
        return tensor_of(out)

    return pad


class Rows(Cursor):
    """The rows of each element, one by one."""

    def __init__(self, source: Cursor):
        self.inputs = (source,)
        self._leaves: Leaves = []
        self._next = self._count = 0

    def next(self) -> Leaves:
        """The next element. Raises End."""
        while self._next >= self._count:
            self._leaves = self.inputs[0].next()
            counts = {leaf._v.shape[0] for leaf in self._leaves}
            if len(counts) > 1:
                raise InvalidArgumentError(f"unbatch: the parts of an element have {sorted(counts)} rows.")
            self._next, (self._count,) = 0, counts
        self._next += 1
        return [row_of(leaf._v, self._next - 1) for leaf in self._leaves]

    def kept(self) -> Any:
        """What it keeps."""
        return [self._leaves, self._next, self._count]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._leaves, self._next, self._count = kept


class Windows(Cursor):
    """``size`` elements as datasets, each beginning ``shift`` behind the last one, and taking one in ``stride``.

    ``dataset_of(elements, number)``: the dataset of part ``number``.
    """

    def __init__(self, source: Cursor, size: int, shift: int, stride: int, whole: bool,
                 dataset_of: Callable[[list[Leaves], int], Any], parts: int):  # fmt: skip
        self.inputs = (source,)
        self._size, self._shift, self._stride, self._whole = size, shift, stride, whole
        self._dataset_of = dataset_of
        self._parts = parts
        self._held: list[Leaves] = []
        self._skip = 0
        self._more = True

    def next(self) -> Leaves:
        """The next element. Raises End."""
        width = (self._size - 1) * self._stride + 1
        while self._more and len(self._held) < width:
            try:
                leaves = self.inputs[0].next()
            except End:
                self._more = False
                break
            if self._skip:
                self._skip -= 1
            else:
                self._held.append(leaves)
        if not self._held or (self._whole and len(self._held) < width):
            raise End
        window = self._held[: width : self._stride]
        self._skip += max(0, self._shift - len(self._held))
        del self._held[: self._shift]
        return [self._dataset_of(window, number) for number in range(self._parts)]

    def kept(self) -> Any:
        """What it keeps."""
        return [self._held, self._skip, self._more]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        self._held, self._skip, self._more = kept


class Interleaved(Cursor):
    """The datasets of ``length`` elements at a time, ``block`` elements of each in turn.

    ``dataset_of(leaves)`` makes the dataset of an element.
    """

    def __init__(self, source: Cursor, dataset_of: Callable[[Leaves], Any], length: int, block: int, shared: Shared):
        self.inputs = (source,)
        self._dataset_of = dataset_of
        self._block = block
        self._shared = shared
        self._open: list[tuple[Leaves, Cursor] | None] = [None] * length
        self._at = self._given = 0
        self._more = True

    def next(self) -> Leaves:
        """The next element. Raises End."""
        while True:
            slot = self._open[self._at]
            if slot is None and self._more:
                try:
                    element = self.inputs[0].next()
                except End:
                    self._more = False
                    continue
                slot = self._open[self._at] = element, self._dataset_of(element)._cursor(self._shared)
            if slot is None:
                if all(one is None for one in self._open):
                    raise End
                self._turn()
                continue
            try:
                leaves = slot[1].next()
            except End:
                self._open[self._at] = None
                self._turn()
                continue
            self._given += 1
            if self._given == self._block:
                self._turn()
            return leaves

    def _turn(self) -> None:
        self._at, self._given = (self._at + 1) % len(self._open), 0

    def kept(self) -> Any:
        """What it keeps."""
        places = [None if slot is None else [slot[0], slot[1].state()] for slot in self._open]
        return [places, self._at, self._given, self._more]

    def take_back(self, kept: Any) -> None:
        """Takes what it kept."""
        places, self._at, self._given, self._more = kept
        self._open = [None if place is None else self._at_place(*place) for place in places]

    def _at_place(self, element: Leaves, state: Any) -> tuple[Leaves, Cursor]:
        cursor = self._dataset_of(element)._cursor(self._shared)
        cursor.go_to(state)
        return element, cursor


def batch_sizes(size: int | None) -> Callable[[Any], Any]:
    """How a batch changes the sizes of a part."""
    return lambda sizes: None if sizes is None else (size, *sizes)


def without_rows(sizes: Any) -> Any:
    """The sizes of a row. Raises ValueError for a scalar."""
    if sizes == ():
        raise ValueError("unbatch: an element has a part of rank 0, which has no rows.")
    return None if sizes is None else TensorShape(sizes[1:]).sizes
