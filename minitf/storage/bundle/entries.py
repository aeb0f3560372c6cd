"""The records of an ``.index`` table: one header, then one entry a tensor.

The header stands at the empty key and says how many data files there are and in which byte order. An entry says dtype, shape,
data file, offset, size and checksum of a value; the entry of a partitioned tensor lists its slices instead, and each slice has
an entry of its own at a slice key.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minitf.core import dtypes
from minitf.core.dtypes import DType
from minitf.core.spec import Spec, total_size
from minitf.errors import DataLossError, InvalidArgumentError
from minitf.storage.protos import parse
from minitf.storage.regions import slice_text
from minitf.storage.values import Extent
from minitf.storage.varint import read_varint, varint

FORMAT_VERSION = 1
MAX_RANK = 254
MAX_SIZE = (1 << 63) - 1

_U32 = struct.Struct("<I")


@dataclass(slots=True)
class Header:
    """What the record at the empty key says."""

    shards: int
    big_endian: bool = False
    version: bytes | None = b"\x08\x01"  # the VersionDef message: producer 1


class Entry(NamedTuple):
    """Where one value stands. ``slices`` is non-empty for the entry of a partitioned tensor, which has no bytes of its own."""

    dtype: DType
    shape: tuple[int, ...]
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0  # masked
    slices: tuple[tuple[Extent, ...], ...] = ()

    @property
    def spec(self) -> Spec:
        """Dtype and shape."""
        return Spec(self.dtype, self.shape)


Known = tuple[DType, tuple[int, ...], int, bytes]  # dtype, shape, size, and the encoded end of an entry before its checksum


def encode_header(header: Header) -> bytes:
    """The header's bytes as TensorFlow writes them."""
    version = b"" if header.version is None else b"\x1a" + varint(len(header.version)) + header.version
    return b"\x08" + varint(header.shards) + (b"\x10\x01" if header.big_endian else b"") + version


def decode_header(data: bytes, source: str) -> Header:
    """Raises DataLossError for bytes that are no header, InvalidArgumentError for a version that cannot be read."""
    stored = parse("BundleHeader", data, f"{source}: header")
    check_version(stored.version, source)
    if stored.num_shards < 1:
        raise DataLossError(f"{source}: the header says that there are {stored.num_shards} data files; there is at least one.")
    version = stored.version.SerializeToString() if stored.HasField("version") else None
    return Header(stored.num_shards, stored.endianness == 1, version)


def check_version(version: Any, source: str) -> None:
    """Raises InvalidArgumentError if the VersionDef message says that readers of version 1 cannot read the file."""
    if version.producer < 0:
        problem = f"producer version {version.producer} is below the minimum 0"
    elif version.min_consumer > FORMAT_VERSION:
        problem = f"it wants readers of version {version.min_consumer}"
    elif FORMAT_VERSION in version.bad_consumers:
        problem = "it disallows readers of version 1"
    else:
        return
    raise InvalidArgumentError(f"{source}: {problem}; this is version {FORMAT_VERSION}.")


def encode_shape(shape: tuple[int, ...]) -> bytes:
    """A TensorShapeProto."""
    return b"".join(
        b"\x12\0" if n == 0 else b"\x12%b\x08%b" % (varint(1 + len(size)), size) for n, size in ((n, varint(n)) for n in shape)
    )


def encode_slice(extents: tuple[Extent, ...]) -> bytes:
    """A TensorSliceProto."""
    out = b""
    for extent in extents:
        body = b""
        if extent is not None:
            start, length = extent
            body = (b"\x08" + varint(start) if start else b"") + b"\x10" + varint(length)
        out += b"\x0a" + varint(len(body)) + body
    return out


def entry_head(dtype: DType, shape: tuple[int, ...]) -> bytes:
    """The part of an entry that is the same for all values of one dtype and shape."""
    stored = encode_shape(shape)
    return b"\x08%b\x12%b%b" % (varint(dtype.number), varint(len(stored)), stored)


