"""Graphs whose sizes only the run knows: results and gradients are those of eager mode."""

import numpy as np
import pytest

import minitf as tf

X = np.random.default_rng(0).uniform(0.5, 2, (3, 4)).astype(np.float32)

FUNCTIONS = {
    "broadcasting": lambda x: x * x[:1] + x[:, :1] - x[0],
    "mean over an axis": lambda x: tf.reduce_mean(x, 0) * tf.reduce_mean(x),
    "product": lambda x: tf.reduce_prod(x, 1) + tf.reduce_prod(x, [0, 1]),
    "extreme": lambda x: tf.reduce_max(x, 1) - tf.reduce_min(x),
    "reshape to the shape of another": lambda x: tf.reshape(tf.transpose(x), tf.shape(x)) * x,
    "reshape with parts": lambda x: tf.reshape(x, [tf.shape(x)[1], -1]) * 2.0,
    "concat and split": lambda x: (
        tf.concat([x, x * x, x[:1]], 0) + tf.concat(tf.split(x[:, :1], [1, -1], 0) * 2 + [x[:1, :1]], 0)
    ),
    "stack and unstack": lambda x: tf.stack([x, x * x], 1)[:, 1],
    "slices with tensors": lambda x: x[tf.shape(x)[0] - 2 :, tf.constant(1)] * x[0, 0],
    "gather": lambda x: tf.gather(x, [0, 2, 0]) * tf.gather(x, [1], axis=1),
    "tile": lambda x: tf.tile(x, [2, tf.shape(x)[0]]) ** 2,
    "pad": lambda x: tf.pad(x, [[1, 0], [0, 2]]) ** 2,
    "matmul": lambda x: tf.matmul(x, x, transpose_b=True),
    "broadcast_to": lambda x: tf.broadcast_to(x[:, :1], tf.shape(x)) * x,
    "fill and zeros": lambda x: x * tf.fill(tf.shape(x), 3.0) + tf.zeros(tf.shape(x)) + tf.ones([tf.shape(x)[0], 1]),
    "where": lambda x: tf.where(x > 1.0, x, x[:, :1] * x),
    "boolean_mask": lambda x: tf.boolean_mask(x, x > 1.0) ** 2,
    "cumsum": lambda x: tf.cumsum(x, 1) * x,
    "softmax": lambda x: tf.nn.softmax(x) * x,
    "cross entropy": lambda x: tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(x), x * 2.0),
    "repeat": lambda x: tf.repeat(x, 2, 0) ** 2,
    "einsum": lambda x: tf.einsum("ij,kj->ik", x, x * x),
    "tensordot": lambda x: tf.tensordot(x, x, [[1], [1]]),
    "norm": lambda x: tf.clip_by_norm(x, 2.0),
    "moments": lambda x: tf.nn.moments(x, [0])[1],
    "expand and squeeze": lambda x: tf.squeeze(tf.expand_dims(x, 1), 1) ** 2,
    "unsorted segments": lambda x: tf.math.unsorted_segment_sum(x, [0, 2, 0], 3) ** 2,
    "top_k": lambda x: tf.math.top_k(x, 2).values ** 2,
    "sort": lambda x: tf.sort(x, 1) * x,
    "meshgrid": lambda x: tf.meshgrid(x[0], x[:, 0])[0] ** 2,
    "one_hot": lambda x: tf.one_hot(tf.argmax(x, 1), tf.shape(x)[1]) * x,
    "range": lambda x: x * tf.cast(tf.range(tf.shape(x)[1]), tf.float32),
}


@pytest.mark.parametrize("shape", [(None, 4), (3, None), (None, None)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_as_in_eager_mode(name, shape):
    function = FUNCTIONS[name]
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        y = function(x)
    expected = [y.numpy(), tape.gradient(y, x).numpy()]
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, shape)
        y = function(x)
        found = [y, tf.gradients(y, x)[0]]
    with tf.Session(graph=graph) as session:
        got = session.run(found, {x: X})
    assert y.shape.is_compatible_with(expected[0].shape)
    assert np.array_equal(got[0], expected[0])
    assert np.allclose(got[1], expected[1], rtol=1e-6)


def test_what_is_known_while_building():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 4])
        assert tf.reshape(x, [-1, 2, 2]).shape == [None, 2, 2]
        assert tf.reshape(x, [tf.shape(x)[0], 4, 1]).shape == [None, 4, 1]
        assert tf.reshape(tf.transpose(x), tf.shape(x)).shape == [None, 4]
        assert tf.concat([x, x], 1).shape == [None, 8]
        assert tf.matmul(x, tf.zeros([4, 7])).shape == [None, 7]
        assert tf.reduce_sum(x, 0).shape == [4]
        assert x[0].shape == [4]
        assert x[:, tf.newaxis].shape == [None, 1, 4]
        assert tf.zeros(tf.concat([tf.shape(x), [3]], 0)).shape == [None, 4, 3]
        assert tf.placeholder(tf.float32).shape.rank is None
        with pytest.raises(ValueError, match="Cannot multiply"):
            tf.matmul(x, tf.zeros([5, 7]))
        with pytest.raises(ValueError, match="broadcast"):
            x + tf.zeros([3])
