"""Saving in the background."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import minitf as tf
from minitf import errors
from minitf.storage import background
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.formats import FORMATS
from minitf.storage.memory import MemoryStorage
from minitf.storage.values import Partitioned, Typed


class Gate(MemoryStorage):
    """A storage that writes when it is told to."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()

    def write(self, prefix, tensors):
        self.gate.wait(20)
        super().write(prefix, tensors)


def test_write_returns_at_once_with_the_values_of_then():
    inner = Gate()
    storage = BackgroundStorage(inner)
    array, whole = np.ones(3), np.arange(4, dtype=np.int32)
    tensors = {"a": array, "q": Typed("qint32", whole), "w": Partitioned((4,), [(((0, 4),), whole)])}
    storage.write("p", tensors)
    array += 1
    whole += 1
    assert not inner.exists("p")
    inner.gate.set()
    assert storage.open("p").read("a").tolist() == [1, 1, 1]
    assert storage.open("p").read("q").tolist() == [0, 1, 2, 3]
    assert storage.open("p").read("w").tolist() == [0, 1, 2, 3]
    assert storage.name == "memory"
    storage.remove("p")
    assert not storage.exists("p")


def test_a_write_to_another_storage_comes_in_turn():
    inner, other = Gate(), Gate()
    storage = BackgroundStorage(inner)
    array = np.ones(3)
    storage.write("p", {"a": array})
    inner.gate.set()
    storage.write_to(other, "p", {"b": array})  # waits for the first
    assert inner.exists("p")
    array += 1
    assert not other.exists("p")
    other.gate.set()
    storage.wait()
    assert other.open("p").read("b").tolist() == [1, 1, 1]
    assert list(inner.open("p").keys()) == ["a"]
    storage.write_to(TensorBundle(), "\0", {"b": array})
    with pytest.raises((errors.OpError, ValueError)):
        storage.write("p", {"a": array})


@pytest.mark.parametrize("surfaces", ["write", "wait", "open", "exists", "remove"])
def test_an_error_surfaces_once_at_the_next_call(tmp_path, surfaces):
    storage = BackgroundStorage(TensorBundle())
    (tmp_path / "file").write_text("")
    storage.write(str(tmp_path / "file" / "p"), {"a": np.ones(1)})
    with pytest.raises(errors.FailedPreconditionError):
        {
            "write": lambda: storage.write(str(tmp_path / "p"), {"a": np.ones(1)}),
            "wait": storage.wait,
            "open": lambda: storage.open(str(tmp_path / "p")),
            "exists": lambda: storage.exists(str(tmp_path / "p")),
            "remove": lambda: storage.remove(str(tmp_path / "p")),
        }[surfaces]()
    storage.wait()
    storage.write(str(tmp_path / "p"), {"a": np.ones(1)})
    assert storage.exists(str(tmp_path / "p"))


LAST = """
import sys, time
import numpy as np
from minitf.storage import background
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle

class Slow(TensorBundle):
    def write(self, prefix, tensors):
        time.sleep(0.3)
        super().write(prefix, tensors)

BackgroundStorage(Slow()).write(sys.argv[1], {"a": np.arange(5)})
"""


def test_the_process_does_not_end_before_the_last_write_has(tmp_path):
    subprocess.run([sys.executable, "-c", textwrap.dedent(LAST), tmp_path / "p"], check=True)
    assert TensorBundle().open(tmp_path / "p").read("a").tolist() == [0, 1, 2, 3, 4]


def test_the_last_error_is_said_at_the_end_of_the_process(tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LAST), tmp_path / "file" / "p"], check=True, capture_output=True, text=True
    )
    assert "the last background save failed" in done.stderr


class Held(MemoryStorage):
    """Files on a disk whose writes wait for a word, as slow ones would."""

    on_disk = True

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def write(self, prefix, tensors):
        assert self.go.wait(10)
        if prefix.endswith("-2"):
            raise OSError("no space")
        super().write(prefix, tensors)


