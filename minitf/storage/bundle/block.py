"""Blocks: what a table file is made of.

One block holds entries in ascending order of their keys, then the places where a key is written out in full::

    entry*:    varint shared | varint rest | varint n | rest bytes of key | n bytes of value
    restarts:  u32 * R       places of entries with shared = 0
    R:         u32

An entry's key is the first ``shared`` bytes of the key before it and ``rest`` new ones. On disk a block is followed by one byte
of type (0 as it is, 1 snappy) and the masked checksum of payload and type.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from crc32c import crc32c

from minitf.errors import AbortedError, DataLossError, UnimplementedError
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.snappy import announced
from minitf.storage.varint import read_varint, varint

TRAILER = 5  # type byte and checksum
PLAIN, SNAPPY = 0, 1
INTERVAL = 16  # entries from one restart to the next (TensorFlow's table options)
BLOCK_SIZE = 262144
LARGE = 4 * BLOCK_SIZE  # a block of so many bytes is not put together in memory

_U32 = struct.Struct("<I")


class Pieces:
    """A value that is made while it is written, so that it is never in memory as a whole; of ``LARGE`` bytes at least."""

    def __init__(self, size: int, make: Callable[[], Iterable[bytes | memoryview]]):
        self._size = size
        self._make = make

    def __len__(self) -> int:
        """Bytes of all pieces."""
        return self._size

    def __iter__(self) -> Iterator[bytes | memoryview]:
        """The pieces, made anew. Raises AbortedError if they are not as long as they were: somebody writes to the array."""
        left = self._size
        for piece in self._make():
            left -= len(piece)
            yield piece
        if left:
            raise AbortedError("write: a value changed while it was being written.")


Value: TypeAlias = bytes | Pieces


def fill_block(
    keys: Sequence[bytes],
    values: Sequence[Value],
    shared_lengths: Sequence[int],
    start: int = 0,
    interval: int = INTERVAL,
    limit: int = BLOCK_SIZE,
) -> tuple[list[Value], int, list[int]]:
    """Packs entries from number ``start`` on until the block is full.

    ``shared_lengths`` says how many bytes each key has in common with the key before it. Returns the payload in parts, the
    number of the first entry that is not in it, and the places where the entries end. A block is full once it has ``limit``
    bytes; an entry of twice that size begins a new one.
    """
    parts: list[Value] = []
    restarts: list[int] = []
    ends: list[int] = []
    at = 0
    until_restart = 0
    stop = start
    for number in range(start, len(keys)):
        key, value = keys[number], values[number]
        length, width = len(key), len(value)
        if parts and length + width >= 2 * limit:
            break
        if until_restart:
            until_restart -= 1
            shared = shared_lengths[number]
            length -= shared
            key = key[shared:]
        else:
            until_restart = interval - 1
            shared = 0
            restarts.append(at)
        if length < 128 and width < 128 and shared < 128:
            parts += _HEADS[shared], _HEADS[length], _HEADS[width], key, value
            at += 3 + length + width
        else:
            head = varint(shared) + varint(length) + varint(width)
            parts += head, key, value
            at += len(head) + length + width
        ends.append(at)
        stop += 1
        if at + 4 * len(restarts) + 4 >= limit:
            break
    if not restarts:
        restarts.append(0)
    parts.append(struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts)))
    return parts, stop, ends


_HEADS = tuple(bytes((n,)) for n in range(128))


def shared_lengths(keys: Sequence[bytes]) -> Sequence[int]:
    """For each key how many bytes it has in common with the key before it (the first: none)."""
    if len(keys) < 2:
        return [0] * len(keys)
    longest = max(map(len, keys))
    if longest > 256:
        return [0, *(common_prefix(a, b) for a, b in itertools.pairwise(keys))]
    table = np.array(keys, f"S{longest}").view(np.uint8).reshape(len(keys), longest)
    differs = table[1:] != table[:-1]
    first = np.where(differs.any(axis=1), differs.argmax(axis=1), longest)
    lengths = np.fromiter(map(len, keys), np.intp, len(keys))  # NumPy fills up with zeros, which a key may have, too
    found: list[int] = np.minimum(first, np.minimum(lengths[1:], lengths[:-1])).tolist()
    return [0, *found]


def common_prefix(a: bytes, b: bytes) -> int:
    """How many bytes two byte strings have in common at their beginning."""
    n = min(len(a), len(b))
    differing = int.from_bytes(a[:n], "big") ^ int.from_bytes(b[:n], "big")
    return n - (differing.bit_length() + 7) // 8


def seal(payload: bytes | memoryview) -> bytes:
    """Type byte and checksum for a payload that is stored as it is."""
    return _trailer(crc32c(payload))


def sealed(parts: Sequence[Value]) -> Iterator[bytes | memoryview]:
    """The payload of a block, stored as it is, with its trailer; large ones in pieces."""
    if sum(map(len, parts)) < LARGE:
        block = b"".join(parts)  # type: ignore[arg-type]  # no part is large
        yield block
        yield seal(block)
        return
    crc = 0
    for part in parts:
        for piece in part if isinstance(part, Pieces) else (part,):
            crc = crc32c(piece, crc)
            yield piece
    yield _trailer(crc)


def _trailer(crc: int) -> bytes:
    return b"\0" + _U32.pack(mask(crc32c(b"\0", crc)))


def open_block(stored: memoryview, where: str) -> bytes:
    """The payload of a block on disk, trailer included in ``stored``. Raises DataLossError if the checksum differs."""
    size = len(stored) - TRAILER
    kind = stored[size]
    (wanted,) = _U32.unpack_from(stored, size + 1)
    found = mask(crc32c(stored[: size + 1]))
    if found != wanted:
        raise DataLossError(f"{where}: block checksum mismatch: stored {wanted:08x}, calculated {found:08x}.")
    if kind == PLAIN:
        return bytes(stored[:size])
    if kind == SNAPPY:
        return decompress(stored[:size], where)
    raise DataLossError(f"{where}: bad block type {kind}; known are 0 (plain) and 1 (snappy).")


def decompress(payload: memoryview, where: str) -> bytes:
    """Undoes snappy. The announced length is believed only as far as ``payload`` can hold it."""
    announced(payload, len(payload), where)
    try:
        import cramjam
    except ImportError:
        raise UnimplementedError(f"{where} is compressed with snappy; pip install 'minitf[snappy]' to read it.") from None
    try:
        return bytes(cramjam.snappy.decompress_raw(payload))  # which has as many bytes as announced, or an error
    except Exception as error:
        raise DataLossError(f"{where}: corrupted compressed block contents: {error}.") from None


def read_block(block: bytes, where: str) -> tuple[list[bytes], list[bytes]]:
    """Keys and values of a payload. Raises DataLossError for anything that does not fit together."""
    length = len(block)
    if length < 8:  # one restart at least, and the number of them
        raise DataLossError(f"{where}: bad block contents: {length} bytes are too few.")
    (count,) = _U32.unpack_from(block, length - 4)
    end = length - 4 - 4 * count
    if count == 0 or end < 0:
        raise DataLossError(f"{where}: bad block contents: {count} restarts in {length} bytes.")
    keys: list[bytes] = []
    values: list[bytes] = []
    full = set()  # places of entries whose key is written out
    room = INTERVAL * length + 65536  # for shared bytes: with every sixteenth key in full they cannot take more
    key = b""
    at = 0
    while at < end:
        place = at
        shared, rest, width = block[at], block[at + 1], block[at + 2]  # eight bytes follow the last entry
        if (shared | rest | width) < 128:
            at += 3
        else:
            try:
                shared, at = read_varint(block, at, end, 5)
                rest, at = read_varint(block, at, end, 5)
                width, at = read_varint(block, at, end, 5)
            except DataLossError as error:
                raise DataLossError(f"{where}: the entry at byte {place}: {error}.") from None
        middle = at + rest
        stop = middle + width
        if stop > end or shared > len(key):
            raise DataLossError(
                f"{where}: the entry at byte {place} does not fit: {shared} shared bytes after a key of {len(key)}, "
                f"{rest} + {width} bytes in {end - at}."
            )
        if shared:
            room -= shared
            if room < 0:
                raise DataLossError(
                    f"{where}: bad block contents: the keys would take more than {INTERVAL} times its {length} bytes."
                )
            key = key[:shared] + block[at:middle]
        else:
            key = block[at:middle]
            full.add(place)
        keys.append(key)
        values.append(block[middle:stop])
        at = stop
    restarts = struct.unpack_from(f"<{count}I", block, end)
    if restarts[0] != 0 or any(a >= b for a, b in itertools.pairwise(restarts)):
        raise DataLossError(f"{where}: bad block contents: the restarts do not ascend from 0.")
    if (keys and not full.issuperset(restarts)) or (not keys and count > 1):
        raise DataLossError(f"{where}: bad block contents: a restart is not at an entry with a full key.")
    return keys, values


def find_value(start: bytes | bytearray, wanted: bytes) -> tuple[int, int] | None:
    """Place and length of a key's value in a sound block of which this is the beginning; None if the key is not there."""
    key, at, end = b"", 0, len(start)
    try:
        while key < wanted:
            shared, at = read_varint(start, at, end, 5)
            rest, at = read_varint(start, at, end, 5)
            width, at = read_varint(start, at, end, 5)
            key = key[:shared] + start[at : at + rest]
            at += rest + width
    except DataLossError:
        return None
    return (at - width, width) if key == wanted else None
