"""Of a sharded V1 checkpoint that is damaged, those files are read that hold."""

from __future__ import annotations

import numpy as np
import pytest

from minitf.errors import DataLossError
from minitf.storage.v1 import TensorSlices
from minitf.storage.v1.salvage import open_damaged


@pytest.fixture
def pattern(tmp_path):
    return TensorSlices(durable=False).write_shards(str(tmp_path / "m"), [{name: np.ones(2)} for name in "abc"])


def test_a_whole_set_is_read_whole(pattern):
    reader, problems = open_damaged(pattern)
    assert (reader.keys(), reader.source, problems) == (["a", "b", "c"], pattern, [])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_other_files_are_read(pattern, tmp_path, number):
    path = tmp_path / f"m-{number:05d}-of-00003"
    path.write_bytes(path.read_bytes()[:-1])
    reader, problems = open_damaged(pattern)
    assert reader.keys() == [name for name in "abc" if name != "abc"[number]]
    assert all((reader.read(key) == 1).all() for key in reader.keys())
    assert len(problems) == 1
    assert str(path) in problems[0]


def test_of_files_that_contradict_each_other_the_first_is_believed(tmp_path):
    for number, value in enumerate((np.ones(2), np.zeros(3))):
        TensorSlices(durable=False).write(str(tmp_path / f"m-{number:05d}-of-00002"), {"a": value})
    reader, problems = open_damaged(str(tmp_path / "m-?????-of-00002"))
    assert reader.read("a").tolist() == [1, 1]
    assert "in another file" in problems[0]


def test_nothing_that_holds_and_nothing_there(pattern, tmp_path):
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataLossError, match="m-00000-of-00003: file is too short to be an sstable"):
        open_damaged(pattern)
    with pytest.raises(DataLossError, match="^open: failed to find any matching files for '.*x'.$"):
        open_damaged(str(tmp_path / "x"))
