"""The three journeys of minitf, told in both runtimes. Read this first.

1. An expression: computed now, or built and run by a session.
2. A save: the same objects, the same keys, the same file format.
3. A restore: into objects that exist, and into objects that do not exist yet.
"""

import numpy as np
import pytest

import minitf as tf


class Net(tf.Module):
    """A user's object: what is assigned to its attributes belongs to it."""

    def __init__(self, start=0.0):
        super().__init__()
        self.w = tf.Variable([start, start], name="w")
        self.b = tf.Variable(start, name="b")

    def __call__(self, x):
        return x * self.w + self.b


@pytest.fixture
def saved(tmp_path):
    """A checkpoint of a Net with w = [1, 1] and b = 1, written in eager mode."""
    return tf.train.CheckpointableSaver(Net(1.0)).save(str(tmp_path / "net"), checkpoint_number=7)


# -- 1. an expression --------------------------------------------------------------------------------------------------


def test_eager_an_expression_has_its_value_at_once():
    net = Net(2.0)
    y = net(tf.constant([1.0, 10.0]))
    assert y.numpy().tolist() == [4.0, 22.0]


def test_graph_an_expression_is_built_and_run_later():
    with tf.Graph().as_default() as graph:
        net = Net(2.0)
        x = tf.placeholder(tf.float32, [None], name="x")
        y = net(x)
        assert y.op.type == "add"
        assert [o.type for o in graph.get_operations()][-4:] == ["read_variable", "multiply", "read_variable", "add"]
        with tf.Session() as session:
            with pytest.raises(tf.errors.FailedPreconditionError, match="'w'"):
                session.run(y, {x: [1.0, 10.0]})
            session.run(tf.global_variables_initializer())
            assert session.run(y, {x: [1.0, 10.0]}).tolist() == [4.0, 22.0]


# -- 2. a save ---------------------------------------------------------------------------------------------------------


def test_both_runtimes_save_the_same_file(saved, tmp_path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        net = Net(1.0)
        session.run(tf.global_variables_initializer())
        saver = tf.train.CheckpointableSaver(net)
        path = saver.save(str(tmp_path / "graph"), checkpoint_number=7)
        operations = len(graph.get_operations())
        saver.save(str(tmp_path / "graph"), checkpoint_number=8)
        assert len(graph.get_operations()) == operations, "a second save adds nothing to the graph"
    assert path == str(tmp_path / "graph-7")
    assert tf.train.list_variables(path) == tf.train.list_variables(saved)
    for name, _ in tf.train.list_variables(saved):
        assert np.array_equal(tf.train.load_variable(path, name), tf.train.load_variable(saved, name))
    for ending in (".index", ".data-00000-of-00001"):
        with open(path + ending, "rb") as ours, open(saved + ending, "rb") as eagers:
            assert ours.read() == eagers.read()


def test_the_newest_checkpoint_is_found(saved, tmp_path):
    assert tf.train.latest_checkpoint(str(tmp_path)) == saved == str(tmp_path / "net-7")


# -- 3. a restore ------------------------------------------------------------------------------------------------------


def test_eager_existing_variables_are_assigned_at_once(saved):
    net = Net()
    status = tf.train.CheckpointableSaver(net).restore(saved)
    assert net.w.numpy().tolist() == [1.0, 1.0]
    status.assert_consumed()


def test_eager_variables_that_come_later_are_assigned_when_they_come(saved):
    net = tf.Module()
    status = tf.train.CheckpointableSaver(net).restore(saved)
    with pytest.raises(AssertionError):
        status.assert_consumed()
    net.w = tf.Variable([0.0, 0.0])
    assert net.w.numpy().tolist() == [1.0, 1.0], "the assignment to the attribute restored it"
    with pytest.raises(AssertionError, match="b"):
        status.assert_consumed()
    net.b = tf.Variable(0.0)
    status.assert_consumed()


def test_graph_restore_adds_operations_and_a_session_runs_them(saved):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        net = Net()
        session.run(tf.global_variables_initializer())
        saver = tf.train.CheckpointableSaver(net)
        before = len(graph.get_operations())
        status = saver.restore(saved)
        assert len(graph.get_operations()) > before
        assert session.run(net.w).tolist() == [0.0, 0.0], "nothing has been assigned yet"
        status.assert_consumed().run_restore_ops()
        assert session.run(net.w).tolist() == [1.0, 1.0]
        operations = len(graph.get_operations())
        saver.restore(saved).run_restore_ops()
        assert len(graph.get_operations()) == operations, "later restores re-use the restore operations"


def test_graph_variables_that_come_later_get_their_operations_when_they_come(saved):
    with tf.Graph().as_default(), tf.Session() as session:
        net = tf.Module()
        status = tf.train.CheckpointableSaver(net).restore(saved)
        net.w = tf.Variable([0.0, 0.0])
        net.extra = tf.Variable(5.0)
        net.b = tf.Variable(0.0)
        status.initialize_or_restore()
        assert session.run([net.b, net.extra]) == [1.0, 5.0], "restored what the file has, initialised the rest"
        assert session.run(net.w).tolist() == [1.0, 1.0]


def test_a_restore_that_does_not_fit_says_so_and_changes_nothing(saved):
    net = Net()
    net.w = tf.Variable([0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        tf.train.CheckpointableSaver(net).restore(saved)
    assert net.w.numpy().tolist() == [0, 0, 0]
    assert net.b.numpy() == 0
