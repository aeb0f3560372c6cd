"""What programs do with data and seeds before they train a model. The data are NumPy arrays."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.ops.random import set_seed


def set_random_seed(seed: int) -> None:
    """Sets the seeds of Python's ``random``, NumPy's global generator and this library's."""
    random.seed(seed)
    np.random.seed(seed)
    set_seed(seed)


def to_categorical(y: Any, num_classes: int | None = None, dtype: Any = "float32") -> Any:
    """Class numbers as one-hot vectors along a new last axis. A last axis of size 1 disappears first.

    ``num_classes``: by default one more than the largest number. Raises IndexError for a number that is no class.
    """
    numbers = np.array(y, dtype="int")
    shape = numbers.shape[:-1] if len(numbers.shape) > 1 and numbers.shape[-1] == 1 else numbers.shape
    numbers = numbers.ravel()
    classes = num_classes or (int(numbers.max()) + 1 if numbers.size else 0)
    out = np.zeros((numbers.size, classes), dtype)
    out[np.arange(numbers.size), numbers] = 1
    return out.reshape((*shape, classes))


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """``x`` divided by its norms of an ``order`` along ``axis``; zeros stay."""
    norms = np.atleast_1d(np.linalg.norm(x, order, axis))
    norms[norms == 0] = 1
    return x / np.expand_dims(norms, axis)


def pad_sequences(sequences: Sequence[Any], maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre",
                  truncating: str = "pre", value: Any = 0.0) -> Any:  # fmt: skip
    """Sequences of different lengths as one array (sequences, maxlen, ...), with ``value`` where there is nothing.

    ``padding`` and ``truncating``: at which end values are put or taken away, "pre" or "post". ``maxlen``: by default that of
    the longest. Raises ValueError for other words and for things that are no sequences.
    """
    for what, end in (("padding", padding), ("truncating", truncating)):
        if end not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {what} must be 'pre' or 'post', not {end!r}.")
    if not all(hasattr(s, "__len__") for s in sequences):
        raise ValueError("pad_sequences takes a list of sequences, but some of them have no length.")
    longest = max(map(len, sequences), default=0) if maxlen is None else maxlen
    rest = next((np.shape(s)[1:] for s in sequences if len(s)), ())
    if isinstance(value, str) and np.dtype(dtype).kind not in "OU":
        raise ValueError(f"pad_sequences: the value {value!r} does not go with the dtype {dtype}. Pass dtype=object.")
    out = np.full((len(sequences), longest, *rest), value, dtype)
    for row, sequence in zip(out, sequences, strict=True):
        part = sequence[-longest:] if truncating == "pre" else sequence[:longest]
        if not longest or not len(part):
            continue
        if np.shape(part)[1:] != rest:
            raise ValueError(f"pad_sequences: a step of one sequence has shape {np.shape(part)[1:]}, of another {rest}.")
        if padding == "post":
            row[: len(part)] = part
        else:
            row[-len(part) :] = part
    return out
