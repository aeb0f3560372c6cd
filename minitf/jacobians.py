"""Jacobians: derivatives of many elements, a gradient for each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minitf.core.op import convert
from minitf.ops.creating import zeros
from minitf.ops.joining import stack
from minitf.ops.shapes import reshape

Gradient = Callable[[Any, Any], Any]  # of a target, from this gradient of it


def by_elements(gradient: Gradient, target: Any, sources: Sequence[Any]) -> list[Any]:
    """For each source the derivatives of all elements of ``target``, or None where there are none."""
    target = convert(target)
    size, shape = target.shape.num_elements(), target.shape
    if size is None:
        raise ValueError("jacobian: the target's shape must be known.")
    rows = [gradient(target, convert(row.reshape(shape.as_list()))) for row in np.eye(size, dtype=target.dtype.np)]
    connected = rows[0] if rows else gradient(target, zeros(shape, target.dtype))
    out: list[Any] = []
    for k, source in enumerate(sources):
        if connected[k] is None:
            out.append(None)
        elif not rows:
            out.append(zeros((*shape, *source.shape), target.dtype))
        else:
            out.append(reshape(stack([row[k] for row in rows]), (*shape, *source.shape)))
    return out


def by_rows(gradient: Gradient, target: Any, source: Any) -> Any:
    """The derivatives of row i of ``target`` with respect to row i of ``source``, for all i at once."""
    target = convert(target)
    shape, rows = target.shape, source.shape
    if not shape.is_fully_defined() or not rows.is_fully_defined():
        raise ValueError(f"batch_jacobian: the shapes of target {shape} and source {rows} must be known.")
    if shape.rank < 2 or not rows.rank or shape[0] != rows[0]:
        raise ValueError(
            f"batch_jacobian: target {shape} and source {rows} must have the same number of rows, the target at least rank 2."
        )
    columns, size = [], math.prod(shape[1:])
    for j in range(size):
        seed = np.zeros((shape[0], size), target.dtype.np)
        seed[:, j] = 1
        columns.append(gradient(target, convert(seed.reshape(shape.as_list()))))
    if not columns:
        return zeros((*shape, *rows[1:]), target.dtype)
    return reshape(stack(columns, axis=1), (*shape, *rows[1:]))
