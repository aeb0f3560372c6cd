"""frozen_saver and streaming_restore."""

import numpy as np
import pytest

import minitf as tf


class Counter(tf.train.PythonState):
    def __init__(self):
        super().__init__()
        self.n = 0

    def serialize(self):
        return str(self.n)

    def deserialize(self, string_value):
        self.n = int(string_value)


class Group(tf.train.Trackable):
    """Two tensors saved and restored together."""

    def __init__(self):
        self.low, self.high = tf.Variable(1.0), tf.Variable(2.0)

    def _serialize_to_tensors(self):
        return {"low": self.low.read_value(), "high": self.high.read_value()}

    def _restore_from_tensors(self, tensors):
        return tf.group(self.low.assign(tensors["low"]), self.high.assign(tensors["high"]))


def value(mode, x):
    """The value as it is: nothing is initialised."""
    return mode.session.run(x) if mode.name == "graph" else x.numpy()


def root_of(value=0.0):
    root = tf.train.AutoTrackable()
    root.v = tf.Variable(value)
    root.inner = tf.train.AutoTrackable()
    root.inner.w = tf.Variable([value, value])
    return root


@pytest.mark.behaviour("S129")
def test_a_frozen_saver_keeps_to_the_objects_of_its_making(mode, tmp_path):
    with mode.scope():
        root = root_of(3.0)
        root.state, root.group = Counter(), Group()
        root.state.n = 5
        v, w, low = root.v, root.inner.w, root.group.low
        for variable in (v, w, low, root.group.high):
            mode.value(variable)
        saver = tf.train.frozen_saver(root)
        root.late = tf.Variable(1.0)
        del root.inner
        path = saver.save(tmp_path / "frozen", session=getattr(mode, "session", None))
        assert path == str(tmp_path / "frozen")
        listed = [name.split("/.")[0] for name, _ in tf.train.list_variables(path)]
        assert listed == ["_CHECKPOINTABLE_OBJECT_GRAPH", "group", "group", "inner/w", "state", "v"]
        mode.value(v.assign(9.0))
        mode.value(w.assign([9.0, 9.0]))
        mode.value(low.assign(9.0))
        root.state.n = 9
        saver.restore(path)
        assert (mode.value(v), mode.value(w).tolist(), mode.value(low), root.state.n) == (3.0, [3.0, 3.0], 1.0, 5)


@pytest.mark.behaviour("S129")
def test_its_files_are_ordinary_checkpoints_and_ordinary_ones_are_its(mode, tmp_path):
    with mode.scope():
        group = tf.train.Checkpoint(v=tf.Variable(3.0))
        mode.value(group.v)
        mode.value(group.save_counter.assign(12))
        path = tf.train.frozen_saver(group).save(tmp_path / "frozen")
        fresh = tf.train.Checkpoint()
        status = fresh.restore(path)
        fresh.v = tf.Variable(0.0)
        status.assert_consumed().run_restore_ops()
        assert (value(mode, fresh.save_counter), value(mode, fresh.v)) == (12, 3.0)
        tf.train.frozen_saver(group).restore(path)
        assert mode.value(group.v) == 3.0


def test_a_frozen_graph_grows_once(tmp_path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        root = root_of()
        session.run(tf.global_variables_initializer())
        saver = tf.train.frozen_saver(root)
        path = saver.save(tmp_path / "frozen")
        saver.restore(path)
        operations = len(graph.get_operations())
        graph.finalize()  # from here on, adding an operation would raise
        session.run(root.v.initializer)
        saver.save(path)
        saver.restore(path)
        assert len(graph.get_operations()) == operations


def test_a_frozen_saver_needs_all_its_values(tmp_path):
    small = tf.train.AutoTrackable()
    small.v = tf.Variable(1.0)
    path = tf.train.frozen_saver(small).save(tmp_path / "small")
    root = root_of(7.0)
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.frozen_saver(root).restore(path)
    assert float(root.v) == 7.0


# -- streaming ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    return tf.train.CheckpointableSaver(root_of(3.0)).save(str(tmp_path / "saved"))


@pytest.mark.behaviour("S186")
def test_streaming_runs_each_restore_op_as_soon_as_it_exists(saved):
    with tf.Graph().as_default(), tf.Session() as session:
        root = tf.train.AutoTrackable()
        root.v = tf.Variable(0.0)
        status = tf.train.CheckpointableSaver(root).restore(saved)
        tf.train.streaming_restore(status)
        assert session.run(root.v) == 3.0
        inner = tf.train.AutoTrackable()
        inner.w = tf.Variable([0.0, 0.0])
        root.inner = inner
        assert session.run(inner.w).tolist() == [3.0, 3.0]
        status.assert_consumed()
        session.run(root.v.assign(1.0))
        status.run_restore_ops()
        assert session.run(root.v) == 3.0


@pytest.mark.behaviour("S186")
def test_streaming_does_nothing_in_eager_mode(saved):
    root = root_of()
    status = tf.train.CheckpointableSaver(root).restore(saved)
    root.v.assign(1.0)
    tf.train.streaming_restore(status)
    assert float(root.v) == 1.0


@pytest.mark.behaviour("S186")
def test_streaming_needs_an_object_based_checkpoint_and_a_session(saved, tmp_path):
    by_name = tf.train.Saver([tf.Variable(1.0, name="v")]).save(None, str(tmp_path / "named"))
    with tf.Graph().as_default():
        root = tf.train.AutoTrackable()
        saver = tf.train.CheckpointableSaver(root)
        with pytest.raises(RuntimeError, match="session"):
            tf.train.streaming_restore(saver.restore(saved))
        with tf.Session():
            with pytest.raises(NotImplementedError):
                tf.train.streaming_restore(saver.restore(by_name))
            with pytest.raises(AssertionError):
                tf.train.streaming_restore(saver.restore(None))


def test_a_scalar_is_restored_as_a_scalar(mode, tmp_path):
    with mode.scope():
        root = root_of(3.0)
        mode.value(root.v)
        frozen = tf.train.frozen_saver(root)
        prefix = frozen.save(tmp_path / "a")
        frozen.restore(prefix)
        assert type(mode.value(root.v)) is np.float32
    assert repr(frozen) == "<frozen saver of 2 values>"


def test_a_graph_may_be_finalized_once_it_is_built(tmp_path):
    root = tf.train.AutoTrackable()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        root.v, root.group, root.counter = tf.Variable(1.0), Group(), Counter()
        frozen = tf.train.frozen_saver(root)
        frozen.build()
        session.run(tf.global_variables_initializer())
        change = tf.group(root.v.assign(0.0), root.group.low.assign(0.0))
        graph.finalize()
        root.counter.n = 7
        prefix = frozen.save(tmp_path / "a")
        session.run(change)
        root.counter.n = 0
        frozen.restore(prefix)
        assert session.run([root.v, root.group.low]) == [1.0, 1.0]
        assert root.counter.n == 7
