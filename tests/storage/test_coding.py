"""Numbers, keys, blocks and entries: laws, examples of the format's description, and protobuf as a second opinion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from minitf.core.dtypes import ALL, float32
from minitf.errors import DataLossError
from minitf.storage.bundle import spans
from minitf.storage.bundle.block import common_prefix, fill_block, open_block, read_block, seal, shared_lengths
from minitf.storage.bundle.coding import mask, mask_all, ordered_number, ordered_signed, ordered_string, slice_key, unmask
from minitf.storage.bundle.entries import Entry, Header, decode_entry, decode_header, encode_entry, encode_header, quick_entry
from minitf.storage.bundle.index import Index
from minitf.storage.bundle.table import Table, separator, successor, table_chunks
from minitf.storage.protos import message
from minitf.storage.varint import read_varint, varint

u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)


@given(u64)
def test_varints(n):
    assert read_varint(b"x" + varint(n) + b"y", 1, 99) == (n, 1 + len(varint(n)))
    with pytest.raises(DataLossError):
        read_varint(varint(n), 0, len(varint(n)) - 1)


def test_varints_end_in_time():
    for data, longest in ((b"\x80" * 11, 10), (b"\xff" * 9 + b"\x02", 10), (b"\x80" * 5 + b"\x01", 5)):
        with pytest.raises(DataLossError):
            read_varint(data, 0, len(data), longest)


@given(st.lists(u32))
def test_masking(crcs):
    assert [unmask(mask(crc)) for crc in crcs] == crcs
    assert mask_all(crcs).tolist() == list(map(mask, crcs))


def test_checksums_of_the_description():
    assert mask(crc32c(b"123456789")) == 0xC78AB0E5
    assert mask(crc32c(b"")) == 0xA282EAD8
    assert crc32c(bytes(32)) == 0x8A9136AA


@given(st.binary(max_size=99), st.binary(max_size=99))
def test_checksums_are_put_together(a, b):
    assert spans.combine(crc32c(a), crc32c(b), len(b)) == crc32c(a + b)


ORDERED = {
    0: "80", 1: "81", 63: "BF", 64: "C040", -1: "7F", -64: "40", -65: "3FBF", 8191: "DFFF", 8192: "E02000", 2**20 - 1: "EFFFFF",
    2**20: "F0100000", 2**34: "FC0400000000", 2**55 - 1: "FF7FFFFFFFFFFFFF", 2**55: "FF8080000000000000",
    2**62: "FFC04000000000000000", -(2**63): "003F8000000000000000",
}  # fmt: skip


def test_ordered_code_of_the_description():
    for number, code in ORDERED.items():
        assert ordered_signed(number).hex().upper() == code
    assert [ordered_number(n).hex() for n in (0, 1, 255, 256)] == ["00", "0101", "01ff", "020100"]
    assert ordered_string(b"a\0b\xffc").hex() == "6100ff62ff00630001"
    assert slice_key(b"w", ((0, 3), None)).hex() == "00770001" + "010280" + "83807f"


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_ordered_code_keeps_the_order(a, b):
    assert (ordered_signed(a) < ordered_signed(b)) == (a < b)
    assert len(ordered_signed(a)) <= 10


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_ordered_strings_keep_the_order_and_end(a, b):
    assert (ordered_string(a) < ordered_string(b)) == (a < b)
    assert a == b or not ordered_string(a).startswith(ordered_string(b))


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_separators(a, b):
    a, b = sorted((a, b))
    if a < b:
        assert a <= separator(a, b) < b
        assert len(separator(a, b)) <= len(a)
    assert successor(a) >= a


few = st.binary(max_size=4) | st.sampled_from([b"a" * 200, b"a" * 300, b"a" * 300 + b"\0", b"a\0", b"a\0\0"])
record_sets = st.dictionaries(few, st.binary(max_size=40) | st.just(b"v" * 500), min_size=1, max_size=40)


@given(record_sets)
def test_shared_lengths_are_common_prefixes(found):
    keys = sorted(found)
    assert list(shared_lengths(keys)) == [0] + [common_prefix(a, b) for a, b in itertools.pairwise(keys)]


@given(record_sets, st.integers(20, 400), st.integers(1, 5))
def test_tables_come_back(found, block_size, interval):
    keys = sorted(found)
    ends: list[int] = []
    data = b"".join(table_chunks(keys, [found[key] for key in keys], block_size, interval, ends))
    table = Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "t")
    assert table.records() == found
    for key, end in zip(keys, ends, strict=True):
        assert data[end - len(found[key]) : end] == found[key]


@given(st.binary(max_size=99))
def test_any_block_is_read_or_refused(block):
    try:
        keys, values = read_block(block, "here")
    except DataLossError:
        return
    assert len(keys) == len(values)
    assert sum(map(len, values)) <= len(block)


def test_block_trailer():
    stored = b"payload" + seal(b"payload")
    assert open_block(memoryview(stored), "here") == b"payload"
    for at in range(len(stored)):
        with pytest.raises(DataLossError):
            open_block(memoryview(stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]), "here")


def test_an_entry_of_twice_the_block_size_begins_a_block():
    keys, values = [b"a", b"b", b"c"], [b"", b"x" * 100, b""]
    assert fill_block(keys, values, [0, 0, 0], limit=40)[1] == 1
    assert fill_block(keys, values, [0, 0, 0], start=1, limit=40)[1] == 2


dtypes = st.sampled_from([dtype for dtype in ALL if dtype.name != "resource"])


@st.composite
def entries(draw):
    dtype = draw(dtypes)
    shape = tuple(draw(st.lists(st.sampled_from([0, 1, 2, 200, 5_000]), max_size=4)))
    offset = draw(st.sampled_from([0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 2**40, 2**62]))
    if draw(st.booleans()) and shape and 0 not in shape:
        extents = tuple(draw(st.sampled_from([None, (0, 1), (n - 1, 1), (0, n)])) for n in shape)
        return Entry(dtype, shape, slices=(extents,) * draw(st.integers(1, 2)))
    size = int(np.prod(shape, dtype=object)) * dtype.size + (4 if dtype.kind in "SV" else 0)
    if dtype.kind == "V":
        size *= 5
    return Entry(dtype, shape, draw(st.sampled_from([0, 1, 300])), offset, size, draw(u32))


def through_protobuf(entry):
    out = message("BundleEntry")(
        dtype=entry.dtype.number, shard_id=entry.shard, offset=entry.offset, size=entry.size, crc32c=entry.crc
    )
    out.shape.SetInParent()
    for size in entry.shape:
        out.shape.dim.add(size=size)
    for extents in entry.slices:
        piece = out.slices.add()
        for extent in extents:
            added = piece.extent.add()
            if extent is not None:
                added.start, added.length = extent
    return out.SerializeToString(deterministic=True)


@given(entries())
def test_entries_are_protobufs_bytes_and_come_back(entry):
    data = encode_entry(entry)
    assert data == through_protobuf(entry)
    assert decode_entry(data, "here") == entry


@given(entries(), st.data())
def test_the_quick_way_and_the_long_way_agree(entry, data):
    heads = {}
    encoded = bytearray(encode_entry(entry))
    assert quick_entry(bytes(encoded), heads, str, b"k") == entry
    assert quick_entry(bytes(encoded), heads, str, b"k") == entry
    for _ in range(data.draw(st.integers(1, 2))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))

    def attempt(decode):
        try:
            return decode()
        except DataLossError:
            return None

    wanted = attempt(lambda: decode_entry(bytes(encoded), "here"))
    assert attempt(lambda: quick_entry(bytes(encoded), heads, str, b"k")) == wanted
    index = object.__new__(Index)
    index.path, index._heads, index.records = "here", {}, {b"a": encode_entry(entry), b"b": bytes(encoded)}
    keys = [b"a"] * 9 + [b"b"] + [b"a"]
    assert attempt(lambda: index.entries(keys)) == (wanted and [entry] * 9 + [wanted, entry])


def test_headers():
    assert encode_header(Header(1)) == bytes.fromhex("08011a020801")
    for header in (Header(1), Header(300, True), Header(2, False, None), Header(1, False, b"")):
        assert decode_header(encode_header(header), "here") == header


def test_example_of_the_description():
    """Full entry of w[4, 2] in rows 0..2 and row 3."""
    entry = Entry(float32, (4, 2), slices=(((0, 3), None), ((3, 1), None)))
    assert encode_entry(entry).hex() == "0801120812020804120208023a060a0210030a003a080a04080310010a00"
