"""A step like the one before takes a shorter road, gives what the long one gives, and nothing else takes it."""

import copy

import numpy as np
import pytest

import minitf as tf
from minitf.core.runtime import using
from minitf.optimizers.again import Again
from minitf.runtimes.eager import Eager
from minitf.testing.ops import same_bits

train = tf.compat.v1.train
MADE = {
    "SGD": lambda kind: kind(train.GradientDescentOptimizer)(0.1),
    "momentum": lambda kind: kind(train.MomentumOptimizer)(0.1, 0.9, use_nesterov=True),
    "Adagrad": lambda kind: kind(train.AdagradOptimizer)(0.1),
    "RMSProp": lambda kind: kind(train.RMSPropOptimizer)(0.1, centered=True),
    "Adam": lambda kind: kind(train.AdamOptimizer)(0.1),
}


def as_it_is(kind):
    return kind


def never_again(kind):
    """An optimizer that has more to do after a step, so that it never takes the short road."""
    return type(kind.__name__, (kind,), {"_finish": lambda self, *a: super(type(self), self)._finish(*a)})


@pytest.fixture
def taken(monkeypatch):
    """For each step that tried the short road, whether it took it."""
    seen, step = [], Again.step

    def watched(self, pairs, hypers):
        seen.append(step(self, pairs, hypers))
        return seen[-1]

    monkeypatch.setattr(Again, "step", watched)
    return seen


def variables(dtype="float32"):
    return [tf.Variable(np.full(shape, 0.5, dtype)) for shape in ((3, 2), (2,), (2, 4))]


def gradients(i, dtype="float32"):
    draw = np.random.default_rng(i)
    return [tf.constant(draw.normal(size=shape).astype(dtype)) for shape in ((3, 2), (2,), (2, 4))]


def state(optimizer, trained):
    slots = [optimizer.get_slot(v, name) for name in optimizer.get_slot_names() for v in trained]
    return [v.numpy() for v in [*trained, *slots, *optimizer.variables()]]


def script(optimizer, trained, dtype="float32"):
    """Steps, with everything that may be different between two of them."""

    def step(i, order=(0, 1, 2), **more):
        g = gradients(i, dtype)
        optimizer.apply_gradients([(g[k], trained[k]) for k in order], **more)

    for i in range(3):
        step(i)
    trained[1].assign(np.full(2, 7, dtype))
    step(3)
    for i, order in enumerate([(2, 1, 0), (2, 1, 0), (0,), (0,), (0, 1, 2), (0, 1, 2)]):
        step(4 + i, order)
    for name in ("_learning_rate", "_numbers"):
        if hasattr(optimizer, name):
            now = getattr(optimizer, name)
            setattr(optimizer, name, 0.25 if name == "_learning_rate" else {**now, "learning_rate": 0.25})
    step(10)
    step(11)
    counter = tf.Variable(0, dtype=tf.int64)
    step(12, global_step=counter)
    step(13, global_step=counter)
    assert counter.numpy() == 2
    with tf.GradientTape():
        step(14)
    with using(Eager()):
        step(15)
    g = gradients(16, dtype)
    for pairs in ([(None, trained[0]), *zip(g[1:], trained[1:], strict=True)], list(zip(g, trained, strict=True))):
        optimizer.apply_gradients(iter(pairs))
    optimizer.apply_gradients([(x.numpy(), v) for x, v in zip(g, trained, strict=True)])
    step(17)
    return state(optimizer, trained)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MADE)
def test_both_roads_lead_to_the_same_bits(name, dtype, taken):
    expected = script(MADE[name](never_again), variables(dtype), dtype)
    assert not taken
    found = script(MADE[name](as_it_is), variables(dtype), dtype)
    if (name, dtype) != ("Adam", "float64"):  # whose powers of beta are float32 and must be cast
        assert sum(taken) >= 5
        assert len(taken) - sum(taken) >= 5
    for a, b in zip(found, expected, strict=True):
        assert same_bits(a, b)


@pytest.mark.parametrize("name", MADE)
def test_what_does_not_fit_is_told_and_changes_nothing(name, taken):
    optimizer, trained = MADE[name](as_it_is), variables()
    for i in range(3):
        optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
    assert taken == [True, True]
    before = state(optimizer, trained)
    g = gradients(3)
    halved = [tf.cast(g[0], tf.float16), *g[1:]]
    turned = [tf.transpose(g[0]), *g[1:]]
    for wrong in (halved, turned):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError, TypeError)):
            optimizer.apply_gradients(zip(wrong, trained, strict=True))
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError, TypeError)):
            MADE[name](never_again).apply_gradients(zip(wrong, variables(), strict=True))
    for a, b in zip(state(optimizer, trained), before, strict=True):
        assert same_bits(a, b)
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply_gradients([(None, v) for v in trained])
    with pytest.raises(TypeError, match="Optimizers train variables"):
        optimizer.apply_gradients([(g[0], g[0])])


def test_rates_that_are_functions_or_variables_are_asked_each_time(taken):
    rates = iter([1.0, 2.0, 4.0, 8.0])
    optimizer, (v, *_) = train.GradientDescentOptimizer(lambda: next(rates)), variables()
    w = tf.Variable(tf.zeros([2]))
    for _ in range(4):
        optimizer.apply_gradients([(tf.ones([2]), w), (tf.zeros([3, 2]), v)])
    np.testing.assert_array_equal(w.numpy(), [-15.0, -15.0])
    assert not taken


def test_copies_and_constraints_go_the_long_road_first(taken):
    optimizer, trained = train.AdamOptimizer(0.1), variables()
    for i in range(3):
        optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
    assert taken == [True, True]
    other = copy.deepcopy(optimizer)
    assert other._again is None
    taken.clear()
    bounded = [tf.Variable([2.0, 2.0], constraint=lambda v: tf.minimum(v, 1.0)), tf.Variable([0.5])]
    for _ in range(3):
        optimizer.apply_gradients([(tf.constant([-1.0, -1.0]), bounded[0]), (tf.constant([1.0]), bounded[1])])
    assert not any(taken)
    np.testing.assert_array_equal(bounded[0].numpy(), [1.0, 1.0])
