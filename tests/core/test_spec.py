"""Shapes: broadcasting and merging agree with NumPy where all is known, and keep quiet about what is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.core.spec import as_shape, broadcast_shapes, compatible, merge_shapes

sizes = st.integers(0, 3)
shapes = st.lists(sizes, max_size=3).map(tuple)
blurred = st.tuples(shapes, st.sets(st.integers(0, 2)), st.booleans()).map(
    lambda t: (t[0], None if t[2] else tuple(None if i in t[1] else s for i, s in enumerate(t[0])))
)


@given(shapes, shapes)
def test_broadcast_is_numpys(a, b):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(tf.errors.InvalidArgumentError):
            broadcast_shapes(a, b)
        with pytest.raises(ValueError):
            broadcast_shapes(a, b)
    else:
        assert broadcast_shapes(a, b) == expected


@given(blurred, blurred)
def test_broadcast_of_partly_known_shapes_never_contradicts_the_truth(a, b):
    try:
        truth = np.broadcast_shapes(a[0], b[0])
    except ValueError:
        return
    assert compatible(broadcast_shapes(a[1], b[1]), truth)


@given(blurred, blurred)
def test_merge_holds_what_both_know(a, b):
    if compatible(a[1], b[1]):
        merged = merge_shapes(a[1], b[1])
        assert compatible(merged, a[1])
        assert merge_shapes(merged, a[1]) == merged == merge_shapes(b[1], a[1])
    else:
        with pytest.raises(ValueError):
            merge_shapes(a[1], b[1])


def test_tensor_shape_behaves_as_tensorflows():
    s = tf.TensorShape([2, None, 3])
    assert (s.rank, s.as_list(), s.num_elements(), s.is_fully_defined()) == (3, [2, None, 3], None, False)
    assert s == [2, None, 3]
    assert s[1:] == (None, 3)
    assert s + [4] == (2, None, 3, 4)
    assert tf.TensorShape([2, 5, 3]).num_elements() == 30
    assert s.is_compatible_with([2, 9, 3])
    assert str(tf.TensorShape([1])) == "(1,)"
    assert str(tf.TensorShape(None)) == "<unknown>"
    assert not tf.TensorShape(None)
    with pytest.raises(ValueError, match="unknown rank"):
        len(tf.TensorShape(None))
    with pytest.raises(ValueError):
        s.merge_with([1, 2, 3])
    with pytest.raises(TypeError):
        tf.TensorShape("ab")
    with pytest.raises(ValueError):
        as_shape([-2])
