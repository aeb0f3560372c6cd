"""Windows that slide over arrays (convolutions, pooling): how many there are, all of them as a view, and their sum back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.errors import ShapeError


def margins(sizes: Sequence[int], window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], padding: Any) -> Any:
    """How many zeros stand before and behind each dimension. ``padding``: "VALID", "SAME", or such pairs themselves."""
    if padding == "VALID":
        return ((0, 0),) * len(window)
    if padding != "SAME":
        return padding
    out = []
    for size, w, s, d in zip(sizes, window, strides, dilations, strict=True):
        whole = max((-(-size // s) - 1) * s + (w - 1) * d + 1 - size, 0)
        out.append((whole // 2, whole - whole // 2))
    return tuple(out)


def windows_along(size: int | None, window: int | None, stride: int, dilation: int, padding: Any, axis: int) -> int | None:
    """How many windows there are along a dimension."""
    if size is None or window is None:
        return None
    if padding == "SAME":
        return -(-size // stride)
    before, behind = (0, 0) if padding == "VALID" else padding[axis]
    left = size + before + behind - (window - 1) * dilation - 1
    if left <= -2 * stride:  # as TensorFlow counts: between -stride and 0 there is room for no window
        raise ShapeError(
            f"A window of {window} (dilated: {(window - 1) * dilation + 1}) does not fit into {size + before + behind} "
            f"elements along dimension {axis}."
        )
    return max(0, left // stride + 1)


def view(x: Any, window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Any, fill: Any = 0) -> Any:
    """All windows of an array ``(batch, *sizes, channels)``:

    ``(batch, *places, channels, *window)``, without a copy if unpadded.
    """
    if any(p != (0, 0) for p in pads):
        x = np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)
    reach = [(w - 1) * d + 1 for w, d in zip(window, dilations, strict=True)]
    if any(size < r for size, r in zip(x.shape[1:-1], reach, strict=True)):
        return np.zeros((x.shape[0], *(max(0, (n - r) // s + 1) for n, r, s in zip(x.shape[1:-1], reach, strides, strict=True)),
                         x.shape[-1], *window), x.dtype)  # fmt: skip
    all_ = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(1, x.ndim - 1)))
    steps = tuple(slice(None, None, s) for s in strides)
    holes = tuple(slice(None, None, d) for d in dilations)
    return all_[(slice(None), *steps, slice(None), *holes)]


def scatter(parts: Any, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int], pads: Any) -> Any:
    """Adds windows ``(batch, *places, channels, *window)`` back to where they were: the transpose of ``view``."""
    n = len(sizes)
    places, window = parts.shape[1 : 1 + n], parts.shape[2 + n :]
    whole = [s + sum(p) for s, p in zip(sizes, pads, strict=True)]
    out = np.zeros((parts.shape[0], *whole, parts.shape[1 + n]), parts.dtype)
    for at in np.ndindex(*window):
        spots = tuple(
            slice(a * d, a * d + (count - 1) * s + 1 if count else a * d, s)
            for a, d, count, s in zip(at, dilations, places, strides, strict=True)
        )
        out[(slice(None), *spots)] += parts[(..., *at)]
    return out[(slice(None), *(slice(p[0], p[0] + s) for s, p in zip(sizes, pads, strict=True)))]
