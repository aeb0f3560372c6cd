"""The checks of ``minitf.testing.ops`` find what is wrong with an op."""

import numpy as np
import pytest

from minitf.core.op import REGISTRY, Numeric, RealFloating, op
from minitf.core.spec import Spec
from minitf.ops.creating import stop_gradient
from minitf.testing.ops import check_gradients, check_op, check_op_gradients


@pytest.fixture(autouse=True)
def registry_as_before():
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


def doubled():
    @op(name="doubled")
    def doubled(x: RealFloating):
        return x + x

    @doubled.vjp
    def _(g, out, x):
        return (g + g,)

    return doubled


def all_seeds(check, faulty):
    for seed in range(20):
        check(faulty, seed)


def every_seed(check, faulty):
    with pytest.raises(AssertionError) as caught:
        all_seeds(check, faulty)
    return str(caught.value)


def test_a_right_op_passes():
    for seed in range(5):
        check_op(doubled(), seed)
        check_op_gradients(REGISTRY["doubled"], seed)
        del REGISTRY["doubled"]


def test_a_wrong_gradient_is_found_and_told():
    faulty = doubled()
    faulty.vjp(lambda g, out, x: (g,))
    text = every_seed(check_op_gradients, faulty)
    assert "first derivative, input 0" in text
    assert "expected" in text


def test_a_gradient_that_is_missing_is_found():
    faulty = doubled()
    faulty.vjp(lambda g, out, x: (None,))
    assert "got np.float64(0.0)" in every_seed(check_op_gradients, faulty)


def test_a_wrong_second_derivative_is_found():
    @op(name="cubed")
    def cubed(x: RealFloating):
        return x**3

    @op(name="three_squares")
    def three_squares(x: RealFloating):
        return 3 * x * x

    three_squares.vjp(lambda g, out, x: (g * x,))
    cubed.vjp(lambda g, out, x: (g * three_squares(x),))
    assert "second derivative" in every_seed(check_op_gradients, cubed)


def test_a_wrong_shape_rule_is_found():
    faulty = doubled()
    faulty.infer(lambda x: Spec(x.dtype, None if x.shape is None else (*x.shape, 1)))
    assert "the shape rule says" in every_seed(check_op, faulty)


def test_a_shape_rule_that_cannot_do_without_sizes_is_found():
    faulty = doubled()
    faulty.infer(lambda x: Spec(x.dtype, tuple(s * 1 for s in x.shape)))
    with pytest.raises(TypeError):
        all_seeds(check_op, faulty)


def test_another_dtype_than_said_is_found():
    @op(name="halved")
    def halved(x: Numeric):
        return x / 2

    assert "the kernel gives" in every_seed(check_op, halved)


def test_writing_into_an_input_is_found():
    @op(name="spoiling")
    def spoiling(x: RealFloating):
        if x.ndim:
            x *= 2
        return x

    assert "wrote into its input" in every_seed(check_op, spoiling)


def test_an_array_of_rank_0_is_found():
    @op(name="boxed")
    def boxed(x: RealFloating):
        return np.asarray(x)

    assert "rank 0 must be a NumPy scalar" in every_seed(check_op, boxed)


def test_any_function_can_be_checked():
    check_gradients(lambda x, y: x * y + x, [np.array([1.0, 2.0]), np.array([[3.0], [4.0]])])
    with pytest.raises(AssertionError, match="first derivative, input 1"):
        check_gradients(lambda x, y: x * stop_gradient(y), [np.array([1.0, 2.0]), np.array([3.0, 4.0])])