def entry_tail(size: int) -> bytes:
    """The part of an entry between its offset and its checksum."""
    return (b"\x28" + varint(size) if size else b"") + b"\x35"


def encode_entry(entry: Entry) -> bytes:
    """An entry's bytes as TensorFlow writes them."""
    parts = [entry_head(entry.dtype, entry.shape)]
    for tag, value in ((b"\x18", entry.shard), (b"\x20", entry.offset), (b"\x28", entry.size)):
        if value:
            parts.append(tag + varint(value))
    if entry.crc:
        parts.append(b"\x35" + _U32.pack(entry.crc))
    for extents in entry.slices:
        stored = encode_slice(extents)
        parts.append(b"\x3a" + varint(len(stored)) + stored)
    return b"".join(parts)


def decode_entry(data: bytes, where: str) -> Entry:
    """An entry from its bytes, every field checked on its own. ``where`` names file and key for messages.

    Raises DataLossError for bytes that are no entry and for numbers that no tensor can have.
    """
    stored = parse("BundleEntry", data, f"{where}: entry")
    dtype = known_dtype(stored.dtype, where)
    shape = decode_shape(stored.shape, where)
    if stored.shard_id < 0 or stored.offset < 0 or stored.size < 0:
        raise DataLossError(
            f"{where}: data file {stored.shard_id}, offset {stored.offset}, size {stored.size}: none of them can be negative."
        )
    slices = tuple(decode_slice(piece, shape, where) for piece in stored.slices)
    entry = Entry(dtype, shape, stored.shard_id, stored.offset, stored.size, stored.crc32c, slices)
    if not slices:
        check_size(entry, where)
    return entry


def check_size(entry: Entry, where: str) -> None:
    """Raises DataLossError if the entry's size cannot be that of its dtype and shape."""
    count = total_size(entry.shape)
    if entry.dtype.kind in "SV":  # a string has a length of one byte at least, a variant a checksum as well
        least = count + 4 if entry.dtype.kind == "S" else 5 * count
        good, wanted = entry.size >= least, f"at least {least}"
    else:
        exact = count * entry.dtype.size
        good, wanted = entry.size == exact, str(exact)
    if not good:
        raise DataLossError(
            f"{where}: invalid size in bundle entry: {entry.size} bytes stored, {entry.dtype.name} {entry.shape} has {wanted}."
        )


def quick_entry(data: bytes, heads: dict[bytes, Known], where: Callable[[bytes], str], key: bytes) -> Entry:
    """``decode_entry``, ten times as fast for numbers written as TensorFlow writes them; others take the long way.

    ``heads`` remembers, from call to call, what the first bytes of an entry mean. ``where(key)`` is asked for messages.
    """
    try:
        at = 4 + data[3]
        known = heads.get(data[:at])
        if known is not None:
            dtype, shape, size, tail = known
            stop = len(data) - 4
            end = stop - len(tail)
            if data[end:stop] == tail:
                shard = offset = 0
                if at < end and data[at] == 0x18:
                    shard, at = read_varint(data, at + 1, end)
                if at < end and data[at] == 0x20:
                    byte = data[at + 1]
                    at += 2
                    offset = byte & 127
                    shift = 7
                    while byte > 127 and at < end:
                        byte = data[at]
                        at += 1
                        offset |= (byte & 127) << shift
                        shift += 7
                    if byte > 127:
                        at = -1
                if at == end and shard < 1 << 31 and offset <= MAX_SIZE:
                    return new_entry((dtype, shape, shard, offset, size, _u32(data, stop)[0], ()))
    except (IndexError, DataLossError):
        pass
    entry = decode_entry(data, where(key))
    head = entry_head(entry.dtype, entry.shape)
    if data.startswith(head) and not entry.slices:
        heads[head] = entry.dtype, entry.shape, entry.size, entry_tail(entry.size)
    return entry


new_entry: Callable[[Any], Entry] = functools.partial(tuple.__new__, Entry)  # Entry(*fields), twice as fast
_u32 = _U32.unpack_from


