"""Inverses, determinants, linear equations and decompositions of matrices, or of batches of them.

The gradients are the classical ones: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008; for QR and the singular values see Townsend, "Differentiating the singular value decomposition", 2016.
"""

from typing import Any, NamedTuple

import numpy as np

from minitf.core.op import convert, op
from minitf.core.spec import Spec, broadcast_shapes, merge_shapes, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.comparisons import equal, select
from minitf.ops.creating import ones_like, zeros_like
from minitf.ops.diagonals import band_part, diag, diag_part
from minitf.ops.elementwise import conj
from minitf.ops.elementwise import log as log_
from minitf.ops.kinds import Decomposable, Invertible
from minitf.ops.products import matmul
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import expand_dims, sum_to, widened
from minitf.ops.shaping import matrix_transpose


class LogDeterminant(NamedTuple):
    """What ``slogdet`` gives."""

    sign: Any
    log_abs_determinant: Any


class QR(NamedTuple):
    """What ``qr`` gives."""

    q: Any
    r: Any


def _needs_matrix(spec, square=False):
    if spec.shape is None:
        return
    if len(spec.shape) < 2:
        raise ShapeError(f"This works on matrices, or batches of them, but the tensor has shape {shape_text(spec.shape)}.")
    m, n = spec.shape[-2:]
    if square and None not in (m, n) and m != n:
        raise ShapeError(f"The matrices must be square, but the tensor has shape {shape_text(spec.shape)}.")


def _numpy(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except np.linalg.LinAlgError as e:
        raise InvalidArgumentError(f"Input is not valid: {e}.") from None


def _h(x: Any) -> Any:
    return matrix_transpose(x, conjugate=True)


def _draw_square(draw):
    n = draw.integer(1, 3)
    x = draw(shape=(*draw.shape(most=1), n, n))
    return x + 4 * np.eye(n, dtype=x.dtype)


def _draw_symmetric(draw):
    x = _draw_square(draw)
    return ((x + np.swapaxes(x, -1, -2)) / x.dtype.type(2)).astype(x.dtype) + np.diag(np.arange(x.shape[-1])).astype(
        x.dtype
    ) * 7


# -- inverse, determinant, equations -----------------------------------------------------------------------------------


@op(name="matrix_inverse", infer_first=True)
def _inverse(input: Invertible, *, adjoint=False):
    """The inverse of square matrices."""
    wide = widened(input)
    return _numpy(np.linalg.inv, np.conj(np.swapaxes(wide, -1, -2)) if adjoint else wide).astype(input.dtype, copy=False)


@_inverse.infer
def _(input, *, adjoint=False):
    _needs_matrix(input, square=True)
    return input


@_inverse.vjp
def _(g, out, input, *, adjoint=False):
    back = -matmul(matmul(out, g, adjoint_a=True), out, adjoint_b=True)
    return (_h(back) if adjoint else back,)


_inverse.samples(lambda draw: ((_draw_square(draw),), {"adjoint": draw.choice([False, True])}))


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Any:
    """The inverse of square matrices (of their conjugate transpose). Raises InvalidArgumentError for one that has none."""
    return _inverse(input, adjoint=bool(adjoint), name=name)


@op(name="matrix_determinant", infer_first=True)
def det(input: Decomposable):
    """The determinant of square matrices."""
    return np.linalg.det(input)


@det.infer
def _(input):
    _needs_matrix(input, square=True)
    return Spec(input.dtype, None if input.shape is None else input.shape[:-2])


@det.vjp
def _(g, out, input):
    return (expand_dims(expand_dims(g * conj(out), -1), -1) * _inverse(input, adjoint=True),)


det.samples(lambda draw: ((_draw_square(draw),), {}))


@op(name="log_matrix_determinant", infer_first=True)
def _slogdet(input: Decomposable):
    """Sign and logarithm of the modulus of the determinant."""
    sign, logarithm = np.linalg.slogdet(input)
    return np.asarray(sign, dtype=input.dtype)[()], np.asarray(logarithm).astype(input.dtype)[()]


@_slogdet.infer
def _(input):
    _needs_matrix(input, square=True)
    out = Spec(input.dtype, None if input.shape is None else input.shape[:-2])
    return out, out


@_slogdet.vjp
def _(g, out, input):
    return (expand_dims(expand_dims(g[1], -1), -1) * _inverse(input, adjoint=True),)


_slogdet.samples(lambda draw: ((_draw_square(draw),), {}))


def slogdet(input: Any, name: str | None = None) -> Any:
    """``(sign, log_abs_determinant)`` of square matrices."""
    return LogDeterminant(*_slogdet(input, name=name))


@op(name="matrix_solve", infer_first=True)
def _solve(matrix: Decomposable, rhs: Decomposable, *, adjoint=False):
    """The solution of linear equations."""
    return _numpy(np.linalg.solve, np.conj(np.swapaxes(matrix, -1, -2)) if adjoint else matrix, rhs)


def _solved(matrix, rhs, **_):
    _needs_matrix(matrix, square=True)
    _needs_matrix(rhs)
    if matrix.shape is None or rhs.shape is None:
        return Spec(matrix.dtype, None)
    merge_shapes(matrix.shape[-1:], rhs.shape[-2:-1])
    batch = broadcast_shapes(matrix.shape[:-2], rhs.shape[:-2]) or ()
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
def _triangular(matrix: Decomposable, rhs: Decomposable, *, lower, adjoint):
    """The solution of linear equations with a triangular matrix."""
    part = np.tril(matrix) if lower else np.triu(matrix)
    return _numpy(np.linalg.solve, np.conj(np.swapaxes(part, -1, -2)) if adjoint else part, rhs)


@_triangular.vjp
def _(g, out, matrix, rhs, *, lower, adjoint):
    by_rhs = _triangular(matrix, g, lower=lower, adjoint=not adjoint)
    by_matrix = -matmul(out, by_rhs, adjoint_b=True) if adjoint else -matmul(by_rhs, out, adjoint_b=True)
    part = band_part(by_matrix, -1, 0) if lower else band_part(by_matrix, 0, -1)
    return sum_to(part, matrix), sum_to(by_rhs, rhs)


for _equations in (_solve, _triangular):
    _equations.infer(_solved)


@_solve.samples
def _(draw):
    a = _draw_square(draw)
    return (a, draw(shape=(*a.shape[:-1], draw.integer(1, 2)), dtype=a.dtype)), {"adjoint": draw.choice([False, True])}


@_triangular.samples
def _(draw):
    a = _draw_square(draw)
    attrs = {"lower": draw.choice([False, True]), "adjoint": draw.choice([False, True])}
    return (a, draw(shape=(*a.shape[:-1], draw.integer(1, 2)), dtype=a.dtype)), attrs


def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Any:
    """``x`` with ``matrix @ x = rhs``, where only the lower (or upper) triangle of ``matrix`` counts."""
    return _triangular(matrix, rhs, lower=bool(lower), adjoint=bool(adjoint), name=name)


# -- decompositions ----------------------------------------------------------------------------------------------------


@op(infer_first=True)
def cholesky(input: Decomposable):
    """The lower triangular ``L`` with ``L @ L^H = input``.

    Raises InvalidArgumentError unless the input is positive definite.
    """
    return _numpy(np.linalg.cholesky, input)


@cholesky.infer
def _(input):
    _needs_matrix(input, square=True)
    return input


@cholesky.vjp
def _(g, out, input):
    # L^-H phi(L^H g) L^-1, made symmetric; phi takes the lower triangle and half the diagonal.
    middle = matmul(out, g, adjoint_a=True)
    middle = band_part(middle, -1, 0) - diag(diag_part(middle)) * 0.5
    left = _triangular(out, middle, lower=True, adjoint=True)
    whole = _h(_triangular(out, _h(left), lower=True, adjoint=True))
    return ((whole + _h(whole)) * 0.5,)


@cholesky.samples
def _(draw):
    x = _draw_square(draw)
    return (np.matmul(x, np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1], dtype=x.dtype),), {}


