"""Checkpoints opened with ``lazy=True``: through the storage, readers, savers and ``Checkpoint``."""

import os
import threading
import tracemalloc

import numpy as np
import pytest

import minitf as tf
from minitf.core.state import Cell
from minitf.core.unverified import Unverified, take_over
from minitf.errors import DataLossError
from minitf.storage.bundle import TensorBundle, spans
from minitf.storage.bundle.direct import mapped
from minitf.storage.bundle.lazy import reader_for
from minitf.storage.values import Partitioned

from .values_to_save import equal, strings

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
@pytest.mark.parametrize("lazy", [True, "first use", "unverified"])
def test_only_large_values_are_mapped(prefix, lazy):
    reader = TensorBundle(lazy=lazy).open(prefix)
    w, b = reader.read_many([KEY, KEY.replace("w/", "b/")])
    assert files_in_use(prefix) == 1
    np.testing.assert_array_equal(w, LARGE)
    assert b.tolist() == [1, 2]
    w += 1
    np.testing.assert_array_equal(reader.read(KEY), LARGE)
    del w
    assert files_in_use(prefix) == 0


@in_proc
@pytest.mark.parametrize(("size", "count"), [((1 << 16) - 1, 0), (1 << 16, 1)])
def test_from_64_kib_on_a_value_is_mapped(tmp_path, size, count):
    prefix = str(tmp_path / "p")
    TensorBundle(durable=False).write(prefix, {"v": np.ones(size, np.uint8)})
    value = TensorBundle(lazy=True).open(prefix).read("v")
    assert files_in_use(prefix) == count
    assert value.sum() == size


def test_checksums_are_looked_at_when_a_value_is_mapped_or_never(prefix):
    with open(prefix + ".data-00000-of-00001", "r+b") as file:
        file.seek(MIB)
        file.write(b"\x77")
    with pytest.raises(DataLossError, match="checksum"):
        TensorBundle(lazy=True).open(prefix).read(KEY)
    assert TensorBundle(lazy="unverified").open(prefix).read(KEY).shape == LARGE.shape
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
    storage = TensorBundle(lazy="unverified")
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
    assert mapped(reader, ["flags", "texts"], 0, True) == [None, None]
    flags, texts = reader.read_many(["flags", "texts"])
    assert (flags == values["flags"]).all()
    assert texts.tolist() == values["texts"].tolist()


# Verified at the first use ------------------------------------------------------------------------------------------------


def damage(prefix):
    """Changes a byte of ``w``."""
    with open(prefix + ".data-00000-of-00001", "r+b") as file:
        file.seek(MIB)
        file.write(b"\x77")


WAYS = {
    "numpy": lambda w, _: w.numpy(),
    "an op": lambda w, _: w + 1.0,
    "assign_add": lambda w, _: w.assign_add(np.ones(LARGE.shape, np.float32)),
    "its tensor": lambda w, _: w.read_value(),
    "a save": lambda w, path: tf.train.CheckpointableSaver(Holder(w), storage=TensorBundle(durable=False)).save(path),
}


class Holder(tf.Module):
    """Holds a variable."""

    def __init__(self, w):
        super().__init__()
        self.w = w


def first_use(prefix, late):
    """A model restored over or before it was made."""
    if not late:
        model = Model(2)
        tf.train.CheckpointableSaver(model).restore(prefix, lazy="first use").assert_consumed()
        return model
    root = tf.train.Checkpoint()
    status = root.read(prefix, lazy="first use")
    root.w, root.b = tf.Variable(np.zeros(LARGE.shape, np.float32)), tf.Variable([0.0, 0.0])
    status.assert_consumed()
    return root


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("late", [False, True])
def test_damage_is_known_at_the_first_use_and_each_time(prefix, tmp_path, late, way):
    damage(prefix)
    model = first_use(prefix, late)
    assert model.b.numpy().tolist() == [1, 2]
    named = rf"{prefix}: key '{KEY}': checksum does not match: .* at offset 0 of data file 0"
    for _ in range(2):
        with pytest.raises(DataLossError, match=named):
            WAYS[way](model.w, str(tmp_path / "never"))
    assert not list(tmp_path.glob("never*"))
    model.w.assign(LARGE)
    np.testing.assert_array_equal(model.w.numpy(), LARGE)


