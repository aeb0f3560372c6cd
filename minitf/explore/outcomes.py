"""Final states as values that can be compared: what a body returned, made hashable."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from minitf.explore.errors import OutcomeError

_PLAIN = (int, str, float, bool, bytes, type(None), complex)


def frozen(value: Any) -> Any:
    """An equal, hashable form: lists as tuples, dicts as sorted pairs, arrays and tensors as nested tuples of Python numbers.

    Raises OutcomeError for what has no value to compare.
    """
    kind = type(value)
    if kind in _PLAIN:
        return "nan" if value != value else value
    if kind is tuple or kind is list:
        return tuple([v if type(v) in (int, str) else frozen(v) for v in value])
    if isinstance(value, Mapping):
        return tuple(sorted(((frozen(k), frozen(v)) for k, v in value.items()), key=repr))
    if isinstance(value, Set):
        return tuple(sorted(map(frozen, value), key=repr))
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    if hasattr(value, "numpy"):
        value = value.numpy()
    if hasattr(value, "tolist"):
        return frozen(value.tolist())
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    own: Any = type(value).__hash__
    if own is not None and own is not object.__hash__:
        return value
    raise OutcomeError(
        f"The body returned {value!r}, whose type {kind.__name__} has no value that could be compared between executions. "
        f"Return numbers, strings, arrays, or lists and dicts of them."
    )