@op(name="qr", infer_first=True)
def _qr(input: Decomposable, *, full_matrices=False):
    """Orthonormal columns times an upper triangle."""
    return tuple(np.linalg.qr(input, mode="complete" if full_matrices else "reduced"))


@_qr.infer
def _(input, *, full_matrices=False):
    _needs_matrix(input)
    if input.shape is None:
        return input, input
    *batch, m, n = input.shape
    k = m if full_matrices else None if None in (m, n) else min(m, n)
    return Spec(input.dtype, (*batch, m, k)), Spec(input.dtype, (*batch, k, n))


@_qr.vjp
def _(g, out, input, *, full_matrices=False):
    m, n = input.shape[-2:]
    if m is None or n is None or m < n or (full_matrices and m != n):
        raise ValueError("The gradient of qr is known for matrices with at least as many rows as columns, full_matrices=False.")
    by_q, by_r = g
    q, r = out
    middle = matmul(r, by_r, adjoint_b=True) - matmul(by_q, q, adjoint_a=True)
    # the lower triangle, and its conjugate transpose above the diagonal
    lower = band_part(middle, -1, 0)
    both = lower + _h(lower - diag(diag_part(lower)))
    return (_h(_triangular(r, _h(by_q + matmul(q, both)), lower=False, adjoint=False)),)


@_qr.samples
def _(draw):
    n = draw.integer(1, 3)
    tall = draw(shape=(*draw.shape(most=1), n + draw.integer(0, 2), n))
    return (tall + np.eye(*tall.shape[-2:], dtype=tall.dtype) * 4,), {}


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """``(q, r)``: orthonormal columns times an upper triangle."""
    return QR(*_qr(input, full_matrices=bool(full_matrices), name=name))


