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


def folded(operations: Sequence[Operation], fed: set[int], kernels: Mapping[str, Callable[..., Any]]) -> dict[int, Any]:
    """The known values by id of their tensor. Kernels run as they would later, so the values are the same."""
    values: dict[int, Any] = {}
    for o in operations:
        op = o.kernel_op
        if op.name == "const":
            values[id(o.outputs[0])] = o.attrs["value"]
            continue
        if op.stateful or not o.arguments or not o.outputs or op.name in kernels:
            continue
        if op.of_shape:
            arguments = [_like(a) for a in o.arguments]
        else:
            arguments = [values.get(id(a)) if id(a) not in fed else None for a in o.arguments]
        if any(a is None for a in arguments) or not all(_small(t.spec) and id(t) not in fed for t in o.outputs):
            continue
        try:
            result = normal(op.kernel(*arguments, **o.attrs))
        except (OpError, ValueError, TypeError, IndexError, ArithmeticError):
            continue  # it fails when it runs, if it does
        for t, value in zip(o.outputs, result if o.several else (result,), strict=True):
            values[id(t)] = value
    return values


def _small(spec: Spec) -> bool:
    return spec.complete and spec.dtype.kind in "fiucb" and total_size(s or 0 for s in spec.shape or ()) <= LARGEST


def _like(argument: Any) -> Any:
    """An array of the dtype and shape of a tensor, or None if they are not known."""
    if not isinstance(argument, SymbolicTensor) or not argument.spec.complete or argument.spec.dtype.kind not in "fiucb":
        return None
    return np.broadcast_to(np.zeros((), argument.spec.dtype.np), argument.spec.shape)  # type: ignore[arg-type]
