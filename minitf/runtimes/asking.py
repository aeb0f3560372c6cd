"""What a program may ask about where it is: inside which function and scope, and what a tensor is or holds."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.core import names, runtime
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor
from minitf.runtimes.operation import Operation


def inside_function() -> bool:
    """True while a ``tf.function`` is traced."""
    home = runtime.current().home
    return home.outermost() is not home


def get_current_name_scope() -> str:
    """The path of the name scopes that are entered here, without a slash at the end; empty outside of all."""
    return names.scope().path.rstrip("/")


def is_symbolic_tensor(tensor: Any) -> bool:
    """True for a tensor of a graph, which stands for a value that a run will have."""
    return isinstance(tensor, SymbolicTensor)


# Operations of a graph whose result is told from what is known of their inputs.
_BY_VALUE = frozenset(
    """
    cast concat const equal fill identity not_equal ones ones_like range stack stop_gradient zeros zeros_like
    """.split()
)
_BY_SHAPE = frozenset({"shape", "rank", "size"})


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """The value of a tensor as an array, as far as it is known now; None if it is not. What is no tensor is given back.

    In a graph that is a constant, or what follows from constants and shapes by casts, stacking and the like. ``partial``: of
    a stack, an array of objects with None for the parts that are not known.
    """
    if isinstance(tensor, EagerTensor):
        return tensor.numpy()
    if not isinstance(tensor, Tensor):
        return None if hasattr(tensor, "_as_tensor") else tensor
    return _value(tensor, partial)


def _value(tensor: Any, partial: bool = False) -> Any:
    operation: Operation = tensor.op
    kind = operation.type
    if kind == "const":
        return np.array(operation.attrs["value"])
    if kind in _BY_SHAPE:
        return _run(operation, [np.zeros(a.spec.shape, bool) for a in operation.inputs]) if _complete(operation) else None
    if kind not in _BY_VALUE:
        return None
    values = [None if type(a) is not SymbolicTensor else _value(a) for a in operation.arguments]
    missing = [v is None and a is not None for v, a in zip(values, operation.arguments, strict=True)]
    if any(missing):
        found = np.array(values, dtype=object) if partial and kind == "stack" and operation.attrs["axis"] == 0 else None
        return found if found is None or found.ndim == 1 else None
    return _run(operation, values)


def _complete(operation: Operation) -> bool:
    spec = operation.inputs[0].spec
    return spec.shape is not None if operation.type == "rank" else spec.complete


def _run(operation: Operation, values: list[Any]) -> Any:
    return np.asarray(operation.kernel_op.kernel(*values, **operation.attrs))


