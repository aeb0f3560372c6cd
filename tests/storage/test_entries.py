"""Headers and entries: what is read and what is refused; the quick ways, one by one and many alike, against the plain one."""

from __future__ import annotations

import numpy as np
import pytest
from tampering import fields, shape

from minitf.core import dtypes
from minitf.errors import DataLossError, InvalidArgumentError
from minitf.storage.bundle import entries
from minitf.storage.bundle.entries import (
    Entry,
    Header,
    decode_alike,
    decode_entry,
    decode_header,
    decode_shape,
    encode_entry,
    encode_header,
    encode_slice,
    known_dtype,
    quick_entry,
)
from minitf.storage.bundle.index import Index
from minitf.storage.bundle.table import table_chunks
from minitf.storage.protos import parse

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


# The plain way ------------------------------------------------------------------------------------------------------


def sizes_of(*sizes):
    return parse("BundleEntry", fields((2, shape(*sizes))), "").shape


def test_shapes_up_to_what_a_tensor_can_have():
    biggest = (1 << 63) - 1
    assert decode_shape(sizes_of(biggest), "k") == (biggest,)
    assert decode_shape(sizes_of(1 << 31, 1 << 31, 1), "k") == (1 << 31, 1 << 31, 1)
    assert decode_shape(sizes_of(*[1] * 254), "k") == (1,) * 254
    assert decode_shape(sizes_of(biggest, 0, biggest), "k") == (biggest, 0, biggest)
    for sizes, text in (
        ([1 << 31, 1 << 32], r"\(2147483648, 4294967296\) with 2 dimensions"),
        ([1] * 255, r"\(1, 1, 1, 1, 1, 1, 1, 1\)\.\.\. with 255 dimensions"),
        ([3, -1] + [1] * 7, r"\(3, -1, 1, 1, 1, 1, 1, 1\)\.\.\. with 9 dimensions"),
        ([3, -1] + [1] * 6, r"\(3, -1, 1, 1, 1, 1, 1, 1\) with 8 dimensions"),
        ([0, -1], r"\(0, -1\) with 2 dimensions"),
    ):
        with pytest.raises(DataLossError, match=f"^k: invalid tensor shape {text}"):
            decode_shape(sizes_of(*sizes), "k")
    unknown = parse("BundleEntry", fields((2, shape(3) + fields((3, 1)))), "").shape
    assert decode_shape(unknown, "k") == ()


@pytest.mark.parametrize(
    ("dtype", "sizes", "size", "wanted"),
    [
        ("float32", (3, 2), 24, "24"), ("float32", (), 4, "4"), ("float32", (0,), 0, "0"), ("complex128", (2,), 32, "32"),
        ("string", (3,), 7, "at least 7"), ("string", (), 5, "at least 5"), ("string", (0,), 4, "at least 4"),
        ("variant", (3,), 15, "at least 15"), ("variant", (), 5, "at least 5"),
    ],
)  # fmt: skip
def test_sizes_that_a_value_can_have(dtype, sizes, size, wanted):
    entry = Entry(dtypes.as_dtype(dtype), sizes, 0, 0, size, 7)
    assert decode_entry(encode_entry(entry), "k") == entry
    longer = entry._replace(size=size + 1)
    if wanted.startswith("at least"):
        assert decode_entry(encode_entry(longer), "k") == longer
    else:
        with pytest.raises(DataLossError, match=f"{size + 1} bytes stored, .* has {wanted}"):
            decode_entry(encode_entry(longer), "k")
    if size:
        with pytest.raises(DataLossError, match=f"k: invalid size in bundle entry: {size - 1} bytes stored, .* has {wanted}"):
            decode_entry(encode_entry(entry._replace(size=size - 1)), "k")


