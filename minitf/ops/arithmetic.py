"""Arithmetic of two tensors, with NumPy broadcasting, and the Python operators + - * / // % **."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.accuracy import approximated
from minitf.core.op import Addable, Floating, Numeric, Real, convert, op
from minitf.core.operators import install_operator
from minitf.core.spec import broadcast, merge_shapes
from minitf.errors import InvalidArgumentError
from minitf.ops.comparisons import logical_and, not_equal, select
from minitf.ops.creating import cast, ones_like, zeros_like
from minitf.ops.elementwise import conj, in_float32, log, square
from minitf.ops.kinds import Divisible, Ordinary, Signed, Wide
from minitf.ops.shapes import sum_to

# -- the four operations -----------------------------------------------------------------------------------------------


@op(method="add", expr="{0} + {1}", ufunc=np.add)
def add(x: Addable, y: Addable):
    """``x + y``; strings are joined."""
    return x + y


@add.vjp(reads="")
def _(g, out, x, y):
    return sum_to(g, x), sum_to(g, y)


@op(method="sub", expr="{0} - {1}", ufunc=np.subtract)
def subtract(x: Numeric, y: Numeric):
    """``x - y``"""
    return x - y


@subtract.vjp(reads="")
def _(g, out, x, y):
    return sum_to(g, x), lambda: sum_to(-g, y)


@op(expr="{0} * {1}", ufunc=np.multiply)
def multiply(x: Numeric, y: Numeric):
    """``x * y``"""
    return x * y


@multiply.vjp(reads="x y")
def _(g, out, x, y):
    return lambda: sum_to(g * conj(y), x), lambda: sum_to(g * conj(x), y)


def _times(x: Any, y: Any) -> Any:
    """``*`` is also ``and`` of bools."""
    of = x if hasattr(x, "dtype") else y
    return (logical_and if of.dtype == dtypes.bool else multiply)(x, y)


multiply.method = "mul"
install_operator(multiply, _times)


@op(name="realdiv", expr="{0} / {1}", domain=(0.2, 4.0), ufunc=np.divide)
def realdiv(x: Floating, y: Floating):
    """``x / y`` of floats."""
    return x / y


@realdiv.vjp(reads="y out")
def _(g, out, x, y):
    by = g / conj(y)
    return sum_to(by, x), lambda: sum_to(-by * conj(out), y)


def truediv(x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y`` as Python divides: integers of 32 and 64 bits give float64, smaller ones float32."""
    x, y = _pair(x, y)
    if x.dtype.kind in "iu" and y.dtype is x.dtype:
        wide = _quotient(x.dtype)
        return realdiv(cast(x, wide), cast(y, wide), name=name)
    return realdiv(x, y, name=name)


def _quotient(integer: Any) -> Any:
    return dtypes.float64 if integer.size >= 4 else dtypes.float32


def divide(x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y``, as ``truediv``."""
    return truediv(x, y, name)


def _pair(x: Any, y: Any) -> tuple[Any, Any]:
    if hasattr(x, "dtype") and not isinstance(x, np.ndarray):
        x = convert(x)
        return x, convert(y, None if hasattr(y, "dtype") else x.dtype)
    y = convert(y)
    return convert(x, None if hasattr(x, "dtype") and not isinstance(x, np.ndarray) else y.dtype), y


realdiv.method = "truediv"
install_operator(realdiv, truediv)


@op(method="floordiv", domain=(0.2, 4.0))
def floordiv(x: Real, y: Real):
    """``x / y`` rounded down. Raises InvalidArgumentError for an integer divided by 0."""
    if x.dtype.kind in "iu":
        _refuse_zeros(y)
        return x // y
    return np.floor(x / y)


@op(method="mod", domain=(0.2, 4.0))
def floormod(x: Real, y: Real):
    """What remains after ``floordiv``: it has the sign of ``y``. Raises InvalidArgumentError for an integer divided by 0."""
    if x.dtype.kind in "iu":
        _refuse_zeros(y)
        return x % y
    return in_float32(_floormod, x, y)


def _floormod(x, y):
    rest = np.fmod(x, y)
    return np.where((rest != 0) & ((rest < 0) != (y < 0)), rest + y, rest)[()]


@op(domain=(0.2, 4.0))
def truncatediv(x: Real, y: Real):
    """``x / y`` rounded towards 0. Raises InvalidArgumentError for an integer divided by 0."""
    if x.dtype.kind in "iu":
        _refuse_zeros(y)
        return (x - np.fmod(x, y)) // y
    return np.trunc(x / y)


@op(domain=(0.2, 4.0))
def truncatemod(x: Divisible, y: Divisible):
    """What remains after ``truncatediv``: it has the sign of ``x``. Raises InvalidArgumentError for an integer divided by 0."""
    if x.dtype.kind in "iu":
        _refuse_zeros(y)
    return np.fmod(x, y)


def _refuse_zeros(y):
    if not np.all(y):
        raise InvalidArgumentError("Integer division by zero.")


@floormod.vjp
def _(g, out, x, y):
    return sum_to(g, x), sum_to(-g * floordiv(x, y), y)


@truncatemod.vjp
def _(g, out, x, y):
    return sum_to(g, x), sum_to(-g * truncatediv(x, y), y)


# -- division where the divisor may be zero ----------------------------------------------------------------------------


@op(name="div_no_nan")
def _div_no_nan(x: Floating, y: Floating):
    """``x / y``, and 0 where ``y`` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, x.dtype.type(0), x / y)[()]


