"""Python's operators: with numbers on either side they give what the op gives for a tensor of the number."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf

FUNCTIONS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.lt,
    operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip
DTYPES = ["float16", "float32", "float64", "bfloat16", "int32", "int64", "int8", "uint8", "complex64"]


def outcome(function, *arguments):
    try:
        with np.errstate(all="ignore"):
            return function(*arguments)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):
        return None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(
    function=st.sampled_from(FUNCTIONS),
    dtype=st.sampled_from(DTYPES), shape=st.sampled_from([(), (2,)]), swapped=st.booleans(),
    number=st.one_of(st.integers(-(2**40), 2**40), st.integers(-3, 3), st.floats(width=32), st.booleans()),
)  # fmt: skip
def test_a_number_is_a_tensor_of_the_same_dtype(function, dtype, shape, swapped, number):
    x = tf.cast(tf.fill(shape, 3), dtype)
    try:
        n = tf.constant(number, dtype)
    except (ValueError, TypeError):
        n = None
    got = outcome(function, *((number, x) if swapped else (x, number)))
    if n is None:
        assert got is None
        return
    expected = outcome(function, *((n, x) if swapped else (x, n)))
    assert (got is None) == (expected is None)
    if got is not None:
        assert got.dtype is expected.dtype
        one, other = (x.numpy().astype(np.float32) if x.dtype is tf.bfloat16 else x.numpy() for x in (got, expected))
        assert np.array_equal(one, other, equal_nan=got.dtype.kind in "fc")


def test_equality_never_raises_for_shapes_or_none():
    x = tf.constant([1, 2])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert not (x == tf.constant([1, 2, 3])).numpy()
    assert (x != tf.constant([1, 2, 3])).numpy()


def test_logic_and_bits():
    true, three = tf.constant([True, False]), tf.constant([3, 5])
    assert (true & [True, True]).numpy().tolist() == [True, False]
    assert (three & 1).numpy().tolist() == [1, 1]
    assert (1 | three).numpy().tolist() == [3, 5]
    assert (three ^ 7).numpy().tolist() == [4, 2]
    assert (~true).numpy().tolist() == [False, True]
    assert (~three).numpy().tolist() == [-4, -6]
    assert (true * True).numpy().tolist() == [True, False]
