"""Lists of tensors as values in a graph: what a ``TensorArray`` is there.

A list is one value of dtype variant, ``Parts``: the elements, None where nothing was written yet. A write gives a new list that
shares the other elements, so a loop over n elements moves n pointers in each turn, and no arrays. The gradient of a list is a
list as well: an element that is None is 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Index, Mixed, op
from minitf.core.spec import Shape, Spec, shape_text
from minitf.errors import InvalidArgumentError
from minitf.ops.kinds import Lists

LIST = Spec(dtypes.variant, ())
COUNT = Spec(dtypes.int32, ())


class Parts:
    """The elements of a list: arrays, or None."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Any]):
        self.items = tuple(items)

    def __add__(self, other: "Parts") -> "Parts":
        """The sum, element by element; None is 0. The shorter one goes on with None."""
        size = max(len(self.items), len(other.items))
        pairs = zip(*(p.items + (None,) * (size - len(p.items)) for p in (self, other)), strict=True)
        return Parts([b if a is None else a if b is None else a + b for a, b in pairs])


def _items(value: Any) -> tuple[Any, ...]:
    return getattr(value["parts"], "items", ())  # NumPy's zeros of this dtype hold the number 0: a list of nothing


def _made(items: Sequence[Any]) -> Any:
    out = np.empty((), dtypes.LISTS)
    out["parts"] = Parts(items)
    return out[()]


def _place(index: Any, size: int, what: str) -> int:
    at = int(index)
    if not 0 <= at < size:
        raise InvalidArgumentError(f"TensorArray.{what}: there is no element {at} in an array of {size}.")
    return at


def _full(item: Any, shape: Shape, dtype: Any, what: str) -> Any:
    """An element; zeros for None. Raises InvalidArgumentError if nobody knows its shape."""
    if item is not None:
        return item
    if shape is None or None in shape:
        raise InvalidArgumentError(
            f"TensorArray.{what}: an element was not written yet, and its shape is not known ({shape_text(shape)}). Give the "
            f"TensorArray its element_shape."
        )
    sizes: Any = shape
    return np.zeros(sizes, dtype.np)[()]


def _shape_among(items: Sequence[Any], shape: Shape) -> Shape:
    """The shape of the elements that are there, if the announced one does not say all."""
    if shape is not None and None not in shape:
        return shape
    return next((np.shape(i) for i in items if i is not None), shape)


# -- making, size, sums ------------------------------------------------------------------------------------------------


@op(name="list_reserve")
def reserve(size: Index, *, dtype):
    """A list of so many elements, none of them written."""
    if size < 0:
        raise InvalidArgumentError(f"TensorArray: the size must not be negative, but it is {size}.")
    return _made((None,) * int(size))


@op(name="list_size")
def size_of(items: Lists):
    """The number of elements."""
    return np.int32(len(_items(items)))


@op(name="list_zeros_like")
def zeros_of(items: Lists):
    """A list of as many elements, all 0."""
    return _made((None,) * len(_items(items)))


@op(name="list_add")
def sum_of(x: Lists, y: Lists):
    """The sum of two lists, element by element."""
    if x.ndim:  # the states of a loop, stacked
        return np.stack([sum_of.kernel(a, b) for a, b in zip(x, y, strict=True)]) if len(x) else x
    return _made((Parts(_items(x)) + Parts(_items(y))).items)


@sum_of.vjp
def _(g, out, x, y):
    return g, g


# -- one element -------------------------------------------------------------------------------------------------------


@op(name="list_set")
def put(items: Lists, index: Mixed, value: Mixed, *, grows):
    """The list with another element; ``grows`` lets it become longer."""
    old = list(_items(items))
    if grows and int(index) >= len(old):
        old += [None] * (int(index) + 1 - len(old))
    old[_place(index, len(old), "write")] = value
    return _made(old)


@op(name="list_clear")
def clear(items: Lists, index: Mixed, like: Lists):
    """The list, as long as ``like``, without an element or several."""
    old = list(_items(items))[: len(_items(like))]
    old += [None] * (len(_items(like)) - len(old))
    for at in np.atleast_1d(index):
        if at < len(old):
            old[int(at)] = None
    return _made(old)


