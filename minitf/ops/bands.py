"""Several diagonals at once: a band of a matrix as rows, and back.

A band from diagonal ``low`` to ``high`` (0 is the main one, above it they count up) lies in the rows of a *packed* array, the
highest diagonal first. Diagonals shorter than the longest are moved to one side of their row: ``align`` says to which, first
those above the main diagonal, then those below, as in ``"RIGHT_LEFT"``.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitf.core.op import op
from minitf.core.spec import Spec, compatible, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.creating import zeros_like
from minitf.ops.kinds import Plain

ALIGNMENTS = ("RIGHT_LEFT", "LEFT_RIGHT", "LEFT_LEFT", "RIGHT_RIGHT")


def pieces(rows: int, columns: int, low: int, high: int, align: str) -> Iterator[tuple[int, slice, slice, slice]]:
    """For each diagonal from the highest on: its row of the packed array, its place there, its rows and columns of a matrix."""
    longest = length_of(rows, columns, low, high)
    above, below = align.split("_")
    for number, d in enumerate(range(high, low - 1, -1)):
        first_row, first_column = max(-d, 0), max(d, 0)
        length = max(min(rows - first_row, columns - first_column), 0)
        right = (above if d >= 0 else below) == "RIGHT"
        start = longest - length if right else 0
        places = slice(start, start + length)
        yield number, places, slice(first_row, first_row + length), slice(first_column, first_column + length)


def length_of(rows: int, columns: int, low: int, high: int) -> int:
    """The length of the longest diagonal of a band."""
    return min(rows + min(high, 0), columns - max(low, 0))


def check_band(rows: int | None, columns: int | None, low: int, high: int) -> None:
    """Raises ShapeError unless all diagonals of the band are in matrices of that size."""
    for k in (low, high):
        outside = (rows is not None and k <= -rows) or (columns is not None and k >= columns)
        if outside and k != 0:
            raise ShapeError(f"A matrix of shape {shape_text((rows, columns))} has no diagonal {k}.")


def _indices(rows: slice, columns: slice) -> tuple[Any, Any]:
    return np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)


# -- from rows to a matrix ---------------------------------------------------------------------------------------------


def size_from(length: int, low: int, high: int, rows: int, columns: int) -> tuple[int, int]:
    """The size of the matrix whose longest diagonal in the band has ``length``; -1 asks for the smallest that does.

    Raises ShapeError for sizes that do not go with it.
    """
    least_rows, least_columns = length - min(high, 0), length + max(low, 0)
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows = least_rows if rows == -1 else rows
    columns = least_columns if columns == -1 else columns
    if rows < least_rows or columns < least_columns or (rows != least_rows and columns != least_columns):
        raise ShapeError(
            f"A band from diagonal {low} to {high} whose longest diagonal has length {length} is not in a matrix of shape "
            f"({rows}, {columns})."
        )
    return rows, columns


@op(name="band_matrix", infer_first=True)
def band_matrix(diagonal: Plain, *, low, high, rows, columns, padding, align):
    """Matrices with the rows of ``diagonal`` on the diagonals of a band, ``padding`` elsewhere."""
    packed = diagonal[..., None, :] if low == high else diagonal
    rows, columns = size_from(packed.shape[-1], low, high, rows, columns)
    out = np.full((*packed.shape[:-2], rows, columns), padding, diagonal.dtype)
    for number, places, down, across in pieces(rows, columns, low, high, align):
        i, j = _indices(down, across)
        out[..., i, j] = packed[..., number, places]
    return out


@band_matrix.infer
def _(diagonal, *, low, high, rows, columns, padding, align):
    if diagonal.shape is None:
        return diagonal
    batch, length = _unpacked(diagonal.shape, low, high)
    if length is None:
        return Spec(diagonal.dtype, (*batch, None if rows == -1 else rows, None if columns == -1 else columns))
    size = size_from(length, low, high, rows, columns)
    check_band(*size, low, high)
    return Spec(diagonal.dtype, (*batch, *size))


def _unpacked(sizes, low, high):
    """The batch axes and the length of packed diagonals. Raises ShapeError if the rows are not as many as the diagonals."""
    if low == high:
        if not sizes:
            raise ShapeError("A diagonal is a vector (or a batch of them), but this tensor has rank 0.")
        return sizes[:-1], sizes[-1]
    if len(sizes) < 2 or sizes[-2] not in (None, high - low + 1):
        raise ShapeError(
            f"The diagonals {low} to {high} are {high - low + 1} rows, but the tensor has shape {shape_text(sizes)}."
        )
    return sizes[:-2], sizes[-1]


@band_matrix.vjp
def _(g, out, diagonal, *, low, high, rows, columns, padding, align):
    return (matrix_band(g, low=low, high=high, padding=0, align=align),)


# -- from a matrix to rows ---------------------------------------------------------------------------------------------


@op(name="matrix_band", infer_first=True)
def matrix_band(input: Plain, *, low, high, padding, align):
    """The diagonals of a band of matrices as rows, ``padding`` where they are shorter than the longest."""
    rows, columns = input.shape[-2:]
    out = np.full((*input.shape[:-2], high - low + 1, length_of(rows, columns, low, high)), padding, input.dtype)
    for number, places, down, across in pieces(rows, columns, low, high, align):
        i, j = _indices(down, across)
        out[..., number, places] = input[..., i, j]
    return out[..., 0, :] if low == high else out


@matrix_band.infer
def _(input, *, low, high, padding, align):
    if input.shape is None:
        return input
    if len(input.shape) < 2:
        raise ShapeError(f"Only matrices have a diagonal, but the tensor has shape {shape_text(input.shape)}.")
    *batch, rows, columns = input.shape
    check_band(rows, columns, low, high)
    length = None if rows is None or columns is None else length_of(rows, columns, low, high)
    return Spec(input.dtype, (*batch, *([] if low == high else [high - low + 1]), length))


@matrix_band.vjp
def _(g, out, input, *, low, high, padding, align):
    return (with_band(zeros_like(input), g, low=low, high=high, align=align),)


# -- a matrix with other diagonals -------------------------------------------------------------------------------------


@op(name="with_band", infer_first=True)
def with_band(input: Plain, diagonal: Plain, *, low, high, align):
    """Matrices with the diagonals of a band replaced."""
    out = input.copy()
    packed = diagonal[..., None, :] if low == high else diagonal
    rows, columns = input.shape[-2:]
    for number, places, down, across in pieces(rows, columns, low, high, align):
        i, j = _indices(down, across)
        out[..., i, j] = packed[..., number, places]
    return out


@with_band.infer
def _(input, diagonal, *, low, high, align):
    if input.shape is None:
        return input
    wanted = matrix_band.infer_rule(input, low=low, high=high, padding=0, align=align).shape
    if not compatible(diagonal.shape, wanted):
        raise ShapeError(
            f"The diagonals {low} to {high} of matrices of shape {shape_text(input.shape)} have shape {shape_text(wanted)}, "
            f"not {shape_text(diagonal.shape)}."
        )
    return input


@with_band.vjp
def _(g, out, input, diagonal, *, low, high, align):
    return (
        with_band(g, zeros_like(diagonal), low=low, high=high, align=align),
        matrix_band(g, low=low, high=high, padding=0, align=align),
    )


def limits(k: Any) -> tuple[int, int]:
    """The lowest and the highest diagonal of ``k``, an int or a pair. Raises InvalidArgumentError if they are the wrong way."""
    pair = np.atleast_1d(np.asarray(k))
    if pair.ndim != 1 or pair.size not in (1, 2) or pair.dtype.kind not in "iu":
        raise ValueError(f"k must be the number of a diagonal or a pair of them, not {k!r}.")
    low, high = int(pair[0]), int(pair[-1])
    if low > high:
        raise InvalidArgumentError(None, None, f"k must go from the lowest to the highest diagonal, not from {low} to {high}.")
    return low, high


# -- drawing -----------------------------------------------------------------------------------------------------------


def _drawn_band(draw, rows, columns):
    low = draw.integer(1 - rows, columns - 1)
    return {"low": low, "high": draw.integer(low, columns - 1), "align": draw.choice(ALIGNMENTS)}


@matrix_band.samples
def _(draw):
    x = draw(shape=(*draw.shape(most=1), draw.integer(1, 4), draw.integer(1, 4)))
    return (x,), {**_drawn_band(draw, *x.shape[-2:]), "padding": draw.choice([0, 2])}


@with_band.samples
def _(draw):
    (x,), attrs = matrix_band.samples_rule(draw)
    padding = attrs.pop("padding")
    return (x, draw(shape=matrix_band.kernel(x, padding=padding, **attrs).shape, dtype=x.dtype)), attrs


@band_matrix.samples
def _(draw):
    (x,), attrs = matrix_band.samples_rule(draw)
    rows, columns = x.shape[-2:]
    given = draw(shape=matrix_band.kernel(x, **attrs).shape, dtype=x.dtype)
    return (given,), {**attrs, "rows": rows, "columns": columns}
