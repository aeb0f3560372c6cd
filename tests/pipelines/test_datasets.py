"""Datasets: what they give, what they are said to give, and what they refuse."""

import numpy as np
import pytest

import minitf as tf

D = tf.data.Dataset


def given(dataset):
    return [tf.nest.map_structure(lambda x: np.asarray(x).tolist(), element) for element in dataset.as_numpy_iterator()]


def test_elements_are_nested_structures():
    dataset = D.from_tensor_slices({"a": [1, 2], "b": (np.array([[1.0], [2.0]]), ["x", "y"])})
    assert given(dataset) == [{"a": 1, "b": ([1.0], b"x")}, {"a": 2, "b": ([2.0], b"y")}]
    assert repr(dataset.element_spec["b"][0]) == "TensorSpec(shape=(1,), dtype=tf.float64, name=None)"
    assert len(dataset) == 2


def test_a_list_is_a_tensor_and_none_may_be_a_part():
    dataset = D.from_tensors(([1, 2], None))
    assert repr(dataset.element_spec) == "(TensorSpec(shape=(2,), dtype=tf.int32, name=None), NoneTensorSpec())"
    ((numbers, nothing),) = list(dataset)
    assert (numbers.numpy().tolist(), nothing) == ([1, 2], None)
    assert dataset.map(lambda x, y: x + 1).element_spec.shape == (2,)


def test_functions_are_traced_once():
    calls = []
    dataset = D.range(4).map(lambda x: (calls.append(x), x * 2)[1])
    assert given(dataset) == given(dataset) == [0, 2, 4, 6]
    assert len(calls) == 1


def test_functions_see_variables_as_they_are():
    factor = tf.Variable(2, dtype=tf.int64)
    dataset = D.range(3).map(lambda x: x * factor)
    assert given(dataset) == [0, 2, 4]
    factor.assign(5)
    assert given(dataset) == [0, 5, 10]


def test_a_dataset_of_no_elements():
    nothing = D.range(0)
    for dataset in (nothing, nothing.repeat(), nothing.batch(2), nothing.shuffle(3), nothing.map(lambda x: x), nothing.cache()):
        assert given(dataset) == []


def test_repeat_begins_once_more_than_it_repeats_unless_it_follows_a_shuffle():
    """So every third order is left out; the orders are those of TensorFlow 2.21, where nobody has set a seed of the program."""
    texts = ("130524", "130542", "031542", "021534", "013425", "013452")
    orders = [list(map(int, text)) for text in texts]
    for same in (lambda d: d, lambda d: d.take(-1).skip(0), lambda d: d.repeat(1).shard(1, 0), lambda d: d.map(lambda x: x)):
        shuffled = same(D.range(6).shuffle(3, seed=1)).repeat(2)
        assert [given(shuffled) for _ in range(3)] == [orders[0] + orders[1], orders[2] + orders[3], orders[4] + orders[5]]
    for steps in (lambda d: d.filter(lambda x: x < 9), lambda d: d.take(9), lambda d: d.map(lambda x: x + 0)):
        shuffled = steps(D.range(6).shuffle(3, seed=1)).repeat(2)
        assert [given(shuffled) for _ in range(2)] == [orders[0] + orders[1], orders[3] + orders[4]]


def test_each_iteration_is_shuffled_anew_unless_one_says_so():
    anew, fixed = D.range(20).shuffle(20, seed=1), D.range(20).shuffle(20, seed=1, reshuffle_each_iteration=False)
    assert given(anew) != given(anew)
    assert given(fixed) == given(fixed)
    assert sorted(given(anew)) == sorted(given(fixed)) == list(range(20))


def test_without_seeds_chance_decides():
    assert any(given(D.range(50).shuffle(50)) != list(range(50)) for _ in range(3))


def test_the_seed_of_the_program():
    def some():
        tf.random.set_seed(3)
        return [given(D.range(9).shuffle(9)) for _ in range(2)]

    one = some()
    assert one == some()
    assert one[0] != one[1]


def test_a_cache_asks_once():
    calls = []

    def numbers():
        calls.append(1)
        return iter([1, 2, 3])

    dataset = D.from_generator(numbers, output_signature=tf.TensorSpec([], tf.int32)).cache()
    assert next(iter(dataset)).numpy() == 1  # nobody came to the end
    assert given(dataset) == given(dataset) == [1, 2, 3]
    assert len(calls) == 2
    with pytest.raises(NotImplementedError, match="in memory only"):
        dataset.cache("file")


def test_windows_are_datasets():
    assert [given(window) for window in D.range(7).window(3, shift=2, stride=2, drop_remainder=True)] == [[0, 2, 4], [2, 4, 6]]
    assert [given(window) for window in D.range(7).window(2, shift=4)] == [[0, 1], [4, 5]]
    pairs = D.zip(D.range(3), D.range(3)).window(2).flat_map(lambda a, b: D.zip(a.batch(2), b.batch(2)))
    assert given(pairs) == [([0, 1], [0, 1]), ([2], [2])]


