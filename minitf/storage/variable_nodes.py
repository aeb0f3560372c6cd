"""Finding the plain variables among the nodes of a stored object graph, all at once.

Of the nodes of a large graph nearly all are variables, stored as

::

    12 n  0A 0E "VARIABLE_VALUE"  12 n name  1A n key  2A 02 08 01

(their one value: its name, the variable's name, the key; and that the node has values). NumPy compares the fixed bytes of all
nodes in one step each; what looks different in any way is left to whoever reads nodes one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from minitf.saved import VARIABLE_VALUE

FEW = 32  # nodes that are read one by one sooner
HEAD = b"\x0a\x0e" + VARIABLE_VALUE.encode() + b"\x12"  # the name of a variable's value, and the tag of the variable's own
TAIL = b"\x2a\x02\x08\x01"
_LEAST = len(HEAD) + 3  # bytes of a value with an empty name and key


class Found(NamedTuple):
    """``keys``: by node, the key of a plain variable, or None. Names are cut out of ``text`` when somebody asks."""

    keys: list[str | None]
    text: str
    starts: Any
    stops: Any

    def full_name(self, number: int) -> str:
        """The variable's name."""
        return self.text[self.starts[number] : self.stops[number]]


def find(data: bytes, begins: list[int], ends: list[int]) -> Found:
    """The plain variables among the nodes that begin and end at these places."""
    keys: list[str | None] = [None] * len(begins)
    if len(begins) < FEW:
        return Found(keys, "", (), ())
    raw = np.frombuffer(data, np.uint8)
    begin, end, number = np.array(begins), np.array(ends), np.arange(len(begins))

    def keep(good: Any, *others: Any) -> list[Any]:
        return [places[good] for places in (begin, end, number, *others)]

    begin, end, number = keep(end - begin >= 2 + _LEAST + len(TAIL))
    begin, end, number = keep(raw[begin] == 0x12)
    size, second = raw[begin + 1].astype(np.intp), raw[begin + 2].astype(np.intp)
    long = size > 127  # a length of two bytes
    size, body = np.where(long, size - 128 + (second << 7), size), begin + 2 + long
    good = (size >= _LEAST) & (body + size + len(TAIL) == end) & (~long | ((second > 0) & (second < 128)))
    begin, end, number, body = keep(good, body)
    begin, end, number, body = keep(_stands(raw, body, HEAD), body)
    name = body + len(HEAD) + 1
    name_end = name + raw[name - 1]
    key, key_end = name_end + 2, end - len(TAIL)
    good = (raw[name - 1] < 128) & (key < key_end)
    begin, end, number, name, name_end, key, key_end = keep(good, name, name_end, key, key_end)
    good = (raw[name_end] == 0x1A) & (raw[key - 1] < 128) & (key + raw[key - 1] == key_end)
    good &= _stands(raw, key_end, TAIL)
    above = np.flatnonzero(raw > 127)  # bytes that are not ASCII: lengths mostly, not names or keys
    good &= np.searchsorted(above, name) == np.searchsorted(above, key_end)
    begin, end, number, name, name_end, key, key_end = keep(good, name, name_end, key, key_end)
    text = data.decode("latin-1")
    for n, start, stop in zip(number.tolist(), key.tolist(), key_end.tolist(), strict=True):
        keys[n] = text[start:stop]
    starts, stops = np.zeros((2, len(keys)), np.intp)
    starts[number], stops[number] = name, name_end
    return Found(keys, text, starts, stops)


def _stands(raw: Any, places: Any, text: bytes) -> Any:
    """At which of the places these bytes stand."""
    return sliding_window_view(raw, len(text))[places].view(f"V{len(text)}")[:, 0] == np.void(text)
