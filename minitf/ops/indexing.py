"""Indexing with numbers, slices, ``...`` and ``tf.newaxis``: ``x[...]``, ``strided_slice``, ``slice``."""

import builtins
from operator import index
from typing import Any

import numpy as np

from minitf.core.op import Anything, Index, Other, convert, op
from minitf.core.operators import method
from minitf.core.spec import Spec, shape_text
from minitf.core.tensor import EagerTensor, SymbolicTensor, Tensor
from minitf.errors import ShapeError
from minitf.ops.shapes import settle
from minitf.ops.static import known, requested

newaxis = None
_slice = builtins.slice


class Part:
    """A bound in a key that only the run will know: input number ``number``."""

    __slots__ = ("number",)

    def __init__(self, number: int):
        self.number = number

    def __repr__(self) -> str:
        return f"<input {self.number}>"


def filled(key, parts):
    """The key with its parts put in."""
    if not parts:
        return key

    def fill(item):
        if isinstance(item, Part):
            return int(parts[item.number])
        if isinstance(item, _slice):
            return _slice(fill(item.start), fill(item.stop), fill(item.step))
        return item

    return tuple(fill(item) for item in key)


@op(name="strided_slice")
def _strided_slice(input: Anything, *parts: Index, key):
    """Part of a tensor. The key always has one ``...``."""
    return settle(input[filled(key, parts)])


@_strided_slice.infer
def _(input, *parts, key):
    return Spec(input.dtype, sliced(input.shape, key))


def sliced(shape, key):
    """The shape of what a key takes from a tensor of this shape, as far as it is known."""
    if shape is None:
        return None
    taken = sum(item is not None and item is not Ellipsis for item in key)
    if taken > len(shape):
        raise ShapeError(f"Too many indices: {taken} for a tensor of shape {shape_text(shape)}.")
    rest = list(shape)
    out = []
    for item in key:
        if item is None:
            out.append(1)
        elif item is Ellipsis:
            behind = sum(i is not None for i in key[key.index(Ellipsis) + 1 :])
            while len(rest) > behind:
                out.append(rest.pop(0))
        elif isinstance(item, _slice):
            out.append(_length(rest.pop(0), item))
        else:
            size = rest.pop(0)
            if type(item) is int and size is not None and not -size <= item < size:
                raise ShapeError(f"Index {item} is out of bounds for an axis of size {size} (shape {shape_text(shape)}).")
    return tuple(out)


def _length(size, item):
    if isinstance(item.step, int) and item.step == 0:
        raise ShapeError("A slice's step must not be 0.")
    if any(isinstance(b, Part) for b in (item.start, item.stop, item.step)):
        return None
    if size is None:
        return None
    return len(range(*item.indices(size)))


@_strided_slice.vjp
def _(g, out, input, *parts, key):
    return _put_slice(g, input, *parts, key=key), *(None for _ in parts)


@op(name="strided_slice_grad")
def _put_slice(g: Anything, like: Other, *parts: Index, key):
    """Zeros in the shape of ``like``, except for ``g`` where the key points."""
    out = np.zeros(like.shape, g.dtype)
    out[filled(key, parts)] = g
    return settle(out)


@_put_slice.infer
def _(g, like, *parts, key):
    return Spec(g.dtype, like.shape)


@_put_slice.vjp
def _(g, out, inner, like, *parts, key):
    return _strided_slice(g, *parts, key=key), None, *(None for _ in parts)


@_strided_slice.samples
def _(draw):
    x = draw(Anything)
    return (x,), {"key": _draw_key(draw, x.shape)}


@_put_slice.samples
def _(draw):
    like = draw()
    key = _draw_key(draw, like.shape)
    return (draw(shape=like[key].shape), like), {"key": key}


def _draw_key(draw, shape):
    items = [
        draw.choice(
            [
                _slice(None, None, draw.choice([1, -1, 2])),
                _slice(draw.integer(-2, 2), None),
                *([draw.integer(-s, s - 1)] if s else []),
            ]
        )
        for s in shape[: draw.integer(0, len(shape))]
    ]
    items.insert(draw.integer(0, len(items)), None)
    return (*items, Ellipsis)


@method("__getitem__")
def getitem(x: Any, key: Any) -> Any:
    """``x[key]``: key is made of integers, slices, ``...``, ``tf.newaxis`` and scalar integer tensors; or one bool mask.

    Raises ShapeError for an index out of bounds and TypeError for other things; rows by number are taken with ``tf.gather``.
    """
    if type(key) is int and type(x) is EagerTensor:
        return _strided_slice(x, key=(key, Ellipsis))
    if is_mask(key):
        from minitf.ops.masking import boolean_mask

        return boolean_mask(x, key[0] if type(key) is tuple else key)
    items, parts = parsed(key)
    return _strided_slice(x, *parts, key=items)