@_div_no_nan.vjp
def _(g, out, x, y):
    by = div_no_nan(g, conj(y))
    return sum_to(by, x), sum_to(-by * conj(out), y)


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Any:
    """``x / y``, and 0 where ``y`` is 0; integers are divided as by ``truediv``."""
    x, y = _pair(x, y)
    if x.dtype.kind in "iu" and y.dtype is x.dtype:
        wide = _quotient(x.dtype)
        x, y = cast(x, wide), cast(y, wide)
    return _div_no_nan(x, y, name=name)


@op
def multiply_no_nan(x: Floating, y: Floating):
    """``x * y``, and 0 where ``y`` is 0, even if ``x`` is infinite or NaN."""
    with np.errstate(invalid="ignore"):
        return np.where(y == 0, x.dtype.type(0), x * y)[()]


@multiply_no_nan.vjp
def _(g, out, x, y):
    return sum_to(multiply_no_nan(g, y), x), sum_to(multiply_no_nan(x, g), y)


@op(domain=(0.1, 4.0), bound=approximated(6))
def xlogy(x: Floating, y: Floating):
    """``x * log(y)``, and 0 where ``x`` is 0."""
    return in_float32(_xlogy, x, y)


def _xlogy(x, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, x.dtype.type(0), x * np.log(y))[()]


@xlogy.vjp
def _(g, out, x, y):
    return sum_to(g * xlogy(cast(not_zero(x), x.dtype), y), x), sum_to(g * xdivy(x, y), y)


@op(domain=(0.1, 4.0), bound=approximated(6))
def xlog1py(x: Floating, y: Floating):
    """``x * log1p(y)``, and 0 where ``x`` is 0."""
    return in_float32(_xlog1py, x, y)


def _xlog1py(x, y):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, x.dtype.type(0), x * np.log1p(y))[()]


@xlog1py.vjp
def _(g, out, x, y):
    return sum_to(g * xlog1py(cast(not_zero(x), x.dtype), y), x), sum_to(g * xdivy(x, y + 1), y)


@op(domain=(0.1, 4.0))
def xdivy(x: Floating, y: Floating):
    """``x / y``, and 0 where ``x`` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0, x.dtype.type(0), x / y)[()]


@xdivy.vjp
def _(g, out, x, y):
    return sum_to(g * xdivy(cast(not_zero(x), x.dtype), y), x), sum_to(g * xdivy(-x, square(y)), y)


def not_zero(x: Any) -> Any:
    """True where ``x`` is not 0."""
    return not_equal(x, zeros_like(x))


# -- powers ------------------------------------------------------------------------------------------------------------


@op(name="pow", method="pow", domain=(0.2, 3.0), bound=approximated(3))
def pow(x: Signed, y: Signed):
    """``x ** y``. Raises InvalidArgumentError for an integer to a negative power."""
    if y.dtype.kind == "i" and np.any(y < 0):
        raise InvalidArgumentError("Integers to negative integer powers are not allowed. Cast them to floats first.")
    return x**y


@pow.vjp
def _(g, out, x, y):
    x_, y_, out_ = conj(x), conj(y), conj(out)
    by_x = g * y_ * pow(x_, y_ - 1)
    fine = not_zero(x_) if x.dtype.kind == "c" else x_ > zeros_like(x_)
    logs = select(fine, log(select(fine, x_, ones_like(x_))), zeros_like(x_))
    return sum_to(by_x, x), sum_to(g * out_ * logs, y)


@op
def squared_difference(x: Wide, y: Wide):
    """``(x - y) ** 2``; for complex numbers ``|x - y| ** 2``."""
    d = x - y
    return d * np.conj(d) if d.dtype.kind == "c" else d * d


@squared_difference.vjp
def _(g, out, x, y):
    d = x - y
    by_x = g * (d + d)
    return sum_to(by_x, x), sum_to(-by_x, y)


@op
def nextafter(x1: Ordinary, x2: Ordinary):
    """The next float after ``x1`` on the way to ``x2``."""
    return np.nextafter(x1, x2)


@nextafter.vjp
def _(g, out, x1, x2):
    return sum_to(g, x1), zeros_like(x2)


for _binary in (add, subtract, multiply, realdiv, floordiv, floormod, truncatediv, truncatemod, _div_no_nan, multiply_no_nan,
                xlogy, xlog1py, xdivy, pow, squared_difference, nextafter):  # fmt: skip
    _binary.infer(broadcast)

# -- many --------------------------------------------------------------------------------------------------------------


@op(name="add_n", infer_first=True)
def _add_n(*inputs: Numeric):
    """The sum of tensors of one shape."""
    out = inputs[0]
    for more in inputs[1:]:
        out = out + more
    return out


@_add_n.infer
def _(*inputs):
    first = inputs[0]
    shape = first.shape
    for more in inputs[1:]:
        shape = merge_shapes(shape, more.shape)
    return first if shape == first.shape else first._replace(shape=shape)


@_add_n.vjp
def _(g, out, *inputs):
    return (g,) * len(inputs)


_add_n.terms(lambda *inputs: len(inputs))


@_add_n.samples
def _(draw):
    x = draw(Numeric)
    return tuple(draw(Numeric, shape=x.shape, dtype=x.dtype) for _ in range(draw.integer(1, 4))), {}


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape; nothing is broadcast. Raises ValueError for an empty list."""
    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    if not inputs:
        raise ValueError("add_n needs at least one tensor.")
    return _add_n(*inputs, name=name)
