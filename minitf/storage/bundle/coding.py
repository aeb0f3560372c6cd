"""Numbers and byte strings as the files hold them.

* masked checksum: CRC-32C, rotated and shifted, so that a checksum of data that contains checksums stays sound.
* ordered code: numbers and names written so that comparing bytes compares values; the keys of slices are made of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.storage.values import Extent

MASK = 0xFFFFFFFF
_DELTA = 0xA282EAD8


def mask(crc: int) -> int:
    """The form in which a checksum stands in a file."""
    return ((crc >> 15 | crc << 17) + _DELTA) & MASK


def mask_all(crcs: Sequence[int]) -> np.ndarray[Any, np.dtype[np.uint32]]:
    """``mask`` of many checksums."""
    array = np.array(crcs, np.uint32)
    return (array >> np.uint32(15) | array << np.uint32(17)) + np.uint32(_DELTA)


def unmask(masked: int) -> int:
    """The checksum that ``mask`` made."""
    rotated = (masked - _DELTA) & MASK
    return (rotated >> 17 | rotated << 15) & MASK


# Ordered code -------------------------------------------------------------------------------------------------------


def ordered_number(n: int) -> bytes:
    """An unsigned number: how many bytes it has, then these, the highest first."""
    length = (n.bit_length() + 7) // 8
    return bytes((length,)) + n.to_bytes(length, "big")


def ordered_signed(n: int) -> bytes:
    """A signed number of 64 bits, in one to ten bytes; the leading ones of the first byte(s) tell how many."""
    magnitude = ~n if n < 0 else n
    length = magnitude.bit_length() // 7 + 1
    code = ((1 << length) - 1 << 7 * length | magnitude).to_bytes(length, "big")
    return bytes(byte ^ 255 for byte in code) if n < 0 else code


def ordered_string(text: bytes) -> bytes:
    """A byte string: 00 and FF are followed by their opposite, 00 01 ends it."""
    return _TWICE.sub(lambda found: found[0] + bytes((255 - found[0][0],)), text) + b"\x00\x01"


_TWICE = re.compile(b"[\x00\xff]")


def slice_key(name: bytes, extents: tuple[Extent, ...]) -> bytes:
    """The key of one piece of a partitioned tensor. It starts with byte 00, so it sorts before ordinary names."""
    parts = [ordered_number(0), ordered_string(name), ordered_number(len(extents))]
    for extent in extents:
        start, length = (0, -1) if extent is None else extent
        parts += ordered_signed(start), ordered_signed(length)
    return b"".join(parts)
