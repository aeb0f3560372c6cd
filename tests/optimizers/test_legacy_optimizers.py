"""Optimizers of Keras up to 2.10: what they take, what they make, what their settings are, and how steps are taken.

That numbers, names and files are TensorFlow's is shown in tests/interop/test_legacy_optimizers_interop.py.
"""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.optimizers import legacy, schedules

KINDS = {
    "SGD": {}, "SGD momentum": {"momentum": 0.9}, "SGD nesterov": {"momentum": 0.5, "nesterov": True, "decay": 0.1},
    "Adam": {}, "Adam amsgrad": {"amsgrad": True}, "Adamax": {}, "Nadam": {}, "RMSprop": {},
    "RMSprop centered": {"centered": True}, "RMSprop momentum": {"momentum": 0.9},
    "RMSprop all": {"centered": True, "momentum": 0.9}, "Adagrad": {}, "Adadelta": {}, "Ftrl": {"beta": 0.1},
}  # fmt: skip
SLOTS = {
    "SGD": [], "SGD momentum": ["momentum"], "SGD nesterov": ["momentum"], "Adam": ["m", "v"],
    "Adam amsgrad": ["m", "v", "vhat"], "Adamax": ["m", "v"], "Nadam": ["m", "v"], "RMSprop": ["rms"],
    "RMSprop centered": ["rms", "mg"], "RMSprop momentum": ["rms", "momentum"], "RMSprop all": ["rms", "momentum", "mg"],
    "Adagrad": ["accumulator"], "Adadelta": ["accum_grad", "accum_var"], "Ftrl": ["accumulator", "linear"],
}  # fmt: skip


def make(kind, **more):
    return getattr(legacy, kind.split()[0])(**{"learning_rate": 0.05, **KINDS[kind], **more})


def train(optimizer, mode, steps=6, wrap=lambda step: step):
    """Two variables trained by an optimizer: they, its weights and its settings."""
    w, b = tf.Variable([[1.0, -2.0], [0.5, 3.0]], name="w"), tf.Variable(0.75, name="b")
    mode.repeat(wrap(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w) + b * b * 3.0 + b * w[0, 0], [w, b])), steps)
    return [mode.value(v) for v in [w, b, *optimizer.weights, *(v for _, v in sorted(optimizer._hyper.items()))]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_modes_and_functions_agree_to_the_last_bit(modes, kind):
    found = []
    for mode in modes:
        with mode.scope():
            found.append(train(make(kind, clipvalue=3.0), mode))
    found.append(train(make(kind, clipvalue=3.0), modes[0], wrap=tf.function))
    assert found[0][2] == 6
    for one, other, third in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


@pytest.mark.parametrize("kind", KINDS)
def test_state_is_made_at_the_first_step(mode, kind):
    with mode.scope():
        w, b = tf.Variable([1.0, 2.0], name="w"), tf.Variable(3.0, name="b")
        optimizer = make(kind, name="mine")
        assert optimizer.weights == []
        assert list(tf.train.children(optimizer)) == []
        mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w) + b * b, [w, b]), 2)
        assert optimizer.get_slot_names() == SLOTS[kind]
        assert {v.name for v in optimizer.variables()} == {
            "mine/iter:0", *(f"mine/{v}/{s}:0" for v in "wb" for s in SLOTS[kind]),
            *(["mine/momentum_cache:0"] if kind == "Nadam" else []),
        }  # fmt: skip
        assert list(tf.train.children(optimizer)) == [
            "iter", *sorted(optimizer._hyper), *(["momentum_cache"] if kind == "Nadam" else [])
        ]  # fmt: skip
        assert {v.name for v in optimizer._hyper.values()} == {f"mine/{n}:0" for n in optimizer._hyper}
        assert set(SLOTS[kind]) <= type(optimizer)._slot_kinds
        assert (mode.value(optimizer.iterations), optimizer.iterations.dtype) == (2, tf.int64)


def test_what_a_step_gives(mode):
    with mode.scope():
        w, optimizer = tf.Variable(1.0), legacy.SGD()
        done = optimizer.minimize(lambda: w * w, [w], name="step")
        if mode.name == "eager":
            assert done is optimizer.iterations
            assert done.numpy() == 1
        else:
            assert done.name == "SGD/step/assign_add"


