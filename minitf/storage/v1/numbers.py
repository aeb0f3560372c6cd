"""Arrays as the value fields of a TensorProto: packed numbers.

Floats stand as they are; integers, bools and halves (their 16 bits) are varints, a negative number being one of 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minitf.core import dtypes
from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError
from minitf.storage import flows
from minitf.storage.values import Array, bytes_view

Numbers: TypeAlias = "np.ndarray[Any, np.dtype[np.uint64]]"
MANY = 1 << 14  # numbers that are packed at a time
PIECE = 1 << 18  # bytes that are unpacked at a time: their numbers need forty times that


class Packing(NamedTuple):
    """How a dtype is stored: the number of the field, and the NumPy dtype of bare numbers or None for varints."""

    field: int
    bare: str | None


PACKINGS: dict[DType, Packing] = {
    dtypes.float32: Packing(5, "<f4"),
    dtypes.float64: Packing(6, "<f8"),
    dtypes.complex64: Packing(9, "<c8"),
    dtypes.complex128: Packing(12, "<c16"),
    dtypes.int64: Packing(10, None),
    dtypes.bool: Packing(11, None),
    dtypes.float16: Packing(13, None),
    **{
        dtype: Packing(7, None)
        for dtype in (
            dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8, dtypes.uint16, dtypes.qint8, dtypes.quint8, dtypes.qint32,
        )
    },
}  # fmt: skip


_UNSIGNED = {"bool": 1, "uint8": 2, "quint8": 2, "uint16": 3, "float16": 3}


def most_bytes(dtype: DType) -> int:
    """How many bytes an element may need; a negative number needs ten."""
    packing = PACKINGS[dtype]
    return _UNSIGNED.get(dtype.name, 10) if packing.bare is None else np.dtype(packing.bare).itemsize


def packed_size(value: flows.Numbers) -> int:
    """Bytes of the packed field."""
    packing = PACKINGS[value.dtype]
    if packing.bare is not None:
        return total_size(value.shape) * np.dtype(packing.bare).itemsize
    return sum(map(varint_bytes, _numbers(value)))


def pack(value: flows.Numbers) -> Iterator[bytes | memoryview]:
    """The bytes of the packed field, in pieces."""
    packing = PACKINGS[value.dtype]
    if packing.bare is not None:
        for piece in value.pieces():
            yield bytes_view(piece.astype(packing.bare, copy=False))
        return
    for part in _numbers(value):
        yield pack_varints(part)


def _numbers(value: flows.Numbers) -> Iterator[Numbers]:
    """The numbers that are stored as varints, some at a time."""
    for piece in value.pieces():
        flat = piece.view(np.uint16) if value.dtype is dtypes.float16 else piece
        for start in range(0, flat.size, MANY):
            yield flat[start : start + MANY].astype(np.int64).view(np.uint64)


def unpack(dtype: DType, data: bytes | memoryview, where: str) -> Array:
    """The flat array in a packed field. Raises DataLossError if the bytes cannot be that."""
    packing = PACKINGS[dtype]
    if packing.bare is not None:
        width = np.dtype(packing.bare).itemsize
        if len(data) % width:
            raise DataLossError(f"{where}: {len(data)} bytes are no whole number of {dtype.name} values.")
        return np.frombuffer(data, packing.bare).astype(dtype.np)
    pieces = (data[start : start + PIECE] for start in range(0, len(data), PIECE))
    return np.concatenate([narrow(dtype, numbers) for numbers in unpack_pieces(pieces, where)])


def narrow(dtype: DType, numbers: Numbers) -> Array:
    """Numbers of 64 bits cut down to a dtype; as in TensorFlow the upper bits are not looked at."""
    if dtype is dtypes.float16:
        return numbers.astype(np.uint16).view(np.float16)
    return numbers.astype(dtype.np)


def pack_varints(numbers: Numbers) -> bytes:
    """Varints of ``MANY`` numbers at most, one behind the other."""
    most = int(numbers.max(initial=0))
    if most < 128:
        return numbers.astype(np.uint8).tobytes()
    groups = numbers[:, None] >> _SHIFTS[: (most.bit_length() + 6) // 7]
    used = groups != 0
    used[:, 0] = True
    more = np.zeros_like(used)
    more[:, :-1] = used[:, 1:]
    coded = (groups & np.uint64(127)).astype(np.uint8) | (more.astype(np.uint8) << 7)
    packed: bytes = coded[used].tobytes()
    return packed


def varint_bytes(numbers: Numbers) -> int:
    """How many bytes ``pack_varints`` makes of numbers."""
    most = int(numbers.max(initial=0))
    return numbers.size + sum(int(np.count_nonzero(numbers >= bound)) for bound in _BOUNDS if bound <= most)


_SHIFTS = np.arange(0, 70, 7, dtype=np.uint64)  # of the tenth group one bit is left
_BOUNDS = np.uint64(1) << _SHIFTS[1:]  # the smallest numbers of two bytes, three, up to ten


def unpack_pieces(pieces: Iterable[bytes | bytearray | memoryview], where: str) -> Iterator[Numbers]:
    """The numbers in varints that come in pieces; one may begin in a piece and end in the next. Raises as for one piece."""
    left = b""
    for piece in pieces:
        data = left + piece
        stop = _end(data)
        yield unpack_varints(data[:stop], where)
        left = data[stop:]
    yield unpack_varints(left, where)


def _end(data: bytes) -> int:
    """The place behind the last whole number; that of all bytes if there is none where one must be."""
    last = np.frombuffer(data[-11:], np.uint8)
    ends = np.flatnonzero(last < 128)
    if ends.size:
        return len(data) - last.size + int(ends[-1]) + 1
    return len(data) if last.size > 10 else 0


def unpack_varints(data: bytes | memoryview, where: str) -> Numbers:
    """The numbers in varints. Raises DataLossError if one is cut off or too long."""
    raw = np.frombuffer(data, np.uint8)
    if not raw.size:
        return np.zeros(0, np.uint64)
    last = np.flatnonzero(raw < 128)
    if raw[-1] > 127:
        raise DataLossError(f"{where}: the last number is cut off.")
    if last.size == raw.size:
        return raw.astype(np.uint64)
    first = np.concatenate(([0], last[:-1] + 1))
    lengths = last - first + 1
    if int(lengths.max()) > 10:
        raise DataLossError(f"{where}: a number has more than ten bytes.")
    place = np.arange(raw.size) - np.repeat(first, lengths)
    bits = (raw & 127).astype(np.uint64) << (7 * place).astype(np.uint64)
    found: Numbers = np.add.reduceat(bits, first)
    return found