@op(name="list_get")
def take(items: Lists, index: Mixed, *, dtype, shape):
    """An element."""
    own = _items(items)
    return _full(own[_place(index, len(own), "read")], _shape_among(own, shape), dtype, "read")


@op(name="list_get_like")
def take_like(items: Lists, index: Mixed, like: Mixed):
    """An element, or zeros like another tensor."""
    own = _items(items)
    found = own[int(index)] if int(index) < len(own) else None
    return np.zeros(np.shape(like), like.dtype)[()] if found is None else found


@put.vjp
def _(g, out, items, index, value, *, grows):
    return clear(g, index, items), None, take_like(g, index, value)


@clear.vjp
def _(g, out, items, index, like):
    return clear(g, index, items), None, None


@take.vjp
def _(g, out, items, index, *, dtype, shape):
    return put(zeros_of(items), index, g, grows=False), None


@take_like.vjp
def _(g, out, items, index, like):
    return put(zeros_of(items), index, g, grows=False), None, None


# -- all elements ------------------------------------------------------------------------------------------------------


@op(name="list_stack")
def pile(items: Lists, *, dtype, shape):
    """The elements along a new first axis."""
    own = _items(items)
    known = _shape_among(own, shape)
    rows = [_full(i, known, dtype, "stack") for i in own]
    shapes = {np.shape(r) for r in rows}
    if len(shapes) > 1:
        raise InvalidArgumentError(f"TensorArray.stack: the elements have several shapes: {sorted(shapes)}.")
    return np.stack(rows) if rows else np.zeros((0, *(s or 0 for s in known or ())), dtype.np)


@op(name="list_stack_like")
def pile_like(items: Lists, like: Mixed):
    """The elements along a new first axis, zeros for those that are not there, in the shape of another tensor."""
    own = _items(items)
    out = np.zeros(like.shape, like.dtype)
    for i, item in enumerate(own[: len(out)]):
        if item is not None:
            out[i] = item
    return out


@op(name="list_unstack")
def rows_of(value: Mixed, size: Mixed, *, grows):
    """A list of the rows of a tensor. Raises InvalidArgumentError if they are not ``size``, unless it grows."""
    if len(value) != size and not (grows and len(value) > size):
        raise InvalidArgumentError(
            f"TensorArray.unstack: {len(value)} rows are not the {size} elements of the array. Make it with that size, or with "
            f"dynamic_size=True."
        )
    return _made([row[()] for row in value])


@pile.vjp
def _(g, out, items, *, dtype, shape):
    return (rows_of(g, size_of(items), grows=False),)


@pile_like.vjp
def _(g, out, items, like):
    return rows_of(g, size_of(items), grows=True), None


@rows_of.vjp
def _(g, out, value, size, *, grows):
    return pile_like(g, value), None


# -- several elements --------------------------------------------------------------------------------------------------


@op(name="list_gather")
def pick(items: Lists, indices: Mixed, *, dtype, shape):
    """Some elements along a new first axis."""
    own = _items(items)
    known = _shape_among(own, shape)
    rows = [_full(own[_place(i, len(own), "gather")], known, dtype, "gather") for i in indices]
    return np.stack(rows) if rows else np.zeros((0, *(s or 0 for s in known or ())), dtype.np)


@op(name="list_scatter")
def spread(items: Lists, indices: Mixed, value: Mixed, *, grows):
    """The list with other elements: the rows of ``value``."""
    old = list(_items(items))
    if grows and len(indices):
        old += [None] * (int(np.max(indices)) + 1 - len(old))
    for at, row in zip(indices, value, strict=True):
        old[_place(at, len(old), "scatter")] = row[()]
    return _made(old)


@op(name="list_add_rows")
def add_rows(like: Lists, indices: Mixed, value: Mixed):
    """A list as long as ``like`` with the sums of the rows of ``value`` that go to one place."""
    out: list[Any] = [None] * len(_items(like))
    for at, row in zip(indices, value, strict=True):
        out[int(at)] = row[()] if out[int(at)] is None else out[int(at)] + row
    return _made(out)


