"""Optimizers of Keras beyond their numbers, rates of TensorFlow 1.x, and clipping of gradients."""

import copy

import numpy as np
import pytest

import minitf as tf
from minitf.keras import optimizers
from minitf.optimizers import schedules

KINDS = ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Ftrl", "Lion"]


def train(make, mode, steps=6, wrap=lambda step: step):
    """Two variables trained by an optimizer: they, and what the optimizer has for its ``get_config``."""
    with mode.scope():
        w, b = tf.Variable([[1.0, -2.0], [0.5, 3.0]], name="w"), tf.Variable(0.75, name="b")
        optimizer = make()
        mode.repeat(wrap(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w) + b * b * 3.0 + b * w[0, 0], [w, b])), steps)
        return [mode.value(v) for v in [w, b, *optimizer.variables]]


class TestKerasOptimizers:
    @pytest.mark.parametrize("name", [*KINDS, *(k.lower() for k in KINDS)])
    def test_by_name(self, name):
        assert type(optimizers.get(name)).__name__.lower() == name.lower()

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_modes_and_functions_agree_to_the_last_bit(self, modes, kind):
        make = lambda: getattr(optimizers, kind)(0.05, clipvalue=3.0)
        eager, graph = (train(make, mode) for mode in modes)
        traced = train(make, modes[0], wrap=tf.function)
        assert eager[2] == 6
        for one, other, third in zip(eager, graph, traced, strict=True):
            np.testing.assert_array_equal(one, other)
            np.testing.assert_array_equal(one, third)

    @pytest.mark.parametrize("rate", [0.05, schedules.ExponentialDecay(0.1, 3, 0.5)])
    @pytest.mark.parametrize("kind", KINDS)
    def test_another_comes_from_the_config(self, mode, kind, rate):
        with mode.scope():
            first = getattr(optimizers, kind)(rate, clipnorm=2.0, name="mine")
            mode.value(first.iterations)
            config = first.get_config()
            again = getattr(optimizers, kind).from_config(config)
            mode.value(again.iterations)
            assert again.get_config() == config
        assert (config["name"], config["clipnorm"]) == ("mine", 2.0)

    def test_the_product_of_nadam_grows_once_a_step(self, mode):
        """However many variables there are."""
        with mode.scope():
            variables = [tf.Variable(float(i)) for i in range(3)]
            optimizer = optimizers.Nadam(0.1)
            step = lambda: optimizer.apply_gradients([(tf.constant(1.0), v) for v in variables])
            mode.repeat(step, 3)
            expected = np.prod([0.9 * (1 - 0.5 * 0.96**t) for t in (1, 2, 3)])
            np.testing.assert_allclose(mode.value(optimizer._u_product), expected, rtol=1e-6)

    def test_an_optimizer_of_ones_own(self, mode):
        class Signs(optimizers.Optimizer):
            def __init__(self, learning_rate=0.5, name="Signs", **kwargs):
                super().__init__(name=name, **kwargs)
                self._learning_rate = self._build_learning_rate(learning_rate)

            def build(self, var_list):
                super().build(var_list)
                if hasattr(self, "_built") and self._built:
                    return
                self._built = True
                self.seen = [self.add_variable_from_reference(v, "seen", initial_value=tf.ones_like(v)) for v in var_list]
                self.all = self.add_variable((2,), initializer="ones", name="all")

            def update_step(self, gradient, variable):
                rate = tf.cast(self.learning_rate, variable.dtype)
                seen = self.seen[self._index_dict[self._var_key(variable)]]
                return seen.assign_add(gradient), variable.assign_sub(rate * tf.sign(gradient))

        with mode.scope():
            w, optimizer = tf.Variable([2.0, -2.0], name="w"), Signs()
            mode.repeat(lambda: optimizer.minimize(lambda: w * w, [w]), 2)
            np.testing.assert_array_equal(mode.value(w), [1.0, -1.0])
            np.testing.assert_array_equal(mode.value(optimizer.seen[0]), [8.0, -6.0])
            assert [v.name for v in optimizer.variables()] == ["iteration:0", "Signs/seen/w:0", "Signs/all:0"]

    def test_variables_without_decay(self, mode):
        with mode.scope():
            kernel, bias, scale = (tf.Variable(2.0, name=n) for n in ("kernel", "bias", "scale"))
            optimizer = optimizers.SGD(1.0, weight_decay=0.25)
            optimizer.exclude_from_weight_decay([scale], var_names=["^bi"])
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant(0.0), v) for v in (kernel, bias, scale)]), 1)
            assert [mode.value(v) for v in (kernel, bias, scale)] == [1.5, 2.0, 2.0]
            with pytest.raises(ValueError, match="before the optimizer is built"):
                optimizer.exclude_from_weight_decay([kernel])

    def test_the_decay_follows_the_schedule_of_its_own_step(self, mode):
        with mode.scope():
            rate = schedules.PiecewiseConstantDecay([0], [0.5, 0.25])
            w, optimizer = tf.Variable(8.0), optimizers.SGD(rate, weight_decay=1.0)
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant(0.0), w)]), 2)
            assert mode.value(w) == 3.0

    def test_state_is_made_at_the_first_step(self, mode):
        with mode.scope():
            w = tf.Variable([1.0, 2.0], name="w")
            optimizer = optimizers.Adam(0.1)
            assert [v.name for v in optimizer.variables] == ["iteration:0"]
            mode.repeat(lambda: optimizer.minimize(lambda: w * w, [w]), 2)
            assert [v.name for v in optimizer.variables] == ["iteration:0", "Adam/m/w:0", "Adam/v/w:0"]
            assert mode.value(optimizer.iterations) == 2
            assert list(tf.train.children(optimizer)) == [
                "_variables", "_iterations", "_learning_rate", "_index_dict", "_momentums", "_velocities",
            ]  # fmt: skip

    def test_the_product_of_nadam_is_the_last_edge(self, mode):
        with mode.scope():
            w, optimizer = tf.Variable([1.0, 2.0], name="w"), optimizers.Nadam(0.1)
            mode.repeat(lambda: optimizer.minimize(lambda: w * w, [w]), 1)
            assert list(tf.train.children(optimizer))[-3:] == ["_momentums", "_velocities", "_u_product"]
            assert optimizer._u_product.name == "Nadam/Variable:0"

    def test_a_loss_with_its_tape(self, mode):
        with mode.scope():
            w = tf.Variable(2.0)
            optimizer = optimizers.SGD(0.5)

            def step():
                with tf.GradientTape() as tape:
                    loss = w * w
                return optimizer.minimize(loss, [w], tape)

            mode.repeat(step, 1)
            assert mode.value(w) == 0.0

    def test_the_learning_rate_can_be_set(self):
        w, optimizer = tf.Variable(1.0), optimizers.SGD(0.5)
        optimizer.learning_rate = 0.25
        optimizer.minimize(lambda: w * 1.0, [w])
        assert w.numpy() == 0.75
        assert float(optimizer.learning_rate) == 0.25

    def test_a_deep_copy_is_apart(self):
        w, optimizer = tf.Variable([1.0, 2.0]), optimizers.Adam(0.1)
        optimizer.minimize(lambda: w * w, [w])
        w2, optimizer2 = copy.deepcopy((w, optimizer))
        before = [v.numpy() for v in [w, *optimizer.variables]]
        optimizer2.minimize(lambda: w2 * w2, [w2])
        for v, value in zip([w, *optimizer.variables], before, strict=True):
            np.testing.assert_array_equal(v.numpy(), value)
        assert int(optimizer2.iterations) == 2

    @pytest.mark.parametrize(
        "act, error, message",
        [
            (lambda w: optimizers.SGD(momentum=2.0), ValueError, "between 0 and 1"),
            (lambda w: optimizers.SGD(clipnorm=1.0, global_clipnorm=1.0), ValueError, "At most one"),
            (lambda w: optimizers.Lion(beta_1=0.0), ValueError, "above 0"),
            (lambda w: optimizers.AdamW(weight_decay=None), ValueError, "Adam is the optimizer without"),
            (lambda w: optimizers.Ftrl(l1_regularization_strength=-1.0), ValueError, "l1_regul.* must not be negative"),
            (lambda w: optimizers.Ftrl(learning_rate_power=0.5), ValueError, "must not be positive"),
            (lambda w: optimizers.SGD().add_variable((), initializer="twos"), ValueError, "'zeros', 'ones' or a function"),
            (lambda w: optimizers.get(optimizers.SGD), ValueError, "or an optimizer object"),
            (lambda w: optimizers.SGD().minimize(w * w, [w]), ValueError, "`tape` is required"),
            (lambda w: optimizers.SGD().apply_gradients([(None, w)]), ValueError, "No gradients"),
            (lambda w: optimizers.Optimizer().apply_gradients([(1.0, w)]), NotImplementedError, "must define update_step"),
        ],
    )
    def test_mistakes(self, act, error, message):
        with pytest.raises(error, match=message):
            act(tf.Variable(1.0))

    def test_a_variable_it_was_not_built_for(self):
        optimizer, w = optimizers.SGD(), tf.Variable(1.0)
        optimizer.minimize(lambda: w * w, [w])
        other = tf.Variable(1.0, name="other")
        with pytest.raises(KeyError, match="does not know .*other:0"):
            optimizer.minimize(lambda: other * other, [other])

    def test_a_scheduled_rate_cannot_be_set(self):
        optimizer = optimizers.SGD(schedules.ExponentialDecay(0.1, 10, 0.5))
        with pytest.raises(TypeError, match="follows a schedule"):
            optimizer.learning_rate = 0.5


