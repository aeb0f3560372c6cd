"""Small variables are stepped together: with the values of separate steps, and nobody else can tell."""

import threading
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf
from minitf.core.registry import REGISTRY
from minitf.ops import training, training_keras
from minitf.ops.together import LARGEST, MOST, RULES, Together, groups

SHAPES = [(3, 4), (4,), (1, 1), (4, 2), (2,)]
NUMBERS = {
    "apply_gradient_descent": [0.1], "apply_momentum": [0.1, 0.9], "apply_adagrad": [0.1],
    "apply_rms_prop": [0.1, 0.9, 0.5, 1e-3],
    "apply_centered_rms_prop": [0.1, 0.9, 0.5, 1e-3], "apply_adam": [0.9, 0.99, 0.1, 0.9, 0.99, 1e-3],
    "apply_adadelta": [0.1, 0.9, 1e-3], "apply_ftrl": [0.1, 0.5, 0.25, 0.125, -0.5],
    "apply_proximal_gradient_descent": [0.1, 0.5, 0.25], "apply_proximal_adagrad": [0.1, 0.5, 0.25],
    "apply_keras_momentum": [0.1, 0.9], "apply_adagrad_v2": [0.1, 1e-3], "apply_ada_max": [0.9, 0.1, 0.9, 0.99, 1e-3],
    "apply_adam_with_amsgrad": [0.9, 0.99, 0.1, 0.9, 0.99, 1e-3], "apply_plain_rms_prop": [0.1, 0.9, 1e-3],
    "apply_plain_centered_rms_prop": [0.1, 0.9, 1e-3], "apply_keras_adam": [0.1, 0.1, 0.01, 1e-3],
    "apply_nadam": [0.1, 0.9, 0.99, 1e-3, 0.8, 0.85, 0.8, 0.7, 0.9],
}  # fmt: skip
NESTEROV = ("apply_momentum", "apply_keras_momentum", "apply_adam")
CASES = [(name, {}) for name in NUMBERS] + [(name, {"use_nesterov": True}) for name in NESTEROV]
ODD = [np.inf, -np.inf, np.nan, -0.0, 1e30, 1e-40, 2e-38]


def ninety(seed):
    """Numbers of a seed: odd ones, short and long ones between -4 and 4; of every second one the same few again and again.

    Drawn one by one they took longer than the steps do.
    """
    draw = np.random.default_rng(seed)
    long = draw.uniform(-4, 4, 90)
    numbers = np.choose(draw.integers(4, size=90), [draw.choice(ODD, 90), draw.choice(ODD, 90), np.round(long), long])
    few = [0.0, *draw.choice(ODD, draw.integers(1, 3), replace=False), *numbers[: draw.integers(2)]]
    return (draw.choice(few, 90) if draw.integers(2) else numbers).astype(np.float32)


def cells(values, dtype, count):
    """For each value a variable and its slots, which begin with squares."""
    rows = [[tf.Variable(v.astype(dtype)), *[tf.Variable((v * v).astype(dtype)) for _ in range(count - 1)]] for v in values]
    return rows, [[v.handle.cell for v in row] for row in rows]


def test_every_rule_is_in_the_cases():
    assert {training.apply_adam.name, training_keras.apply_nadam.name} <= set(RULES)
    assert {name for name, _ in CASES} == set(RULES)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name, attrs", CASES)
@settings(max_examples=40)  # of 32 kinds
@given(draw=st.integers(0, 2**64 - 1).map(ninety))
def test_together_and_alone_give_the_same_bits(name, attrs, dtype, draw):
    dtype = tf.as_dtype(dtype).np
    pieces = np.split(draw, np.cumsum([np.prod(s) for s in SHAPES] * 3))[:15]
    with np.errstate(over="ignore"):
        arrays = [p.reshape(s).astype(dtype) for p, s in zip(pieces, SHAPES * 3, strict=True)]
    values, steps = arrays[:5], [arrays[5:10], arrays[10:]]
    numbers = [dtype.type(n) for n in NUMBERS[name]]
    rule, count = REGISTRY[name], RULES[name].cells
    with np.errstate(all="ignore"):
        (_, one), (_, other) = cells(values, dtype, count), cells(values, dtype, count)
        together, alone = Together(rule, one, attrs), Together(rule, other, attrs)
        for gradients in [*steps, *steps]:
            assert together.step(numbers, gradients)
            for i, gradient in enumerate(gradients):
                alone.alone(i, numbers, gradient)
    for a, b in zip(chain(*one), chain(*other), strict=True):
        assert a.writes == b.writes == 4
        assert a.value.flags.c_contiguous
        np.testing.assert_array_equal(a.value.view(f"u{a.value.itemsize}")[~np.isnan(a.value)],
                                      b.value.view(f"u{b.value.itemsize}")[~np.isnan(b.value)])  # fmt: skip
        np.testing.assert_array_equal(np.isnan(a.value), np.isnan(b.value))