class Alike(NamedTuple):
    """Entries that differ in offset and checksum only: ``numbers`` says which ones of a list, the two others go along."""

    dtype: DType
    shape: tuple[int, ...]
    shard: int
    size: int
    numbers: Any
    offsets: Any
    crcs: Any

    def entries(self) -> list[Entry]:
        """One by one."""
        dtype, shape, shard, size = self.dtype, self.shape, self.shard, self.size
        places = zip(self.offsets.tolist(), self.crcs.tolist(), strict=True)
        return [new_entry((dtype, shape, shard, offset, size, crc, ())) for offset, crc in places]


def decode_alike(first: Entry, found: Sequence[bytes], numbers: Any) -> tuple[Alike, Any] | None:
    """Decodes those records, all of one length, that are like the entry ``first``, and gives the numbers of the others.

    None if ``first`` is of no common kind.
    """
    head, tail = entry_head(first.dtype, first.shape), entry_tail(first.size)
    if first.shard:
        head += b"\x18" + varint(first.shard)
    length = len(found[0])
    width = length - len(head) - len(tail) - 5  # bytes of the offset
    tag = b"\x20"
    if width == -1:  # at the beginning of a data file there is no offset
        tag, width = b"", 0
    elif not 1 <= width <= 8:
        return None
    if first.slices:
        return None
    table = np.frombuffer(b"".join(found), np.uint8).reshape(-1, length)
    start = len(head) + len(tag)
    stop = start + width
    last = (b"\x80" * (width - 1) + b"\0")[:width]  # of the bytes of the offset, all but the last one are above 127
    fixed = np.frombuffer(b"\xff" * start + b"\x80" * width + b"\xff" * len(tail), np.uint8)
    wanted = np.frombuffer(head + tag + last + tail, np.uint8)
    same = ((table[:, :-4] & fixed) == wanted).all(axis=1)
    offsets = (table[same, start:stop] & 127) @ (1 << np.arange(0, 7 * width, 7, dtype=np.int64))
    crcs = np.ascontiguousarray(table[same, -4:]).view("<u4").ravel()
    return Alike(first.dtype, first.shape, first.shard, first.size, numbers[same], offsets, crcs), numbers[~same]


def known_dtype(number: int, where: str) -> DType:
    """The dtype with this number. Raises DataLossError for numbers that no value can have."""
    try:
        found = dtypes.as_dtype(int(number))
    except TypeError:
        found = dtypes.resource
    if found is dtypes.resource:
        raise DataLossError(f"{where}: dtype number {number} is none that a file can hold.")
    return found


def decode_shape(stored: Any, where: str) -> tuple[int, ...]:
    """The sizes in a TensorShapeProto. Raises DataLossError for sizes that no tensor can have."""
    if stored.unknown_rank:
        return ()  # TensorFlow, too, takes it for a scalar
    shape = tuple(dim.size for dim in stored.dim)
    if len(shape) > MAX_RANK or any(n < 0 for n in shape) or total_size(shape) > MAX_SIZE:
        text = f"{shape[:8]}..." if len(shape) > 8 else str(shape)
        raise DataLossError(f"{where}: invalid tensor shape {text} with {len(shape)} dimensions.")
    return shape


def decode_slice(stored: Any, shape: tuple[int, ...], where: str) -> tuple[Extent, ...]:
    """Extents from a TensorSliceProto. Raises DataLossError if they are not inside ``shape``."""
    extents = tuple((extent.start, extent.length) if extent.HasField("length") else None for extent in stored.extent)
    if len(extents) != len(shape):
        raise DataLossError(f"{where}: a slice has {len(extents)} dimensions, the tensor has shape {shape}.")
    for extent, size in zip(extents, shape, strict=True):
        if extent is not None and (extent[0] < 0 or extent[1] < 0 or sum(extent) > size):
            raise DataLossError(f"{where}: the slice {slice_text(extents)} is not inside the shape {shape}.")
    return extents
