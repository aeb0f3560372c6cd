"""The 1.x optimizers: names, slots, values, in both modes with one program."""

import numpy as np
import pytest

import minitf as tf
from minitf import optimizers

RULES = {
    "gradient descent": (lambda: optimizers.GradientDescentOptimizer(0.1), []),
    "momentum": (lambda: optimizers.MomentumOptimizer(0.1, 0.9), ["momentum"]),
    "nesterov": (lambda: optimizers.MomentumOptimizer(0.1, 0.9, use_nesterov=True), ["momentum"]),
    "adagrad": (lambda: optimizers.AdagradOptimizer(0.1, 0.2), ["accumulator"]),
    "rmsprop": (lambda: optimizers.RMSPropOptimizer(0.1, momentum=0.5), ["momentum", "rms"]),
    "centered": (lambda: optimizers.RMSPropOptimizer(0.1, centered=True), ["mg", "momentum", "rms"]),
    "adam": (lambda: optimizers.AdamOptimizer(0.1, beta2=0.99), ["m", "v"]),
    "adadelta": (lambda: optimizers.AdadeltaOptimizer(1.0, epsilon=1e-3), ["accum", "accum_update"]),
    "ftrl": (lambda: optimizers.FtrlOptimizer(0.1), ["accum", "linear"]),
    "ftrl all": (
        lambda: optimizers.FtrlOptimizer(0.2, -0.4, 0.2, 1.5, 0.2, l2_shrinkage_regularization_strength=0.1, beta=0.1),
        ["accum", "linear"],
    ),
    "proximal descent": (lambda: optimizers.ProximalGradientDescentOptimizer(0.1, 2.0, 0.5), []),
    "proximal descent l2": (lambda: optimizers.ProximalGradientDescentOptimizer(0.1, l2_regularization_strength=0.5), []),
    "proximal adagrad": (lambda: optimizers.ProximalAdagradOptimizer(0.2, 0.2, 1.0, 0.5), ["accumulator"]),
}
START_W, START_B = [[1.0, -2.0, 0.5], [0.25, 4.0, -1.0]], 0.75


def loss_of(w, b):
    return tf.reduce_sum(w * w * w * 0.1 + w * w) + b * b * 3.0 + b * w[0, 0]


def train(rule, mode, steps=20, dtype="float32"):
    """The loss above, minimised for some steps: (variables and slots by name, step counter, optimizer)."""
    with mode.scope():
        w = tf.Variable(np.array(START_W, dtype), name="w")
        b = tf.Variable(np.array(START_B, dtype), name="b")
        step = tf.Variable(0, trainable=False, name="step", dtype=tf.int64)
        optimizer = rule()
        mode.repeat(lambda: optimizer.minimize(lambda: loss_of(w, b), global_step=step), steps)
        values = {v.name: mode.value(v) for v in [w, b, *optimizer.variables()]}
        return values, int(mode.value(step)), optimizer, (w, b)


@pytest.mark.parametrize("name", RULES)
def test_a_step_counts_and_changes_the_variables(mode, name):
    values, step, _, _ = train(RULES[name][0], mode, steps=3)
    assert step == 3
    assert not np.any(values["w:0"] == np.array(START_W))
    assert values["b:0"] != START_B


@pytest.mark.parametrize("name", RULES)
def test_the_modes_agree_to_the_last_bit(modes, name):
    eager, graph = (train(RULES[name][0], mode)[0] for mode in modes)
    assert eager.keys() == graph.keys()
    for key in eager:
        np.testing.assert_array_equal(eager[key], graph[key], err_msg=key)


@pytest.mark.parametrize("name", RULES)
def test_slots_and_their_names(mode, name):
    rule, slots = RULES[name]
    values, _, optimizer, (w, _b) = train(rule, mode, steps=1)
    assert optimizer.get_slot_names() == slots
    base = optimizer.get_name()
    expected = {f"{v}/{base}{'' if i == 0 else f'_{i}'}:0" for v in "wb" for i in range(len(slots))}
    own = {"beta1_power:0", "beta2_power:0"} if name == "adam" else set()
    assert values.keys() - {"w:0", "b:0"} == expected | own
    with mode.scope():
        assert list(optimizer._children()) == sorted(n.removesuffix(":0") for n in own)
        assert [v.name for v in optimizer.variables()] == sorted(expected | own)
    for slot in slots:
        assert optimizer.get_slot(w, slot).shape == (2, 3)
        assert optimizer.get_slot(w, slot).trainable is False
    assert optimizer.get_slot(w, "nothing") is None


