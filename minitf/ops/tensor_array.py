"""``TensorArray``: a list of tensors that loops write and read.

In eager mode it is a Python list. In a graph it stands for the value of such a list (``tensor_lists``), which flows through
loops as a loop variable: a write gives a new TensorArray, to be used from then on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.dtypes import DType
from minitf.core.op import convert
from minitf.core.spec import Shape, TensorShape, as_shape, compatible, merge_shapes, shape_text
from minitf.errors import InvalidArgumentError, OutOfRangeError
from minitf.ops import tensor_lists
from minitf.ops.creating import zeros
from minitf.ops.joining import concat, split, stack, unstack
from minitf.ops.static import known


class TensorArray:
    """A list of tensors of one dtype: ``array = array.write(i, x)``, ``array.read(i)``, ``array.stack()``.

    * ``size``: the number of elements; ``dynamic_size`` lets writes beyond it make it longer.
    * ``element_shape``: that of all elements, as far as it is known; with ``infer_shape`` the first write tells it.
    * ``clear_after_read``: in eager mode an element can be read once, unless this is False (in a graph as often as you like).

    An element that was not written is read as zeros, if its shape is known. It can be a variable of ``while_loop``, with
    gradients. Use what a write returns. Raises ValueError without a size, for elements of other shapes and wrong numbers of
    rows; InvalidArgumentError for other dtypes, OutOfRangeError for places that are not there (in a run: InvalidArgumentError).
    """

    dtype: DType
    dynamic_size: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> TensorArray:
        """An array of the current runtime's kind."""
        if cls is not TensorArray:
            return super().__new__(cls)
        return super().__new__(_Listed if runtime.current().home.graph_being_built() is None else _Flowing)

    def __init__(self, dtype: Any, size: Any = None, dynamic_size: bool | None = None, clear_after_read: bool | None = None,
                 tensor_array_name: str | None = None, handle: Any = None, flow: Any = None, infer_shape: bool = True,
                 element_shape: Any = None, colocate_with_first_write_call: bool = True, name: str | None = None):  # fmt: skip
        if size is None:
            raise ValueError("A TensorArray needs its size: the number of elements (0 for one that grows, with dynamic_size).")
        self.dtype, self.dynamic_size = dtypes.as_dtype(dtype), bool(dynamic_size)
        self._shape: Shape = None if element_shape is None else as_shape(element_shape)
        self._infers = bool(infer_shape)
        self._clears = clear_after_read is not False
        self._begin(size)

    def _begin(self, size: Any) -> None:
        raise NotImplementedError

    @property
    def element_shape(self) -> TensorShape:
        """The shape of an element, as far as it is known."""
        return TensorShape(self._shape)

    def _checked(self, value: Any) -> Any:
        """A value as an element. Raises InvalidArgumentError for another dtype, ValueError for another shape."""
        tensor = self._tensor(value)
        self._meet(tensor.dtype, tensor.spec.shape)
        return tensor

    def _tensor(self, value: Any) -> Any:
        return convert(value, None if hasattr(value, "dtype") or hasattr(value, "_as_tensor") else self.dtype)

    def _meet(self, dtype: DType, shape: Shape) -> None:
        if dtype is not self.dtype:
            raise InvalidArgumentError(
                None, None, f"This TensorArray is of {self.dtype.name}, but a {dtype.name} tensor was to be written."
            )
        if not compatible(self._shape, shape):
            raise ValueError(
                f"The elements of this TensorArray have shape {shape_text(self._shape)}, but one of shape {shape_text(shape)} "
                f"was to be written. Pass infer_shape=False for elements of several shapes."
            )
        if self._infers:
            self._shape = merge_shapes(self._shape, shape)

    # What both kinds have; the signatures are TensorFlow's.

    def read(self, index: Any, name: str | None = None) -> Any:
        """The element at a place."""
        raise NotImplementedError

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with another element at a place."""
        raise NotImplementedError

    def stack(self, name: str | None = None) -> Any:
        """The elements along a new first axis."""
        raise NotImplementedError

    def gather(self, indices: Any, name: str | None = None) -> Any:
        """Some elements, by their places, along a new first axis."""
        raise NotImplementedError

    def concat(self, name: str | None = None) -> Any:
        """The elements one after the other along their first axis."""
        raise NotImplementedError

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of a tensor as its elements."""
        raise NotImplementedError

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        """The array with the rows of a tensor at some places."""
        raise NotImplementedError

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        """The array with pieces of a tensor, of these lengths, as its elements."""
        raise NotImplementedError

    def size(self, name: str | None = None) -> Any:
        """The number of elements, as a tensor."""
        raise NotImplementedError

    def identity(self) -> TensorArray:
        """The array."""
        return self

    def close(self, name: str | None = None) -> None:
        """Does nothing: an array that nobody holds is gone."""

    def __repr__(self) -> str:
        return f"<TensorArray of {self.dtype.name}, elements of shape {shape_text(self._shape)}>"