@pytest.mark.parametrize("dtype", [np.float16, tf.bfloat16.np.type, np.float32, np.float64])
@given(number=st.floats(width=32) | st.floats(0, 1, width=32))
def test_the_root_of_a_scalar_is_numpys(dtype, number):
    with np.errstate(all="ignore"):
        value = dtype(number)
        mine, numpys = training.root(value), np.sqrt(value)
    assert type(mine) is type(numpys)
    assert mine == numpys or (np.isnan(mine) and np.isnan(numpys))


def adam(n=3):
    variables = [tf.Variable(np.full((2, i + 1), 1.0, np.float32)) for i in range(n)]
    optimizer = tf.train.AdamOptimizer(0.1)

    def step():
        optimizer.minimize(lambda: tf.add_n([tf.reduce_sum(v * v) for v in variables]), var_list=variables)

    return variables, optimizer, step


def test_what_was_read_stays_as_it_was():
    variables, optimizer, step = adam()
    held = []
    for _ in range(6):
        step()
        slots = [optimizer.get_slot(v, name) for v in variables for name in "mv"]
        tensors = [v.read_value() for v in [*variables, *slots]] + [tf.reshape(variables[1], [-1])[1:]]
        held += [(t, t.numpy()) for t in tensors]
    for tensor, before in held:
        np.testing.assert_array_equal(tensor.numpy(), before)


def test_steps_write_in_turn_into_two_flat_arrays():
    variables, _, step = adam()
    seen = []
    for _ in range(5):
        step()
        seen.append({id(v.handle.cell.value.base) for v in variables})
    assert all(len(bases) == 1 for bases in seen)
    assert seen[1] == seen[3]
    assert seen[2] == seen[4]
    assert seen[3] != seen[4]


def test_an_assignment_in_between_counts():
    (one, two), (other, third) = adam(2)[::2], adam(2)[::2]
    for run, variables in ((two, one), (third, other)):
        run()
        variables[0].assign([[5.0], [6.0]])
    other[0].assign_add([[1.0], [1.0]])
    other[0].assign_sub([[1.0], [1.0]])
    two()
    third()
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert np.all(np.abs(one[0].numpy() - [[5.0], [6.0]]) < 0.2)


def test_another_variable_made_from_a_piece_keeps_its_value():
    variables, _, step = adam()
    step()
    copy = tf.Variable(variables[0])
    before = copy.numpy()
    for _ in range(4):
        step()
    np.testing.assert_array_equal(copy.numpy(), before)