def parsed(key: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """What was written between the brackets as the key of ``strided_slice``, and the inputs that it names. Raises TypeError."""
    items = key if type(key) is tuple else (key,)
    parts: list[Any] = []

    def bound(value: Any, what: str) -> Any:
        if value is None or type(value) is int:
            return value
        if isinstance(value, SymbolicTensor) or hasattr(value, "_as_tensor"):
            found = known(value)
            if found is None:
                tensor = convert(value)
                if tensor.shape.rank not in (None, 0):
                    raise TypeError(
                        f"{what} must be an integer, not a tensor of shape {tensor.shape}. To take several rows use tf.gather."
                    )
                parts.append(tensor)
                return Part(len(parts) - 1)
            value = found
        value = value._v if type(value) is EagerTensor else value
        if isinstance(value, np.ndarray) and value.ndim:
            raise TypeError(
                f"{what} must be an integer, not an array of shape {value.shape}. To take several rows use tf.gather."
            )
        try:
            return index(value)
        except TypeError:
            raise TypeError(
                f"Only integers, slices, ..., tf.newaxis and scalar integer tensors are indices, not {value!r} "
                f"({type(value).__name__})."
            ) from None

    made: list[Any] = []
    for item in items:
        if item is None or item is Ellipsis:
            made.append(item)
        elif isinstance(item, _slice):
            made.append(
                _slice(
                    bound(item.start, "The begin of a slice"),
                    bound(item.stop, "The end of a slice"),
                    bound(item.step, "A step"),
                )
            )
        else:
            made.append(bound(item, "An index"))
    dots = sum(item is Ellipsis for item in made)
    if dots > 1:
        raise ShapeError("An index can have only one '...'.")
    if not dots:
        made.append(Ellipsis)
    return tuple(made), parts


def is_mask(key: Any) -> bool:
    """Whether a key is one bool mask."""
    item = key[0] if type(key) is tuple and len(key) == 1 else key
    if isinstance(item, Tensor):
        return item.dtype.kind == "b"
    return (isinstance(item, np.ndarray) and item.dtype.kind == "b") or (
        isinstance(item, list) and bool(item) and type(item[0]) is bool
    )


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
    new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """``input_[begin[0]:end[0]:strides[0], ...]``; bit i of a mask says that item i has no begin or no end, is ``...``,
    ``tf.newaxis``, or the single index ``begin[i]``.
    """
    first, last = _items(begin), _items(end)
    step = [1] * len(first) if strides is None else _items(strides)
    key: list[Any] = []
    for i, (a, b, s) in enumerate(zip(first, last, step, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            key.append(Ellipsis)
        elif new_axis_mask & bit:
            key.append(None)
        elif shrink_axis_mask & bit:
            key.append(a)
        else:
            key.append(_slice(None if begin_mask & bit else a, None if end_mask & bit else b, s))
    return getitem(convert(input_), tuple(key))


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """``size[i]`` elements from ``begin[i]`` along each axis; -1 takes the rest. Raises ShapeError if there are not so many."""
    tensor = convert(input_)
    first, count = _items(begin), _items(size)
    own = tensor.spec.shape
    if own is not None and len(first) != len(own):
        raise ShapeError(
            f"slice: begin has {len(first)} numbers, but the tensor has shape {shape_text(own)}: give one for each axis."
        )
    key: list[Any] = []
    for i, (a, n) in enumerate(zip(first, count, strict=True)):
        have = None if own is None else own[i]
        if type(a) is int and type(n) is int and have is not None and not (0 <= a <= have and -1 <= n <= have - a):
            raise ShapeError(
                f"slice: {n} elements from {a} on do not fit into axis {i} of a tensor of shape {shape_text(own)}."
            )
        key.append(_slice(a, None if type(n) is int and n == -1 else a + n))
    return getitem(tensor, tuple(key))


def _items(values: Any) -> list[Any]:
    """The numbers of a vector: ints where they are known, else scalar tensors."""
    if isinstance(values, (list, tuple)):
        return [v if known(v) is None else int(known(v)) for v in values]
    sizes, dynamic = requested(values, "begin, end, size")
    if dynamic is None:
        return list(sizes or ())
    if sizes is None:
        raise ValueError("The number of begins and ends must be known while the graph is built.")
    return [dynamic[i] if s is None else s for i, s in enumerate(sizes)]
