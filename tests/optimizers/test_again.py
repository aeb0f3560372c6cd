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
    tf.reset_default_graph()  # the names of slots are numbered, and sorted
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


# -- Keras' optimizers, whose numbers are computed by ops --------------------------------------------------------------------

legacy, keras = tf.keras.optimizers.legacy, tf.keras.optimizers
COMPUTED = {
    "legacy SGD": lambda kind: kind(legacy.SGD)(0.1, momentum=0.9, nesterov=True),
    "legacy SGD with decay": lambda kind: kind(legacy.SGD)(0.1, decay=0.01),
    "legacy RMSprop": lambda kind: kind(legacy.RMSprop)(0.1, centered=True),
    "legacy Adagrad": lambda kind: kind(legacy.Adagrad)(0.1),
    "legacy Adadelta": lambda kind: kind(legacy.Adadelta)(0.1),
    "legacy Adamax": lambda kind: kind(legacy.Adamax)(0.1),
    "legacy Ftrl": lambda kind: kind(legacy.Ftrl)(0.1),
    "legacy Adam": lambda kind: kind(legacy.Adam)(0.1, decay=0.01),
    "legacy AMSGrad": lambda kind: kind(legacy.Adam)(0.1, amsgrad=True),
    "Adam": lambda kind: kind(keras.Adam)(0.1),
    "Adam with another epsilon": lambda kind: kind(keras.Adam)(0.1, 0.8, 0.99, 0.25),
}


def always_computing(kind):
    """An optimizer with a method of its own, which is called at each step, so that it never takes the short road."""
    name = "update_step" if hasattr(kind, "update_step") else "_prepare"
    return type(kind.__name__, (kind,), {name: lambda self, *a: getattr(super(type(self), self), name)(*a)})


def everything(optimizer, trained):
    """All values, and the count of steps, which both kinds of optimizer have among their variables."""
    own = optimizer.variables if isinstance(optimizer, keras.Optimizer) else optimizer.weights
    return [v.numpy() for v in [*trained, *own]]


def long_script(optimizer, trained, dtype):
    """Steps, with everything that may be different between two of them."""

    def step(i, order=(0, 1, 2), **more):
        g = gradients(i, dtype)
        optimizer.apply_gradients([(g[k], trained[k]) for k in order], **more)

    for i in range(4):
        step(i)
    trained[1].assign(np.full(2, 7, dtype))
    optimizer.iterations.assign_add(3)
    step(4)
    optimizer.learning_rate = 0.25
    step(5)
    optimizer.learning_rate.assign(0.5)
    step(6)
    for i, order in enumerate([(2, 1, 0), (2, 1, 0), (2, 1, 0), (0,), (0,), (0, 1, 2), (0, 1, 2), (0, 1, 2), (0, 1, 2)]):
        step(7 + i, order)
    for name in ("epsilon", "beta_1", "rho"):
        if hasattr(optimizer, name):
            setattr(optimizer, name, 0.125)
            for i in range(3):
                step(20 + i)
    for limit in (0.5, None):
        optimizer.clipvalue = limit
        for i in range(3):
            step(23 + i)
    with tf.GradientTape():
        step(26)
    with using(Eager()):
        step(27)
    g = gradients(28, dtype)
    for pairs in ([(None, trained[0]), *zip(g[1:], trained[1:], strict=True)], list(zip(g, trained, strict=True))):
        optimizer.apply_gradients(iter(pairs))
    optimizer.apply_gradients([(x.numpy(), v) for x, v in zip(g, trained, strict=True)])
    for i in range(3):
        step(29 + i, name="step")
    return everything(optimizer, trained)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", COMPUTED)
def test_computed_numbers_lead_to_the_same_bits(name, dtype, taken):
    dtype = tf.as_dtype(dtype).np
    expected = long_script(COMPUTED[name](always_computing), variables(dtype), dtype)
    assert not any(taken)
    found = long_script(COMPUTED[name](as_it_is), variables(dtype), dtype)
    if dtype.kind == "f":
        assert sum(taken) >= 10
        assert len(taken) - sum(taken) >= 5
    assert len(found) == len(expected) > 3
    for a, b in zip(found, expected, strict=True):
        assert same_bits(a, b)


@pytest.mark.parametrize("make", [lambda: legacy.Adam(0.1), lambda: keras.Adam(0.1)])
def test_what_does_not_fit_goes_the_long_road(make, taken):
    optimizer, trained = make(), variables()
    for i in range(4):
        optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
    assert taken == [True, True]
    before = everything(optimizer, trained)
    g = gradients(3)
    for wrong in ([tf.cast(g[0], tf.float16), *g[1:]], [tf.transpose(g[0]), *g[1:]]):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError, TypeError)):
            optimizer.apply_gradients(zip(wrong, trained, strict=True))
    for a, b in zip(everything(optimizer, trained), before, strict=True):
        assert same_bits(a, b)
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply_gradients([(None, v) for v in trained])


@pytest.mark.parametrize("make", [
    lambda: legacy.Adam(tf.keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    lambda: keras.Adam(tf.keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)),
    lambda: legacy.Adam(lambda: 0.1), lambda: legacy.Nadam(0.1), lambda: legacy.SGD(0.1, clipnorm=1.0),
    lambda: keras.AdamW(0.1), lambda: keras.Adam(0.1, amsgrad=True), lambda: keras.Adam(0.1, global_clipnorm=1.0),
    lambda: legacy.SGD(0.1, gradient_transformers=[lambda pairs: pairs]),
])  # fmt: skip
def test_what_has_more_to_do_goes_the_long_road(make, taken):
    optimizer, trained = make(), variables()
    for i in range(4):
        optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
    assert not taken


@pytest.mark.parametrize("make", [lambda: legacy.Adam(0.1), lambda: keras.Adam(0.1)])
def test_copies_begin_anew(make, taken):
    optimizer, trained = make(), variables()
    for i in range(4):
        optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
    assert taken == [True, True]
    other, twins = copy.deepcopy((optimizer, trained))
    for i in range(4, 8):
        optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
        other.apply_gradients(zip(gradients(i), twins, strict=True))
    assert taken[2:] == [True, True, True, True, True, True]  # the copy's first two look for the road
    for a, b in zip(everything(optimizer, trained), everything(other, twins), strict=True):
        assert same_bits(a, b)


@pytest.mark.parametrize("make", [lambda: legacy.Adam(0.1), lambda: keras.Adam(0.1)])
def test_two_sets_of_variables_in_turn_are_not_traced_each_time(make, monkeypatch):
    from minitf.optimizers import again

    traced = []
    monkeypatch.setattr(again, "Computed", lambda *a: traced.append(a))
    optimizer, one, other = make(), variables(), variables()
    if isinstance(optimizer, keras.Optimizer):
        optimizer.build([*one, *other])
    for i in range(4):
        optimizer.apply_gradients(zip(gradients(i), one if i % 2 else other, strict=True))
    assert not traced


def test_a_restore_between_two_steps_decides(tmp_path, taken):
    for make in (lambda: legacy.Adam(0.1), lambda: keras.Adam(0.1)):
        optimizer, trained = make(), variables()
        checkpoint = tf.train.Checkpoint(optimizer=optimizer, v=trained)
        for i in range(4):
            optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
        path, expected = checkpoint.save(tmp_path / "c"), []
        for _ in range(2):
            for i in range(4, 7):
                optimizer.apply_gradients(zip(gradients(i), trained, strict=True))
            expected.append(everything(optimizer, trained))
            checkpoint.restore(path)
        for a, b in zip(*expected, strict=True):
            assert same_bits(a, b)
