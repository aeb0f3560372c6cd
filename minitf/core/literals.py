"""Python values to arrays, by TensorFlow's rules.

A Python float becomes float32 and an int int32 (int64 if it does not fit); NumPy arrays keep their dtype; ``bytes`` and ``str``
become string tensors (object arrays of ``bytes``, text as UTF-8). With a dtype given, a value takes it only if nothing but its
width changes: a float never becomes an integer, a number never a bool. The source of these rules is ``tf.constant``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.dtypes import DType

_INT32 = range(-(2**31), 2**31)
# What may become what: rank of a kind; a value adapts to the same or a higher rank.
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}


def to_array(value: Any, dtype: DType | None = None) -> Any:
    """A new array (or NumPy scalar) that nobody else holds. Raises TypeError or ValueError for values that have none."""
    kind = type(value)
    if dtype is None:
        if kind is np.ndarray and value.dtype in dtypes.PLAIN and value.ndim:
            return np.array(value)
        if kind is float:
            return np.float32(value)
        if kind is int and value in _INT32:
            return np.int32(value)
    elif kind is float and dtype.kind in "fc":
        return dtype.np.type(value)
    elif kind is int and dtype.kind in "fc":
        return dtype.np.type(value)
    if isinstance(value, (bytes, str)):
        return _string(value, dtype)
    if isinstance(value, (np.ndarray, np.generic)):
        return _from_numpy(value, dtype)
    if isinstance(value, int) and kind is not bool:
        return _from_int(value, dtype)
    try:
        array = np.array(value, order="C")
    except UnicodeDecodeError:  # str beside bytes that are not ASCII
        array = np.array(value, dtype=object)
    except ValueError as e:
        raise ValueError(f"Cannot make a tensor of {_short(value)}: its rows do not have the same length. ({e})") from None
    if array.dtype.kind == "O":
        return _from_objects(value, array, dtype)
    if array.dtype.kind in "SU":
        return _string_array(np.array(value, dtype=object), dtype)
    if not _holds_numpy(value):
        array = _python_defaults(array, dtype)
    return _own(_adapt(array, dtype, value))


def _from_int(value: int, dtype: DType | None) -> Any:
    target = dtype or (dtypes.int32 if value in _INT32 else dtypes.int64)
    if target.kind in "iu" and target.is_numpy_compatible and not target.min <= value <= target.max:
        raise ValueError(f"{value} does not fit into {target.name}, which holds {target.min} to {target.max}.")
    if target.kind not in "iufcq":
        raise TypeError(f"Cannot make a {target.name} tensor of the integer {value}.")
    return target.np.type(value)


def _from_numpy(value: Any, dtype: DType | None) -> Any:
    if value.dtype.kind in "SU":
        return _string_array(value.astype(object), dtype)
    if value.dtype.kind == "O":
        return _from_objects(value, np.array(value), dtype)
    if dtype is None:
        dtypes.of_numpy(value.dtype)  # raises for what TensorFlow does not know
        array = np.array(value, order="C") if value.dtype.isnative else value.astype(value.dtype.newbyteorder("="))
        return array[()] if array.ndim == 0 else array
    made = _adapt(value, dtype, value)
    return _own(made.copy() if made is value else made)


def _python_defaults(array: Any, dtype: DType | None) -> Any:
    if dtype is None:
        if array.dtype == np.float64:
            return array.astype(np.float32)
        if array.dtype == np.int64 and (array.size == 0 or (array.min() >= _INT32.start and array.max() < _INT32.stop)):
            return array.astype(np.float32 if array.size == 0 else np.int32)
    elif array.size == 0:
        return array.astype(dtype.np)
    return array


def _adapt(array: Any, dtype: DType | None, value: Any) -> Any:
    if dtype is None or (array.dtype == dtype.np and dtype.kind != "V"):
        return array
    have, want = _RANK.get(dtypes.of_numpy(array.dtype).kind, 9), _RANK.get("i" if dtype.kind == "q" else dtype.kind, -1)
    if have > want:
        raise TypeError(f"Cannot make a {dtype.name} tensor of {_short(value)}, which is {array.dtype}. Cast it first.")
    out = array.astype(dtype.np, order="C")
    if want == 1 and array.size and not np.array_equal(out.astype(object), array.astype(object)):
        raise ValueError(f"{_short(value)} does not fit into {dtype.name}, which holds {dtype.min} to {dtype.max}.")
    return out


def _own(array: Any) -> Any:
    return array[()] if array.ndim == 0 and array.dtype.kind != "O" else array


def _string(value: bytes | str, dtype: DType | None) -> Any:
    if dtype is not None and dtype is not dtypes.string:
        raise TypeError(f"Cannot make a {dtype.name} tensor of the string {_short(value)}.")
    out = np.empty((), dtype=object)
    out[()] = value.encode() if isinstance(value, str) else value
    return out


def _string_array(array: Any, dtype: DType | None) -> Any:
    if dtype is not None and dtype is not dtypes.string:
        raise TypeError(f"Cannot make a {dtype.name} tensor of strings.")
    out = np.empty(array.shape, dtype=object)
    flat, source = out.reshape(-1), array.reshape(-1)
    for i in range(flat.size):
        item = source[i]
        if not isinstance(item, (bytes, str)):
            raise TypeError(f"Cannot make a string tensor of {_short(item)}: its elements must be str or bytes.")
        flat[i] = item.encode() if isinstance(item, str) else bytes(item)
    return out


def _from_objects(value: Any, array: Any, dtype: DType | None) -> Any:
    items = array.reshape(-1).tolist()
    if items and all(isinstance(i, (bytes, str)) for i in items):
        return _string_array(array, dtype)
    if items and all(isinstance(i, int) for i in items):
        raise ValueError(f"{_short(value)} holds an integer that fits into no dtype.")
    if not items and dtype in (None, dtypes.string):
        return array
    if None in items:
        raise ValueError("None values are not supported: a tensor cannot hold None.")
    raise (TypeError if items and isinstance(items[0], (bytes, str)) else ValueError)(
        f"Cannot make a tensor of {_short(value)} (type {type(value).__name__}): it is no number, string, array or nested "
        f"sequence of these."
    )


def _holds_numpy(value: Any) -> bool:
    """True if a NumPy value decides the dtype of a nested sequence (then float64 stays float64)."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__")


def _short(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "..."
