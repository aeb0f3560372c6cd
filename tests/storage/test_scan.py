"""Blocks that are found without the list of them are those of the list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.storage.bundle.scan import LONGEST, PIECE, Found, blocks, table_of
from minitf.storage.bundle.table import Table, table_chunks
from minitf.storage.varint import varint

from .tampering import entry, restarts, sealed


def reading(content):
    view = memoryview(content)

    def read(offset, size):
        assert 0 <= offset
        assert 0 <= size
        assert offset + size <= len(content)
        return view[offset : offset + size]

    return read


def found_in(content):
    problems = []
    return list(blocks(reading(content), len(content), "file", problems)), problems


def compressed(payload):
    cramjam = pytest.importorskip("cramjam")
    return sealed(bytes(cramjam.snappy.compress_raw(payload)), 1)


@given(
    st.dictionaries(st.binary(min_size=1, max_size=20), st.binary(max_size=300), min_size=1, max_size=60),
    st.sampled_from([1, 2, 16]),
    st.sampled_from([1, 100, 1 << 18]),
    st.integers(1, 200),
)
def test_of_a_file_without_its_end(records, interval, size, cut):
    records[b""] = b"first"
    keys = sorted(records)
    content = b"".join(table_chunks(keys, [records[key] for key in keys], size, interval))
    table = Table(reading(content), len(content), "file")
    data = sum(length + 5 for _, length in table.handles)
    for end in {data, max(data, len(content) - cut)}:
        found, problems = found_in(content[:end])
        assert [(block.offset, block.length) for block in found] == table.handles
        assert [block.keys for block in found] == [(keys[0], keys[-1]) for keys, _ in map(table.block, range(len(found)))]
        assert problems == []
        assert table_of(reading(content), end, "file", []).records() == records


def test_wherever_a_file_is_cut():
    """The blocks before the cut are found, and nothing behind its end is asked for."""
    content = b"".join(table_chunks([b"", b"ab", b"ac", b"b"], [b"x" * 30, b"1", b"2" * 40, b""], 30, 2))
    handles = Table(reading(content), len(content), "file").handles
    for cut in range(len(content)):
        found, problems = found_in(content[:cut])
        whole = [handle for handle in handles if sum(handle) + 5 <= cut]
        assert [(block.offset, block.length) for block in found] == whole
        end = sum(whole[-1]) + 5 if whole else 0
        missed = not whole or (len(whole) < len(handles) and cut - end > 48)
        assert problems == [f"file: from byte {end} on no block holds; its keys are lost."] * missed


def test_a_block_is_looked_through_in_pieces():
    """So that neither each entry is a request, nor all of a block in memory."""
    records = {b"%06d" % n: b"v" * 20 for n in range(200_000)}
    content = b"".join(table_chunks(sorted(records), [records[key] for key in sorted(records)], 1 << 62))
    read, asked = reading(content), []

    def counted(offset, size):
        asked.append(size)
        return read(offset, size)

    (found,) = blocks(counted, len(content) - 1, "file", [])
    assert found.length > 4 * PIECE
    assert len(asked) < 20
    assert max(asked) == PIECE


@pytest.mark.parametrize("size", [100, PIECE - 40, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_long_keys_and_values(size):
    records = {b"": b"x", b"a" * size: b"1" * 50, b"b": b"2" * size, b"c": b""}
    content = b"".join(table_chunks(sorted(records), [records[key] for key in sorted(records)]))
    assert table_of(reading(content), len(content) - 1, "file", []).records() == records


def test_compressed_blocks_among_others():
    plain = [entry(0, b"", b"\1" * 30) + restarts(0), *(entry(0, key, key * 50) + restarts(0) for key in (b"b", b"c", b"d"))]
    content = b"".join([compressed(plain[0]), sealed(plain[1]), compressed(plain[2]), compressed(plain[3])])
    for rest in (b"", compressed(restarts(0)) + sealed(restarts(0)), sealed(restarts(0)) + compressed(plain[1])):
        found, problems = found_in(content + rest)
        assert [block.keys for block in found] == [(key, key) for key in (b"", b"b", b"c", b"d")]
        assert found[-1].offset + found[-1].length + 5 == len(content)
        assert problems == []


def test_a_checksum_that_holds_by_chance_ends_no_compressed_block():
    inner = sealed(b"\5\0", 1)  # no block of five bytes
    block = sealed(inner + b"\0" * 20, 1)
    assert found_in(block) == ([], ["file: from byte 0 on no block holds; its keys are lost."])


def test_behind_such_a_checksum_the_block_goes_on():
    """A literal of snappy, which holds a type byte and the checksum of all before it."""
    value = b"v" * 10 + b"?" * 9
    for _ in range(2):
        payload = entry(0, b"k", value) + restarts(0)
        stored = varint(len(payload)) + bytes([len(payload) - 1 << 2]) + payload
        at = stored.index(b"v" * 10) + 10
        value = b"v" * 10 + sealed(stored[:at], 1)[at:] + b"more"
    assert sealed(stored[:at], 1) in stored
    assert found_in(sealed(stored, 1))[0] == [Found(0, len(stored), (b"k", b"k"))]


def test_a_compressed_block_ends_in_time():
    block = entry(0, b"k", bytes(range(256)) * 4) + restarts(0)
    stored = compressed(block)
    assert found_in(stored)[0] == [Found(0, len(stored) - 5, (b"k", b"k"))]
    assert LONGEST >= 1 << 24
    for cut in range(1, 5):
        assert found_in(stored[:-cut])[0] == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0\0",
        b"\0\0\0\0",
        b"\0\0\0\0\1\0\0\0",
        b"\0\0\0\0\1\0\0\0\0\0\0\0",
        b"\xff" * 60,
        entry(0, b"k", b"v"),
        entry(0, b"k", b"v")[:-1] + b"\0" * 3,
        entry(1, b"k", b"v") + restarts(0),
        sealed(restarts(0))[:-1],
        sealed(b"\x80\x80\x80\x80\x80\0\1\1kv" + restarts(0)),  # six bytes of length
        sealed(b"\0\x81\x80\x80\x80\x80\0\1kv" + restarts(0)),
        sealed(b"\0\1\x81\x80\x80\x80\x80\0kv" + restarts(0)),
        sealed(entry(0, b"k", b"v") + restarts(0, 8, 8)),
        sealed(entry(0, b"k", b"v") + restarts(0, 8, 7)),
        sealed(entry(0, b"k", b"v") + restarts(0, 0)),
    ],
    ids=range(16),
)
def test_what_is_no_block(content):
    found, problems = found_in(content + b"\xff" * 60)
    assert found == []
    assert problems == ["file: from byte 0 on no block holds; its keys are lost."]


def test_restarts_that_look_like_their_number():
    """The first number that stands at its own place is that of the restarts."""
    body = b"".join(entry(0, bytes([n]), b"") for n in range(1, 9))
    for places in [(0,), (0, 4), (0, 4, 8), (0, 4, 8, 12, 16, 20, 24, 28)]:
        found, problems = found_in(sealed(body + restarts(*places)))
        assert [block.keys for block in found] == [(b"\1", b"\x08")]
        assert problems == []


def test_damaged_blocks_are_stepped_over_and_said():
    good = [sealed(entry(0, bytes([key]), b"value") + restarts(0)) for key in b"abc"]
    bad = good[1][:5] + b"?" + good[1][6:]
    found, problems = found_in(good[0] + bad + good[2])
    assert [block.keys for block in found] == [(b"a", b"a"), (b"c", b"c")]
    assert problems == [f"file: the block at byte {len(good[0])} is damaged; its keys are lost."]


def test_blocks_behind_the_data_are_none_of_it():
    data = sealed(entry(0, b"", b"list") + restarts(0)) + sealed(entry(0, b"k", b"v") + restarts(0))
    again = entry(0, b"", b"list")
    for rest in (sealed(restarts(0)), sealed(again + restarts(0)), sealed(again + entry(0, b"z", b"v") + restarts(0))):
        found, problems = found_in(data + rest + sealed(entry(0, b"z", b"v") + restarts(0)) + b"\xff" * 60)
        assert [block.keys for block in found] == [(b"", b""), (b"k", b"k")]
        assert problems == []


def test_blocks_that_do_not_ascend_are_left_out():
    data = [sealed(entry(0, key, b"v") + restarts(0)) for key in (b"b", b"a", b"b", b"c")]
    data.insert(3, sealed(entry(0, b"a", b"v") + entry(0, b"z", b"v") + restarts(0)))
    found, problems = found_in(b"".join(data))
    assert [block.keys for block in found] == [(b"b", b"b"), (b"c", b"c")]
    places = [len(b"".join(data[:n])) for n in (1, 2, 3)]
    assert problems == [f"file: the keys of the block at byte {at} do not ascend; it is left out." for at in places]


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_block_without_its_trailer(cut):
    assert found_in(sealed(entry(0, b"k", b"v") + restarts(0))[:-cut])[0] == []


@pytest.mark.parametrize("left, said", [(48, False), (49, True)])
def test_what_is_too_short_for_more_than_a_footer_is_not_missed(left, said):
    data = sealed(entry(0, b"k", b"v") + restarts(0))
    assert found_in(data + b"\xff" * left)[1] == [f"file: from byte {len(data)} on no block holds; its keys are lost."] * said
