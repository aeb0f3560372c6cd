"""What a variable can do to a part of itself, against the same thing done to a NumPy array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf

BY_NUMBER = {
    "scatter_update": lambda old, new: new, "scatter_add": np.add, "scatter_sub": np.subtract, "scatter_mul": np.multiply,
    "scatter_div": np.divide, "scatter_max": np.maximum, "scatter_min": np.minimum,
}  # fmt: skip
BY_COORDINATES = {
    name.replace("scatter", "scatter_nd"): rule for name, rule in BY_NUMBER.items() if name[8:] not in ("mul", "div")
}


@st.composite
def some_rows(draw):
    shape = draw(st.sampled_from([(3,), (4, 2), (2, 1, 3)]))
    numbers = draw(st.lists(st.integers(0, shape[0] - 1), max_size=5))
    values = np.array(draw(st.lists(st.integers(1, 9), min_size=len(numbers), max_size=len(numbers))), np.float32)
    updates = values.reshape(-1, *(1 for _ in shape[1:])) + np.arange(int(np.prod(shape[1:])), dtype=np.float32).reshape(
        shape[1:]
    )
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape), numbers, updates


@pytest.mark.parametrize("method", BY_NUMBER)
@given(some_rows())
def test_rows_by_number(method, rows):
    start, numbers, updates = rows
    variable, expected = tf.Variable(start), start.copy()
    for number, update in zip(numbers, updates, strict=True):
        expected[number] = BY_NUMBER[method](expected[number], update)
    given_back = getattr(variable, method)(tf.IndexedSlices(updates, np.array(numbers, np.int64)))
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)
    assert given_back is variable


@pytest.mark.parametrize("method", BY_COORDINATES)
def test_elements_by_coordinates(method, mode):
    start = np.arange(6, dtype=np.float32).reshape(2, 3)
    with mode.scope():
        variable = tf.Variable(start)
        mode.value(variable)
        after = mode.value(getattr(variable, method)([[0, 1], [1, 2]], [5.0, 1.0]))
        expected = start.copy()
        expected[0, 1], expected[1, 2] = BY_COORDINATES[method](start[0, 1], 5), BY_COORDINATES[method](start[1, 2], 1)
        assert after.tolist() == expected.tolist() == mode.value(variable).tolist()


def test_slices_by_coordinates(mode):
    with mode.scope():
        variable = tf.Variable(tf.zeros([2, 3]))
        mode.value(variable)
        assert mode.value(variable.scatter_nd_add([[1], [1]], tf.ones([2, 3]))).tolist() == [[0, 0, 0], [2, 2, 2]]


def test_rows_of_a_batch(mode):
    with mode.scope():
        variable = tf.Variable(tf.zeros([2, 3]))
        mode.value(variable)
        slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([[0, 2], [1, 0]]))
        assert mode.value(variable.batch_scatter_update(slices)).tolist() == [[1, 0, 2], [4, 3, 0]]
        assert mode.value(tf.compat.v1.batch_scatter_update(variable, [[1], [1]], [[7.0], [7.0]])).tolist() == [
            [1, 7, 2],
            [4, 7, 0],
        ]


@pytest.mark.parametrize(
    ("indices", "values", "error", "text"),
    [
        ([3], [1.0], tf.errors.InvalidArgumentError, "out of bounds"),
        ([-1], [1.0], tf.errors.InvalidArgumentError, "out of bounds"),
        ([0], [1.0, 2.0], ValueError, "shape"),
        ([0], np.array([1], np.int32), TypeError, "float32"),
    ],
)
def test_what_does_not_go_with_the_variable_changes_nothing(indices, values, error, text, mode):
    with mode.scope():
        variable = tf.Variable([1.0, 2.0, 3.0])
        mode.value(variable)
        for method in ("scatter_add", "batch_scatter_update"):
            with pytest.raises(error, match=text):
                mode.value(getattr(variable, method)(tf.IndexedSlices(tf.constant(values), tf.constant(indices))))
        assert mode.value(variable).tolist() == [1, 2, 3]


def test_a_batch_that_is_larger_than_the_variable_is_refused(mode):
    with mode.scope():
        variable = tf.Variable(tf.zeros([1, 2]))
        mode.value(variable)
        for indices, text in (([[0], [0]], "more in the batch"), ([[[0]]], "1 to 2 axes"), (0, "1 to 2 axes")):
            with pytest.raises(ValueError, match=text):
                mode.value(variable.batch_scatter_update(tf.IndexedSlices(tf.constant(1.0), tf.constant(indices))))


def test_rows_by_number_come_as_indexed_slices():
    with pytest.raises(TypeError, match=r"tf\.IndexedSlices\(values, indices\) was expected"):
        tf.Variable([1.0]).scatter_add([1.0])


def test_reading_some(mode):
    with mode.scope():
        variable = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
        assert mode.value(variable.sparse_read([1, 1])).tolist() == [[3, 4], [3, 4]]
        assert mode.value(variable.gather_nd([[0, 1], [1, 0]])).tolist() == [2, 3]


def test_gradients_come_through_what_was_read():
    variable = tf.Variable([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(variable.sparse_read([2, 2]) * 5.0) + variable[0] * 2.0
    assert tape.gradient(loss, variable).numpy().tolist() == [2, 0, 10]


KEYS = [
    np.s_[1:3], np.s_[0], np.s_[-1], np.s_[::-2], np.s_[...], np.s_[:, 1], np.s_[..., 1], np.s_[None, 1:], np.s_[2, 0],
    np.s_[3:1], np.s_[1:, ::2],
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "broadcast"])
def test_assigning_to_a_slice(key, whole, mode):
    start = np.arange(12, dtype=np.float32).reshape(4, 3)
    expected = start.copy()
    value = -1 - np.arange(start[key].size, dtype=np.float32).reshape(start[key].shape) if whole else np.float32(9)
    expected[key] = value
    with mode.scope():
        variable = tf.Variable(start)
        mode.value(variable)
        assert mode.value(variable[key].assign(value)).tolist() == expected.tolist() == mode.value(variable).tolist()


def test_axes_of_size_one_in_front_are_dropped_and_an_empty_slice_takes_anything(mode):
    with mode.scope():
        variable = tf.Variable([1.0, 2.0])
        mode.value(variable)
        assert mode.value(variable[:].assign([[[3.0, 4.0]]])).tolist() == [3, 4]
        assert mode.value(variable[0].assign([5.0])).tolist() == [5, 4]
        assert mode.value(variable[2:].assign([6.0, 7.0, 8.0])).tolist() == [5, 4]


def test_a_slice_by_tensors(mode):
    with mode.scope():
        variable, first = tf.Variable([1, 2, 3, 4]), tf.Variable(1)
        mode.value(variable)
        assert mode.value(variable[first : tf.constant(3)].assign([8, 9])).tolist() == [1, 8, 9, 4]
        assert mode.value(variable[first].assign(7)).tolist() == [1, 7, 9, 4]


def test_the_slice_itself_was_read_before():
    variable = tf.Variable([1.0, 2.0])
    part = variable[:1]
    part.assign([5.0])
    assert part.numpy().tolist() == [1.0]
    assert variable.numpy().tolist() == [5.0, 2.0]


def test_what_does_not_fit_into_a_slice_changes_nothing(mode):
    with mode.scope():
        variable = tf.Variable([1.0, 2.0, 3.0])
        mode.value(variable)
        for value in ([1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 4.0]]):
            with pytest.raises(ValueError, match=r"slice has shape \(2,\)"):
                mode.value(variable[:2].assign(value))
        with pytest.raises(TypeError, match="float32"):
            mode.value(variable[0].assign(tf.constant(1)))
        assert mode.value(variable).tolist() == [1, 2, 3]


def test_only_slices_of_variables_can_be_assigned_to(mode):
    with mode.scope():
        variable = tf.Variable([1.0, 2.0])
        for tensor in (variable[variable > 1.0], tf.constant([1.0])[0], variable + 1.0, variable.read_value()):
            with pytest.raises(AttributeError, match="assign"):
                tensor.assign([1.0])


def test_a_counter(mode):
    with mode.scope():
        variable = tf.Variable(0)
        mode.value(variable)
        counted = [mode.value(variable.count_up_to(2)), mode.value(tf.compat.v1.count_up_to(variable, 2))]
        assert counted == [0, 1]
        with pytest.raises(tf.errors.OutOfRangeError, match="Reached limit of 2"):
            mode.value(variable.count_up_to(2))
        assert mode.value(variable) == 2


def test_a_counter_is_an_integer_scalar(mode):
    with mode.scope():
        with pytest.raises(TypeError, match="int32 or int64"):
            tf.Variable(0.0).count_up_to(2)
        several = tf.Variable([0])
        mode.value(several)
        with pytest.raises(tf.errors.InvalidArgumentError, match="a counter is a scalar"):
            mode.value(several.count_up_to(2))


def test_partial_updates_in_a_function():
    variable = tf.Variable([0.0, 0.0, 0.0])

    @tf.function
    def step(row):
        variable.scatter_add(tf.IndexedSlices(tf.constant([1.0]), tf.reshape(row, [1])))
        variable[row].assign(variable[row] * 3.0)
        variable.scatter_nd_sub([[0]], [1.0])

    step(tf.constant(2))
    step(tf.constant(1))
    assert variable.numpy().tolist() == [-2, 3, 3]


def test_a_restore_after_partial_updates(tmp_path):
    variable = tf.Variable([1.0, 2.0])
    checkpoint = tf.train.Checkpoint(v=variable)
    path = checkpoint.write(str(tmp_path / "c"))
    variable.scatter_nd_update([[0]], [9.0])
    variable[1:].assign([9.0])
    checkpoint.read(path).assert_consumed()
    assert variable.numpy().tolist() == [1, 2]


def test_indexed_slices_stand_for_a_tensor_if_its_shape_is_known(mode):
    with mode.scope():
        slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([1, 1]), tf.constant([3, 2]))
        assert mode.value(tf.identity(slices)).tolist() == [[0, 0], [4, 6], [0, 0]]
        assert mode.value(tf.identity(-slices)).tolist() == [[0, 0], [-4, -6], [0, 0]]
        assert (slices.shape, slices.dtype) == ((3, 2), tf.float32)
        assert mode.value(tf.add(slices, 1.0)).tolist() == [[1, 1], [5, 7], [1, 1]]


def test_indexed_slices_without_a_shape_are_no_tensor():
    slices = tf.IndexedSlices([1.0], [0])
    assert slices.dense_shape is None
    assert slices.shape.rank is None
    with pytest.raises(ValueError, match="has no dense_shape"):
        tf.convert_to_tensor(slices)


def test_a_gradient_of_ones_own_as_indexed_slices():
    variable = tf.Variable([1.0, 2.0, 3.0])
    slices = tf.IndexedSlices(tf.constant([1.0, 1.0]), tf.constant([2, 2]), tf.constant([3]))
    tf.compat.v1.train.GradientDescentOptimizer(0.5).apply_gradients([(slices, variable)])
    assert variable.numpy().tolist() == [1, 2, 2]