class TestSettings:
    def test_they_are_numbers_until_they_are_read(self, mode):
        with mode.scope():
            optimizer = legacy.Adam(0.1, name="mine")
            optimizer.lr = 0.2
            assert optimizer._hyper["learning_rate"] == 0.2
            assert optimizer.get_config()["learning_rate"] == 0.2
            assert mode.value(optimizer.lr) == np.float32(0.2)
            assert optimizer.learning_rate is optimizer.lr
            assert optimizer.lr.name == "learning_rate:0"  # outside of a step, so outside of the optimizer's scope
            assert list(tf.train.children(optimizer)) == ["beta_1", "beta_2", "decay", "learning_rate"]
            optimizer.learning_rate = 0.5
            assert mode.value(optimizer.lr) == 0.5
            assert optimizer.get_config()["learning_rate"] == 0.5

    def test_a_variable_is_used_itself_and_is_an_edge(self, mode):
        with mode.scope():
            rate, w = tf.Variable(0.5, name="rate"), tf.Variable(8.0)
            optimizer = legacy.SGD(rate)
            assert list(tf.train.children(optimizer)) == ["learning_rate"]
            assert optimizer.lr is rate
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant(2.0), w)]), 1)
            assert mode.value(w) == 7.0
            optimizer.lr = 0.25
            assert mode.value(rate) == 0.25
            optimizer.lr = tf.constant(0.125) if mode.name == "eager" else 0.125
            assert mode.value(rate) == 0.125

    def test_functions_and_tensors_and_schedules_stay_what_they_are(self, mode):
        with mode.scope():
            for rate in (lambda: 0.5, tf.constant(0.5), schedules.PiecewiseConstantDecay([0], [0.5, 0.25])):
                w, optimizer = tf.Variable(8.0), legacy.SGD(rate)
                mode.repeat(lambda o=optimizer, w=w: o.apply_gradients([(tf.constant(2.0), w)]), 2)
                assert mode.value(w) == (6.5 if isinstance(rate, schedules.LearningRateSchedule) else 6.0)
                assert list(tf.train.children(optimizer)) == ["iter", "decay", "momentum"]

    def test_functions_and_tensors_as_numbers_of_a_config(self, mode):
        with mode.scope():
            assert legacy.SGD(lambda: 0.5, momentum=tf.constant(0.25)).get_config() == {
                "name": "SGD", "learning_rate": 0.5, "decay": 0.0, "momentum": 0.25, "nesterov": False,
            }  # fmt: skip
            for momentum in (lambda: 0.5, tf.constant(0.5)):
                w, optimizer = tf.Variable(8.0), legacy.SGD(1.0, momentum=momentum)
                mode.repeat(lambda o=optimizer, w=w: o.apply_gradients([(tf.constant(2.0), w)]), 2)
                assert mode.value(w) == 3.0

    def test_a_schedule_takes_the_place_of_a_variable_and_the_other_way_round(self):
        w, optimizer = tf.Variable(8.0), legacy.SGD(1.0)
        optimizer.apply_gradients([(tf.constant(1.0), w)])
        optimizer.lr = schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
        optimizer.apply_gradients([(tf.constant(1.0), w)])
        optimizer.lr = 2.0
        optimizer.apply_gradients([(tf.constant(1.0), w)])
        assert w.numpy() == 8.0 - 1.0 - 0.5 - 2.0
        assert optimizer.lr == 2.0

    def test_decay(self, mode):
        with mode.scope():
            w, optimizer = tf.Variable(8.0), legacy.SGD(1.0, decay=1.0)
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant(1.0), w)]), 3)
            np.testing.assert_allclose(mode.value(w), 8.0 - 1.0 - 1 / 2 - 1 / 3, rtol=1e-6)

    def test_short_name(self):
        assert legacy.Adam(lr=0.5).get_config()["learning_rate"] == 0.5
        assert legacy.Ftrl(lr=0.5).get_config()["learning_rate"] == 0.5
        assert {"lr", "learning_rate", "beta_1", "decay"} <= set(dir(legacy.Adam()))
        with pytest.raises(AttributeError, match="'Adam' object has no attribute 'gamma'"):
            legacy.Adam().gamma

    @pytest.mark.parametrize("epsilon", [None, 0.0])
    def test_epsilon_is_never_nothing(self, epsilon):
        for kind in (legacy.Adam, legacy.Adamax, legacy.Nadam, legacy.RMSprop, legacy.Adagrad, legacy.Adadelta):
            assert kind(epsilon=epsilon).epsilon == 1e-7

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("rate", [0.05, schedules.ExponentialDecay(0.1, 3, 0.5)])
    def test_another_comes_from_the_config(self, mode, kind, rate):
        if kind == "Nadam" and rate != 0.05:
            with pytest.raises(ValueError, match="cannot follow a schedule"):
                make(kind, learning_rate=rate)
            return
        with mode.scope():
            first = make(kind, learning_rate=rate, clipnorm=2.0, name="mine")
            w = tf.Variable(1.0)
            mode.repeat(lambda: first.minimize(lambda: w * w, [w]), 1)
            config = first.get_config()
            config_again = type(first).from_config(config).get_config()
        if kind == "Nadam":  # its decay is given as schedule_decay, so from_config takes another: as in Keras
            assert (config_again.pop("decay"), config.pop("decay")) == (0.004, 0.004)
        assert config_again == config
        assert (config["name"], config["clipnorm"]) == ("mine", 2.0)

    def test_configs_of_other_versions(self):
        assert legacy.Adam.from_config({"lr": 0.5}).get_config()["learning_rate"] == 0.5
        assert legacy.Adagrad.from_config({}).get_config()["initial_accumulator_value"] == 0.1

        class Half(schedules.LearningRateSchedule):
            def __call__(self, step):
                return tf.constant(0.5)

        config = legacy.SGD(Half()).get_config()
        assert type(legacy.SGD.from_config(config, {"Half": Half}).lr) is Half
        with pytest.raises(ValueError, match="'Half' is no learning rate schedule"):
            legacy.SGD.from_config(config)


