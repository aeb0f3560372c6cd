"""Ops of one tensor, element by element: powers, exponentials, rounding, tests of floats."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.accuracy import approximated
from minitf.core.op import Complex, Floating, Numeric, RealFloating, convert, op
from minitf.core.spec import Spec
from minitf.core.tensor import EagerTensor, SymbolicTensor
from minitf.errors import DTypeError
from minitf.ops.comparisons import select
from minitf.ops.creating import cast, zeros_like
from minitf.ops.kinds import Signed


def in_float32(function: Any, x: Any, *rest: Any, **settings: Any) -> Any:
    """A formula of several roundings: numbers of 16 bits go through float32, so that only the last rounding is theirs."""
    if x.dtype.itemsize > 2:
        return function(x, *rest, **settings)
    wide = np.float32
    return function(x.astype(wide), *(r.astype(wide) for r in rest), **settings).astype(x.dtype)


def conj(x: Any, name: str | None = None) -> Any:
    """The complex conjugate; of a real number the number itself."""
    known = x._v if type(x) is EagerTensor else x._spec if type(x) is SymbolicTensor else None
    if known is not None and known.dtype.kind == "f":
        return x
    tensor = convert(x)
    if tensor.dtype.kind == "c":
        return _conj(tensor, name=name)
    return number(tensor, "conj")


def number(tensor: Any, what: str) -> Any:
    """The tensor itself. Raises DTypeError unless it has numbers."""
    if tensor.dtype.kind not in "fiuc":
        raise DTypeError(f"{what} is of numbers, not of {tensor.dtype.name}.")
    return tensor


@op(name="conj")
def _conj(input: Complex):
    """The complex conjugate."""
    return np.conj(input)


@_conj.vjp
def _(g, out, input):
    return (_conj(g),)


# -- signs and powers --------------------------------------------------------------------------------------------------


@op(method="neg", expr="-{0}", ufunc=np.negative)
def negative(x: Signed):
    """``-x``"""
    return -x


@negative.vjp
def _(g, out, x):
    return (-g,)


@op(method="abs")
def abs(x: Signed):
    """The absolute value; of a complex number its modulus, which is real."""
    return np.abs(x)


@abs.infer
def _(x):
    return Spec(x.dtype.real_dtype, x.shape)


@abs.vjp
def _(g, out, x):
    if x.dtype.kind == "c":
        return (cast(g, x.dtype) * sign(x),)
    return (g * sign(x),)


@op(ufunc=np.sign)
def sign(x: Signed):
    """-1, 0 or 1 (NaN for NaN); of a complex number ``x / |x|``."""
    return np.sign(x)


@sign.vjp
def _(g, out, x):
    if x.dtype.kind != "c":
        return (zeros_like(x),)
    size = abs(x)
    size = select(size > zeros_like(size), size, zeros_like(size) + 1)
    return ((g - out * out * conj(g)) / cast(size + size, x.dtype),)  # the part of g at right angles to x turns the phase


@op
def square(x: Numeric):
    """``x * x``"""
    return x * x


@square.vjp
def _(g, out, x):
    return (g * conj(x + x),)


@op(domain=(0.1, 9.0), ufunc=np.sqrt)
def sqrt(x: Floating):
    """The square root; NaN for negative numbers."""
    return np.sqrt(x)


@sqrt.vjp
def _(g, out, x):
    half = g * 0.5
    return (half / conj(out),)


@op(domain=(0.1, 9.0))
def rsqrt(x: Floating):
    """``1 / sqrt(x)``"""
    return in_float32(_rsqrt, x)


def _rsqrt(x):
    return 1 / np.sqrt(x)


@rsqrt.vjp
def _(g, out, x):
    y = conj(out)
    return (g * -0.5 * y * y * y,)


@op(domain=(0.2, 5.0), bound=approximated(4))
def reciprocal(x: Floating):
    """``1 / x``"""
    return in_float32(np.reciprocal, x)


@reciprocal.vjp
def _(g, out, x):
    y = conj(out)
    return (-g * y * y,)


# -- exponentials ------------------------------------------------------------------------------------------------------


@op(bound=approximated(3), ufunc=np.exp)
def exp(x: Floating):
    """``e ** x``"""
    return np.exp(x)


@exp.vjp
def _(g, out, x):
    return (g * conj(out),)


@op(bound=approximated(5), ufunc=np.expm1)
def expm1(x: Floating):
    """``e ** x - 1``, exact near 0."""
    return np.expm1(x)


@expm1.vjp
def _(g, out, x):
    return (g * exp(conj(x)),)


@op(domain=(0.1, 9.0), bound=approximated(5), ufunc=np.log)
def log(x: Floating):
    """The natural logarithm; NaN for negative numbers, -inf for 0."""
    return np.log(x)


@log.vjp
def _(g, out, x):
    return (g / conj(x),)


@op(domain=(-0.8, 5.0), bound=approximated(5), ufunc=np.log1p)
def log1p(x: Floating):
    """``log(1 + x)``, exact near 0."""
    return np.log1p(x)


@log1p.vjp
def _(g, out, x):
    return (g / (conj(x) + 1),)


@op(bound=approximated(8))
def sigmoid(x: Floating):
    """``1 / (1 + e ** -x)``, without overflow."""
    return in_float32(_sigmoid, x)


def _sigmoid(x):
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e)[()] / (1 + e)


@sigmoid.vjp
def _(g, out, x):
    y = conj(out)
    return (g * (y - y * y),)


@op(bound=approximated(6), ufunc=np.tanh)
def tanh(x: Floating):
    """The hyperbolic tangent."""
    return np.tanh(x)


@tanh.vjp
def _(g, out, x):
    y = conj(out)
    return (g * (1.0 - y * y),)


# -- rounding ----------------------------------------------------------------------------------------------------------


@op(ufunc=np.floor)
def floor(x: RealFloating):
    """The next integer below."""
    return np.floor(x)


@op
def ceil(x: RealFloating):
    """The next integer above."""
    return np.ceil(x)


@op
def round(x: Numeric):
    """The nearest integer; halves go to the even one."""
    return np.rint(x) if x.dtype.kind in "fcV" else x


@op
def rint(x: RealFloating):
    """The nearest integer; halves go to the even one."""
    return np.rint(x)


# -- tests -------------------------------------------------------------------------------------------------------------


@op
def is_nan(x: RealFloating):
    """True where ``x`` is not a number."""
    return np.isnan(x)


@op
def is_inf(x: RealFloating):
    """True where ``x`` is infinite."""
    return np.isinf(x)


@op
def is_finite(x: RealFloating):
    """True where ``x`` is a number and not infinite."""
    return np.isfinite(x)


for _test in (is_nan, is_inf, is_finite):
    _test.infer(lambda x: Spec(dtypes.bool, x.shape))