def test_a_gradient_that_does_not_fit_is_told_and_changes_nothing():
    variables = [tf.Variable(np.ones(3, np.float32), name=name) for name in "ab"]
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    good = tf.ones([3])
    with pytest.raises(ValueError, match="b.*shape|shape.*b"):
        optimizer.apply_gradients([(good, variables[0]), (tf.ones([4]), variables[1])])
    assert variables[1].numpy().tolist() == [1, 1, 1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        optimizer.apply_gradients([(good, variables[0]), (tf.ones([3], tf.float64), variables[1])])


def test_what_goes_together():
    def rows(*shapes, dtype=np.float32):
        return [[tf.Variable(np.zeros(s, dtype)).handle] for s in shapes]

    small, large = (LARGEST // 4, 4), (LARGEST + 1,)
    assert groups(rows((3,), large, (2, 2), (), (0,), (1,))) == [[1], [3], [4], [0, 2, 5]]
    assert groups(rows((3,), (4,), dtype=np.int32)) == [[0], [1]]
    assert [len(g) for g in groups(rows(*[small] * 9))] == [MOST // LARGEST, MOST // LARGEST, 1]
    open_shape = tf.Variable(np.zeros(3, np.float32), shape=[None])
    assert groups([[open_shape.handle], *rows((3,), (3,))]) == [[0], [1, 2]]


def test_a_plan_steps_together_what_nobody_looks_at():
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.Variable(np.ones(s, np.float32)) for s in SHAPES]
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(tf.add_n([tf.reduce_sum(v * v) for v in variables]))
        session.run(tf.global_variables_initializer())
        session.run(train)
        values = [session.store.cell(v.handle).value for v in variables]
        assert len({id(v.base) for v in values}) == 1
        assert values[0].base is not None
        fetched = session.run(variables)
        session.run(train)
        for value in fetched:
            np.testing.assert_array_equal(value, np.full(value.shape, np.float32(1) - np.float32(0.1) * np.float32(2)))


LOSSES = {
    "each gradient once": lambda gs: gs,
    "clipped together": lambda gs: tf.clip_by_global_norm(gs, 0.5)[0],
    "one used twice": lambda gs: [gs[0], gs[1], gs[2] + 0.5 * gs[3], gs[3]],
    "one scaled": lambda gs: [gs[0], gs[1], gs[2], gs[3] * 2.0],
    "turned": lambda gs: [tf.transpose(tf.transpose(g)) for g in gs],
}


def network(session_of, rule, change, fetch_gradients=False):
    """The variables, slots, losses (and gradients) of some steps of a network in a session."""
    draw = np.random.default_rng(3)
    x = draw.standard_normal((6, 5)).astype(np.float32)
    with tf.Graph().as_default():
        fed = tf.placeholder(tf.float32, (6, 5))
        shapes = ((5, 4), (4,), (4, 2), (2,))
        vs = [tf.Variable(draw.standard_normal(s).astype(np.float32), name=f"v{i}") for i, s in enumerate(shapes)]
        loss = tf.reduce_mean(tf.nn.relu(tf.matmul(tf.nn.relu(tf.matmul(fed, vs[0]) + vs[1]), vs[2]) + vs[3]) ** 2.0)
        optimizer = rule()
        gradients = change(tf.gradients(loss, vs))
        train = optimizer.apply_gradients(list(zip(gradients, vs, strict=True)))
        session = session_of()
        session.run(tf.global_variables_initializer())
        fetches = [loss, train, *(gradients if fetch_gradients else [])]
        seen = [session.run(fetches, {fed: x * np.float32(k)}) for k in range(1, 6)]
        seen.append(session.run(tf.global_variables()))
        texts = [plan.text for plan in session._plans.values()]
    return [value for run in seen for value in run if value is not None], "\n".join(texts)


RULES_OF = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.1), "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: tf.train.AdamOptimizer(0.1), "rmsprop": lambda: tf.train.RMSPropOptimizer(0.01),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
}  # fmt: skip


@pytest.mark.parametrize("fetch_gradients", [False, True])
@pytest.mark.parametrize("change", LOSSES)
@pytest.mark.parametrize("rule", RULES_OF)
def test_a_plan_trains_as_the_plain_executor_does(rule, change, fetch_gradients):
    arguments = RULES_OF[rule], LOSSES[change], fetch_gradients
    (planned, text), (plain, _) = network(tf.Session, *arguments), network(lambda: tf.Session(plan=False), *arguments)
    assert len(planned) == len(plain)
    for a, b in zip(planned, plain, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    alone = change != "turned" and not fetch_gradients
    assert (".pieces" in text) == alone, "gradients that nobody else needs are computed where they are wanted, no others"


def test_threads_share_a_session_and_its_room_for_gradients():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (3, 2))
        vs = [tf.Variable(np.zeros((2, 4), np.float32)), tf.Variable(np.zeros((4,), np.float32))]
        loss = tf.reduce_sum(tf.matmul(x, vs[0]) + vs[1])
        train = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
        session.run(tf.global_variables_initializer())
        values = [np.full((3, 2), 2.0**k, np.float32) for k in range(3)]

        def run(value):
            for _ in range(300):
                session.run(train, {x: value})

        threads = [threading.Thread(target=run, args=(value,)) for value in values]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        kernel, bias = session.run(vs)
        np.testing.assert_array_equal(kernel, np.full((2, 4), -300.0 * 3 * 7))
        np.testing.assert_array_equal(bias, np.full(4, -300.0 * 3 * 3))


def test_threads_that_step_the_same_variables_lose_no_step():
    variables = [tf.Variable(np.zeros((4, i + 1), np.float32)) for i in range(4)]
    gradients = [tf.ones_like(v) for v in variables]

    def run(order):
        optimizer = tf.train.GradientDescentOptimizer(1.0)
        for _ in range(200):
            optimizer.apply_gradients([(gradients[i], variables[i]) for i in order])
            for v in variables:
                value = v.read_value().numpy()
                assert np.all(value == value.flat[0])

    failed = []

    def guarded(order):
        try:
            run(order)
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=guarded, args=(order,)) for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 3])]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed
    assert [v.numpy().flat[0] for v in variables] == [-400, -600, -400, -600]
