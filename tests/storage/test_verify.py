"""Comparing every checksum: one verdict for each key, whatever is damaged."""

import os

import numpy as np
import pytest

from minitf import errors
from minitf.storage.bundle import TensorBundle
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