def test_slices_are_inside_of_the_shape():
    for extents in (((0, 3), None), ((1, 2), (0, 2)), ((3, 0), (2, 0)), ((0, 0), None)):
        entry = Entry(dtypes.float32, (3, 2), slices=(extents,))
        assert decode_entry(encode_entry(entry), "k") == entry
    for piece, problem in (
        (fields((1, fields((2, 4))), (1, b"")), "the slice 0,4:- is not inside the shape"),
        (fields((1, fields((1, 3), (2, 1))), (1, b"")), "the slice 3,1:- is not inside"),
        (fields((1, fields((1, -1), (2, 1))), (1, b"")), "the slice -1,1:- is not inside"),
        (fields((1, fields((1, 2), (2, -1))), (1, b"")), "the slice 2,-1:- is not inside"),
        (fields((1, b"")), "a slice has 1 dimensions, the tensor has shape"),
    ):
        with pytest.raises(DataLossError, match=f"^k: {problem}"):
            decode_entry(fields((1, 1), (2, shape(3, 2)), (7, piece)), "k")
    assert encode_slice((None, (0, 5), (3, 1))).hex(" ") == "0a 00 0a 02 10 05 0a 04 08 03 10 01"


def test_dtypes_that_a_file_can_hold():
    for dtype in dtypes.ALL:
        if dtype.name != "resource":
            assert known_dtype(dtype.number, "k") is dtype
    for number in (0, 20, 101, -1, 999):
        with pytest.raises(DataLossError, match=f"^k: dtype number {number} is none that a file can hold"):
            known_dtype(number, "k")


def version(*pairs):
    return fields((1, 1), (3, fields(*pairs)))


def test_versions_that_can_be_read():
    for pairs in ([(1, 1)], [(1, 0)], [(1, 5), (2, 1)], [(1, 1), (3, 2)], []):
        assert decode_header(version(*pairs), "k").shards == 1
    for pairs, problem in (
        ([(1, -1)], "k: producer version -1 is below the minimum 0; this is version 1"),
        ([(1, 1), (2, 2)], "k: it wants readers of version 2; this is version 1"),
        ([(1, 1), (3, 1)], "k: it disallows readers of version 1; this is version 1"),
        ([(1, 1), (3, 4), (3, 1)], "k: it disallows readers of version 1; this is version 1"),
    ):
        with pytest.raises(InvalidArgumentError, match=problem):
            decode_header(version(*pairs), "k")
    with pytest.raises(DataLossError, match="k: the header says that there are 0 data files; there is at least one"):
        decode_header(b"", "k")
    assert decode_header(b"\x08\x01", "k") == Header(1, False, None)
    assert decode_header(version((1, 5), (2, 1)), "k") == Header(1, False, b"\x08\x05\x10\x01")
    assert decode_header(fields((1, 2), (2, 1)), "k") == Header(2, True, None)
    assert decode_header(fields((1, 2), (2, 2)), "k") == Header(2, False, None)  # neither of the two orders
    assert encode_header(Header(3, False, None)).hex(" ") == "08 03"
    assert encode_header(Header(1, True)).hex(" ") == "08 01 10 01 1a 02 08 01"


# The quick ones -----------------------------------------------------------------------------------------------------


def plain_reads(monkeypatch):
    """Counts what takes the plain way from now on."""
    count = []
    monkeypatch.setattr(entries, "decode_entry", lambda data, where: count.append(data) or decode_entry(data, where))
    return count


def test_what_is_remembered_of_an_entry(monkeypatch):
    """Heads whose shape takes less than 128 bytes are, if they stand as TensorFlow writes them; others take the plain way."""
    count = plain_reads(monkeypatch)
    ones = Entry(dtypes.int8, (1,) * 31, 0, 5, 1, 9)
    for entry, remembered in (
        (Entry(dtypes.float32, (2,), 0, 5, 8, 9), True),
        (Entry(dtypes.string, (1,), 0, 5, 9, 9), True),
        (ones, True),  # 124 bytes
        (ones._replace(shape=(200,) + (1,) * 30 + (0,), size=0), True),  # 127
        (ones._replace(shape=(1,) * 32), False),  # 128
        (ones._replace(shape=(1,) * 62), False),
        (Entry(dtypes.float32, (2,), slices=(((0, 2),),)), False),
    ):
        known, data = {}, encode_entry(entry)
        count.clear()
        for _ in range(3):
            assert quick_entry(data, known, nowhere, b"") == entry
        assert len(count) == (1 if remembered else 3), entry
    known = {}
    quick_entry(encode_entry(Entry(dtypes.float32, (2,), slices=(((0, 2),),))), known, nowhere, b"")
    agree(encode_entry(Entry(dtypes.float32, (2,), 0, 5, 0, 9)), known)  # no size, no slices


