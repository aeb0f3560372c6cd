"""Making index files that TensorFlow would never write: records edited, checksums made good again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from crc32c import crc32c

from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.table import FOOTER, Table, table_chunks
from minitf.storage.varint import varint

MAGIC = bytes.fromhex("57fb808b247547db")


def records(path: Path) -> dict[bytes, bytes]:
    data = path.read_bytes()
    return Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), str(path)).records()


def put_records(path: Path, found: dict[bytes, bytes]) -> None:
    path.write_bytes(b"".join(table_chunks(sorted(found), [found[key] for key in sorted(found)])))


def edit(path: Path, change: Callable[[dict[bytes, bytes]], None]) -> None:
    """Changes the records of an index; the file is a good table again."""
    found = records(path)
    change(found)
    put_records(path, found)


def sealed(payload: bytes, kind: int = 0) -> bytes:
    """A block with its trailer."""
    body = payload + bytes([kind])
    return body + mask(crc32c(body)).to_bytes(4, "little")


def entry(shared: int, rest: bytes, value: bytes) -> bytes:
    return varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value


def restarts(*places: int) -> bytes:
    return b"".join(place.to_bytes(4, "little") for place in (*places, len(places)))


def file_of(block: bytes, kind: int = 0, index: bytes | None = None, handles: bytes | None = None) -> bytes:
    """A table with this one data block; the index block and the footer's handles may be given, too."""
    data = sealed(block, kind)
    empty = sealed(restarts(0))
    if index is None:
        index = entry(0, b"\xff", varint(0) + varint(len(block))) + restarts(0)
    if handles is None:
        handles = varint(len(data)) + varint(8) + varint(len(data) + len(empty)) + varint(len(index))
    return data + empty + sealed(index) + handles.ljust(FOOTER - 8, b"\0") + MAGIC


def fields(*pairs: tuple[int, int | bytes]) -> bytes:
    """A protobuf message from (number, value) pairs; ints are varints, negative ones of 64 bits."""
    out = b""
    for number, value in pairs:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value % (1 << 64))
        else:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def shape(*sizes: int) -> bytes:
    return fields(*((2, fields((1, size)) if size else b"") for size in sizes))


def crc_field(data: bytes) -> bytes:
    return b"\x35" + mask(crc32c(data)).to_bytes(4, "little")
