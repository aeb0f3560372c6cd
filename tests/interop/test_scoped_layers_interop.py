"""``tf.compat.v1.layers`` in one program that TensorFlow and minitf run: variables, collections, shapes and training."""

import pytest

pytestmark = pytest.mark.interop

PROGRAM = """
def program(tf, np):
    out = []
    layers = tf.layers
    def total(w):
        return tf.reduce_sum(w * w)
    def record(*tensors):
        out.append([t.shape.as_list() for t in tensors])
        out.append([v.name for v in tf.global_variables()])
        out.append([v.name for v in tf.trainable_variables()])
        kinds = [tf.GraphKeys.REGULARIZATION_LOSSES, tf.GraphKeys.UPDATE_OPS]
        out.append([len(tf.get_collection(kind)) for kind in kinds])
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 8, 8, 3])
        a = layers.conv2d(x, 4, 3, activation=tf.nn.relu)
        b = layers.conv2d(a, 4, 3, name="c", padding="same", strides=(2, 1), dilation_rate=1, trainable=False)
        f = layers.flatten(layers.max_pooling2d(b, 2, 2))
        d = layers.dense(layers.dense(f, 5), 5, name="fc", kernel_regularizer=total, activity_regularizer=total)
        e = layers.dense(d, 5, name="fc", reuse=True, kernel_regularizer=total)
        n = layers.batch_normalization(layers.dropout(e, 0.5), training=True)
        record(a, b, f, d, e, n, layers.average_pooling2d(x, 3, 1, padding="same"))
        with tf.variable_scope("s", initializer=tf.constant_initializer(2.0), regularizer=total):
            g = layers.dense(layers.dense(n, 2, kernel_regularizer=total), 2, use_bias=False, bias_regularizer=total)
            t = layers.conv2d_transpose(x, 2, 3, strides=2)
            s = layers.separable_conv2d(x, 2, 3)
            record(g, t, s, layers.conv1d(x[0], 2, 3), layers.max_pooling1d(x[0], 2, 2), layers.average_pooling1d(x[0], 2, 2))
        with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
            again = layers.Dense(2, name="again")
            record(layers.dense(n, 2, name="dense"), again(n), again(n))
        with tf.variable_scope("elsewhere"):
            record(again(n), layers.conv3d(x[None], 2, 3), layers.separable_conv1d(x[0], 2, 3))
        for call in (lambda: layers.dense(n, 2, name="fc"), lambda: layers.dense(n, 2, name="new", reuse=True)):
            try:
                call()
            except ValueError as error:
                out.append(str(error).split(",")[0])
    draw = np.random.RandomState(1)
    pictures, labels = draw.rand(16, 8, 8, 2).astype(np.float32), draw.randint(3, size=16)
    with tf.Graph().as_default(), tf.Session() as session:
        x, y = tf.placeholder(tf.float32, [None, 8, 8, 2]), tf.placeholder(tf.int64, [None])
        training = tf.placeholder(tf.bool, [])
        def start(shape, dtype=None, partition_info=None):
            size = int(np.prod(shape))
            return tf.reshape(tf.cast(tf.sin(tf.range(size, dtype=tf.float32)) * 0.3, dtype or tf.float32), shape)
        h = layers.conv2d(x, 4, 3, kernel_initializer=start, activation=tf.nn.relu, kernel_regularizer=total)
        h = layers.batch_normalization(h, training=training, momentum=0.9)
        h = layers.flatten(layers.average_pooling2d(h, 2, 2))
        logits = layers.dense(layers.batch_normalization(h, training=training), 3, kernel_initializer=start)
        data = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        loss = data + 0.01 * tf.add_n(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(8):
            found, _ = session.run([loss, step], {x: pictures, y: labels, training: True})
            out.append(float(found))
        out.append(float(session.run(loss, {x: pictures, y: labels, training: False})))
        out.append({v.name: session.run(v).ravel()[:4].tolist() for v in tf.global_variables()})
    return out
"""


def test_the_same_in_both(both):
    mine, theirs = both(PROGRAM, ".compat.v1")
    assert len(mine) == len(theirs)
    for found, expected in zip(mine, theirs, strict=True):
        if isinstance(found, float):
            assert found == pytest.approx(expected, rel=2e-5)
        elif isinstance(found, dict):
            assert found.keys() == expected.keys()
            for name in found:
                assert found[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-6), name
        else:
            assert found == expected
