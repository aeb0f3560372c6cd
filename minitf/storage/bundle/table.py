"""Table files: an ordered map from byte strings to byte strings, in blocks. ``.index`` files and V1 checkpoints are tables.

::

    data block 0 | data block 1 | ... | metaindex block (empty) | index block | footer

The index block has one entry a data block: a key that is not smaller than any in the block and smaller than any behind it, and
the block's handle: varint offset, varint payload size. The footer, the last 48 bytes, has the handles of the metaindex and of
the index block, zeros up to byte 40 and a magic number.
"""

from __future__ import annotations

import itertools
import operator
import struct
from collections.abc import Callable, Iterator, Sequence

from minitf.errors import DataLossError
from minitf.storage.bundle.block import (
    BLOCK_SIZE,
    INTERVAL,
    TRAILER,
    Value,
    fill_block,
    open_block,
    read_block,
    sealed,
    shared_lengths,
)
from minitf.storage.varint import read_varint, varint

MAGIC = 0xDB4775248B80FB57
FOOTER = 48

Handle = tuple[int, int]
Read = Callable[[int, int], memoryview]  # gives bytes of the file: offset, how many


def table_chunks(
    keys: Sequence[bytes],
    values: Sequence[Value],
    block_size: int = BLOCK_SIZE,
    interval: int = INTERVAL,
    ends: list[int] | None = None,
) -> Iterator[bytes | memoryview]:
    """The bytes of a table file with these records, piece by piece. ``keys`` must ascend.

    A list given as ``ends`` is filled with the place behind each record's value.
    """
    offset = start = 0
    shared = shared_lengths(keys)
    index_keys: list[bytes] = []
    index_values: list[bytes] = []
    while start < len(keys):
        parts, stop, block_ends = fill_block(keys, values, shared, start, interval, block_size)
        if ends is not None:
            ends += [offset + end for end in block_ends]
        index_keys.append(separator(keys[stop - 1], keys[stop]) if stop < len(keys) else successor(keys[-1]))
        index_values.append(_handle(parts, offset))
        for piece in sealed(parts):
            yield piece
            offset += len(piece)
        start = stop
    handles = b""
    for block in (fill_block((), (), ()), fill_block(index_keys, index_values, (), interval=1, limit=1 << 62)):
        handles += _handle(block[0], offset)
        for piece in sealed(block[0]):
            yield piece
            offset += len(piece)
    yield handles.ljust(FOOTER - 8, b"\0") + struct.pack("<Q", MAGIC)


def _handle(parts: Sequence[Value], offset: int) -> bytes:
    return varint(offset) + varint(sum(map(len, parts)))


def separator(a: bytes, b: bytes) -> bytes:
    """A short key k with a <= k < b."""
    for i in range(min(len(a), len(b))):
        if a[i] != b[i]:
            return a[:i] + bytes((a[i] + 1,)) if a[i] + 1 < b[i] else a
    return a


def successor(a: bytes) -> bytes:
    """A short key that is not smaller than a."""
    for i, byte in enumerate(a):
        if byte != 255:
            return a[:i] + bytes((byte + 1,))
    return a


class Table:
    """An open table: knows where its blocks are; reads one when asked.

    ``read(offset, size)`` must return exactly these bytes of the file, ``size`` is the file's. Raises DataLossError where
    footer or index block are damaged.
    """

    def __init__(self, read: Read, size: int, source: str):
        self._read = read
        self._size = size
        self.source = source
        if size < FOOTER:
            raise DataLossError(f"{source}: file is too short to be an sstable: {size} bytes, the footer alone has {FOOTER}.")
        footer = read(size - FOOTER, FOOTER)
        (magic,) = struct.unpack_from("<Q", footer, FOOTER - 8)
        if magic != MAGIC:
            raise DataLossError(f"{source}: not an sstable (bad magic number {magic:#x}): truncated, or another kind of file.")
        try:
            at = 0
            for _ in range(2):  # the metaindex handle, which nothing uses, then the index handle: 40 bytes at most
                offset, at = read_varint(footer, at, FOOTER)
                length, at = read_varint(footer, at, FOOTER)
        except DataLossError as error:
            raise DataLossError(f"{source}: bad block handle in the footer: {error}.") from None
        self.bounds, handles = read_block(self._block((offset, length), "index block"), f"{source}, index block")
        self.handles = [self._handle(value, i) for i, value in enumerate(handles)]
        self._check_order()

    @classmethod
    def of_blocks(cls, read: Read, size: int, source: str, bounds: list[bytes], handles: list[Handle]) -> Table:
        """A table without footer and index block, of data blocks that were found: their last keys, and where they are."""
        table = object.__new__(cls)
        table._read, table._size, table.source = read, size + FOOTER, source
        table.bounds, table.handles = bounds, handles
        return table

    def _handle(self, value: bytes, number: int) -> Handle:
        try:
            offset, at = read_varint(value, 0, len(value))
            length, _ = read_varint(value, at, len(value))
        except DataLossError as error:
            raise DataLossError(f"{self.source}: bad block handle of data block {number}: {error}.") from None
        return offset, length

    def _check_order(self) -> None:
        """Blocks that overlap could make a small file fill the memory."""
        end = 0
        for number, (offset, length) in enumerate(self.handles):
            if offset < end:
                raise DataLossError(f"{self.source}: data block {number} at byte {offset} begins inside the one before it.")
            end = offset + length + TRAILER
        if any(a >= b for a, b in zip(self.bounds, self.bounds[1:], strict=False)):
            raise DataLossError(f"{self.source}, index block: the keys do not ascend.")

    def _block(self, handle: Handle, what: str) -> bytes:
        offset, length = handle
        if offset + length + TRAILER > self._size - FOOTER:
            raise DataLossError(
                f"{self.source}: the {what} would be at byte {offset} with {length} bytes; the file has {self._size}."
            )
        return open_block(self._read(offset, length + TRAILER), f"{self.source}, {what} at byte {offset}")

    def block(self, number: int) -> tuple[list[bytes], list[bytes]]:
        """Keys and values of a data block, checked: they ascend and lie where the index block says."""
        where = f"{self.source}, data block {number} at byte {self.handles[number][0]}"
        keys, values = read_block(self._block(self.handles[number], f"data block {number}"), where)
        if not keys:
            raise DataLossError(f"{where}: it has no entries.")
        if not all(map(operator.lt, keys, itertools.islice(keys, 1, None))):
            raise DataLossError(f"{where}: the keys do not ascend.")
        if keys[-1] > self.bounds[number] or (number and keys[0] <= self.bounds[number - 1]):
            raise DataLossError(f"{where}: its keys are not between the separators of the index block.")
        return keys, values

    def records(self) -> dict[bytes, bytes]:
        """All records."""
        out: dict[bytes, bytes] = {}
        for number in range(len(self.handles)):
            out.update(zip(*self.block(number), strict=True))
        return out
