"""Moving large values: checksum and file access hand in hand, by two threads.

A buffer is cut into spans; a thread takes a span and goes through it in chunks that are still in the processor's cache when the
second of the two touches them. The checksum of a buffer is put together from those of its spans.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence

from crc32c import crc32c

from minitf.errors import DataLossError
from minitf.storage import jobs
from minitf.storage.files import Disk, read_fully, write_fully

CHUNK = 1 << 20  # a chunk when reading
WRITTEN = 1 << 20  # a chunk when writing: the larger, the fewer pieces a file system makes of it
SPAN = 1 << 23
SHORT = 1 << 21  # a span of memory: nothing is lost between spans
THREADS = 2
_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected

Placed = tuple[int, memoryview]  # offset in the file, bytes


def read(disk: Disk, handle: int, buffers: Sequence[Placed], path: str) -> list[int]:
    """Fills the buffers from the file and returns their checksums. Raises DataLossError if the file ends too early."""

    def one(offset: int, view: memoryview) -> int:
        crc = 0
        for start in range(0, len(view), CHUNK):
            chunk = view[start : start + CHUNK]
            if read_fully(disk, handle, chunk, offset + start) < len(chunk):
                raise DataLossError(f"{path}: the file became shorter while it was being read.")
            crc = crc32c(chunk, crc)
        return crc

    return _each(buffers, one)


def checksums(views: Sequence[memoryview]) -> list[int]:
    """The checksums of bytes in memory."""
    return _each([(0, view) for view in views], lambda _, piece: crc32c(piece), SHORT)


def check(disk: Disk, handle: int, places: Sequence[tuple[int, int]], path: str) -> list[int]:
    """The checksums of pieces of the file, (offset, size) each, which are not kept. Raises as ``read``."""
    scratch = threading.local()

    def one(job: tuple[int, int, int]) -> int:
        _, offset, size = job
        buffer = getattr(scratch, "buffer", None)
        if buffer is None:
            buffer = scratch.buffer = memoryview(bytearray(CHUNK))
        crc = 0
        for start in range(0, size, CHUNK):
            chunk = buffer[: min(CHUNK, size - start)]
            if read_fully(disk, handle, chunk, offset + start) < len(chunk):
                raise DataLossError(f"{path}: the file became shorter while it was being read.")
            crc = crc32c(chunk, crc)
        return crc

    parts = [
        (number, offset + start, min(SPAN, size - start))
        for number, (offset, size) in enumerate(places)
        for start in range(0, size, SPAN)
    ]
    out = [0] * len(places)
    for (number, _, size), crc in zip(parts, jobs.run(parts, one, THREADS), strict=True):
        out[number] = combine(out[number], crc, size)
    return out


def write(disk: Disk, handle: int, buffers: Sequence[Placed], durable: bool) -> list[int]:
    """Writes the buffers to the file and returns their checksums. ``durable``: the disk begins at once, for a sync follows."""

    def one(offset: int, view: memoryview) -> int:
        crc = 0
        for start in range(0, len(view), WRITTEN):
            chunk = view[start : start + WRITTEN]
            crc = crc32c(chunk, crc)
            write_fully(disk, handle, chunk, offset + start)
        if durable:
            disk.begin_sync(handle, offset, len(view))
        return crc

    return _each(buffers, one)


def _each(buffers: Sequence[Placed], one: Callable[[int, memoryview], int], span: int = SPAN) -> list[int]:
    parts = [
        (number, offset + start, view[start : start + span])
        for number, (offset, view) in enumerate(buffers)
        for start in range(0, len(view), span)
    ]
    out = [0] * len(buffers)
    for (number, _, view), crc in zip(parts, jobs.run(parts, lambda part: one(*part[1:]), THREADS), strict=True):
        out[number] = combine(out[number], crc, len(view))
    return out


def combine(first: int, second: int, length: int) -> int:
    """The checksum of a + b from those of a and b and the length of b.

    Appending n bytes multiplies a checksum by x**(8n), as polynomials over the field of two elements.
    """
    return _multiply(_power(length), first) ^ second


def _multiply(a: int, b: int) -> int:
    """A * b modulo the polynomial; the highest bit is x**0."""
    product = 0
    bit = 1 << 31
    while bit:
        if a & bit:
            product ^= b
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
        bit >>= 1
    return product


@functools.lru_cache(64)
def _power(length: int) -> int:
    """x**(8 * length) modulo the polynomial."""
    out, square = 1 << 31, 1 << 23  # 1 and x**8
    while length:
        if length & 1:
            out = _multiply(square, out)
        square = _multiply(square, square)
        length >>= 1
    return out
