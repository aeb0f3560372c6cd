"""Special functions: the error function and its kin, the gamma function and its kin.

NumPy has none of them. float64 elements of ``erf``, ``erfc`` and ``lgamma`` are computed by Python's math module, one by one;
narrower floats take vectorised formulas in float64, whose error is far below their rounding.
"""

import math
from functools import cache
from typing import Any

import numpy as np

from minitf.core.accuracy import Bound, approximated
from minitf.core.op import RealFloating, convert, op
from minitf.core.spec import broadcast
from minitf.ops.elementwise import exp, square
from minitf.ops.kinds import Ordinary
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import sum_to

_TWO_BY_ROOT_PI = 2 / math.sqrt(math.pi)


_BLOCK = 8192  # elements that are worked on at a time: the intermediate arrays of a long formula then stay in the cache


def _in_float64(formula: Any, x: Any, *rest: Any) -> Any:
    """A formula over float64 arrays, for any float; rank 0 gives a scalar."""
    with np.errstate(all="ignore"):
        if rest or x.size <= _BLOCK:
            return np.asarray(formula(*(np.asarray(a, dtype=np.float64) for a in (x, *rest)))).astype(x.dtype)[()]
        flat, out = x.reshape(-1), np.empty(x.size, x.dtype)
        for i in range(0, x.size, _BLOCK):
            out[i : i + _BLOCK] = formula(flat[i : i + _BLOCK].astype(np.float64))
        return out.reshape(x.shape)


def _one_by_one(function: Any, x: Any) -> Any:
    flat = np.asarray(x, dtype=np.float64).reshape(-1)
    return np.fromiter(map(function, flat.tolist()), np.float64, flat.size).reshape(np.shape(x))[()]


# -- error function ----------------------------------------------------------------------------------------------------


@cache
def _chebyshev(which: str) -> Any:
    """Chebyshev coefficients of a smooth relative of the function on [-1, 1], fitted to the values of the math module."""
    n = 22 if which == "erf" else 28
    nodes = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    if which == "erf":  # erf(x) / x over x * x in [0, 9]
        x = np.sqrt((nodes + 1) * 4.5)
        values = np.array([math.erf(v) / v for v in x])
    else:  # exp(x * x) * erfc(x) over (x - 3) / (x + 3)
        x = 3 * (1 + nodes) / (1 - nodes)
        values = np.array([math.exp(v * v) * math.erfc(v) if v < 25 else _erfcx_far(v) for v in x])
    return np.polynomial.chebyshev.chebfit(nodes, values, n - 1)


def _erfcx_far(x: float) -> float:
    s, term = 1.0, 1.0
    for k in range(1, 6):
        term *= -(2 * k - 1) / (2 * x * x)
        s += term
    return s / (x * math.sqrt(math.pi))


def _erf(x):
    near = x * np.polynomial.chebyshev.chebval(np.minimum(x * x, 9.0) / 4.5 - 1, _chebyshev("erf"))
    far = np.abs(x) >= 3
    if far.any():
        near = np.where(far, np.sign(x) * (1 - _erfc_right(np.maximum(np.abs(x), 3.0))), near)
    return near


def _erfc_right(x):
    return np.exp(-x * x) * np.polynomial.chebyshev.chebval((x - 3) / (x + 3), _chebyshev("erfc"))


def _erfc(x):
    right = _erfc_right(np.minimum(np.abs(x), 40.0))
    return np.where(np.isnan(x), x, np.where(x < 0, 2 - right, right))


@op(bound=approximated(6))
def erf(x: RealFloating):
    """The error function: the probability that a normal number with variance 1/2 is in (-x, x)."""
    return _one_by_one(math.erf, x) if x.dtype == np.float64 else _in_float64(_erf, x)


@erf.vjp
def _(g, out, x):
    return (g * (exp(-square(x)) * _TWO_BY_ROOT_PI),)


@op(bound=approximated(10))
def erfc(x: RealFloating):
    """``1 - erf(x)``, exact also where that is tiny."""
    return _one_by_one(math.erfc, x) if x.dtype == np.float64 else _in_float64(_erfc, x)


@erfc.vjp
def _(g, out, x):
    return (g * (exp(-square(x)) * -_TWO_BY_ROOT_PI),)


# Giles, "Approximating the erfinv function", 2012: a start that Halley's steps then make exact.
_CENTRE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164,
           0.246640727, 1.50140941)  # fmt: skip
_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
         1.00167406, 2.83297682)  # fmt: skip


