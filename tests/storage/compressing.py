"""Table files whose blocks snappy has made smaller, as very old TensorFlow wrote them."""

from __future__ import annotations

from pathlib import Path

from crc32c import crc32c

from minitf.storage.bundle.block import fill_block, shared_lengths
from minitf.storage.bundle.coding import mask
from minitf.storage.bundle.table import FOOTER, Table, table_chunks
from minitf.storage.varint import varint


def compress(path: Path, change=lambda packed: packed, limit=60, pack=None):
    """Writes a table anew, two of three blocks compressed; ``change`` damages what is compressed."""
    if pack is None:
        import cramjam

        pack = cramjam.snappy.compress_raw
    data = path.read_bytes()
    records = Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "t").records()
    keys = sorted(records)
    values = [records[key] for key in keys]
    shared = shared_lengths(keys)

    def stored(payload, kind):
        return payload + bytes([kind]) + mask(crc32c(payload + bytes([kind]))).to_bytes(4, "little")

    out, index, start = b"", [], 0
    while start < len(keys):
        parts, stop, _ = fill_block(keys, values, shared, start, limit=limit)
        payload = b"".join(parts)
        kind = len(index) % 3 != 1
        packed = change(bytes(pack(payload))) if kind else payload
        index.append((keys[stop - 1], varint(len(out)) + varint(len(packed))))
        out += stored(packed, int(kind))
        start = stop
    tail = b"".join(table_chunks([], []))
    empty = tail[: tail.index(b"\1\0\0\0") + 9]
    block = b"".join(fill_block([k for k, _ in index], [v for _, v in index], [0] * len(index), interval=1)[0])
    handles = varint(len(out)) + varint(8) + varint(len(out) + len(empty)) + varint(len(block))
    path.write_bytes(out + empty + stored(block, 0) + handles.ljust(FOOTER - 8, b"\0") + data[-8:])
