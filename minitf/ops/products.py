"""Matrix products."""

from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert, op
from minitf.core.spec import Spec, broadcast_shapes, shape_text
from minitf.core.tensor import EagerTensor, Tensor
from minitf.errors import ShapeError
from minitf.ops.creating import cast
from minitf.ops.elementwise import conj
from minitf.ops.kinds import Multipliable
from minitf.ops.shapes import sum_to, widened


@op(name="matmul", method="matmul", expr="{0} @ {1}", expr_rank=2, expr_not=(dtypes.float16, dtypes.bfloat16),
    fresh=True)  # fmt: skip
def _matmul(a: Multipliable, b: Multipliable, *, transpose_a=False, transpose_b=False):
    """The matrix product over the last two axes; the others broadcast."""
    if a.ndim < 2 or b.ndim < 2:
        raise ShapeError(_too_flat(a.shape, b.shape))
    x, y = widened(a), widened(b)
    out = (x.mT if transpose_a else x) @ (y.mT if transpose_b else y)
    return out if x is a else out.astype(a.dtype)


def _too_flat(a, b):
    return (
        f"matmul multiplies matrices, or batches of them, but the shapes are {shape_text(a)} and {shape_text(b)}. Add an axis "
        "with x[:, tf.newaxis], or use tf.linalg.matvec or tf.tensordot."
    )


@_matmul.infer
def _(a, b, *, transpose_a=False, transpose_b=False):
    if a.shape is None or b.shape is None:
        return Spec(a.dtype, None)
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise ShapeError(_too_flat(a.shape, b.shape))
    m, k = a.shape[-2:] if not transpose_a else a.shape[:-3:-1]
    k2, n = b.shape[-2:] if not transpose_b else b.shape[:-3:-1]
    if k is not None and k2 is not None and k != k2:
        turned = [name for name, on in (("transpose_a", transpose_a), ("transpose_b", transpose_b)) if on]
        with_ = f" with {' and '.join(turned)}" if turned else ""
        raise ShapeError(
            f"Cannot multiply matrices of shapes {shape_text(a.shape)} and {shape_text(b.shape)}{with_}: {k} columns against "
            f"{k2} rows."
        )
    return Spec(a.dtype, (*(broadcast_shapes(a.shape[:-2], b.shape[:-2]) or ()), m, n))


@_matmul.terms
def _(a, b, *, transpose_a=False, transpose_b=False):
    return a.shape[-2 if transpose_a else -1]


@_matmul.written
def _(a, b, *, transpose_a=False, transpose_b=False):
    turned = "{0}.mT" if transpose_a else "{0}", "{1}.mT" if transpose_b else "{1}"
    return " @ ".join(turned) if _matmul.expressible((a, b)) else None


@_matmul.vjp(reads="a b")
def _(g, out, a, b, *, transpose_a=False, transpose_b=False):
    def by_a():
        if transpose_a:
            return sum_to(_matmul(conj(b), g, transpose_a=transpose_b, transpose_b=True), a)
        return sum_to(_matmul(g, conj(b), transpose_a=False, transpose_b=not transpose_b), a)

    def by_b():
        if transpose_b:
            return sum_to(_matmul(g, conj(a), transpose_a=True, transpose_b=transpose_a), b)
        return sum_to(_matmul(conj(a), g, transpose_a=not transpose_a, transpose_b=False), b)

    return by_a, by_b


@_matmul.samples
def _(draw):
    m, k, n = draw.integer(0, 3), draw.integer(0, 3), draw.integer(0, 3)
    batch = draw.shape(most=1)
    turn_a, turn_b = draw.choice([False, True]), draw.choice([False, True])
    a = draw(shape=(*batch, *((k, m) if turn_a else (m, k))))
    b = draw(shape=(n, k) if turn_b else (k, n), dtype=a.dtype)
    return (a, b), {"transpose_a": turn_a, "transpose_b": turn_b}


def matmul(
    a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False, adjoint_a: bool = False, adjoint_b: bool = False,
    a_is_sparse: bool = False, b_is_sparse: bool = False, output_type: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """The product of matrices, or of batches of them, whose leading axes broadcast.

    Each may be transposed, or transposed and conjugated (adjoint), first; the hints about sparse matrices have no effect.
    Raises ShapeError unless both have rank 2 or more and fit.
    """
    plain = not (transpose_a or transpose_b or adjoint_a or adjoint_b or output_type)
    if plain and (type(a) is EagerTensor or isinstance(a, Tensor)):
        return a @ b if name is None else _matmul(a, b, name=name)
    for transposed, adjoint, which in ((transpose_a, adjoint_a, "a"), (transpose_b, adjoint_b, "b")):
        if transposed and adjoint:
            raise ValueError(f"matmul: only one of transpose_{which} and adjoint_{which} can be True.")
    if adjoint_a:
        a = conj(a)
    if adjoint_b:
        b = conj(b)
    out = _matmul(a, b, transpose_a=bool(transpose_a or adjoint_a), transpose_b=bool(transpose_b or adjoint_b), name=name)
    return out if output_type is None else cast(out, output_type)


def matvec(a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False,
           b_is_sparse: bool = False, name: str | None = None) -> Any:  # fmt: skip
    """The product of a matrix and a vector, or of batches of them."""
    vector = convert(b)[..., None]
    return matmul(a, vector, transpose_a=transpose_a, adjoint_a=adjoint_a, name=name)[..., 0]
