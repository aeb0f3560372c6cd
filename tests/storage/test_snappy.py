"""Snappy's format, read in pieces."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.errors import DataLossError
from minitf.storage.bundle import snappy
from minitf.storage.bundle.snappy import TooFar, announced, decompressed
from minitf.storage.varint import varint


def cut(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def undone(elements, length, size=5):
    return b"".join(decompressed(cut(elements, size), length, "here"))


def literal(data):
    more = len(data) - 1
    if more < 60:
        return bytes([more << 2]) + data
    width = (more.bit_length() + 7) // 8
    return bytes([(59 + width) << 2]) + more.to_bytes(width, "little") + data


def copy(size, far, width):
    """A copy whose offset has so many bytes."""
    if width == 1:
        return bytes([far >> 8 << 5 | (size - 4) << 2 | 1, far & 255])
    return bytes([(size - 1) << 2 | (2 if width == 2 else 3)]) + far.to_bytes(width, "little")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_every_element(size):
    elements = literal(b"abcde") + copy(4, 5, 1) + copy(11, 3, 1) + copy(1, 9, 2) + copy(64, 1, 2) + copy(7, 2, 4)
    wanted = bytearray(b"abcde")
    for length, far in ((4, 5), (11, 3), (1, 9), (64, 1), (7, 2)):
        for _ in range(length):
            wanted.append(wanted[-far])
    assert undone(elements, len(wanted), size) == wanted
    for length in (1, 59, 60, 61, 256, 257, 1 << 16, (1 << 16) + 1):
        data = b"x" * (length - 1) + b"y"
        assert undone(literal(data), length, 1 << 14 if length > 300 else size) == data
    whole = random.Random(3).randbytes(2304)
    far = literal(whole) + copy(11, 2047, 1) + copy(64, 2048, 2)
    assert undone(far, 2304 + 75, size) == whole + whole[257:268] + whole[267:331]


def test_long_literals():
    for length in (1 << 17, (1 << 24) + 1):
        data = b"x" * (length - 1) + b"y"
        assert undone(literal(data), length, 1 << 18) == data


def test_what_is_kept_of_the_pieces_before(monkeypatch):
    monkeypatch.setattr(snappy, "PIECE", 32)
    monkeypatch.setattr(snappy, "WINDOW", 16)
    begin = literal(bytes(range(40)))
    assert undone(begin + copy(4, 16, 1), 44) == bytes([*range(40), *range(24, 28)])
    found = list(decompressed([begin, copy(4, 16, 1)], 44, "here"))
    assert list(map(len, found)) == [40, 4]
    for far in (17, 40):
        with pytest.raises(TooFar):
            undone(begin + copy(4, far, 1), 44, 50)
    with pytest.raises(DataLossError, match="^here: corrupted compressed block contents: a copy from 41 bytes before"):
        undone(begin + copy(4, 41, 1), 44, 50)
    twice = begin + copy(32, 16, 2)
    assert undone(twice + copy(4, 16, 1), 76, 50)[-4:] == bytes(range(24, 28))
    with pytest.raises(TooFar):
        undone(twice + copy(4, 72, 1), 76, 50)
    with pytest.raises(DataLossError, match="from 73 bytes before"):
        undone(twice + copy(4, 73, 1), 76, 50)


@pytest.mark.parametrize(
    ("elements", "length", "problem"),
    [
        (copy(4, 1, 1), 4, "a copy from 1 bytes before"),
        (literal(b"ab") + copy(4, 0, 1), 6, "a copy from 0 bytes before"),
        (literal(b"ab") + copy(4, 3, 2), 6, "a copy from 3 bytes before"),
        (literal(b"ab"), 3, "2 of 3 bytes"),
        (literal(b"abc"), 2, "3 of 2 bytes"),
        (literal(b"abc")[:-1], 3, "2 of 3 bytes"),
        (literal(b"ab") + copy(4, 1, 2)[:-1], 2, "2 of 2 bytes"),
        (literal(b"ab") + literal(b"c")[:-1], 2, "2 of 2 bytes"),
        (b"", 1, "0 of 1 bytes"),
    ],
)
def test_elements_that_do_not_go_with_the_length(elements, length, problem):
    for size in (1, 2, 50):
        with pytest.raises(DataLossError, match=f"^here: corrupted compressed block contents: {problem}"):
            undone(elements, length, size)


def test_no_more_is_made_than_was_announced(monkeypatch):
    monkeypatch.setattr(snappy, "PIECE", 32)
    asked = []

    def pieces():
        for _ in range(100):
            asked.append(1)
            yield literal(b"x" * 50)

    with pytest.raises(DataLossError, match="100 of 70 bytes"):
        list(decompressed(pieces(), 70, "here"))
    assert len(asked) == 2


def test_the_length_that_is_announced():
    assert announced(varint(300) + b"abc", 20, "here") == (300, 2)
    assert announced(varint(22 * 9 + 64), 9, "here")[0] == 22 * 9 + 64
    with pytest.raises(DataLossError, match="^here: corrupted compressed block contents: 9 bytes cannot hold 263"):
        announced(varint(22 * 9 + 65), 9, "here")
    for bad in (b"", b"\xff", b"\x80" * 5 + b"\1"):
        with pytest.raises(DataLossError, match="^here: corrupted compressed block contents: a varint"):
            announced(bad, 100, "here")


@given(st.lists(st.tuples(st.binary(max_size=9), st.integers(0, 4000)), max_size=30), st.integers(1, 5000))
def test_what_is_compressed_comes_back(parts, size):
    cramjam = pytest.importorskip("cramjam")
    data = b"".join(part * count for part, count in parts)
    packed = bytes(cramjam.snappy.compress_raw(data))
    length, at = announced(packed, len(packed), "here")
    assert length == len(data)
    assert undone(packed[at:], length, size) == data


def test_64_kib_of_the_pieces_before_are_kept():
    begin = literal(random.Random(4).randbytes(1 << 18))  # as many as are made at a time
    found = list(decompressed([begin, copy(4, 1 << 16, 4)], (1 << 18) + 4, "here"))
    assert found[1] == found[0][-(1 << 16) :][:4]
    with pytest.raises(TooFar):
        list(decompressed([begin, copy(4, (1 << 16) + 1, 4)], (1 << 18) + 4, "here"))