def _erfcinv(q):
    """The inverse of ``erfc`` for q in [0, 1]."""
    w = -np.log(np.clip(q * (2 - q), 1e-300, None))
    y = np.where(w < 5, np.polyval(_CENTRE, w - 2.5), np.polyval(_TAIL, np.sqrt(w) - 3)) * (1 - q)
    far = np.sqrt(np.maximum(-np.log(np.maximum(q, 1e-320) * np.sqrt(math.pi * np.maximum(w, 1.0))), 0))
    y = np.where(w < 16, y, far)
    for _ in range(4):
        error = (_exact_erfc(y) - q) / (_TWO_BY_ROOT_PI * np.exp(-y * y))
        error = np.where(np.isfinite(error), error, 0)
        y = y + error / (1 + y * error)
    return np.where(q == 0, np.inf, y)


def _exact_erfc(y):
    return np.asarray(_one_by_one(math.erfc, y))


def _erfinv(x):
    a = np.abs(x)
    # Near 0 the inverse of erfc loses what 1 - a loses; there a series step from erf's own side is used.
    start = _erfcinv(np.clip(1 - a, 0, 1))
    near = np.minimum(start, 1.0)
    for _ in range(3):
        error = (np.asarray(_one_by_one(math.erf, near)) - a) / (_TWO_BY_ROOT_PI * np.exp(-near * near))
        near = near - error / (1 + near * error)
    out = np.where(a < 0.5, near, start)
    return np.where(a > 1, np.nan, np.where(np.isnan(x), x, np.copysign(out, x)))


@op(
    domain=(-0.9, 0.9),
    bound=Bound(
        8, zero=6, reason="TensorFlow goes through ndtri of a number near 1/2, which cancels where the result is near 0"
    ),
)
def erfinv(x: RealFloating):
    """The inverse of ``erf``; NaN outside [-1, 1]."""
    return _in_float64(_erfinv, x)


@erfinv.vjp
def _(g, out, x):
    return (g * (exp(square(out)) * (1 / _TWO_BY_ROOT_PI)),)


@op(
    domain=(0.1, 1.9),
    bound=Bound(
        8, zero=6, reason="TensorFlow goes through ndtri of a number near 1/2, which cancels where the result is near 0"
    ),
)
def erfcinv(x: RealFloating):
    """The inverse of ``erfc``; NaN outside [0, 2]."""
    return _in_float64(
        lambda q: (
            np.where(q > 1, -_erfcinv(np.clip(2 - q, 0, 1)), _erfcinv(np.clip(q, 0, 1)))
            + np.where((q < 0) | (q > 2), np.nan, 0)
        ),
        x,
    )


@erfcinv.vjp
def _(g, out, x):
    return (g * (exp(square(out)) * (-1 / _TWO_BY_ROOT_PI)),)


def _ndtri(p):
    q = np.minimum(p, 1 - p)
    out = math.sqrt(2) * _erfcinv(np.clip(2 * q, 0, 1))
    return np.where((p < 0) | (p > 1) | np.isnan(p), np.nan, np.where(p < 0.5, -out, out))


@op(
    domain=(0.1, 0.9),
    bound=Bound(8, zero=6, reason="TensorFlow subtracts 1/2 from a number near it, which cancels where the result is near 0"),
)
def ndtri(x: RealFloating):
    """The number below which a standard normal number is with probability ``x``."""
    return _in_float64(_ndtri, x)


@ndtri.vjp
def _(g, out, x):
    return (g * (exp(square(out) * 0.5) * math.sqrt(2 * math.pi)),)


# -- gamma function ----------------------------------------------------------------------------------------------------

# B(2k) / (2k (2k - 1)) of Stirling's series, and B(2k) / 2k of its derivative.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_DIGAMMA = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_ENOUGH = 10


def _lgamma(x):
    a = np.where(x < 0.5, 1 - x, x)
    product, shifted = np.ones_like(a), a
    for _ in range(_ENOUGH):
        small = shifted < _ENOUGH
        product = np.where(small, product * shifted, product)
        shifted = np.where(small, shifted + 1, shifted)
    inverse = 1 / (shifted * shifted)
    out = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * math.log(2 * math.pi)
    out = out + np.polyval(_STIRLING[::-1], inverse) / shifted - np.log(product)
    out = np.where(np.isinf(shifted), np.inf, out)
    mirrored = math.log(math.pi) - np.log(np.abs(np.sin(np.pi * (x - np.round(x))))) - out
    out = np.where(x < 0.5, mirrored, out)
    return np.where((x <= 0) & (x == np.floor(x)) | np.isinf(x), np.inf, out)


def _math_lgamma(x):
    try:
        return math.lgamma(x)
    except ValueError:  # a pole
        return math.inf