def test_the_state_file_is_written_after_what_it_names_and_never_if_that_failed(tmp_path):
    held = Held()
    background = BackgroundStorage(held)
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=tf.Variable(1.0)), storage=background)
    path = saver.save(tmp_path / "ck", 1)
    assert tf.train.get_checkpoint_state(tmp_path) is None
    held.go.set()
    background.wait()
    assert tf.train.get_checkpoint_state(tmp_path).model_checkpoint_path == path
    saver.save(tmp_path / "ck", 2)
    with pytest.raises(OSError, match="no space"):
        background.wait()
    assert tf.train.get_checkpoint_state(tmp_path).model_checkpoint_path == path
    background.after(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        background.wait()


class Gated(MemoryStorage):
    """Writes wait until ``gate`` opens; ``fail`` is raised then; the other calls are noted."""

    def __init__(self):
        super().__init__()
        self.gate, self.fail, self.writing = threading.Event(), None, []

    def write(self, prefix, tensors):
        self.writing.append(threading.current_thread())
        assert self.gate.wait(20)
        if self.fail is not None:
            raise self.fail
        super().write(prefix, tensors)


def opens_later(storage):
    """The gate opens a moment later, so that who does not wait is too early."""
    threading.Timer(0.05, storage.gate.set).start()


@pytest.mark.parametrize("act", ["wait", "open", "exists", "remove", "write"])
def test_everything_else_waits(act):
    inner = Gated()
    storage = BackgroundStorage(inner)
    storage.write("p", {"a": np.ones(1)})
    opens_later(inner)
    if act == "wait":
        storage.wait()
    elif act == "open":
        assert storage.open("p").read("a").tolist() == [1]
    elif act == "exists":
        assert storage.exists("p")
    elif act == "remove":
        storage.remove("p")
        assert not inner.exists("p")
        inner.write("p", {})
    else:
        storage.write("q", {"b": np.ones(1)})
    assert inner.exists("p")
    storage.wait()


def test_the_thread_of_a_write():
    inner = Gated()
    storage = BackgroundStorage(inner)
    storage.write("p", {"a": np.ones(1)})
    while not inner.writing:
        threading.Event().wait(0.001)
    (thread,) = inner.writing
    assert (thread.name, thread.daemon) == ("minitf-save", False)
    assert storage in background._pending
    inner.gate.set()
    storage.wait()
    assert not thread.is_alive()
    assert storage not in background._pending


def test_what_comes_after_a_write():
    inner, done = Gated(), []
    storage = BackgroundStorage(inner)
    storage.write("p", {"a": np.ones(1)})
    storage.after(lambda: done.append(inner.exists("p")))
    storage.after(lambda: done.append("second"))
    assert done == []
    assert storage in background._pending
    opens_later(inner)
    storage.wait()
    assert done == [True, "second"]
    storage.after(lambda: done.append("alone"))
    storage.wait()
    assert done[2:] == ["alone"]
    assert storage not in background._pending
    inner.fail = RuntimeError("broken")
    storage.write("q", {})
    storage.after(lambda: done.append("never"))
    with pytest.raises(RuntimeError, match="broken"):
        storage.wait()
    storage.wait()
    assert done[3:] == []
    storage.after(lambda: done.append("again"))
    storage.wait()
    assert done[3:] == ["again"]


def test_the_thread_of_what_comes_after_nothing():
    storage, go, seen = BackgroundStorage(MemoryStorage()), threading.Event(), []
    storage.after(lambda: seen.append((threading.current_thread(), go.wait(20))))
    assert storage in background._pending
    go.set()
    storage.wait()
    ((thread, _),) = seen
    assert (thread.name, thread.daemon) == ("minitf-save", False)
    assert storage not in background._pending


def test_values_are_copied_whatever_they_are_in():
    inner = Gated()
    storage = BackgroundStorage(inner)
    assert storage.name == inner.name
    assert not storage.on_disk
    array, listed = np.asfortranarray(np.zeros((2, 2))), [1, 2]
    pieces = [(((0, 2),), np.zeros(2)), (((2, 1),), [5.0])]
    storage.write("p", {
        "a": array, "l": listed, "t": Typed("qint8", np.zeros(1, np.int8)), "w": Partitioned((3,), pieces), "s": "text",
        "b": b"x",
    })  # fmt: skip
    array[:] = 1
    listed[0] = 9
    pieces[0][1][:] = 1
    inner.gate.set()
    found = storage.open("p")
    assert [found.read(key).tolist() for key in ("a", "l", "t", "w", "s", "b")] == [
        [[0, 0], [0, 0]], [1, 2], [0], [0, 0, 5], b"text", b"x",
    ]  # fmt: skip
    assert found.spec("t").dtype.name == "qint8"


def test_at_the_end_errors_are_logged(caplog):
    storages = [BackgroundStorage(Gated()) for _ in range(3)]
    for number, storage in enumerate(storages):
        storage._storage.fail = RuntimeError(f"number {number}") if number != 1 else None
        storage._storage.gate.set()
        storage.write("p", {})
    background._report()
    said = sorted(record.getMessage() for record in caplog.records)
    assert said == ["the last background save failed: number 0", "the last background save failed: number 2"]
    assert not {*storages} & background._pending
    assert {record.name for record in caplog.records} == {"minitf"}


# The end of the process, and children ----------------------------------------------------------------------------------

PROGRAM = """
import atexit, os, signal, sys, threading, time

def first():
    save(1)

if sys.argv[2] == "before the import":
    atexit.register(first)  # runs when the interpreter waits for no thread any more

import numpy as np
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle

class Slow(TensorBundle):
    def write(self, prefix, tensors):
        time.sleep(0.2)
        super().write(prefix, tensors)

storage = BackgroundStorage(Slow())

def save(number):
    storage.write(sys.argv[1], {"a": np.full(1000, number)})

"""

ENDS = {
    "before the import": "",
    "behind the import": "atexit.register(first)",
    "exit": "save(1); sys.exit(3)",
    "error": "save(1); 1 / 0",
    "several data files": "BackgroundStorage(Slow(shards=2)).write(sys.argv[1], {c: np.ones(1 << 20) for c in 'ab'})",
    "in a thread": "threading.Thread(target=first).start()",
    "a handler": "signal.signal(signal.SIGTERM, lambda *a: sys.exit(0)); save(1); os.kill(os.getpid(), signal.SIGTERM)",
    "Ctrl-C": "save(1); os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
    "a child that saves": "storage.write(sys.argv[1] + '-2', {'a': np.ones(1)})\nif os.fork() == 0:\n    first(); sys.exit()\n"
    "os.wait()",
    "a child that waits": "save(1)\nif os.fork() == 0:\n    storage.wait(); os._exit(0)\nos.wait()",
    "a child of a thread": "save(1)\nstorage._lock.acquire()\nif os.fork() == 0:\n    storage.wait(); os._exit(0)\n"
    "storage._lock.release(); os.wait()",
}  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork, and no signals")
@pytest.mark.parametrize("end", ENDS)
def test_however_the_process_ends_the_last_write_is_whole(tmp_path, end):
    program = [sys.executable, "-c", PROGRAM + ENDS[end], str(tmp_path / "p"), end]
    subprocess.run(program, capture_output=True, timeout=60, check=False)
    assert set(TensorBundle().open(str(tmp_path / "p")).read("a").tolist()) == {1}
    assert not list(tmp_path.glob("*.tmp-*"))


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)"])
def test_a_process_that_is_killed_leaves_the_old_checkpoint(tmp_path, end):
    TensorBundle().write(str(tmp_path / "p"), {"a": np.full(1000, 7)})
    subprocess.run([sys.executable, "-c", f"{PROGRAM}save(1); {end}", str(tmp_path / "p"), ""], timeout=60, check=False)
    assert set(TensorBundle().open(str(tmp_path / "p")).read("a").tolist()) == {7}


