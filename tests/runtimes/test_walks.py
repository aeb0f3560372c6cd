"""Walks back that are done by a plan give what walking step by step gives, bit for bit, and only the same notes take them."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
import minitf.ops
from minitf.core.op import REGISTRY
from minitf.core.runtime import using
from minitf.runtimes import walks
from minitf.runtimes.eager import EAGER, Eager
from minitf.testing.ops import draw_call, drawable, same_bits

minitf.ops.load_all()
DIFFERENTIABLE = sorted(name for name, op in REGISTRY.items() if drawable(op) and op.differentiable)
TIMES = walks.OFTEN + 3


@pytest.fixture
def plans(monkeypatch):
    """Every plan that is made, and for each walk whether a plan did it."""
    seen = {"made": [], "by a plan": []}
    planned, run = walks.planned, walks.WalkPlan.run
    monkeypatch.setattr(walks, "planned", lambda *a: seen["made"].append(planned(*a)) or seen["made"][-1])
    monkeypatch.setattr(walks.WalkPlan, "run", lambda self, fed: seen["by a plan"].append(self) or run(self, fed))
    monkeypatch.setattr(EAGER, "walks", walks.Walks(EAGER.walks.store))
    return seen


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_each_rule_gives_the_same_bits_in_a_plan(name):
    op = REGISTRY[name]
    for seed in range(4):
        arrays, attrs = draw_call(op, seed, wanted=(tf.float32, tf.int32, tf.bool))
        tensors = [None if a is None else tf.constant(a) for a in arrays]
        sources = [t for t in tensors if t is not None and t.dtype.is_floating]
        seen = []
        for _ in range(TIMES):
            with tf.GradientTape() as tape:
                tape.watch(sources)
                y = op(*[t if t is None else tf.identity(t) for t in tensors], **attrs)
            with np.errstate(all="ignore"):
                seen.append(tape.gradient(y, sources))
        for now in seen[1:]:
            for before, after in zip(seen[0], now, strict=True):
                assert (before is None) == (after is None)
                assert before is None or same_bits(before.numpy(), after.numpy())


def test_every_rule_of_a_single_result_has_a_plan(plans):
    without = []
    for name in DIFFERENTIABLE:
        op = REGISTRY[name]
        arrays, attrs = draw_call(op, 0, wanted=(tf.float32, tf.int32, tf.bool))
        tensors = [None if a is None else tf.constant(a) for a in arrays]
        plans["by a plan"].clear()
        for _ in range(TIMES):
            with tf.GradientTape() as tape:
                tape.watch([t for t in tensors if t is not None and t.dtype.is_floating])
                y = op(*tensors, **attrs)
            if isinstance(y, tuple) or not y.dtype.is_floating:
                break
            with np.errstate(all="ignore"):
                tape.gradient(y, tensors[0])
        else:
            without += [] if plans["by a plan"] else [name]
    assert not without


def step(x, w, b, power=2.0, seed=None):
    with tf.GradientTape() as tape:
        tape.watch([w, b])
        y = tf.nn.relu(tf.matmul(x, w) + b) ** power
        z = tf.reduce_sum(y * y, axis=1)
    return tape.gradient(z, [w, b], seed)


def arrays(n=4, k=3, m=2, dtype=np.float32):
    draw = np.random.default_rng(n + 10 * k + 100 * m)
    return [tf.constant(draw.standard_normal(shape).astype(dtype)) for shape in ((n, k), (k, m), (m,))]


def settled(call):
    """Repeats a call until its walk has a plan, which must give what the first call gave."""
    first = call()
    for _ in range(TIMES):
        last = call()
    for a, b in zip(first, last, strict=True):
        assert same_bits(a.numpy(), b.numpy())
    return last


def alone(call):
    """What the call gives when nothing was walked before."""
    kept, EAGER.walks = EAGER.walks, walks.Walks(EAGER.walks.store)
    try:
        return call()
    finally:
        EAGER.walks = kept


CHANGES = {
    "another batch": (lambda: step(*arrays(5))),
    "another width": (lambda: step(*arrays(m=3))),
    "another dtype": (lambda: step(*arrays(dtype=np.float64), power=tf.constant(2.0, tf.float64))),
    "a seed": (lambda: step(*arrays(), seed=tf.constant([1.0, 2.0, 3.0, 4.0]))),
    "another number": (lambda: step(*arrays(), power=3.0)),
    "a bias of rank 0": (lambda: step(*arrays()[:2], tf.constant(0.5))),
    "a row for each": (lambda: step(*arrays()[:2], tf.ones([4, 2]))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_different_is_walked_as_it_is(change, plans):
    settled(lambda: step(*arrays()))
    assert len(plans["made"]) == 1
    assert plans["by a plan"]
    for call in (CHANGES[change], lambda: step(*arrays())):
        for a, b in zip(alone(call), settled(call), strict=True):
            assert same_bits(a.numpy(), b.numpy())


def test_other_wiring_and_other_attributes_are_other_walks(plans):
    x = tf.constant([[1.0, 2.0], [3.0, 5.0]])

    def run(wire, axis):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, z = tf.exp(x), tf.exp(-x)
            s = tf.cumsum((y if wire else z) * z, axis=axis)
        return [tape.gradient(s, x, tf.constant([[1.0, 10.0], [100.0, 1000.0]]))]

    calls = [lambda w=w, a=a: run(w, a) for w in (True, False) for a in (0, 1)]
    expected = [alone(call) for call in calls]
    for _ in range(TIMES * walks.MOST_KINDS):
        for call, known in zip(calls, expected, strict=True):
            assert same_bits(call()[0].numpy(), known[0].numpy())
    assert len(plans["made"]) == 4
    assert len(set(plans["by a plan"])) == 4


@given(data=st.data())
def test_random_networks_of_changing_sizes(data):
    """The ops are those of the step before, their order, wiring and sizes may not be."""
    draw = data.draw
    ops = draw(st.lists(st.sampled_from([tf.nn.relu, tf.sin, tf.square, lambda t: t * t, lambda t: t + t[:1]]), max_size=4))
    for _ in range(12):
        n = draw(st.integers(1, 2))
        parts = [tf.constant(np.arange(n * 2, dtype=np.float32).reshape(n, 2) - k) for k in range(2)]
        first, weighted = draw(st.booleans()), draw(st.booleans())

        def run(parts=parts, first=first, weighted=weighted):
            with tf.GradientTape() as tape:
                tape.watch(parts)
                y = parts[0] if first else parts[1]
                for op in ops:
                    y = op(y)
                y = y * parts[0] if weighted else y + parts[0]
            return [g for g in tape.gradient(y, parts) if g is not None]

        for a, b in zip(alone(run), run(), strict=True):
            assert same_bits(a.numpy(), b.numpy())


TURNED = st.sampled_from([lambda t: t, tf.transpose, lambda t: tf.transpose(tf.reshape(t, [36, 40]))])


@given(data=st.data())
def test_the_order_in_memory_is_that_of_walking_step_by_step(data):
    """Sums depend on it. The tensors are views with all kinds of orders, square and not."""
    draw, numbers = data.draw, np.random.default_rng(data.draw(st.integers(0, 99)))
    parts = [tf.constant(numbers.standard_normal((40, 36)).astype(np.float32)) for _ in range(3)]
    turns = [draw(TURNED) for _ in parts]
    shape = turns[0](parts[0]).shape
    turned = [turn(p) for turn, p in zip(turns, parts, strict=True)]
    turned = [t if t.shape == shape else tf.transpose(t) for t in turned]
    ops = draw(st.lists(st.sampled_from(["*", "+", "/", "exp", "all", "axis 0", "axis 1"]), min_size=2, max_size=6))
    orders = [draw(st.integers(0, 2)) for _ in ops]

    def run():
        with tf.GradientTape() as tape:
            tape.watch(turned)
            y = turned[0] * turned[1]
            for op, i in zip(ops, orders, strict=True):
                if op == "*":
                    y = y * turned[i]
                elif op == "+":
                    y = turned[i] + y
                elif op == "/":
                    y = turned[i] / (y * y + 1.0)
                elif op == "all":
                    y = y * tf.reduce_mean(y * turned[i])
                elif op == "exp":
                    y = tf.exp(-tf.abs(y))
                else:
                    y = y * tf.reduce_sum(y * turned[i], axis=int(op[-1]), keepdims=True)
            z = tf.reduce_sum(y * turned[2])
        return [g for g in tape.gradient(z, turned) if g is not None]

    kept, EAGER.walks = EAGER.walks, walks.Walks(EAGER.walks.store)
    try:
        first = run()
        for _ in range(TIMES):
            now = run()
        assert any(series.plans for series in EAGER.walks.series.values())
    finally:
        EAGER.walks = kept
    for a, b in zip(first, now, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_variable_may_be_assigned_between_two_reads(plans):
    """Operators read a variable without a note of it, so both values have one number on the tape."""
    x, v = tf.constant([1.0, 2.0]), tf.Variable([3.0, 5.0])

    def run(assigned):
        v.assign([3.0, 5.0])
        with tf.GradientTape() as tape:
            y = tf.exp(x * v)
            if assigned:
                v.assign([0.5, 0.25])
            z = y * v
        return [tape.gradient(z, [v])[0]]

    expected = {assigned: alone(lambda assigned=assigned: run(assigned)) for assigned in (False, True)}
    for assigned in (False, True, False, True):
        for _ in range(TIMES):
            assert same_bits(run(assigned)[0].numpy(), expected[assigned][0].numpy())
    assert plans["by a plan"]
    first, later = np.exp(np.float32([3.0, 10.0])), np.float32([0.5, 0.25])
    np.testing.assert_allclose(expected[True][0].numpy(), later * first * [1.0, 2.0] + first, rtol=1e-6)


def test_a_tape_that_watches_no_variables_takes_no_note_of_one(plans):
    x, v, frozen = tf.constant([1.0, 2.0]), tf.Variable([3.0, 5.0]), tf.Variable(2.0, trainable=False)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        y = x * v * frozen
    assert tape.gradient(y, [v, frozen]) == [None, None]
    assert tape.watched_variables() == ()
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(frozen)
        y = x * v * frozen
    assert tape.gradient(y, [v]) == [None]
    with tf.GradientTape() as tape:
        y = x * v * frozen
    np.testing.assert_array_equal(tape.gradient(y, [v])[0].numpy(), [2.0, 4.0])
    assert [w.ref() for w in tape.watched_variables()] == [v.ref()]


def test_second_derivatives_are_walked_step_by_step_inside_and_planned_outside(plans):
    x = tf.constant([0.5, 2.0])

    def run():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(x * x * x)
            g = inner.gradient(y, x)
        return [outer.gradient(g, x)]

    (second,) = settled(run)
    np.testing.assert_array_equal(second.numpy(), 6 * x.numpy())
    assert len(plans["made"]) == 1


def test_persistent_tapes_may_be_walked_by_a_plan_again_and_again(plans):
    x = tf.constant([0.5, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.sin(x) * x)
    first = tape.gradient(y, x).numpy()
    for _ in range(TIMES):
        assert same_bits(tape.gradient(y, x).numpy(), first)
    assert plans["by a plan"]


def test_no_plans_for_large_arrays_for_functions_and_for_other_kernels(plans):
    large = tf.ones([walks.MOST_ELEMENTS, 2])

    @tf.custom_gradient
    def doubled(x):
        return x * 2.0, lambda g: g * 3.0

    def run(x, op):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(op(x))
        return [tape.gradient(y, x)]

    settled(lambda: run(large, tf.square))
    settled(lambda: run(tf.ones([2]), doubled))
    assert not any(plans["made"])
    with using(Eager(kernels={"square": lambda x: x * x})):
        settled(lambda: run(tf.ones([2]), tf.square))
    assert not plans["by a plan"]


def test_gradients_that_a_plan_gives_belong_to_the_caller(plans):
    v = tf.Variable([1.0, 2.0])

    def run():
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(v * v)
        return tape.gradient(y, v)

    kept = [run() for _ in range(TIMES)]
    assert plans["by a plan"]
    kept[-1].numpy()[...] = 7
    v.assign([5.0, 5.0])
    run()
    assert [k.numpy().tolist() for k in kept] == [[2.0, 4.0]] * TIMES


def test_plans_keep_no_variable_and_no_array_alive(plans):
    def train():
        v, x = tf.Variable([1.0, 2.0]), tf.constant([3.0, 4.0])
        for _ in range(TIMES):
            with tf.GradientTape() as tape:
                y = tf.reduce_sum(v * x)
            tape.gradient(y, v)
        return [weakref.ref(v), weakref.ref(v.handle), weakref.ref(x), weakref.ref(x._v)]

    seen = train()
    assert plans["by a plan"]
    gc.collect()
    assert [ref() for ref in seen] == [None] * 4


def test_a_recording_sees_every_op_of_the_walk(plans):
    v = tf.Variable([1.0, 2.0])

    def run():
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(v * v)
        return [tape.gradient(y, v)]

    settled(run)
    with tf.record() as timeline:
        run()
    used = len(plans["by a plan"])
    with tf.record() as again:
        alone(run)
    assert len(timeline) == len(again)
    run()
    assert len(plans["by a plan"]) == used + 1
