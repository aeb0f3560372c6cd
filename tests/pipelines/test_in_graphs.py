"""Iterators of 1.x: an element is an operation, and each session has its own place."""

import numpy as np
import pytest

import minitf.compat.v1 as tf


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_each_session_begins_by_itself(graph):
    iterator = tf.data.make_one_shot_iterator(tf.data.Dataset.range(4).map(lambda x: x * 2).batch(2))
    x = iterator.get_next() + 1
    for _ in range(2):
        with tf.Session() as session:
            assert [session.run(x).tolist() for _ in range(2)] == [[1, 3], [5, 7]]
            with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
                session.run(x)
    with pytest.raises(ValueError, match="has no initializer"):
        print(iterator.initializer)


def test_one_that_is_initialized(graph):
    data = tf.data.Dataset.from_tensor_slices({"a": np.arange(3, dtype=np.float32), "b": ["x", "y", "z"]})
    iterator = tf.data.make_initializable_iterator(data)
    element = iterator.get_next()
    assert (element["a"].shape, element["b"].dtype) == ((), tf.string)
    assert tf.data.get_output_types(iterator) == iterator.output_types == {"a": tf.float32, "b": tf.string}
    assert tf.data.get_output_shapes(iterator) == iterator.output_shapes == {"a": (), "b": ()}
    with tf.Session() as session:
        with pytest.raises(tf.errors.FailedPreconditionError, match=r"run iterator\.initializer"):
            session.run(element)
        session.run(iterator.initializer)
        assert session.run(element) == {"a": 0, "b": b"x"}
        assert session.run(element) == {"a": 1, "b": b"y"}
        session.run(iterator.initializer)
        assert session.run(element) == {"a": 0, "b": b"x"}


def test_training_on_elements(graph):
    data = tf.data.Dataset.from_tensor_slices(np.ones(4, np.float32)).repeat(2)
    x = tf.data.make_one_shot_iterator(data).get_next()
    total = tf.get_variable("total", [], initializer=tf.zeros_initializer())
    step = total.assign_add(x)
    with tf.Session() as session:
        session.run(total.initializer)
        for _ in range(8):
            session.run(step)
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(step)
        assert session.run(total) == 8


def test_in_eager_mode():
    assert [x.numpy() for x in tf.data.make_one_shot_iterator(tf.data.Dataset.range(2))] == [0, 1]
    with pytest.raises(RuntimeError, match="An iterator of 1.x"):
        tf.data.make_initializable_iterator(tf.data.Dataset.range(2))
