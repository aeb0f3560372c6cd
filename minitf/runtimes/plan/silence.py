"""NumPy's warnings, off during a run.

``np.errstate`` does it by a context variable, and works out anew each time what that is to hold, which takes a microsecond: as
much as many a run. Variable and content are the same every time, so they are found out once: they are what differs between the
contexts outside and inside.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

import numpy as np


def _found() -> tuple[ContextVar[Any], Any] | None:
    """NumPy's context variable and its content for silence; None if this NumPy does it otherwise."""
    outside = copy_context()
    with np.errstate(all="ignore"):
        inside = copy_context()
    changed = [v for v in inside if v not in outside or outside[v] is not inside[v]]
    return (changed[0], inside[changed[0]]) if len(changed) == 1 else None


_silence = _found()


def silently(run: Callable[[Any], Any], fed: Any) -> Any:
    """``run(fed)``, without warnings of NumPy."""
    if _silence is None:
        with np.errstate(all="ignore"):
            return run(fed)
    variable, content = _silence
    token = variable.set(content)
    try:
        return run(fed)
    finally:
        variable.reset(token)