class TestGradients:
    def test_limits(self, mode):
        gradient = lambda: tf.constant([3.0, 4.0])
        with mode.scope():
            for limit, expected in (
                ({"clipvalue": 1.0}, [1.0, 1.0]), ({"clipnorm": 2.5}, [1.5, 2.0]), ({"global_clipnorm": 2.5}, [1.5, 2.0]),
                ({"clipvalue": 3.0, "clipnorm": 1.0}, [0.5**0.5, 0.5**0.5]),
            ):  # fmt: skip
                w, optimizer = tf.Variable([0.0, 0.0]), legacy.SGD(1.0, **limit)
                mode.repeat(lambda o=optimizer, w=w: o.apply_gradients([(gradient(), w)]), 1)
                np.testing.assert_allclose(-mode.value(w), expected, rtol=1e-6)

    def test_functions_of_the_pairs(self, mode):
        seen = []

        def doubled(pairs):
            seen.append("transform")
            return [(g * 2.0, v) for g, v in pairs]

        def halved(pairs):
            seen.append("aggregate")
            return [(g * 0.25, v) for g, v in pairs]

        with mode.scope():
            w = tf.Variable(0.0)
            optimizer = legacy.SGD(1.0, gradient_aggregator=halved, gradient_transformers=[doubled, doubled])
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant(1.0), w)]), 1)
            assert mode.value(w) == -1.0
            assert seen == ["aggregate", "transform", "transform"]
            w.load(0.0)
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant(1.0), w)], experimental_aggregate_gradients=False), 1)
            assert mode.value(w) == -4.0
        with pytest.raises(ValueError, match="`clipnorm` cannot be set when `gradient_transformers` are set"):
            optimizer.clipnorm = 1.0
        with pytest.raises(ValueError, match="`clipvalue` cannot be set"):
            legacy.SGD(clipvalue=1.0, gradient_transformers=[doubled])

    def test_variables_that_the_loss_makes(self, mode):
        made = []

        def loss():
            if not made:
                made.append(tf.Variable(3.0))
            return made[0] * made[0]

        with mode.scope():
            optimizer = legacy.SGD(0.5)
            mode.repeat(lambda: optimizer.minimize(loss, lambda: made), 1)
            assert mode.value(made[0]) == 0.0

    def test_where_the_gradient_starts(self, mode):
        with mode.scope():
            w, optimizer = tf.Variable([2.0, 3.0]), legacy.SGD(1.0)
            mode.repeat(lambda: optimizer.minimize(lambda: w * 1.0, [w], grad_loss=[0.5, 0.25]), 1)
            np.testing.assert_array_equal(mode.value(w), [1.5, 2.75])

    def test_a_loss_with_its_tape(self):
        w, optimizer = tf.Variable(2.0), legacy.SGD(0.25)
        with tf.GradientTape() as tape:
            loss = w * w
        optimizer.minimize(loss, [w], tape=tape)
        assert w.numpy() == 1.0

    def test_none_and_nothing(self, mode):
        with mode.scope():
            v, w, optimizer = tf.Variable(2.0, name="v"), tf.Variable(3.0, name="w"), legacy.SGD(1.0, momentum=0.5)
            mode.repeat(lambda: optimizer.apply_gradients([(None, v), (tf.constant(1.0), w)]), 1)
            assert (mode.value(v), mode.value(w)) == (2.0, 2.0)
            with pytest.raises(KeyError, match="no slot 'momentum' for variable 'v:0'"):
                optimizer.get_slot(v, "momentum")
            with pytest.raises(ValueError, match=r"No gradients provided for any variable: \['v:0', 'w:0'\]"):
                optimizer.apply_gradients([(None, v), (None, w)])
            empty = legacy.Nadam()
            empty.apply_gradients([])
            assert [v.name for v in empty.weights] == ["Nadam/iter:0"]
            assert mode.value(empty.iterations) == 0

    def test_in_a_graph_they_can_be_asked_for(self):
        with tf.Graph().as_default(), tf.Session() as session:
            v, w = tf.Variable(2.0, name="v"), tf.Variable(3.0, name="w")
            optimizer = legacy.SGD(1.0)
            [gradient] = optimizer.get_gradients(v * v, v)
            assert gradient.name.startswith("SGD/gradients/")
            with pytest.raises(ValueError, match="does not depend on variable 'w:0'"):
                optimizer.get_gradients(v * v, [v, w])
            [step] = optimizer.get_updates(v * v * 0.25, [v])
            session.run(tf.global_variables_initializer())
            session.run(step)
            assert session.run(v) == 1.0
        with pytest.raises(RuntimeError, match="get_gradients"):
            optimizer.get_gradients(tf.constant(1.0), [])

    def test_constraints_hold_after_each_step(self, mode):
        with mode.scope():
            w = tf.Variable([1.0, -1.0], constraint=lambda x: tf.maximum(x, 0.0))
            optimizer = legacy.SGD(0.5)
            mode.repeat(lambda: optimizer.apply_gradients([(tf.constant([4.0, -4.0]), w)]), 1)
            np.testing.assert_array_equal(mode.value(w), [0.0, 1.0])

    def test_variables_of_several_dtypes_and_one_twice(self, mode):
        with mode.scope():
            single, double = tf.Variable([4.0]), tf.Variable(np.array([4.0]))
            optimizer = legacy.Nadam(0.5)
            pairs = lambda: [
                (tf.constant([1.0]), single),
                (tf.constant([1.0], tf.float64), double),
                (tf.constant([1.0]), single),
            ]
            mode.repeat(lambda: optimizer.apply_gradients(pairs()), 2)
            assert optimizer.get_slot(double, "m").dtype == tf.float64
            m = 0.0
            for _ in range(4):
                m = 0.9 * m + 0.1
            np.testing.assert_allclose(mode.value(optimizer.get_slot(single, "m")), [m], rtol=1e-6)
            weights = [0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in (1, 2)]
            np.testing.assert_allclose(mode.value(optimizer._m_cache), np.prod(weights), rtol=1e-6)


