"""tf.random.Generator: its state is a variable, so a checkpoint restores the stream."""

import numpy as np
import pytest

import minitf as tf
from minitf.objects.generator import Generator


def draws(g):
    return [g.normal([3]), g.uniform([2], 0, 100, tf.int32), g.truncated_normal([4]), g.shuffled(tf.range(5)), g.uniform([])]


def values(tensors):
    return [np.asarray(t).tolist() for t in tensors]


def test_a_seed_decides_the_numbers():
    assert values(draws(Generator.from_seed(1))) == values(draws(Generator.from_seed(1)))
    assert values(draws(Generator.from_seed(1))) != values(draws(Generator.from_seed(2)))
    g = Generator.from_seed(1)
    assert values(draws(g)) != values(draws(g))


def test_a_state_goes_on_where_it_was():
    g = Generator.from_seed(3)
    g.normal([2])
    copy, again = Generator(copy_from=g), Generator.from_state(g.state.numpy())
    expected = values(draws(g))
    assert values(draws(copy)) == expected == values(draws(again))
    g.reset_from_seed(3)
    copy.reset(Generator.from_seed(3).state.numpy())
    assert values(draws(g)) == values(draws(copy))


def test_numbers_are_in_range_and_of_the_dtype():
    g = Generator.from_seed(0)
    u = g.uniform([1000], -2.0, 3.0, tf.float64).numpy()
    assert u.dtype == np.float64
    assert -2 <= u.min() < -1.9 < 2.9 < u.max() < 3
    n = g.normal([2000], 5.0, 2.0).numpy()
    assert abs(n.mean() - 5) < 0.25
    assert abs(n.std() - 2) < 0.2
    assert np.abs(g.truncated_normal([2000]).numpy()).max() <= 2
    i = g.uniform([1000], -5, 5, tf.int64).numpy()
    assert set(i) == set(range(-5, 5))
    assert sorted(g.shuffled(tf.range(100)).numpy()) == list(range(100))
    with pytest.raises(ValueError, match="maxval"):
        g.uniform([1], dtype=tf.int32)
    with pytest.raises(ValueError):
        g.normal([1], dtype=tf.int32)
    with pytest.raises(ValueError):
        Generator()
    with pytest.raises(ValueError, match="shape"):
        Generator(state=[1, 2])


def test_split_and_seeds():
    g = Generator.from_seed(0)
    assert g.make_seeds(3).shape == [2, 3]
    one, two = g.split(2)
    assert values(draws(one)) != values(draws(two))


def test_a_checkpoint_restores_the_stream_in_both_modes(tmp_path):
    source = tf.train.Checkpoint(random=Generator.from_seed(7))
    source.random.normal([5])
    path = source.write(str(tmp_path / "c"))
    assert "random/_state_var/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))
    expected = values(draws(source.random))

    later = tf.train.Checkpoint()
    later.read(path)
    later.random = Generator.from_seed(0)
    assert values(draws(later.random)) == expected

    with tf.Graph().as_default(), tf.Session() as session:
        later = tf.train.Checkpoint(random=Generator.from_seed(0))
        first, second = later.random.normal([3]), later.random.normal([3])
        with pytest.raises(tf.errors.FailedPreconditionError, match="StateVar"):
            session.run(first)
        status = later.read(path)
        status.run_restore_ops()
        assert session.run(first).tolist() == expected[0]
        state = session.run(later.random.state)
        assert session.run([first, second])[0].tolist() != expected[0]
        status.run_restore_ops()
        assert session.run(first).tolist() == expected[0]
        assert session.run(later.random.state).tolist() == state.tolist()
