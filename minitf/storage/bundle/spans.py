"""Moving large values: checksum and file access hand in hand, by two threads.

A buffer is cut into spans; a thread takes a span and goes through it in chunks that are still in the processor's cache when the
second of the two touches them. The checksum of a buffer is put together from those of its spans.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from operator import itemgetter

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
Piece = tuple[int, int, int]  # of the how many-th place, from where in it, how many bytes


def read(disk: Disk, handle: int, buffers: Sequence[Placed], path: str) -> list[int]:
    """Fills the buffers from the file and returns their checksums. Raises DataLossError if the file ends too early."""

    return _through(disk, handle, [(offset, len(view)) for offset, view in buffers], path, [view for _, view in buffers])


def checksums(views: Sequence[memoryview]) -> list[int]:
    """The checksums of bytes in memory."""
    return _each([(0, view) for view in views], lambda _, piece: crc32c(piece), SHORT)


def check(disk: Disk, handle: int, places: Sequence[tuple[int, int]], path: str) -> list[int]:
    """The checksums of pieces of the file, (offset, size) each, which are not kept. Raises as ``read``."""
    return _through(disk, handle, places, path)


def _through(
    disk: Disk, handle: int, places: Sequence[tuple[int, int]], path: str, into: Sequence[memoryview] = ()
) -> list[int]:
    """Reads pieces of the file, and fills ``into`` with them if that is given; gives their checksums.

    Large ones are read where they are to be, small ones that are neighbours together, and copied.
    """
    kept = threading.local()

    def scratch(size: int) -> memoryview:
        buffer = getattr(kept, "buffer", None)
        if buffer is None:
            buffer = kept.buffer = memoryview(bytearray(CHUNK))
        return buffer[:size]

    def fetch(room: memoryview, offset: int) -> memoryview:
        if read_fully(disk, handle, room, offset) < len(room):
            raise DataLossError(f"{path}: the file became shorter while it was being read.")
        return room

    def one(job: list[Piece]) -> list[int]:
        number, start, size = job[0]
        begin = places[number][0] + start
        if len(job) == 1:
            crc = 0
            for at in range(0, size, CHUNK):
                part = min(CHUNK, size - at)
                room = into[number][start + at : start + at + part] if into else scratch(part)
                crc = crc32c(fetch(room, begin + at), crc)
            return [crc]
        together = fetch(scratch(sum(piece[2] for piece in job)), begin)
        crcs, at = [], 0
        for number, _, size in job:
            found = together[at : at + size]
            crcs.append(crc32c(found))
            if into:
                into[number][:] = found
            at += size
        return crcs

    work = _in_pieces(places)
    out = [0] * len(places)
    for job, crcs in zip(work, jobs.run(work, one, THREADS), strict=True):
        for (number, _, size), crc in zip(job, crcs, strict=True):
            out[number] = combine(out[number], crc, size)
    return out


def _in_pieces(places: Sequence[tuple[int, int]]) -> list[list[Piece]]:
    """What a thread does at a time: a span of a place, or places that follow each other in a chunk of the file."""
    out: list[list[Piece]] = []
    begin = end = -1
    for number, (offset, size) in sorted(enumerate(places), key=itemgetter(1)):
        if size > CHUNK // 2:
            out.extend([(number, start, min(SPAN, size - start))] for start in range(0, size, SPAN))
            end = -1
            continue
        if offset != end or offset + size - begin > CHUNK:
            out.append([])
            begin = offset
        out[-1].append((number, 0, size))
        end = offset + size
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
    return _multiply(_power(length), first) ^ second if first else second


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