def test_slots_of_a_second_optimizer_are_numbered_on(mode):
    with mode.scope():
        w = tf.Variable([1.0], name="w")
        for _ in range(2):
            optimizer = optimizers.AdamOptimizer()
            optimizer.minimize(lambda: tf.reduce_sum(w * w))
        assert [optimizer.get_slot(w, s).name for s in "mv"] == ["w/Adam_2:0", "w/Adam_3:0"]


def adam_on_two_variables_of_one_name():
    first, second = tf.Variable([1.0]), tf.Variable([2.0])
    optimizer = optimizers.AdamOptimizer()
    optimizer.minimize(lambda: tf.reduce_sum(first * second))
    return [optimizer.get_slot(v, s).name for v in (first, second) for s in "mv"]


def test_slots_of_eager_variables_of_one_name_are_numbered_on():
    assert adam_on_two_variables_of_one_name() == [f"Variable/Adam{n}:0" for n in ("", "_1", "_2", "_3")]
    assert adam_on_two_variables_of_one_name() == [f"Variable/Adam_{n}:0" for n in (4, 5, 6, 7)]
    for _ in range(2):  # a scope that is opened anew counts anew
        with tf.variable_scope("s"):
            assert adam_on_two_variables_of_one_name() == [f"s/s/Variable/Adam{n}:0" for n in ("", "_1", "_2", "_3")]
    tf.reset_default_graph()
    assert adam_on_two_variables_of_one_name()[0] == "Variable/Adam:0"


def test_slots_of_ftrl_may_have_names_of_their_own(mode):
    with mode.scope():
        w = tf.Variable([1.0], name="w")
        optimizer = tf.train.FtrlOptimizer(0.1, accum_name="sums")
        mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w)), 1)
        assert [optimizer.get_slot(w, s).name for s in ("accum", "linear")] == ["w/sums:0", "w/Ftrl:0"]


def test_ftrl_keeps_what_matters_little_at_zero(mode):
    with mode.scope():
        w = tf.Variable([0.0, 0.0], name="w")
        optimizer = tf.train.FtrlOptimizer(0.5, l1_regularization_strength=5.0)
        mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum((w - [3.0, 0.1]) ** 2.0)), 20)
        large, small = mode.value(w)
        assert large > 1.0
        assert small == 0.0


def test_slots_are_called_after_the_variable_whatever_the_scope(mode):
    with mode.scope():
        with tf.name_scope("model"):
            w = tf.Variable([1.0], name="w")
        optimizer = optimizers.MomentumOptimizer(0.1, 0.9)
        with tf.name_scope("train"):
            optimizer.minimize(lambda: tf.reduce_sum(w * w))
        assert w.name == "model/w:0"
        assert optimizer.get_slot(w, "momentum").name == "model/w/Momentum:0"


def test_a_variable_scope_comes_before_the_names_of_slots(mode):
    with mode.scope():
        w = tf.Variable([1.0], name="w")
        with tf.variable_scope("train"):
            optimizer = optimizers.MomentumOptimizer(0.1, 0.9)
            optimizer.minimize(lambda: tf.reduce_sum(w * w))
        assert optimizer.get_slot(w, "momentum").name == "train/w/Momentum:0"


def test_names_of_operations_in_a_graph():
    with tf.Graph().as_default() as graph:
        w, step = tf.Variable([1.0]), tf.Variable(0, trainable=False)
        first = optimizers.AdamOptimizer().minimize(tf.reduce_sum(w * w), global_step=step)
        second = optimizers.AdamOptimizer().minimize(tf.reduce_sum(w * w))
        third = optimizers.AdamOptimizer().minimize(tf.reduce_sum(w * w), name="train")
        assert [o.name for o in (first, second, third)] == ["Adam", "Adam_1", "train"]
        assert graph.get_collection("train_op") == [first, second, third]


