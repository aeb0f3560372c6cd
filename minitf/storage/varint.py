"""Varints: base 128, low seven bits first; the high bit of a byte says that another one follows."""

from __future__ import annotations

from minitf.errors import DataLossError

_SMALL = tuple(bytes((n,)) for n in range(128))


def varint(n: int) -> bytes:
    """Encodes a number in [0, 2**64)."""
    if n < 128:
        return _SMALL[n]
    if n < 1 << 14:
        return bytes((n & 127 | 128, n >> 7))
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data: bytes | bytearray | memoryview, at: int, end: int, longest: int = 10) -> tuple[int, int]:
    """The number that starts at ``at`` and the place behind it. Raises DataLossError if it does not end in time."""
    value = shift = 0
    stop = min(end, at + longest)
    for i in range(at, stop):
        byte = data[i]
        value |= (byte & 127) << shift
        if byte < 128 and value < 1 << 64:
            return value, i + 1
        shift += 7
    raise DataLossError(f"a varint at byte {at} is cut off or too long")
