"""The seeds of a dataset, from its own and from that of the program."""

from __future__ import annotations

import random
import weakref
from typing import Any

from minitf.core import runtime
from minitf.core.streams import DEFAULT_SEED

_MOST = 2**31 - 1
_drawn: weakref.WeakKeyDictionary[Any, tuple[int, random.Random]] = weakref.WeakKeyDictionary()


def seeds_of(seed: Any) -> tuple[int, int]:
    """The two seeds that TensorFlow makes of that of a dataset and that of the program; two zeros for chance."""
    streams = runtime.current().home.outermost().streams
    whole = streams.seed
    if seed is None:
        if whole is None:
            return 0, 0
        known = _drawn.get(streams)
        if known is None or known[0] != streams.sown:
            known = _drawn[streams] = streams.sown, random.Random(whole)
        own = known[1].randint(0, _MOST)
    else:
        own = int(seed)
    first, own = (DEFAULT_SEED if whole is None else whole) % _MOST, own % _MOST
    return (first, own) if first or own else (0, _MOST)
