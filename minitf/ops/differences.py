"""``setdiff1d``: what is in one list and not in another."""

from typing import Any, NamedTuple

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, op
from minitf.core.spec import Spec, shape_text
from minitf.errors import ShapeError


class ListDiff(NamedTuple):
    """What ``setdiff1d`` gives."""

    out: Any
    idx: Any


@op(infer_first=True)
def list_diff(x: Anything, y: Anything, *, index_dtype):
    """The elements of one vector that are not in another, and where they stand."""
    places = np.flatnonzero(~np.isin(x, y))
    return x[places], places.astype(index_dtype.np)


@list_diff.infer
def _(x, y, *, index_dtype):
    for v in (x, y):
        if v.rank not in (None, 1):
            raise ShapeError(f"setdiff1d takes vectors, not shape {shape_text(v.shape)}.")
    return Spec(x.dtype, (None,)), Spec(index_dtype, (None,))


@list_diff.samples
def _(draw):
    x = draw.integers(0, 4, shape=(draw.integer(0, 6),))
    return (x, np.unique(draw.integers(0, 4, shape=(draw.integer(0, 3),))).astype(x.dtype)), {"index_dtype": dtypes.int32}


def setdiff1d(x: Any, y: Any, index_dtype: Any = dtypes.int32, name: str | None = None) -> ListDiff:
    """The elements of the vector ``x`` that are not in ``y``, in their order, and where they stand (int32, or int64)."""
    return ListDiff(*list_diff(x, y, index_dtype=dtypes.as_dtype(index_dtype), name=name))
