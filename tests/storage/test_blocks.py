"""Blocks of tables at their bounds: when one is full, where lengths grow by a byte, and what is just not allowed any more."""

from __future__ import annotations

import itertools
import sys

import pytest
from tampering import MAGIC, entry, restarts, sealed

from minitf.errors import AbortedError, DataLossError
from minitf.storage.bundle.block import INTERVAL, Pieces, common_prefix, decompress, fill_block, read_block, shared_lengths
from minitf.storage.bundle.table import Table, separator, successor, table_chunks
from minitf.storage.varint import read_varint, varint


def filled(keys, values, **options):
    parts, stop, ends = fill_block(keys, values, shared_lengths(keys), **options)
    return b"".join(parts), stop, ends


@pytest.mark.parametrize(("key", "value"), [(127, 128), (128, 127), (128, 128), (3, 128), (128, 3)])
def test_lengths_that_take_two_bytes(key, value):
    key, value = b"k" * key, b"v" * value
    assert filled([key], [value])[0] == entry(0, key, value) + restarts(0)


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 129, 16383, 16384])
def test_lengths_of_any_size(size):
    """Key, value and shared part of each length; all are varints."""
    key = b"k" * size
    keys, values = [key, key + b"a", key + b"b"], [b"v" * size, b"", b"w"]
    block, stop, ends = filled(keys, values)
    wanted = entry(0, key, values[0]) + entry(size, b"a", b"")
    assert block == wanted + entry(size, b"b", b"w") + restarts(0)
    assert (stop, ends) == (3, [len(entry(0, key, values[0])), len(wanted), len(block) - 8])
    assert read_block(block, "") == (keys, values)