@in_proc
@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_looked_at_before_the_first_use(prefix, late, monkeypatch):
    checked = []
    inner = spans.checksums
    monkeypatch.setattr(spans, "checksums", lambda views: checked.extend(map(len, views)) or inner(views))
    model = first_use(prefix, late)
    assert tf.report_uninitialized_variables([model.w]).numpy().tolist() == []
    assert files_in_use(prefix) == 1
    assert checked == []
    for _ in range(2):
        np.testing.assert_array_equal(model.w.numpy(), LARGE)
    assert checked == [LARGE.nbytes]
    model.w.assign_add(np.ones(LARGE.shape, np.float32))
    np.testing.assert_array_equal(model.w.numpy(), LARGE + 1)
    assert checked == [LARGE.nbytes]
    assert files_in_use(prefix) == 0


def test_a_damaged_value_that_nobody_needs_can_be_written_and_restored_over(prefix, tmp_path):
    good = str(tmp_path / "good")
    tf.train.CheckpointableSaver(Model(3), storage=TensorBundle(durable=False)).save(good)
    damage(prefix)
    model = first_use(prefix, False)
    tf.train.CheckpointableSaver(model).restore(good)
    np.testing.assert_array_equal(model.w.numpy(), LARGE * 3)
    tf.train.CheckpointableSaver(model).restore(prefix, lazy="first use")
    tf.train.CheckpointableSaver(model).restore(good, lazy="first use")
    np.testing.assert_array_equal(model.w.numpy(), LARGE * 3)


