"""Angles and the functions of them; hyperbolic functions (``tanh`` is among the exponentials, as networks use it)."""

import numpy as np

from minitf.core.accuracy import approximated
from minitf.core.op import Floating, RealFloating, op
from minitf.core.spec import broadcast
from minitf.ops.elementwise import conj, rsqrt, square
from minitf.ops.shapes import sum_to

# -- trigonometry ------------------------------------------------------------------------------------------------------


@op(ufunc=np.sin)
def sin(x: Floating):
    """The sine of an angle in radians."""
    return np.sin(x)


@sin.vjp
def _(g, out, x):
    return (g * cos(conj(x)),)


@op(ufunc=np.cos)
def cos(x: Floating):
    """The cosine of an angle in radians."""
    return np.cos(x)


@cos.vjp
def _(g, out, x):
    return (-g * sin(conj(x)),)


@op(domain=(-1.2, 1.2), bound=approximated(3))
def tan(x: Floating):
    """The tangent of an angle in radians."""
    return np.tan(x)


@tan.vjp
def _(g, out, x):
    return (g + g * square(conj(out)),)


@op(domain=(-0.9, 0.9), bound=approximated(6))
def asin(x: Floating):
    """The inverse of ``sin``; NaN outside [-1, 1]."""
    return np.arcsin(x)


@asin.vjp
def _(g, out, x):
    return (g * rsqrt(1.0 - square(conj(x))),)


@op(domain=(-0.9, 0.9), bound=approximated(6))
def acos(x: Floating):
    """The inverse of ``cos``; NaN outside [-1, 1]."""
    return np.arccos(x)


@acos.vjp
def _(g, out, x):
    return (-g * rsqrt(1.0 - square(conj(x))),)


@op(bound=approximated(4))
def atan(x: Floating):
    """The inverse of ``tan``."""
    return np.arctan(x)


@atan.vjp
def _(g, out, x):
    return (g / (square(conj(x)) + 1.0),)


@op(bound=approximated(5))
def atan2(y: RealFloating, x: RealFloating):
    """The angle of the point (x, y), in (-pi, pi]."""
    return np.arctan2(y, x)


atan2.infer(broadcast)


@atan2.vjp
def _(g, out, y, x):
    by = g / (square(x) + square(y))
    return sum_to(by * x, y), sum_to(-by * y, x)


# -- hyperbolic functions ----------------------------------------------------------------------------------------------


@op(ufunc=np.sinh)
def sinh(x: Floating):
    """The hyperbolic sine."""
    return np.sinh(x)


@sinh.vjp
def _(g, out, x):
    return (g * cosh(conj(x)),)


@op(bound=approximated(3), ufunc=np.cosh)
def cosh(x: Floating):
    """The hyperbolic cosine."""
    return np.cosh(x)


@cosh.vjp
def _(g, out, x):
    return (g * sinh(conj(x)),)


@op
def asinh(x: Floating):
    """The inverse of ``sinh``."""
    return np.arcsinh(x)


@asinh.vjp
def _(g, out, x):
    return (g / cosh(conj(out)),)


@op(domain=(1.1, 5.0), bound=approximated(3))
def acosh(x: Floating):
    """The inverse of ``cosh``; NaN below 1."""
    return np.arccosh(x)


@acosh.vjp
def _(g, out, x):
    return (g / sinh(conj(out)),)


@op(domain=(-0.9, 0.9))
def atanh(x: Floating):
    """The inverse of ``tanh``; NaN outside [-1, 1]."""
    return np.arctanh(x)


@atanh.vjp
def _(g, out, x):
    return (g / (1.0 - square(conj(x))),)
