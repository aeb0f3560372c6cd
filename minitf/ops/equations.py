"""Inverses, determinants and linear equations of matrices, or of batches of them.

The gradients are the classical ones: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008.
"""

from typing import Any, NamedTuple

import numpy as np

from minitf.core.op import op
from minitf.core.spec import Spec, broadcast_shapes, merge_shapes, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.diagonals import band_part
from minitf.ops.elementwise import conj
from minitf.ops.kinds import Decomposable, Invertible
from minitf.ops.products import matmul
from minitf.ops.shapes import expand_dims, sum_to, widened
from minitf.ops.shaping import matrix_transpose


class LogDeterminant(NamedTuple):
    """What ``slogdet`` gives."""

    sign: Any
    log_abs_determinant: Any


def needs_matrix(spec, square=False):
    """Raises ShapeError unless the spec can be that of (square) matrices."""
    if spec.shape is None:
        return
    if len(spec.shape) < 2:
        raise ShapeError(f"This works on matrices, or batches of them, but the tensor has shape {shape_text(spec.shape)}.")
    m, n = spec.shape[-2:]
    if square and None not in (m, n) and m != n:
        raise ShapeError(f"The matrices must be square, but the tensor has shape {shape_text(spec.shape)}.")


def checked(function, *args, **kwargs):
    """What NumPy's function gives. Raises InvalidArgumentError where it has no result."""
    try:
        return function(*args, **kwargs)
    except np.linalg.LinAlgError as e:
        raise InvalidArgumentError(f"Input is not valid: {e}.") from None


def adjoint_of(x: Any) -> Any:
    """The conjugate transpose."""
    return matrix_transpose(x, conjugate=True)


def moduli(*arrays):
    """The moduli of their elements: what the rules for rounding errors are made of (Higham, "Accuracy and stability", 2002)."""
    return tuple(np.abs(a) for a in arrays)


def draw_square(draw):
    """Square matrices that are far from singular."""
    n = draw.integer(1, 3)
    x = draw(shape=(*draw.shape(most=1), n, n))
    return x + 4 * np.eye(n, dtype=x.dtype)


# -- inverse, determinant, equations -----------------------------------------------------------------------------------


@op(name="matrix_inverse", infer_first=True)
def _inverse(input: Invertible, *, adjoint=False):
    """The inverse of square matrices."""
    wide = widened(input)
    return checked(np.linalg.inv, np.conj(np.swapaxes(wide, -1, -2)) if adjoint else wide).astype(input.dtype, copy=False)


@_inverse.infer
def _(input, *, adjoint=False):
    needs_matrix(input, square=True)
    return input


@_inverse.terms
def _(input, *, adjoint=False):
    given, out = moduli(input, np.linalg.inv(input))
    whole = out @ given @ out
    return input.shape[-1], np.swapaxes(whole, -1, -2) if adjoint else whole


@_inverse.vjp
def _(g, out, input, *, adjoint=False):
    back = -matmul(matmul(out, g, adjoint_a=True), out, adjoint_b=True)
    return (adjoint_of(back) if adjoint else back,)


