"""Large values given out in pieces while they are written: how long these are, and that the bytes are those of small values."""

from __future__ import annotations

import numpy as np
import pytest
from crc32c import crc32c

from minitf.errors import InvalidArgumentError
from minitf.storage.bundle import TensorBundle, payload, spans, streams, writer
from minitf.storage.files import Disk
from minitf.storage.values import Typed

from .values_to_save import strings


@pytest.fixture
def small(monkeypatch):
    """Pieces of 16 bytes, of up to three strings."""
    monkeypatch.setattr(streams, "PIECE", 16)
    monkeypatch.setattr(streams, "SOME", 3)


def sizes(stream):
    return list(map(len, stream.pieces()))


@pytest.mark.parametrize("longest", [0, 1, 127, 128, 129, 16383, 16384])
def test_lengths_of_any_width(longest):
    array = strings([b"x" * longest, b"", b"yz"[: min(2, longest)]])
    for stream, at_once in [
        (streams.strings(array, "k", False), payload.encode_strings(array, "k", False)),
        (streams.strings(array, "k", True), payload.encode_strings(array, "k", True)),
        (streams.variants(array, "k"), payload.encode_variants(array, "k")),
    ]:
        assert len(stream) == len(at_once[0])
        assert (b"".join(stream.pieces()), stream.crc) == at_once


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ([b"a" * 4, b"b" * 6], [16]),  # two lengths, their checksum, ten bytes
        ([b"a" * 4, b"b" * 7], [6, 11]),
        ([b"a" * 16], [5, 16]),
        ([b"a" * 40, b"b"], [6, 16, 16, 8, 1]),
        ([b""] * 7, [11]),
        ([b"abcde"] * 4, [8, 15, 5]),
        (["\u00e9" * 9, "b", b"c"], [7, 16, 2, 2]),  # text is encoded, few bytes at a time
    ],
)
def test_pieces_of_strings(items, wanted):
    stream = streams.strings(strings(items), "k", False)
    for _ in range(2):
        assert sizes(stream) == wanted
    assert len(stream) == sum(wanted)


@pytest.mark.usefixtures("small")
def test_pieces_of_variants():
    """A length, the element, a checksum of four bytes each."""
    assert sizes(streams.variants(strings([b"abc"] * 3), "k")) == [16, 8]
    assert sizes(streams.variants(strings([b"a" * 17, b""]), "k")) == [1, 16, 1, 9]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("count", "wanted"), [(1, [8]), (2, [16]), (5, [16, 16, 8]), (6, [16, 16, 16])])
def test_pieces_of_numbers_in_the_other_order(count, wanted):
    array = np.arange(count, dtype=np.int64)
    stream = streams.swapped(array, "k")
    for _ in range(2):
        pieces = list(stream.pieces())
        assert list(map(len, pieces)) == wanted
        assert b"".join(pieces) == array.byteswap().tobytes()
        assert stream.crc == crc32c(b"".join(pieces))
    assert len(stream) == array.nbytes


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("later", [b"", b"abcdefg", b"abcdefghi", b"x" * 1000])
def test_strings_that_are_longer_or_shorter_by_now(later):
    array = strings([b"first", b"abcdefgh", b"last"])
    for stream in (streams.strings(array, "k", False), streams.variants(array, "k")):
        array[1] = later
        with pytest.raises(InvalidArgumentError, match="^write: the strings of 'k' have changed while they were written"):
            list(stream.pieces())
        array[1] = b"abcdefgh"
        assert sum(sizes(stream)) == len(stream)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("large", [1, 40, 1 << 20])
@pytest.mark.parametrize("big_endian", [False, True])
def test_files_are_the_same_whatever_is_taken_for_large(tmp_path, monkeypatch, large, big_endian):
    """Whether a value is written by itself, in pieces or with others."""
    text = strings([b"one", b"", b"three" * 9, b"four", b"five"])
    contents = {"t": text, "n": np.arange(9), "s": text[:1], "c": np.arange(3) * (1 + 2j), "l": text[2:]}
    if not big_endian:  # of which no variants are defined
        contents |= {"v": Typed("variant", text), "w": Typed("variant", text[:2])}
    storage = TensorBundle(durable=False, big_endian=big_endian)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "SOME", 1 << 12)
        patch.setattr(streams, "PIECE", 1 << 20)
        storage.write(tmp_path / "p", contents)
    wanted = [(tmp_path / f"p{ending}").read_bytes() for ending in (".index", ".data-00000-of-00001")]
    monkeypatch.setattr(writer, "LARGE", large)
    monkeypatch.setattr(spans, "WRITTEN", 7)
    storage.write(tmp_path / "q", contents)
    assert [(tmp_path / f"q{ending}").read_bytes() for ending in (".index", ".data-00000-of-00001")] == wanted


class Noting(Disk):
    """Notes what shall be brought to the disk while more is written."""

    def __init__(self):
        self.begun = []

    def begin_sync(self, handle, offset, size):
        self.begun.append((offset, size))
        super().begin_sync(handle, offset, size)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("durable", [False, True])
def test_the_disk_begins_before_all_is_written(tmp_path, monkeypatch, durable):
    monkeypatch.setattr(spans, "SPAN", 32)
    monkeypatch.setattr(writer, "LARGE", 32)
    disk = Noting()
    contents = {"a": np.zeros(3, np.uint8), "t": strings([b"x" * 80])}  # 80 bytes behind a length and its checksum
    TensorBundle(durable, disk=disk).write(tmp_path / "p", contents)
    assert disk.begun == ([(3, 37), (40, 32)] if durable else [])


def test_what_is_large():
    """More than 4096 strings, or more than 1 MiB of text: these are written in pieces of at most 1 MiB."""
    for array, large in (
        (strings([b""] * 4096), False), (strings([b""] * 4097), True),
        (strings([b"x" * (1 << 20)]), False), (strings([b"x" * (1 << 20), "y"]), True), (strings([]), False),
    ):  # fmt: skip
        assert streams.is_large(array) is large
    assert sizes(streams.swapped(np.zeros((1 << 20) + 1, np.uint16), "k")) == [1 << 20, 1 << 20, 2]


def test_values_of_1_mib_are_not_made_before_they_are_written():
    """In the other byte order, and strings; smaller ones are bytes at once."""
    for size, large in (((1 << 20) - 2, False), (1 << 20, True)):
        for value in (np.zeros(size // 2, np.uint16), strings([b"x" * (size - 4096 - 7), *[b""] * 4096])):
            layout = writer.lay_out([("k", value)], big_endian=True)
            assert isinstance(layout.buffers[0], streams.Stream) is large
            assert layout.plan.sizes[0] == size