def test_where_no_thread_can_be_started_a_write_is_made_at_once(tmp_path, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    storage, done = BackgroundStorage(TensorBundle()), []
    storage.write(str(tmp_path / "p"), {"a": np.ones(1)})
    storage.after(lambda: done.append(TensorBundle().exists(str(tmp_path / "p"))))
    assert done == [True]
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.FailedPreconditionError):
        storage.write(str(tmp_path / "file" / "p"), {"a": np.ones(1)})
    storage.wait()


def test_an_interrupt_while_waiting_forgets_nothing(monkeypatch):
    inner = Gate()
    storage = BackgroundStorage(inner)
    storage.write("p", {"a": np.ones(1)})
    join = threading.Thread.join

    def interrupted(thread, timeout=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            storage.wait()
    assert threading.Thread.join is join
    inner.gate.set()
    storage.wait()
    assert inner.exists("p")


def test_when_the_interpreter_is_about_to_end_a_write_is_made_at_once(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(background, "_ending", [])
    monkeypatch.setattr(background, "_report", lambda: said.append(list(background._ending)))
    background._end()
    assert said == [[True]]
    storage = BackgroundStorage(TensorBundle())
    storage.write(str(tmp_path / "p"), {"a": np.ones(1)})
    assert TensorBundle().exists(str(tmp_path / "p"))
    assert storage not in background._pending


def test_a_child_has_no_part_in_its_parents_write(monkeypatch):
    inner = Gate()
    storage = BackgroundStorage(inner)
    storage.write("p", {"a": np.ones(1)})
    parent = os.getpid()
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: parent + 1)
        storage.wait()
        assert not inner.exists("p")
    inner.gate.set()


@pytest.mark.parametrize("name", FORMATS)
def test_a_relative_path_counts_from_where_the_save_was_begun(tmp_path, monkeypatch, name):
    inner = FORMATS[name]()
    gate, write = threading.Event(), inner.write
    monkeypatch.setattr(inner, "write", lambda *arguments: gate.wait(20) and write(*arguments))
    storage = BackgroundStorage(inner)
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=tf.Variable(1.0)), storage=storage)
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert saver.save("run/m", 1) == "run/m-1"
    monkeypatch.chdir(tmp_path / "elsewhere")
    gate.set()
    storage.wait()
    assert not os.listdir()
    assert tf.train.latest_checkpoint(tmp_path / "here" / "run") == str(tmp_path / "here" / "run" / "m-1")


