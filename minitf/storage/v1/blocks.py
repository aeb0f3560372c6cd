"""Large blocks of a table, whose contents go through memory in pieces."""

from __future__ import annotations

from collections.abc import Iterator

from crc32c import crc32c

from minitf.errors import DataLossError
from minitf.storage.bundle import spans
from minitf.storage.bundle.block import BLOCK_SIZE, PLAIN, SNAPPY, TRAILER
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.snappy import LONGEST_LENGTH, PIECE, announced, decompressed
from minitf.storage.files import Disk, read_fully


class LargeBlock:
    """A block in an open file: ``length`` bytes from ``start`` on, and the trailer. ``size``: bytes of its contents."""

    def __init__(self, disk: Disk, handle: int, start: int, length: int, where: str):
        self.disk = disk
        self.handle = handle
        self.start = start
        self.where = where
        self._length = length
        trailer = self._bytes(start + length, TRAILER)
        self.plain = trailer[0] == PLAIN
        self._crc = int.from_bytes(trailer[1:], "little")
        self.size = length if self.plain else 0  # of a kind that is not known there is nothing to be seen
        self._elements = 0
        if trailer[0] == SNAPPY:
            self.size, self._elements = announced(self._bytes(start, min(length, LONGEST_LENGTH)), length, where)

    def _bytes(self, offset: int, size: int) -> bytes:
        data = bytearray(size)
        if read_fully(self.disk, self.handle, memoryview(data), offset) < size:
            raise DataLossError(f"{self.where}: the file became shorter while it was being read.")
        return bytes(data)

    def begin(self) -> bytes:
        """The beginning of the contents, not yet verified."""
        if self.plain:
            return self._bytes(self.start, min(self._length, 2 * BLOCK_SIZE))
        out, pieces = b"", decompressed(self._stored(self._elements), self.size, self.where)
        while len(out) < 2 * BLOCK_SIZE and (piece := next(pieces, b"")):
            out += piece
        return out

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """A part of the contents in pieces, all of which are verified at the end."""
        at = 0
        for piece in self._contents():
            if at < stop and at + len(piece) > start:
                yield piece[max(0, start - at) : stop - at]
            at += len(piece)

    def _contents(self) -> Iterator[bytes]:
        crc = 0

        def noted() -> Iterator[bytes]:
            nonlocal crc
            for piece in self._stored(0):
                crc = crc32c(piece, crc)
                yield piece

        if self.plain:
            yield from noted()
        else:
            yield from decompressed(_behind(noted(), self._elements), self.size, self.where)
        self.check(crc)

    def _stored(self, skipped: int) -> Iterator[bytes]:
        """The bytes in the file, and none of the trailer."""
        for start in range(skipped, self._length, PIECE):
            yield self._bytes(self.start + start, min(PIECE, self._length - start))

    def check_around(self, start: int, stop: int, crc: int) -> None:
        """Verifies a plain block by the checksum of a part of it, and reads the rest."""
        places = [(self.start, start), (self.start + stop, self._length - stop)]
        first, last = spans.check(self.disk, self.handle, places, self.where)
        self.check(spans.combine(spans.combine(first, crc, stop - start), last, self._length - stop))

    def check(self, crc: int) -> None:
        """Raises DataLossError if this is not the checksum of the stored bytes."""
        found = mask(crc32c(bytes([PLAIN if self.plain else SNAPPY]), crc))
        if found != self._crc:
            raise DataLossError(f"{self.where}: block checksum mismatch: stored {self._crc:08x}, calculated {found:08x}.")


def _behind(pieces: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    """All but the first bytes, which are in the first piece."""
    yield next(pieces)[skipped:]
    yield from pieces
