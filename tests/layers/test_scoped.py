"""``tf.compat.v1.layers``. Beside TensorFlow: tests/interop/test_scoped_layers_interop.py."""

import numpy as np
import pytest

import minitf.compat.v1 as tf


@pytest.fixture
def x():
    with tf.Graph().as_default(), tf.Session():
        yield tf.placeholder(tf.float32, [None, 4], name="x")


def names():
    return [v.op.name for v in tf.global_variables()]


def test_each_call_makes_weights_of_its_own(x):
    tf.layers.dense(tf.layers.dense(x, 3), 2)
    assert names() == ["dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias"]


def test_weights_are_shared_by_name(x):
    one = tf.layers.dense(x, 3, name="fc", kernel_initializer=tf.ones_initializer())
    with pytest.raises(ValueError, match="fc/kernel already exists"):
        tf.layers.dense(x, 3, name="fc")
    with pytest.raises(ValueError, match="other/kernel does not exist"):
        tf.layers.dense(x, 3, name="other", reuse=True)
    two = tf.layers.dense(x, 3, tf.nn.relu, name="fc", reuse=True)
    three = tf.layers.dense(x, 3, name="fc", reuse=tf.AUTO_REUSE)
    assert names() == ["fc/kernel", "fc/bias"]
    session = tf.get_default_session()
    session.run(tf.global_variables_initializer())
    found = session.run([one, two, three], {x: np.float32([[1, 2, 3, -9]])})
    np.testing.assert_array_equal(np.stack(found)[:, 0], [[-3] * 3, [0] * 3, [-3] * 3])


def test_the_scope_says_how_weights_start_and_what_they_cost(x):
    with tf.variable_scope("s", initializer=tf.constant_initializer(2.0), regularizer=tf.reduce_sum):
        tf.layers.dense(x, 3, kernel_regularizer=lambda w: tf.reduce_sum(w * w))
        tf.layers.dense(x, 3, name="dense", reuse=True, kernel_regularizer=tf.reduce_sum)  # what is shared is paid for once
    session = tf.get_default_session()
    session.run(tf.global_variables_initializer())
    costs = session.run(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
    assert sorted(costs) == [0, 24, 48]  # of the bias, of the kernel in this scope, of this layer's kernel


def test_a_layer_object_keeps_its_scope(x):
    layer = tf.layers.Dense(2)
    with pytest.raises(ValueError, match="call it first"):
        _ = layer.scope_name
    with tf.variable_scope("a"):
        layer(x)
    with tf.variable_scope("b"):
        again = layer.apply(x)
    assert names() == ["a/dense/kernel", "a/dense/bias"]
    assert layer.scope_name == "a/dense"
    assert again.op.name.startswith("a/dense/")
    assert [v.op.name for v in layer.weights] == names()


def test_moving_averages_move_when_the_collection_is_run(x):
    training = tf.placeholder(tf.bool, [])
    y = tf.layers.batch_normalization(x, momentum=0.5, training=training)
    session, rows = tf.get_default_session(), np.float32([[0, 2, 4, 6], [2, 2, 8, 10]])
    session.run(tf.global_variables_initializer())
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    mean = next(v for v in tf.global_variables() if "moving_mean" in v.name)
    out = session.run(y, {x: rows, training: True})
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-6)
    assert session.run(mean).tolist() == [0, 0, 0, 0]
    session.run(updates, {x: rows, training: True})
    assert session.run(mean).tolist() == [0.5, 1, 3, 4]
    session.run(updates, {x: rows, training: False})
    assert session.run(mean).tolist() == [0.5, 1, 3, 4]


def test_dropout_works_while_training(x):
    session = tf.get_default_session()
    kept, dropped = tf.layers.dropout(x, 0.5), tf.layers.dropout(x, 0.5, training=True, seed=1)
    ones = np.ones((100, 4), np.float32)
    assert (session.run(kept, {x: ones}) == 1).all()
    assert set(np.unique(session.run(dropped, {x: ones}))) == {0, 2}


def test_eager_calls_make_weights_each_time_or_share_those_of_a_store():
    x = tf.ones((2, 3))
    assert tf.layers.dense(x, 2).shape == (2, 2)
    store = tf.EagerVariableStore()
    with store.as_default():
        with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
            one, two = tf.layers.dense(x, 2, name="fc"), tf.layers.dense(x, 2, name="fc")
    np.testing.assert_array_equal(one, two)
    assert sorted(v.name for v in store.variables()) == ["net/fc/bias:0", "net/fc/kernel:0"]


def test_a_network_is_saved_and_restored(x, tmp_path):
    y = tf.layers.dense(tf.layers.dense(x, 3, tf.tanh), 2)
    session, rows = tf.get_default_session(), np.float32([[1, 2, 3, 4]])
    session.run(tf.global_variables_initializer())
    before = session.run(y, {x: rows})
    saver = tf.train.Saver()
    path = saver.save(session, str(tmp_path / "net"))
    assert [name for name, _ in tf.train.list_variables(path)] == sorted(names())
    session.run(tf.global_variables_initializer())
    saver.restore(session, path)
    np.testing.assert_array_equal(session.run(y, {x: rows}), before)
