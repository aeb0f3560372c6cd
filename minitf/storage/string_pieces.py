"""Strings put into an array some at a time, out of bytes that are fetched some at a time.

Each string that is replaced lets its old bytes go, so there is never a second copy of a value, however many strings it has
and however long they are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise

import numpy as np

from minitf.storage.values import Array

TOGETHER = 1 << 20  # short strings are fetched together, up to so many bytes; longer ones each by itself

Fetch = Callable[[memoryview], None]  # fills a buffer with the bytes that follow
Put = Callable[[int, list[bytes]], None]  # replaces strings from this one on, counted in the order of rows


def fill(lengths: Iterable[Array], fetch: Fetch, put: Put) -> None:
    """Replaces strings by others, of which the lengths are given some at a time."""
    done = 0
    for some in lengths:
        for sizes in together(some):
            put_next(done, sizes, fetch, put)
            done += len(sizes)


def put_next(number: int, sizes: list[int], fetch: Fetch, put: Put) -> None:
    """Replaces the strings from ``number`` on by the next ones, of these sizes."""
    if len(sizes) == 1 and sizes[0] > TOGETHER:
        put(number, [b""])  # the old one goes before there is the new one
        put(number, [_long(sizes[0], fetch)])
    else:
        put(number, short(sizes, fetch))


def together(lengths: Array) -> Iterator[list[int]]:
    """The lengths of strings that are fetched together."""
    ends = np.cumsum(lengths)
    first = before = 0
    while first < len(ends):
        stop = max(first + 1, int(np.searchsorted(ends, before + TOGETHER, "right")))
        yield lengths[first:stop].tolist()
        first, before = stop, int(ends[stop - 1])


def short(sizes: list[int], fetch: Fetch) -> list[bytes]:
    """The next strings, of these sizes, fetched at once."""
    room = bytearray(sum(sizes))
    fetch(memoryview(room))
    data = bytes(room)
    return [data[start:stop] for start, stop in pairwise(accumulate(sizes, initial=0))]


def _long(size: int, fetch: Fetch) -> bytes:
    """One string, read to where it stays: a BytesIO gives its buffer away without a copy."""
    room = io.BytesIO()
    room.seek(size - 1)
    room.write(b"\0")
    with room.getbuffer() as view:
        fetch(view)
    return room.getvalue()
