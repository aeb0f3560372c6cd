"""Operations whose value is known before anything runs: those of constants, and those that look at a known shape only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minitf.core.spec import Spec, total_size
from minitf.core.tensor import SymbolicTensor
from minitf.errors import OpError
from minitf.runtimes.operation import Operation
from minitf.runtimes.plan.order import normal

LARGEST = 4096
"""Elements of a result that is worth keeping for the life of a plan."""


def folded(operations: Sequence[Operation], fed: set[int],
           kernels: Mapping[str, Callable[..., Any]]) -> tuple[dict[int, Any], list[Operation]]:  # fmt: skip
    """The known values by id of their tensor, and the operations that have to run all the same.

    Kernels run as they would later, so the values are the same.
    """
    values: dict[int, Any] = {}
    rest: list[Operation] = []
    for o in operations:
        op = o.kernel_op
        if op.name == "const":
            values[id(o.output)] = o.attrs["value"]
        elif op.name == "variable" or (op.name == "no_op" and "no_op" not in kernels):
            pass  # there is nothing to do
        elif op.stateful or not o.arguments or not (values or op.of_shape) or not _computed(o, values, fed, kernels):
            rest.append(o)
    return values, rest


def _computed(o: Operation, values: dict[int, Any], fed: set[int], kernels: Mapping[str, Callable[..., Any]]) -> bool:
    """Adds what the operation gives to the values, if it can be known."""
    arguments = []
    for a in o.arguments:
        value = _like(a) if o.kernel_op.of_shape else values.get(id(a)) if id(a) not in fed else None
        if value is None:
            return False
        arguments.append(value)
    outputs = o.outputs
    if not outputs or o.type in kernels or not all(_small(t.spec) and id(t) not in fed for t in outputs):
        return False
    try:
        result = normal(o.kernel_op.kernel(*arguments, **o.attrs))
    except (OpError, ValueError, TypeError, IndexError, ArithmeticError):
        return False  # it fails when it runs, if it does
    for t, value in zip(outputs, result if o.several else (result,), strict=True):
        values[id(t)] = value
    return True


def alike(value: Any) -> Any:
    """The one value that all elements of a constant have, as an array of rank 0; None if they differ or are many.

    Beside an array of the result's shape it does what the constant does, and NumPy is three times as fast with it. A constant
    that is long in several axes might decide in which order the result lies in memory.
    """
    if value.dtype.kind not in "fiuc" or not 0 < value.size <= LARGEST or sum(size > 1 for size in value.shape) > 1:
        return None
    first = value.reshape(-1)[:1]
    return first.reshape(()) if first.tobytes() * value.size == value.tobytes() else None


def _small(spec: Spec) -> bool:
    return spec.complete and spec.dtype.kind in "fiucb" and total_size(s or 0 for s in spec.shape or ()) <= LARGEST


def _like(argument: Any) -> Any:
    """An array of the dtype and shape of a tensor, or None if they are not known."""
    if not isinstance(argument, SymbolicTensor) or not argument.spec.complete or argument.spec.dtype.kind not in "fiucb":
        return None
    return np.broadcast_to(np.zeros((), argument.spec.dtype.np), argument.spec.shape)  # type: ignore[arg-type]
