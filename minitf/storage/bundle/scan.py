"""Blocks of a table of which the list of blocks is lost: looked for one behind the other, from the start of the file.

The entries of a block say how long they are, and behind them stand its restarts, of which the first is zero. No entry but the
first of a table begins with four zero bytes, for keys ascend; and the restart of number i is 3 i at least, since the head of an
entry has three bytes. So the number of the restarts is the first that stands where it says, and there the block ends. A
compressed block does not tell its end; it is where a checksum holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from crc32c import crc32c

from minitf.errors import DataLossError, OpError
from minitf.storage.bundle.block import SNAPPY, TRAILER, open_block, read_block
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.table import FOOTER, Read, Table
from minitf.storage.varint import read_varint

LONGEST = 1 << 24  # a compressed block ends within so many bytes
HEAD = 16  # bytes of an entry before its key, at most
PIECE = 1 << 20  # bytes that are in memory at a time


class Found(NamedTuple):
    """A block: where its payload begins, how many bytes it has, and the first and the last key; without entries None."""

    offset: int
    length: int
    keys: tuple[bytes, bytes] | None


def blocks(read: Read, size: int, path: str, problems: list[str]) -> Iterator[Found]:
    """The data blocks, whose checksums hold, up to where they end or nothing says where the next one begins.

    ``size`` is the file's. ``problems`` takes what is wrong.
    """
    at, before = 0, None
    while True:
        walked = _walk(_Window(read, size), at)
        found = walked if walked is not None and _holds(read, size, walked) else _compressed(read, size, at)
        if found is None:
            if walked is None or walked.keys is None:
                break
            problems.append(f"{path}: the block at byte {at} is damaged; its keys are lost.")
            at = walked.offset + walked.length + TRAILER
            continue
        if found.keys is None or (before is not None and not found.keys[0]):
            return  # the metaindex block, which is empty, or the first of another table: the data blocks are over
        at = found.offset + found.length + TRAILER
        if before is not None and found.keys[0] <= before:
            problems.append(not_ascending(path, found))
            continue
        yield found
        before = found.keys[1]
    if at < size - FOOTER or before is None:
        problems.append(f"{path}: from byte {at} on no block holds; its keys are lost.")


def not_ascending(path: str, block: Found) -> str:
    """What is wrong with a block whose keys are not in order."""
    return f"{path}: the keys of the block at byte {block.offset} do not ascend; it is left out."


def table_of(read: Read, size: int, path: str, problems: list[str]) -> Table:
    """The blocks as a table."""
    found = list(blocks(read, size, path, problems))
    bounds = [block.keys[1] for block in found if block.keys is not None]
    return Table.of_blocks(read, size, path, bounds, [(block.offset, block.length) for block in found])


class _Window:
    """A stretch of the file, kept for the next look."""

    def __init__(self, read: Read, size: int):
        self._read = read
        self.size = size
        self._start, self._kept = 0, memoryview(b"")

    def bytes(self, at: int, count: int) -> bytes:
        """So many bytes; fewer where the file ends."""
        stop = min(at + count, self.size)
        if not self._start <= at <= stop <= self._start + len(self._kept):
            self._start = at
            self._kept = self._read(at, min(max(PIECE, stop - at), self.size - at))
        return bytes(self._kept[at - self._start : stop - self._start])


def _walk(window: _Window, start: int) -> Found | None:
    """A block that is not compressed, as its entries and restarts say; None if they make no sense."""
    at, key, first = start, b"", None
    while (head := window.bytes(at, HEAD))[:4] != b"\0\0\0\0":
        try:
            shared, after = read_varint(head, 0, len(head), 5)
            rest, after = read_varint(head, after, len(head), 5)
            width, after = read_varint(head, after, len(head), 5)
        except DataLossError:
            return None
        if shared > len(key) or at + after + rest + width > window.size:
            return None
        key = key[:shared] + window.bytes(at + after, rest)
        first = key if first is None else first
        at += after + rest + width
    before = 0
    for number in range(1, (window.size - TRAILER - at) // 4):
        place = int.from_bytes(window.bytes(at + 4 * number, 4), "little")
        if place == number:
            return Found(start, at + 4 * number + 4 - start, None if first is None else (first, key))
        if place <= before:
            return None
        before = place
    return None


def _holds(read: Read, size: int, block: Found) -> bool:
    """True if the checksum of a block is right."""
    crc, end = 0, block.offset + block.length
    for at in range(block.offset, end, PIECE):
        crc = crc32c(read(at, min(PIECE, end - at)), crc)
    trailer = bytes(read(end, TRAILER))
    return int.from_bytes(trailer[1:], "little") == mask(crc32c(trailer[:1], crc))


def _compressed(read: Read, size: int, start: int) -> Found | None:
    """The shortest compressed block with a right checksum that begins at ``start``."""
    data = read(start, min(size - start, LONGEST))
    crc = done = 0
    for place in np.flatnonzero(np.frombuffer(data, np.uint8)[: 1 - TRAILER] == SNAPPY).tolist():
        crc = crc32c(data[done : place + 1], crc)
        done = place + 1
        if struct.unpack_from("<I", data, done)[0] == mask(crc):
            try:
                keys, _ = read_block(open_block(data[: place + TRAILER], ""), "")
            except OpError:
                continue
            return Found(start, place, (keys[0], keys[-1]) if keys else None)
    return None
