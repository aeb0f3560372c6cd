"""Which operations a run needs, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.core.literals import to_array
from minitf.core.state import Handle
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.operation import Operation


def needed(fetches: Sequence[Any], fed: set[int]) -> list[Operation]:
    """The operations that the fetches need, in order of creation. A fed tensor needs nothing.

    Who waits for a placeholder by a control dependency does not need it either if it is fed.
    """
    found: dict[int, Operation] = {}
    stack = [f for f in fetches if not (isinstance(f, SymbolicTensor) and id(f) in fed)]
    todo = [f.op if isinstance(f, SymbolicTensor) else f for f in stack]
    while todo:
        operation = todo.pop()
        if operation.number in found:
            continue
        found[operation.number] = operation
        for a in operation.arguments:
            if isinstance(a, SymbolicTensor) and id(a) not in fed and a.op.number not in found:
                todo.append(a.op)
        for before in operation.control_inputs:
            if before.type != "placeholder" or id(before.outputs[0]) not in fed:
                todo.append(before)
    return [found[n] for n in sorted(found)]


def initialisers(operations: Sequence[Operation], fed: set[int]) -> list[Handle]:
    """The variables whose initialisers are among the operations. One whose first value is fed is an assignment (``load``)."""
    return [
        o.arguments[0]
        for o in operations
        if o.type == "assign" and o.arguments[0].initializer is o and id(o.arguments[1]) not in fed
    ]


def normal(value: Any) -> Any:
    """A kernel's result as arrays: NumPy turns 0-d object arrays (strings) into their element."""
    if type(value) is tuple:
        return tuple(normal(v) for v in value)
    return value if isinstance(value, (np.ndarray, np.generic)) else to_array(value)
