"""How much the gradients of an op that solves equations or decomposes matrices magnify roundings."""

import numpy as np


def condition_number(call):
    """The largest condition number of the call's matrices; 1 for other ops."""
    rule = RULES.get(call.op.name if call.op else "")
    if rule is None:
        return 1.0
    matrix = np.asarray(next(iter(call.inputs.values())))
    wide = matrix.astype(np.complex128 if matrix.dtype.kind == "c" else np.float64)
    return float(np.max(rule(wide, **{k: v for k, v in call.attrs.items() if k == "lower"}), initial=1.0))


def _of_matrix(matrix):
    return np.linalg.cond(matrix) if matrix.size else 1.0


def _of_triangle(matrix, lower):
    return _of_matrix(np.tril(matrix) if lower else np.triu(matrix))


def _of_eigenvectors(matrix):
    return _of_vectors(np.linalg.eigvalsh(matrix))


def _of_singular_vectors(matrix):
    values = np.linalg.svd(matrix, compute_uv=False)
    return np.maximum(_of_vectors(values), np.max(values, -1) / np.min(values, -1))


def _of_vectors(values):
    """Vectors of values that lie close together turn with every rounding."""
    gap = np.min(np.abs(np.diff(values)), -1, initial=np.inf)
    return np.max(np.abs(values), -1, initial=0.0) / gap


RULES = {
    "matrix_inverse": _of_matrix,
    "matrix_determinant": _of_matrix,
    "log_matrix_determinant": _of_matrix,
    "matrix_solve": _of_matrix,
    "matrix_triangular_solve": _of_triangle,
    "cholesky": _of_matrix,
    "qr": _of_matrix,
    "self_adjoint_eig": _of_eigenvectors,
    "svd": _of_singular_vectors,
}