@op(name="self_adjoint_eig", infer_first=True)
def _eigh(input: Decomposable):
    """Eigenvalues, ascending, and eigenvectors of self-adjoint matrices."""
    values, vectors = _numpy(np.linalg.eigh, input)
    return values.astype(input.dtype), vectors


@_eigh.infer
def _(input):
    _needs_matrix(input, square=True)
    return Spec(input.dtype, None if input.shape is None else input.shape[:-1]), input


@_eigh.vjp
def _(g, out, input):
    values, vectors = out
    gaps = _safe_inverse(expand_dims(values, -2) - expand_dims(values, -1))
    middle = diag(g[0]) + gaps * matmul(vectors, g[1], adjoint_a=True)
    whole = matmul(vectors, matmul(middle, vectors, adjoint_b=True))
    # only the lower triangle is read: what belongs to the upper one is counted there
    return (band_part(whole + _h(whole), -1, 0) - diag(diag_part(whole)),)


def _safe_inverse(x: Any) -> Any:
    zero = equal(x, zeros_like(x))
    return select(zero, zeros_like(x), 1.0 / select(zero, ones_like(x), x))


# The sign of an eigenvector is anybody's choice, so only what does not depend on it is compared.
_eigh.samples(lambda draw: ((_draw_symmetric(draw),), {}))


def eigh(tensor: Any, name: str | None = None) -> tuple[Any, Any]:
    """Eigenvalues (ascending) and eigenvectors (in columns) of self-adjoint matrices; the lower triangle is read."""
    values, vectors = _eigh(tensor, name=name)
    return values, vectors


def eigvalsh(tensor: Any, name: str | None = None) -> Any:
    """The eigenvalues of self-adjoint matrices, ascending."""
    return _eigh(tensor, name=name)[0]


@op(name="svd", infer_first=True)
def _svd(tensor: Decomposable, *, full_matrices=False):
    """Singular values, descending, and the left and right singular vectors in columns."""
    u, s, vh = _numpy(np.linalg.svd, tensor, full_matrices=full_matrices)
    return s, u, np.conj(np.swapaxes(vh, -1, -2))


@_svd.infer
def _(tensor, *, full_matrices=False):
    _needs_matrix(tensor)
    real = tensor.dtype.real_dtype
    if tensor.shape is None:
        return Spec(real, None), tensor, tensor
    *batch, m, n = tensor.shape
    k = None if None in (m, n) else min(m, n)
    columns = (m, n) if full_matrices else (k, k)
    return Spec(real, (*batch, k)), Spec(tensor.dtype, (*batch, m, columns[0])), Spec(tensor.dtype, (*batch, n, columns[1]))


@_svd.vjp
def _(g, out, tensor, *, full_matrices=False):
    if tensor.dtype.kind == "c" or full_matrices:
        raise ValueError("The gradient of svd is known for real matrices and full_matrices=False.")
    by_s, by_u, by_v = g
    s, u, v = out
    row, column = expand_dims(s, -2), expand_dims(s, -1)
    gaps = _safe_inverse((row - column) * (row + column))
    inverse = _safe_inverse(s)
    of_u, of_v = matmul(u, by_u, transpose_a=True), matmul(v, by_v, transpose_a=True)
    turned = gaps * (of_u - matrix_transpose(of_u)) * row + column * (gaps * (of_v - matrix_transpose(of_v)))
    back = matmul(matmul(u, diag(by_s) + turned), v, transpose_b=True)
    rest_u = (by_u - matmul(u, of_u)) * expand_dims(inverse, -2)
    rest_v = (by_v - matmul(v, of_v)) * expand_dims(inverse, -2)
    return (back + matmul(rest_u, v, transpose_b=True) + matmul(u, rest_v, transpose_b=True),)


@_svd.samples
def _(draw):
    m, n = draw.integer(1, 3), draw.integer(1, 3)
    x = draw(shape=(m, n))
    return (x + np.eye(m, n, dtype=x.dtype) * np.arange(3, 3 + n, dtype=x.dtype) * 3,), {}


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """``(s, u, v)`` with ``tensor = u @ diag(s) @ v^H``; only ``s`` without ``compute_uv``."""
    s, u, v = _svd(tensor, full_matrices=bool(full_matrices), name=name)
    return (s, u, v) if compute_uv else s


def logdet(matrix: Any, name: str | None = None) -> Any:
    """The logarithm of the determinant of positive definite matrices."""
    return reduce_sum(log_(diag_part(cholesky(matrix))), -1, name=name) * 2.0


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Any:
    """``x`` with ``chol @ chol^H @ x = rhs``."""
    lower = convert(chol)
    return triangular_solve(lower, triangular_solve(lower, rhs), adjoint=True, name=name)
