"""Random numbers: what repeats, what differs, and how they are distributed."""

import numpy as np
import pytest

import minitf as tf

DRAWS = {
    "uniform": lambda **k: tf.random.uniform([3], **k),
    "integers": lambda **k: tf.random.uniform([3], 0, 10**6, tf.int32, **k),
    "normal": lambda **k: tf.random.normal([3], **k),
    "truncated_normal": lambda **k: tf.random.truncated_normal([3], **k),
    "shuffle": lambda **k: tf.random.shuffle(tf.range(20), **k),
    "categorical": lambda **k: tf.random.categorical(tf.zeros([1, 10**6]), 3, **k),
    "dropout": lambda **k: tf.nn.dropout(tf.ones([50]), 0.5, **k),
}


def eager(draw, whole, **more):
    tf.random.set_seed(whole)
    return [draw(**more).numpy().tolist() for _ in range(3)]


def sessions(draw, whole, **more):
    """What two sessions of one graph draw, in two runs each, from two ops."""
    with tf.Graph().as_default() as graph:
        tf.random.set_seed(whole)
        ops = [draw(**more), draw(**more)]
    out = []
    for _ in range(2):
        with tf.Session(graph=graph) as session:
            out.append([[v.tolist() for v in session.run(ops)] for _ in range(2)])
    return out


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_repeats_the_eager_sequence(name):
    first, again, other = (eager(DRAWS[name], s) for s in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({str(d) for d in first}) == 3


@pytest.mark.parametrize("name", DRAWS)
def test_an_op_seed_alone_repeats_too(name):
    tf.random.set_seed(7)
    assert eager(DRAWS[name], 7, seed=3) == eager(DRAWS[name], 7, seed=3)
    assert eager(DRAWS[name], 7, seed=3) != eager(DRAWS[name], 7, seed=4)


@pytest.mark.parametrize("name", DRAWS)
def test_a_fresh_session_repeats_and_runs_differ(name):
    first, again = sessions(DRAWS[name], 1)
    assert first == again
    assert first[0] != first[1]  # two runs
    assert first[0][0] != first[0][1]  # two ops
    assert sessions(DRAWS[name], 1)[0] == first  # another graph with the seed


def test_two_ops_with_one_seed_draw_the_same_in_a_graph():
    (run, _), _ = sessions(DRAWS["normal"], 1, seed=5)
    assert run[0] == run[1]


def test_without_seeds_chance_decides():
    assert eager(DRAWS["uniform"], None) != eager(DRAWS["uniform"], None)
    first, second = sessions(DRAWS["uniform"], None)
    assert first != second


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16, tf.float32, tf.float64])
def test_uniform_is_below_its_limit(dtype):
    tf.random.set_seed(0)
    x = tf.cast(tf.random.uniform([20000], dtype=dtype), tf.float64).numpy()
    assert x.min() >= 0
    assert x.max() < 1
    assert abs(x.mean() - 0.5) < 0.01
    y = tf.random.uniform([20000], -2, 6, dtype=dtype)
    assert y.dtype is dtype
    assert abs(tf.cast(y, tf.float64).numpy().mean() - 2) < 0.1


def test_integers_fill_their_range():
    tf.random.set_seed(0)
    x = tf.random.uniform([5000], -2, 3, tf.int64).numpy()
    assert set(x.tolist()) == {-2, -1, 0, 1, 2}
    with pytest.raises(ValueError, match="maxval"):
        tf.random.uniform([2], dtype=tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="less than"):
        tf.random.uniform([2], 3, 3, tf.int32)


def test_moments_of_normal_numbers():
    tf.random.set_seed(0)
    x = tf.random.normal([40000], 3.0, 2.0).numpy()
    assert abs(x.mean() - 3) < 0.05
    assert abs(x.std() - 2) < 0.05
    y = tf.random.truncated_normal([40000], 1.0, 0.5).numpy()
    assert np.abs(y - 1).max() <= 1
    assert abs(y.std() - 0.5 * 0.8796) < 0.01


def test_a_shuffle_is_a_permutation_of_rows():
    tf.random.set_seed(0)
    x = tf.reshape(tf.range(20), [10, 2])
    y = tf.random.shuffle(x).numpy()
    assert sorted(y.tolist()) == x.numpy().tolist()
    assert y.tolist() != x.numpy().tolist()


def test_categories_have_their_probabilities():
    tf.random.set_seed(0)
    p = np.array([[0.1, 0.6, 0.3], [0.5, 0.5, 0.0]])
    with np.errstate(divide="ignore"):
        x = tf.random.categorical(np.log(p), 20000).numpy()
    for row, probabilities in zip(x, p, strict=True):
        assert np.abs(np.bincount(row, minlength=3) / 20000 - probabilities).max() < 0.02
    assert x.dtype == np.int64


def test_dropout_keeps_the_mean_and_has_the_right_gradient(mode):
    with mode.scope():
        tf.random.set_seed(0)
        x = tf.ones([10000])
        y = tf.nn.dropout(x, 0.25)
        out = mode.value(y)
        assert set(np.unique(out)) == {np.float32(0), np.float32(1 / 0.75)}
        assert abs(out.mean() - 1) < 0.03
    with tf.GradientTape() as tape:
        tape.watch(x := tf.ones([100]))
        y = tf.nn.dropout(x, 0.5)
    assert np.array_equal(tape.gradient(y, x).numpy(), y.numpy())


def test_dropout_of_whole_columns_and_bad_rates():
    tf.random.set_seed(0)
    y = tf.nn.dropout(tf.ones([20, 30]), 0.5, noise_shape=[1, None]).numpy()
    assert (y == y[0]).all()
    assert tf.nn.dropout(tf.ones([3]), 0.0).numpy().tolist() == [1, 1, 1]
    for rate in (-0.1, 1.0, 2.0):
        with pytest.raises(ValueError, match="rate"):
            tf.nn.dropout(tf.ones([3]), rate)
    with pytest.raises(ValueError, match="float"):
        tf.nn.dropout(tf.ones([3], tf.int32), 0.5)


def test_stateless_numbers_depend_on_the_seed_alone(mode):
    with mode.scope():
        tf.random.set_seed(1)
        first = mode.value(tf.random.stateless_normal([4], [1, 2]))
        tf.random.set_seed(2)
        assert np.array_equal(mode.value(tf.random.stateless_normal([4], [1, 2])), first)
        assert not np.array_equal(mode.value(tf.random.stateless_normal([4], [1, 3])), first)
        with pytest.raises(ValueError, match="two integers"):
            mode.value(tf.random.stateless_normal([4], [1, 2, 3]))


def test_a_shape_known_only_at_the_run():
    with tf.Graph().as_default() as graph:
        n = tf.placeholder(tf.int32, ())
        x = tf.random.uniform([n, 2])
        assert x.shape == [None, 2]
    with tf.Session(graph=graph) as session:
        assert session.run(x, {n: 5}).shape == (5, 2)
