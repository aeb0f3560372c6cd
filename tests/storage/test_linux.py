"""What Linux can do for large files: room is taken before they are written, and the disk begins while they are."""

import ctypes
import errno
import os

import numpy as np
import pytest

from minitf.errors import ResourceExhaustedError
from minitf.storage import linux
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.files import ROOM, Disk, replace_file

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
    taken, call = os.fstat(handle).st_blocks * 512, linux._calls().get("fallocate")
    can = call is not None and call(handle, 1, 0, MIB) == 0
    ANYWHERE.begin_sync(handle, 0, 3)
    ANYWHERE.close(handle)
    assert (tmp_path / "x").read_bytes() == b"abc"
    assert taken >= MIB or not can


def test_only_larger_files_are_reserved_each_for_itself(tmp_path):
    disk = Noting()
    values = {"x": np.ones(ROOM, np.uint8), "y": np.ones(MIB + 1, np.uint8)}
    TensorBundle(disk=disk, shards=2).write(str(tmp_path / "a"), values)
    assert sorted(disk.asked) == [ROOM, MIB + 1]
    TensorBundle(disk=disk).write(str(tmp_path / "b"), {"x": np.ones(ROOM - 1, np.uint8)})
    assert len(disk.asked) == 2


def test_room_is_taken_from_64_kib_on(tmp_path):
    disk = Noting()
    for size in (ROOM - 1, ROOM):
        replace_file(disk, str(tmp_path / "x"), [b"a", bytes(size)], durable=False)
    assert disk.asked == [ROOM + 1]


def test_room_is_taken_for_a_long_index(tmp_path):
    disk = Noting()
    TensorBundle(disk=disk).write(str(tmp_path / "a"), {f"{n:04}": np.ones(1, np.uint8) for n in range(4000)})
    assert disk.asked == [(tmp_path / "a.index").stat().st_size]


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
    monkeypatch.setattr(linux, "_calls", lambda: {"fallocate": refusing(number)})
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        linux.reserve(0, 1)
    assert caught.value.errno == number


def test_more_than_a_file_can_have_is_an_error_of_the_system(tmp_path):
    """Whose number comes from the call itself, and whose sizes have 64 bits."""
    linux._calls.cache_clear()
    ctypes.set_errno(0)
    handle = ANYWHERE.create(str(tmp_path / "x"))
    try:
        call = linux._calls().get("fallocate")
        if call is None or call(handle, 1, 0, MIB):
            pytest.skip("this file system reserves nothing")
        with pytest.raises(OSError, match=".") as caught:
            ANYWHERE.reserve(handle, 1 << 62)
        assert caught.value.errno in linux._TOO_MUCH
        assert os.fstat(handle).st_size == 0
    finally:
        ANYWHERE.close(handle)


def test_a_file_system_that_cannot_is_left_alone(monkeypatch):
    reading, writing = os.pipe()  # of which no system reserves room
    linux.reserve(writing, MIB)
    linux.begin_sync(writing, 0, MIB)
    os.close(reading), os.close(writing)
    monkeypatch.setattr(linux, "_calls", dict)
    linux.reserve(-1, MIB)
    linux.begin_sync(-1, 0, MIB)


def test_a_system_without_the_calls(monkeypatch):
    linux._calls.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    assert linux._calls() == {}
    linux._calls.cache_clear()


@pytest.mark.parametrize("durable", [False, True])
def test_the_disk_begins_with_every_span_that_will_be_synced(tmp_path, durable):
    class Beginning(Disk):
        def begin_sync(self, handle, offset, size):
            self.began.append((offset, size))
            super().begin_sync(handle, offset, size)

        def sync(self, handle):
            self.began.append("sync")
            super().sync(handle)

    disk = Beginning()
    disk.began = []
    values = {"a": np.ones(100, np.uint8), "b": np.ones(9 * MIB, np.uint8), "c": np.zeros(MIB, np.uint8)}
    TensorBundle(durable, disk=disk).write(str(tmp_path / "p"), values)
    spans = [(100, 8 * MIB), (100 + 8 * MIB, MIB), (100 + 9 * MIB, MIB)]
    assert sorted(disk.began[:3]) == spans if durable else disk.began == []
    assert disk.began[3:] == ["sync"] * 2 * durable
