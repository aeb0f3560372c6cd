"""The quick ways of reading entries, one by one and many alike, against the plain one."""

from __future__ import annotations

import numpy as np
import pytest

from minitf.core import dtypes
from minitf.errors import DataLossError
from minitf.storage.bundle import entries
from minitf.storage.bundle.entries import Entry, decode_entry, encode_entry, quick_entry
from minitf.storage.bundle.index import Index
from minitf.storage.bundle.table import table_chunks

OFFSETS = [0, 1, 127, 128, 255, 16383, 16384, 1 << 21, (1 << 28) - 1, 1 << 35, (1 << 63) - 1]
SHARDS = [0, 1, 127, 128, 300, (1 << 31) - 1]
ENTRIES = [
    Entry(dtype, shape, shard, offset, int(np.prod(shape)) * dtype.size, crc)
    for dtype, shape in [(dtypes.float32, (3, 4)), (dtypes.bool, ()), (dtypes.int64, (0, 2)), (dtypes.float16, (1 << 20, 2, 0))]
    for shard in SHARDS
    for offset in OFFSETS
    for crc in (1, 0xFFFFFFFF)
]


def nowhere(key):
    return ""


def test_what_tensorflow_writes_is_read_the_quick_way(monkeypatch):
    known = {}
    for entry in ENTRIES:
        quick_entry(encode_entry(entry._replace(shard=0, offset=0)), known, nowhere, b"")
    monkeypatch.setattr(entries, "decode_entry", lambda data, where: pytest.fail("the long way"))
    for entry in ENTRIES:
        assert quick_entry(encode_entry(entry), known, nowhere, b"") == entry


@pytest.mark.parametrize("entry", [ENTRIES[0], ENTRIES[5], ENTRIES[35], ENTRIES[-1]], ids=str)
def test_entries_that_differ_in_one_byte_are_read_as_the_plain_way_reads_them(entry):
    known = {}
    for one in ENTRIES[::22]:
        quick_entry(encode_entry(one), known, nowhere, b"")
    data = encode_entry(entry)
    for at in range(len(data)):
        for new in range(256):
            agree(data[:at] + bytes([new]) + data[at + 1 :], known)
        agree(data[:at], known)
        agree(data[:at] + data[at + 1 :], known)


def agree(data, known):
    try:
        wanted = decode_entry(data, "")
    except DataLossError:
        with pytest.raises(DataLossError):
            quick_entry(data, dict(known), nowhere, b"")
    else:
        assert quick_entry(data, dict(known), nowhere, b"") == wanted


@pytest.mark.parametrize("offset", OFFSETS)
def test_many_alike_are_read_as_each_by_itself(offset, monkeypatch):
    alike = [ENTRIES[0]._replace(offset=offset + n if offset < 1 << 62 else offset - n, crc=n * 1000 + 1) for n in range(20)]
    odd = [alike[3]._replace(shape=(4, 3)), alike[3]._replace(dtype=dtypes.int32), alike[3]._replace(shard=1)]
    records = {b"k%02d" % n: encode_entry(entry) for n, entry in enumerate([*alike, *odd])}
    records[b"x"] = records[b"k00"][:-5] + b"\x34" + records[b"k00"][-4:]  # another field where the checksum should be
    records[b"y"] = records[b"k00"][:3] + b"\x09" + records[b"k00"][4:]
    header = {b"": b"\x08\x02\x1a\x02\x08\x01"}
    keys = sorted(records | header)
    index = Index(b"".join(table_chunks(keys, [(records | header)[key] for key in keys])), "")
    good = [key for key in records if key < b"x"]
    assert index.entries(good) == [index.entry(key) for key in good] == [*alike, *odd]
    for key in (b"x", b"y"):
        for keys in ([*good, key], [key, *good]):
            with pytest.raises(DataLossError):
                index.entries(keys)
    if 0 < offset < 1 << 56:  # a zero is not written, and longer ones take the long way
        calls = []
        monkeypatch.setattr("minitf.storage.bundle.index.quick_entry", lambda *given: calls.append(1) or quick_entry(*given))
        index.entries(good[:20])
        assert len(calls) < 20
