"""What a variable can do to a part of itself: rows by number, elements by coordinates, slices, a counter.

Every method here is an op on the variable's handle: in eager mode it happens now and the variable is given back; in a graph the
output of the operation, which has the variable's whole new value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minitf.ops.indexing import is_mask, parsed

if TYPE_CHECKING:
    from minitf.core.state import Handle
    from minitf.ops.indexed_slices import IndexedSlices

    _Update = Callable[..., Any]


class PartialUpdates:
    """Methods of ``Variable`` that read or change some of its elements."""

    __slots__ = ()

    if TYPE_CHECKING:
        _handle: Handle

        def _like(self, value: Any) -> Any: ...
        def _as_tensor(self) -> Any: ...

    def _changed(self, op: str, *inputs: Any, name: str | None, **attrs: Any) -> Any:
        from minitf.ops import partial_updates

        result = getattr(partial_updates, op)(self._handle, *inputs, name=name, **attrs)
        return self._handle.home.assigned(self, result, True)

    def _by_number(self, op: str, slices: Any, name: str | None) -> Any:
        from minitf.ops.indexed_slices import IndexedSlices

        if not isinstance(slices, IndexedSlices):
            raise TypeError(
                f"Variable.{op}(sparse_delta): tf.IndexedSlices(values, indices) was expected, not {slices!r}. Rows by numbers "
                "that are plain tensors are changed by tf.compat.v1.scatter_... or scatter_nd_...."
            )
        return self._changed(op, slices.indices, self._like(slices.values), name=name)

    # -- rows by number ------------------------------------------------------------------------------------------------

    def scatter_add(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Adds slices: ``variable[indices[i]] += values[i]``, also if a number comes twice.

        ``values`` has the shape of the indices and of a slice together, or is a scalar. Raises TypeError for anything else than
        ``tf.IndexedSlices``, InvalidArgumentError for a number that is out of bounds, ShapeError or DTypeError for values that
        do not go with the variable. The other methods of this kind do the same with another operation.
        """
        return self._by_number("scatter_add", sparse_delta, name)

    def scatter_sub(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Subtracts slices by number (see ``scatter_add``)."""
        return self._by_number("scatter_sub", sparse_delta, name)

    def scatter_mul(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Multiplies by slices by number (see ``scatter_add``)."""
        return self._by_number("scatter_mul", sparse_delta, name)

    def scatter_div(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Divides by slices by number (see ``scatter_add``)."""
        return self._by_number("scatter_div", sparse_delta, name)

    def scatter_max(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Keeps the larger of old and new slices by number (see ``scatter_add``)."""
        return self._by_number("scatter_max", sparse_delta, name)

    def scatter_min(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Keeps the smaller of old and new slices by number (see ``scatter_add``)."""
        return self._by_number("scatter_min", sparse_delta, name)

    def scatter_update(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces slices by number; of several for one number the last stays (see ``scatter_add``)."""
        return self._by_number("scatter_update", sparse_delta, name)

    def batch_scatter_update(self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None) -> Any:
        """Replaces slices by number in each of a batch: ``variable[i, indices[i, j]] = values[i, j]``.

        All axes of the indices but the last run along the first axes of the variable. Raises as ``scatter_add``.
        """
        return self._by_number("batch_scatter_update", sparse_delta, name)

    # -- by coordinates ------------------------------------------------------------------------------------------------

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds to elements or slices by coordinates: ``variable[tuple(indices[i])] += updates[i]``.

        ``indices`` has shape [..., k], ``updates`` the shape [...] and that of what k coordinates leave. Raises
        InvalidArgumentError for coordinates that are out of bounds, ShapeError or DTypeError for updates that do not go with
        the variable. The other methods of this kind do the same with another operation.
        """
        return self._changed("scatter_nd_add", indices, self._like(updates), name=name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts from elements or slices by coordinates (see ``scatter_nd_add``)."""
        return self._changed("scatter_nd_sub", indices, self._like(updates), name=name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replaces elements or slices by coordinates (see ``scatter_nd_add``)."""
        return self._changed("scatter_nd_update", indices, self._like(updates), name=name)

    def scatter_nd_max(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Keeps the larger of old and new elements or slices by coordinates (see ``scatter_nd_add``)."""
        return self._changed("scatter_nd_max", indices, self._like(updates), name=name)

    def scatter_nd_min(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Keeps the smaller of old and new elements or slices by coordinates (see ``scatter_nd_add``)."""
        return self._changed("scatter_nd_min", indices, self._like(updates), name=name)

    # -- reading some --------------------------------------------------------------------------------------------------

    def sparse_read(self, indices: Any, name: str | None = None) -> Any:
        """The slices with these numbers along the first axis, as a tensor (``tf.gather``)."""
        from minitf.ops.gathering import gather

        return gather(self, indices, axis=0, name=name)

    def gather_nd(self, indices: Any, name: str | None = None) -> Any:
        """The elements or slices with these coordinates, as a tensor (``tf.gather_nd``)."""
        from minitf.ops.gathering import gather_nd

        return gather_nd(self, indices, name=name)

    # -- a slice to read or to assign to, a counter --------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        """The elements that the key takes, as a tensor, whose method ``assign(value, name=None)`` puts others in their place.

        ``v[1:3].assign([8.0, 9.0])`` leaves the tensor alone, which has been read already, and changes the variable; the value
        is broadcast to the shape of the slice. What a bool mask takes cannot be assigned to.
        """
        found = self._as_tensor()[key]
        if not is_mask(key):
            found.assign = _Assigning(self, key)
        return found

    def count_up_to(self, limit: int) -> Any:
        """Adds 1 and gives the number that it was, a tensor. Raises OutOfRangeError when that would be ``limit``.

        Raises DTypeError unless the variable is int32 or int64, InvalidArgumentError unless it is a scalar.
        """
        from minitf.ops.partial_updates import count_up_to

        return count_up_to(self._handle, limit=int(limit))


class _Assigning:
    """The ``assign`` of a slice of a variable."""

    __slots__ = ("_key", "_variable")

    def __init__(self, variable: PartialUpdates, key: Any):
        self._variable = variable
        self._key = key

    def __call__(self, value: Any, name: str | None = None) -> Any:
        key, parts = parsed(self._key)
        return self._variable._changed("strided_slice_assign", self._variable._like(value), *parts, name=name, key=key)