def test_a_graph_verifies_when_a_run_needs_the_value(prefix):
    damage(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        model = Model(0)
        status = tf.train.CheckpointableSaver(model).restore(prefix, lazy="first use")
        status.run_restore_ops()
        assert session.run(model.b).tolist() == [1, 2]
        with pytest.raises(DataLossError, match="checksum"):
            session.run(model.w)
        session.run(model.w.initializer)
        assert session.run(model.w).max() == 0


def test_readers_hand_out_verified_bytes(prefix):
    reader = tf.train.load_checkpoint(prefix, lazy="first use")
    np.testing.assert_array_equal(reader.get_tensor(KEY), LARGE)
    damage(prefix)
    with pytest.raises(DataLossError, match="checksum"):
        tf.train.load_checkpoint(prefix, lazy="first use").get_tensor(KEY)


def test_another_shape_or_dtype_is_refused_now(prefix):
    root = tf.Module()
    root.w = tf.Variable(np.zeros(LARGE.shape, np.int32))
    with pytest.raises(tf.errors.InvalidArgumentError, match="int32"):
        tf.train.CheckpointableSaver(root).restore(prefix, lazy="first use")
    root.w = tf.Variable(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="has shape"):
        tf.train.CheckpointableSaver(root).restore(prefix, lazy="first use")
    assert root.w.numpy().tolist() == [0, 0, 0]


def test_a_write_while_another_thread_verifies_is_not_lost(prefix):
    cell = Cell(None, None)
    started, go_on = threading.Event(), threading.Event()

    def check():
        started.set()
        assert go_on.wait(10)

    take_over(cell, Unverified(np.zeros(3), check))
    seen = []
    reading = threading.Thread(target=lambda: seen.append(cell.read().tolist()))
    reading.start()
    assert started.wait(10)
    cell.write(np.ones(3))
    go_on.set()
    reading.join()
    assert seen == [[0, 0, 0]]
    assert cell.read().tolist() == [1, 1, 1]
    assert cell.writes == 2
    assert type(cell) is Cell


def test_a_cell_of_another_class_verifies_at_once():
    class Own(Cell):
        __slots__ = ()

    cell, checked = Own(None, None), []
    assert cell.empty
    take_over(cell, Unverified(np.ones(2), lambda: checked.append(1)))
    assert checked == [1]
    assert cell.read().tolist() == [1, 1]
    assert not cell.empty


def test_values_of_one_file_share_a_mapping_and_give_it_back(tmp_path):
    path = str(tmp_path / "x")
    TensorBundle(durable=False).write(path, {name: np.full(MIB, number) for number, name in enumerate("abc")})
    reader = TensorBundle(lazy="first use").open(path)
    values = [value.verified() for value in reader.unverified("abc")]
    assert len({id(value.base) for value in values}) == 1
    assert [int(value[-1]) for value in values] == [0, 1, 2]
    own = reader.read("a")
    own += 5
    assert (reader.read("a") == 0).all()
    assert (values[0] == 0).all()
    if os.path.exists("/proc/self/fd"):
        assert files_in_use(path) == 2
        del values, own
        assert files_in_use(path) == 0


def test_a_choice_that_there_is_not():
    with pytest.raises(ValueError, match="lazy='sometimes': it is one of False, True, 'first use', 'unverified'"):
        TensorBundle(lazy="sometimes")


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("lazy", [True, "first use", "unverified"])
def test_a_waiting_restore_takes_the_checkpoint_as_it_is_then(prefix, lazy, shards):
    root = tf.train.Checkpoint()
    status = root.read(prefix, lazy=lazy)
    tf.train.CheckpointableSaver(Model(5), storage=TensorBundle(durable=False, shards=shards)).save(prefix)
    root.w, root.b = tf.Variable(np.zeros(LARGE.shape, np.float32)), tf.Variable([0.0, 0.0])
    status.assert_consumed()
    np.testing.assert_array_equal(root.w.numpy(), LARGE * 5)


def test_a_value_beyond_the_end_of_a_file_that_is_mapped_already(tmp_path):
    path = str(tmp_path / "x")
    TensorBundle(durable=False).write(path, {"a": np.zeros(MIB), "b": np.ones(MIB)})
    os.truncate(path + ".data-00000-of-00001", 12 * MIB)
    reader = TensorBundle(lazy="first use").open(path)
    [a] = reader.unverified(["a"])
    with pytest.raises(DataLossError, match="key 'b': read less bytes than requested"):
        reader.unverified(["b"])
    assert (a.verified() == 0).all()


def test_values_of_64_kib_and_more_are_mapped(tmp_path):
    least = 1 << 16
    TensorBundle(durable=False).write(tmp_path / "p", {"below": np.zeros(least - 1, np.uint8), "at": np.zeros(least, np.uint8)})
    below, at = TensorBundle(lazy=True).open(tmp_path / "p").read_many(["below", "at"])
    assert (below.flags.owndata, at.flags.owndata) == (True, False)


@pytest.mark.parametrize("lazy", [True, "first use", "unverified"])
def test_arrays_that_are_there_are_filled_whatever_is_mapped(tmp_path, lazy):
    """Of large values, of small ones and of what is never mapped; in row order or not."""
    prefix = str(tmp_path / "p")
    text = strings([b"a", b"", b"x" * 100_000])
    halves = [(((0, 1), None), LARGE[:1]), (((1, 1), None), LARGE[1:])]
    contents = {"w": LARGE, "b": LARGE[:, :3].copy(), "t": text, "p": Partitioned(LARGE.shape, halves), "e": LARGE[:0]}
    TensorBundle(durable=False).write(prefix, contents)
    reader = TensorBundle(lazy=lazy).open(prefix)
    for key in contents:
        wanted = reader.read(key)
        plain = np.empty_like(wanted)
        reader.read_into(key, plain)
        assert equal(plain, wanted)
        turned = np.empty(wanted.shape[::-1], wanted.dtype).T
        reader.read_into(key, turned)
        assert equal(np.ascontiguousarray(turned), wanted)


def test_which_readers_compare_checksums():
    assert {lazy: reader_for(lazy).verified for lazy in (True, "first use", "unverified")} == {
        True: True,
        "first use": True,
        "unverified": False,
    }
