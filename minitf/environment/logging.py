"""``tf.compat.v1.logging`` and ``tf.get_logger``: the log of minitf, which is Python's logger named "minitf".

What minitf itself has to say goes there too. Without handlers of the program's own, messages go to stderr as
``INFO:minitf:text``, from WARN on unless ``set_verbosity`` says otherwise.
"""

from __future__ import annotations

import logging as _logging
import sys
import threading
from typing import Any

from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open

DEBUG, INFO, WARN, ERROR, FATAL = _logging.DEBUG, _logging.INFO, _logging.WARNING, _logging.ERROR, _logging.CRITICAL

_lock = whole_in_children(left_open(threading.Lock()))
_counts: dict[tuple[str, int], int] = {}  # calls, by the place in the program


class _ToStderr(_logging.StreamHandler[Any]):
    # Writes to what sys.stderr is at the time, and only where the program has no handler that gets the message too.

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(_logging.Formatter(_logging.BASIC_FORMAT))

    def emit(self, record: _logging.LogRecord) -> None:
        if not _logging.getLogger().handlers:
            self.stream = sys.stderr
            super().emit(record)


def get_logger() -> _logging.Logger:
    """Python's logger of minitf."""
    found = _logging.getLogger("minitf")
    with _lock:
        if not found.handlers:
            found.addHandler(_ToStderr())
    return found


def set_verbosity(v: int | str) -> None:
    """Lets through what is at least of the level ``v``, such as ``INFO``."""
    get_logger().setLevel(v)


def get_verbosity() -> int:
    """The level from which on messages get through."""
    return get_logger().getEffectiveLevel()


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs ``msg % args`` at a level."""
    get_logger().log(level, msg, *args, **kwargs)


vlog = log


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at the level DEBUG."""
    get_logger().debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at the level INFO."""
    get_logger().info(msg, *args, **kwargs)


def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at the level WARN."""
    get_logger().warning(msg, *args, **kwargs)


warn = warning


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at the level ERROR."""
    get_logger().error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at the level FATAL. The program goes on."""
    get_logger().critical(msg, *args, **kwargs)


def TaskLevelStatusMessage(msg: Any) -> None:
    """``error(msg)``"""
    error(msg)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Logs if the condition holds."""
    if condition:
        log(level, msg, *args)


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first time that this line of the program comes here, and then every ``n`` times."""
    log_if(level, msg, _calls_before(sys._getframe(1)) % n == 0, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first ``n`` times that this line of the program comes here."""
    log_if(level, msg, _calls_before(sys._getframe(1)) < n, *args)


def _calls_before(frame: Any) -> int:
    place = frame.f_code.co_filename, frame.f_lineno
    with _lock:
        before = _counts.get(place, 0)
        _counts[place] = before + 1
    return before


def flush() -> None:
    """Writes out what handlers still keep."""
    for handler in get_logger().handlers:
        handler.flush()