def test_one_optimizer_in_two_graphs_shows_the_state_of_the_current_one():
    optimizer = optimizers.AdamOptimizer()
    seen = []
    for _ in range(2):
        with tf.Graph().as_default() as graph:
            w = tf.Variable([1.0], name="w")
            optimizer.minimize(tf.reduce_sum(w * w))
            seen.append((graph, optimizer._children(), optimizer.variables()))
    for graph, edges, variables in seen:
        assert list(edges) == ["beta1_power", "beta2_power"]
        assert {v.graph for v in [*edges.values(), *variables]} == {graph}
        with graph.as_default():
            assert optimizer.variables() == variables
    assert optimizer.variables() == []
    assert dict(optimizer._children()) == {}


def test_a_learning_rate_may_be_a_function_or_a_variable(mode):
    with mode.scope():
        w, rate = tf.Variable(1.0), tf.Variable(0.5, trainable=False)
        optimizer = optimizers.GradientDescentOptimizer(rate)
        mode.repeat(lambda: optimizer.minimize(lambda: w * 1.0), 1)
        assert mode.value(w) == 0.5
        assert dict(optimizer._children()) == {}  # the rate is the caller's, not state of the optimizer
    with mode.scope():
        w = tf.Variable(1.0)
        optimizer = optimizers.MomentumOptimizer(lambda: 0.25, momentum=lambda: 0.5)
        mode.repeat(lambda: optimizer.minimize(lambda: w * 1.0), 1)
        assert mode.value(w) == 0.75


def test_a_function_is_asked_anew_at_each_eager_step():
    w, rates = tf.Variable(1.0), iter([0.5, 0.25])
    optimizer = optimizers.GradientDescentOptimizer(lambda: next(rates))
    for _ in range(2):
        optimizer.minimize(lambda: w * 1.0)
    assert w.numpy() == 0.25


def test_compute_and_apply_apart(mode):
    with mode.scope():
        v, w = tf.Variable(2.0), tf.Variable(3.0)
        optimizer = optimizers.GradientDescentOptimizer(1.0)

        def step():
            pairs = optimizer.compute_gradients(lambda: v * w, var_list=[v, w])
            assert [variable is one for (_, variable), one in zip(pairs, [v, w], strict=True)] == [True, True]
            return optimizer.apply_gradients([(g * 0.5, variable) for g, variable in pairs])

        mode.repeat(step, 1)
        assert (mode.value(v), mode.value(w)) == (0.5, 2.0)


def test_variables_without_a_gradient_are_left_alone(mode):
    with mode.scope():
        v, w = tf.Variable(2.0), tf.Variable(3.0)
        optimizer = optimizers.AdamOptimizer()

        def step():
            pairs = optimizer.compute_gradients(lambda: v * v, var_list=[v, w])
            assert pairs[1][0] is None
            return optimizer.apply_gradients(pairs)

        mode.repeat(step, 1)
        assert mode.value(w) == 3.0
        assert optimizer.get_slot(w, "m") is None


def test_only_trainable_variables_are_trained_by_default(mode):
    with mode.scope():
        v, w = tf.Variable(2.0), tf.Variable(3.0, trainable=False)
        optimizer = optimizers.GradientDescentOptimizer(1.0)
        mode.repeat(lambda: optimizer.minimize(lambda: v * w), 1)
        assert (mode.value(v), mode.value(w)) == (-1.0, 3.0)


def test_grad_loss_scales(mode):
    with mode.scope():
        v = tf.Variable([2.0, 3.0])
        optimizer = optimizers.GradientDescentOptimizer(1.0)
        mode.repeat(lambda: optimizer.minimize(lambda: v * 1.0, grad_loss=[0.5, 0.25]), 1)
        np.testing.assert_array_equal(mode.value(v), [1.5, 2.75])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_slots_have_the_dtype_of_their_variable(mode, name, dtype):
    values, _, optimizer, (w, _) = train(RULES[name][0], mode, steps=2, dtype=dtype)
    assert values["w:0"].dtype == dtype
    assert {optimizer.get_slot(w, s).dtype for s in optimizer.get_slot_names()} <= {tf.as_dtype(dtype)}


