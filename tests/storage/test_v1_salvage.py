"""Of a damaged V1 checkpoint that is read which holds: files that begin as they should, up to where they were cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.errors import DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.bundle.block import TRAILER
from minitf.storage.bundle.table import Table, table_chunks
from minitf.storage.v1 import TensorSlices
from minitf.storage.v1.salvage import open_damaged

from . import tampering


@pytest.fixture
def pattern(tmp_path):
    return TensorSlices(durable=False).write_shards(str(tmp_path / "m"), [{name: np.ones(2)} for name in "abc"])


def test_a_whole_set_is_read_whole(pattern):
    reader, problems = open_damaged(pattern)
    assert (reader.keys(), reader.source, problems) == (["a", "b", "c"], pattern, [])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_other_files_are_read(pattern, tmp_path, number):
    path = tmp_path / f"m-{number:05d}-of-00003"
    path.write_bytes(path.read_bytes()[:40])
    reader, problems = open_damaged(pattern)
    assert reader.keys() == [name for name in "abc" if name != "abc"[number]]
    assert all((reader.read(key) == 1).all() for key in reader.keys())
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: file is too short to be an sstable")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_file_without_its_end_is_read_up_to_there(pattern, tmp_path, number):
    path = tmp_path / f"m-{number:05d}-of-00003"
    path.write_bytes(path.read_bytes()[:-1])
    reader, problems = open_damaged(pattern)
    assert {key: reader.read(key).tolist() for key in reader.keys()} == {key: [1, 1] for key in "abc"}
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: not an sstable")


VALUES = {f"k{n}": np.full(70_000, n, np.float32) for n in range(6)}  # a block each, the list in the first


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("v1") / "m"
    TensorSlices(durable=False).write(str(path), VALUES)
    return path.read_bytes()


def handles_of(content):
    return Table(lambda offset, size: memoryview(content)[offset : offset + size], len(content), "").handles


def read_all(reader):
    found = {}
    for key in reader.keys():
        try:
            found[key] = reader.read(key)
        except (NotFoundError, DataLossError):
            continue
    return found


@pytest.mark.parametrize("blocks", range(1, 7))
@pytest.mark.parametrize("more", [0, 1, 1000])
def test_what_stands_before_a_cut_is_read(content, tmp_path, blocks, more):
    handles = handles_of(content)
    offset, length = handles[blocks - 1]
    end = offset + length + TRAILER
    path = tmp_path / "m"
    path.write_bytes(content[:-1][: end + more])
    reader, problems = open_damaged(str(path))
    assert reader.keys() == sorted(VALUES)  # the list of them comes first
    found = read_all(reader)
    assert sorted(found) == sorted(VALUES)[:blocks]
    assert all((value == VALUES[key]).all() for key, value in found.items())
    missed = more > 48 and blocks < 6
    assert problems[1:] == [f"{path}: from byte {end} on no block holds; its keys are lost."] * missed


@pytest.mark.parametrize("damaged", range(1, 6))
def test_a_damaged_block_before_a_cut_costs_its_own_values(content, tmp_path, damaged):
    path, (offset, _) = tmp_path / "m", handles_of(content)[damaged]
    path.write_bytes(content[: offset + 5000] + bytes([content[offset + 5000] ^ 1]) + content[offset + 5001 : -1])
    reader, problems = open_damaged(str(path))
    assert problems[1:] == [f"{path}: the block at byte {offset} is damaged; its keys are lost."]
    assert sorted(read_all(reader)) == sorted(VALUES.keys() - {f"k{damaged}"})


def test_without_the_list_nothing_is_read(content, tmp_path):
    path = tmp_path / "m"
    path.write_bytes(content[:10] + b"?" + content[11:-1])
    with pytest.raises(DataLossError, match="not an sstable"):
        open_damaged(str(path))


@given(cut=st.integers(0, 1200), flip=st.integers(0, 1200))
def test_a_value_that_is_read_is_the_one_that_was_saved(small, cut, flip):
    """Wherever the file is cut and one bit of it wrong."""
    path, content = small
    data = bytearray(content[:cut])
    if flip < cut * 8:
        data[flip // 8] ^= 1 << flip % 8
    path.write_bytes(data)
    try:
        reader, _ = open_damaged(str(path))
    except (DataLossError, InvalidArgumentError):
        return
    for key, value in read_all(reader).items():
        assert value.tolist() == [int(key[1:])] * 3


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "m"
    records = {}
    TensorSlices(durable=False).write(str(path), {f"k{n}": np.full(3, n, np.int32) for n in range(12)})
    records = tampering.records(path)
    content = b"".join(table_chunks(sorted(records), [records[key] for key in sorted(records)], block_size=40))
    assert len(content) < 1200
    return path, content


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