class TestRates:
    @pytest.mark.parametrize(
        "decay, expected",
        [
            (lambda s: schedules.exponential_decay(1.0, s, 2, 0.25), [1.0, 0.5, 0.25]),
            (lambda s: schedules.exponential_decay(1.0, s, 2, 0.25, staircase=True), [1.0, 1.0, 0.25]),
            (lambda s: schedules.inverse_time_decay(1.0, s, 1, 1.0), [1.0, 1 / 2, 1 / 3]),
            (lambda s: schedules.natural_exp_decay(1.0, s, 1, 1.0), np.exp([0.0, -1.0, -2.0])),
            (lambda s: schedules.piecewise_constant(s, [0, 1], [3.0, 2.0, 1.0]), [3.0, 2.0, 1.0]),
            (lambda s: schedules.polynomial_decay(1.0, s, 4, 0.0), [1.0, 0.75, 0.5]),
            (lambda s: schedules.cosine_decay(1.0, s, 2), [1.0, 0.5, 0.0]),
            (lambda s: schedules.cosine_decay_restarts(1.0, s, 1, t_mul=1.0), [1.0, 1.0, 1.0]),
        ],
    )
    def test_they_follow_the_step_that_the_optimizer_counts(self, mode, decay, expected):
        with mode.scope():
            w, step = tf.Variable(0.0), tf.Variable(0, trainable=False, dtype=tf.int64)
            optimizer = tf.train.GradientDescentOptimizer(decay(step))
            mode.repeat(lambda: optimizer.minimize(lambda: w * -1.0, global_step=step), 3)
            np.testing.assert_allclose(mode.value(w), np.sum(expected), rtol=1e-5)

    def test_they_need_a_step(self):
        with pytest.raises(ValueError, match="needs a global_step"):
            schedules.exponential_decay(0.1, None, 10, 0.5)

    def test_mistakes(self):
        with pytest.raises(ValueError, match="one value more than boundaries"):
            schedules.PiecewiseConstantDecay([1], [1.0])
        with pytest.raises(NotImplementedError, match="must define __call__"):
            schedules.LearningRateSchedule()(1)


