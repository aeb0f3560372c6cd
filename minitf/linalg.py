"""``tf.linalg``: products, equations, decompositions and norms of matrices."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.ops.decompositions": "cholesky cholesky_solve eigh eigvalsh logdet qr svd",
    "minitf.ops.equations": "det inv slogdet solve triangular_solve",
    "minitf.ops.diagonals": "band_part diag diag_part set_diag",
    "minitf.ops.formulas": "adjoint cross trace",
    "minitf.ops.products": "matmul matvec",
    "minitf.ops.einsum": "einsum tensordot",
    "minitf.ops.creating": "eye",
    "minitf.ops.norms": "global_norm l2_normalize norm normalize",
    "minitf.ops.shaping": "matrix_transpose",
    "minitf.ops.tensor_diagonals": "tensor_diag tensor_diag_part",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
