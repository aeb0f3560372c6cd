"""Room on the disk is taken before a large file is written, where the system can do that."""

import ctypes
import errno
import os

import numpy as np
import pytest

from minitf.errors import ResourceExhaustedError
from minitf.storage import space
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.files import Disk

MIB = 1 << 20


class Noting(Disk):
    """Notes what is reserved; refuses more than ``room`` bytes."""

    def __init__(self, room=1 << 40):
        self.room = room
        self.asked = []
        self.written = 0

    def reserve(self, handle, size):
        self.asked.append(size)
        if size > self.room:
            raise OSError(errno.ENOSPC, "no space left")
        super().reserve(handle, size)

    def write(self, handle, data, offset):
        self.written += len(data)
        return super().write(handle, data, offset)


def test_content_and_size_stay_as_they_are(tmp_path):
    path = str(tmp_path / "x")
    handle = ANYWHERE.create(path)
    ANYWHERE.write(handle, b"abc", 0)
    ANYWHERE.reserve(handle, MIB)
    taken, call = os.fstat(handle).st_blocks * 512, space._fallocate()
    can = call is not None and call(handle, 1, 0, MIB) == 0
    ANYWHERE.close(handle)
    assert (tmp_path / "x").read_bytes() == b"abc"
    assert taken >= MIB or not can


def test_only_large_files_are_reserved_each_for_itself(tmp_path):
    disk = Noting()
    TensorBundle(disk=disk, shards=2).write(str(tmp_path / "a"), {"x": np.ones(MIB, np.uint8), "y": np.ones(MIB + 1, np.uint8)})
    assert sorted(disk.asked) == [MIB, MIB + 1]
    TensorBundle(disk=disk).write(str(tmp_path / "b"), {"x": np.ones(MIB - 1, np.uint8)})
    assert len(disk.asked) == 2


def test_a_disk_that_is_too_full_says_so_before_anything_is_written(tmp_path):
    values = {"x": np.ones(3 * MIB, np.uint8)}
    TensorBundle().write(str(tmp_path / "p"), {"x": np.zeros(3)})
    disk = Noting(room=2 * MIB)
    with pytest.raises(ResourceExhaustedError, match="no space left"):
        TensorBundle(disk=disk).write(str(tmp_path / "p"), values)
    assert disk.written == 0
    assert TensorBundle().open(str(tmp_path / "p")).read("x").tolist() == [0, 0, 0]
    assert sorted(os.listdir(tmp_path)) == ["p.data-00000-of-00001", "p.index"]


def refusing(number):
    """A call that fails."""

    def call(*_):
        ctypes.set_errno(number)
        return -1

    return call


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_is_an_error(number, monkeypatch):
    monkeypatch.setattr(space, "_fallocate", lambda: refusing(number))
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        space.reserve(0, 1)
    assert caught.value.errno == number


def test_a_file_system_that_cannot_reserve_is_left_alone(monkeypatch):
    reading, writing = os.pipe()  # of which no system reserves room
    space.reserve(writing, MIB)
    os.close(reading), os.close(writing)
    monkeypatch.setattr(space, "_fallocate", lambda: None)
    space.reserve(-1, MIB)


def test_a_system_without_the_call(monkeypatch):
    space._fallocate.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    assert space._fallocate() is None
    space._fallocate.cache_clear()
