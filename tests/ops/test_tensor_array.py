"""TensorArray: the same calls in eager mode, in a graph, in a traced function and in loops give what TensorFlow gives."""

import numpy as np
import pytest

import minitf as tf

# Functions of ``tf`` and a float tensor ``x`` of shape (4, 3); TensorFlow is asked for their values and gradients by x.
PROGRAMS = {
    "write and stack": "lambda x: tf.TensorArray(tf.float32, 2).write(1, x[0] * x[1]).write(0, x[2] ** 3).stack()",
    "read": "lambda x: tf.TensorArray(tf.float32, 2).write(1, x[0]).read(1) * x[1]",
    "not written": "lambda x: tf.TensorArray(tf.float32, 3).write(1, x[0] * x[0]).stack()",
    "element shape": "lambda x: tf.TensorArray(tf.float32, 2, element_shape=[3]).read(0) + x[0] * x[1]",
    "grows": "lambda x: tf.TensorArray(tf.float32, 0, dynamic_size=True).write(2, x[1] ** 2).stack()",
    "unstack": "lambda x: tf.TensorArray(tf.float32, 4).unstack(x * x).read(2) * x[0]",
    "unstack and stack": "lambda x: tf.TensorArray(tf.float32, 4).unstack(x * x).write(1, x[0] ** 3).stack()",
    "gather": "lambda x: tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(x * x).gather([2, 0, 2]) * x[:3]",
    "scatter": "lambda x: tf.TensorArray(tf.float32, 5).scatter([3, 0], x[:2] ** 2).write(1, x[3]).stack()",
    "overwritten": "lambda x: tf.TensorArray(tf.float32, 2).write(0, x[0] ** 2).write(0, x[1] ** 2).stack()",
    "concat": "lambda x: tf.TensorArray(tf.float32, 2, infer_shape=False).write(0, x[:1] ** 2).write(1, x[1:3] ** 3).concat()",
    "split": "lambda x: tf.TensorArray(tf.float32, 2, infer_shape=False).split(x * x, [1, 3]).read(1)",
    "split and concat": "lambda x: tf.TensorArray(tf.float32, 3, infer_shape=False).split(x * x, [1, 0, 3]).concat()",
    "size": "lambda x: tf.cast(tf.TensorArray(tf.float32, 0, dynamic_size=True).write(4, x[0]).size(), tf.float32) * x",
    "a loop that writes": """lambda x: tf.while_loop(
        lambda i, a: i < 4, lambda i, a: (i + 1, a.write(i, x[i] * tf.cast(i, tf.float32) * x[0])),
        (0, tf.TensorArray(tf.float32, 4)))[1].stack()""",
    "a loop that reads": """lambda x: tf.while_loop(
        lambda i, s: i < 4, lambda i, s: (i + 1, s + tf.TensorArray(tf.float32, 4).unstack(x * x).read(i) * s),
        (0, x[0]))[1]""",
    "a loop that reads what was outside": """lambda x: (lambda a: tf.while_loop(
        lambda i, s: i < 4, lambda i, s: (i + 1, s * a.read(i) + s), (0, x[0]))[1])(
        tf.TensorArray(tf.float32, 4, clear_after_read=False).unstack(tf.sin(x)))""",
    "a loop that reads what it wrote": """lambda x: tf.while_loop(
        lambda i, a: i < 5, lambda i, a: (i + 1, a.write(i, a.read(i - 1) * x[1] + tf.sin(x[2]))),
        (1, tf.TensorArray(tf.float32, 5, element_shape=[3], clear_after_read=False).write(0, x[0])))[1].stack()""",
    "a loop with two": """lambda x: (lambda r: r[1].stack() * r[2].gather([0, 1]))(tf.while_loop(
        lambda i, a, b: i < 2, lambda i, a, b: (i + 1, a.write(i, x[i] ** 2), b.write(1 - i, x[i] + 1.0)),
        (0, tf.TensorArray(tf.float32, 2), tf.TensorArray(tf.float32, 2))))""",
    "a loop in a loop": """lambda x: tf.while_loop(
        lambda i, a: i < 2, lambda i, a: (i + 1, a.write(i, tf.reduce_sum(tf.while_loop(
            lambda j, b: j < 3, lambda j, b: (j + 1, b.write(j, x[i, j] * x[j, i])),
            (0, tf.TensorArray(tf.float32, 3)))[1].stack()))), (0, tf.TensorArray(tf.float32, 2)))[1].stack()""",
}

ORACLE = """
import json
import numpy as np
import tensorflow as tf
out = {}
for name, text in PROGRAMS.items():
    x = tf.constant(np.sin(np.arange(12.0)).reshape(4, 3), tf.float32)
    found = []
    for run in (eval(text), tf.function(eval(text))):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = run(x)
            loss = tf.reduce_sum(y * y)
        found += [y.numpy().tolist(), tf.convert_to_tensor(tape.gradient(loss, x)).numpy().tolist()]
    out[name] = found
print(json.dumps(out))
""".replace("PROGRAMS", repr(PROGRAMS))


@pytest.fixture(scope="module")
def of_tensorflow(oracle):
    return oracle(ORACLE)


