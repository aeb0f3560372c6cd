"""Tapes and gradients, in both runtimes."""

import numpy as np
import pytest

import minitf as tf


def test_gradient_of_a_polynomial():
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x * x
    assert tape.gradient(y, x) == 27.0
    with pytest.raises(RuntimeError, match="persistent"):
        tape.gradient(y, x)


def test_variables_are_watched_by_themselves():
    v, fixed = tf.Variable(2.0), tf.Variable(3.0, trainable=False)
    with tf.GradientTape() as tape:
        y = v * v * fixed
    assert tape.watched_variables() == (v,) or tape.watched_variables()[0] is v
    dv, df = tape.gradient(y, [v, fixed])
    assert dv == 12.0
    assert df is None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(fixed)
        y = v * v * fixed
    assert [g if g is None else float(g) for g in tape.gradient(y, [v, fixed])] == [None, 4.0]


def test_persistent_and_structures():
    a, b = tf.Variable([1.0, 2.0]), tf.Variable(3.0)
    with tf.GradientTape(persistent=True) as tape:
        y = tf.reduce_sum(a * b)
        z = y * y
    got = tape.gradient(y, {"a": a, "rest": [b]})
    assert got["a"].numpy().tolist() == [3, 3]
    assert got["rest"][0] == 3.0
    assert tape.gradient(z, b) == 2 * 9 * 3.0
    assert tape.gradient(z, y) == 18.0
    assert tape.gradient(y, y) == 1.0


