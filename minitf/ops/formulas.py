"""Small functions that are formulas of other ops."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Index, convert, op
from minitf.core.spec import shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.arithmetic import add_n, div_no_nan
from minitf.ops.creating import cast, ones_like, zeros_like
from minitf.ops.diagonals import diag_part
from minitf.ops.gathering import scatter_nd
from minitf.ops.joining import stack
from minitf.ops.ranges import range as range_
from minitf.ops.reductions import count_nonzero, reduce_all, reduce_max, reduce_sum
from minitf.ops.shapes import broadcast_to, expand_dims, reshape, shape, size
from minitf.ops.shaping import matrix_transpose
from minitf.ops.static import known

# -- arithmetic --------------------------------------------------------------------------------------------------------


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Any:
    """``scalar * x``. Raises ValueError unless ``scalar`` has rank 0."""
    factor = convert(scalar, None if hasattr(scalar, "dtype") else convert(x).dtype)
    if factor.shape.rank not in (None, 0):
        raise ValueError(f"scalar_mul: the first argument must be a scalar, but it has shape {factor.shape}.")
    return factor * x


def polyval(coeffs: list[Any], x: Any, name: str | None = None) -> Any:
    """The polynomial with these coefficients, the highest power first, by Horner's rule."""
    if not isinstance(coeffs, list):
        raise ValueError(f"polyval takes a list of coefficients, not {type(coeffs).__name__}.")
    at = convert(x)
    out = zeros_like(at)
    for n, c in enumerate(coeffs):
        out = convert(c, None if hasattr(c, "dtype") else at.dtype) if n == 0 else out * at + c
    return out


def reciprocal_no_nan(x: Any, name: str | None = None) -> Any:
    """``1 / x``, and 0 where ``x`` is 0."""
    values = convert(x)
    return div_no_nan(ones_like(values), values, name=name)


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Any:
    """The sum of a list of tensors of one shape; as ``add_n``."""
    return add_n(inputs, name)


def cross(a: Any, b: Any, name: str | None = None) -> Any:
    """The cross product of vectors of three elements along the last axis."""
    x, y = convert(a), convert(b)
    if x.shape.rank in (None, 0) or x.shape[-1] not in (None, 3) or y.shape[-1] not in (None, 3):
        raise ShapeError(f"cross: the last axes must have size 3, but the shapes are {x.shape} and {y.shape}.")
    (a1, a2, a3), (b1, b2, b3) = ([t[..., i] for i in (0, 1, 2)] for t in (x, y))
    return stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1], -1, name or "cross")


def trace(x: Any, name: str | None = None) -> Any:
    """The sum of the diagonal of matrices."""
    return reduce_sum(diag_part(x), -1, name=name)


def adjoint(matrix: Any, name: str | None = None) -> Any:
    """The conjugate transpose of matrices."""
    return matrix_transpose(matrix, name, conjugate=True)


# -- counting and order ------------------------------------------------------------------------------------------------


def zero_fraction(value: Any, name: str | None = None) -> Any:
    """The share of elements that are 0, a float32."""
    x = convert(value)
    total = cast(size(x, dtypes.int64), dtypes.float32)
    return (total - cast(count_nonzero(x), dtypes.float32)) / total


def is_non_decreasing(x: Any, name: str | None = None) -> Any:
    """True if no element is smaller than the one before it."""
    flat = reshape(x, [-1])
    return reduce_all(flat[1:] >= flat[:-1])


def is_strictly_increasing(x: Any, name: str | None = None) -> Any:
    """True if every element is greater than the one before it."""
    flat = reshape(x, [-1])
    return reduce_all(flat[1:] > flat[:-1])


@op(infer_first=True)
def invert_permutation(x: Index):
    """Where each number stands in a permutation. Raises InvalidArgumentError for what is no permutation of 0, 1, ..."""
    out = np.full(x.shape, -1, x.dtype)
    if x.size and (x.min() < 0 or x.max() >= x.size):
        raise InvalidArgumentError(f"invert_permutation: the numbers must be those from 0 to {x.size - 1}.")
    out[x] = np.arange(x.size, dtype=x.dtype)
    if (out < 0).any():
        raise InvalidArgumentError(f"invert_permutation: the number {int(np.argmin(out))} is missing.")
    return out


@invert_permutation.infer
def _(x):
    if x.rank not in (None, 1):
        raise ShapeError(f"invert_permutation takes a vector, not shape {shape_text(x.shape)}.")
    return x


invert_permutation.samples(lambda draw: ((np.array(draw.shuffled(range(draw.integer(0, 5))), np.int32),), {}))


def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: Any = None,
    weights: Any = None,
    dtype: Any = dtypes.int32,
    name: str | None = None,
) -> Any:
    """How often each label (row) was predicted as each class (column)."""
    rows, columns = cast(labels, dtypes.int64), cast(predictions, dtypes.int64)
    if num_classes is None:
        count: Any = 1 + reduce_max(stack([reduce_max(rows), reduce_max(columns)]))
    else:
        count = num_classes if known(num_classes) is None else int(known(num_classes))
    wanted = dtypes.as_dtype(dtype)
    each = ones_like(rows, wanted) if weights is None else cast(weights, wanted)
    return scatter_nd(
        stack([rows, columns], 1), each, [count, count] if isinstance(count, int) else stack([count, count]), name=name
    )


# -- grids and masks ---------------------------------------------------------------------------------------------------


def meshgrid(*args: Any, indexing: str = "xy", name: str | None = None) -> list[Any]:
    """Coordinates of a grid: one tensor for each vector, all of the grid's shape. "xy": the first runs along axis 1; "ij":

    along 0.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', not {indexing!r}.")
    vectors = [reshape(a, [-1]) for a in args]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = [1, 0]
    lengths: list[Any] = [1] * len(vectors)
    for v, at in zip(vectors, order, strict=True):
        lengths[at] = shape(v)[0] if v.shape[0] is None else v.shape[0]
    return [
        broadcast_to(reshape(v, [-1 if i == at else 1 for i in range(len(vectors))]), lengths)
        for v, at in zip(vectors, order, strict=True)
    ]


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None) -> Any:
    """True in the first ``lengths[i]`` of ``maxlen`` (default: the largest length) places of a new last axis."""
    counts = convert(lengths)
    most = reduce_max(counts) if maxlen is None else convert(maxlen, None if hasattr(maxlen, "dtype") else counts.dtype)
    mask = range_(cast(0, counts.dtype), most) < expand_dims(counts, -1)
    return mask if dtypes.as_dtype(dtype) is dtypes.bool else cast(mask, dtype, name)
