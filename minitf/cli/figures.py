"""What there is to say and to see of a value that is gone through piece by piece."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minitf.cli.output import Drawn
from minitf.core.spec import total_size
from minitf.storage.filling import Elements
from minitf.storage.flows import Flow, Numbers, Texts, beginnings, in_memory
from minitf.storage.values import Array

_BARS = " ▁▂▃▄▅▆▇█"
_BINS = 32
_TOGETHER = 1 << 16  # elements that are looked at together
SHORT = 200  # elements that are printed, and bytes of a string
STRINGS = 20  # strings that are printed
_EDGE = 3  # elements at both ends of a side that NumPy prints


def figures(flow: Flow) -> dict[str, str]:
    """Least, greatest and mean of numbers, a histogram from the least to the greatest, and how many are none."""
    size = total_size(flow.shape)
    if isinstance(flow, Texts) or size < 2 or not np.can_cast(flow.dtype.np, np.float64):  # complex numbers have no order
        return {}
    count, total, ends, exact = 0, 0.0, [math.inf, -math.inf], []
    with np.errstate(all="ignore"):  # a sum of large numbers may be infinite
        for piece, finite in _finite(flow):
            if flow.dtype.np.kind in "iu":  # every digit counts, and a float may not have them all
                exact += [int(piece.min()), int(piece.max())]
                exact = [min(exact), max(exact)]
            if finite.size:
                count, total = count + finite.size, total + float(finite.sum())
                ends = [min(ends[0], finite.min()), max(ends[1], finite.max())]
    if not count:
        return {"not finite": f"{size} of {size}"}
    out = {"least": f"{ends[0]:.6g}", "greatest": f"{ends[1]:.6g}", "mean": f"{total / count:.6g}"}
    if exact:
        out |= {"least": str(exact[0]), "greatest": str(exact[1])}
    with contextlib.suppress(ValueError, IndexError):  # a range that 32 bins cannot divide (IndexError: NumPy before 2.2)
        out["spread"] = _histogram(flow, ends)
    if count < size:
        out["not finite"] = f"{size - count} of {size}"
    return out


def _finite(flow: Numbers) -> Iterator[tuple[Any, Any]]:
    """The elements, some at a time, and those that are finite, as float64."""
    for piece in flow.pieces():
        for start in range(0, piece.size, _TOGETHER):
            wide = piece[start : start + _TOGETHER].astype(np.float64)
            yield piece[start : start + _TOGETHER], wide[np.isfinite(wide)]


def _histogram(flow: Numbers, ends: list[float]) -> Drawn:
    counts: Any = np.zeros(_BINS, np.int64)
    with np.errstate(all="ignore"):
        for _, finite in _finite(flow):
            counts += np.histogram(finite, bins=_BINS, range=(ends[0], ends[1]))[0]
    return Drawn("".join(_BARS[-(-int(n) * (len(_BARS) - 1) // int(counts.max()))] for n in counts))


def elements(flow: Flow, full: bool) -> list[str]:
    """The elements as lines; without ``full`` not all of many, and not all of long ones. All of them are verified."""
    if isinstance(flow, Texts):
        return _strings(flow, full)
    size = total_size(flow.shape)
    if full or size <= SHORT:
        return np.array2string(in_memory(flow), threshold=size + 1, max_line_width=120).splitlines()
    return np.array2string(_corners(flow), threshold=0, edgeitems=_EDGE, max_line_width=120).splitlines()


def _strings(flow: Texts, full: bool) -> list[str]:
    if full:
        return [repr(item) for item in in_memory(flow).ravel()]
    out = []
    for length, begun in beginnings(flow, STRINGS, SHORT):
        out.append(repr(begun) if length <= SHORT else f"{begun!r} ... {length} bytes")
    count = total_size(flow.shape)
    return [*out, f"... {count} strings; --full prints all"] if count > STRINGS else out


def _corners(flow: Numbers) -> Array:
    """An array that NumPy prints as it prints the value: of the middle of a long side, which it leaves out, one is there."""
    most = 2 * _EDGE + 1
    out: Array = np.zeros([min(side, most) for side in flow.shape], flow.dtype.np)
    sides = [
        [(slice(0, side), slice(0, side))]
        if side <= most
        else [(slice(0, _EDGE), slice(0, _EDGE)), (slice(side - _EDGE, side), slice(most - _EDGE, most))]
        for side in flow.shape
    ]
    parts = [
        (tuple(box for box, _ in places), out[tuple(there for _, there in places)]) for places in itertools.product(*sides)
    ]
    found = Elements(flow.shape, flow.dtype.np, parts)
    for piece in flow.pieces():
        found.put(piece)
    return out