class _Listed(TensorArray):
    """The eager kind: a Python list, which a write changes."""

    def _begin(self, size: Any) -> None:
        self._elements: list[Any] = [None] * int(known(size))
        self._cleared: set[int] = set()

    def _place(self, index: Any, what: str) -> int:
        at = int(known(index))
        if at < 0:
            raise OutOfRangeError(None, None, f"TensorArray.{what}: a place must not be negative, but it is {at}.")
        return at

    def _element(self, at: int) -> Any:
        count = len(self._elements)
        if at >= count:
            raise OutOfRangeError(None, None, f"TensorArray.read: there is no element {at} in an array of {count}.")
        if self._elements[at] is None:
            if at in self._cleared:
                raise InvalidArgumentError(
                    None, None,
                    f"TensorArray.read: element {at} was read before, and then cleared. Pass clear_after_read=False to read it "
                    f"again."
                )  # fmt: skip
            if self._shape is None or None in self._shape:
                raise ValueError(
                    f"TensorArray: element {at} was not written yet, and its shape is not known ({shape_text(self._shape)}). "
                    f"Give the TensorArray its element_shape."
                )
            self._elements[at] = zeros(self._shape, self.dtype)
        return self._elements[at]

    def read(self, index: Any, name: str | None = None) -> Any:
        at = self._place(index, "read")
        element = self._element(at)
        if self._clears:
            self._elements[at] = None
            self._cleared.add(at)
        return element

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        at = self._place(index, "write")
        if at >= len(self._elements):
            if not self.dynamic_size:
                raise OutOfRangeError(
                    None, None,
                    f"TensorArray.write: there is no element {at} in an array of {len(self._elements)}, which does not grow. "
                    f"Make it with dynamic_size=True."
                )  # fmt: skip
            self._elements += [None] * (at + 1 - len(self._elements))
        self._elements[at] = self._checked(value)
        return self

    def stack(self, name: str | None = None) -> Any:
        if not self._elements:
            return zeros((0, *(s or 0 for s in self._shape or ())), self.dtype)
        return stack([self._element(i) for i in range(len(self._elements))])

    def gather(self, indices: Any, name: str | None = None) -> Any:
        return stack([self._element(int(i)) for i in np.asarray(known(indices))])

    def concat(self, name: str | None = None) -> Any:
        return concat([self._element(i) for i in range(len(self._elements))], 0)

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        rows = unstack(self._tensor(value))
        if len(rows) > len(self._elements) and not self.dynamic_size:
            raise ValueError(
                f"TensorArray.unstack: {len(rows)} rows are more than the {len(self._elements)} elements of an array that does "
                f"not grow. Make it with dynamic_size=True."
            )
        self._elements = [self._checked(row) for row in rows]
        return self

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        rows = unstack(self._tensor(value))
        for index, row in zip(np.asarray(known(indices)), rows, strict=True):
            self.write(int(index), row)
        return self

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        tensor = self._tensor(value)
        sizes = [int(n) for n in np.asarray(known(lengths))]
        if sum(sizes) != tensor.shape[0]:
            raise InvalidArgumentError(
                None, None, f"TensorArray.split: the lengths {sizes} do not add up to the {tensor.shape[0]} rows of the tensor."
            )
        if len(sizes) != len(self._elements) and not (self.dynamic_size and len(sizes) > len(self._elements)):
            raise InvalidArgumentError(
                None, None, f"TensorArray.split: {len(sizes)} pieces are not the {len(self._elements)} elements of the array."
            )
        self._elements = [self._checked(piece) for piece in split(tensor, sizes, 0)]
        return self

    def size(self, name: str | None = None) -> Any:
        return convert(np.int32(len(self._elements)))


class _Flowing(TensorArray):
    """The kind of graphs: a tensor that is the list."""

    def _begin(self, size: Any) -> None:
        self.flow = tensor_lists.reserve(size, dtype=self.dtype)

    def with_flow(self, flow: Any) -> _Flowing:
        """An array like this one, of another list."""
        out = object.__new__(_Flowing)
        out.__dict__.update(self.__dict__)
        out.flow = flow
        return out

    def read(self, index: Any, name: str | None = None) -> Any:
        return tensor_lists.take(self.flow, index, dtype=self.dtype, shape=self._shape, name=name)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        out = self.with_flow(self.flow)
        tensor = out._checked(value)
        out.flow = tensor_lists.put(self.flow, index, tensor, grows=self.dynamic_size, name=name)
        return out

    def stack(self, name: str | None = None) -> Any:
        return tensor_lists.pile(self.flow, dtype=self.dtype, shape=self._shape, name=name)

    def gather(self, indices: Any, name: str | None = None) -> Any:
        return tensor_lists.pick(self.flow, indices, dtype=self.dtype, shape=self._shape, name=name)

    def concat(self, name: str | None = None) -> Any:
        return tensor_lists.join(self.flow, dtype=self.dtype, shape=self._shape, name=name)

    def _of_rows(self, value: Any) -> tuple[_Flowing, Any]:
        """An array whose elements are as the rows of a tensor, and the tensor."""
        out, tensor = self.with_flow(self.flow), self._tensor(value)
        sizes = tensor.spec.shape
        out._meet(tensor.dtype, sizes if sizes is None else sizes[1:])
        return out, tensor

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        out, tensor = self._of_rows(value)
        out.flow = tensor_lists.rows_of(tensor, tensor_lists.size_of(self.flow), grows=self.dynamic_size, name=name)
        return out

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> TensorArray:
        out, tensor = self._of_rows(value)
        out.flow = tensor_lists.spread(self.flow, indices, tensor, grows=self.dynamic_size, name=name)
        return out

    def split(self, value: Any, lengths: Any, name: str | None = None) -> TensorArray:
        out = self.with_flow(self.flow)
        tensor = self._tensor(value)
        sizes = tensor.spec.shape
        out._meet(tensor.dtype, sizes if sizes is None else (None, *sizes[1:]))
        count = tensor_lists.size_of(self.flow)
        out.flow = tensor_lists.cut(tensor, lengths, count, grows=self.dynamic_size, name=name)
        return out

    def size(self, name: str | None = None) -> Any:
        return tensor_lists.size_of(self.flow, name=name)
