"""Fed values: what may be given for a tensor, as an array that belongs to the session."""

from __future__ import annotations

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