_inverse.samples(lambda draw: ((draw_square(draw),), {"adjoint": draw.choice([False, True])}))


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse of square matrices (of their conjugate transpose). Raises InvalidArgumentError for one that has none."""
    return _inverse(input, adjoint=bool(adjoint), name=name)


@op(name="matrix_determinant", infer_first=True)
def det(input: Decomposable):
    """The determinant of square matrices."""
    return np.linalg.det(input)


@det.infer
def _(input):
    needs_matrix(input, square=True)
    return Spec(input.dtype, None if input.shape is None else input.shape[:-2])


@det.vjp
def _(g, out, input):
    return (expand_dims(expand_dims(g * conj(out), -1), -1) * _inverse(input, adjoint=True),)


@det.terms
def _(input):
    return input.shape[-1], np.prod(np.abs(input).sum(-1), -1)  # at least the sum of the moduli of Leibniz' terms


det.samples(lambda draw: ((draw_square(draw),), {}))


@op(name="log_matrix_determinant", infer_first=True)
def _slogdet(input: Decomposable):
    """Sign and logarithm of the modulus of the determinant."""
    sign, logarithm = np.linalg.slogdet(input)
    return np.asarray(sign, dtype=input.dtype)[()], np.asarray(logarithm).astype(input.dtype)[()]


@_slogdet.infer
def _(input):
    needs_matrix(input, square=True)
    out = Spec(input.dtype, None if input.shape is None else input.shape[:-2])
    return out, out


@_slogdet.vjp
def _(g, out, input):
    return (expand_dims(expand_dims(g[1], -1), -1) * _inverse(input, adjoint=True),)


@_slogdet.terms
def _(input):
    given, inverse = moduli(input, np.linalg.inv(input))
    sensitivity = np.trace(inverse @ given, axis1=-2, axis2=-1)
    logarithm = np.abs(np.linalg.slogdet(input)[1])
    return input.shape[-1], (sensitivity, sensitivity + logarithm)


_slogdet.samples(lambda draw: ((draw_square(draw),), {}))


def slogdet(input: Any, name: str | None = None) -> Any:
    """``(sign, log_abs_determinant)`` of square matrices."""
    return LogDeterminant(*_slogdet(input, name=name))


@op(name="matrix_solve", infer_first=True)
def _solve(matrix: Decomposable, rhs: Decomposable, *, adjoint=False):
    """The solution of linear equations."""
    return checked(np.linalg.solve, np.conj(np.swapaxes(matrix, -1, -2)) if adjoint else matrix, rhs)


@_solve.infer
def _(matrix, rhs, *, adjoint=False):
    return _solved(matrix, rhs, merge_shapes)


def _solved(matrix, rhs, together):
    needs_matrix(matrix, square=True)
    needs_matrix(rhs)
    if matrix.shape is None or rhs.shape is None:
        return Spec(matrix.dtype, None)
    merge_shapes(matrix.shape[-1:], rhs.shape[-2:-1])
    batch = together(matrix.shape[:-2], rhs.shape[:-2]) or ()
    return Spec(matrix.dtype, (*batch, *rhs.shape[-2:]))


@_solve.vjp
def _(g, out, matrix, rhs, *, adjoint=False):
    by_rhs = _solve(matrix, g, adjoint=not adjoint)
    by_matrix = -matmul(out, by_rhs, adjoint_b=True) if adjoint else -matmul(by_rhs, out, adjoint_b=True)
    return sum_to(by_matrix, matrix), sum_to(by_rhs, rhs)


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` with ``matrix @ x = rhs``. Raises InvalidArgumentError for a matrix without inverse."""
    return _solve(matrix, rhs, adjoint=bool(adjoint), name=name)


@op(name="matrix_triangular_solve", infer_first=True)
def triangular(matrix: Decomposable, rhs: Decomposable, *, lower, adjoint):
    """The solution of linear equations with a triangular matrix."""
    part = np.tril(matrix) if lower else np.triu(matrix)
    return checked(np.linalg.solve, np.conj(np.swapaxes(part, -1, -2)) if adjoint else part, rhs)


@triangular.vjp
def _(g, out, matrix, rhs, *, lower, adjoint):
    by_rhs = triangular(matrix, g, lower=lower, adjoint=not adjoint)
    by_matrix = -matmul(out, by_rhs, adjoint_b=True) if adjoint else -matmul(by_rhs, out, adjoint_b=True)
    part = band_part(by_matrix, -1, 0) if lower else band_part(by_matrix, 0, -1)
    return sum_to(part, matrix), sum_to(by_rhs, rhs)


@triangular.infer
def _(matrix, rhs, *, lower, adjoint):
    return _solved(matrix, rhs, broadcast_shapes)


def _solving(matrix, rhs, adjoint):
    matrix = np.conj(np.swapaxes(matrix, -1, -2)) if adjoint else matrix
    inverse, given, right, solution = moduli(np.linalg.inv(matrix), matrix, rhs, np.linalg.solve(matrix, rhs))
    return matrix.shape[-1], inverse @ (given @ solution + right)


@_solve.terms
def _(matrix, rhs, *, adjoint=False):
    return _solving(matrix, rhs, adjoint)


@triangular.terms
def _(matrix, rhs, *, lower, adjoint):
    return _solving(np.tril(matrix) if lower else np.triu(matrix), rhs, adjoint)


@_solve.samples
def _(draw):
    a = draw_square(draw)
    return (a, draw(shape=(*a.shape[:-1], draw.integer(1, 2)), dtype=a.dtype)), {"adjoint": draw.choice([False, True])}


@triangular.samples
def _(draw):
    a = draw_square(draw)
    attrs = {"lower": draw.choice([False, True]), "adjoint": draw.choice([False, True])}
    return (a, draw(shape=(*a.shape[:-1], draw.integer(1, 2)), dtype=a.dtype)), attrs


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` with ``matrix @ x = rhs``, where only the lower (or upper) triangle of ``matrix`` counts."""
    return triangular(matrix, rhs, lower=bool(lower), adjoint=bool(adjoint), name=name)
