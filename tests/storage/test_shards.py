"""Data files written side by side, and checking every checksum without keeping values."""

import os

import numpy as np
import pytest

from minitf.errors import NotFoundError, ResourceExhaustedError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.files import Disk
from minitf.storage.values import Partitioned

MIB = 1 << 20
LARGE = {f"large {i}": np.full(3 * MIB, i, np.float32) for i in range(4)}
SMALL = {"a": np.arange(5), "b": np.array([b"x", b"yz"], object), "c": np.float32(1), "d": np.zeros((0, 2))}


def contents(prefix):
    reader = TensorBundle().open(prefix)
    return {key: reader.read(key).tolist() for key in reader.keys()}


@pytest.mark.parametrize("values", [SMALL, LARGE, {**SMALL, **LARGE}, {}])
@pytest.mark.parametrize("shards", [1, 2, 3])
def test_values_are_spread_over_data_files(tmp_path, values, shards):
    prefix = str(tmp_path / "ckpt")
    storage = TensorBundle(durable=False, shards=shards)
    for _ in range(2):  # the second time over the first
        storage.write(prefix, values)
        assert contents(prefix) == {key: np.asarray(value).tolist() for key, value in values.items()}
    storage.remove(prefix)
    storage.write(prefix, values)
    files = sorted(name for name in os.listdir(tmp_path) if ".data-" in name)
    assert files == [f"ckpt.data-{i:05}-of-{shards:05}" for i in range(shards)]
    sizes = [os.path.getsize(tmp_path / name) for name in files]
    if values is LARGE and shards == 2:
        assert sizes[0] == sizes[1]


def test_there_is_at_least_one_data_file():
    with pytest.raises(ValueError, match="at least one"):
        TensorBundle(shards=0)


class Full(Disk):
    """Lets only so many data files be written."""

    def __init__(self, room):
        self.room = room

    def create(self, path):
        if ".data-" in path:
            self.room -= 1
            if self.room < 0:
                raise OSError(28, "No space left on device")
        return super().create(path)


def test_a_full_disk_leaves_nothing_of_files_written_side_by_side(tmp_path):
    prefix = str(tmp_path / "ckpt")
    TensorBundle(durable=False, shards=2).write(prefix, LARGE)
    before = sorted(os.listdir(tmp_path))
    disk = Full(1)
    with pytest.raises(ResourceExhaustedError):
        TensorBundle(durable=False, shards=2, disk=disk).write(prefix, LARGE)
    assert sorted(os.listdir(tmp_path)) == before
    assert contents(prefix) == {key: value.tolist() for key, value in LARGE.items()}


def verdicts(prefix, keys=None):
    reader = TensorBundle().open(prefix)
    return {key: (size, error) for key, size, error in reader.verify(reader.keys() if keys is None else keys)}


def test_verify_tells_the_size_of_every_value(tmp_path):
    prefix = str(tmp_path / "ckpt")
    pieces = Partitioned((4, 2), [(((0, 2), None), np.ones((2, 2))), (((2, 2), None), np.zeros((2, 2)))])
    flags = np.zeros(MIB, bool)
    TensorBundle(durable=False, shards=2).write(prefix, {**SMALL, **LARGE, "pieces": pieces, "flags": flags})
    found = verdicts(prefix)
    assert all(error is None for _, error in found.values())
    sizes = {key: size for key, (size, _) in found.items()}
    large = dict.fromkeys(LARGE, 12 * MIB)
    assert sizes == {"a": 40, "b": 3, "c": 4, "d": 0, "pieces": 64, "flags": MIB, **large}
    assert isinstance(verdicts(prefix, ["none"])["none"][1], NotFoundError)


@pytest.mark.parametrize("key", ["a", "b", "large 2"])
def test_verify_goes_on_after_damage(tmp_path, key):
    prefix = str(tmp_path / "ckpt")
    TensorBundle(durable=False).write(prefix, {**SMALL, **LARGE})
    entry = TensorBundle().open(prefix).entry(key)
    with open(prefix + ".data-00000-of-00001", "r+b") as file:
        file.seek(entry.offset + entry.size - 1)
        byte = file.read(1)[0]
        file.seek(entry.offset + entry.size - 1)
        file.write(bytes([byte ^ 4]))
    assert [name for name, (_, error) in verdicts(prefix).items() if error is not None] == [key]


def test_verify_finds_a_file_that_is_cut_off(tmp_path):
    prefix = str(tmp_path / "ckpt")
    TensorBundle(durable=False).write(prefix, {**SMALL, **LARGE})
    os.truncate(prefix + ".data-00000-of-00001", 30 * MIB)
    bad = [name for name, (_, error) in verdicts(prefix).items() if error is not None]
    assert bad == ["large 2", "large 3"]


class Promising(Disk):
    """Says that large files are longer than they are, as if they were cut off a moment later."""

    def size(self, handle):
        size = super().size(handle)
        return size if size < MIB else size + 64 * MIB


def test_verify_notices_that_a_file_becomes_shorter(tmp_path):
    prefix = str(tmp_path / "ckpt")
    TensorBundle(durable=False).write(prefix, LARGE)
    os.truncate(prefix + ".data-00000-of-00001", 30 * MIB)
    reader = TensorBundle(disk=Promising()).open(prefix)
    found = {key: error for key, _, error in reader.verify(reader.keys()) if error is not None}
    assert list(found) == ["large 2", "large 3"]
    assert all("shorter" in str(error) for error in found.values())


@pytest.mark.parametrize("how", ["written", "merged"])
def test_the_list_of_pieces_names_the_data_file_in_which_it_was_first_seen(tmp_path, how):
    """As MergeV2Checkpoints does, though nothing of the list is in a data file."""
    whole = np.arange(6.0).reshape(3, 2)
    pieces = [(((0, 1), None), whole[:1]), (((1, 2), None), whole[1:])]
    shards = [{"a": np.ones(1)}, {"w": Partitioned((3, 2), pieces[:1])}, {"w": Partitioned((3, 2), pieces[1:])}]
    prefix = tmp_path / "p"
    if how == "written":
        TensorBundle().write_shards(prefix, shards)
    else:
        for number, shard in enumerate(shards):
            TensorBundle().write(tmp_path / f"in{number}", shard)
        merge([tmp_path / f"in{number}" for number in range(3)], prefix)
    reader = TensorBundle().open(prefix)
    assert reader.entry("w").shard == 1
    assert reader.read("w").tolist() == whole.tolist()
    assert reader.contents()[1][0][0] == "w"
