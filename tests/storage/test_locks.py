"""Open files and locks that nothing leaves behind: what an interrupt at any place needs (test_interrupts.py)."""

import contextlib
import errno
import os
import re
import threading

import numpy as np
import pytest
from interrupts import open_files

from minitf.errors import PermissionDeniedError
from minitf.storage import files, locks, remote
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.file_view import FileView


def test_a_descriptor_closes_itself(tmp_path):
    disk = files.Disk()
    before = open_files()
    handle = disk.create(str(tmp_path / "a"))
    del handle
    assert open_files() == before
    handle = disk.open(str(tmp_path / "a"))
    disk.close(handle)
    number = os.open(tmp_path / "a", os.O_RDONLY)  # has the same number, and stays open
    assert number == handle
    del handle
    os.close(number)


def test_a_lock_that_was_left_is_made_up_for(tmp_path):
    """Held by nobody but an error that is still there, it would block its own process for ever."""
    left = locks.lock(str(tmp_path))
    TensorBundle().write(tmp_path / "p", {"a": np.ones(2)})
    del left
    assert locks._held == {}
    TensorBundle().write(tmp_path / "p", {"a": np.ones(2)})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_does_not_keep_its_parents_lock(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    held = locks.lock(str(tmp_path))
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.write(ready[1], b"x")
            os.read(done[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    held.close()  # as if the parent had been killed: without unlocking
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(done[1], b"x")
    os.waitpid(child, 0)
    for number in (other, *ready, *done):
        os.close(number)


def test_a_closed_view_of_a_file_is_not_used(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    disk = files.Disk()
    handle = disk.open(str(tmp_path / "a"))
    view = FileView(disk, handle)
    view.close()
    with pytest.raises(ValueError, match="closed"):
        view.readinto(bytearray(3))
    view = FileView(disk, handle, writing=True)
    view.close()
    with pytest.raises(ValueError, match="closed"):
        view.write(b"x")
    disk.close(handle)


def test_a_descriptor_is_closed_once(tmp_path):
    disk = files.Disk()
    handle = disk.create(str(tmp_path / "a"))
    assert not handle.closed
    disk.close(handle)
    assert handle.closed
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


def test_locks_of_two_directories_do_not_meet(tmp_path):
    (tmp_path / "a").mkdir()
    one, other = locks.lock(str(tmp_path)), locks.lock(str(tmp_path / "a"))
    assert sorted(locks._held.values()) == sorted([one, other])
    locks.unlock(one)
    assert list(locks._held.values()) == [other]
    locks.unlock(other)
    assert locks._held == {}


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO])
def test_a_lock_that_cannot_be_had_leaves_nothing(tmp_path, number, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def refuse(handle, what):
        raise OSError(number, os.strerror(number))

    before = open_files()
    monkeypatch.setattr(fcntl, "flock", refuse)
    if number == errno.ENOLCK:
        assert locks.lock(str(tmp_path)) is None  # a file system without locks
    else:
        with pytest.raises(OSError, match="Input/output"):
            locks.lock(str(tmp_path))
    assert open_files() == before
    assert locks._held == {}


def test_an_error_that_is_still_looked_at_keeps_no_lock(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    before = open_files()
    monkeypatch.setattr(fcntl, "flock", lambda handle, what: os.fstat(1_000_000))
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        locks.lock(str(tmp_path))
    assert caught.value.__traceback__ is not None  # it holds what the function held
    assert open_files() == before


def test_a_directory_by_url_is_the_same_with_a_slash_at_its_end():
    disk = remote.RemoteDisk()
    assert disk.place("memory://a/b/") == disk.place("memory://a/b")
    assert len({disk.place(f"memory://{name}") for name in ("a", "a/b", "a/b?")}) == 3


def test_a_lock_that_was_left_ends_without_ending_the_next_one(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    left = locks.lock(str(tmp_path))
    held = locks.lock(str(tmp_path))
    del left
    assert list(locks._held.values()) == [held]
    other = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    locks.unlock(held)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


@pytest.mark.parametrize("place", ["memory://turns", "a directory"])
def test_threads_take_turns_where_there_is_no_lock_too(tmp_path, place, monkeypatch):
    if "://" in place:
        pytest.importorskip("fsspec")
    else:
        place = str(tmp_path)
        monkeypatch.setattr(locks, "lock", lambda directory: None)
    inside, most = [], []

    def act():
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.01)
        inside.pop()

    threads = [threading.Thread(target=files.while_locked, args=(ANYWHERE, place, act)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_turn_of_the_parent_is_none_of_a_childs(tmp_path):
    place = files.Disk().place(str(tmp_path))
    with locks.turn(place):
        child = os.fork()
        if child == 0:
            os._exit(0 if locks.turn(place).acquire(blocking=False) and locks._held == {} else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_lock_that_nobody_has_any_more_ends(tmp_path):
    locks.lock(str(tmp_path))
    assert locks._held == {}


def test_what_a_child_lets_go_of(tmp_path):
    """The number of the handle stays taken, because its owner may still close it, but by something else."""
    fcntl = pytest.importorskip("fcntl")
    held = locks.lock(str(tmp_path))
    locks.turn("somewhere").acquire()
    locks._in_a_child()
    assert (locks._held, locks._turns) == ({}, {})
    assert not os.get_inheritable(held)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    held.close()
    assert locks.turn("somewhere").acquire(blocking=False)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("step", ["place", "lock"])
def test_what_cannot_be_locked_is_named(tmp_path, monkeypatch, named, step):
    directory, said = (str(tmp_path), str(tmp_path)) if named else ("", ".")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "no")

    disk = files.Disk()
    monkeypatch.setattr(disk, step, refuse)
    with pytest.raises(PermissionDeniedError, match=f"^lock: {re.escape(said)}: no"):
        files.while_locked(disk, directory, lambda: pytest.fail("it is not locked"))