def test_clipping_between_computing_and_applying(mode):
    from minitf.ops.norms import clip_by_global_norm

    with mode.scope():
        v, w = tf.Variable([3.0]), tf.Variable([4.0])
        optimizer = tf.train.GradientDescentOptimizer(1.0)

        def step():
            gradients, variables = zip(*optimizer.compute_gradients(lambda: v * v * 0.5 + w * w * 0.5), strict=True)
            clipped, norm = clip_by_global_norm(gradients, 1.0)
            assert norm.shape == ()
            return optimizer.apply_gradients(zip(clipped, variables, strict=True))

        mode.repeat(step, 1)
        np.testing.assert_allclose([mode.value(v)[0], mode.value(w)[0]], [3.0 - 0.6, 4.0 - 0.8], rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_state_is_made_once(kind):
    def variables():
        return [tf.Variable([1.0], name="v"), tf.Variable([[2.0]], name="w")]

    first, second = variables(), variables()
    stepped, built = getattr(optimizers, kind)(), getattr(optimizers, kind)()
    stepped.apply_gradients([(tf.ones_like(v), v) for v in first])
    for _ in range(2):
        built.build(second)
    state = list(built.variables)
    built.apply_gradients([(tf.ones_like(second[1]), second[1])])  # not all, and in another order
    built.build(second[::-1])
    built.apply_gradients([(tf.ones_like(second[0]), second[0])])
    assert list(map(id, built.variables)) == list(map(id, state))
    assert [v.shape for v in built.variables] == [v.shape for v in stepped.variables]
    np.testing.assert_array_equal(first[1], second[1])
