"""What differs in two values of one dtype and shape: bit by bit, or by more than somebody allows."""

from __future__ import annotations

import operator
from collections import deque
from itertools import chain
from typing import Any

import numpy as np

from minitf.core.spec import total_size
from minitf.storage.flows import Numbers, Texts, items, side_by_side

TOGETHER = 1 << 16  # elements that are compared at a time


def difference(x: Any, y: Any, rtol: float, atol: float) -> str | None:
    """What differs in two flows, None if nothing does. Raises as reading the values does."""
    return _of_strings(x, y) if isinstance(x, Texts) else _of_numbers(x, y, rtol, atol)


def _of_strings(x: Texts, y: Texts) -> str | None:
    first, second = (chain.from_iterable(items(flow)) for flow in (x, y))
    unequal = sum(map(operator.ne, first, second))
    deque(second, 0)  # verifies the end, too
    return f"{unequal} of {total_size(x.shape)} strings" if unequal else None


def _of_numbers(x: Numbers, y: Numbers, rtol: float, atol: float) -> str | None:
    count, known = 0, []
    for some, others in side_by_side(x, y, TOGETHER):
        different, furthest = _compared(some, others, rtol, atol)
        count += different
        known += furthest
    if not count:
        return None
    largest = max(known) if known else float("nan")
    text = f"{largest:.6g}" if isinstance(largest, float) else str(largest)
    return f"{count} of {total_size(x.shape)} elements, by at most {text}"


def _compared(x: Any, y: Any, rtol: float, atol: float) -> tuple[int, list[Any]]:
    """How many elements differ, and how far the furthest of them are apart, if that can be said."""
    if x.tobytes() == y.tobytes():
        return 0, []
    apart = _apart(x, y)
    different = (_bytes_of_each(x) != _bytes_of_each(y)).any(axis=1)
    if rtol or atol:
        wide_x, wide = (array.astype(np.complex128 if array.dtype.kind == "c" else np.float64) for array in (x, y))
        with np.errstate(all="ignore"):  # infinity times 0, where only atol is given
            near = (apart <= atol + np.where(rtol, rtol * np.abs(wide), 0.0)) & np.isfinite(wide_x) & np.isfinite(wide)
            different &= ~(near | (x == y) | ((x != x) & (y != y)))
    known = apart[different & (apart == apart)]
    return int(np.count_nonzero(different)), [known.max()] if known.size else []


def _apart(x: Any, y: Any) -> Any:
    """How far elements are apart; of integers exactly, which floats would not be from 2**53 on."""
    if x.dtype.kind in "iu":
        more = x > y
        x, y = (array.astype(np.int64 if array.dtype.kind == "i" else np.uint64).view(np.uint64) for array in (x, y))
        return np.where(more, x - y, y - x)
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        return np.abs(x.astype(wide) - y.astype(wide))


def _bytes_of_each(x: Any) -> Any:
    """The bytes of each element, one row an element: NaNs and signed zeros differ or not as their bits do."""
    return x.reshape(-1).view(np.uint8).reshape(x.size, -1)
