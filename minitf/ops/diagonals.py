"""Parts of matrices: bands and diagonals."""

from typing import Any

import numpy as np

from minitf.core.op import op
from minitf.core.spec import Spec, shape_text
from minitf.errors import ShapeError
from minitf.ops import bands
from minitf.ops.kinds import Plain
from minitf.ops.padding import pad
from minitf.ops.shapes import shape
from minitf.ops.static import known, known_int


@op(name="band_part")
def _band_part(input: Plain, *, num_lower, num_upper):
    """Zeros outside a band around the diagonal."""
    _check_band(input.shape, num_lower, num_upper)
    return np.where(_band(input.shape, num_lower, num_upper), input, np.zeros((), input.dtype))


def _band(sizes, lower, upper):
    i, j = np.ogrid[: sizes[-2], : sizes[-1]]
    return ((lower < 0) | (i - j <= lower)) & ((upper < 0) | (j - i <= upper))


@_band_part.infer
def _(input, *, num_lower, num_upper):
    if input.shape is not None:
        _check_band(input.shape, num_lower, num_upper)
    return input


def _check_band(sizes, lower, upper):
    if len(sizes) < 2:
        raise ShapeError(f"A band is part of matrices, but the tensor has shape {shape_text(sizes)}.")
    for size, wide, what in ((sizes[-2], lower, "num_lower"), (sizes[-1], upper, "num_upper")):
        if size is not None and wide > size:
            raise ShapeError(f"{what}={wide} is more than matrices of shape {shape_text(sizes[-2:])} have. -1 takes all.")


@_band_part.vjp
def _(g, out, input, *, num_lower, num_upper):
    return (_band_part(g, num_lower=num_lower, num_upper=num_upper),)


@_band_part.samples
def _(draw):
    x = draw(shape=draw.shape(least=2))
    return (x,), {
        "num_lower": draw.integer(-1, min(2, x.shape[-2])),
        "num_upper": draw.integer(-1, min(2, x.shape[-1])),
    }


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Matrices with zeros outside ``num_lower`` diagonals below and ``num_upper`` above the main one (negative: all)."""
    return _band_part(
        input, num_lower=known_int(num_lower, "num_lower"), num_upper=known_int(num_upper, "num_upper"), name=name
    )


@op(name="diag")
def _diag(diagonal: Plain):
    """Matrices with the last axis on their diagonal."""
    n = diagonal.shape[-1]
    out = np.zeros((*diagonal.shape, n), diagonal.dtype)
    out[..., range(n), range(n)] = diagonal
    return out


@_diag.infer
def _(diagonal):
    if diagonal.shape is None:
        return diagonal
    if not diagonal.shape:
        raise ShapeError("A diagonal is a vector (or a batch of them), but this tensor has rank 0.")
    return Spec(diagonal.dtype, (*diagonal.shape, diagonal.shape[-1]))


@op(name="diag_part")
def _diag_part(input: Plain):
    """The diagonals of matrices."""
    return np.diagonal(input, axis1=-2, axis2=-1)


@_diag_part.infer
def _(input):
    if input.shape is None:
        return input
    if len(input.shape) < 2:
        raise ShapeError(f"Only matrices have a diagonal, but the tensor has shape {shape_text(input.shape)}.")
    m, n = input.shape[-2:]
    return Spec(input.dtype, (*input.shape[:-2], None if m is None or n is None else min(m, n)))


@_diag.vjp
def _(g, out, diagonal):
    return (_diag_part(g),)


@_diag_part.vjp
def _(g, out, input):
    m, n = input.shape[-2:]
    square = _diag(g)
    if m == n and m is not None:
        return (square,)
    sizes = shape(input)
    k = shape(g)[-1]
    rows = [[0, 0]] * (len(input.shape) - 2)
    return (pad(square, [*rows, [0, sizes[-2] - k], [0, sizes[-1] - k]]),)


@_diag.samples
def _(draw):
    return (draw(shape=draw.shape(least=1)),), {}


@_diag_part.samples
def _(draw):
    return (draw(shape=draw.shape(least=2)),), {}


def diag(
    diagonal: Any, name: str | None = None, k: Any = 0, num_rows: Any = -1, num_cols: Any = -1, padding_value: Any = 0,
    align: str = "RIGHT_LEFT",
) -> Any:  # fmt: skip
    """Matrices with the last axis on diagonal ``k`` (0: the main one, above it they count up), ``padding_value`` elsewhere.

    ``k`` may be a pair, from the lowest to the highest: the diagonals are then rows of the last two axes, the highest first,
    and ``align`` says on which side shorter ones are filled up (above the main one, then below). ``num_rows`` and ``num_cols``:
    -1 is as few as hold the diagonals. Raises ShapeError for sizes that do not.
    """
    low, high = bands.limits(_needed(k, "k"))
    rows, columns = known_int(num_rows, "num_rows"), known_int(num_cols, "num_cols")
    padding = _needed(padding_value, "padding_value")
    if low == high == 0 and rows == columns == -1 and not padding:
        return _diag(diagonal, name=name)
    attrs = {"rows": rows, "columns": columns, "padding": padding, "align": _alignment(align)}
    return bands.band_matrix(diagonal, low=low, high=high, name=name, **attrs)


def diag_part(input: Any, name: str | None = None, k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT") -> Any:
    """Diagonal ``k`` of matrices, or several as rows: see ``diag``. Raises ShapeError for diagonals that are not there."""
    low, high = bands.limits(_needed(k, "k"))
    if low == high == 0:
        return _diag_part(input, name=name)
    padding = _needed(padding_value, "padding_value")
    return bands.matrix_band(input, low=low, high=high, padding=padding, align=_alignment(align), name=name)


def set_diag(input: Any, diagonal: Any, name: str | None = None, k: Any = 0, align: str = "RIGHT_LEFT") -> Any:
    """Matrices with diagonal ``k`` (or several) replaced: see ``diag``. Raises ShapeError if ``diagonal`` does not fit."""
    low, high = bands.limits(_needed(k, "k"))
    return bands.with_band(input, diagonal, low=low, high=high, align=_alignment(align), name=name)


def _needed(value: Any, what: str) -> Any:
    found = known(value)
    if found is None:
        raise ValueError(f"{what} must be known while the graph is built, but it is a tensor that a session will compute.")
    return found


def _alignment(align: str) -> str:
    if align not in bands.ALIGNMENTS:
        raise ValueError(f"align must be one of {', '.join(bands.ALIGNMENTS)}, not {align!r}.")
    return align
