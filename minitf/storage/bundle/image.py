"""The bytes of an index, kept so that the next save of the same tensors only has to put in new checksums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.storage.bundle.block import TRAILER, seal
from minitf.storage.bundle.entries import Header, encode_header
from minitf.storage.bundle.table import Table, table_chunks
from minitf.storage.bundle.writer import Layout, Plan, entries_of, masked_crcs


class IndexImage:
    """The index for some plans. ``bytes_for`` gives its bytes for layouts of these plans."""

    def __init__(self, header: Header, layouts: Sequence[Layout]):
        records = entries_of(layouts)
        keys = sorted(records)
        ends: list[int] = []
        values = [encode_header(header), *map(records.__getitem__, keys)]
        self._plans = [layout.plan for layout in layouts]
        self._header = header
        self._data = bytearray(b"".join(table_chunks([b"", *keys], values, ends=ends)))
        self._blocks = _blocks(self._data, ends)
        self._keys = keys
        self._ends = ends
        self._places: np.ndarray[Any, np.dtype[np.intp]] | None = None

    def fits(self, header: Header, layouts: Sequence[Layout]) -> bool:
        """True if ``bytes_for`` may be asked for these layouts."""
        return header == self._header and _same(self._plans, [layout.plan for layout in layouts])

    @property
    def data(self) -> bytearray:
        """The bytes as they were made last."""
        return self._data

    def bytes_for(self, layouts: Sequence[Layout]) -> bytearray:
        """The index of layouts with the same plans and other values."""
        if self._places is None:
            self._places = self._checksum_places()
        data = bytearray(self._data)
        np.frombuffer(data, np.uint8)[self._places] = np.frombuffer(masked_crcs(layouts), np.uint8)
        with memoryview(data) as view:
            for offset, size in self._blocks:
                view[offset + size : offset + size + TRAILER] = seal(view[offset : offset + size])
        return data

    def _checksum_places(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """Where the four bytes of each value's checksum are: an entry with bytes of its own ends with them."""
        end_of = dict(zip(self._keys, self._ends[1:], strict=True))
        ends = np.array([end_of[key] for plan in self._plans for key in plan.keys], np.intp)
        return (ends[:, None] + np.arange(-4, 0)).ravel()


def _same(a: Sequence[Plan], b: Sequence[Plan]) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _blocks(data: bytearray, ends: Sequence[int]) -> list[tuple[int, int]]:
    view = memoryview(data)
    return Table(lambda offset, size: view[offset : offset + size], len(data), "index").handles
