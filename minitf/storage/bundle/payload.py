"""The bytes of one value in a data file.

Numbers stand bare, row by row. A string tensor has all lengths first (varints), a checksum of the lengths (taken over them as
fixed numbers, not over the varints), then the strings. A variant tensor has, an element: length, bytes, checksum so far.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from crc32c import crc32c

from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError, UnimplementedError
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.entries import Entry
from minitf.storage.values import Array, as_bytes, check_shape, string_array
from minitf.storage.varint import read_varint, varint


def is_plain(dtype: DType) -> bool:
    """True for dtypes whose elements all take the same number of bytes."""
    return dtype.kind not in "SV"


def bare_dtype(dtype: DType) -> Any:
    """The NumPy dtype of elements that any bytes are good for, None for others."""
    return dtype.np if dtype.kind in "fiucq" and dtype.name not in SUB_BYTE else None


def swapped(array: Array) -> Array:
    """The same numbers with their bytes in the other order."""
    return _parts(np.ascontiguousarray(array)).byteswap().view(array.dtype).reshape(array.shape)


def _parts(array: Array) -> Array:
    """The memory of a C-ordered array as numbers whose bytes have an order (complex: each half for itself)."""
    width = array.dtype.itemsize // (2 if array.dtype.kind == "c" else 1)
    return array.reshape(-1).view(f"u{width}")


def encode_strings(array: Array, key: str, big_endian: bool) -> tuple[bytes, int]:
    """The bytes of a string tensor and its checksum, which is not that of the bytes."""
    items = as_bytes(array, key)
    order = ">" if big_endian else "<"
    lengths = [len(item) for item in items]
    crc = crc32c(fixed_lengths(lengths, order))
    stored = struct.pack(f"{order}I", mask(crc))
    text = b"".join(items)
    return b"".join((*map(varint, lengths), stored, text)), crc32c(text, crc32c(stored, crc))


def fixed_lengths(lengths: Sequence[int], order: str) -> bytes:
    """The lengths of strings as their checksum is taken over them."""
    try:
        return np.array(lengths, f"{order}u4").tobytes()
    except OverflowError:
        return b"".join(struct.pack(f"{order}I" if n <= 0xFFFFFFFF else f"{order}Q", n) for n in lengths)


def encode_variants(array: Array, key: str) -> tuple[bytes, int]:
    """The bytes of a variant tensor, given as serialized elements, and its checksum, which is not that of the bytes."""
    out: list[bytes] = []
    crc = 0
    for item in as_bytes(array, key):
        crc = crc32c(item, crc32c(struct.pack("<Q", len(item)), crc))
        stored = struct.pack("<I", mask(crc))
        out += varint(len(item)), item, stored
        crc = crc32c(stored, crc)
    return b"".join(out), crc


def check_crc(found: int, entry: Entry, where: str) -> None:
    """Raises DataLossError if the masked checksum of the bytes read is not the entry's."""
    if found != entry.crc:
        raise DataLossError(
            f"{where}: checksum does not match: stored {entry.crc:08x} vs. calculated {found:08x} over {entry.size} bytes at "
            f"offset {entry.offset} of data file {entry.shard}."
        )


def finish_numbers(array: Array, dtype: DType, big_endian: bool) -> Array:
    """What stands in the file, made valid in its C-ordered array: byte order, and what cannot be told apart in TensorFlow."""
    if big_endian:
        _parts(array).byteswap(inplace=True)
    if dtype.kind == "b":
        raw = array.view(np.uint8)
        np.minimum(raw, 1, out=raw)  # TensorFlow: any byte but 0 is True
    elif dtype.name in SUB_BYTE:
        raw = array.view(np.uint8)
        np.bitwise_and(raw, SUB_BYTE[dtype.name], out=raw)
    return array


SUB_BYTE = {"int4": 15, "uint4": 15, "float4_e2m1fn": 15, "int2": 3, "uint2": 3}


def decode_strings(data: memoryview, entry: Entry, where: str, big_endian: bool) -> Array:
    """A string tensor from its bytes, all checksums verified. Raises DataLossError."""
    order = ">" if big_endian else "<"
    count = total_size(entry.shape)
    lengths, at = _read_lengths(data, count, where)
    left = len(data) - at - 4
    check_lengths(where, count, left)
    crc = crc32c(fixed_lengths(lengths, order))
    check_length_crc(where, data[at : at + 4], crc, order)
    check_room(where, sum(lengths), left)
    check_crc(mask(crc32c(data[at:], crc)), entry, where)
    at += 4
    items = []
    for length in lengths:
        items.append(bytes(data[at : at + length]))
        at += length
    return string_array(items, entry.shape)


