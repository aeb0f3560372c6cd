"""Snappy's format, read in pieces: a varint that says how many bytes there are, then literals and copies of what came before.

::

    xxxxxx00 [1 to 4 bytes]   a literal of x + 1 bytes, which follow; from x = 60 on the bytes behind say the number
    ooolll01 1 byte           a copy of l + 4 bytes from o * 256 + byte bytes before
    llllll10 2 bytes          a copy of l + 1 bytes from so many bytes before
    llllll11 4 bytes          the same

What compresses cuts its input into fragments of 64 KiB and copies from the same fragment only, though the format allows more:
so the last 64 KiB are kept, and a copy from further away is ``TooFar``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minitf.errors import DataLossError
from minitf.storage.varint import read_varint

WINDOW = 1 << 16
PIECE = 1 << 18  # bytes that are made at a time, or few more
LONGEST_LENGTH = 5  # bytes of the varint
_HEADS = [1 + (max(0, (tag >> 2) - 59), 1, 2, 4)[tag & 3] for tag in range(256)]  # bytes of a tag and what belongs to it


class TooFar(Exception):
    """A copy from further away than what is kept."""


def announced(begin: bytes | memoryview, size: int, where: str) -> tuple[int, int]:
    """How many bytes ``size`` compressed ones shall be, and where their elements begin. Raises DataLossError.

    It is believed only as far as so many bytes can hold so much.
    """
    try:
        length, at = read_varint(begin, 0, len(begin), LONGEST_LENGTH)
    except DataLossError as error:
        raise DataLossError(f"{where}: corrupted compressed block contents: {error}.") from None
    if length > 22 * size + 64:  # three bytes make at most sixty-four
        raise DataLossError(f"{where}: corrupted compressed block contents: {size} bytes cannot hold {length}.")
    return length, at


def decompressed(elements: Iterable[bytes], length: int, where: str) -> Iterator[bytes]:
    """The ``length`` bytes that elements, which come in pieces, stand for. Raises DataLossError for other ones, and TooFar."""
    out = bytearray()  # what is kept of the pieces before, then the next one
    old = made = literal = 0  # bytes: kept; of the pieces before; of a literal that are still to come
    data = b""
    for piece in elements:
        data += piece
        at, end = 0, len(data)
        while at < end:
            if literal:
                found = data[at : at + literal]
                out += found
                at += len(found)
                literal -= len(found)
            else:
                tag = data[at]
                stop = at + _HEADS[tag]
                if stop > end:
                    break
                kind, number = tag & 3, tag >> 2
                if kind == 0:
                    literal = 1 + (number if number < 60 else int.from_bytes(data[at + 1 : stop], "little"))
                else:
                    size = number + 1
                    far = int.from_bytes(data[at + 1 : stop], "little")
                    if kind == 1:
                        size, far = 4 + (number & 7), far | tag >> 5 << 8
                    begin = len(out) - far
                    if begin < 0 or not far:
                        if 0 < far <= made + len(out) - old:
                            raise TooFar
                        raise DataLossError(f"{where}: corrupted compressed block contents: a copy from {far} bytes before.")
                    out += out[begin : begin + size] if size <= far else (out[begin:] * (size // far + 1))[:size]
                at = stop
            if len(out) - old >= PIECE:
                yield bytes(out[old:])
                made += len(out) - old
                del out[:-WINDOW]
                old = len(out)
        data = data[at:]
        if made + len(out) - old > length:
            break
    yield bytes(out[old:])
    made += len(out) - old
    if data or literal or made != length:
        raise DataLossError(f"{where}: corrupted compressed block contents: {made} of {length} bytes.")
