"""``IndexedSlices``: some slices of a tensor along its first axis, and their numbers.

    rows = tf.IndexedSlices(values=tf.constant([[1.0, 2.0]]), indices=tf.constant([3]))
    table.scatter_add(rows)  # row 3 += [1, 2]

Gradients in minitf are tensors; this class is what the partial updates of a variable take. Where a tensor is wanted and
``dense_shape`` is known, it stands for the tensor with these slices and zeros elsewhere; slices of one number are added.
"""

from __future__ import annotations

from typing import Any

from minitf.core.dtypes import DType, as_dtype
from minitf.core.op import convert
from minitf.core.spec import TensorShape
from minitf.core.tensor import Tensor
from minitf.ops.static import known


class IndexedSlices:
    """Slices ``values[i]`` with the numbers ``indices[i]`` along the first axis of a tensor of shape ``dense_shape``.

    * ``values``: a tensor of shape [n, ...], ``indices``: n integers.
    * ``dense_shape``: an integer vector; may be left out where the slices are not to stand for a tensor.
    """

    __slots__ = ("_dense_shape", "_indices", "_values")

    def __init__(self, values: Any, indices: Any, dense_shape: Any = None):
        self._values = values
        self._indices = indices
        self._dense_shape = dense_shape

    @property
    def values(self) -> Any:
        """The slices."""
        return self._values

    @property
    def indices(self) -> Any:
        """Their numbers."""
        return self._indices

    @property
    def dense_shape(self) -> Any:
        """The shape of the whole tensor, as a vector; None if it was not given."""
        return self._dense_shape

    @property
    def dtype(self) -> DType:
        """The element type of the slices."""
        return convert(self._values).dtype

    @property
    def shape(self) -> TensorShape:
        """The shape of the whole tensor, as far as it is known."""
        sizes = None if self._dense_shape is None else known(convert(self._dense_shape))
        return TensorShape(None if sizes is None else [int(size) for size in sizes])

    @property
    def device(self) -> str:
        """Always empty: devices have no effect in minitf."""
        return ""

    @property
    def name(self) -> str:
        """The name of the tensor of the slices (in a graph)."""
        return self._values.name  # type: ignore[no-any-return]

    @property
    def op(self) -> Any:
        """The operation that makes the slices (in a graph)."""
        return self._values.op

    @property
    def graph(self) -> Any:
        """The graph of the slices (in a graph)."""
        return self._values.graph

    def _as_tensor(self) -> Tensor:
        if self._dense_shape is None:
            raise ValueError(
                f"{self!r} has no dense_shape, so it does not say how large the tensor is that it is a part of. Give "
                "dense_shape, or use values and indices."
            )
        from minitf.ops.segments import unsorted_segment_sum

        return unsorted_segment_sum(self._values, self._indices, convert(self._dense_shape)[0])  # type: ignore[no-any-return]

    def __neg__(self) -> IndexedSlices:
        return IndexedSlices(-convert(self._values), self._indices, self._dense_shape)

    def __str__(self) -> str:
        whole = "" if self._dense_shape is None else f", dense_shape={self._dense_shape}"
        return f"IndexedSlices(indices={self._indices}, values={self._values}{whole})"

    __repr__ = __str__


def convert_to_tensor_or_indexed_slices(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """The value as a tensor, but ``IndexedSlices`` as they are. Raises ValueError if these are not of the dtype asked for."""
    if not isinstance(value, IndexedSlices):
        return convert(value, dtype, name)
    if dtype is not None and as_dtype(dtype) is not value.dtype:
        raise ValueError(f"IndexedSlices of {value.dtype.name} were given where {as_dtype(dtype).name} is needed.")
    return value
