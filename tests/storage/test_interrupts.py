"""Ctrl-C at any place: the disk has the old set or the new, variables have all old values or all new, and all works as before.

A run tries one place in STEP, beginning anywhere; MINITF_EVERY_INTERRUPT=1 tries each.
"""

import gc
import itertools
import os
import random
import signal
from contextlib import nullcontext

import numpy as np
import pytest
from interrupts import Interrupt, open_files

import minitf as tf
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.formats import FORMATS

# Python drops an interrupt that comes inside a finalizer, and says so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
STEP = 1 if os.environ.get("MINITF_EVERY_INTERRUPT") else 41


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def each_place(tmp_path, prepare, act, recover):
    """Prepares, interrupts ``act`` at one place, and looks: nothing is open, and ``recover(subject, interrupt)`` works.

    The first look is while the interrupt is still held, as an interactive session holds the last one.
    """
    for at in itertools.count(random.randint(1, STEP), STEP):
        place = tmp_path / str(at)
        place.mkdir()
        subject = prepare(place)
        before = open_files()
        interrupt = Interrupt(at)
        interrupt.call(lambda subject=subject: act(subject))
        recover(subject, interrupt)
        interrupt.raised = None
        if not open_files() <= before:  # what an earlier test has left in a cycle may be closed meanwhile
            gc.collect()  # what is suspended inside a cycle
        assert open_files() <= before, interrupt.where
        assert gc.isenabled(), interrupt.where
        if interrupt.where is None:
            assert at > 50  # Python 3.11 has about twice as many places as later ones
            return


def tensors(seed):
    return {"a": np.full(40, seed), "s": np.array([b"x" * seed], object), "b": np.float32(seed)}


def found_at(kind, prefix):
    reader = kind().open(prefix)
    seed = int(reader.read("b"))
    assert all((reader.read(key) == value).all() for key, value in tensors(seed).items())
    return seed


def two_files():
    return TensorBundle(shards=2)


@pytest.mark.parametrize("kind", [*FORMATS.values(), two_files])
def test_a_save(tmp_path, kind):
    def prepare(place):
        storage = kind()
        storage.write(place / "p", tensors(1))
        return place, storage

    def recover(subject, interrupt):
        place, storage = subject
        assert found_at(kind, place / "p") in ((1, 2) if interrupt.raised else (2,)), interrupt.where
        storage.write(place / "p", tensors(3))
        assert found_at(kind, place / "p") == 3
        assert not list(place.glob("*.tmp-*"))
        assert len({path.name.rpartition("-of-")[2] for path in place.glob("*.data-*")}) <= 1

    each_place(tmp_path, prepare, lambda subject: subject[1].write(subject[0] / "p", tensors(2)), recover)


def test_a_merge(tmp_path):
    def run(place):
        merge([place / "in0", place / "in1"], place / "out")

    def prepare(place):
        for n in range(2):
            TensorBundle(False).write(place / f"in{n}", {f"k{n}": np.arange(3 + n)})
        return place

    def recover(place, interrupt):
        if not TensorBundle().exists(place / "out"):
            assert interrupt.raised
            run(place)
            assert len(list(place.iterdir())) == 3, interrupt.where
        reader = TensorBundle().open(place / "out")
        assert [reader.read(f"k{n}").tolist() for n in range(2)] == [[0, 1, 2], [0, 1, 2, 3]]

    each_place(tmp_path, prepare, run, recover)


class Net(tf.Module):
    """A few variables that have one value."""

    def __init__(self, value):
        super().__init__()
        self.a = tf.Variable(np.full(3, value, np.float32))
        self.parts = [tf.Variable(np.float64(value)), tf.Variable(np.full((2, 2), value, np.int32))]

    def everything(self):
        return [self.a, *self.parts]

    def set(self, value):
        for variable in self.everything():
            variable.assign(np.full(variable.shape, value, variable.dtype.as_numpy_dtype))

    def value(self):
        [value] = {float(element) for variable in self.everything() for element in np.ravel(variable.numpy())}
        return value


def restored(path):
    net = Net(0)
    tf.train.Checkpoint(net=net).read(path).assert_existing_objects_matched()
    return net.value()


def test_a_saver(tmp_path):
    def prepare(place):
        net = Net(1)
        saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(net=net))
        saver.save(place / "c", 1)
        net.set(2)
        return place, net, saver

    def recover(subject, interrupt):
        place, net, saver = subject
        latest = tf.train.latest_checkpoint(place)
        assert latest[-1] in ("12" if interrupt.raised else "2")
        assert restored(latest) == float(latest[-1])
        assert net.value() == 2
        net.set(3)
        saver.save(place / "c", 2)
        assert restored(tf.train.latest_checkpoint(place)) == 3
        assert not list(place.glob("*.tmp-*"))

    each_place(tmp_path, prepare, lambda subject: subject[2].save(subject[0] / "c", 2), recover)