def test_a_variable_of_open_shape_gets_slots_of_its_present_shape(mode):
    with mode.scope():
        w = tf.Variable([1.0, 2.0], shape=[None])
        optimizer = optimizers.RMSPropOptimizer(0.1)
        mode.repeat(lambda: optimizer.minimize(lambda: tf.reduce_sum(w * w)), 1)
        assert mode.value(optimizer.get_slot(w, "rms")).shape == (2,)


def test_no_variable_changes_before_all_gradients_are_there():
    """Whatever ready operation a session takes next, b's gradient is computed from the old w."""

    class Last:
        def start(self):
            return True

        def choose(self, ready, event):
            return len(ready) - 1

        def end(self, error=None):
            pass

    with tf.Graph().as_default():
        w, b = tf.Variable(2.0), tf.Variable(3.0)
        step = optimizers.GradientDescentOptimizer(1.0).minimize(w * b)
        for scheduler in (None, Last()):
            with tf.Session(scheduler=scheduler) as session:
                session.run([w.initializer, b.initializer])
                session.run(step)
                assert session.run([w, b]) == [-1.0, 1.0]


def test_a_deep_copy_trains_its_own_variables():
    import copy

    w = tf.Variable([1.0, 2.0], name="w")
    optimizer = optimizers.AdamOptimizer(0.1)
    optimizer.minimize(lambda: tf.reduce_sum(w * w))
    w2, optimizer2 = copy.deepcopy((w, optimizer))
    before = w.numpy(), optimizer.get_slot(w, "m").numpy(), optimizer._children()["beta1_power"].numpy()
    optimizer2.minimize(lambda: tf.reduce_sum(w2 * w2))
    after = w.numpy(), optimizer.get_slot(w, "m").numpy(), optimizer._children()["beta1_power"].numpy()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.any(w2.numpy() == w.numpy())
    assert optimizer2.get_slot(w2, "m") is not optimizer.get_slot(w, "m")


class TestMistakes:
    def test_a_tensor_in_eager_mode(self):
        with pytest.raises(RuntimeError, match="in eager mode pass a function"):
            optimizers.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))

    def test_no_gradient(self, mode):
        with mode.scope():
            v = tf.Variable(1.0, name="lonely")
            with pytest.raises(ValueError, match="no variable has a gradient.*'lonely:0'"):
                optimizers.GradientDescentOptimizer(0.1).minimize(lambda: tf.constant(1.0), var_list=[v])

    def test_nothing_to_apply(self, mode):
        with mode.scope():
            optimizer = optimizers.GradientDescentOptimizer(0.1)
            with pytest.raises(ValueError, match="No variables provided"):
                optimizer.apply_gradients([])
            with pytest.raises(ValueError, match="No gradients provided"):
                optimizer.apply_gradients([(None, tf.Variable(1.0))])

    def test_no_variables_in_the_graph(self):
        with tf.Graph().as_default(), pytest.raises(ValueError, match="No variables to optimize"):
            optimizers.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))

    def test_something_else_than_a_variable(self, mode):
        with mode.scope(), pytest.raises(TypeError, match="Optimizers train variables"):
            optimizers.GradientDescentOptimizer(0.1).apply_gradients([(1.0, tf.constant(1.0))])

    def test_an_integer_loss(self):
        with tf.Graph().as_default():
            w = tf.Variable(3)
            with pytest.raises(ValueError, match="Invalid type int32"):
                optimizers.GradientDescentOptimizer(0.1).minimize(w * w)

    def test_a_wrong_gate(self):
        with pytest.raises(ValueError, match="gate_gradients"):
            optimizers.GradientDescentOptimizer(0.1).minimize(lambda: 1.0, gate_gradients=7)

    def test_bad_constructor_arguments(self):
        with pytest.raises(ValueError, match="name"):
            optimizers.GradientDescentOptimizer(0.1, name="")
        with pytest.raises(ValueError, match="must be positive, not 0.0"):
            optimizers.AdagradOptimizer(0.1, initial_accumulator_value=0.0)
        with pytest.raises(ValueError, match="must be positive, not 0.0"):
            optimizers.ProximalAdagradOptimizer(0.1, initial_accumulator_value=0.0)
        with pytest.raises(ValueError, match="l1_regularization_strength must not be negative"):
            optimizers.FtrlOptimizer(0.1, l1_regularization_strength=-1.0)
        with pytest.raises(ValueError, match="learning_rate_power must not be positive"):
            optimizers.FtrlOptimizer(0.1, learning_rate_power=1.0)

    def test_a_rule_without_apply(self, mode):
        class Empty(optimizers.Optimizer):
            pass

        with mode.scope():
            v = tf.Variable(1.0)
            with pytest.raises(NotImplementedError, match="Empty must define _apply_dense"):
                Empty(False, "Empty").minimize(lambda: v * v)


