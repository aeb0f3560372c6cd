"""Hooks on the making of variables."""

import pytest

import minitf as tf
from minitf.objects.creators import hooked
from minitf.objects.slots import SlotOwner


@pytest.fixture
def log():
    return []


def noting(log, tag):
    def creator(next_creator, **kwargs):
        log.append((tag, kwargs["name"]))
        return next_creator(**kwargs)

    return creator


def test_the_innermost_hook_is_called_first_and_last_the_class(mode, log):
    with tf.variable_creator_scope(noting(log, "outer")), tf.variable_creator_scope(noting(log, "inner")):
        v = tf.Variable(1.0, name="v")
        w = tf.get_variable("w", [2])
    tf.Variable(2.0)
    assert log == [("inner", "v"), ("outer", "v"), ("inner", "w"), ("outer", "w")]
    assert v.name == "v:0"
    assert w.shape == [2]


def test_a_hook_sees_all_arguments_and_may_change_them(mode):
    def frozen(next_creator, initial_value, **kwargs):
        assert kwargs["dtype"] == tf.float64
        assert kwargs["trainable"] is None
        return next_creator(initial_value=[initial_value] * 2, **{**kwargs, "trainable": False})

    with tf.variable_creator_scope(frozen):
        v = tf.Variable(3.0, dtype=tf.float64)
    assert v.shape == [2]
    assert not v.trainable


def test_a_hook_may_give_something_else(mode):
    with tf.variable_creator_scope(lambda next_creator, **kwargs: "nothing"):
        assert tf.Variable(1.0) == "nothing"


def test_hooks_belong_to_the_graph_in_which_they_were_set(log):
    with tf.variable_creator_scope(noting(log, "eager")):
        with tf.Graph().as_default():
            tf.Variable(1.0)
            with tf.variable_creator_scope(noting(log, "graph")):
                tf.Variable(1.0, name="g")
        tf.Variable(1.0, name="e")
    assert log == [("graph", "g"), ("eager", "e")]


def test_subclasses_are_made_without_hooks(log):
    class Mine(tf.Variable):
        pass

    with tf.variable_creator_scope(noting(log, "hook")):
        assert type(Mine(1.0)) is Mine
    assert log == []


@pytest.mark.behaviour("S145")
def test_slots_wait_while_a_hook_is_active(log, tmp_path):
    def trained(value):
        v = tf.Variable(value)
        optimizer = SlotOwner()
        optimizer.add_slot(v, "m", value * 10)
        return tf.train.Checkpoint(v=v, optimizer=optimizer)

    path = trained(1.0).write(str(tmp_path / "x"))
    net = tf.train.Checkpoint(v=tf.Variable(0.0), optimizer=SlotOwner())
    with tf.variable_creator_scope(noting(log, "hook")):
        status = net.read(path)
        assert net.optimizer.get_slot(net.v, "m") is None
    assert log == []
    with pytest.raises(AssertionError):
        status.assert_consumed()
    assert float(net.optimizer.add_slot(net.v, "m", 7.0)) == 10.0
    status.assert_consumed()


def test_whether_a_hook_is_active_can_be_asked(mode):
    home = tf.Variable(1.0).handle.home
    assert not hooked(home)
    with tf.variable_creator_scope(lambda next_creator, **kwargs: next_creator(**kwargs)):
        assert hooked(home)
    assert not hooked(home)
