"""Whether ``tf.function`` calls the Python function each time instead of its trace: for looking into it with a debugger."""

from __future__ import annotations

import threading

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open

_lock = whole_in_children(left_open(threading.Lock()))
RUNNING_EAGERLY: list[None] = []
"""Empty, unless functions run eagerly; a function looks here at each call."""


def run_functions_eagerly(run_eagerly: bool) -> None:
    """With True, what ``tf.function`` made calls its Python function each time, without a trace; False ends that."""
    with _lock:
        RUNNING_EAGERLY[:] = [None] if run_eagerly else []


def functions_run_eagerly() -> bool:
    """True while ``run_functions_eagerly(True)`` is in force."""
    return bool(RUNNING_EAGERLY)