class TestState:
    def test_weights_are_read_and_set(self, mode):
        with mode.scope():
            w, optimizer = tf.Variable([1.0, 2.0]), legacy.Adam(0.1)
            mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w), [w]), 3)
            before = optimizer.get_weights()
            assert [np.shape(x) for x in before] == [(), (2,), (2,)]
            assert before[0] == 3
            wanted = [np.array(7), np.float32([1, 2]), np.float32([3, 4])]
            optimizer.set_weights([*wanted, np.float32([5, 6])])  # Keras 1 has a third state, which is left out
            for value, expected in zip(optimizer.get_weights(), wanted, strict=True):
                np.testing.assert_array_equal(value, expected)
            for bad in (before[:2], [before[0], before[1], before[2][:1]]):
                with pytest.raises(ValueError, match="set_weights"):
                    optimizer.set_weights(bad)
            np.testing.assert_array_equal(optimizer.get_weights()[1], [1, 2])  # nothing was set

    @pytest.mark.parametrize("kind", ["RMSprop", "Adagrad", "Adadelta"])
    def test_weights_without_a_count_of_steps(self, kind):
        w, optimizer = tf.Variable([1.0, 2.0]), make(kind)
        optimizer.minimize(lambda: tf.reduce_sum(w * w), [w])
        optimizer.set_weights([np.float32([3, 4])] * (len(optimizer.weights) - 1))
        assert optimizer.iterations.numpy() == 0
        assert all((x == [3, 4]).all() for x in optimizer.get_weights()[1:])

    def test_slots_and_weights_of_ones_own(self, mode):
        with mode.scope():
            w, optimizer = tf.Variable([1.0, 2.0], name="w"), legacy.SGD()
            slots = [
                optimizer.add_slot(w, "zeros"), optimizer.add_slot(w, "ones", "ones"), optimizer.add_slot(w, "long", shape=[3]),
                optimizer.add_slot(w, "value", 5.0), optimizer.add_slot(w, "made", tf.keras.initializers.Constant(4.0)),
            ]  # fmt: skip
            expected = [[0, 0], [1, 1], [0, 0, 0], 5, [4, 4]]
            for slot, value in zip(slots, expected, strict=True):
                np.testing.assert_array_equal(mode.value(slot), value)
            assert optimizer.add_slot(w, "ones") is slots[1] is optimizer.get_slot(w, "ones")
            assert optimizer.get_slot_names() == ["zeros", "ones", "long", "value", "made"]
            own = optimizer.add_weight("own", [2], initializer="ones")
            assert tf.train.children(optimizer)["own"] is own
            np.testing.assert_array_equal(mode.value(own), [1, 1])
            with pytest.raises(ValueError, match="'zeros', 'ones' or a function, not 'many'"):
                optimizer.add_weight("other", [2], initializer="many")

    def test_a_variable_of_open_shape_gets_slots_of_its_present_shape(self, mode):
        with mode.scope():
            w, optimizer = tf.Variable([1.0, 2.0], shape=[None]), legacy.Adagrad(0.1)
            mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w), [w]), 1)
            assert mode.value(optimizer.get_slot(w, "accumulator")).shape == (2,)

    def test_a_count_of_ones_own(self):
        mine, w, optimizer = tf.Variable(5, dtype=tf.int64), tf.Variable(1.0), legacy.SGD()
        optimizer.iterations = mine
        optimizer.minimize(lambda: w * w, [w])
        assert mine.numpy() == 6
        with pytest.raises(RuntimeError, match="counts its steps already"):
            optimizer.iterations = mine

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
    def test_a_copy_trains_its_own_variables(self, kind, way):
        w, optimizer = tf.Variable([1.0, 2.0], name="w"), make(kind)
        step = lambda o, w: o.minimize(lambda: tf.reduce_sum(w * w), [w])
        step(optimizer, w)
        w2, optimizer2 = way((w, optimizer))
        before = [v.numpy() for v in (w, *optimizer.weights)]
        step(optimizer2, w2)
        for v, value in zip((w, *optimizer.weights), before, strict=True):
            np.testing.assert_array_equal(v, value)
        step(optimizer, w)
        for v, other in zip((w, *optimizer.weights), (w2, *optimizer2.weights), strict=True):
            np.testing.assert_array_equal(v, other)

    def test_attributes_make_no_edges(self):
        optimizer = legacy.SGD()
        optimizer.extra, optimizer.more = tf.Variable(1.0), [tf.Variable(2.0)]
        assert list(tf.train.children(optimizer)) == []

    def test_names_that_are_not_given_are_numbered(self):
        tf.reset_default_graph()
        assert [legacy.RMSprop(name=None)._name for _ in range(2)] == ["rm_sprop", "rm_sprop_1"]


