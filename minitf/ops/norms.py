"""Lengths of tensors: norms, normalising to length 1, clipping by length, distances."""

import math
from typing import Any

import numpy as np

from minitf.core.op import convert
from minitf.ops.arithmetic import multiply
from minitf.ops.comparisons import select
from minitf.ops.complex import real
from minitf.ops.creating import cast, ones_like, zeros_like
from minitf.ops.elementwise import abs as abs_
from minitf.ops.elementwise import conj, is_finite, rsqrt, sqrt
from minitf.ops.extremes import maximum, minimum
from minitf.ops.losses import l2_loss
from minitf.ops.reductions import reduce_max, reduce_sum
from minitf.ops.shapes import size as size_of
from minitf.ops.static import known_axes


def norm(tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str | None = None) -> Any:
    """The norm of vectors (``axis`` an int, or None for all elements) or of matrices (two axes).

    ``ord``: "euclidean" (for matrices the same as "fro"), "fro", 1, 2 (largest singular value for matrices), ``np.inf`` or, for
    vectors, any positive number. Raises ValueError for a norm that there is not.
    """
    x = convert(tensor)
    axes = known_axes(axis, "axis")
    matrix = axes is not None and len(axes) == 2
    if ord in ("fro", "euclidean") or (ord == 2 and not matrix):
        if ord == "fro" and not matrix:
            raise ValueError("norm: 'fro' is a norm of matrices: give two axes.")
        return sqrt(real(reduce_sum(x * conj(x), axes, keepdims)), name=name)
    size = abs_(x)
    if matrix:
        assert axes is not None
        rows, columns = axes
        if ord in (1, np.inf):
            first, second = (rows, columns) if ord == 1 else (columns, rows)
            out = reduce_max(reduce_sum(size, first, keepdims=True), second, keepdims=True)
            return out if keepdims else reduce_max(out, axes)
        if ord == 2:
            return _spectral(x, axes, keepdims)
        raise ValueError(f"norm: there is no norm {ord!r} of matrices here; use 'fro', 1, 2 or np.inf.")
    if ord == np.inf:
        return reduce_max(size, axes, keepdims, name=name)
    if ord == 1:
        return reduce_sum(size, axes, keepdims, name=name)
    if isinstance(ord, (int, float)) and ord > 0:
        return reduce_sum(size**ord, axes, keepdims) ** (1.0 / ord)
    raise ValueError(f"norm: {ord!r} is no norm. Use 'euclidean', 'fro', a positive number or np.inf.")


def _spectral(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    from minitf.ops.decompositions import svd
    from minitf.ops.shapes import reshape, shape
    from minitf.ops.shaping import transpose

    rank = len(x.shape)
    last = [a % rank for a in axes]
    others = [i for i in range(rank) if i not in last]
    largest = reduce_max(svd(transpose(x, [*others, *last]), compute_uv=False), -1)
    if not keepdims:
        return largest
    return reshape(largest, [1 if i in last else shape(x)[i] for i in range(rank)])


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Any:
    """``x`` scaled to Euclidean length 1 over ``axis``.

    What is shorter than ``sqrt(epsilon)`` is scaled as if it had that length.
    """
    values = convert(x)
    length = reduce_sum(real(values * conj(values)), axis, keepdims=True)
    scale = rsqrt(maximum(length, convert(epsilon, length.dtype)))
    return values * cast(scale, values.dtype) if values.dtype.kind == "c" else values * scale


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Any, Any]:
    """``tensor`` divided by its norm, and the norm."""
    x = convert(tensor)
    length = norm(x, ord, axis, keepdims=True)
    return x / cast(length, x.dtype), length


def clip_by_average_norm(t: Any, clip_norm: Any, name: str | None = None) -> Any:
    """``t`` scaled so that its Euclidean norm, divided by its number of elements, is at most ``clip_norm``."""
    x = convert(t)
    most = cast(clip_norm, x.dtype)
    mean = sqrt(reduce_sum(x * x)) / cast(size_of(x), x.dtype)
    scale = minimum(1.0 / mean, 1.0 / most)
    return multiply(x * most, scale, name=name)


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """``t`` scaled down so that its Euclidean length over ``axes`` is at most ``clip_norm``."""
    x = convert(t)
    limit = convert(clip_norm) if hasattr(clip_norm, "dtype") else convert(clip_norm, x.dtype)
    squares = reduce_sum(x * x, axes, keepdims=True)
    some = squares > zeros_like(squares)
    length = select(some, sqrt(select(some, squares, ones_like(squares))), squares)
    return x * limit / maximum(length, limit)


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The Euclidean length of all tensors of a list together; None entries are left out."""
    halves = [l2_loss(t) for t in t_list if t is not None]
    if not halves:
        raise ValueError("global_norm needs at least one tensor.")
    total = halves[0]
    for h in halves[1:]:
        total = total + h
    return sqrt(total * 2.0, name=name)


def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> tuple[list[Any], Any]:
    """All tensors scaled by one factor so that their length together is at most ``clip_norm``; and that length.

    If the length is not finite, the tensors become NaN.
    """
    length = global_norm(t_list) if use_norm is None else convert(use_norm)
    limit = convert(clip_norm) if hasattr(clip_norm, "dtype") else convert(clip_norm, length.dtype)
    scale = limit * minimum(1.0 / length, 1.0 / limit)
    scale = select(is_finite(length), scale, zeros_like(scale) + math.nan)
    return [None if t is None else convert(t) * cast(scale, convert(t).dtype) for t in t_list], length
