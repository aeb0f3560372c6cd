"""Comparing every checksum: one verdict for each key, whatever is damaged."""

import os
import tracemalloc

import numpy as np
import pytest

from minitf import errors
from minitf.core.dtypes import uint8
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.entries import Entry, encode_entry
from minitf.storage.files import Disk
from minitf.storage.values import Partitioned

from .tampering import edit

PIECES = [(((0, 1), None), np.ones((1, 50_000))), (((1, 1), None), np.zeros((1, 50_000)))]
VALUES = {
    "big": np.arange(100_000.0),
    "bigger": np.ones(2_000_000, np.float32),
    "flags": np.ones(400_000, bool),
    "part": Partitioned((2, 50_000), PIECES),
    "text": np.array([b"abc", b""], object),
    **{f"small/{number}": np.float32(number) for number in range(300)},
}


@pytest.fixture
def prefix(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "p", VALUES)
    return tmp_path / "p"


def verdicts(prefix):
    reader = TensorBundle().open(prefix)
    found = list(reader.verify(reader.keys()))
    assert sorted(key for key, _, _ in found) == reader.keys()
    return {key: (size, error and type(error)) for key, size, error in found}


def damage(prefix, key, at=-1):
    entry = TensorBundle().open(prefix).entry(key)
    with open(f"{prefix}.data-00000-of-00001", "r+b") as file:
        file.seek(entry.offset + entry.size + at)
        byte = file.read(1)[0]
        file.seek(entry.offset + entry.size + at)
        file.write(bytes([byte ^ 1]))


def test_a_sound_checkpoint(prefix):
    found = verdicts(prefix)
    assert found["big"] == (800_000, None)
    assert found["bigger"] == (8_000_000, None)
    assert found["text"] == (3, None)
    assert found["part"] == (800_000, None)
    assert {error for _, error in found.values()} == {None}


@pytest.mark.parametrize("key", ["big", "bigger", "flags", "text", "small/7", "small/299"])
def test_a_damaged_value_is_the_only_one_that_is_named(prefix, key):
    damage(prefix, key)
    found = verdicts(prefix)
    assert found[key] == (0, errors.DataLossError)
    assert [other for other, (_, error) in found.items() if error] == [key]


def test_entries_and_files_that_are_damaged(prefix):
    edit(prefix.with_suffix(".index"), lambda records: records.update({b"small/3": b"\xff"}))
    assert [key for key, (_, error) in verdicts(prefix).items() if error] == ["small/3"]
    os.truncate(f"{prefix}.data-00000-of-00001", 100_000)
    found = verdicts(prefix)
    assert found["big"] == found["bigger"] == (0, errors.DataLossError)
    os.unlink(f"{prefix}.data-00000-of-00001")
    assert {error for key, (_, error) in verdicts(prefix).items() if key != "small/3"} == {errors.NotFoundError}


# What is read together ----------------------------------------------------------------------------------------------


class Noting(Disk):
    """Notes the places that are read of data files, and which files are open."""

    def __init__(self):
        self.asked, self.handles = [], {}

    def open(self, path):
        handle = super().open(path)
        self.handles[handle] = path
        return handle

    def close(self, handle):
        self.handles.pop(handle, None)
        super().close(handle)

    def read(self, handle, into, offset):
        if ".data-" in self.handles[handle]:
            self.asked.append((offset, len(into)))
        return super().read(handle, into, offset)


def asked_for(path, tensors, keys=None):
    """The places that are read, and the keys of the verdicts in their order."""
    disk = Noting()
    TensorBundle(durable=False).write(path, tensors)
    reader = TensorBundle(disk=disk).open(path)
    found = list(reader.verify(reader.keys() if keys is None else keys))
    assert [error for _, _, error in found] == [None] * len(tensors)
    assert not disk.handles
    return disk.asked, [key for key, _, _ in found]


def test_large_numbers_are_read_alone_and_forgotten(tmp_path):
    large = (1 << 16) - 1
    for size, asked in ((large, [(0, large + 3)]), (large + 1, [(0, large + 1), (large + 1, 3)])):
        assert asked_for(tmp_path / "p", {"a": np.zeros(size, np.uint8), "b": np.zeros(3, np.uint8)})[0] == asked
    assert asked_for(tmp_path / "p", {"a": np.zeros(large + 1, bool)})[0] == [(0, large + 1)]
    chunk = 1 << 20
    assert asked_for(tmp_path / "p", {"a": np.zeros(chunk + 1, np.uint8)})[0] == [(0, chunk), (chunk, 1)]
    text = [(0, 1 << 16), (3, 4), (7, chunk)]  # lengths, their checksum, the strings
    assert asked_for(tmp_path / "p", {"a": np.array([b"x" * chunk], object)})[0] == text
    pieces = [(((0, chunk),), np.zeros(chunk, np.uint8)), (((chunk, 9),), np.zeros(9, np.uint8))]
    assert len(asked_for(tmp_path / "p", {"a": Partitioned((chunk + 9,), pieces)})[0]) == 2


def test_a_large_value_takes_little_memory(tmp_path):
    TensorBundle(durable=False).write(tmp_path / "p", {"a": np.zeros(4 << 20, np.uint8)})
    reader = TensorBundle().open(tmp_path / "p")
    tracemalloc.start()
    try:
        assert list(reader.verify(["a"])) == [("a", 4 << 20, None)]
        assert tracemalloc.get_traced_memory()[1] < (1 << 20) + (1 << 16)  # a chunk, and little more
    finally:
        tracemalloc.stop()


def test_small_values_are_read_256_at_a_time_in_the_order_of_the_file(tmp_path):
    values = {f"k{n:03}": np.zeros(1, np.int32) for n in range(514)}
    keys = [*reversed(values)]
    asked, order = asked_for(tmp_path / "p", values, keys)
    assert asked == [(0, 1024), (1024, 1024), (2048, 8)]
    assert order == list(values)


def test_what_is_wrong_with_large_values(tmp_path):
    path = tmp_path / "p"
    value = np.zeros(300_000, np.uint8)
    TensorBundle(durable=False).write(path, {"a": value, "b": value})
    deep = Entry(uint8, (1,) * 64 + (300_000,), 0, 0, 300_000, TensorBundle().open(path).entry("a").crc)
    edit(path.with_suffix(".index"), lambda found: found.update({b"c": encode_entry(deep), b"d": b"\xff"}))
    os.truncate(f"{path}.data-00000-of-00001", 599_999)
    found = {key: (size, error) for key, size, error in TensorBundle().open(path).verify("dcba")}
    assert found["a"] == (300_000, None)
    assert found["b"][0] == found["c"][0] == found["d"][0] == 0
    assert "read less bytes than requested: 300000 bytes at offset 300000" in str(found["b"][1])
    assert "65 dimensions; NumPy arrays have 64 at most" in str(found["c"][1])
    assert "key 'd': entry: not parseable" in str(found["d"][1])
