"""What can be written: arrays, and the two things that an array alone cannot say.

``Typed`` is an array whose dtype is not the one that NumPy shows: the quantised kinds are plain integers in NumPy, and
variants are bytes. ``Partitioned`` is a tensor saved in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitf.core.dtypes import DType, as_dtype, of_numpy
from minitf.core.spec import total_size
from minitf.errors import InvalidArgumentError, UnimplementedError

Array = np.ndarray[Any, np.dtype[Any]]
Extent = tuple[int, int] | None  # start and length along one dimension; None: the whole of it
Region = tuple[Sequence[int], Sequence[int]]  # where it begins, and its size, in each dimension
Reading = tuple[list[Any], Callable[[], None]]  # values, and a function that fills in those whose memory is reused


@dataclass(frozen=True, eq=False)
class Typed:
    """An array with the dtype that it shall have in the file, for example ``Typed("qint8", int8_array)``."""

    dtype: Any
    array: Any


@dataclass(frozen=True, eq=False)
class Partitioned:
    """A tensor in pieces: its full shape, and for each piece its extents and its value."""

    shape: tuple[int, ...]
    pieces: Sequence[tuple[tuple[Extent, ...], Any]]


def as_value(value: Any, key: str) -> tuple[DType, Array]:
    """Dtype and C-ordered native array of something to be written; strings come out as object arrays.

    Raises InvalidArgumentError, naming ``key``, for what no checkpoint can hold.
    """
    dtype = None
    if isinstance(value, Typed):
        dtype, value = as_dtype(value.dtype), value.array
    if isinstance(value, (str, bytes)):  # NumPy would drop zero bytes at the end
        value = np.array(value, object)
    try:
        array = np.asarray(value, order="C")
    except ValueError as error:  # lists of different lengths
        raise InvalidArgumentError(f"write: the value of {key!r} is no array: {error}") from None
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    try:
        found = of_numpy(array.dtype)
    except TypeError as error:
        raise InvalidArgumentError(f"write: the value of {key!r} cannot be stored: {error}") from None
    if dtype is None:
        dtype = found
    elif not dtype.is_numpy_compatible or (dtype.np != array.dtype and array.size):
        raise InvalidArgumentError(
            f"write: the value of {key!r} is to be stored as {dtype.name}, but its array is {array.dtype}."
        )
    if array.dtype.kind in "SU":
        array = array.astype(object)
    return dtype, array


MAX_RANK = 64  # of NumPy's arrays


def has_array(shape: Sequence[int], width: int) -> bool:
    """Whether there is a NumPy array of this shape, with elements of ``width`` bytes.

    The sizes of an empty one may not be as large as they like: NumPy multiplies all but the zeros.
    """
    return len(shape) <= MAX_RANK and width * total_size(size or 1 for size in shape) < 1 << 63


def check_shape(shape: Sequence[int], dtype: DType, where: str) -> None:
    """Raises UnimplementedError if no NumPy array has this shape."""
    if len(shape) > MAX_RANK:
        raise UnimplementedError(f"{where}: {len(shape)} dimensions; NumPy arrays have {MAX_RANK} at most.")
    if not has_array(shape, dtype.np.itemsize):
        raise UnimplementedError(f"{where}: shape {tuple(shape)} is larger than any NumPy array, even an empty one.")


def bytes_view(array: Array) -> memoryview:
    """The memory of a C-ordered array of numbers."""
    flat: Any = array.ravel().view(np.uint8)
    return memoryview(flat)


def as_bytes(array: Array, key: str) -> list[bytes]:
    """The elements of a string array, in row-major order, str encoded as UTF-8. Raises InvalidArgumentError for others."""
    flat = array.ravel().tolist()
    out = [item.encode("utf-8", "surrogateescape") if type(item) is str else item for item in flat]
    for item in out:
        if not isinstance(item, bytes):
            raise InvalidArgumentError(f"write: {key!r} has an element {item!r}; an object array holds bytes or str.")
    return out


def each_as_bytes(array: Array, key: str) -> Iterator[bytes]:
    """``as_bytes`` of an array of objects, one after the other."""
    one: Array = np.empty(1, object)
    for item in array.ravel():
        one[0] = item
        yield item if type(item) is bytes else as_bytes(one, key)[0]


def gathered(items: Iterable[bytes | memoryview], size: int) -> Iterator[bytes]:
    """Small byte strings joined to some of ``size`` bytes at most; longer ones as they are."""
    together: list[bytes | memoryview] = []
    length = 0
    for item in items:
        if together and length + len(item) > size:
            yield b"".join(together)
            together, length = [], 0
        together.append(item)
        length += len(item)
    if together:
        yield b"".join(together)


def string_array(items: Sequence[bytes], shape: tuple[int, ...]) -> Array:
    """An object array of bytes with this shape, which is no view of another one."""
    out: Array = np.empty(shape, object)
    out.reshape(-1)[:] = items
    return out
