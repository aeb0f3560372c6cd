"""Constraints: functions of weights that hold after each step; as a variable's argument, by name, and their mistakes."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import constraints, layers


def test_each_gives_the_nearest_allowed_weight():
    w = tf.constant([[3.0, -0.3], [4.0, 0.4]])
    np.testing.assert_allclose(constraints.NonNeg()(w), [[3.0, 0.0], [4.0, 0.4]])
    np.testing.assert_allclose(constraints.MaxNorm(1.0)(w), [[0.6, -0.3], [0.8, 0.4]], rtol=1e-5)
    np.testing.assert_allclose(constraints.UnitNorm()(w), [[0.6, -0.6], [0.8, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(constraints.MinMaxNorm(1.0, 2.5)(w), [[1.5, -0.6], [2.0, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(constraints.MinMaxNorm(1.0, 2.5, rate=0.5)(w), [[2.25, -0.45], [3.0, 0.6]], rtol=1e-5)


@pytest.mark.parametrize("make", [constraints.MaxNorm, constraints.NonNeg, constraints.UnitNorm, constraints.MinMaxNorm])
def test_a_constraint_comes_back_from_its_config(make):
    again = make.from_config(make().get_config())
    assert repr(again) == repr(make())


def test_a_name_stands_for_a_constraint():
    assert isinstance(constraints.get("max_norm"), constraints.MaxNorm)
    assert isinstance(constraints.get("UnitNorm"), constraints.UnitNorm)
    assert constraints.get(abs) is abs
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match="A constraint is a function of a weight, or one of"):
        constraints.get("max_nrom")


@pytest.mark.parametrize("make", [lambda: tf.train.GradientDescentOptimizer(1.0), lambda: tf.keras.optimizers.SGD(1.0)])
def test_a_variable_keeps_its_constraint_when_it_is_trained(mode, make):
    with mode.scope():
        v = tf.Variable([1.0, -1.0], constraint=lambda value: tf.clip_by_value(value, -2.0, 2.0), name="v")
        free = tf.Variable([1.0, -1.0], name="free")
        optimizer = make()
        gradients = [tf.constant([3.0, 1.5]), tf.constant([3.0, 1.5])]
        mode.repeat(lambda: optimizer.apply_gradients(list(zip(gradients, [v, free], strict=True))), 1)
        np.testing.assert_allclose(mode.value(v), [-2.0, -2.0])
        np.testing.assert_allclose(mode.value(free), [-2.0, -2.5])


def test_a_traced_step_keeps_it_too():
    v = tf.Variable([1.0, 1.0], constraint=constraints.NonNeg())
    optimizer = tf.train.GradientDescentOptimizer(1.0)

    @tf.function
    def step():
        optimizer.apply_gradients([(tf.constant([3.0, 0.5]), v)])

    step()
    np.testing.assert_allclose(v.numpy(), [0.0, 0.5])


def test_what_cannot_be_called_is_no_constraint():
    with pytest.raises(ValueError, match="constraint is a function of its value"):
        tf.Variable(1.0, constraint="non_neg")


def test_get_variable_hands_it_on():
    with tf.Graph().as_default():
        v = tf.compat.v1.get_variable("v", [2], constraint=constraints.NonNeg())
    assert isinstance(v.constraint, constraints.NonNeg)


def test_the_penalty_on_outputs_joins_losses(mode):
    with mode.scope():
        layer = layers.Dense(2, kernel_initializer="ones", activity_regularizer=tf.keras.regularizers.L1(0.5))
        layer(tf.ones([4, 3]))
        [loss] = layer.losses
        assert mode.value(loss) == pytest.approx(0.5 * 4 * 2 * 3 / 4)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Conv2D(5, 2, groups=2), "groups must divide the number of filters, 5, but it is 2"),
        (lambda: layers.Conv2D(4, 2, groups=2)(tf.ones([1, 4, 4, 3])), "groups must divide the number of channels"),
        (lambda: layers.Conv2DTranspose(4, 2, strides=2, output_padding=2), "output_padding must be less than the strides"),
        (lambda: layers.Conv2DTranspose(4, 2, strides=2, output_padding=-1), "output_padding must be an int from 0 up"),
        (lambda: layers.Dense(3, kernel_constraint="none"), "A constraint is a function"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(ValueError, match=message):
        make()
