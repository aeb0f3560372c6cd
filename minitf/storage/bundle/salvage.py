"""What the whole blocks of a damaged V2 index still tell.

A block is believed if its checksum holds and its entries parse; one in which a single bit is wrong is mended (``mend.py``). The
index block says where the others are; if it is damaged itself, blocks are looked for one behind the other (``scan.py``).

Without the record of the header the number of data files is taken from their names. The byte order stands nowhere else, and
checksums of numbers do not tell it: so it is learnt from a string tensor, whose lengths have a checksum that does. If there is
none, only values of single bytes and strings are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from minitf.errors import DataLossError, OpError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle.block import TRAILER, open_block, read_block
from minitf.storage.bundle.entries import Header, decode_header
from minitf.storage.bundle.index import Index, identity_of
from minitf.storage.bundle.mend import wrong_bit
from minitf.storage.bundle.names import files_of, index_path
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.bundle.scan import blocks, not_ascending
from minitf.storage.bundle.table import Table
from minitf.storage.files import Disk, read_whole
from minitf.storage.paths import path_of


class Mended(str):
    """Among what is wrong with an index: something that could be set right, so that nothing is lost by it."""

    __slots__ = ()


def open_damaged(prefix: str, disk: Disk = ANYWHERE) -> tuple[BundleReader, list[str]]:
    """A reader of those keys whose records can be trusted, and what is lost of the index, or was ``Mended``.

    Raises NotFoundError if there is no index, DataLossError if nothing of it holds.
    """
    prefix = path_of(prefix)
    path = index_path(prefix)
    identity = identity_of(disk, path)
    data = bytearray(read_whole(disk, path))
    assert identity is not None, "read_whole has found it"
    problems: list[str] = []
    records: dict[bytes, bytes] = {}
    for keys, values in _blocks(data, path, problems):
        records.update(zip(keys, values, strict=True))
    header = _header(records, path, problems)
    if header is None:
        header = _header_from_files(disk, prefix, records, path, problems)
    index = Index.of_records(path, header, records)
    for key in [key for key in records if key.startswith(b"\0") and key not in index.pieces()]:
        del records[key]
        problems.append(f"{path}: the piece {key!r} is of a partitioned tensor whose own record is lost.")
    return BundleReader(disk, prefix, index, identity), problems


def _blocks(data: bytearray, path: str, problems: list[str]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    view = memoryview(data)
    try:
        table = Table(lambda offset, size: view[offset : offset + size], len(view), path)
    except DataLossError as error:
        problems.append(f"{error} Blocks are looked for one behind the other.")
        yield from _scan(view, path, problems)
        return
    for number in range(len(table.handles)):
        try:
            yield table.block(number)
        except DataLossError as error:
            mended = _mended_block(data, table, number)
            if mended is not None:
                place, block = mended
                problems.append(Mended(f"{error} {place} was wrong: setting it right makes the checksum hold."))
                yield block
                continue
            after = table.bounds[number - 1] if number else b""
            problems.append(f"{error} Keys between {after!r} and {table.bounds[number]!r} are lost.")


def _mended_block(data: bytearray, table: Table, number: int) -> tuple[str, tuple[list[bytes], list[bytes]]] | None:
    """A block in which one bit was wrong, and which: it is set right in ``data``. None if it is not that."""
    offset, size = table.handles[number]
    stored = data[offset : offset + size + TRAILER]
    found = wrong_bit(stored) if len(stored) == size + TRAILER else None  # else it is not inside the file
    if found is None:
        return None
    place, bit = found
    data[offset + place] ^= 1 << bit
    try:
        return f"Bit {bit} of byte {offset + place}", table.block(number)
    except DataLossError:  # the checksum is right now, and the block makes no sense
        return None


def _scan(data: memoryview, path: str, problems: list[str]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Blocks from the start of the file on."""
    for block in blocks(lambda offset, size: data[offset : offset + size], len(data), path, problems):
        where = f"{path}, block at byte {block.offset}"
        try:
            keys, values = read_block(open_block(data[block.offset : block.offset + block.length + TRAILER], where), where)
        except DataLossError as error:
            problems.append(str(error))
            continue
        if all(a < b for a, b in itertools.pairwise(keys)):
            yield keys, values
        else:
            problems.append(not_ascending(path, block))


def _header(records: dict[bytes, bytes], path: str, problems: list[str]) -> Header | None:
    stored = records.pop(b"", None)
    if stored is None:
        problems.append(f"{path}: the header is lost.")
        return None
    try:
        return decode_header(stored, path)
    except DataLossError as error:
        problems.append(str(error))
        return None


def _header_from_files(disk: Disk, prefix: str, records: dict[bytes, bytes], path: str, problems: list[str]) -> Header:
    """A header as the data files and the strings in them tell it; records that it does not suffice for are dropped."""
    counts = {shards for _, shards in files_of(disk, prefix)[0].values()}
    if not records:
        raise DataLossError(f"{path}: no block of the index holds, and nothing else says what the data files have.")
    if len(counts) != 1:
        raise DataLossError(f"{path}: the header is lost, and beside it stand data files of sets of {sorted(counts)}.")
    identity = identity_of(disk, path)
    assert identity is not None
    (shards,) = counts
    proven = None
    for big_endian in (False, True):
        header = Header(shards, big_endian)
        reader = BundleReader(disk, prefix, Index.of_records(path, header, dict(records)), identity)
        if any(_tells_order(reader, key) for key in reader.index.keys()):
            proven = header
    if proven is not None:
        return proven
    header = Header(shards, False)
    reader = BundleReader(disk, prefix, Index.of_records(path, header, dict(records)), identity)
    for key in reader.index.keys():
        try:
            entry = reader.index.entry(key)
        except DataLossError:
            continue  # said when the key is read
        if entry.dtype.kind not in "SV" and entry.dtype.size > 1:
            del records[key]
            problems.append(f"{path}: key {key!r}: without the header nothing says in which byte order its numbers stand.")
    return header


def _tells_order(reader: BundleReader, key: bytes) -> bool:
    """True if a string tensor with a length that is not the same backwards can be read."""
    try:
        entry = reader.index.entry(key)
        if entry.dtype.kind != "S" or entry.slices:
            return False
        (value,) = reader.read_entries([key], [entry])
        return any(len(item) for item in value.ravel())
    except OpError:
        return False