def test_odd_entries_of_a_known_kind(monkeypatch):
    known, entry = {}, Entry(dtypes.float32, (2,), 0, 5, 8, 9)
    head, tail = encode_entry(entry)[:8], encode_entry(entry)[-7:]
    assert quick_entry(head + b"\x20\5" + tail, known, nowhere, b"") == entry
    cases = {
        head + tail: entry._replace(offset=0),
        head + b"\x18\1" + tail: entry._replace(shard=1, offset=0),
        head + b"\x18\xff\xff\xff\xff\7" + tail: entry._replace(shard=(1 << 31) - 1, offset=0),
        head + b"\x18\1\x20\x80\1" + tail: entry._replace(shard=1, offset=128),
        head + b"\x20" + b"\xff" * 8 + b"\x7f" + tail: entry._replace(offset=(1 << 63) - 1),
    }
    count = plain_reads(monkeypatch)
    for data, wanted in cases.items():
        assert quick_entry(data, known, nowhere, b"") == wanted
    assert not count
    for odd in (
        b"\x18\x80\x80\x80\x80\x08",
        b"\x20" + b"\xff" * 9 + b"\1",
        b"\x20\x85",
        b"\x18",
        b"\x20",
        b"\x20\5\x18\1",
        b"\x20\x7f\x08",
        b"\x20\x7f\0",
        b"\x21\5",
        b"\x28\5",
        b"\x18\1\x28\5",
    ):
        agree(head + odd + tail, known)
        agree(head + odd, known)
    for cut in range(len(head)):
        agree(head[:cut], known)
    texts = [Entry(dtypes.string, (2,), 0, 5, size, 9) for size in (9, 10, 9, 200)]
    for text in texts:
        assert quick_entry(encode_entry(text), known, nowhere, b"") == text


@pytest.mark.parametrize("width", range(1, 10))
def test_many_alike_with_offsets_of_each_width(width, monkeypatch):
    """Up to eight bytes; where the last byte has its high bit, or one before has not, the plain way is asked."""
    first = 1 << 7 * (width - 1) if width > 1 else 1
    alike = [ENTRIES[0]._replace(offset=first + n, crc=n) for n in range(1, 12)]
    stored = [encode_entry(entry) for entry in alike]
    assert decoded(alike[0], stored) == (dict(enumerate(alike)) if width < 9 else None)
    place = len(encode_entry(alike[0])) - 4 - 2 - 1 - width  # of the offset
    for at in range(place, place + width):
        for byte in (0, 127, 128, 255):
            odd = stored[5][:at] + bytes([byte]) + stored[5][at + 1 :]
            out = decoded(alike[0], [*stored[:5], odd, *stored[6:]]) or {}
            assert [out.get(n) == alike[n] for n in range(11) if n != 5] == [width < 9] * 10
            if 5 in out:
                assert out[5] == decode_entry(odd, "")
            elif width < 9 and (byte < 128) == (at == place + width - 1):
                pytest.fail(f"byte {byte:x} at {at - place} is as it should be")


@pytest.mark.parametrize("shard", [0, 1, 127, 128, 70000])
def test_many_alike_are_of_one_shard(shard):
    first = ENTRIES[0]._replace(shard=shard, offset=9)
    stored = [encode_entry(first._replace(shard=n, offset=9)) for n in (shard, shard + 1, shard)]
    found = [data for data in stored if len(data) == len(stored[0])]
    assert decoded(first, found) == {n: first for n, data in enumerate(found) if data == stored[0]}
    assert decoded(first._replace(slices=((None, None),)), found) is None


def decoded(first, found):
    """Entries by number; None if the first is of no common kind. Every number is either among them or left."""
    both = decode_alike(first, found, np.arange(len(found)))
    if both is None:
        return None
    out = dict(zip(both[0].numbers.tolist(), both[0].entries(), strict=True))
    assert sorted([*out, *both[1].tolist()]) == list(range(len(found)))
    return out
