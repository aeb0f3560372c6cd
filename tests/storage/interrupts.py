"""Ctrl-C at every place of a program where Python looks for one, in turn.

Python looks when a function of Python begins, behind each call, and when a loop goes back. Just before each instruction that
does such a thing the signal is set as it is by the system, so the interrupt comes where it would come. (An exception raised by
a trace function comes between any two lines, for example before a ``with`` has left its lock, where no signal does.)
"""

from __future__ import annotations

import ctypes
import dis
import os
import signal
import sys
from pathlib import Path

import minitf

PLACES = [str(Path(minitf.__file__).parent), *(f"{os.sep}{name}" for name in ("contextlib.py", "zipfile"))]
LOOKING = {dis.opmap[name] for name in ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD") if name in dis.opmap}

_set = ctypes.pythonapi.PyErr_SetInterrupt
_set.argtypes, _set.restype = [ctypes.py_object], None


class _Signal:
    now = property(_set)  # not a call, behind which Python would look at once


class Interrupt:
    """Calls a function and interrupts it at place number ``at``; ``where`` says which that is, None if there are fewer.

    ``again``: so many places later, while what the first interrupt has brought about is handled, there is a second one, and so
    on, ``times`` in all. ``inside``: the parts of file names whose places count.
    """

    def __init__(self, at: int, again: int | None = None, times: int = 2, inside=PLACES):
        self._inside = inside
        self._left = at
        self._again = again
        self._times = times if again else 1
        self._known: dict[object, bool] = {}
        self.where: str | None = None
        self.raised: KeyboardInterrupt | None = None
        # Python 3.11 calls trace functions and handlers without holding them: they must outlive their own removal.
        self._entering, self._stepping, self._interrupting = self._enter, self._step, self._interrupted

    def call(self, act) -> None:
        """Calls it. Any other error than the interrupt goes on."""
        before, handler = sys.gettrace(), signal.signal(signal.SIGINT, self._interrupting)
        try:
            sys.settrace(self._entering)
            act()
            sys.settrace(None)
        except KeyboardInterrupt as error:
            self.raised = error
        finally:
            sys.settrace(before)
            signal.signal(signal.SIGINT, handler)

    def _interrupted(self, number, frame):
        """What Python calls for the signal. If there is to be another one, the frames that handle this one are followed."""
        self._times -= 1
        if self._times:
            self._left = self._again
            sys.settrace(self._entering)
            while frame is not None:
                frame.f_trace = self._enter(frame, "call", None)
                frame = frame.f_back
        raise KeyboardInterrupt

    def _enter(self, frame, event, argument):
        code = frame.f_code
        if code not in self._known:
            self._known[code] = any(place in code.co_filename for place in self._inside)
        if not self._known[code]:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._stepping

    def _step(self, frame, event, argument):
        if event == "opcode" and frame.f_code.co_code[frame.f_lasti] in LOOKING:
            self._left -= 1
            if self._left == 0:
                self.where = f"{self.where or ''} {frame.f_code.co_filename}:{frame.f_lineno}".strip()
                sys.settrace(None)
                frame.f_trace = None
                return _Signal().now
        return self._stepping


def open_files() -> set[tuple[str, str]]:
    """What this process has open, as far as the system tells."""
    out = set()
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []:
        try:
            out.add((number, os.readlink(f"/proc/self/fd/{number}")))
        except OSError:
            continue
    return out