def test_counts():
    datasets = D.range(7).batch(2), D.range(7).batch(2, True), D.range(7).skip(2).take(9), D.range(3).repeat(2)
    assert [len(dataset) for dataset in datasets] == [4, 3, 5, 6]
    assert int(D.range(3).repeat().cardinality()) == tf.data.INFINITE_CARDINALITY
    assert int(D.range(3).filter(lambda x: x > 1).cardinality()) == tf.data.UNKNOWN_CARDINALITY
    with pytest.raises(TypeError, match="infinite"):
        len(D.range(3).repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(D.range(3).filter(lambda x: x > 1))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: D.from_tensor_slices(3), ValueError, "a scalar has no rows"),
        (lambda: D.from_tensor_slices(([1], [1, 2])), ValueError, "as many rows each, but dimensions 1 and 2"),
        (lambda: D.range(3).batch(0), tf.errors.InvalidArgumentError, "Batch size must be greater than zero"),
        (lambda: D.range(3).shuffle(0), tf.errors.InvalidArgumentError, "buffer_size must be greater"),
        (lambda: D.range(3).shard(2, 2), tf.errors.InvalidArgumentError, "between 0 and 1"),
        (lambda: D.range(0, 1, 0), tf.errors.InvalidArgumentError, "non-zero"),
        (lambda: D.range(1, 2, 3, 4), ValueError, "one to three"),
        (lambda: D.range(3).filter(lambda x: x), ValueError, "bool scalar"),
        (lambda: D.range(3).map(lambda x: None), tf.errors.InvalidArgumentError, "no tensor"),
        (lambda: D.range(3).concatenate(D.from_tensor_slices([1.0])), TypeError, "Incompatible dataset elements"),
        (lambda: D.range(3).flat_map(lambda x: x), TypeError, "must give a dataset"),
        (lambda: D.range(3).apply(lambda d: 1), TypeError, "must give a dataset"),
        (lambda: D.range(3).unbatch(), ValueError, "no rows"),
        (lambda: D.range(3).window(2).batch(2), TypeError, "elements of tensors are needed"),
        (lambda: D.zip(D.range(2), 3), TypeError, "datasets, or tuples"),
        (lambda: D.range(3).scan(0, lambda s, x: s), TypeError, "must give \\(state, result\\)"),
        (lambda: D.range(3).reduce(0, lambda s, x: x), TypeError, "the state was"),
        (lambda: D.from_generator(3), TypeError, "must be callable"),
        (lambda: D.from_generator(list), TypeError, "needs output_signature"),
        (lambda: D.zip(D.range(2), D.range(2)).unique(), TypeError, "one tensor"),
    ],
)
def test_what_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("values", "spec", "text"),
    [
        (["a"], tf.TensorSpec([], tf.int32), "could not be converted to int32: 'a'"),
        ([[1, 2]], tf.TensorSpec([3], tf.int32), r"shape \(2,\) where an element of shape \(3,\)"),
        ([(1, 2)], {"a": tf.TensorSpec([], tf.int32)}, "has not the structure"),
        ([(1, 2)], (tf.TensorSpec([], tf.int32),), "has not the structure"),
    ],
)
def test_what_a_generator_may_not_give(values, spec, text):
    with pytest.raises(tf.errors.InvalidArgumentError, match=text):
        given(D.from_generator(lambda: iter(values), output_signature=spec))


def test_batches_of_unlike_elements():
    sizes = D.range(1, 4).map(lambda n: tf.fill([n], n))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"First element had shape \[1\] and element 1 had shape \[2\]"):
        given(sizes.batch(3))
    assert given(sizes.padded_batch(2)) == [[[1, 0], [2, 2]], [[3, 3, 3]]]
    assert given(sizes.padded_batch(3, [4], -1)) == [[[1, -1, -1, -1], [2, 2, -1, -1], [3, 3, 3, -1]]]
    assert given(sizes.map(lambda x: {"a": x}).padded_batch(3, {"a": [-1]}, {"a": tf.constant(7, tf.int64)}))[0]["a"][0] == [
        1,
        7,
        7,
    ]
    with pytest.raises(tf.errors.DataLossError, match="pad to a smaller size"):
        given(sizes.padded_batch(2, [1]))
    with pytest.raises(ValueError, match="has not the 2 parts"):
        D.zip(sizes, sizes).padded_batch(2, ([1],))


def test_datasets_are_not_iterated_while_a_graph_is_built():
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match="make_one_shot_iterator"):
        iter(D.range(3))
    with pytest.raises(RuntimeError, match=r"or a tf\.function is built"):
        tf.function(lambda: list(D.range(3)))()


def test_a_tensor_of_a_graph_is_no_value():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.int64, [])
        with pytest.raises(ValueError, match="the function uses a tensor of a graph"):
            D.range(3).map(lambda y: y + x)
        dataset = D.range(x)
    with pytest.raises(ValueError, match="has no value"):
        list(dataset)


def test_iterators():
    iterator = iter(D.range(1))
    assert iterator.get_next().numpy() == 0
    with pytest.raises(tf.errors.OutOfRangeError, match="End of sequence"):
        iterator.get_next()
    with pytest.raises(StopIteration):
        next(iterator)
    assert D.range(1).get_single_element().numpy() == 0
    for many, text in ((0, "empty"), (2, "more than one")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=text):
            D.range(many).get_single_element()