@pytest.mark.interop
@pytest.mark.parametrize("kind", ["as it is", "function"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_values_and_gradients_are_those_of_tensorflow(of_tensorflow, mode, name, kind):
    value, gradient = of_tensorflow[name][:2]
    np.testing.assert_allclose(value, of_tensorflow[name][2], rtol=1e-6)
    with mode.scope():
        x = tf.constant(np.sin(np.arange(12.0)).reshape(4, 3), tf.float32)
        run = eval(PROGRAMS[name], {"tf": tf})
        run = tf.function(run) if kind == "function" else run
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = run(x)
            loss = tf.reduce_sum(y * y)
        np.testing.assert_allclose(mode.value(y), value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mode.value(tape.gradient(loss, x)), gradient, rtol=1e-4, atol=1e-5)


def test_second_derivatives_through_a_loop():
    """x ** 5 by a loop that keeps the powers in an array."""

    def fifth(x):
        array = tf.TensorArray(tf.float64, 6, clear_after_read=False, element_shape=[]).write(0, tf.ones_like(x))
        _, array = tf.while_loop(lambda i, a: i < 6, lambda i, a: (i + 1, a.write(i, a.read(i - 1) * x)), (1, array))
        return array.read(5)

    for run in (fifth, tf.function(fifth)):
        x = tf.constant(1.5, tf.float64)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = run(x)
            first = tape.gradient(y, x)
        assert first.numpy() == pytest.approx(5 * 1.5**4)
        assert outer.gradient(first, x).numpy() == pytest.approx(20 * 1.5**3)


def test_the_plain_executor_and_the_plan_agree():
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [4, 3])
        y = eval(PROGRAMS["a loop that reads what it wrote"], {"tf": tf})(x)
        [g] = tf.gradients(y, x)
    value = np.sin(np.arange(12.0)).reshape(4, 3).astype("float32")
    with tf.Session(graph=graph) as fast, tf.Session(graph=graph, plan=False) as plain:
        for a, b in zip(fast.run([y, g], {x: value}), plain.run([y, g], {x: value}), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_write_in_a_graph_leaves_the_old_array_alone():
    with tf.Graph().as_default(), tf.Session() as session:
        old = tf.TensorArray(tf.float32, 2, element_shape=[])
        new = old.write(0, 1.0)
        np.testing.assert_array_equal(session.run([old.stack(), new.stack()]), [[0, 0], [1, 0]])


def test_shapes_are_known():
    with tf.Graph().as_default():
        array = tf.TensorArray(tf.float32, 2)
        assert array.element_shape.rank is None
        assert array.write(0, [1.0, 2.0]).element_shape.as_list() == [2]
        _, array = tf.while_loop(lambda i, a: i < 2, lambda i, a: (i + 1, a.write(i, [1.0, 2.0])), (0, array))
        assert array.stack().shape.as_list() == [None, 2]


A = tf.TensorArray


@pytest.mark.parametrize(
    "act, kind, message",
    [
        (lambda: A(tf.float32), ValueError, "needs its size"),
        (lambda: A(tf.float32, 2).write(2, 1.0), tf.errors.OutOfRangeError, "no element 2 in an array of 2"),
        (lambda: A(tf.float32, 2).write(-1, 1.0), tf.errors.OutOfRangeError, "must not be negative"),
        (lambda: A(tf.float32, 2).write(0, tf.constant(1)), tf.errors.InvalidArgumentError, "is of float32, but a int32"),
        (lambda: A(tf.float32, 2).write(0, [1.0]).write(1, 3.0), ValueError, r"have shape \(1,\)"),
        (lambda: A(tf.float32, 2).stack(), ValueError, "was not written yet"),
        (lambda: A(tf.float32, 2).write(0, 1.0).read(2), tf.errors.OutOfRangeError, "no element 2"),
        (lambda: [A(tf.float32, 2).write(0, 1.0)] and _read_twice(), tf.errors.InvalidArgumentError, "was read before"),
        (lambda: A(tf.float32, 2).unstack([1.0, 2.0, 3.0]), ValueError, "3 rows are more than the 2"),
        (lambda: A(tf.float32, 4).scatter([3, 5], [1.0, 2.0]), tf.errors.OutOfRangeError, "no element 5"),
        (lambda: A(tf.float32, 2).split([1.0, 2.0, 3.0], [1, 1]), tf.errors.InvalidArgumentError, "do not add up"),
        (lambda: A(tf.float32, 3).split([1.0, 2.0, 3.0], [1, 2]), tf.errors.InvalidArgumentError, "2 pieces are not the 3"),
    ],
)
def test_mistakes_in_eager_mode(act, kind, message):
    with pytest.raises(kind, match=message):
        act()


def _read_twice():
    array = A(tf.float32, 2).write(0, 1.0)
    array.read(0)
    return array.read(0)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: A(tf.float32, 2).write(2, 1.0).stack(), "no element 2 in an array of 2"),
        (lambda: A(tf.float32, 2).stack(), "was not written yet"),
        (lambda: A(tf.float32, 2).write(0, 1.0).read(2), "no element 2"),
        (lambda: A(tf.float32, 2).unstack([1.0, 2.0, 3.0]).stack(), "3 rows are not the 2 elements"),
        (lambda: A(tf.float32, 2).split([1.0, 2.0, 3.0], [1, 1]).concat(), "do not add up"),
        (lambda: A(tf.float32, 1).split([1.0, 2.0, 3.0], [1, 2]).concat(), "2 pieces are more than the 1"),
        (lambda: A(tf.float32, -1).size(), "must not be negative"),
        (lambda: A(tf.float32, 2, infer_shape=False).unstack([1.0, 2.0]).concat(), "rank 0 have no axis"),
        (lambda: A(tf.float32, 2, infer_shape=False).write(0, [1.0]).write(1, [1.0, 2.0]).stack(), "several shapes"),
    ],
)
def test_mistakes_in_a_run(make, message):
    with tf.Graph().as_default(), tf.Session() as session:
        result = make()
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            session.run(result)
