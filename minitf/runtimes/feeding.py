"""Fed values: what may be given for a tensor, as an array that belongs to the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.literals import to_array
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor


def fed_value(tensor: SymbolicTensor, value: Any, copied: bool = True) -> Any:
    """A fed Python value as an array of the session's own, or (unless ``copied``) perhaps the array itself.

    Raises ValueError for a shape and TypeError for a dtype that does not fit.
    """
    spec: Any = tensor._spec
    kind, np_dtype = type(value), spec.dtype._np
    if kind is np.ndarray:
        if value.shape == spec.shape and value.shape and value.dtype is np_dtype and not np_dtype.hasobject:
            return value.copy() if copied or not value.flags.c_contiguous else value
    elif spec.shape == () and np_dtype is not None:
        if kind is np_dtype.type:
            return value
        if kind is float or isinstance(value, np.generic):
            return to_array(value, spec.dtype)
    if isinstance(value, EagerTensor):
        value = value.numpy()
    if isinstance(value, Tensor):
        raise TypeError(f"Cannot feed {tensor.name!r} with a tensor of a graph; feed arrays or Python values.")
    if tensor.dtype is dtypes.variant:
        box = np.empty((), dtype=object)
        box[()] = value
        return box
    array = to_array(value, tensor.dtype)
    if not tensor.shape.is_compatible_with(array.shape):
        raise ValueError(
            f"Cannot feed a value of shape {array.shape} for tensor {tensor.name!r}, which has shape {tensor.shape}."
        )
    return array


def taking(feeds: Sequence[SymbolicTensor], copied: Sequence[bool]) -> Callable[..., tuple[Any, ...]]:
    """A function of one value for each feed that gives what ``fed_value`` gives for them.

    It asks ``fed_value`` for those only that are not just right::

        def taken(v0, v1):
            return (v0 if type(v0) is k0 else fed_value(t0, v0, False), ...)
    """
    space: dict[str, Any] = {"fed_value": fed_value, "ndarray": np.ndarray}
    parts = []
    for i, (tensor, copy) in enumerate(zip(feeds, copied, strict=True)):
        space[f"t{i}"], spec = tensor, tensor.spec
        np_dtype: Any = spec.dtype._np
        part = f"fed_value(t{i}, v{i}, {copy})"
        if np_dtype is None or np_dtype.hasobject or not spec.complete:
            pass
        elif spec.shape == ():
            space[f"k{i}"] = np_dtype.type
            part = f"v{i} if type(v{i}) is k{i} else {part}"
        elif not copy:
            space[f"s{i}"], space[f"d{i}"] = spec.shape, np_dtype
            fits = f"type(v{i}) is ndarray and v{i}.shape == s{i} and v{i}.dtype is d{i} and v{i}.flags.c_contiguous"
            part = f"v{i} if {fits} else {part}"
        parts.append(f"{part}, ")
    values = ", ".join([f"v{i}" for i in range(len(parts))])
    exec(_compiled(f"def taken({values}):\n    return ({''.join(parts)})"), space)  # made from the feeds' own specs
    return space["taken"]  # type: ignore[no-any-return]


@lru_cache(1000)
def _compiled(text: str) -> Any:
    """Most runs are fed alike, and compiling takes longer than many a run."""
    return compile(text, "<feeds>", "exec")
