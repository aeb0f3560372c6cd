"""Decompositions of matrices, or of batches of them.

The gradients are the classical ones: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", 2008; for QR and the singular values see Townsend, "Differentiating the singular value decomposition", 2016.
"""

from typing import Any, NamedTuple

import numpy as np

from minitf.core.op import convert, op
from minitf.core.spec import Spec
from minitf.ops.comparisons import equal, select
from minitf.ops.creating import ones_like, zeros_like
from minitf.ops.diagonals import band_part, diag, diag_part
from minitf.ops.elementwise import log as log_
from minitf.ops.equations import adjoint_of, checked, draw_square, moduli, needs_matrix, triangular, triangular_solve
from minitf.ops.kinds import Decomposable, Orthogonal
from minitf.ops.products import matmul
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import expand_dims, widened
from minitf.ops.shaping import matrix_transpose


class QR(NamedTuple):
    """What ``qr`` gives."""

    q: Any
    r: Any


def _draw_symmetric(draw):
    x = draw_square(draw)
    return ((x + np.swapaxes(x, -1, -2)) / x.dtype.type(2)).astype(x.dtype) + np.diag(np.arange(x.shape[-1])).astype(
        x.dtype
    ) * 7


@op(infer_first=True)
def cholesky(input: Decomposable):
    """The lower triangular ``L`` with ``L @ L^H = input``.

    Raises InvalidArgumentError unless the input is positive definite.
    """
    return checked(np.linalg.cholesky, input)


@cholesky.infer
def _(input):
    needs_matrix(input, square=True)
    return input


@cholesky.vjp
def _(g, out, input):
    # L^-H phi(L^H g) L^-1, made symmetric; phi takes the lower triangle and half the diagonal.
    middle = matmul(out, g, adjoint_a=True)
    middle = band_part(middle, -1, 0) - diag(diag_part(middle)) * 0.5
    left = triangular(out, middle, lower=True, adjoint=True)
    whole = adjoint_of(triangular(out, adjoint_of(left), lower=True, adjoint=True))
    return ((whole + adjoint_of(whole)) * 0.5,)


@cholesky.terms
def _(input):
    lower = np.linalg.cholesky(input)
    out, inverse = moduli(lower, np.linalg.inv(lower))
    turned, back = np.swapaxes(out, -1, -2), np.swapaxes(inverse, -1, -2)
    return input.shape[-1], out @ inverse @ out @ turned @ back


@cholesky.samples
def _(draw):
    x = draw_square(draw)
    return (np.matmul(x, np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1], dtype=x.dtype),), {}


@op(name="qr", infer_first=True)
def _qr(input: Orthogonal, *, full_matrices=False):
    """Orthonormal columns times an upper triangle."""
    both = np.linalg.qr(widened(input), mode="complete" if full_matrices else "reduced")
    return tuple(part.astype(input.dtype, copy=False) for part in both)


@_qr.infer
def _(input, *, full_matrices=False):
    needs_matrix(input)
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
    both = lower + adjoint_of(lower - diag(diag_part(lower)))
    return (adjoint_of(triangular(r, adjoint_of(by_q + matmul(q, both)), lower=False, adjoint=False)),)


@_qr.terms
def _(input, *, full_matrices=False):
    condition = np.linalg.cond(input)[..., None, None]
    return input.shape[-2], (condition, condition * np.linalg.norm(input, axis=(-2, -1))[..., None, None])


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
    values, vectors = checked(np.linalg.eigh, input)
    return values.astype(input.dtype), vectors


@_eigh.infer
def _(input):
    needs_matrix(input, square=True)
    return Spec(input.dtype, None if input.shape is None else input.shape[:-1]), input


@_eigh.vjp
def _(g, out, input):
    values, vectors = out
    gaps = _safe_inverse(expand_dims(values, -2) - expand_dims(values, -1))
    middle = diag(g[0]) + gaps * matmul(vectors, g[1], adjoint_a=True)
    whole = matmul(vectors, matmul(middle, vectors, adjoint_b=True))
    # only the lower triangle is read: what belongs to the upper one is counted there
    return (band_part(whole + adjoint_of(whole), -1, 0) - diag(diag_part(whole)),)


def _safe_inverse(x: Any) -> Any:
    zero = equal(x, zeros_like(x))
    return select(zero, zeros_like(x), 1.0 / select(zero, ones_like(x), x))


@_eigh.terms
def _(input):
    values, size = np.linalg.eigvalsh(input), np.linalg.norm(input, axis=(-2, -1))
    return input.shape[-1], (size[..., None], (size / _least_gap(values))[..., None, None])


def _least_gap(values):
    """The distance of the closest two of each row; infinite for one alone."""
    return np.min(np.abs(np.diff(values)), -1, initial=np.inf)


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
    u, s, vh = checked(np.linalg.svd, tensor, full_matrices=full_matrices)
    return s, u, np.conj(np.swapaxes(vh, -1, -2))


@_svd.infer
def _(tensor, *, full_matrices=False):
    needs_matrix(tensor)
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


@_svd.terms
def _(tensor, *, full_matrices=False):
    values = np.linalg.svd(tensor, compute_uv=False)
    size = values[..., 0]
    vectors = (size / np.minimum(_least_gap(values), values[..., -1]))[..., None, None]
    return max(tensor.shape[-2:]), (size[..., None], vectors, vectors)


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
