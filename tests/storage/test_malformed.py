"""Files that lie: every line of the tables of malformed input in the description of the format, and what minitf says.

Where TensorFlow dies, takes memory that the file does not have, or returns junk, there is a typed error.
"""

from __future__ import annotations

import sys
import tracemalloc

import numpy as np
import pytest
from crc32c import crc32c
from tampering import crc_field, edit, entry, fields, file_of, put_records, records, restarts, shape

from minitf import errors
from minitf.saved import SavedGraph, SavedNode
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.coding import mask, slice_key
from minitf.storage.bundle.merge import merge
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.values import Partitioned
from minitf.storage.varint import varint

DATA = b"\x01\x00\x00\x00\x02\x00\x00\x00"
HEADER = b"\x08\x01\x1a\x02\x08\x01"
GOOD = fields((1, 3), (2, shape(2)), (5, 8)) + crc_field(DATA)


@pytest.fixture
def prefix(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "p", {"a": np.arange(2, dtype=np.int32), "s": np.array([b"ab", b""], object)})
    return tmp_path / "p"


def index_of(prefix):
    return prefix.with_name(prefix.name + ".index")


def data_of(prefix):
    return prefix.with_name(prefix.name + ".data-00000-of-00001")


def read_all(prefix):
    """Everything that a file can be asked for, with the memory that it took kept in bounds."""
    tracemalloc.start()
    try:
        reader = TensorBundle().open(prefix)
        values = reader.read_many(reader.keys())
        return dict(zip(reader.keys(), values, strict=True))
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20_000_000, f"{peak} bytes for a file of some hundred"


# The table file -----------------------------------------------------------------------------------------------------


def small_table(*pairs):
    block = b""
    for number, (key, value) in enumerate(pairs):
        del number
        block += entry(0, key, value)
    return block + restarts(0)


