"""Synchronization and aggregation of variables: remembered, and without effect but for ``trainable``."""

import pytest

import minitf as tf

AUTO, ON_READ = tf.VariableSynchronization.AUTO, tf.VariableSynchronization.ON_READ
NONE, MEAN = tf.VariableAggregation.NONE, tf.VariableAggregation.MEAN


def test_what_was_said_is_remembered(mode):
    with mode.scope():
        plain, told = tf.Variable(1.0), tf.Variable(1.0, synchronization=ON_READ, aggregation=MEAN)
        assert (plain.synchronization, plain.aggregation) == (AUTO, NONE)
        assert (told.synchronization, told.aggregation) == (ON_READ, MEAN)


@pytest.mark.parametrize("trainable", [None, True, False])
@pytest.mark.parametrize("synchronization", list(tf.VariableSynchronization))
def test_what_is_put_together_on_reading_is_not_trained_unless_one_says_so(trainable, synchronization, mode):
    with mode.scope():
        expected = synchronization is not ON_READ if trainable is None else trainable
        made = tf.Variable(1.0, trainable=trainable, synchronization=synchronization)
        found = tf.compat.v1.get_variable("v", [], trainable=trainable, synchronization=synchronization)
        assert made.trainable is found.trainable is expected


def test_other_words_are_refused(mode):
    with mode.scope():
        with pytest.raises(ValueError, match="one of tf.VariableSynchronization, not 'sum'"):
            tf.Variable(1.0, synchronization="sum")
        with pytest.raises(ValueError, match="one of tf.VariableAggregation, not 'sum'"):
            tf.Variable(1.0, aggregation="sum")


def test_weights_of_layers(mode):
    with mode.scope():
        layer = tf.keras.layers.Layer()
        weight = layer.add_weight(name="w", shape=[], synchronization=ON_READ, aggregation=MEAN)
        assert (weight.trainable, weight.synchronization, weight.aggregation) == (False, ON_READ, MEAN)
        with pytest.raises(ValueError, match="cannot be trained"):
            layer.add_weight(name="x", shape=[], synchronization=ON_READ, trainable=True)


def test_sizes_that_were_left_open_can_be_told():
    variable = tf.Variable([[1.0, 2.0]], shape=tf.TensorShape([None, 2]))
    variable.set_shape([1, None])
    assert variable.shape == (1, 2)
    with pytest.raises(ValueError, match="shape"):
        variable.assign([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="not compatible"):
        variable.set_shape([2, 2])


def test_whether_a_variable_has_a_value():
    assert tf.Variable(1.0).is_initialized().numpy()
    with tf.Graph().as_default() as graph:
        variable = tf.Variable(1.0)
        asked = variable.is_initialized()
    with tf.Session(graph=graph) as session:
        assert not session.run(asked)
        session.run(variable.initializer)
        assert session.run(asked)
