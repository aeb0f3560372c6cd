"""Kernels that take another road than the formula says, because NumPy is faster on it."""

import numpy as np
import pytest

import minitf as tf
from minitf.ops.activations import _BLOCK

SHAPES = [(), (0,), (7,), (33, 130), (_BLOCK,), (_BLOCK + 1,), (3, _BLOCK - 5), (2, 0)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32])
def test_relu_is_the_maximum_with_0_bit_for_bit(shape, dtype):
    x = np.random.default_rng(0).choice([-2.0, -0.0, 0.0, 1.5, 7.0], shape).astype(dtype)
    if x.size and x.dtype.kind == "f":
        x.reshape(-1)[: x.size : 5] = np.nan
        x.reshape(-1)[3 : x.size : 7] = np.inf
    for array in (x, x.T):
        y, expected = tf.nn.relu(tf.constant(array)).numpy(), np.maximum(array, array.dtype.type(0))
        assert y.dtype == dtype
        assert y.shape == array.shape
        np.testing.assert_array_equal(y, expected)
        if x.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(y[~np.isnan(y)]), np.signbit(expected[~np.isnan(expected)]))


@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (2, 3, 4), (4,), (6000, 2)])
def test_a_row_with_a_nan_has_no_cross_entropy_and_the_others_have(shape):
    logits = np.random.default_rng(1).normal(0, 30, shape)
    labels = np.full(shape, 1 / shape[-1])
    rows = logits.reshape(-1, shape[-1])
    rows[0, -1] = np.nan
    away = logits - logits.max(-1, keepdims=True)
    expected = -(labels * (away - np.log(np.exp(away).sum(-1, keepdims=True)))).sum(-1)
    given = tf.nn.softmax_cross_entropy_with_logits(labels=tf.constant(labels), logits=tf.constant(logits)).numpy()
    np.testing.assert_allclose(given, expected, rtol=1e-12, atol=1e-12)
    assert np.isnan(given.reshape(-1)[0])
    chosen = np.zeros(shape[:-1], np.int32)
    sparse = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.constant(chosen), logits=tf.constant(logits)).numpy()
    each = (np.log(np.exp(away).sum(-1)) - away[..., 0]).reshape(-1)
    np.testing.assert_allclose(sparse.reshape(-1), each, rtol=1e-12, atol=1e-12)
