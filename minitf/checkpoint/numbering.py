"""The number of a checkpoint, which may be given as a variable or a tensor."""

from __future__ import annotations

import numbers
from typing import Any

from minitf.objects.variable import is_variable
from minitf.objects.variable_table import home_here


def integer_of(value: Any, session: Any, what: str) -> int:
    """The integer that ``value`` is: an int (Python's or NumPy's), or what a variable or tensor has, in ``session`` if in a
    graph.

    Adds no operation to a graph. Raises TypeError for anything else, RuntimeError for a graph's value without a session.
    """
    if isinstance(value, numbers.Integral):
        return int(value)
    if is_variable(value):
        handle = value.handle
        found = handle.home.store_to_save(session, what).cell(handle).read()
    elif hasattr(value, "spec") or isinstance(value, str):  # a tensor, or the name of one
        [found] = home_here().run_tensors([value], session, what)
    else:
        raise TypeError(f"{what}: a checkpoint is numbered by an integer, a variable or a tensor, not by {value!r}.")
    if found.dtype.kind not in "iu" or found.ndim:
        raise TypeError(f"{what}: a checkpoint is numbered by a single integer, not by a {found.dtype} of shape {found.shape}.")
    return int(found)