def test_a_managers_rotation(tmp_path):
    def prepare(place):
        net = Net(1)
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(net=net), place, 2)
        for value in (1, 2):
            net.set(value)
            manager.save()
        net.set(3)
        return place, net, manager

    def recover(subject, interrupt):
        place, net, manager = subject
        latest = tf.train.latest_checkpoint(place)
        assert latest[-1] in ("23" if interrupt.raised else "3")
        assert restored(latest) == float(latest[-1])
        for _ in range(2):
            net.set(int(manager.checkpoint.save_counter.numpy()) + 1)
            latest = manager.save()
            assert tf.train.latest_checkpoint(place) == latest
        assert restored(latest) == float(latest[-1])
        wanted = ["checkpoint", *(f"{path}{end}" for path in manager.checkpoints for end in (".data-00000-of-00001", ".index"))]
        assert sorted(path.name for path in place.iterdir()) == [os.path.basename(path) for path in wanted], interrupt.where

    each_place(tmp_path, prepare, lambda subject: subject[2].save(), recover)


@pytest.mark.parametrize("large", [False, True])
def test_a_restore(tmp_path, large, monkeypatch):
    """Also of values that are read into the memory of the old ones, which an interrupt must not leave half read."""
    if large:
        monkeypatch.setattr("minitf.runtimes.reusing.LARGE", 1)
        monkeypatch.setattr("minitf.runtimes.reusing.MUCH", 1)

    def prepare(place):
        path = tf.train.Checkpoint(net=Net(7)).save(place / "c")
        checkpoint = tf.train.Checkpoint(net=Net(0))
        assert checkpoint.save_counter.numpy() == 0
        return path, checkpoint

    def recover(subject, interrupt):
        path, checkpoint = subject
        found = checkpoint.net.value(), int(checkpoint.save_counter.numpy())
        assert found in (((0, 0), (7, 1)) if interrupt.raised else ((7, 1),)), interrupt.where
        checkpoint.net.set(0)
        checkpoint.restore(path).assert_consumed()
        assert checkpoint.net.value() == 7

    each_place(tmp_path, prepare, lambda subject: subject[1].restore(subject[0]), recover)


ASSIGNING = tuple(os.path.join("minitf", *name.split("/")) for name in ("runtimes/restoring.py", "runtimes/reusing.py",
    "core/unverified.py", "core/interrupts.py", "core/at_once.py", "core/overwriting.py",
    "storage/bundle/direct.py"))  # fmt: skip


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("again", [None, 1, 9])
@pytest.mark.parametrize("large", [False, True])
def test_a_restore_that_is_interrupted_again_and_again_while_it_assigns(tmp_path, large, again, mode, monkeypatch):
    """However often Ctrl-C comes, all variables have their old values or all their new ones."""
    if large:
        monkeypatch.setattr("minitf.runtimes.reusing.LARGE", 1)
        monkeypatch.setattr("minitf.runtimes.reusing.MUCH", 1)
    path = tf.train.Checkpoint(net=Net(7)).save(tmp_path / "c")
    graph = tf.Graph()
    with graph.as_default() if mode == "graph" else nullcontext():
        session = tf.compat.v1.Session() if mode == "graph" else nullcontext()
        with session:
            checkpoint = tf.train.Checkpoint(net=Net(0))
            everything = [*checkpoint.net.everything(), checkpoint.save_counter]
            if mode == "graph":
                session.run(tf.compat.v1.global_variables_initializer())
                cells = [session.store.cell(variable.handle) for variable in everything]
            else:
                cells = [variable.handle.cell for variable in everything]
            usual = signal.getsignal(signal.SIGINT)  # a program in the background of a shell ignores it
            for at in itertools.count():  # at 0 nothing comes: Python 3.13 follows a function from its second call on
                before = [np.copy(cell.value) for cell in cells]
                writes = [cell.writes for cell in cells]
                interrupt = Interrupt(at, again, times=4, inside=ASSIGNING)
                interrupt.call(lambda: checkpoint.restore(path).run_restore_ops())
                found = {int(np.ravel(cell.value)[0]) for cell in cells}
                assert found == ({0} if interrupt.raised and found == {0} else {7, 1}), interrupt.where
                assert all(len(set(np.ravel(cell.value))) == 1 for cell in cells), interrupt.where
                counted = {cell.writes - old for cell, old in zip(cells, writes, strict=True)}
                assert counted == ({0} if found == {0} else {1}), interrupt.where
                assert signal.getsignal(signal.SIGINT) is usual
                for cell, old in zip(cells, before, strict=True):
                    cell.write(np.zeros_like(old) if old.ndim else old.dtype.type(0))
                if interrupt.where is None and at:
                    break
            assert at > 10
