"""Checkpoints opened with ``lazy=True``: through the storage, readers, savers and ``Checkpoint``."""

import os
import tracemalloc

import numpy as np
import pytest

import minitf as tf
from minitf.errors import DataLossError
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.direct import mapped

MIB = 1 << 20
LARGE = np.arange(2 * MIB, dtype=np.float32).reshape(2, -1)
KEY = "w/.ATTRIBUTES/VARIABLE_VALUE"


class Model(tf.Module):
    """A large and a small variable."""

    def __init__(self, factor):
        super().__init__()
        self.w = tf.Variable(LARGE * factor)
        self.b = tf.Variable([1.0 * factor, 2.0 * factor])


@pytest.fixture
def prefix(tmp_path):
    path = str(tmp_path / "ckpt")
    tf.train.CheckpointableSaver(Model(1), storage=TensorBundle(durable=False)).save(path)
    return path


def files_in_use(prefix):
    """How often a data file of the checkpoint is open or mapped in this process."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith(prefix + ".")
        except OSError:
            continue
    return found


in_proc = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="needs /proc")


@in_proc
@pytest.mark.parametrize("verify", [False, True])
def test_only_large_values_are_mapped(prefix, verify):
    reader = TensorBundle(lazy=True, verify=verify).open(prefix)
    w, b = reader.read_many([KEY, KEY.replace("w/", "b/")])
    assert files_in_use(prefix) == 1
    np.testing.assert_array_equal(w, LARGE)
    assert b.tolist() == [1, 2]
    w += 1
    np.testing.assert_array_equal(reader.read(KEY), LARGE)
    del w
    assert files_in_use(prefix) == 0


def test_checksums_are_looked_at_when_a_value_is_mapped_or_never(prefix):
    with open(prefix + ".data-00000-of-00001", "r+b") as file:
        file.seek(MIB)
        file.write(b"\x77")
    with pytest.raises(DataLossError, match="checksum"):
        TensorBundle(lazy=True).open(prefix).read(KEY)
    assert TensorBundle(lazy=True, verify=False).open(prefix).read(KEY).shape == LARGE.shape
    with pytest.raises(DataLossError, match="checksum"):
        tf.train.load_checkpoint(prefix, lazy=True).get_tensor(KEY)


@in_proc
@pytest.mark.parametrize("new", [tf.train.load_checkpoint, tf.train.NewCheckpointReader])
def test_readers_map_on_request_only(prefix, new):
    value = new(prefix).get_tensor(KEY)
    assert files_in_use(prefix) == 0
    value = new(prefix, lazy=True).get_tensor(KEY)
    assert files_in_use(prefix) == 1
    np.testing.assert_array_equal(value, LARGE)


def restored(prefix, kind, **how):
    """A model that was made after the restore."""
    root = tf.train.Checkpoint() if kind == "Checkpoint" else tf.Module()
    if kind == "Checkpoint":
        status = root.read(prefix, **how)
    elif kind == "storage":
        status = tf.train.CheckpointableSaver(root, storage=TensorBundle(**how)).restore(prefix)
    else:
        status = tf.train.CheckpointableSaver(root).restore(prefix, **how)
    root.w = tf.Variable(np.zeros(LARGE.shape, np.float32))
    root.b = tf.Variable([0.0, 0.0])
    status.assert_consumed()
    np.testing.assert_array_equal(root.w.numpy(), LARGE)
    assert root.b.numpy().tolist() == [1, 2]
    return root, status


@in_proc
@pytest.mark.parametrize("kind", ["Checkpoint", "saver", "storage"])
def test_a_late_variable_takes_the_pages_over(prefix, kind):
    root, _ = restored(prefix, kind)
    assert files_in_use(prefix) == 0
    root, _ = restored(prefix, kind, lazy=True)
    assert files_in_use(prefix) == 1
    root.w.assign_add(np.ones(LARGE.shape, np.float32))
    np.testing.assert_array_equal(root.w.numpy(), LARGE + 1)
    assert files_in_use(prefix) == 0
    root, _ = restored(prefix, kind, lazy=True)
    saver = tf.train.CheckpointableSaver(root, storage=TensorBundle(durable=False))
    saver.save(prefix)  # over the file whose pages are the value
    np.testing.assert_array_equal(root.w.numpy(), LARGE)
    np.testing.assert_array_equal(tf.train.load_checkpoint(prefix).get_tensor(KEY), LARGE)


def test_pages_cost_no_memory(prefix):
    model = Model(2)
    storage = TensorBundle(lazy=True, verify=False)
    tracemalloc.start()
    tf.train.CheckpointableSaver(model, storage=storage).restore(prefix)
    assert tracemalloc.get_traced_memory()[1] < MIB
    tracemalloc.stop()
    np.testing.assert_array_equal(model.w.numpy(), LARGE)


def test_much_that_exists_is_mapped_too(tmp_path):
    path = str(tmp_path / "much")
    root = tf.Module()
    root.all = [tf.Variable(np.full(4 * MIB, i, np.float32)) for i in range(3)]
    tf.train.CheckpointableSaver(root, storage=TensorBundle(durable=False)).save(path)
    for variable in root.all:
        variable.assign(np.zeros(4 * MIB, np.float32))
    tf.train.CheckpointableSaver(root).restore(path, lazy=True).assert_consumed()
    assert [variable.numpy()[-1] for variable in root.all] == [0, 1, 2]


def test_a_graph_maps_when_its_operations_run(prefix):
    with tf.Graph().as_default(), tf.Session():
        model = Model(0)
        status = tf.train.CheckpointableSaver(model).restore(prefix, lazy=True)
        status.run_restore_ops()
        np.testing.assert_array_equal(model.w.eval(), LARGE)


def test_a_saver_with_a_storage_asks_that(prefix):
    with pytest.raises(ValueError, match="give lazy=True to that"):
        tf.train.CheckpointableSaver(Model(0), storage=TensorBundle()).restore(prefix, lazy=True)


def test_what_cannot_be_mapped_is_read(tmp_path):
    path = str(tmp_path / "mixed")
    values = {"flags": np.arange(MIB) % 2 == 0, "texts": np.array([b"x" * MIB], object)}
    TensorBundle(durable=False).write(path, values)
    reader = TensorBundle(lazy=True).open(path)
    assert mapped(reader, "flags", True) is None
    flags, texts = reader.read_many(["flags", "texts"])
    assert (flags == values["flags"]).all()
    assert texts.tolist() == values["texts"].tolist()