def check_lengths(where: str, count: int, left: int) -> None:
    """Raises DataLossError if fewer bytes than none are left behind the lengths and their checksum."""
    if left < 0:
        raise DataLossError(f"{where}: the {count} lengths leave no room for their checksum.")


def check_length_crc(where: str, stored: bytes | bytearray | memoryview, crc: int, order: str) -> None:
    """Raises DataLossError if the checksum of the lengths is not the one that is stored, as four bytes."""
    (wanted,) = struct.unpack(f"{order}I", stored)
    if mask(crc) != wanted:
        raise DataLossError(f"{where}: the length checksum does not match: stored {wanted:08x} vs. calculated {mask(crc):08x}.")


def check_room(where: str, total: int, left: int) -> None:
    """Raises DataLossError if strings have other bytes in all than are there."""
    if total != left:
        raise DataLossError(f"{where}: the strings have {total} bytes, the entry has room for {left}.")


def too_long(where: str, number: int, length: int, size: int) -> DataLossError:
    """The error for a string that cannot be in its tensor."""
    return DataLossError(
        f"{where}: string number {number}: a string of {length} bytes is longer than all bytes of the tensor, {size}."
    )


def no_length(where: str, number: int, at: int, what: str = "string") -> DataLossError:
    """The error for a length that is no varint."""
    return DataLossError(f"{where}: {what} number {number}: a varint at byte {at} is cut off or too long.")


def _read_lengths(data: memoryview, count: int, where: str) -> tuple[list[int], int]:
    lengths: list[int] = []
    at, end = 0, len(data)
    for number in range(count):
        try:
            length, at = read_varint(data, at, end)
        except DataLossError:
            raise no_length(where, number, at) from None
        if length > end:
            raise too_long(where, number, length, end)
        lengths.append(length)
    return lengths, at


def decode_variants(data: memoryview, entry: Entry, where: str) -> Array:
    """A variant tensor: an object array of serialized elements, all checksums verified. Raises DataLossError."""
    items: list[bytes] = []
    at = crc = 0
    for number in range(total_size(entry.shape)):
        length, at = variant_length(where, number, data, at, 0, len(data))
        item = bytes(data[at : at + length])
        at += length
        crc = crc32c(item, crc32c(struct.pack("<Q", length), crc))
        check_variant_crc(where, number, data[at : at + 4], crc)
        crc = crc32c(data[at : at + 4], crc)
        at += 4
        items.append(item)
    check_end(where, len(data) - at)
    check_crc(mask(crc), entry, where)
    return string_array(items, entry.shape)


def variant_length(where: str, number: int, data: memoryview, at: int, before: int, size: int) -> tuple[int, int]:
    """The length of a variant and where in the data, before which others stand, it begins. Raises DataLossError."""
    try:
        length, stop = read_varint(data, at, len(data))
    except DataLossError:
        raise no_length(where, number, before + at, "variant") from None
    if before + stop + length + 4 > size:
        raise DataLossError(f"{where}: variant number {number} of {length} bytes runs past the {size} of the tensor.")
    return length, stop


def check_variant_crc(where: str, number: int, stored: bytes | bytearray | memoryview, crc: int) -> None:
    """Raises DataLossError if the checksum of a variant and those before it is not the one that is stored, as four bytes."""
    (wanted,) = struct.unpack("<I", stored)
    if mask(crc) != wanted:
        raise DataLossError(f"{where}: variant number {number}: checksum does not match: stored {wanted:08x}.")


def check_end(where: str, left: int) -> None:
    """Raises DataLossError if bytes are left behind the last variant."""
    if left:
        raise DataLossError(f"{where}: {left} bytes behind the last variant.")


def undefined(where: str) -> UnimplementedError:
    """The error for variants in the other byte order."""
    return UnimplementedError(f"{where}: variants in a big-endian file are not defined.")


def decode_value(data: memoryview, entry: Entry, where: str, big_endian: bool) -> Array:
    """A value from its bytes in the file, checked; the array is new and the caller's own."""
    check_shape(entry.shape, entry.dtype, where)
    if entry.dtype.kind == "S":
        return decode_strings(data, entry, where, big_endian)
    if entry.dtype.kind == "V":
        if big_endian:
            raise undefined(where)
        return decode_variants(data, entry, where)
    check_crc(mask(crc32c(data)), entry, where)
    array: Any = np.frombuffer(data, entry.dtype.np).reshape(entry.shape).copy()
    return finish_numbers(array, entry.dtype, big_endian)
