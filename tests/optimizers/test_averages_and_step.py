"""ExponentialMovingAverage and the global step."""

import numpy as np
import pytest

import minitf as tf


class TestExponentialMovingAverage:
    def test_averages_of_variables_begin_at_their_initial_value_and_follow(self, mode):
        with mode.scope():
            w = tf.Variable([1.0, 2.0], name="w")
            average = tf.train.ExponentialMovingAverage(0.9)
            assert average.average(w) is None
            follow = []

            def step():
                follow.append(average.apply([w]))
                with tf.control_dependencies([f for f in follow if f is not None]):
                    return tf.group(w.assign_add([1.0, 1.0]))

            mode.repeat(step, 3)
            np.testing.assert_allclose(mode.value(w), [4.0, 5.0])
            np.testing.assert_allclose(mode.value(average.average(w)), [1.29, 2.29], rtol=1e-6)
            assert average.average(w).name == "w/ExponentialMovingAverage:0"
            assert average.average(w).trainable is False

    def test_tensors_begin_at_zero_unless_debiased(self):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [])
            plain = tf.train.ExponentialMovingAverage(0.9)
            fair = tf.train.ExponentialMovingAverage(0.9, zero_debias=True, name="Fair")
            step = tf.group(plain.apply([x]), fair.apply([x]))
            session.run(tf.global_variables_initializer())
            seen = []
            for value in (2.0, 4.0, 6.0):
                session.run(step, {x: value})
                seen.append(session.run([plain.average(x), fair.average(x)]))
            expected = [[0.2, 2.0], [0.58, 0.58 / (1 - 0.81)], [1.122, 1.122 / (1 - 0.729)]]
            np.testing.assert_allclose(seen, expected, rtol=1e-5)

    def test_num_updates_lowers_the_decay(self, mode):
        with mode.scope():
            w, count = tf.Variable(1.0), tf.Variable(3, trainable=False)
            average = tf.train.ExponentialMovingAverage(0.9, num_updates=count)
            mode.repeat(lambda: average.apply([w]), 1)
            mode.repeat(lambda: tf.group(w.assign(2.0)), 1)
            mode.repeat(lambda: average.apply([w]), 1)
            np.testing.assert_allclose(mode.value(average.average(w)), 1.0 + 9 / 13, rtol=1e-6)

    def test_the_default_is_what_is_trained(self):
        with tf.Graph().as_default() as graph:
            w, frozen = tf.Variable(1.0, name="w"), tf.Variable(1.0, trainable=False)
            average = tf.train.ExponentialMovingAverage(0.9)
            average.apply()
            assert average.average(w) is not None
            assert average.average(frozen) is None
            assert graph.get_collection(tf.GraphKeys.MOVING_AVERAGE_VARIABLES) == [w]

    def test_a_second_average_is_numbered_and_a_variable_scope_comes_before(self, mode):
        with mode.scope():
            w = tf.Variable([1.0, 2.0], name="w")

            def averaged():
                average = tf.train.ExponentialMovingAverage(0.9)
                before = average.average_name(w)
                average.apply([w])
                assert average.average(w).name == average.average_name(w) + ":0"
                return before, average.average_name(w)

            base = "w/ExponentialMovingAverage"
            assert averaged() == (base, base)
            assert averaged() == ((base, f"{base}_1") if mode.name == "eager" else (f"{base}_1", f"{base}_1"))
            with tf.variable_scope("s"):
                assert [averaged()[1], averaged()[1]] == [f"s/{base}", f"s/{base}_1"]

    def test_names_to_restore(self):
        with tf.Graph().as_default():
            w, other = tf.Variable(1.0, name="w"), tf.Variable(1, name="n", trainable=False)
            average = tf.train.ExponentialMovingAverage(0.9)
            assert average.average_name(w) == "w/ExponentialMovingAverage"
            average.apply([w])
            assert average.average_name(w) == "w/ExponentialMovingAverage"
            assert average.variables_to_restore() == {"w/ExponentialMovingAverage": w, "n": other}
            later = tf.train.ExponentialMovingAverage(0.9)
            assert later.average_name(w) == "w/ExponentialMovingAverage_1"

    def test_what_cannot_be_averaged(self, mode):
        with mode.scope():
            average = tf.train.ExponentialMovingAverage(0.9)
            with pytest.raises(TypeError, match="half, float, or double"):
                average.apply([tf.Variable(1)])
            with pytest.raises(TypeError, match="half, float, or double"):
                average.apply(["w"])
        with pytest.raises(TypeError, match="an eager tensor is a value"):
            average.apply([tf.constant(1.0)])


class TestGlobalStep:
    @pytest.fixture(autouse=True)
    def _no_step_of_other_tests(self):
        tf.reset_default_graph()
        yield
        tf.reset_default_graph()

    def test_there_is_one(self, mode):
        with mode.scope():
            assert tf.train.get_global_step() is None
            step = tf.train.get_or_create_global_step()
            assert (step.name, step.dtype, step.shape, step.trainable) == ("global_step:0", tf.int64, [], False)
            assert tf.train.get_global_step() is step
            assert tf.train.get_or_create_global_step() is step
            with pytest.raises(ValueError, match="already exists"):
                tf.train.create_global_step()

    def test_its_name_ignores_scopes(self, mode):
        with mode.scope(), tf.name_scope("train"):
            assert tf.train.create_global_step().name == "global_step:0"

    def test_an_optimizer_counts_it(self, mode):
        with mode.scope():
            w, step = tf.Variable(1.0), tf.train.get_or_create_global_step()
            optimizer = tf.train.GradientDescentOptimizer(0.1)
            mode.repeat(lambda: optimizer.minimize(lambda: w * w, global_step=step), 3)
            assert mode.value(step) == 3
            assert tf.train.global_step(getattr(mode, "session", None), step) == 3

    def test_each_graph_has_its_own(self):
        first, second = tf.Graph(), tf.Graph()
        step = tf.train.create_global_step(first)
        assert step.graph is first
        assert tf.train.get_global_step(second) is None
        with second.as_default():
            assert tf.train.get_global_step() is None
            assert tf.train.get_global_step(first) is step

    def test_a_variable_of_that_name_counts(self):
        with tf.Graph().as_default():
            step = tf.Variable(5, name="global_step")
            assert tf.train.get_or_create_global_step() is step

    def test_a_float_is_no_step(self):
        with tf.Graph().as_default():
            tf.Variable(5.0, name="global_step")
            with pytest.raises(TypeError, match="does not have integer type"):
                tf.train.get_global_step()

    def test_a_vector_is_no_step(self):
        with tf.Graph().as_default():
            tf.Variable([5], name="global_step")
            with pytest.raises(TypeError, match="not scalar"):
                tf.train.get_global_step()

    def test_resetting_forgets_the_eager_step(self):
        tf.train.create_global_step()
        tf.reset_default_graph()
        assert tf.train.get_global_step() is None
