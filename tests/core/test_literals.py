"""Python values become arrays as ``tf.constant`` makes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import minitf as tf
from minitf.core.literals import to_array


@pytest.mark.parametrize(
    "value, dtype, expected",
    [
        (1, None, "int32"), (1.0, None, "float32"), (True, None, "bool"), (1j, None, "complex128"), (2**40, None, "int64"),
        ([1, 2], None, "int32"), ([1.0, 2], None, "float32"), ([], None, "float32"), ([[2**31]], None, "int64"),
        (True, tf.float32, "float32"), ([True], tf.int32, "int32"),
        (np.float64(1), None, "float64"), (np.arange(3), None, "int64"), ([np.float64(1)], None, "float64"),
        (1, tf.float64, "float64"), (1, tf.uint8, "uint8"), ([1, 2], tf.float16, "float16"),
        (np.float64(1), tf.float32, "float32"),
        (1, tf.bfloat16, "bfloat16"), (1, tf.complex64, "complex64"), ([True], tf.bool, "bool"),
    ],
)  # fmt: skip
def test_dtype_of_a_literal(value, dtype, expected):
    assert to_array(value, dtype).dtype.name == expected


@pytest.mark.parametrize(
    "value, dtype, error",
    [
        (1.5, tf.int32, TypeError), ([1.5], tf.int32, TypeError), (300, tf.uint8, ValueError), ([300], tf.uint8, ValueError),
        (-1, tf.uint32, ValueError), ("a", tf.float32, TypeError), (1, tf.string, TypeError), (1, tf.bool, TypeError),
        (1j, tf.float32, TypeError), ([[1], [1, 2]], None, ValueError), (None, None, ValueError),
        (object(), None, ValueError), (2**70, None, ValueError), (["a", 1], None, TypeError),
    ],
)  # fmt: skip
def test_what_cannot_be_a_tensor(value, dtype, error):
    with pytest.raises(error):
        to_array(value, dtype)


def test_text_may_stand_beside_bytes_that_are_not_ascii():
    assert to_array(["\u00e9", b"\xff\0"]).tolist() == ["\u00e9".encode(), b"\xff\0"]
    assert to_array([["a", b"\xff"], [b"", b""]]).tolist() == [[b"a", b"\xff"], [b"", b""]]
    with pytest.raises((TypeError, ValueError), match="Cannot make a tensor of"):
        to_array(["a", b"\xff", 1])


def test_rank_0_is_a_scalar_and_strings_are_bytes():
    assert type(to_array(1.5)) is np.float32
    assert type(to_array(np.array(2))) is np.int64
    text = to_array("grün")
    assert text.shape == ()
    assert text[()] == "grün".encode()
    assert to_array(["a", b"b"]).tolist() == [b"a", b"b"]


@given(npst.arrays(npst.scalar_dtypes(), npst.array_shapes(min_dims=1, max_side=3)))
def test_an_array_is_copied_and_keeps_its_dtype(array):
    try:
        expected = tf.as_dtype(array.dtype)
    except TypeError:
        return
    made = to_array(array)
    assert tf.as_dtype(made.dtype) is expected
    assert made.dtype.isnative or made.dtype.kind == "O"
    assert not np.shares_memory(made, array)


@given(st.integers(-(2**70), 2**70))
def test_an_integer_takes_the_smallest_of_int32_and_int64(n):
    if -(2**31) <= n < 2**31:
        assert to_array(n).dtype == np.int32
    elif -(2**63) <= n < 2**63:
        assert to_array(n) == n
        assert to_array(n).dtype == np.int64
    else:
        with pytest.raises(ValueError):
            to_array(n)
