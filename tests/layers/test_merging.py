"""Layers that merge tensors: their functions, and mistakes. Their numbers are compared with Keras in test_against_keras.py."""

import numpy as np
import pytest

import minitf as tf
from minitf.keras import layers

A, B = np.array([[1.0, 5.0]], "float32"), np.array([[3.0, 2.0]], "float32")


@pytest.mark.parametrize(
    "name, expected",
    [("add", [[4, 7]]), ("subtract", [[-2, 3]]), ("multiply", [[3, 10]]), ("average", [[2, 3.5]]), ("maximum", [[3, 5]]),
     ("minimum", [[1, 2]]), ("concatenate", [[1, 5, 3, 2]])],
)  # fmt: skip
def test_each_has_a_function(name, expected):
    np.testing.assert_array_equal(getattr(layers, name)([tf.constant(A), tf.constant(B)]), expected)


def test_dot():
    np.testing.assert_array_equal(layers.dot([tf.constant(A), tf.constant(B)], axes=1), [[13]])
    cosine = 13 / np.sqrt(26 * 13)
    np.testing.assert_allclose(layers.dot([tf.constant(A), tf.constant(B)], 1, normalize=True), [[cosine]], rtol=1e-6)


def shapes(*sizes):
    return [tf.ones(s) for s in sizes]


@pytest.mark.parametrize(
    "act, kind, message",
    [
        (lambda: layers.Add()(tf.ones([2, 3])), ValueError, "merges a list of tensors"),
        (lambda: layers.Add()(shapes([2, 3], [3, 3])), ValueError, "other batch sizes"),
        (lambda: layers.Add()(shapes([2, 3], [2, 4])), ValueError, "do not go together"),
        (lambda: layers.Subtract()(shapes([2, 3], [2, 3], [2, 3])), ValueError, "takes 2 inputs, not 3"),
        (lambda: layers.Concatenate(1)(shapes([2, 3, 4], [2, 3, 5])), ValueError, "differ in more than axis 1"),
        (lambda: layers.Concatenate()(shapes([2, 3, 4], [2, 3])), ValueError, "no axis -1 in common"),
        (lambda: layers.Dot(axes=1)(shapes([2, 3], [2, 4])), ValueError, "must have one size"),
        (lambda: layers.Dot(axes="1"), TypeError, "axes must be an int or two"),
        (lambda: layers.Dot(axes=(1, 2, 3)), ValueError, "axes must be an int or two"),
        (lambda: layers.Add().compute_mask(shapes([2, 3]), tf.ones([2])), ValueError, "mask must be a list"),
    ],
)
def test_mistakes_are_told(act, kind, message):
    with pytest.raises(kind, match=message):
        act()