def test_second_order_by_nesting():
    x = tf.Variable(2.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = x * x * x
        first = inner.gradient(y, x)
    assert first == 12.0
    assert outer.gradient(first, x) == 12.0


def test_output_gradients_unconnected_and_stop_recording():
    x, other = tf.Variable([1.0, 2.0]), tf.Variable([5.0, 6.0])
    with tf.GradientTape(persistent=True) as tape:
        y = x * x
        with tape.stop_recording():
            hidden = x * 3.0
    assert tape.gradient(y, x, output_gradients=tf.constant([1.0, 10.0])).numpy().tolist() == [2, 40]
    assert tape.gradient(hidden, x) is None
    assert tape.gradient(y, other) is None
    zeros = tape.gradient(y, other, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    assert zeros.numpy().tolist() == [0, 0]


def test_stop_gradient():
    x = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        y = x * tf.stop_gradient(x)
    assert tape.gradient(y, x) == 2.0


def test_jacobian():
    x = tf.Variable([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        y = tf.stack([x[0] * x[1], x[0] + x[1], x[1] * x[1]])
        nothing = y[:0]
    assert tape.jacobian(y, x).numpy().tolist() == [[2, 1], [1, 1], [0, 4]]
    assert tape.jacobian(nothing, x).shape == (0, 2)
    assert tape.jacobian(y[:0], x) is None


def test_a_jacobian_uses_the_tape_up():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.jacobian(y, x).numpy().tolist() == [[2, 0], [0, 4]]
    for again in (tape.jacobian, tape.gradient, tape.batch_jacobian):
        with pytest.raises(RuntimeError, match="persistent"):
            again(y, x)


def test_batch_jacobian():
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.stack([x[:, 0] * x[:, 1], x[:, 0], x[:, 1] ** 2.0], axis=1)
    assert tape.batch_jacobian(y, x).numpy().tolist() == [[[2, 1], [1, 0], [0, 4]], [[4, 3], [1, 0], [0, 8]]]
    assert tape.batch_jacobian(tf.ones((2, 3)), x).numpy().tolist() == [[[0, 0]] * 3] * 2
    assert tape.batch_jacobian(x[:, :0], x).shape == (2, 0, 2)
    whole = tape.jacobian(y, x).numpy()
    np.testing.assert_array_equal(tape.batch_jacobian(y, x), whole[[0, 1], :, [0, 1]])
    for target in (y[:1], tf.reduce_sum(y), y[:, 0]):
        with pytest.raises(ValueError, match="the same number of rows"):
            tape.batch_jacobian(target, x)


def test_what_cannot_be_differentiated():
    with tf.GradientTape() as tape:
        y = tf.constant(1.0) * 2.0
    with pytest.raises(ValueError, match="tensors and variables"):
        tape.gradient(y, 3)
    with pytest.raises(ValueError, match="already"), tape:
        tape.__enter__()


def test_graph_gradients_equal_the_tapes():
    def loss(w, x):
        return tf.reduce_sum(tf.tanh(tf.matmul(x, w)) ** 2.0)

    start, data = np.linspace(-1, 1, 6).reshape(3, 2).astype("f"), np.linspace(0, 1, 12).reshape(4, 3).astype("f")
    w = tf.Variable(start)
    with tf.GradientTape() as tape:
        y = loss(w, tf.constant(data))
    eager = tape.gradient(y, w).numpy()
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(start)
        y = loss(w, tf.constant(data))
        (g,) = tf.gradients(y, w)
        with tf.GradientTape() as tape:
            again = loss(w, tf.constant(data))
        from_tape = tape.gradient(again, w)
        session.run(w.initializer)
        assert np.array_equal(session.run(g), eager)
        assert np.array_equal(session.run(from_tape), eager)


def test_graph_gradients_with_options():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(2.0)
        y = x * x
        z = y * x
        assert session.run(tf.gradients(z, [x, y])) == [12.0, 2.0]
        assert session.run(tf.gradients(z, x, stop_gradients=y)) == [4.0]
        assert session.run(tf.gradients([y, z], x, grad_ys=[tf.constant(2.0), tf.constant(1.0)])) == [8.0 + 12.0]
        other = tf.constant(1.0)
        assert tf.gradients(z, other) == [None]
        assert session.run(tf.gradients(z, other, unconnected_gradients="zero")) == [0.0]
        (first,) = tf.gradients(z, x)
        assert session.run(tf.gradients(first, x)) == [12.0]
    with pytest.raises(RuntimeError, match="GradientTape"):
        tf.gradients(tf.constant(1.0), tf.constant(1.0))


def test_tape_memory_is_released():
    import gc
    import weakref

    x = tf.Variable(np.ones(10, "f"))
    with tf.GradientTape() as tape:
        middle = x * 2.0
        y = tf.reduce_sum(middle * x)
    ref = weakref.ref(middle)
    del middle
    tape.gradient(y, x)
    del tape
    gc.collect()
    assert ref() is None


def test_graph_gradients_by_an_eager_tensor_are_refused():
    eager = tf.constant(1.0)
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match="an eager tensor is among the sources"):
        tf.gradients(tf.constant(1.0), eager)


def test_graph_gradients_of_two_graphs_are_refused():
    targets = []
    for _ in range(2):
        with tf.Graph().as_default():
            targets.append(tf.constant(1.0) * 2.0)
    with pytest.raises(ValueError, match="not an element of this graph"):
        tf.gradients(targets, [targets[0]])


@pytest.mark.parametrize("runtime", ["eager", "graph"])
def test_custom_gradient(runtime):
    @tf.custom_gradient
    def clipped(x, scale):
        return tf.exp(x) * scale, lambda upstream: (upstream * 7.0, None)

    with tf.using(tf.Eager() if runtime == "eager" else tf.Graph()):
        x = tf.constant(2.0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = clipped(x, 3.0) * 10.0
        gradient = tape.gradient(y, x)
        if runtime == "eager":
            assert abs(float(y) - np.exp(2.0) * 30) < 1e-3
            assert gradient == 70.0
        else:
            session = tf.Session()
            assert session.run(gradient) == 70
            assert session.run(tf.gradients(y, x)) == [70]

    @tf.custom_gradient
    def wrong(x):
        return x, lambda upstream: (upstream, upstream)

    with tf.GradientTape() as tape:
        v = tf.Variable(1.0)
        y = wrong(v)
    with pytest.raises(ValueError, match="1 arguments"):
        tape.gradient(y, v)


def test_an_infinite_gradient_goes_through_tanh():
    x = tf.constant([-1.0, 0.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.tanh(x)
    infinite = tf.constant([np.inf, -np.inf, np.inf], tf.float32)
    assert tape.gradient(y, x, infinite).numpy().tolist() == [np.inf, -np.inf, np.inf]