ORACLE = """
import json
import numpy as np
import tensorflow as tf
v1 = tf.compat.v1
RULES = {
    "gradient descent": lambda: v1.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: v1.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1, 0.2),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.1, momentum=0.5),
    "centered": lambda: v1.train.RMSPropOptimizer(0.1, centered=True),
    "adam": lambda: v1.train.AdamOptimizer(0.1, beta2=0.99),
    "adadelta": lambda: v1.train.AdadeltaOptimizer(1.0, epsilon=1e-3),
    "ftrl": lambda: v1.train.FtrlOptimizer(0.1),
    "ftrl all": lambda: v1.train.FtrlOptimizer(0.2, -0.4, 0.2, 1.5, 0.2, l2_shrinkage_regularization_strength=0.1, beta=0.1),
    "proximal descent": lambda: v1.train.ProximalGradientDescentOptimizer(0.1, 2.0, 0.5),
    "proximal descent l2": lambda: v1.train.ProximalGradientDescentOptimizer(0.1, l2_regularization_strength=0.5),
    "proximal adagrad": lambda: v1.train.ProximalAdagradOptimizer(0.2, 0.2, 1.0, 0.5),
}
def train(rule, graph, dtype):
    w = tf.Variable(np.array(START_W, dtype), name="w")
    b = tf.Variable(np.array(START_B, dtype), name="b")
    loss = lambda: tf.reduce_sum(w * w * w * 0.1 + w * w) + b * b * 3.0 + b * w[0, 0]
    optimizer = rule()
    if graph:
        step = optimizer.minimize(loss())
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for _ in range(20):
                session.run(step)
            return {v.name: session.run(v).tolist() for v in [w, b, *optimizer.variables()]}
    for _ in range(20):
        optimizer.minimize(loss)
    SLOTS[:] = sorted(optimizer.get_slot_names())
    return {v.name: v.numpy().tolist() for v in [w, b, *optimizer.variables()]}
out, SLOTS = {}, []
for name, rule in RULES.items():
    for dtype in ("float32",) if name.startswith("proximal") else ("float32", "float64"):
        with tf.Graph().as_default():
            graph = train(rule, True, dtype)
        names = list(graph)
        eager = dict(zip(names, train(rule, False, dtype).values()))  # its names count on in the whole process
        out[f"{name} {dtype}"] = {"eager": eager, "graph": graph, "slots": list(SLOTS)}
print(json.dumps(out))
""".replace("START_W", repr(START_W)).replace("START_B", repr(START_B))


@pytest.fixture(scope="module")
def tensorflow_values(oracle):
    return oracle(ORACLE)


@pytest.mark.interop
# TensorFlow's proximal optimizers take float32 only.
@pytest.mark.parametrize(
    "name, dtype", [(n, d) for n in RULES for d in ("float32", "float64") if d == "float32" or "proximal" not in n]
)
def test_twenty_steps_give_tensorflows_values(tensorflow_values, mode, name, dtype):
    expected = tensorflow_values[f"{name} {dtype}"][mode.name]
    found = train(RULES[name][0], mode, dtype=dtype)[0]
    assert list(found) == list(expected)
    assert tensorflow_values[f"{name} {dtype}"]["slots"] == RULES[name][1]
    # Twenty steps of a few roundings each; TensorFlow fuses some multiplications and additions.
    bound = 2e-6 if dtype == "float32" else 1e-14
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=bound, atol=bound, err_msg=key)
