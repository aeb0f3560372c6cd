"""Padding: with one value, or by mirroring the tensor at its edge."""

from typing import Any

import numpy as np

from minitf.core.op import Anything, Index, Other, op
from minitf.core.spec import Spec, shape_text
from minitf.errors import ShapeError
from minitf.ops.static import known

_MODES = {"CONSTANT": "constant", "REFLECT": "reflect", "SYMMETRIC": "symmetric"}


@op(name="pad", infer_first=True)
def _pad(tensor: Anything, paddings: Index = None, *, widths, mode, value):
    """Adds elements before and behind along each axis."""
    amounts = widths if paddings is None else [tuple(p) for p in paddings]
    if tensor.ndim == 0:
        return tensor
    if mode != "constant":
        _check_mirror(tensor.shape, amounts, mode)
        return np.pad(tensor, amounts, mode=mode)
    fill = b"" if tensor.dtype.kind == "O" and not isinstance(value, (bytes, str)) else value
    return np.pad(tensor, amounts, constant_values=np.asarray(fill).astype(tensor.dtype))


def _check_mirror(sizes, amounts, mode):
    for size, (before, behind) in zip(sizes, amounts, strict=True):
        if size is None:
            continue
        most = max(size - (mode == "reflect"), 0)
        if max(before, behind) > most:
            raise ShapeError(
                f"Cannot pad {before} and {behind} elements to an axis of size {size} by mirroring: at most {most}."
            )


@_pad.infer
def _(tensor, paddings=None, *, widths, mode, value):
    if paddings is not None and paddings.rank not in (None, 2):
        raise ShapeError(f"paddings must be a matrix of pairs, but it has shape {shape_text(paddings.shape)}.")
    if widths is None or tensor.shape is None:
        return Spec(tensor.dtype, None if tensor.shape is None else (None,) * len(tensor.shape))
    if len(widths) != len(tensor.shape):
        raise ShapeError(
            f"paddings has {len(widths)} rows, but the tensor has shape {shape_text(tensor.shape)}: give one for each axis."
        )
    if any(w < 0 for pair in widths for w in pair):
        raise ShapeError(f"paddings={widths} has a negative number.")
    if mode != "constant":
        _check_mirror(tensor.shape, widths, mode)
    return Spec(tensor.dtype, tuple(None if s is None else s + a + b for s, (a, b) in zip(tensor.shape, widths, strict=True)))


@_pad.vjp
def _(g, out, tensor, paddings=None, *, widths, mode, value):
    return _unpad(g, tensor, paddings, widths=widths, mode=mode), None


@op(name="pad_grad")
def _unpad(g: Anything, like: Other, paddings: Index = None, *, widths, mode):
    """Adds the gradient of padded elements to where they came from."""
    amounts = widths if paddings is None else [tuple(p) for p in paddings]
    for axis, (before, behind) in enumerate(amounts):
        size = like.shape[axis]
        index = np.pad(np.arange(size), (before, behind), mode=mode) if mode != "constant" else None
        if index is None:
            g = np.take(g, range(before, before + size), axis)
        else:
            out = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
            where: Any = (*(slice(None),) * axis, index)
            np.add.at(out, where, g)
            g = out
    return g


@_unpad.infer
def _(g, like, paddings=None, *, widths, mode):
    return Spec(g.dtype, like.shape)


@_unpad.vjp
def _(g, out, inner, like, paddings=None, *, widths, mode):
    return _pad(g, paddings, widths=widths, mode=mode, value=0), None, None


@_unpad.samples
def _(draw):
    x = draw(shape=(3, 2))
    mode = draw.choice(list(_MODES.values()))
    return (draw(shape=(5, 4)), x, None), {"widths": ((1, 1), (1, 1)), "mode": mode}


@_pad.samples
def _(draw):
    mode = draw.choice(list(_MODES.values()))
    x = draw(shape=draw.shape(smallest=2))
    return (x, None), {"widths": tuple((draw.integer(0, 1), draw.integer(0, 1)) for _ in x.shape), "mode": mode, "value": 0}


def pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: Any = 0, name: str | None = None) -> Any:
    """``tensor`` with ``paddings[i] = (before, behind)`` elements added to axis i.

    They are ``constant_values`` (mode CONSTANT), or the tensor mirrored without (REFLECT) or with (SYMMETRIC) its edge. Raises
    ValueError for another mode, ShapeError if there is not enough to mirror.
    """
    how = _MODES.get(mode.upper())
    if how is None:
        raise ValueError(f"pad: mode must be CONSTANT, REFLECT or SYMMETRIC, not {mode!r}.")
    value = known(constant_values)
    if value is None:
        raise ValueError("pad: constant_values must be known while the graph is built.")
    amounts = known(paddings) if not isinstance(paddings, (list, tuple)) else _known_pairs(paddings)
    if amounts is None:
        return _pad(tensor, paddings, widths=None, mode=how, value=value, name=name)
    array = np.asarray(amounts).reshape(-1, 2) if np.asarray(amounts).size == 0 else np.asarray(amounts)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ShapeError(f"pad: paddings must be a matrix of pairs, but it has shape {array.shape}.")
    return _pad(tensor, widths=tuple((int(a), int(b)) for a, b in array), mode=how, value=value, name=name)


def _known_pairs(paddings: Any) -> Any:
    rows = [[known(v) for v in row] if isinstance(row, (list, tuple)) else known(row) for row in paddings]
    return None if any(r is None or (isinstance(r, list) and any(v is None for v in r)) for r in rows) else rows