@op(name="list_gather_like")
def pick_like(items: Lists, indices: Mixed, like: Mixed):
    """Some elements along a new first axis, zeros for those that are not there, in the shape of another tensor."""
    own = _items(items)
    out = np.zeros(like.shape, like.dtype)
    for row, at in enumerate(indices):
        if int(at) < len(own) and own[int(at)] is not None:
            out[row] = own[int(at)]
    return out


@pick.vjp
def _(g, out, items, indices, *, dtype, shape):
    return add_rows(items, indices, g), None


@spread.vjp
def _(g, out, items, indices, value, *, grows):
    return clear(g, indices, items), None, pick_like(g, indices, value)


@add_rows.vjp
def _(g, out, like, indices, value):
    return None, None, pick_like(g, indices, value)


@pick_like.vjp
def _(g, out, items, indices, like):
    return add_rows(items, indices, g), None, None


# -- elements of several lengths ---------------------------------------------------------------------------------------


@op(name="list_concat")
def join(items: Lists, *, dtype, shape):
    """The elements one after the other along their first axis."""
    own = [_full(i, shape, dtype, "concat") for i in _items(items)]
    if any(np.ndim(i) == 0 for i in own):
        raise InvalidArgumentError("TensorArray.concat: elements of rank 0 have no axis to be joined along. Use stack.")
    return np.concatenate(own) if own else np.zeros((0, *(s or 0 for s in (shape or (0,))[1:])), dtype.np)


@op(name="list_lengths")
def lengths_of(items: Lists, *, shape):
    """The sizes of the elements' first axes."""
    return np.array([(shape or (0,))[0] if i is None else len(i) for i in _items(items)], np.int64)


@op(name="list_split")
def cut(value: Mixed, lengths: Mixed, size: Mixed, *, grows):
    """A list of pieces of a tensor, of these lengths. Raises InvalidArgumentError if they do not add up to its first axis."""
    if np.sum(lengths) != len(value):
        raise InvalidArgumentError(
            f"TensorArray.split: the lengths {list(map(int, lengths))} do not add up to the {len(value)} rows of the tensor."
        )
    count = max(len(lengths), int(size))
    if len(lengths) > size and not grows:
        raise InvalidArgumentError(f"TensorArray.split: {len(lengths)} pieces are more than the {size} elements of the array.")
    return _made([*np.split(value, np.cumsum(lengths)[:-1]), *[None] * (count - len(lengths))])


@op(name="list_concat_like")
def join_like(items: Lists, lengths: Mixed, like: Mixed):
    """The elements one after the other, zeros for those that are not there, in the shape of another tensor."""
    out, at = np.zeros(like.shape, like.dtype), 0
    for item, length in zip(_items(items), lengths, strict=False):
        if item is not None:
            out[at : at + length] = item
        at += length
    return out


@join.vjp
def _(g, out, items, *, dtype, shape):
    return (cut(g, lengths_of(items, shape=shape), size_of(items), grows=False),)


@cut.vjp
def _(g, out, value, lengths, size, *, grows):
    return join_like(g, lengths, value), None, None


@join_like.vjp
def _(g, out, items, lengths, like):
    return cut(g, lengths, size_of(items), grows=False), None, None


# -- shape rules -------------------------------------------------------------------------------------------------------

for _list in (reserve, zeros_of, put, clear, rows_of, spread, add_rows, cut):
    _list.infer(lambda *inputs, **attrs: LIST)
sum_of.infer(lambda x, y: x)
size_of.infer(lambda items: COUNT)
lengths_of.infer(lambda items, shape: Spec(dtypes.int64, (None,)))
take.infer(lambda items, index, dtype, shape: Spec(dtype, shape))
for _like in (take_like, pile_like, pick_like, join_like):
    _like.infer(lambda *inputs: inputs[-1])
pile.infer(lambda items, dtype, shape: Spec(dtype, None if shape is None else (None, *shape)))
pick.infer(
    lambda items, indices, dtype, shape: Spec(
        dtype, None if shape is None else ((indices.shape or (None,))[0], *shape)
    )
)
join.infer(lambda items, dtype, shape: Spec(dtype, None if shape is None else (None, *shape[1:])))
