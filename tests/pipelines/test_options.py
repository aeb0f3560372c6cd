"""Settings of datasets, and steps under the names of tf.data.experimental. What is expected is what TensorFlow 2.21 gives."""

import numpy as np
import pytest

import minitf as tf

D, E = tf.data.Dataset, tf.data.experimental


def given(dataset):
    return [int(x) for x in dataset]


def test_settings_are_kept_and_given_on():
    options = tf.data.Options()
    assert options.deterministic is None
    assert options.threading.private_threadpool_size is None
    options.deterministic = False
    first = D.range(3).with_options(options).map(lambda x: x + 1)
    assert given(first) == [1, 2, 3]
    assert first.options().deterministic is False
    assert D.range(3).options() == tf.data.Options()
    newer = tf.data.Options()
    newer.threading.private_threadpool_size = 3
    second = first.with_options(newer)
    assert second.options().deterministic is False
    assert second.options().threading.private_threadpool_size == 3
    newer.deterministic = True
    assert first.with_options(newer).options().deterministic is True
    assert second.options().deterministic is False
    assert options.merge(newer).deterministic is True
    assert repr(options) == "Options(deterministic=False)"
    second.options().threading.private_threadpool_size = 5
    assert second.options().threading.private_threadpool_size == 3


def test_wrong_settings():
    options = tf.data.Options()
    with pytest.raises(AttributeError, match="Cannot set 'foo' on Options; it has autotune, "):
        options.foo = 1
    with pytest.raises(AttributeError, match="ThreadingOptions has no setting 'foo'"):
        assert options.threading.foo
    with pytest.raises(TypeError, match="The setting 'deterministic' must be a bool, not 'yes'"):
        options.deterministic = "yes"
    with pytest.raises(TypeError, match="must be a ThreadingOptions, not 3"):
        options.threading = 3
    with pytest.raises(TypeError, match=r"must be a tf.data.Options, not 5"):
        D.range(3).with_options(5)
    assert options == tf.data.Options()


def test_settings_do_not_part_shuffle_and_repeat():
    plain, set_ = (D.range(6).shuffle(3, seed=1) for _ in range(2))
    set_ = set_.with_options(tf.data.Options()).repeat(2)
    plain = plain.repeat(2)
    assert [given(plain) for _ in range(3)] == [given(set_) for _ in range(3)]


def test_steps():
    d = D.range(5)
    assert given(d.apply(E.take_while(lambda x: x < 3))) == [0, 1, 2]
    assert given(d.apply(E.unique())) == [0, 1, 2, 3, 4]
    assert [(int(a), int(b)) for a, b in d.apply(E.enumerate_dataset(2))] == [(2, 0), (3, 1), (4, 2), (5, 3), (6, 4)]
    assert int(E.cardinality(d)) == 5
    assert int(E.get_single_element(d.take(1))) == 0
    assert given(d.batch(2).apply(E.unbatch())) == [0, 1, 2, 3, 4]
    assert given(d.apply(E.scan(np.int64(0), lambda s, x: (s + x, s)))) == [0, 0, 1, 3, 6]
    assert given(d.apply(E.shuffle_and_repeat(3, 2, seed=1))) == [1, 3, 0, 4, 2, 1, 3, 0, 4, 2]
    assert [x.numpy().tolist() for x in d.apply(E.map_and_batch(lambda x: x + 1, 2))] == [[1, 2], [3, 4], [5]]
    assert E.AUTOTUNE == tf.data.AUTOTUNE == -1


def test_a_cardinality_that_the_program_knows():
    unknown = D.range(5).filter(lambda x: True)
    told = unknown.apply(E.assert_cardinality(5))
    assert len(told) == 5
    assert given(told) == [0, 1, 2, 3, 4]
    for wrong, found in ((4, "at least 5"), (7, "5")):
        with pytest.raises(tf.errors.FailedPreconditionError, match=f"contain {wrong} elements but contained {found} elements"):
            given(unknown.apply(E.assert_cardinality(wrong)))