WHOLE = ((b"", HEADER), (b"a", GOOD))
HEAD = entry(0, b"", HEADER)
TABLES = {
    "empty file": (b"", "too short"),
    "47 bytes": (b"x" * 47, "too short"),
    "truncated": (file_of(small_table(*WHOLE))[:-1], "magic"),
    "trailing junk": (file_of(small_table(*WHOLE)) + b"x", "magic"),
    "junk prepended": (b"junk" + file_of(small_table(*WHOLE)), "checksum mismatch|restarts|would be"),
    "footer of FF": (file_of(small_table(*WHOLE), handles=b"\xff" * 40), "bad block handle"),
    "index handle past the end": (
        file_of(small_table(*WHOLE), handles=b"\0\0" + varint(1 << 20) + varint(9)),
        "would be at byte",
    ),
    "index handle of 2**40": (file_of(small_table(*WHOLE), handles=b"\0\0\0" + varint(1 << 40)), "would be at byte"),
    "index handle of 2**62": (file_of(small_table(*WHOLE), handles=b"\0\0\0" + varint(1 << 62)), "would be at byte"),
    "index handle of 2**64-5": (file_of(small_table(*WHOLE), handles=b"\0\0\0" + varint((1 << 64) - 5)), "would be at byte"),
    "index handle at 2**63": (file_of(small_table(*WHOLE), handles=b"\0\0" + varint(1 << 63) + b"\1"), "would be at byte"),
    "block type 7": (file_of(small_table(*WHOLE), kind=7), "bad block type"),
    "snappy: bad copy": (file_of(b"\x08\x0f\xff", kind=1), "compressed"),
    "snappy: too long": (file_of(b"\x08\x00a", kind=1), "compressed"),
    "snappy: empty": (file_of(b"", kind=1), "compressed|cut off"),
    "snappy: 4 GiB announced": (file_of(b"\xff\xff\xff\xff\x0f" + b"\0" * 5, kind=1), "cannot hold"),
    "block shorter than 4": (file_of(b"abc"), "too few"),
    "restart count too big": (file_of(HEAD + b"\xff\xff\xff\x7f"), "restarts"),
    "restart count 0": (file_of(HEAD + b"\0\0\0\0"), "restarts"),
    "restart beyond the block": (file_of(HEAD + restarts(0, 999)), "restart"),
    "restart inside an entry": (file_of(HEAD + restarts(0, 3)), "restart"),
    "restarts do not ascend": (file_of(HEAD + entry(0, b"a", GOOD) + restarts(9, 0)), "restarts"),
    "shared longer than the key before": (file_of(HEAD + entry(9, b"a", GOOD) + restarts(0)), "does not fit"),
    "value past the block": (file_of(HEAD + b"\0\1\x7fa" + restarts(0)), "does not fit"),
    "varint of six bytes": (file_of(HEAD + b"\x80\x80\x80\x80\x80\x01\1\1ab" + restarts(0)), "varint"),
    "lengths that overflow 32 bits": (
        file_of(HEAD + b"\0\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0fa" + restarts(0)),
        "does not fit",
    ),
    "keys out of order": (file_of(small_table((b"", HEADER), (b"b", GOOD), (b"a", GOOD))), "do not ascend"),
    "a key twice": (file_of(small_table((b"", HEADER), (b"a", GOOD), (b"a", GOOD))), "do not ascend"),
    "wrong separator": (
        file_of(small_table(*WHOLE), index=entry(0, b"A", varint(0) + varint(len(small_table(*WHOLE)))) + restarts(0)),
        "separators",
    ),
    "index block without entries": (file_of(small_table(*WHOLE), index=restarts(0)), "header"),
    "index value truncated": (file_of(small_table(*WHOLE), index=entry(0, b"\xff", b"\x80") + restarts(0)), "bad block handle"),
    "two blocks over each other": (
        file_of(
            small_table(*WHOLE),
            index=entry(0, b"c", varint(0) + varint(len(small_table(*WHOLE))))
            + entry(0, b"d", varint(0) + varint(len(small_table(*WHOLE))))
            + restarts(0, 4 + 1),
        ),
        "begins inside|restart",
    ),
    "no header": (file_of(small_table((b"a", GOOD))), "header"),
    "keys that share so much that they fill the memory": (
        file_of(
            HEAD + entry(0, b"k" * 30_000, b"") + b"".join(entry(30_000 + n, b"k", b"") for n in range(3000)) + restarts(0)
        ),
        "the keys would take more than",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(prefix, name):
    content, said = TABLES[name]
    index_of(prefix).write_bytes(content)
    with pytest.raises(errors.DataLossError, match=said) as caught:
        read_all(prefix)
    assert str(index_of(prefix)) in str(caught.value)


def test_a_good_table_made_by_hand_is_read(prefix):
    """The tables above are wrong in one thing each: without it they are fine."""
    index_of(prefix).write_bytes(file_of(small_table(*WHOLE)))
    data_of(prefix).write_bytes(DATA)
    assert read_all(prefix)["a"].tolist() == [1, 2]


def test_what_readers_do_not_look_at_may_be_anything(prefix):
    before = read_all(prefix)
    data = bytearray(index_of(prefix).read_bytes())
    footer = len(data) - 48
    data[footer + 20] ^= 255  # padding
    index_of(prefix).write_bytes(data)
    assert read_all(prefix).keys() == before.keys()


# The header ---------------------------------------------------------------------------------------------------------

HEADERS = {
    "not parseable": (b"\xff\xff\xff", errors.DataLossError, "header"),
    "200 nested groups": (b"\x23" * 200 + b"\x24" * 200, errors.DataLossError, "header"),
    "no data files": (b"\x1a\x02\x08\x01", errors.DataLossError, "data files"),
    "-1 data files": (fields((1, -1)), errors.DataLossError, "data files"),
    "min_consumer 2": (fields((1, 1), (3, fields((1, 1), (2, 2)))), errors.InvalidArgumentError, "version 2"),
    "bad_consumers has 1": (fields((1, 1), (3, fields((3, 1)))), errors.InvalidArgumentError, "disallows"),
    "bad_consumers has 1, packed": (fields((1, 1), (3, fields((3, b"\1")))), errors.InvalidArgumentError, "disallows"),
    "producer -1": (fields((1, 1), (3, fields((1, -1)))), errors.InvalidArgumentError, "below"),
}
FINE_HEADERS = {
    "producer 1000": fields((1, 1), (3, fields((1, 1000)))),
    "no version": fields((1, 1)),
    "byte order 7": fields((1, 1), (2, 7)),
    "a group": b"\x08\x01\x23\x24",
    "unknown fields": fields((1, 1), (9, b"abc"), (10, 5)),
    "twice": fields((1, 5), (1, 1)),
    "another wire type": fields((1, b"x"), (1, 1)),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers(prefix, name):
    content, kind, said = HEADERS[name]
    edit(index_of(prefix), lambda found: found.update({b"": content}))
    with pytest.raises(kind, match=said):
        read_all(prefix)


@pytest.mark.parametrize("name", FINE_HEADERS)
def test_headers_that_are_accepted(prefix, name):
    before = read_all(prefix)
    edit(index_of(prefix), lambda found: found.update({b"": FINE_HEADERS[name]}))
    assert all(np.array_equal(value, before[key]) for key, value in read_all(prefix).items())


def test_number_of_data_files_that_does_not_match(prefix):
    edit(index_of(prefix), lambda found: found.update({b"": fields((1, 2))}))
    with pytest.raises(errors.NotFoundError, match="data-00000-of-00002"):
        read_all(prefix)


# Entries ------------------------------------------------------------------------------------------------------------


def numbers(dtype=3, sizes=(2,), shard=0, offset=0, size=8, crc=None):
    listed = [(1, dtype), (2, shape(*sizes)), (3, shard), (4, offset), (5, size)]
    return fields(*(pair for pair in listed if pair[1] != 0)) + (crc_field(DATA) if crc is None else crc)


ENTRIES = {
    "not parseable": (b"\xff\xff", errors.DataLossError, "not parseable"),
    "empty": (b"", errors.DataLossError, "dtype number 0"),
    "dtype 0": (numbers(dtype=0), errors.DataLossError, "dtype number 0"),
    "dtype 101": (numbers(dtype=101), errors.DataLossError, "dtype number 101"),
    "dtype 999": (numbers(dtype=999), errors.DataLossError, "dtype number 999"),
    "dtype -1": (numbers(dtype=-1), errors.DataLossError, "dtype number -1"),
    "resource": (numbers(dtype=20), errors.DataLossError, "dtype number 20"),
    "negative dimension": (numbers(sizes=(-2,)), errors.DataLossError, "invalid tensor shape"),
    "255 dimensions": (numbers(sizes=(1,) * 255), errors.DataLossError, "invalid tensor shape"),
    "100 dimensions": (numbers(dtype=9, sizes=(1,) * 100), errors.UnimplementedError, "100 dimensions"),
    "dimensions that overflow": (numbers(sizes=(1 << 40, 1 << 40)), errors.DataLossError, "invalid tensor shape"),
    "2**40 floats": (numbers(dtype=1, sizes=(1 << 40,), size=1 << 42), errors.DataLossError, "read less bytes"),
    "2**28 floats": (numbers(dtype=1, sizes=(1 << 28,), size=1 << 30), errors.DataLossError, "read less bytes"),
    "2**62 floats, size 0": (numbers(dtype=1, sizes=(1 << 62,), size=0), errors.DataLossError, "invalid size"),
    "size too small": (numbers(size=4), errors.DataLossError, "invalid size"),
    "size negative": (numbers(size=-8), errors.DataLossError, "negative"),
    "offset negative": (numbers(offset=-1), errors.DataLossError, "negative"),
    "offset past the end": (numbers(offset=1000), errors.DataLossError, "read less bytes"),
    "offset 2**62": (numbers(offset=1 << 62), errors.DataLossError, "read less bytes"),
    "shard too big": (numbers(shard=1), errors.NotFoundError, "data file 1"),
    "shard negative": (numbers(shard=-1), errors.DataLossError, "negative"),
    "checksum wrong": (numbers(crc=crc_field(b"x")), errors.DataLossError, "checksum does not match"),
    "checksum absent": (numbers(crc=b""), errors.DataLossError, "checksum does not match"),
    "empty value, checksum wrong": (numbers(sizes=(0,), size=0), errors.DataLossError, "checksum does not match"),
    "empty value, size 8": (numbers(sizes=(0,)), errors.DataLossError, "invalid size"),
    "one whole slice": (numbers() + fields((7, fields((1, b"")))), errors.NotFoundError, "slice - is listed"),
}
FINE_ENTRIES = {
    "unknown fields": (numbers() + fields((50, b"xyz")), [1, 2]),
    "size twice": (fields((5, 99)) + numbers(), [1, 2]),
    "shape twice": (numbers(sizes=()) + fields((2, shape(1)), (2, shape(2))), [[1, 2]]),
    "empty value far behind the end": (numbers(sizes=(0,), size=0, offset=1 << 50, crc=crc_field(b"")), []),
    "unknown rank": (fields((1, 9), (2, fields((3, 1))), (5, 8)) + crc_field(DATA), (2 << 32) + 1),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_entries(prefix, name):
    content, kind, said = ENTRIES[name]
    data_of(prefix).write_bytes(DATA)
    put_records(index_of(prefix), {b"": HEADER, b"key": content})
    with pytest.raises(kind, match=said) as caught:
        read_all(prefix)
    assert "'key'" in str(caught.value)
    assert str(prefix) in str(caught.value)


@pytest.mark.parametrize("name", FINE_ENTRIES)
def test_entries_that_are_accepted(prefix, name):
    content, value = FINE_ENTRIES[name]
    data_of(prefix).write_bytes(DATA + b"more")
    put_records(index_of(prefix), {b"": HEADER, b"key": content})
    assert read_all(prefix)["key"].tolist() == value


def test_a_damaged_entry_does_not_hide_the_others(prefix):
    edit(index_of(prefix), lambda found: found.update({b"bad": b"\xff\xff"}))
    reader = TensorBundle().open(prefix)
    assert reader.keys() == ["a", "bad", "s"]
    assert reader.read("a").tolist() == [0, 1]
    with pytest.raises(errors.DataLossError, match="'bad'"):
        reader.spec("bad")


def test_bool_bytes_other_than_0_and_1_are_true(prefix):
    data_of(prefix).write_bytes(DATA)
    put_records(index_of(prefix), {b"": HEADER, b"b": numbers(dtype=10, sizes=(8,))})
    assert read_all(prefix)["b"].tolist() == [True, False, False, False, True, False, False, False]
    assert read_all(prefix)["b"].view(np.uint8).tolist() == [1, 0, 0, 0, 1, 0, 0, 0]


def test_data_file_missing_cut_or_changed(prefix):
    data = data_of(prefix).read_bytes()
    data_of(prefix).write_bytes(data + b"more")
    assert read_all(prefix)["a"].tolist() == [0, 1]
    data_of(prefix).write_bytes(data[:3])
    with pytest.raises(errors.DataLossError, match="read less bytes"):
        read_all(prefix)
    data_of(prefix).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(errors.DataLossError, match="checksum does not match"):
        read_all(prefix)
    data_of(prefix).unlink()
    with pytest.raises(errors.NotFoundError, match="data-00000-of-00001"):
        read_all(prefix)
    assert TensorBundle().open(prefix).keys() == ["a", "s"]


# Strings and variants -----------------------------------------------------------------------------------------------


def string_bytes(lengths, text, count=None):
    """A string tensor's bytes and entry, checksums right, lengths as given (already varints or ints)."""
    raw = b"".join(length if isinstance(length, bytes) else varint(length) for length in lengths)
    crc = 0
    for length in lengths:
        if isinstance(length, int):
            crc = crc32c(length.to_bytes(4 if length <= 0xFFFFFFFF else 8, "little"), crc)
    stored = mask(crc).to_bytes(4, "little")
    data = raw + stored + text
    crc = crc32c(stored + text, crc)
    made = fields((1, 7), (2, shape(len(lengths) if count is None else count)), (5, len(data)))
    return data, made + b"\x35" + mask(crc).to_bytes(4, "little")


def with_size(made, size):
    return made + fields((5, size))


STRINGS = {
    "text runs past the size": (*string_bytes([4, 3], b"abcdef"), "the strings have 7 bytes"),
    "text ends before the size": (*string_bytes([2, 1], b"abcdef"), "the strings have 3 bytes"),
    "size below the number of elements": (*string_bytes([1], b"a", count=50), "invalid size"),
    "2**26 elements": (*string_bytes([1], b"a", count=1 << 26), "invalid size"),
    "2**40 elements": (*string_bytes([1], b"a", count=1 << 40), "invalid size"),
    "a length of 1000": (*string_bytes([1000], b"abc"), "longer than all"),
    "a length of 2**31": (*string_bytes([1 << 31], b"abc"), "longer than all"),
    "a length of 2**40": (*string_bytes([1 << 40], b"abc"), "longer than all"),
    "a length of 2**64-1": (*string_bytes([(1 << 64) - 1], b"abc"), "longer than all"),
    "two lengths whose sum wraps": (*string_bytes([1 << 63, 1 << 63], b"abc"), "longer than all"),
    "a length of eleven bytes": (*string_bytes([b"\x80" * 10 + b"\1"], b"a" * 12), "varint"),
    "lengths leave no room": (b"\1\1\1\1\1\1", fields((1, 7), (2, shape(2)), (5, 6)) + crc_field(b""), "checksum|room|bytes"),
}


@pytest.mark.parametrize("name", STRINGS)
def test_strings(prefix, name):
    data, made, said = STRINGS[name]
    data_of(prefix).write_bytes(data)
    put_records(index_of(prefix), {b"": HEADER, b"s": made})
    with pytest.raises(errors.DataLossError, match=said):
        read_all(prefix)


def test_strings_by_hand_and_lengths_that_are_not_minimal(prefix):
    data, made = string_bytes([2, 0, 1], b"abc")
    data_of(prefix).write_bytes(data)
    put_records(index_of(prefix), {b"": HEADER, b"s": made})
    assert read_all(prefix)["s"].tolist() == [b"ab", b"", b"c"]
    longer = b"\x82\x00" + data[1:]
    data_of(prefix).write_bytes(longer)
    put_records(index_of(prefix), {b"": HEADER, b"s": with_size(made, len(longer))})
    assert read_all(prefix)["s"].tolist() == [b"ab", b"", b"c"]


def test_every_bit_of_a_string_tensor_counts(prefix):
    data = data_of(prefix).read_bytes()
    for at in range(8, len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            data_of(prefix).write_bytes(changed)
            with pytest.raises(errors.DataLossError):
                TensorBundle().open(prefix).read("s")


def test_variants(prefix):
    big = varint(1 << 62) + b"abcd"
    for data, sizes in ((big, (1,)), (b"\x05ab", ()), (b"\x80", ()), (b"\x01a\0\0\0\0", ()), (b"\0" * 20, (3,))):
        data_of(prefix).write_bytes(data)
        put_records(
            index_of(prefix), {b"": HEADER, b"v": fields((1, 21), (2, shape(*sizes)), (5, len(data))) + crc_field(data)}
        )
        with pytest.raises(errors.DataLossError, match="'v'"):
            read_all(prefix)


# Slices -------------------------------------------------------------------------------------------------------------

TOP, BOTTOM = ((0, 1), None), ((1, 2), None)


@pytest.fixture
def sliced(tmp_path):
    whole = np.arange(6, dtype=np.int32).reshape(3, 2)
    TensorBundle(durable=False).write(tmp_path / "p", {"w": Partitioned((3, 2), [(TOP, whole[:1]), (BOTTOM, whole[1:])])})
    return tmp_path / "p"


def extent(start, length):
    return fields(*([(1, start)] if start else []), (2, length)) if length is not None else b""


def full(*slices, sizes=(3, 2), dtype=3):
    listed = [fields(*((1, extent(*one)) for one in piece)) for piece in slices]
    return fields((1, dtype), (2, shape(*sizes)), *((7, piece) for piece in listed))


ALL = (None, None)
SLICES = {
    "do not cover": (full(((0, 1), (0, None))), errors.InvalidArgumentError, "sufficient"),
    "start + length overflows": (full((((1 << 63) - 1, (1 << 63) - 1), ALL)), errors.DataLossError, "not inside"),
    "overlap": (full(((0, 1), (0, None)), ((0, 3), (0, None))), errors.DataLossError, "overlapping"),
    "out of bounds": (full(((0, 1), (0, None)), ((1, 9), (0, None))), errors.DataLossError, "not inside"),
    "another rank": (full(((0, 1),)), errors.DataLossError, "dimensions"),
    "negative start": (full(((-1, 1), (0, None))), errors.DataLossError, "not inside"),
    "negative length": (full(((0, -1), (0, None))), errors.DataLossError, "not inside"),
    "the same twice": (
        full(((0, 1), (0, None)), ((0, 1), (0, None)), ((1, 2), (0, None))),
        errors.DataLossError,
        "overlapping",
    ),
    "another dtype": (full(((0, 1), (0, None)), ((1, 2), (0, None)), dtype=1), errors.DataLossError, "should be float32"),
    "bigger whole": (full(((0, 1), (0, None)), ((1, 2), (0, None)), sizes=(3, 1 << 50)), errors.DataLossError, "should be"),
}


@pytest.mark.parametrize("name", SLICES)
def test_slices(sliced, name):
    content, kind, said = SLICES[name]
    if name.startswith("start + length"):
        content = fields((1, 3), (2, shape(3, 2)), (7, fields((1, extent((1 << 63) - 1, (1 << 63) - 1)), (1, b""))))
    edit(index_of(sliced), lambda found: found.update({b"w": content}))
    with pytest.raises(kind, match=said):
        TensorBundle().open(sliced).read("w")


def test_many_slices_take_no_time(tmp_path):
    """Two columns of pieces: each piece has only the one beside it to be compared with."""
    pieces = [(((column, 1), (row, 1)), np.ones((1, 1))) for column in (0, 1) for row in range(3000)]
    TensorBundle(durable=False).write(tmp_path / "p", {"a": Partitioned((2, 3000), pieces)})
    calls = 0

    def counted(frame, event, argument):
        nonlocal calls
        calls += event == "call" and frame.f_code.co_name == "intersection"

    sys.setprofile(counted)
    try:
        assert TensorBundle().open(tmp_path / "p").read("a").sum() == 6000
    finally:
        sys.setprofile(None)
    assert calls < 30_000


def test_slice_missing_zero_length_and_without_full_entry(sliced):
    whole = TensorBundle().open(sliced).read("w")
    with_empty = full(((0, 0), (0, None)), ((0, 1), (0, None)), ((1, 2), (0, None)))
    edit(index_of(sliced), lambda found: found.update({b"w": with_empty}))
    np.testing.assert_array_equal(TensorBundle().open(sliced).read("w"), whole)
    edit(index_of(sliced), lambda found: found.pop(slice_key(b"w", TOP)))
    with pytest.raises(errors.NotFoundError, match="slice 0,1:-"):
        TensorBundle().open(sliced).read("w")
    assert TensorBundle().open(sliced).read_slice("w", [1, 0], [2, 2]).tolist() == [[2, 3], [4, 5]]
    edit(index_of(sliced), lambda found: found.pop(b"w"))
    assert TensorBundle().open(sliced).keys() == ["\0w\0\x01\x01\x02\udc81\udc82\udc80\x7f"]


def test_piece_of_another_shape(sliced):
    def shorter(found):
        found[slice_key(b"w", BOTTOM)] = found[slice_key(b"w", TOP)]

    edit(index_of(sliced), shorter)
    with pytest.raises(errors.DataLossError, match="should be int32"):
        TensorBundle().open(sliced).read("w")


# Merging ------------------------------------------------------------------------------------------------------------


def test_merges_that_cannot_be(tmp_path):
    def one(name, tensors, **more):
        TensorBundle(durable=False, **more).write(tmp_path / name, tensors)
        return tmp_path / name

    def piece(extents, rows, dtype=np.int32, sizes=(3, 2)):
        return {"w": Partitioned(sizes, [(extents, np.zeros((rows, sizes[1]), dtype))])}

    a, b = one("a", {"x": np.ones(2)}), one("b", {"x": np.ones(2)})
    top, bottom = one("top", piece(TOP, 1)), one("bottom", piece(BOTTOM, 2))
    whole = one("whole", {"w": np.zeros((3, 2), np.int32)})
    wide = one("wide", piece(BOTTOM, 2, sizes=(3, 4)))
    other = one("other", piece(BOTTOM, 2, np.float32))
    big = one("big", {"y": np.ones(2)}, big_endian=True)
    for inputs, kind, said in (
        ([a, b], errors.InvalidArgumentError, "Duplicate"),
        ([whole, top], errors.InvalidArgumentError, "Duplicate"),
        ([top, whole], errors.InternalError, "whole"),
        ([top, wide], errors.InvalidArgumentError, "pieces"),
        ([top, other], errors.InvalidArgumentError, "pieces"),
        ([a, big], errors.InvalidArgumentError, "byte order"),
        ([a, tmp_path / "none"], errors.InvalidArgumentError, "missing"),
        ([], errors.InvalidArgumentError, "nothing"),
        ([a, top], errors.InvalidArgumentError, "another name"),
    ):
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(kind, match=said):
            merge(inputs, a if said == "another name" else tmp_path / "out")
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    merge([top, bottom, tmp_path / "none"], tmp_path / "out", allow_missing=True, delete_inputs=False)
    assert TensorBundle().open(tmp_path / "out").read("w").tolist() == [[0, 0]] * 3
    assert TensorBundle().open(top).read_slice("w", [0, 0], [1, 2]).tolist() == [[0, 0]]


# The object graph ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff\xff", "not parseable"),
        (b"", "no nodes"),
        (fields((1, fields((1, fields((1, 1), (2, b"x")))))), "leads to node 1"),
        (fields((1, fields((1, fields((1, -1), (2, b"x")))))), "leads to node -1"),
        (fields((1, fields((1, fields((2, b"\xff")))))), "not parseable"),
        (fields((1, fields((2, fields((1, b"VARIABLE_VALUE")))))), "no key"),
        (fields((1, fields((3, fields((1, 7), (2, b"m"))))),), "joins nodes 7 and 0"),
        (b"\x0b" * 300, "not parseable"),
    ],
)  # fmt: skip
def test_object_graphs(data, said):
    with pytest.raises(errors.DataLossError, match=said) as caught:
        decode_graph(data, "model-1")
    assert "model-1" in str(caught.value)


def test_object_graphs_that_are_accepted():
    loop = SavedGraph([SavedNode(children=[("self", 0), ("twice", 1), ("twice", 0)]), SavedNode()])
    assert decode_graph(encode_graph(loop)) == loop
    chain = SavedGraph([SavedNode(children=[("next", n + 1)]) for n in range(20_000)] + [SavedNode()])
    assert decode_graph(encode_graph(chain)) == chain
    old_field = fields((1, fields((2, fields((1, b"v"), (3, b"k"), (4, 1))))))  # optional_restore of old releases
    assert decode_graph(old_field).nodes[0].values[0].key == "k"


@pytest.mark.parametrize("bad", [[("x", 5)], [("x", -1)], [("\ud800", 0)]])
def test_graphs_that_cannot_be_written(bad):
    with pytest.raises(errors.InvalidArgumentError):
        encode_graph(SavedGraph([SavedNode(children=bad)]))


def test_records_helper_reads_what_the_storage_wrote(prefix):
    assert sorted(records(index_of(prefix))) == [b"", b"a", b"s"]
