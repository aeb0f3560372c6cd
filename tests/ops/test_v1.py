"""The signatures of TensorFlow 1.x in ``minitf.compat.v1``."""

import numpy as np
import pytest

import minitf.compat.v1 as tf

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_older_names_of_arguments(mode):
    with mode.scope():
        x = tf.constant(X)
        assert mode.value(tf.reduce_sum(x, reduction_indices=[1], keep_dims=True)).tolist() == [[3.0], [12.0]]
        assert mode.value(tf.argmax(x, dimension=1)).tolist() == [2, 2]
        assert tf.expand_dims(x, dim=0).shape == [1, 2, 3]
        assert tf.squeeze(tf.expand_dims(x, 0), squeeze_dims=[0]).shape == [2, 3]
        assert mode.value(tf.norm(x, axis=1, keep_dims=True)).shape == (2, 1)
        assert np.allclose(mode.value(tf.nn.softmax(x, dim=0)).sum(0), 1)
        with pytest.raises(ValueError, match="Cannot specify both"):
            tf.reduce_sum(x, axis=1, reduction_indices=1)


def test_names_stand_before_the_newer_arguments(mode):
    with mode.scope():
        x = tf.constant(X)
        assert tf.transpose(x, [1, 0], "t").shape == [3, 2]
        assert tf.gather(x, [0], None, "g").shape == [1, 3]
        assert mode.value(tf.shape(x, "s", tf.int64)).tolist() == [2, 3]
        assert tf.pad(x, [[1, 0], [0, 0]], "CONSTANT", "p", 5.0).shape == [3, 3]


def test_where_of_1_x_chooses_rows_and_does_not_broadcast(mode):
    with mode.scope():
        x = tf.constant(X)
        assert mode.value(tf.where([True, False], x, -x)).tolist() == [[0, 1, 2], [-3, -4, -5]]
        with pytest.raises(ValueError, match="must be equal"):
            tf.where(x > 0, x, 0.0)
        with pytest.raises(ValueError, match="nor a vector"):
            tf.where([[True, False]], x, x)


def test_div_rounds_integers_down(mode):
    with mode.scope():
        assert mode.value(tf.div(tf.constant([7, -7]), 2)).tolist() == [3, -4]
        assert mode.value(tf.div(tf.constant([7.0, -7.0]), 2.0)).tolist() == [3.5, -3.5]


def test_assign_and_scatter_on_variables(mode):
    with mode.scope():
        v = tf.Variable([1.0, 2.0, 3.0])
        mode.value(v)
        assert mode.value(tf.assign(v, [5, 6, 7])).tolist() == [5, 6, 7]
        assert mode.value(tf.assign_add(v, [1, 1, 1])).tolist() == [6, 7, 8]
        assert mode.value(tf.scatter_update(v, [1], [0.0])).tolist() == [6, 0, 8]
        with pytest.raises(TypeError, match="variables"):
            tf.assign(tf.constant(1.0), 2.0)


def test_labels_get_no_gradient_from_the_older_cross_entropy():
    with tf.GradientTape(persistent=True) as tape:
        labels, logits = tf.constant([[0.5, 0.5]]), tf.constant([[1.0, 2.0]])
        tape.watch([labels, logits])
        old = tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        new = tf.nn.softmax_cross_entropy_with_logits_v2(labels, logits)
    assert np.array_equal(old.numpy(), new.numpy())
    assert tape.gradient(old, labels) is None
    assert tape.gradient(new, labels) is not None
    with pytest.raises(ValueError, match="by keyword"):
        tf.nn.softmax_cross_entropy_with_logits(labels, logits)


def test_layers_of_1_x(mode):
    with mode.scope():
        x = tf.constant(X)
        assert mode.value(tf.nn.xw_plus_b(x, tf.ones([3, 2]), [1.0, -20.0])).tolist() == [[4, -17], [13, -8]]
        assert mode.value(tf.nn.relu_layer(x, tf.ones([3, 2]), [1.0, -20.0])).tolist() == [[4, 0], [13, 0]]
        images = tf.ones([1, 4, 4, 1])
        assert tf.nn.conv2d(images, filter=tf.ones([3, 3, 1, 2]), strides=[1, 1, 1, 1], padding="SAME").shape == [1, 4, 4, 2]
        assert tf.nn.max_pool(images, [1, 2, 2, 1], [1, 2, 2, 1], "VALID").shape == [1, 2, 2, 1]
        assert np.allclose(mode.value(tf.nn.dropout(images, keep_prob=1.0)), 1)
        with pytest.raises(ValueError, match="both"):
            tf.nn.dropout(images, 0.5, rate=0.5)


def test_boolean_mask_has_its_name_third(mode):
    with mode.scope():
        assert mode.value(tf.boolean_mask(tf.constant(X), [True, False, True], "m", 1)).tolist() == [[0, 2], [3, 5]]


@pytest.mark.parametrize("logits, labels", [((3, 4), (3, 1)), ((3, 1), (3, 4)), ((3, 4), (1, 4)), ((3, 4), (3, 4))])
def test_cross_entropy_stretches_its_labels_and_its_classes(logits, labels):
    draw = np.random.default_rng(0)
    x, y = (draw.standard_normal(shape).astype(np.float32) for shape in (logits, labels))
    away = x - x.max(-1, keepdims=True)
    expected = (y * (np.log(np.exp(away).sum(-1, keepdims=True)) - away)).sum(-1)
    loss = tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=x)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pack", [list, tuple])
def test_a_loop_gives_its_only_variable_without_a_list(mode, pack):
    with mode.scope():
        start = tf.constant(1)
        assert mode.value(tf.while_loop(lambda i: i < 3, lambda i: i + 1, pack([start]))) == 3
        (kept,) = tf.while_loop(lambda i: i < 3, lambda i: i + 1, pack([start]), return_same_structure=True)
        assert mode.value(kept) == 3
        first = pack([start, start])
        both = tf.while_loop(lambda i, j: i < 9, lambda i, j: (i + 1, j + i), first, None, 10, True, False, "n", 2)
        assert type(both) is pack
        assert [mode.value(one) for one in both] == [3, 4]
