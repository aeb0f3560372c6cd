"""Dtypes: one object each, found from whatever people write."""

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

import minitf as tf
from minitf.core import dtypes

ALL = [d for d in dtypes.ALL if d.is_numpy_compatible and d.kind not in "qV"]


@pytest.mark.parametrize("dtype", ALL, ids=lambda d: d.name)
def test_every_spelling_gives_the_one_object(dtype):
    assert tf.as_dtype(dtype.name) is dtype
    assert tf.as_dtype(dtype.number) is dtype
    assert tf.as_dtype(dtype) is dtype
    if dtype is not tf.string:
        assert tf.as_dtype(dtype.np) is dtype
        assert tf.as_dtype(dtype.as_numpy_dtype) is dtype
    assert pickle.loads(pickle.dumps(dtype)) is dtype
    assert copy.deepcopy(dtype) is dtype
    assert dtype == dtype.name
    assert dtype != "nonsense"


@pytest.mark.parametrize("value, expected", [(float, tf.float32), (int, tf.int32), (bool, tf.bool), (str, tf.string),
                                             (np.dtype(">f4"), tf.float32), (np.dtype("S3"), tf.string), ("half", tf.float16),
                                             (np.longlong, tf.int64), (ml_dtypes.bfloat16, tf.bfloat16)])  # fmt: skip
def test_other_spellings(value, expected):
    assert tf.as_dtype(value) is expected


@pytest.mark.parametrize(
    "value",
    ["float33", ",tring", "i4,f4", "(", 999, object(), [1], {"names": []}, np.dtype("M8[s]"), None, type(None)],
)
def test_unknown_dtypes(value):
    with pytest.raises(TypeError):
        tf.as_dtype(value)


def test_limits():
    assert (tf.int8.min, tf.int8.max) == (-128, 127)
    assert tf.float32.max == np.finfo(np.float32).max
    assert (tf.bool.min, tf.bool.max) == (False, True)
    assert (tf.int4.min, tf.int4.max) == (-8, 7)
    assert float(tf.bfloat16.max) == float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)
    with pytest.raises(TypeError):
        _ = tf.string.max
