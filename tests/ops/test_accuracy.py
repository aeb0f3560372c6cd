"""How far elementwise functions are from the exact value, in units in the last place."""

import math

import numpy as np
import pytest

import minitf as tf

FUNCTIONS = """
acos:-0.999:0.999 acosh:1.01:50 asin:-0.999:0.999 asinh:-50:50 atan:-50:50 atanh:-0.99:0.99 cos:-30:30 cosh:-20:20 erf:-4:4
erfc:-4:9 exp:-80:80 expm1:-10:10 lgamma:0.1:30 log:0.0001:1000 log1p:-0.9:100 log_sigmoid:-20:20 reciprocal:0.01:3
rsqrt:0.01:100 sigmoid:-30:30 sin:-30:30 sinh:-20:20 softplus:-20:20 softsign:-3:3 sqrt:0.01:100 tan:-10:10 tanh:-10:10
"""
EXACT = {
    "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin, "asinh": np.arcsinh, "atan": np.arctan, "atanh": np.arctanh,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
    "log_sigmoid": lambda x: -(np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "erf": lambda x: one_by_one(math.erf, x),
    "erfc": lambda x: one_by_one(math.erfc, x),
    "lgamma": lambda x: one_by_one(math.lgamma, x),
}  # fmt: skip


def one_by_one(function, x):
    return np.array([function(float(v)) for v in x], np.longdouble)


def ulps(got, exact):
    """The distance in units in the last place of ``got``'s dtype."""
    with np.errstate(over="ignore", invalid="ignore"):
        one = np.spacing(np.abs(exact).astype(got.dtype)).astype(np.longdouble)
    fine = np.isfinite(one)
    return np.where(fine, np.abs(got.astype(np.longdouble) - exact) / np.where(fine, one, 1), 0).max()


@pytest.mark.parametrize(("dtype", "most"), [(np.float16, 0.51), (np.float32, 3), (np.float64, 2)])
@pytest.mark.parametrize("entry", FUNCTIONS.split())
def test_within_few_units_of_the_exact_value(entry, dtype, most):
    name, low, high = entry.split(":")
    x = np.random.default_rng(0).uniform(float(low), float(high), 5000).astype(dtype)
    exact = EXACT.get(name) or getattr(np, name)
    with np.errstate(over="ignore"):
        got = getattr(tf.math, name)(tf.constant(x)).numpy()
    assert got.dtype == dtype
    if (name, dtype) == ("sigmoid", np.float64):
        most = 3  # e, 1 + e, their quotient: three roundings of half a unit, which may be a whole one of the result
    assert ulps(got, exact(x.astype(np.longdouble))) <= most


def test_erfinv_undoes_erf():
    x = np.concatenate([np.linspace(-0.999, 0.999, 999), [1e-20, -1e-300, 1 - 2**-53, 2**-30]])
    y = tf.math.erfinv(x).numpy()
    slope = 2 / math.sqrt(math.pi) * np.exp(-(y.astype(np.longdouble) ** 2))
    error = (np.vectorize(math.erf)(y) - x) / slope
    assert np.abs(error / np.spacing(np.abs(y))).max() <= 8  # of which half a unit of x can be magnified several times near 1
    assert tf.math.erfinv([-1.0, 1.0, 2.0]).numpy().tolist()[:2] == [-math.inf, math.inf]


def test_ndtri_is_the_quantile_of_the_normal_distribution():
    p = np.array([1e-300, 1e-100, 1e-10, 0.001, 0.25, 0.5, 0.75, 0.999])
    z = tf.math.ndtri(p).numpy()
    back = np.vectorize(lambda v: math.erfc(-v / math.sqrt(2)) / 2)(z)
    assert np.allclose(back, p, rtol=1e-11 * 40, atol=0)  # a unit of z changes the tail by z * eps


@pytest.mark.parametrize(("x", "expected"), [
    (1.0, -0.57721566490153286061), (0.5, -1.96351002602142347944),
    (10.0, 2.25175258906672110765), (-0.5, 0.03648997397857652056),
    (100.0, 4.60016185273808651573), (1e-3, -1000.57557193181030), (3.5, 1.10315664064524318723),
])  # fmt: skip
def test_digamma(x, expected):
    assert tf.math.digamma(np.float64(x)).numpy() == pytest.approx(expected, rel=1e-14)


def test_polygamma_and_zeta():
    assert tf.math.zeta(np.float64(2), np.float64(1)).numpy() == pytest.approx(math.pi**2 / 6, rel=1e-15)
    assert tf.math.zeta(np.float64(4), np.float64(1)).numpy() == pytest.approx(math.pi**4 / 90, rel=1e-15)
    assert tf.math.polygamma(np.float64(1), np.float64(0.5)).numpy() == pytest.approx(math.pi**2 / 2, rel=1e-14)
    x = np.linspace(0.5, 9, 50)
    for n in (1.0, 2.0, 3.0):  # the recurrence psi_n(x + 1) = psi_n(x) + (-1)^n n! / x^(n + 1)
        left = tf.math.polygamma(np.full(50, n), x + 1).numpy()
        right = tf.math.polygamma(np.full(50, n), x).numpy() + (-1) ** n * math.factorial(int(n)) / x ** (n + 1)
        assert np.allclose(left, right, rtol=1e-12, atol=1e-13)
