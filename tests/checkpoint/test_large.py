"""Large values: how much memory saves and restores need, and that reusing memory changes nothing else."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from minitf.errors import DataLossError, DTypeError, ShapeError
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.files import Disk
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices
from tests.kernel import traced

MIB = 1 << 20
COUNT, EACH = 6, 16 * MIB
FAST = TensorBundle(durable=False)
STORAGES = {kind.name: kind(durable=False) for kind in (TensorBundle, Safetensors, Npz, TensorSlices)}


class Model(tf.Module):
    """Six variables of 16 MiB; ``number`` tells their values."""

    def __init__(self, number):
        super().__init__()
        self.parts = [tf.Variable(np.full(EACH // 4, 10 * number + i, np.float32)) for i in range(COUNT)]


def numbers(model, session=None):
    values = [part.numpy() if session is None else session.run(part) for part in model.parts]
    assert all((value == value[0]).all() for value in values)
    return [float(value[0]) for value in values]


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "ckpt")


@pytest.mark.parametrize("name", STORAGES)
def test_eager_saves_and_restores_need_little_memory(prefix, name):
    model = Model(1)
    saver = tf.train.CheckpointableSaver(model, storage=STORAGES[name])
    assert traced(lambda: saver.save(prefix)) < 8 * MIB
    for part in model.parts:
        part.assign(np.zeros(EACH // 4, np.float32))
    assert traced(lambda: saver.restore(prefix).assert_consumed()) < 8 * MIB
    assert numbers(model) == [10, 11, 12, 13, 14, 15]


def test_restores_in_a_graph_need_little_memory(prefix):
    tf.train.CheckpointableSaver(Model(1), storage=FAST).save(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        model = Model(0)
        session.run(tf.compat.v1.global_variables_initializer())
        for part in model.parts:  # the constants of the graph hold the arrays of the first values
            part.load(np.zeros(EACH // 4, np.float32))
        status = tf.train.CheckpointableSaver(model, storage=FAST).restore(prefix)
        assert traced(status.run_restore_ops) < 8 * MIB
        assert numbers(model, session) == [10, 11, 12, 13, 14, 15]


KINDS = {"of 64 KiB": (1500, 16384, np.float32), "of 4 KiB": (12_000, 1024, np.float32), "bool": (6, 16 * MIB, np.bool_)}


def variables(kind, value):
    count, length, dtype = KINDS[kind]
    return [tf.Variable(np.full(length, value, dtype), name=f"v{n}") for n in range(count)]


def all_are(found, value):
    return all((one == value).all() for one in found)


@pytest.mark.parametrize("kind", KINDS)
def test_it_matters_neither_how_large_each_value_is_nor_what_it_is_of(prefix, kind):
    """What is restored into new memory is at most 32 MiB; the variables have 90."""
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variables(kind, 1)), storage=FAST)
    assert traced(lambda: saver.save(prefix)) < 24 * MIB
    now = variables(kind, 0)
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=now), storage=FAST)
    assert traced(lambda: saver.restore(prefix).assert_consumed()) < 64 * MIB
    assert all_are([one.numpy() for one in now], 1)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("kind", ["of 64 KiB", "bool"])
def test_a_saver_by_names_needs_little_memory_too(prefix, kind, mode):
    graph = mode == "graph"
    with tf.Graph().as_default() if graph else nullcontext(), tf.Session() if graph else nullcontext() as session:
        found = variables(kind, 0)
        if graph:
            session.run([one.initializer for one in found])
        saver = tf.train.Saver(found)

        def put(value):
            for one in found:  # a graph's constants hold the arrays of the first values
                array = np.full(KINDS[kind][1], value, KINDS[kind][2])
                one.load(array, session) if graph else one.assign(array)

        put(1)
        assert traced(lambda: saver.save(session, prefix)) < 24 * MIB
        put(0)
        assert traced(lambda: saver.restore(session, prefix)) < 64 * MIB
        assert all_are(session.run(found) if graph else [one.numpy() for one in found], 1)
        with open(prefix + ".data-00000-of-00001", "r+b") as file:
            file.seek(-5, 2)
            file.write(b"\x77")
        put(0)
        with pytest.raises(DataLossError):
            saver.restore(session, prefix)
        assert all_are(session.run(found) if graph else [one.numpy() for one in found], 0)


@pytest.mark.parametrize("dtype", ["float32", "int32", "float16", "complex64", "bool"])
@pytest.mark.parametrize("name", STORAGES)
def test_it_matters_not_of_which_dtype_a_value_is(prefix, name, dtype):
    variable = tf.Variable(np.full(16 * MIB, -3 if dtype == "int32" else 1, dtype))
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=STORAGES[name])
    assert traced(lambda: saver.save(prefix)) < 8 * MIB
    variable.assign(np.zeros(16 * MIB, dtype))
    new = 16 * MIB if dtype == "bool" else 0  # so little is read into new memory
    assert traced(lambda: saver.restore(prefix).assert_consumed()) < new + 16 * MIB
    assert (variable.numpy() == (-3 if dtype == "int32" else 1)).all()


@pytest.mark.parametrize("name", STORAGES)
def test_a_background_save_needs_one_copy_of_the_values(prefix, name):
    model = Model(1)
    storage = BackgroundStorage(STORAGES[name])
    saver = tf.train.CheckpointableSaver(model, storage=storage)

    def save():
        saver.save(prefix)
        storage.wait()

    assert traced(save) < 1.1 * COUNT * EACH + 8 * MIB


FILES = {"tf-v2": ".data-00000-of-00001", "safetensors": ".safetensors", "npz": ".npz", "tf-v1": ""}  # where the values stand


@pytest.mark.parametrize("name", STORAGES)
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_damaged_file_changes_no_variable(prefix, place, name):
    tf.train.CheckpointableSaver(Model(1), storage=STORAGES[name]).save(prefix)
    path = Path(prefix + FILES[name])
    content = bytearray(path.read_bytes())
    value = np.full(EACH // 4, 10 if place == "first" else 15, np.float32).tobytes()
    content[content.index(value) + (5 if place == "first" else EACH - 5)] ^= 0x77
    path.write_bytes(content)
    model = Model(2)
    with pytest.raises(DataLossError):
        tf.train.CheckpointableSaver(model).restore(prefix)
    assert numbers(model) == [20, 21, 22, 23, 24, 25]


def test_a_variable_that_does_not_fit_leaves_the_others_as_they_are(prefix):
    tf.train.CheckpointableSaver(Model(1), storage=FAST).save(prefix)
    model = Model(2)
    model.parts.append(tf.Variable(0))
    other = Model(2)
    other.parts.append(tf.Variable(0.0))
    tf.train.CheckpointableSaver(other, storage=FAST).save(prefix)
    with pytest.raises(DTypeError):
        tf.train.CheckpointableSaver(model).restore(prefix)
    assert numbers_of_floats(model) == [20, 21, 22, 23, 24, 25]


def numbers_of_floats(model):
    return [float(part.numpy()[0]) for part in model.parts[:COUNT]]


def test_what_others_hold_is_never_overwritten(prefix):
    tf.train.CheckpointableSaver(Model(1), storage=FAST).save(prefix)
    model = Model(2)
    tensor = model.parts[0].read_value()
    view = np.asarray(model.parts[1]._handle.cell.value)[:10]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model.parts[2] * model.parts[2])
    tf.train.CheckpointableSaver(model).restore(prefix)
    assert numbers(model) == [10, 11, 12, 13, 14, 15]
    assert (tensor.numpy() == 20).all()
    assert (view == 21).all()
    assert (tape.gradient(loss, model.parts[2]).numpy() == 44).all()


def test_a_value_that_was_given_out_stays(prefix):
    saver = tf.train.CheckpointableSaver(Model(1), storage=FAST)
    saver.save(prefix)
    model = Model(2)
    mine = [part.numpy() for part in model.parts]
    tf.train.CheckpointableSaver(model).restore(prefix)
    assert [value[0] for value in mine] == [20, 21, 22, 23, 24, 25]
    assert numbers(model) == [10, 11, 12, 13, 14, 15]


# Strings and pieces --------------------------------------------------------------------------------------------------------


def texts(number, count=60_000):
    out = np.empty(count, object)
    out[:] = [b"%d-%d" % (number, place) * 100 for place in range(count)]
    return out


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_damaged_strings_change_no_variable(prefix, place, mode):
    graph = mode == "graph"
    with tf.Graph().as_default() if graph else nullcontext(), tf.Session() if graph else nullcontext() as session:
        found = [tf.Variable(texts(n), name=f"v{n}") for n in range(2)]
        if graph:
            session.run([one.initializer for one in found])
        saver = tf.train.Saver(found)

        def are(numbers):
            values = session.run(found) if graph else [one.numpy() for one in found]
            assert all((value == texts(number)).all() for value, number in zip(values, numbers, strict=True))

        saver.save(session, prefix)
        for one, number in zip(found, (7, 8), strict=True):
            one.load(texts(number), session) if graph else one.assign(texts(number))
        held = [cell.value for cell in map(lambda one: one.handle.cell, found)] if not graph else None  # noqa: C417
        saver.restore(session, prefix)
        are([0, 1])
        if held is not None:  # what somebody holds is left alone
            assert all((value == texts(number)).all() for value, number in zip(held, (7, 8), strict=True))
        for one, number in zip(found, (7, 8), strict=True):
            one.load(texts(number), session) if graph else one.assign(texts(number))
        with open(prefix + ".data-00000-of-00001", "r+b") as file:
            file.seek(70_000 if place == "first" else -5, 0 if place == "first" else 2)
            file.write(b"\x07")
        with pytest.raises(DataLossError):
            saver.restore(session, prefix)
        are([7, 8])


def test_the_array_of_strings_is_the_same_after_a_restore(prefix):
    variable = tf.Variable(texts(1))
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=FAST)
    saver.save(prefix)
    variable.assign(texts(2))
    before = id(variable.handle.cell.value)
    for _ in range(2):  # what a restore leaves can be reused by the next one
        saver.restore(prefix).assert_consumed()
        assert id(variable.handle.cell.value) == before
        assert (variable.numpy() == texts(1)).all()


@pytest.mark.parametrize(("saved", "restored", "axis"), [(None, 3, 0), (3, None, 1), (2, 3, 1)])
def test_damaged_pieces_change_no_variable(prefix, saved, restored, axis):
    shape = (2048, 6144)  # 48 MiB

    def table(count):
        cut = None if count is None else tf.fixed_size_partitioner(count, axis)
        return tf.get_variable("t", shape, tf.float32, tf.ones_initializer(), partitioner=cut)

    def value(session, variable):
        return session.run(tf.convert_to_tensor(variable))

    with tf.Graph().as_default(), tf.Session() as session:
        table(saved)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        variable = table(restored)
        pieces = [variable] if restored is None else list(variable)
        for piece in pieces:
            piece.initializer.run()
            piece.load(np.full(piece.shape.as_list(), 7, np.float32), session)
        saver = tf.train.Saver()
        saver.restore(session, prefix)
        assert (value(session, variable) == 1).all()
        for piece in pieces:
            piece.load(np.full(piece.shape.as_list(), 7, np.float32), session)
        with open(prefix + ".data-00000-of-00001", "r+b") as file:
            file.seek(-5, 2)
            file.write(b"\x77")
        with pytest.raises(DataLossError):
            saver.restore(session, prefix)
        assert (value(session, variable) == 7).all()


def test_pieces_of_a_variable_of_another_shape(prefix):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("t", (4096, 4096), tf.float32, tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2))
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("t", (4096, 4100), tf.float32, tf.ones_initializer(), partitioner=tf.fixed_size_partitioner(2))
        session.run(tf.global_variables_initializer())
        with pytest.raises(ShapeError, match=r"\(4096, 4096\).*the partitioned variable has shape \(4096, 4100\)"):
            tf.train.Saver().restore(session, prefix)


# Other dtypes and shapes -----------------------------------------------------------------------------------------------------


class Counted:
    """Counts the bytes that are read from files."""

    def __init__(self, monkeypatch):
        self.bytes = 0
        read = Disk.read

        def counting(disk, handle, into, offset):
            self.bytes += len(into)
            return read(disk, handle, into, offset)

        monkeypatch.setattr(Disk, "read", counting)


@pytest.mark.parametrize("size", [1, 16 * MIB])
@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("by_names", [True, False])
def test_a_value_of_another_dtype_is_refused_before_it_is_read(prefix, monkeypatch, size, mode, by_names):
    graph = mode == "graph"
    with tf.Graph().as_default() if graph else nullcontext(), tf.Session() if graph else nullcontext() as session:

        def saver_of(value):
            variable = tf.Variable(value, name="v")
            if graph:
                session.run(variable.initializer)
            if by_names:
                return variable, tf.train.Saver({"v": variable})
            return variable, tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=FAST)

        def restore():
            if by_names:
                saver.restore(session, prefix)
            else:
                saver.restore(prefix).assert_consumed().run_restore_ops()

        _, saver = saver_of(np.zeros(16 * MIB, np.float32))
        saver.save(session, prefix) if by_names else saver.save(prefix)
        variable, saver = saver_of(np.ones(size, np.int32))
        counted = Counted(monkeypatch)
        with pytest.raises(DTypeError, match=r"float32.* int32.*Nothing was assigned"):
            restore()
        assert counted.bytes < MIB
        assert (session.run(variable) if graph else variable.numpy()).all()


OPEN = {
    "numbers": (lambda n: np.full((n, 1024), n % 100, np.float32), (None, 1024), (12_000, 9_000, 15_000)),
    "no rank": (lambda n: np.full((n, 1024), n % 100, np.float32), None, (12_000, 9_000, 15_000)),
    "strings": (lambda n: texts(n % 100, n), (None,), (60_000, 50_000, 70_000)),
}


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("kind", OPEN)
def test_a_variable_whose_shape_is_open_takes_another_shape_into_its_memory(prefix, kind, mode):
    make, shape, (stored, *others) = OPEN[kind]
    graph = mode == "graph"
    with tf.Graph().as_default() if graph else nullcontext(), tf.Session() if graph else nullcontext() as session:
        variable = tf.Variable(make(stored), shape=tf.TensorShape(shape), name="v")
        other = tf.Variable(np.zeros(MIB, np.float32), name="w")
        if graph:
            session.run([variable.initializer, other.initializer])
        saver = tf.train.Saver([variable, other])

        def value():
            return session.run(variable) if graph else variable.numpy()

        saver.save(session, prefix)
        cell = session.store.cell(variable.handle) if graph else variable.handle.cell
        for number in others:
            cell.value = make(number)
            before = id(cell.value)
            saver.restore(session, prefix)
            assert id(cell.value) == before
            assert value().shape == make(stored).shape
            assert (value() == make(stored)).all()
        cell.value = make(others[0])
        with open(prefix + ".data-00000-of-00001", "r+b") as file:
            file.seek(-5, 2)
            file.write(b"\x77")
        with pytest.raises(DataLossError):
            saver.restore(session, prefix)
        assert (value() == make(others[0])).all()


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_reshaping_needs_no_second_copy(prefix, mode):
    graph = mode == "graph"
    with tf.Graph().as_default() if graph else nullcontext(), tf.Session() if graph else nullcontext() as session:
        saved = tf.Variable(np.arange(16 * MIB, dtype=np.float32).reshape(4, -1), name="s")
        found = tf.Variable(np.zeros((1024, 16 * 1024), np.float32), name="v")
        if graph:
            session.run([saved.initializer, found.initializer])
            found.load(np.zeros((1024, 16 * 1024), np.float32), session)
        tf.train.Saver({"v": saved}).save(session, prefix)
        cell = session.store.cell(found.handle) if graph else found.handle.cell
        before = id(cell.value)
        saver = tf.train.Saver([found], reshape=True)
        for _ in range(2):
            assert traced(lambda: saver.restore(session, prefix)) < 8 * MIB
            assert id(cell.value) == before
        value = session.run(found) if graph else found.numpy()
        assert value.shape == (1024, 16 * 1024)
        assert (value.ravel() == np.arange(16 * MIB)).all()
        with pytest.raises(ShapeError, match=r"shape \(4, 4194304\).*\(1024, 16384\)"):
            tf.train.Saver([found]).restore(session, prefix)


@pytest.mark.parametrize("name", STORAGES)
def test_an_open_shape_takes_what_any_storage_has(prefix, name):
    variable = tf.Variable(np.ones((10_000, 1024), np.float32), shape=(None, 1024))
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=STORAGES[name])
    saver.save(prefix)
    variable.assign(np.zeros((12_000, 1024), np.float32))
    saver.restore(prefix).assert_consumed()
    assert variable.numpy().shape == (10_000, 1024)
    assert variable.numpy().all()