def test_every_sixteenth_key_is_written_out():
    keys = [b"key%02d" % n for n in range(40)]
    block, _, _ = filled(keys, [b""] * 40)
    places = [0, *(len(filled(keys[:n], [b""] * n)[0]) - 4 - 4 * -(-n // 16) for n in (16, 32))]
    assert block.endswith(restarts(*places))
    assert block[places[1] :].startswith(entry(0, b"key16", b""))
    assert read_block(block, "")[0] == keys


def test_a_block_is_full_once_it_has_so_many_bytes():
    """Entries, restarts and their number count."""
    keys = [b"a", b"b", b"c"]
    two = len(filled(keys[:2], [b"", b""], interval=1)[0])
    for limit, stop in ((two, 2), (two + 1, 3), (two - 1, 2), (two - 8, 1), (two - 7, 2)):
        assert filled(keys, [b""] * 3, interval=1, limit=limit)[1] == stop
    assert fill_block(keys, [b""] * 3, [0] * 3, start=1, limit=1)[1] == 2
    assert filled([], []) == (restarts(0), 0, [])


def test_an_entry_of_just_twice_the_size_begins_a_block():
    for width, stop in ((198, 2), (199, 1)):
        assert filled([b"a", b"b"], [b"", b"x" * width], limit=100)[1] == stop
    assert filled([b"a", b"b"], [b"x" * 500, b""], limit=100)[1] == 1  # the first one always goes in


@pytest.mark.parametrize("longest", [1, 2, 255, 256, 257, 300])
def test_lengths_in_common(longest):
    full = b"k" * (longest - 1)
    keys = sorted({b"", full, full + b"a", full + b"\0", full[: longest // 2], full[:-1] + b"x"})
    assert list(shared_lengths(keys)) == [0] + [common_prefix(a, b) for a, b in itertools.pairwise(keys)]
    assert [list(shared_lengths(keys[:n])) for n in (0, 1)] == [[], [0]]
    assert list(shared_lengths([b"ab", b"ac"])) == [0, 1]


def test_prefixes_in_common():
    for n in range(20):
        for byte in (0, 1, 0x7F, 0x80, 0xFF):
            assert common_prefix(b"a" * n, b"a" * n + bytes([byte])) == n
            if byte:
                assert common_prefix(b"a" * n + b"\0zz", b"a" * n + bytes([byte])) == n
    assert common_prefix(b"", b"") == 0


# Reading ------------------------------------------------------------------------------------------------------------

GOOD = entry(0, b"a", b"x")


@pytest.mark.parametrize(
    ("block", "keys"),
    [
        (restarts(0), []),
        (GOOD + restarts(0), [b"a"]),
        (b"\x80\0\1\1ax" + restarts(0), [b"a"]),  # a zero may be written in two bytes,
        (b"\0\x81\0\1ax" + restarts(0), [b"a"]),
        (b"\0\1\x81\x80\x80\x80\0ax" + restarts(0), [b"a"]),  # and a one in five
        (GOOD + entry(0, b"b", b"") + restarts(0, 5), [b"a", b"b"]),
        (GOOD + entry(1, b"b", b"") + entry(0, b"b", b"") + restarts(0), [b"a", b"ab", b"b"]),
        (entry(0, b"k" * 9000, b"") + entry(9000, b"a", b"") * 20 + restarts(0), [b"k" * 9000] + [b"k" * 9000 + b"a"] * 20),
    ],
)
def test_blocks_that_are_read(block, keys):
    assert read_block(block, "here")[0] == keys


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (b"", "0 bytes are too few"),
        (b"\0\0\0\1\0\0\0"[:7], "7 bytes are too few"),
        (GOOD + b"\0\0\0\0", "0 restarts in 9 bytes"),
        (b"\0" * 4 + (2).to_bytes(4, "little"), "2 restarts in 8 bytes"),
        (entry(1, b"a", b"x") + restarts(0), "1 shared bytes after a key of 0"),
        (GOOD + entry(2, b"", b"x") + restarts(0), "2 shared bytes after a key of 1"),
        (b"\0\1\2ax" + restarts(0), "does not fit"),
        (GOOD + b"\0" + restarts(0), "does not fit"),
        (GOOD + b"\0\0" + restarts(0), "does not fit"),
        (GOOD + b"\x80" + restarts(0), "varint at byte 5 is cut off"),
        (b"\x80\x80\x80\x80\x80\0\1\1ax" + restarts(0), "varint at byte 0"),
        (b"\0\x81\x80\x80\x80\x80\0\1ax" + restarts(0), "varint at byte 1"),
        (b"\0\1\x81\x80\x80\x80\x80\0ax" + restarts(0), "varint at byte 2"),
        (GOOD + restarts(5), "do not ascend from 0"),
        (GOOD + entry(0, b"b", b"") + restarts(0, 0), "do not ascend from 0"),
        (GOOD + entry(0, b"b", b"") + restarts(0, 5, 5), "do not ascend from 0"),
        (GOOD + entry(1, b"b", b"") + restarts(0, 5), "not at an entry with a full key"),
        (GOOD + entry(0, b"b", b"") + restarts(0, 6), "not at an entry with a full key"),
        (restarts(0, 1), "not at an entry with a full key"),
    ],
)
def test_blocks_that_are_refused(block, problem):
    with pytest.raises(DataLossError, match=f"^here: .*{problem}"):
        read_block(block, "here")


def test_shared_bytes_up_to_what_a_writer_can_need():
    """Sixteen times the block and 64 KiB, to the byte."""
    head = entry(0, b"k" * 9000, b"")
    for extra, good in ((0, True), (1, False)):
        full = entry(9000, b"", b"") * 23
        left = INTERVAL * (len(head + full) + 4 + 8) + 65536 - 23 * 9000
        assert 128 <= left < 9000
        block = head + full + entry(left + extra, b"", b"") + restarts(0)
        if good:
            assert len(read_block(block, "")[0]) == 25
        else:
            with pytest.raises(DataLossError, match="16 times"):
                read_block(block, "")


def test_snappy():
    """Blocks are never trusted with their length; the codec itself is cramjam's."""
    assert decompress(memoryview(b"\0"), "here") == b""
    assert decompress(memoryview(b"\3\x08abc"), "here") == b"abc"
    assert decompress(memoryview(b"\x41\0a\xfe\1\0"), "here") == b"a" * 65  # 65 bytes out of 6: a copy takes 64 at most
    with pytest.raises(DataLossError, match="3 bytes cannot hold 16384"):
        decompress(memoryview(varint(16384)), "here")
    with pytest.raises(DataLossError, match="a varint at byte 0 is cut off or too long"):
        decompress(memoryview(b"\x80\x80\x80\x80\x80\0"), "here")
    with pytest.raises(DataLossError, match="here: corrupted compressed"):
        decompress(memoryview(b"\2\x08abc"), "here")


def test_snappy_wants_its_package(monkeypatch):
    from minitf.errors import UnimplementedError

    monkeypatch.setitem(sys.modules, "cramjam", None)
    with pytest.raises(UnimplementedError, match=r"pip install 'minitf\[snappy\]'"):
        decompress(memoryview(b"\0"), "here")


# Tables -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "between"),
    [
        (b"abc", b"abz", b"abd"), (b"abc", b"abd", b"abc"), (b"abc", b"abe", b"abd"), (b"a\xff", b"b", b"a\xff"),
        (b"ab\xfe1", b"ab\xff", b"ab\xfe1"), (b"a", b"ab", b"a"), (b"a1", b"c", b"b"), (b"\x01x", b"\x03", b"\x02"),
    ],
)  # fmt: skip
def test_separators_are_short(a, b, between):
    """TensorFlow's: the first byte that differs, plus one, if that is still below."""
    assert separator(a, b) == between


def test_successors_are_short():
    cases = {b"abc": b"b", b"": b"", b"\xff": b"\xff", b"\xffa": b"\xffb", b"\xfe1": b"\xff", b"\xff\xff": b"\xff\xff"}
    assert {key: successor(key) for key in cases} == cases


def test_parts_of_a_table():
    """Small blocks come in one piece, those of 1 MiB and more part by part, so that big values are not copied."""
    small = list(table_chunks([b"k"], [b"v" * ((1 << 20) - 15)]))  # with key, lengths and restarts one byte less than 1 MiB
    large = list(table_chunks([b"k"], [b"v" * ((1 << 20) - 14)]))
    assert len(small[0]) == (1 << 20) - 1
    assert sum(map(len, large[:4])) == 1 << 20
    assert len(large) == len(small) + 3  # lengths, key, value and restarts for one


def test_values_that_are_made_while_they_are_written():
    parts = [b"a" * (1 << 19), memoryview(b"b" * 5), b"c" * (1 << 19)]
    value = Pieces(sum(map(len, parts)), lambda: parts)
    given = list(table_chunks([b"j", b"k", b"l"], [b"1", value, b"2"]))
    assert b"".join(given) == b"".join(table_chunks([b"j", b"k", b"l"], [b"1", b"".join(parts), b"2"]))
    assert all(any(one is part for one in given) for part in parts)


@pytest.mark.parametrize("size", [(1 << 20) - 1, (1 << 20) + 1])
def test_a_value_that_changes_while_it_is_written(size):
    with pytest.raises(AbortedError, match="changed while it was being written"):
        list(Pieces(size, lambda: [bytes(1 << 20)]))


def opened(data):
    return Table(lambda offset, size: memoryview(data)[offset : offset + size], len(data), "t")


def handle(offset, size):
    return varint(offset) + varint(size)


BLOCK = GOOD + restarts(0)
SECOND = entry(0, b"c", b"y") + restarts(0)
NEXT = len(BLOCK) + 5  # where the second block begins


def two_blocks(bounds=(b"b", b"d"), handles=None, second=SECOND):
    """A table with two data blocks, each with one entry."""
    handles = handles or [handle(0, len(BLOCK)), handle(NEXT, len(second))]
    first, *others = [entry(0, key, value) for key, value in zip(bounds, handles, strict=True)]
    index = first + b"".join(others) + restarts(0, len(first))
    data = sealed(BLOCK) + sealed(second) + sealed(restarts(0))
    footer = handle(len(data) - 13, 8) + handle(len(data), len(index))
    return data + sealed(index) + footer.ljust(40, b"\0") + MAGIC


def test_tables_of_two_blocks():
    assert opened(two_blocks()).records() == {b"a": b"x", b"c": b"y"}
    assert opened(two_blocks((b"a", b"c"))).records() == {b"a": b"x", b"c": b"y"}  # a bound may be the last key itself


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (two_blocks((b"b", b"b")), "t, index block: the keys do not ascend"),
        (two_blocks((b"d", b"b")), "t, index block: the keys do not ascend"),
        (two_blocks((b"c", b"d")), "t, data block 1 at byte 18: its keys are not between"),
        (two_blocks((b"b", b"bz")), "t, data block 1 at byte 18: its keys are not between"),
        (two_blocks((b"A", b"d")), "t, data block 0 at byte 0: its keys are not between"),
        (two_blocks(second=restarts(0)), "t, data block 1 at byte 18: it has no entries"),
        (two_blocks(handles=[handle(0, len(BLOCK)), handle(NEXT - 1, len(SECOND))]), "data block 1 at byte 17 begins inside"),
        (two_blocks(handles=[handle(0, len(BLOCK) + 1), handle(NEXT, len(SECOND))]), "data block 1 at byte 18 begins inside"),
        (
            two_blocks(handles=[handle(0, len(BLOCK)), handle(NEXT, 1 << 20)]),
            "t: the data block 1 would be at byte 18 with 1048576",
        ),
        (two_blocks(handles=[handle(0, len(BLOCK)), b"\x80"]), "t: bad block handle of data block 1"),
        (two_blocks(handles=[handle(0, len(BLOCK)), varint(NEXT)]), "t: bad block handle of data block 1"),
        (b"\0" * 39 + b"\x01" + MAGIC[:0] + MAGIC, "t: the index block would be at byte 0 with 0 bytes; the file has 48"),
        (b"\0" * 40 + MAGIC[:7], "t: file is too short to be an sstable: 47 bytes"),
        (b"\0" * 40 + MAGIC[:7] + b"\0", "bad magic number 0x4775248b80fb57"),
        (b"\xff" * 9 + b"\x01" + b"\0" * 30 + MAGIC, "t: the index block would be at byte 0 with 0 bytes; the file has 48"),
        (b"\0" + b"\xff" * 9 + b"\x02" + b"\0" * 29 + MAGIC, "t: bad block handle in the footer"),
    ],
)
def test_tables_that_are_refused(data, problem):
    with pytest.raises(DataLossError, match=problem):
        opened(data).records()


def test_a_block_ends_before_the_footer():
    index = entry(0, b"b", handle(0, len(BLOCK))) + restarts(0)
    data = sealed(BLOCK) + sealed(index)
    for extra, problem in ((0, None), (1, "index block would be at byte 18")):
        footer = (handle(0, len(BLOCK)) + handle(len(sealed(BLOCK)), len(index) + extra)).ljust(40, b"\0")
        if problem is None:
            assert opened(data + footer + MAGIC).records() == {b"a": b"x"}
        else:
            with pytest.raises(DataLossError, match=problem):
                opened(data + footer + MAGIC)


def test_the_last_key_of_a_table_is_shortened():
    """As TensorFlow does; the block before ends with a short key between its last one and the next."""
    keys = [b"abc1", b"abc3", b"abc\xff"]
    table = opened(b"".join(table_chunks(keys, [b"x" * 90, b"y" * 90, b"z"], block_size=80)))
    assert table.bounds == [b"abc2", b"abc4", b"b"]
    assert [table.block(n)[0] for n in range(3)] == [[key] for key in keys]


def test_where_the_values_of_a_table_end():
    keys, values = [b"a", b"b", b"c"], [b"1" * 50, b"2" * 50, b"3"]
    ends = []
    data = b"".join(table_chunks(keys, values, 60, ends=ends))
    assert [data[end - len(value) : end] for end, value in zip(ends, values, strict=True)] == values
    assert data == b"".join(table_chunks(keys, values, 60))


# Varints ------------------------------------------------------------------------------------------------------------

NUMBERS = {0: "00", 1: "01", 127: "7f", 128: "8001", 129: "8101", 255: "ff01", 16383: "ff7f", 16384: "808001",
           (1 << 64) - 1: "ffffffffffffffffff01"}  # fmt: skip


def test_varints_of_the_description():
    for number, code in NUMBERS.items():
        assert varint(number).hex() == code


def test_varints_are_read_at_their_bounds():
    for number, code in NUMBERS.items():
        data = bytes.fromhex(code)
        assert read_varint(b"zz" + data + b"\x05", 2, 2 + len(data)) == (number, 2 + len(data))
        with pytest.raises(DataLossError, match="a varint at byte 2 is cut off or too long"):
            read_varint(b"zz" + data, 2, 1 + len(data))
    assert read_varint(b"\x80\x80\x80\x80\1", 0, 5, 5) == (1 << 28, 5)
    for data in (b"\x80" * 9 + b"\x02", b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\0"):  # more than 64 bits or ten bytes
        with pytest.raises(DataLossError, match="cut off or too long"):
            read_varint(data, 0, len(data))