@op(domain=(0.2, 6.0), bound=Bound(8, zero=16, reason="TensorFlow's series cancels near the zeros of the function"))
def lgamma(x: RealFloating):
    """The logarithm of ``|gamma(x)|``; infinite at 0, -1, -2, ..."""
    return _one_by_one(_math_lgamma, x) if x.dtype == np.float64 else _in_float64(_lgamma, x)


@lgamma.vjp
def _(g, out, x):
    return (g * digamma(x),)


def _digamma(x):
    a = np.where(x < 0, 1 - x, x)
    taken, shifted = np.zeros_like(a), a
    for _ in range(_ENOUGH):
        small = shifted < _ENOUGH
        taken = np.where(small, taken + 1 / shifted, taken)
        shifted = np.where(small, shifted + 1, shifted)
    inverse = 1 / (shifted * shifted)
    out = np.log(shifted) - 0.5 / shifted - inverse * np.polyval(_DIGAMMA[::-1], inverse) - taken
    away = x - np.round(x)
    out = np.where(x < 0, out - math.pi / np.tan(math.pi * away), out)
    return np.where((x <= 0) & (x == np.floor(x)), np.where(x == 0, np.copysign(np.inf, -x), np.nan), out)


@op(domain=(0.2, 6.0), bound=Bound(8, zero=8, reason="TensorFlow's series cancels near the zeros of the function"))
def digamma(x: RealFloating):
    """The derivative of ``lgamma``; NaN at -1, -2, ..."""
    return _in_float64(_digamma, x)


@digamma.vjp
def _(g, out, x):
    return (g * polygamma(x * 0 + 1, x),)


# B(2k) / (2k)!
_MACLAURIN = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600)


def _zeta(s, q):
    """Sum of (q + k) ** -s over k = 0, 1, ...: ten terms, then Euler and Maclaurin's formula."""
    s, q = np.broadcast_arrays(s, q)
    out = np.zeros(s.shape)
    for k in range(_ENOUGH):
        out = out + (q + k) ** -s
    w = q + _ENOUGH
    out = out + w ** (1 - s) / (s - 1) + 0.5 * w**-s
    rising, power = s, w ** (-s - 1)
    for k, b in enumerate(_MACLAURIN):
        out = out + b * rising * power
        rising = rising * (s + 2 * k + 1) * (s + 2 * k + 2)
        power = power / (w * w)
    bad = (s < 1) | ((q <= 0) & (s != np.floor(s)))
    return np.where(s == 1, np.inf, np.where(bad, np.nan, np.where((q <= 0) & (q == np.floor(q)), np.inf, out)))


@op(domain=(1.5, 6.0), bound=approximated(8))
def zeta(x: Ordinary, q: Ordinary):
    """Hurwitz's zeta function: the sum of ``(q + k) ** -x`` over k = 0, 1, 2, ..."""
    return _in_float64(_zeta, x, q)


@zeta.infer
def _(x, q):
    return broadcast(x, q)


@zeta.vjp
def _(g, out, x, q):
    return None, sum_to(-g * x * zeta(x + 1, q), q)


def _polygamma(n, x):
    n, x = np.broadcast_arrays(n, x)
    factorial = np.asarray(_one_by_one(lambda v: math.gamma(v + 1) if 0 <= v < 170 else math.inf, n))
    out = np.where(n % 2 == 1, 1, -1) * factorial * _zeta(n + 1, x)
    out = np.where(n == 0, _digamma(x), out)
    return np.where((n < 0) | (n != np.floor(n)), np.nan, out)


@op(name="polygamma", bound=Bound(16, zero=8, reason="TensorFlow's series cancels near the zeros of the function"))
def polygamma(a: Ordinary, x: Ordinary):
    """The derivative of order ``a`` of ``digamma``; NaN unless ``a`` is a natural number."""
    return _in_float64(_polygamma, a, x)


@polygamma.infer
def _(a, x):
    return broadcast(a, x)


@polygamma.vjp
def _(g, out, a, x):
    return None, sum_to(g * polygamma(a + 1, x), x)


@polygamma.samples
def _(draw):
    x = draw(Ordinary, low=0.5, high=5.0)
    return (np.asarray(np.full(x.shape, draw.integer(0, 3))).astype(x.dtype)[()], x), {}


@zeta.samples
def _(draw):
    x = draw(Ordinary, low=2.0, high=5.0)
    return (x, draw(shape=x.shape, dtype=x.dtype, low=0.5, high=4.0)), {}


def lbeta(x: Any, name: str | None = None) -> Any:
    """The logarithm of the beta function of the numbers along the last axis."""

    values = convert(x)
    return reduce_sum(lgamma(values), -1) - lgamma(reduce_sum(values, -1), name=name)