def test_an_optimizer_of_ones_own(mode):
    """With the methods that subclasses of Keras' optimizer define."""

    class Signs(legacy.Optimizer):
        def __init__(self, learning_rate=0.5, name="Signs", **kwargs):
            super().__init__(name, **kwargs)
            self._set_hyper("learning_rate", kwargs.get("lr", learning_rate))
            self._set_hyper("decay", self._initial_decay)

        def _create_slots(self, var_list):
            for var in var_list:
                self.add_slot(var, "seen", "ones")

        def _prepare_local(self, var_device, var_dtype, apply_state):
            super()._prepare_local(var_device, var_dtype, apply_state)
            apply_state[(var_device, var_dtype)]["twice"] = apply_state[(var_device, var_dtype)]["lr_t"] * 2.0

        def _resource_apply_dense(self, grad, var, apply_state=None):
            numbers = apply_state[(var.device, var.dtype.base_dtype)]
            seen = self.get_slot(var, "seen").assign_add(grad, read_value=False)
            moved = var.assign_sub(numbers["twice"] * tf.sign(grad), read_value=False)
            return tf.group(*[x for x in (seen, moved) if x is not None])

        def get_config(self):
            return {**super().get_config(), "learning_rate": self._serialize_hyperparameter("learning_rate")}

    with mode.scope():
        w, optimizer = tf.Variable([2.0, -2.0], name="w"), Signs()
        mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w), [w]), 2)
        np.testing.assert_array_equal(mode.value(w), [0.0, 0.0])
        np.testing.assert_array_equal(mode.value(optimizer.get_slot(w, "seen")), [7.0, -5.0])
        assert Signs.from_config(optimizer.get_config()).get_config() == {"name": "Signs", "learning_rate": 0.5}
        with pytest.raises(NotImplementedError, match="Optimizer must define _resource_apply_dense"):
            legacy.Optimizer("none").minimize(lambda: w * w, [w])


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_with_something_before_it(mode, kind):
    """Subclasses often shrink a variable and then call the rule of their base."""

    class Shrinking(type(make(kind))):
        def _resource_apply_dense(self, grad, var, apply_state=None):
            rate = (apply_state or self._prepare([var]))[(var.device, var.dtype.base_dtype)]["lr_t"]
            shrunk = var.assign_sub(var * rate * self.shrink, read_value=False)
            with tf.control_dependencies([] if shrunk is None else [shrunk]):
                return super()._resource_apply_dense(grad, var, apply_state if self.handed_on else None)

    found = []
    for shrink, handed_on in ((0.0, True), (0.0, kind == "Nadam"), (1.0, True)):  # Nadam's numbers are made once a step
        with mode.scope():
            optimizer = Shrinking(**{"learning_rate": 0.05, **KINDS[kind]})
            optimizer.shrink, optimizer.handed_on = shrink, handed_on
            found.append(train(optimizer, mode))
    with mode.scope():
        plain = train(make(kind), mode)
    for value, other, moved in zip(plain, found[0], found[1], strict=True):
        np.testing.assert_array_equal(value, other)
        np.testing.assert_array_equal(value, moved)
    assert (found[2][0] != plain[0]).all()


