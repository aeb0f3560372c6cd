"""Changes between which nothing comes.

Python looks for signals, and changes threads, when a function of its own begins, behind its calls, and when its loops go back;
not inside of functions of C, nor between assignments.
"""

from __future__ import annotations

from collections import deque
from itertools import starmap
from operator import call
from typing import Any

exhaust = deque[Any](maxlen=0).extend  # goes through an iterable and keeps nothing


def at_once(*steps: tuple[Any, ...]) -> None:
    """Calls the functions of (function, argument, ...) one after the other; all of them must be C's.

    Then no signal and no other thread comes between two of them. If one raises an error, those after it are not called. What
    is replaced must be held by somebody else meanwhile, so that no finalizer runs.
    """
    exhaust(starmap(call, steps))
