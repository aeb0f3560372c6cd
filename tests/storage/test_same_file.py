"""Readers of checkpoints that are one file, when that is replaced: the old list of values never meets the new values."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import minitf as tf
from minitf.errors import AbortedError, DataLossError, NotFoundError
from minitf.storage.bundle import TensorBundle
from minitf.storage.files import Disk
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.same_file import TRIES, SameFile, opened_whole

ONE_FILE = [name for name, kind in FORMATS.items() if kind is not TensorBundle]


def values(number):
    return {f"v{n}": np.full(100, 10 * number + n, np.float32) for n in range(3)}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("other", [values(2), {"v0": np.zeros(7)}, {}])
def test_a_reader_says_that_its_checkpoint_is_another_one_now(tmp_path, name, other):
    storage = format_named(name, durable=False)
    path = str(tmp_path / "m")
    storage.write(path, values(1))
    reader = storage.open(path)
    assert reader.read("v1").tolist() == [11] * 100
    storage.write(path, other)
    for read in (lambda: reader.read("v1"), lambda: reader.read_many(["v0", "v2"]), lambda: reader.read_slice("v1", [0], [1])):
        with pytest.raises(AbortedError, match="open it again"):
            read()
    assert {key: storage.open(path).read(key).tolist() for key in other} == {key: v.tolist() for key, v in other.items()}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("times", [1, 2, 3])  # with the second, V2 has a data file of the first one's name
def test_rows_that_are_not_verified_are_those_of_the_checkpoint_that_was_opened(tmp_path, name, times):
    storage = format_named(name, durable=False)
    path = str(tmp_path / "m")
    storage.write(path, values(0))
    reader = storage.open(path)
    assert reader.read_slice("v1", [3], [2], verify=False).tolist() == [1, 1]
    for number in range(1, times + 1):
        storage.write(path, values(number))
    with pytest.raises(AbortedError, match="open it again"):
        reader.read_slice("v1", [3], [2], verify=False)
    assert storage.open(path).read_slice("v1", [3], [2], verify=False).tolist() == [10 * times + 1] * 2


@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_says_that_its_checkpoint_is_gone(tmp_path, name):
    storage = format_named(name, durable=False)
    storage.write(str(tmp_path / "m"), values(1))
    reader = storage.open(str(tmp_path / "m"))
    storage.remove(str(tmp_path / "m"))
    with pytest.raises(AbortedError, match="removed"):
        reader.read("v1")
    with pytest.raises(NotFoundError):
        storage.open(str(tmp_path / "m"))


def test_a_file_of_another_program_has_no_checksums_to_tell(tmp_path):
    def put(first, second):
        header = {key: {"dtype": "U8", "shape": [2], "data_offsets": [at, at + 2]} for key, at in (("a", 0), ("b", 2))}
        text = json.dumps(header).encode()
        (tmp_path / "new").write_bytes(len(text).to_bytes(8, "little") + text + first + second)
        os.replace(tmp_path / "new", tmp_path / "m.safetensors")

    put(b"aa", b"bb")
    reader = format_named("safetensors").open(str(tmp_path / "m"))
    assert reader.read("a").tobytes() == b"aa"
    put(b"AA", b"BB")
    with pytest.raises(AbortedError):
        reader.read("b")


@pytest.mark.parametrize("name", FORMATS)
def test_what_waits_gets_the_values_of_now_whatever_the_format(tmp_path, name):
    saver = tf.train.CheckpointableSaver(root := tf.train.Checkpoint(), storage=format_named(name, durable=False))
    root.a, root.b = tf.Variable(1.0), tf.Variable(1.0)
    path = saver.save(str(tmp_path / "m"))
    later = tf.train.Checkpoint()
    status = tf.train.CheckpointableSaver(later, storage=format_named(name)).restore(path)
    later.a = tf.Variable(0.0)
    root.a.assign(2.0)
    root.b.assign(2.0)
    saver.save(path)
    later.b = tf.Variable(0.0)
    status.assert_consumed()
    assert (float(later.a), float(later.b)) == (1.0, 2.0)


class Replacing(Disk):
    """Replaces a checkpoint, so many times, while somebody reads it."""

    def __init__(self, name, path, times):
        self.storage, self.path, self.left = format_named(name, durable=False), path, times

    def read(self, handle, into, offset):
        if self.left:
            self.left -= 1
            self.storage.write(self.path, values(self.left))
        return super().read(handle, into, offset)


@pytest.mark.parametrize("name", ONE_FILE)
def test_a_file_that_is_replaced_while_it_is_opened(tmp_path, name):
    path = str(tmp_path / "m")
    format_named(name, durable=False).write(path, values(9))
    reader = format_named(name, disk=Replacing(name, path, 3)).open(path)
    assert reader.read("v1").tolist() == [1] * 100
    with pytest.raises(AbortedError):
        format_named(name, disk=Replacing(name, path, 1000)).open(path)


def test_how_often_a_file_is_opened():
    tried = []

    def make():
        tried.append(None)
        raise AbortedError("again")

    with pytest.raises(AbortedError):
        opened_whole(make)
    assert len(tried) == TRIES
    assert opened_whole(lambda: 3) == 3


def test_what_goes_wrong_with_a_file_that_is_the_same(tmp_path):
    file = SameFile(Disk(), str(tmp_path / "m"))
    with pytest.raises(NotFoundError, match="^read: .*m: No such file"), file.opened():
        raise AssertionError("it is not there")
    (tmp_path / "m").write_bytes(b"abc")
    with file.opened() as handle:
        assert Disk().size(handle) == 3
    with pytest.raises(DataLossError, match="^bad$"), file.opened() as handle:
        raise DataLossError("bad")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)
    with pytest.raises(ZeroDivisionError), file.opened():
        raise ZeroDivisionError  # nothing of ours