class TestWrongUse:
    @pytest.mark.parametrize(
        "error, match, call",
        [
            (TypeError, "unexpected keyword argument 'momenta'", lambda: legacy.SGD(momenta=0.5)),
            (ValueError, "expected clipnorm >= 0, not -1", lambda: legacy.SGD(clipnorm=-1.0)),
            (ValueError, "expected decay >= 0", lambda: legacy.Adam(decay=-1.0)),
            (ValueError, "cannot both be set", lambda: legacy.SGD(clipnorm=1.0, global_clipnorm=1.0)),
            (ValueError, "SGD: momentum must be between 0 and 1, not 2", lambda: legacy.SGD(momentum=2)),
            (ValueError, "RMSprop: momentum must be between 0 and 1", lambda: legacy.RMSprop(momentum=-0.5)),
            (ValueError, "initial_accumulator_value must not be", lambda: legacy.Adagrad(initial_accumulator_value=-1.0)),
            (ValueError, "l1_regularization_strength must not be", lambda: legacy.Ftrl(l1_regularization_strength=-1.0)),
            (ValueError, "learning_rate_power must not be positive", lambda: legacy.Ftrl(learning_rate_power=1.0)),
            (TypeError, "name", lambda: legacy.Optimizer()),
            (TypeError, "SGD: learning_rate must be a number.* not 'fast'", lambda: legacy.SGD("fast")),
            (TypeError, r"Adam: beta_1 must be a number.* not \[0.5, 0.5\]", lambda: legacy.Adam(beta_1=[0.5, 0.5])),
            (TypeError, "SGD: decay must be a number", lambda: legacy.SGD(decay=None)),
            (TypeError, "SGD: clipnorm must be a number or None", lambda: legacy.SGD(clipnorm="much")),
            (TypeError, "Optimizers train variables", lambda: legacy.SGD().apply_gradients([(1.0, tf.constant(1.0))])),
            (TypeError, "Optimizers train variables", lambda: legacy.SGD().minimize(lambda: 1.0, [tf.constant(1.0)])),
            (ValueError, "`tape` is required", lambda: legacy.SGD().minimize(tf.constant(1.0), [])),
        ],
    )
    def test_of_arguments(self, error, match, call):
        with pytest.raises(error, match=match):
            call()

    def test_an_integer_variable(self):
        i, w = tf.Variable([1]), tf.Variable([2.0])
        with pytest.raises(ValueError, match="Invalid type int32"):
            legacy.SGD().get_updates(tf.constant(1.0), [i])
        legacy.SGD().minimize(lambda: w * tf.cast(i, tf.float32), [i, w])

    def test_a_setting_that_cannot_be(self):
        optimizer = legacy.SGD(0.5)
        for wrong in ("fast", [1.0, 2.0], None):
            with pytest.raises(TypeError, match="learning_rate must be a number"):
                optimizer.lr = wrong
            assert optimizer.lr.numpy() == 0.5

    def test_another_graph_than_that_of_its_state(self):
        w, optimizer = tf.Variable(1.0), legacy.Adam()
        optimizer.minimize(lambda: w * w, [w])
        with tf.Graph().as_default():
            v = tf.Variable(1.0, name="v")
            with pytest.raises(RuntimeError, match="variable 'v:0' was made in another graph or mode"):
                optimizer.minimize(lambda: v * v, [v])
        assert len(optimizer.weights) == 3  # it got no slots

    def test_a_gradient_of_another_shape_changes_nothing(self):
        w, optimizer = tf.Variable([1.0, 2.0]), legacy.Adam()
        optimizer.minimize(lambda: w * w, [w])
        before = [v.numpy() for v in (w, *optimizer.weights)]
        with pytest.raises(ValueError, match="shape"):
            optimizer.apply_gradients([(tf.ones([3]), w)])
        for v, value in zip((w, *optimizer.weights), before, strict=True):
            np.testing.assert_array_equal(v, value)


