"""The name-based saver and partitioned variables: slices of one tensor, however they are cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf

v1 = tf.compat.v1
VERSIONS = pytest.mark.parametrize("version", [1, 2])


def table(shape, count, axis=0, value=None, name="table"):
    """A variable in pieces; whole, if ``count`` is None."""
    start = np.zeros(shape, np.float32) if value is None else value
    if count is None:
        return tf.get_variable(name, initializer=start)
    return tf.get_variable(name, list(shape), initializer=start, partitioner=tf.fixed_size_partitioner(count, axis))


def whole(session, variable):
    return session.run(tf.convert_to_tensor(variable))


def save(path, shape, count, axis, value, version=2):
    with tf.Graph().as_default(), tf.Session() as session:
        table(shape, count, axis, value)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(write_version=version).save(session, str(path))


@VERSIONS
@given(data=st.data())
def test_any_cut_is_restored_into_any_other(tmp_path_factory, version, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    cut = st.tuples(st.one_of(st.none(), st.integers(1, 7)), st.integers(0, len(shape) - 1))
    (count, axis), (count_then, axis_then) = data.draw(cut), data.draw(cut)
    value = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    path = save(tmp_path_factory.mktemp("p") / "c", shape, count, axis, value, version)
    assert tf.train.list_variables(path) == [("table", list(shape))]
    np.testing.assert_array_equal(tf.train.load_variable(path, "table"), value)
    with tf.Graph().as_default(), tf.Session() as session:
        then = table(shape, count_then, axis_then)
        tf.train.Saver().restore(session, path)
        np.testing.assert_array_equal(whole(session, then), value)


VALUE = np.arange(10, dtype=np.float32).reshape(5, 2)


@pytest.mark.parametrize("given", [lambda t: [t], lambda t: {"table": t}, lambda t: {"table": list(t)}, lambda t: list(t)])
def test_ways_of_giving_it_to_a_saver(tmp_path, given):
    path = save(tmp_path / "c", (5, 2), None, 0, VALUE)
    with tf.Graph().as_default(), tf.Session() as session:
        variable = table((5, 2), 3)
        saver = tf.train.Saver(given(variable))
        saver.restore(session, path)
        np.testing.assert_array_equal(whole(session, variable), VALUE)
        again = saver.save(session, str(tmp_path / "d"))
        np.testing.assert_array_equal(tf.train.load_variable(again, "table"), VALUE)


def test_pieces_stand_in_the_order_of_their_variables_names(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = table((12,), 12, value=np.arange(12, dtype=np.float32))
        session.run(tf.global_variables_initializer())
        for given, order in [(None, [0, 10, 11, *range(1, 10)]), ({"table": variable}, range(12))]:  # "part_10:0" < "part_1:0"
            path = tf.train.Saver(given).save(session, str(tmp_path / f"c{given is None}"))
            assert np.fromfile(path + ".data-00000-of-00001", np.float32).tolist() == list(order)


def test_other_names(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = table((5, 2), 2, value=VALUE)
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver({"other": variable}).save(session, str(tmp_path / "c"))
        assert tf.train.list_variables(path) == [("other", [5, 2])]
        path = tf.train.Saver({"x": list(variable)[1]}).save(session, str(tmp_path / "d"))  # a variable by itself
        np.testing.assert_array_equal(tf.train.load_variable(path, "x"), VALUE[3:])
        path = tf.train.Saver([list(variable)[1]]).save(session, str(tmp_path / "e"))  # a slice by itself
        reader = tf.train.load_checkpoint(path)
        assert reader.get_variable_to_shape_map() == {"table": [5, 2]}
        with pytest.raises(tf.errors.InvalidArgumentError, match="sufficient slices"):
            reader.get_tensor("table")
        session.run(variable.assign(0 * VALUE))
        tf.train.Saver([list(variable)[1]]).restore(session, path)
        np.testing.assert_array_equal(whole(session, variable), [[0, 0]] * 3 + VALUE[3:].tolist())


def test_slots_and_averages_are_slices_too(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        variable = table((5, 2), 2, value=VALUE)
        optimizer = tf.train.AdamOptimizer(0.1)
        step = optimizer.minimize(tf.reduce_sum(variable.as_tensor() ** 2))
        average = tf.train.ExponentialMovingAverage(0.5)
        move = average.apply(list(variable))
        session.run(tf.global_variables_initializer())
        session.run([step, move])
        path = tf.train.Saver().save(session, str(tmp_path / "c"))
        assert [optimizer.get_slot(piece, "m").name for piece in variable] == ["table/part_0/Adam:0", "table/part_1/Adam:0"]
        slots = np.concatenate(session.run([optimizer.get_slot(piece, "v") for piece in variable]))
        averages = np.concatenate(session.run([average.average(piece) for piece in variable]))
    stored = dict(tf.train.list_variables(path))
    names = ["table", "table/Adam", "table/Adam_1", "table/ExponentialMovingAverage"]
    assert stored == {"beta1_power": [], "beta2_power": [], **{name: [5, 2] for name in names}}
    np.testing.assert_array_equal(tf.train.load_variable(path, "table/Adam_1"), slots)
    np.testing.assert_array_equal(tf.train.load_variable(path, "table/ExponentialMovingAverage"), averages)


def test_what_does_not_go_together(tmp_path):
    path = save(tmp_path / "c", (4, 2), 2, 0, VALUE[:4])
    with tf.Graph().as_default(), tf.Session() as session:
        one, two = table((5, 2), 2), table((5, 2), 2, name="two")
        single = tf.get_variable("single", [2])
        with pytest.raises(ValueError, match="this is whole"):
            tf.train.Saver({"table": [next(iter(one)), single]})
        with pytest.raises(ValueError, match="given one name"):
            tf.train.Saver({"table": [next(iter(one)), list(two)[1]]})
        with pytest.raises(ValueError, match="two names"):
            tf.train.Saver({"a": one, "b": one})
        with pytest.raises(ValueError, match="same name"):
            tf.train.Saver([one, next(iter(one))])
        session.run(tf.global_variables_initializer())
        with pytest.raises(ValueError, match=r"has shape \(4, 2\)"):
            tf.train.Saver([one]).restore(session, path)
        assert not whole(session, one).any()
        with pytest.raises(tf.errors.NotFoundError, match="two"):
            tf.train.Saver([two]).restore(session, path)