def test_a_checkpoint_and_a_manager_save_where_they_were(tmp_path, monkeypatch):
    asynchronous = tf.train.CheckpointOptions(enable_async=True)
    gate, write = threading.Event(), TensorBundle.write
    monkeypatch.setattr(TensorBundle, "write", lambda *arguments: gate.wait(20) and write(*arguments))
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for number, save in enumerate(("checkpoint", "manager"), 1):
        group = tf.train.Checkpoint(v=tf.Variable(1.0))
        gate.clear()
        monkeypatch.chdir(tmp_path / "here")
        manager = tf.train.CheckpointManager(group, save, max_to_keep=1)
        for again in (1, 2):
            gate.set() if again == 1 else (group.sync(), gate.clear())
            path = manager.save(options=asynchronous) if save == "manager" else group.save(f"{save}/ckpt", asynchronous)
            assert path == f"{save}/ckpt-{again}"
        monkeypatch.chdir(tmp_path / "elsewhere")
        gate.set()
        group.sync()
        assert not os.listdir()
        place = tmp_path / "here" / save
        assert tf.train.latest_checkpoint(place) == str(place / "ckpt-2")
        assert len(list(place.glob("*.index"))) == (1 if save == "manager" else 2), number


def test_where_the_working_directory_is_gone(tmp_path, monkeypatch):
    storage = BackgroundStorage(TensorBundle())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    os.rmdir(tmp_path / "here")
    with pytest.raises(errors.NotFoundError, match="the working directory for: run/m"):
        storage.write("run/m", {"a": np.ones(1)})
    storage.write(str(tmp_path / "m"), {"a": np.ones(1)})
    assert storage.exists(str(tmp_path / "m"))


def test_a_storage_that_keeps_no_files_gets_the_prefix_as_it_is():
    class Other(MemoryStorage):
        on_disk = None  # does not say

    for storage in (MemoryStorage(), Other()):
        BackgroundStorage(storage).write("p", {"a": np.ones(1)})
        assert BackgroundStorage(storage).exists("p") or storage.exists("p")


class Own:
    """A storage of somebody's own, which says nothing of disks."""

    name = "own"

    def __init__(self):
        self.prefixes = []

    def write(self, prefix, tensors):
        self.prefixes.append(prefix)


def test_a_storage_of_ones_own_is_given_the_prefix_as_it_is():
    own = Own()
    storage = BackgroundStorage(own)
    storage.write("run/x", {"a": np.ones(2)})
    storage.wait()
    assert own.prefixes == ["run/x"]
    assert (storage.on_disk, BackgroundStorage(MemoryStorage()).on_disk) == (True, False)
