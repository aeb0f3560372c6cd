"""Finding the one wrong bit of a block, by its checksum.

A checksum is linear: what it is off by depends on the place of the wrong bit alone, and each place of a block gives another
number. So one wrong bit is found for certain, and two are never taken for one. More damage may look like one wrong bit, with a
chance of one in four billion for each bit of the block; then the entries must still parse, the keys ascend and lie where the
index block says, and every value has a checksum of its own.
"""

from __future__ import annotations

import struct

from crc32c import crc32c

from minitf.storage.bundle.coding import mask, unmask

_TABLE = [crc32c(bytes((byte,))) ^ crc32c(b"\0") for byte in range(256)]  # what a last byte adds
_BITS = {_TABLE[1 << bit]: bit for bit in range(8)}
_BY_TOP = {value >> 24: byte for byte, value in enumerate(_TABLE)}


def wrong_bit(stored: bytes | bytearray | memoryview) -> tuple[int, int] | None:
    """Byte and bit that is wrong in a block with its trailer; None if it is not one bit alone."""
    size = len(stored) - 4
    (wanted,) = struct.unpack_from("<I", stored, size)
    found = crc32c(stored[:size])
    apart = wanted ^ mask(found)
    if not apart:
        return None
    places = _of_payload(found ^ unmask(wanted), size)
    if not apart & (apart - 1):  # it may be a bit of the checksum itself
        bit = apart.bit_length() - 1
        places.append((size + bit // 8, bit % 8))
    return places[0] if len(places) == 1 else None


def _of_payload(off: int, size: int) -> list[tuple[int, int]]:
    """The bit, if there is one, by which a checksum over so many bytes is ``off``."""
    for place in range(size - 1, -1, -1):
        if off in _BITS:
            return [(place, _BITS[off])]
        last = _BY_TOP[off >> 24]
        off = (off ^ _TABLE[last]) << 8 | last  # what it was one byte before
    return []
