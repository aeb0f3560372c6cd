"""Cutting data into batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sized
from itertools import chain
from typing import Any

import numpy as np

from minitf.core.structures import flatten, pack

INFINITE, UNKNOWN = -1, -2  # numbers of batches, as datasets give them


class Batches:
    """Arrays (or nested structures of them) cut into batches, or an iterable that gives batches itself.

    A batch is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, as ``pack_x_y_sample_weight`` puts it together. ``begin``, and
    then iterate once for each round: ``steps`` batches, or all. The next round of an iterable begins anew if a round has all
    of its batches, and goes on where this one ended otherwise; arrays are gone through once for each of ``rounds``, whatever
    a round has of them. If there are too few batches for a round, it warns and the data is ``exhausted``.

    ``order`` is a function that puts the numbers of the examples into the order of a round. Raises ValueError for arrays of
    different lengths, and for a dataset without end if nobody says how many ``steps`` a round has.
    """

    def __init__(self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None, order: Any = None,
                 steps: int | None = None, rounds: int = 1):  # fmt: skip
        self._steps = steps
        self._rounds = rounds
        self._order = order
        self._now: Iterator[Any] = iter(())
        self._seen = 0  # batches of it
        self.exhausted = False
        self.count: int | None = None  # batches in a round, if known
        self._iterable: Iterable[Any] | None = None
        self._data: Any = None
        if not _is_data(x):
            if y is not None or sample_weight is not None or batch_size is not None:
                raise ValueError("An iterable gives batches (x, y) itself: leave out y, sample_weight and batch_size.")
            self._iterable = x
            self._known = _length(x)
            if self._known == INFINITE and not steps:
                raise ValueError("The dataset has no end: say with steps_per_epoch (or steps) how many batches are a round.")
            self.count = steps or (None if self._known < 0 else self._known)
            return
        arrays = [None if a is None else _array(a) for a in flatten((x, y, sample_weight))]
        parts = pack((x, y, sample_weight), arrays)
        self._data = tuple([tuple(part) if isinstance(part, list) else part for part in parts])  # a list alone is no batch
        lengths = {len(a) for a in arrays if a is not None}
        if len(lengths) != 1:
            raise ValueError(f"All arrays must have the same number of examples, but they have {sorted(lengths)}.")
        self.examples = lengths.pop()
        self.batch_size = 32 if batch_size is None else int(batch_size)
        if self.batch_size <= 0:
            raise ValueError(f"batch_size must be positive, not {batch_size}.")
        self._known = -(-self.examples // self.batch_size)
        self.count = steps or self._known

    def begin(self) -> Batches:
        """Goes to the beginning. Gives itself."""
        self._now, self._seen, self.exhausted = self._begun(), 0, False
        return self

    def _begun(self) -> Iterator[Any]:
        if self._iterable is not None:
            return map(_checked, iter(self._iterable))
        return chain.from_iterable(self._from_arrays() for _ in range(self._rounds))

    def __iter__(self) -> Iterator[Any]:
        if self._iterable is not None and (not self._steps or self._steps == self._known):
            self._now, self._seen = self._begun(), 0
        number = 0
        while self.count is None or number < self.count:
            batch = next(self._now, None)
            if batch is None:
                if self.count is None:
                    self.count = number
                    return
                self.exhausted = True
                warnings.warn(
                    f"The data has no more batches: this round has {number}, not {self.count}. Give more data, or fewer steps.",
                    stacklevel=3,
                )
                return
            number += 1
            self._seen += 1
            yield batch
        if self._iterable is not None and self._seen == self._known:
            next(self._now, None)  # TensorFlow has looked for another batch by now: a dataset draws seeds where it ends

    def _from_arrays(self) -> Iterator[Any]:
        order = np.arange(self.examples)
        if self._order is not None:
            order = self._order(order)
        arrays = flatten(self._data)
        for start in range(0, self.examples, self.batch_size):
            rows = order[start : start + self.batch_size]
            yield pack_x_y_sample_weight(*pack(self._data, [None if a is None else a[rows] for a in arrays]))


def _checked(batch: Any) -> Any:
    unpack_x_y_sample_weight(batch if isinstance(batch, tuple) else (batch,))
    return pack(batch, [None if a is None else _array(a) for a in flatten(batch)])


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """``(x, y, sample_weight)`` of what ``train_step`` gets, with None for what is not there. Raises ValueError for more
    parts.
    """
    parts = tuple(data) if isinstance(data, (list, tuple)) else (data,)
    if not 0 < len(parts) <= 3:
        raise ValueError(f"A batch is x, (x, y) or (x, y, sample_weight), but this one has {len(parts)} parts.")
    return (*parts, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """A batch as ``train_step`` gets it: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. A tuple ``x`` alone becomes
    ``(x,)``.
    """
    if y is None:
        return (x,) if isinstance(x, tuple) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def _length(batches: Any) -> int:
    """How many batches an iterable gives; -1 without end, -2 if nobody knows."""
    if hasattr(batches, "cardinality"):
        return int(batches.cardinality())
    return len(batches) if isinstance(batches, Sized) else UNKNOWN


def _is_data(x: Any) -> bool:
    """True for arrays, tensors, and lists, tuples and dicts of them; False for generators and other iterables of batches."""
    if isinstance(x, dict):
        return True
    if isinstance(x, (list, tuple)):
        return not (x and isinstance(x[0], tuple))
    return hasattr(x, "shape") or hasattr(x, "__array__")


def _array(value: Any) -> Any:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def split_off(data: tuple[Any, Any, Any], share: float) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """The first part of the examples, and the last ``share`` of them. Raises ValueError if one of the two is empty."""
    arrays = [None if a is None else _array(a) for a in flatten(data)]
    count = len(next(a for a in arrays if a is not None))
    cut = int(count * (1.0 - share))
    if not 0 < cut < count:
        raise ValueError(f"validation_split={share} of {count} examples leaves nothing to train or nothing to validate on.")
    first, last = [None if a is None else a[:cut] for a in arrays], [None if a is None else a[cut:] for a in arrays]
    return pack(data, first), pack(data, last)


def with_class_weights(y: Any, sample_weight: Any, class_weight: Any) -> Any:
    """Weights of examples: those of their classes (class numbers, or one-hot along the last axis) by ``class_weight``.

    Raises ValueError for a class without a weight.
    """
    truths = np.asarray(y)
    classes = np.argmax(truths, -1) if truths.ndim > 1 and truths.shape[-1] > 1 else truths.reshape(len(truths)).astype(int)
    missing = sorted(set(np.unique(classes).tolist()) - set(class_weight))
    if missing:
        raise ValueError(f"class_weight must have a weight for each class, but {missing} are missing.")
    weights = np.array([class_weight[int(c)] for c in classes], np.float32)
    return weights if sample_weight is None else weights * np.asarray(sample_weight, np.float32)
