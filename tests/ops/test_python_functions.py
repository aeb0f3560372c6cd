"""py_function and numpy_function: Python code that operations call, now, in a run, and in a traced function."""

import numpy as np
import pytest

import minitf as tf


def fails(kind):
    def function(*_):
        raise kind("told")

    return function


class TestPyFunction:
    def test_it_is_called_with_eager_tensors(self, mode):
        seen = []

        def cube(x):
            seen.append((type(x).__name__, tf.executing_eagerly()))
            return x * x * x

        with mode.scope():
            y = tf.py_function(cube, [tf.constant(2.0)], tf.float32)
            assert mode.value(y) == 8.0
        assert seen == [("EagerTensor", True)]

    def test_it_runs_once_in_each_run(self):
        calls = []
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [])
            y = tf.py_function(lambda v: calls.append(float(v)) or v + 1.0, [x], tf.float32)
            assert calls == []
            assert [session.run(y, {x: v}) for v in (1.0, 2.0)] == [2.0, 3.0]
        assert calls == [1.0, 2.0]

    def test_it_has_gradients(self, mode):
        with mode.scope():
            x, n = tf.constant(3.0), tf.constant(2)
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(x)
                a, count, b = tf.py_function(lambda v, k: [v * v, k + 1, v * 2.0], [x, n], [tf.float32, tf.int32, tf.float32])
                z = a * b
            assert mode.value(count) == 3
            assert mode.value(tape.gradient(z, x)) == pytest.approx(2 * 3 * 9)

    def test_it_works_in_a_traced_function(self):
        @tf.function
        def f(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.py_function(lambda v: v * v, [x], tf.float32)
            return y, tape.gradient(y, x)

        y, g = f(tf.constant(5.0))
        assert (y.numpy(), g.numpy()) == (25.0, 10.0)

    def test_results(self, mode):
        with mode.scope():
            nothing = tf.py_function(lambda: None, [], [])
            assert nothing == [] if mode.name == "eager" else mode.session.run(nothing) is None
            [one] = tf.py_function(lambda: 3, [], [tf.int64])
            assert one.dtype == tf.int64
            assert mode.value(one) == 3
            text = tf.py_function(lambda x: x, [tf.constant("a")], tf.string)
            assert mode.value(text) == b"a"

    def test_as_a_decorator(self):
        @tf.py_function(Tout=tf.float32)
        def twice(x):
            return x + x

        assert twice(tf.constant(2.0)).numpy() == 4.0

    @pytest.mark.parametrize(
        "function, kinds, error, message",
        [
            (fails(ValueError), tf.float32, tf.errors.InvalidArgumentError, "raised ValueError: told"),
            (fails(TypeError), tf.float32, tf.errors.InvalidArgumentError, "raised TypeError: told"),
            (fails(KeyError), tf.float32, tf.errors.UnknownError, "raised KeyError"),
            (fails(NotImplementedError), tf.float32, tf.errors.UnimplementedError, "told"),
            (fails(MemoryError), tf.float32, tf.errors.ResourceExhaustedError, "told"),
            (lambda x: x, [tf.float32, tf.float32], tf.errors.InvalidArgumentError, "gave 1 values, but Tout announced 2"),
            (lambda x: x, tf.int32, tf.errors.InvalidArgumentError, "not of the dtypes of Tout"),
        ],
    )
    def test_what_goes_wrong_in_it(self, mode, function, kinds, error, message):
        with mode.scope(), pytest.raises(error, match=message) as caught:
            mode.value(tf.py_function(function, [tf.constant(1.0)], kinds))
        if function.__name__ == "function":
            assert str(caught.value.__cause__ or caught.value.__context__)

    @pytest.mark.parametrize("make", [tf.py_function, tf.numpy_function])
    def test_mistakes_are_told(self, make):
        with pytest.raises(ValueError, match="func must be callable"):
            make("a", [], tf.float32)
        with pytest.raises(TypeError, match="Tout is missing"):
            make(lambda: 1, [])


class TestNumpyFunction:
    def test_it_is_called_with_arrays(self, mode):
        seen = []
        with mode.scope():
            inputs = [tf.constant([1.0, 2.0]), tf.constant(["a", "b"]), tf.constant(b"c"), tf.constant(3)]
            total = tf.numpy_function(
                lambda x, names, one, n: seen.append((type(x), names.tolist(), one, n)) or np.float32(x.sum() * n),
                inputs,
                tf.float32,
            )
            found = mode.value(total) if mode.name == "graph" else total.numpy()
        assert found == 9.0
        assert seen == [(np.ndarray, [b"a", b"b"], b"c", 3)]

    def test_what_it_writes_into_an_array_stays_its_own(self):
        x = tf.constant([1.0, 2.0])

        def scribble(a):
            a[:] = 7.0
            return a

        with tf.Graph().as_default(), tf.Session() as session:
            y = tf.constant([1.0, 2.0])
            z = tf.numpy_function(scribble, [y], tf.float32)
            np.testing.assert_array_equal(session.run([y, z]), [[1, 2], [7, 7]])
        tf.numpy_function(scribble, [x], tf.float32)
        np.testing.assert_array_equal(x.numpy(), [1, 2])

    def test_several_results(self, mode):
        with mode.scope():
            a, b = tf.numpy_function(lambda x: (x + np.float32(1), np.int64(4)), [tf.constant(1.0)], [tf.float32, tf.int64])
            assert (mode.value(a), mode.value(b)) == (2.0, 4)

    def test_it_has_no_gradient(self):
        x = tf.constant(1.0)
        with tf.Graph().as_default():
            x = tf.constant(1.0)
            y = tf.numpy_function(lambda v: v, [x], tf.float32)
            assert tf.gradients(y, x) == [None]

    def test_another_dtype_than_announced_is_an_error_in_a_graph(self):
        with tf.Graph().as_default(), tf.Session() as session:
            y = tf.numpy_function(lambda: np.float64(1), [], tf.float32)
            with pytest.raises(tf.errors.InvalidArgumentError, match="gave float64, but Tout announced float32"):
                session.run(y)

    def test_errors_come_out_as_they_are_in_eager_mode(self):
        with pytest.raises(KeyError, match="told"):
            tf.numpy_function(fails(KeyError), [], tf.float32)

    def test_without_state_it_may_be_called_more_or_less_often(self):
        with tf.Graph().as_default(), tf.Session() as session:
            y = tf.numpy_function(lambda: np.float32(2), [], tf.float32, stateful=False)
            assert session.run(y + 1.0) == 3.0
