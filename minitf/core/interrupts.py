"""Ctrl-C that waits until something is whole."""

from __future__ import annotations

import signal
import threading
from typing import Any


class InterruptsHeld:
    """``with InterruptsHeld():`` inside, Ctrl-C is only noted, however often it comes; then the program hears of it.

    Only the main thread hears of signals, and only there something is done. Other signals come as ever.
    """

    __slots__ = ("_before", "_came")

    def __init__(self) -> None:
        self._before: Any = None
        self._came: Any = None

    def _note(self, number: int, frame: Any) -> None:
        self._came = number, frame

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):  # otherwise the system ends the process, or nothing happens at all
                self._before = handler
                signal.signal(signal.SIGINT, self._note)

    def __exit__(self, *error: Any) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            if self._came is not None:
                self._before(*self._came)