def test_models_take_them(mode):
    with mode.scope():
        tf.keras.utils.set_random_seed(1)
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, name="dense")])
        optimizer = legacy.Adam(0.1)
        assert tf.keras.optimizers.get(optimizer) is optimizer
        model.compile(optimizer, "mse")
        assert tf.train.children(model)["optimizer"] is optimizer
        x = np.float32([[0.0], [1.0], [2.0], [3.0]])
        rates = tf.keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
        losses = model.fit(x, 2 * x, epochs=3, verbose=0, callbacks=[rates]).history["loss"]
        assert losses[-1] < losses[0]
        assert optimizer.get_config()["learning_rate"] == np.float32(0.1) / 8
        assert optimizer.get_weights()[0] == 3
        assert [v.name for v in optimizer.weights][:2] == ["Adam/iter:0", "Adam/dense/kernel/m:0"]


@given(
    kind=st.sampled_from(list(KINDS)), start=st.lists(st.floats(-4, 4, width=32), min_size=6, max_size=6),
    cut=st.integers(1, 5), seed=st.integers(0, 9),
)  # fmt: skip
def test_variables_are_stepped_as_if_alone(kind, start, cut, seed):
    """Two variables with one optimizer move as their elements do in one variable."""
    gradients = np.random.default_rng(seed).normal(size=(4, 6)).astype(np.float32)
    whole, parts = tf.Variable(start), [tf.Variable(start[:cut]), tf.Variable(start[cut:])]
    one, two = make(kind), make(kind)
    for g in gradients:
        one.apply_gradients([(tf.constant(g), whole)])
        two.apply_gradients(zip([tf.constant(g[:cut]), tf.constant(g[cut:])], parts, strict=True))
    np.testing.assert_array_equal(whole.numpy(), np.concatenate([p.numpy() for p in parts]))
    for slot in one.get_slot_names():
        np.testing.assert_array_equal(one.get_slot(whole, slot), np.concatenate([two.get_slot(p, slot) for p in parts]))
