"""Which dtypes each op takes: those that its block says, and no conversion without being asked for."""

import operator
from contextlib import nullcontext

import numpy as np
import pytest

import minitf as tf
import minitf.ops
from minitf.core import dtypes
from minitf.core.op import REGISTRY, Mixed
from minitf.errors import DTypeError
from minitf.testing.ops import check_op, draw_call, drawable

minitf.ops.load_all()
DRAWABLE = sorted(name for name, op in REGISTRY.items() if drawable(op))
ALL = (
    dtypes.float32, dtypes.float64, dtypes.float16, dtypes.bfloat16, dtypes.int32, dtypes.int64, dtypes.int16, dtypes.int8,
    dtypes.uint8, dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.complex64, dtypes.complex128, dtypes.bool, dtypes.string,
)  # fmt: skip
KINDS = {name: REGISTRY[name].kinds for name in DRAWABLE if len(REGISTRY[name].inputs) >= 2}
PAIRS = [name for name, kinds in KINDS.items() if kinds[0] is kinds[1] and kinds[0] is not Mixed]


def tensor(array):
    return None if array is None else tf.constant(array)


@pytest.mark.parametrize("name", DRAWABLE)
def test_the_op_works_for_each_dtype_that_it_takes(name):
    op = REGISTRY[name]
    for dtype in ALL:
        if all(k.allowed is None or dtype in k.allowed for k in op.kinds[:1]):
            for seed in range(3):
                check_op(op, seed, wanted=(dtype,))


@pytest.mark.parametrize("name", [n for n in DRAWABLE if REGISTRY[n].kinds and REGISTRY[n].kinds[0].allowed is not None])
def test_other_dtypes_are_refused_and_the_error_says_how_to_convert(name):
    op = REGISTRY[name]
    inputs, attrs = draw_call(op, 1, wanted=ALL)
    if inputs[0] is None:
        return
    for dtype in ALL:
        if dtype in op.kinds[0].allowed:
            continue
        zeros = tf.zeros(np.shape(inputs[0]), dtype)
        with pytest.raises(DTypeError, match=r"tf\.cast"):
            op(zeros, *map(tensor, inputs[1:]), **op.complete(attrs))


def _pair(op, first, second):
    """A call of the op whose first two inputs have these dtypes, with what it wants besides."""
    inputs, attrs = draw_call(op, 1, wanted=ALL)
    a, b = (tf.zeros(np.shape(i), d) for i, d in zip(inputs, (first, second), strict=False))
    return lambda: op(a, b, *map(tensor, inputs[2:]), **op.complete(attrs))


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("built", [False, True], ids=["eager", "graph"])
def test_two_dtypes_do_not_go_together(name, built):
    op = REGISTRY[name]
    allowed = [d for d in ALL if op.kinds[0].allowed is None or d in op.kinds[0].allowed]
    for first in allowed:
        for second in allowed:
            if first is second:
                continue
            told = rf"is {second.name}, but .* is {first.name}.*tf\.cast\(x, tf\.{first.name}\)"
            with tf.Graph().as_default() if built else nullcontext():
                call = _pair(op, first, second)
                with pytest.raises(DTypeError, match=told):
                    call()


OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
    "**": operator.pow, "@": operator.matmul, "<": operator.lt, ">=": operator.ge,
}  # fmt: skip


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("second", ["float64", "int32", "variable", "numpy"])
def test_operators_convert_no_tensor(sign, second):
    x = tf.ones([2, 2])
    y = {
        "variable": lambda: tf.Variable(np.ones((2, 2))),
        "numpy": lambda: np.ones((2, 2), np.complex64),
    }.get(second, lambda: tf.ones([2, 2], second))()
    with pytest.raises(DTypeError, match=r"tf\.cast"):
        OPERATORS[sign](x, y)


@pytest.mark.parametrize("sign", [s for s in OPERATORS if s != "@"])
def test_a_python_number_takes_the_dtype_of_its_neighbour(sign):
    for dtype in ("float32", "float64", "float16", "bfloat16", "int32", "int64"):
        x = tf.ones([2], dtype) * 3
        for number in (2, *([2.5] if tf.as_dtype(dtype).is_floating else [])):
            left, right = OPERATORS[sign](x, number), OPERATORS[sign](number, x)
            assert left.dtype is right.dtype
            whole = dtypes.bool if sign in "<>=" else x.dtype if x.dtype.is_floating or sign != "/" else dtypes.float64
            assert left.dtype is whole
    with pytest.raises(TypeError):
        OPERATORS[sign](tf.constant([1, 2]), 2.5)
    with pytest.raises((TypeError, ValueError)):
        OPERATORS[sign](tf.constant([1.0]), "a")
