"""How much goes through memory at a time, as the documentation says: mostly a MiB, whatever the value has."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minitf.storage import filling
from minitf.storage.bundle import TensorBundle, over, scan, snappy, streams
from minitf.storage.bundle.block import find_value
from minitf.storage.bundle.table import table_chunks
from minitf.storage.files import Disk
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import gathered

from . import tampering
from .values_to_save import strings

KIB, MIB = 1 << 10, 1 << 20


class Noted(Disk):
    """Notes how long each read is."""

    def __init__(self):
        self.lengths = []

    def read(self, handle, into, offset):
        self.lengths.append(len(into))
        return super().read(handle, into, offset)


def filling_again(kind, prefix, array, region=None):
    """The lengths of the reads that verify a value, and of those that fill an array."""
    disk = Noted()
    reader = kind(disk=disk).open(prefix)
    spare = np.full(array.shape, b"other", object) if array.dtype == object else np.zeros_like(array)
    disk.lengths.clear()
    with reader.reading_regions_over(["a"], [region], [spare]) as ([found], fill):
        verifying, disk.lengths = disk.lengths, []
        fill()
    assert found is spare
    assert found.tolist() == array.tolist()
    return verifying, disk.lengths


@pytest.mark.parametrize("kind", [TensorBundle, Safetensors])
def test_rows_that_do_not_stand_together_go_through_a_mib(tmp_path, kind):
    array = np.arange(800_000, dtype=np.float32).reshape(-1, 100)
    kind(durable=False).write(str(tmp_path / "m"), {"a": array})
    part = np.ascontiguousarray(array[:, 1:])
    verifying, reads = filling_again(kind, str(tmp_path / "m"), part, ((0, 1), part.shape))
    assert max(verifying) == MIB
    assert max(reads) == MIB


def test_lengths_of_strings_come_64_kib_at_a_time(tmp_path):
    array = strings([b""] * 200_000)
    TensorBundle(durable=False).write(str(tmp_path / "m"), {"a": array})
    verifying, reads = filling_again(TensorBundle, str(tmp_path / "m"), array)
    assert max(verifying) == max(reads) == 64 * KIB


def test_lengths_of_carried_strings_come_128_kib_at_a_time():
    asked = []

    def fetch(room):
        asked.append(len(room))
        room[:] = bytes(len(room))

    count = 40_000
    assert sum(map(len, filling.lengths_of(fetch, count, 8 * count, "here"))) == count
    assert max(asked) == 128 * KIB
    assert sum(asked) == 8 * count


def test_from_which_size_on_strings_are_a_stream():
    assert not streams.is_large(strings([b""] * 4096))
    assert streams.is_large(strings([b""] * 4097))
    assert not streams.is_large(strings([b"a" * (MIB - 1), "b"]))
    assert streams.is_large(strings([b"a" * MIB, "b"]))


@pytest.mark.parametrize("items", [[b"abc"] * 500_000, [b"x" * 3 * MIB, b"y"], ["\u00e4" * MIB, "z"]], ids=range(3))
def test_strings_are_written_a_mib_at_a_time(items):
    array = np.empty(len(items), object)
    array[:] = items
    lengths = list(map(len, streams.strings(array, "a", False).pieces()))
    assert max(lengths) <= MIB + 4 * KIB
    assert max(lengths) >= MIB - 16 * KIB


def test_numbers_in_the_other_order_are_written_a_mib_at_a_time():
    lengths = list(map(len, streams.swapped(np.arange(300_000.0), "a").pieces()))
    assert lengths == [MIB, MIB, 2_400_000 - 2 * MIB]


def test_an_archive_is_unpacked_a_mib_at_a_time(tmp_path):
    array = np.arange(400_000.0)
    Npz(durable=False).write(str(tmp_path / "m"), {"a": array})
    _, reads = filling_again(Npz, str(tmp_path / "m"), array)
    assert MIB // 2 < max(reads) <= MIB


@pytest.mark.parametrize("size, again", [(MIB - 100, False), (MIB + 100, True)])
def test_a_block_of_v1_of_a_mib_is_kept(tmp_path, size, again):
    """For the next look at a value in it."""
    TensorSlices(durable=False).write(str(tmp_path / "m"), {"a": np.zeros(3), "b": strings([b"x" * (size - 200)])})
    found = tampering.records(tmp_path / "m")
    keys = sorted(found)
    (tmp_path / "m").write_bytes(b"".join(table_chunks(keys, [found[key] for key in keys], block_size=4 * MIB)))
    disk = Noted()
    reader = TensorSlices(disk=disk).open(str(tmp_path / "m"))
    reader.read("a")
    disk.lengths.clear()
    reader.read("a")
    assert any(length > MIB // 2 for length in disk.lengths) == again


def test_blocks_are_looked_for_a_mib_at_a_time():
    records = {b"%06d" % n: b"v" * 20 for n in range(100_000)}
    content = b"".join(table_chunks(sorted(records), [records[key] for key in sorted(records)], 1 << 62))
    asked = []

    def read(offset, size):
        asked.append(size)
        return memoryview(content)[offset : offset + size]

    assert len(list(scan.blocks(read, len(content) - 1, "file", []))) == 1
    assert max(asked) == MIB


@pytest.mark.parametrize("back, kept", [(1 << 16, True), ((1 << 16) + 1, False)])
def test_of_what_snappy_makes_the_last_64_kib_are_kept(back, kept):
    """Behind a piece of 256 KiB, when all before has been given out."""
    size = 256 * KIB
    body = bytes(range(256)) * (size // 256)
    data = (
        bytes([62 << 2]) + (size - 1).to_bytes(3, "little") + body + b"\x0f" + back.to_bytes(4, "little")
    )  # 4 bytes from there
    found = snappy.decompressed([data], size + 4, "here")
    assert next(found) == body
    if kept:
        assert next(found) == body[:4]
    else:
        with pytest.raises(snappy.TooFar):
            next(found)


def test_short_byte_strings_are_joined_as_far_as_they_go_together():
    assert list(gathered([b"ab"] * 5, 4)) == [b"abab", b"abab", b"ab"]
    assert list(gathered([b"abcde", b"a", b"", b"bcd", b"e"], 4)) == [b"abcde", b"abcd", b"e"]
    assert list(gathered([], 4)) == []


def test_strings_of_an_array_that_gets_another_shape_are_let_go():
    text = bytes(range(200))
    before = sys.getrefcount(text)
    array = np.empty(5, object)
    array[:] = [text] * 5
    assert sys.getrefcount(text) == before + 5
    over._resize(array, (3, 2), "here")
    assert (sys.getrefcount(text), array.tolist()) == (before, [[b""] * 2] * 3)


@pytest.mark.parametrize("place", range(3))
def test_a_length_of_six_bytes_is_none_in_a_block(place):
    long = [b"\0", b"\1", b"\1"]
    assert find_value(b"".join(long) + b"kv", b"k") == (4, 1)
    long[place] = bytes([long[place][0] | 0x80]) + b"\x80" * 4 + b"\0"
    assert find_value(b"".join(long) + b"kv", b"k") is None
    long[place] = bytes([long[place][0] & 0x7F | 0x80]) + b"\x80" * 3 + b"\0"
    assert find_value(b"".join(long) + b"kv", b"k") == (8, 1)
