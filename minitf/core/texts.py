"""``tf.compat``: text as str or bytes, types of Python and NumPy numbers, and questions about versions."""

from __future__ import annotations

import datetime as dt
import numbers
import os
from typing import Any

import numpy as np

bytes_or_text_types = (bytes, str)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text as bytes. Raises TypeError for what is neither text nor bytes."""
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    return _checked(bytes_or_text, bytes)  # type: ignore[no-any-return]


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text. Raises TypeError for what is neither text nor bytes."""
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    return _checked(bytes_or_text, str)  # type: ignore[no-any-return]


as_str = as_text


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"Expected text or bytes, not {value!r} (a {type(value).__name__}).")
    return value


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Bytes as text, anything else by ``str``."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """A path object as a string; other things are given back."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


def forward_compatible(year: int, month: int, day: int) -> bool:
    """True if that day is in the past: what was new then may be relied upon."""
    return dt.date.today() > dt.date(year, month, day)
