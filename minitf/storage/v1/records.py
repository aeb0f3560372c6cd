"""The records of a V1 table: a list of all tensors at the empty key, and a record a slice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError, InvalidArgumentError, UnimplementedError
from minitf.storage.bundle.block import LARGE, Pieces, Value
from minitf.storage.bundle.entries import check_version, decode_shape, decode_slice, encode_shape, encode_slice, known_dtype
from minitf.storage.flows import Flow, Texts
from minitf.storage.protos import parse
from minitf.storage.v1.numbers import PACKINGS, most_bytes, narrow, pack, packed_size, unpack
from minitf.storage.v1.strings import pack_strings, strings_size
from minitf.storage.values import Array, Extent, check_shape, string_array
from minitf.storage.varint import read_varint, varint

Slice = tuple[Extent, ...]


class TensorMeta(NamedTuple):
    """What the list says of a tensor: shape, dtype and the slices that it is stored in."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    slices: tuple[Slice, ...]


def _field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def encode_meta(tensors: list[TensorMeta]) -> bytes:
    """The record at the empty key."""
    listed = []
    for tensor in tensors:
        body = _field(1, tensor.name.encode()) + _field(2, encode_shape(tensor.shape))
        body += b"\x18" + varint(tensor.dtype.number)
        listed.append(_field(1, body + b"".join(_field(4, encode_slice(extents)) for extents in tensor.slices)))
    return _field(1, b"".join(listed) + b"\x12\x02\x08\x01")


def decode_meta(data: bytes, source: str) -> list[TensorMeta]:
    """The list of tensors of a table. Raises DataLossError, InvalidArgumentError for a version that cannot be read."""
    stored = parse("SavedTensorSlices", data, f"{source}: list of tensors")
    if not stored.HasField("meta"):
        raise DataLossError(f"{source}: failed to find the saved tensor slices: the first record is no list of tensors.")
    check_version(stored.meta.versions, source)
    out = []
    for tensor in stored.meta.tensor:
        where = f"{source}: key {tensor.name!r}"
        shape = decode_shape(tensor.shape, where)
        slices = tuple(decode_slice(piece, shape, where) for piece in tensor.slice)
        out.append(TensorMeta(tensor.name, shape, known_dtype(tensor.type, where), slices))
    return out


def check_dtype(dtype: DType, name: str) -> None:
    """Raises UnimplementedError for dtypes that the format has no field for."""
    if dtype.kind != "S" and dtype not in PACKINGS:
        raise UnimplementedError(
            f"write: {name!r} is {dtype.name}, which a V1 checkpoint cannot hold. Use the V2 format, which holds all dtypes."
        )


LARGEST = 1 << 31  # bytes of a record: Protocol Buffers, and so TensorFlow, read no longer ones
_REST = 1 << 10  # for what is around the values, as TensorFlow reckons


def check_size(name: str, extents: Slice, value: Flow) -> None:
    """Raises InvalidArgumentError for a slice whose record could be too long to be read: TensorFlow refuses the same."""
    if isinstance(value, Texts):
        most = sum(int(some.sum()) + 10 * len(some) for some in value.lengths())
    else:
        most = total_size(value.shape) * most_bytes(value.dtype)
    most += len(_head(name, extents)) + _REST
    if most > LARGEST:
        raise InvalidArgumentError(
            f"write: {name!r} may need {most} bytes, and a value (or a piece of one) in a V1 checkpoint has {LARGEST} at most. "
            "Use the V2 format."
        )


def encode_values(name: str, extents: Slice, value: Flow) -> Value:
    """The record of one slice; a large one is made while it is written."""
    tag = b""
    make: Callable[[], Iterator[bytes | memoryview]]
    if isinstance(value, Texts):
        size, make = strings_size(value), partial(pack_strings, value)
    else:
        size, make = packed_size(value), partial(pack, value)
        tag = varint(PACKINGS[value.dtype].field << 3 | 2) + varint(size) if size else b""
    head = _before(name, extents, len(tag) + size) + tag
    if size < LARGE:
        return b"".join((head, *make()))
    return Pieces(len(head) + size, lambda: itertools.chain((head,), make()))


def _before(name: str, extents: Slice, size: int) -> bytes:
    """What stands in a record before the fields of the values, which have so many bytes."""
    head = _head(name, extents) + varint(3 << 3 | 2) + varint(size)
    return varint(2 << 3 | 2) + varint(len(head) + size) + head


def _head(name: str, extents: Slice) -> bytes:
    return _field(1, name.encode()) + _field(2, encode_slice(extents))


def decode_values(data: bytes, shape: tuple[int, ...], dtype: DType, where: str) -> Array:
    """The values of one slice, which has this shape and dtype. Raises DataLossError for anything else."""
    if dtype.kind != "S" and dtype not in PACKINGS:
        raise UnimplementedError(f"{where}: dtype {dtype.name} has no values in a V1 checkpoint.")
    check_shape(shape, dtype, where)
    packed = _quick_field(data, PACKINGS[dtype].field) if dtype in PACKINGS else None
    flat = unpack(dtype, packed, where) if packed is not None else _through_protobuf(data, dtype, where)
    count = total_size(shape)
    if flat.size != count:
        raise DataLossError(f"{where}: {flat.size} values stored; {dtype.name} {shape} has {count}.")
    return flat.reshape(shape)


def _quick_field(data: bytes, number: int) -> memoryview | None:
    """The packed values, if the record is as TensorFlow writes it: name, slice, and a tensor with this one field."""
    view = memoryview(data)
    place = packed_place(view, len(view), number)
    return place and view[place[0] : place[1]]


def packed_place(view: memoryview, size: int, number: int) -> tuple[int, int] | None:
    """Where these values are in a record of ``size`` bytes, of which the beginning is enough."""
    place = tensor_place(view, size)
    if place is None or place[0] == place[1]:
        return place
    try:
        at, stop = _enter(view, *place, number)
    except (DataLossError, IndexError):
        return None
    return (at, stop) if stop == place[1] else None


def tensor_place(view: memoryview, size: int) -> tuple[int, int] | None:
    """Where the fields of the tensor are in such a record, which has name, slice and tensor."""
    try:
        at, end = _enter(view, 0, size, 2)
        if end != size:
            return None
        for skipped in (1, 2):
            _, at = _enter(view, at, end, skipped)
        at, stop = _enter(view, at, end, 3)
    except (DataLossError, IndexError):
        return None
    return (at, stop) if stop == end else None


def _enter(view: memoryview, at: int, end: int, number: int) -> tuple[int, int]:
    """First and last place of a length-delimited field that must come here."""
    if view[at] != number << 3 | 2:
        raise DataLossError("another field")
    length, at = read_varint(view, at + 1, end)
    return at, at + length  # if that is beyond the end, the place is not where the caller needs it


_NAMES = {5: "float_val", 6: "double_val", 7: "int_val", 9: "scomplex_val", 10: "int64_val", 11: "bool_val", 12: "dcomplex_val",
          13: "half_val"}  # fmt: skip


def _through_protobuf(data: bytes, dtype: DType, where: str) -> Array:
    """The flat values of a record in any legal form: fields in any order, packed, unpacked or mixed."""
    stored: Any = parse("SavedTensorSlices", data, where).data.data
    if dtype.kind == "S":
        return string_array(list(stored.string_val), (len(stored.string_val),))
    packing = PACKINGS[dtype]
    listed = getattr(stored, _NAMES[packing.field])
    if packing.bare is None:
        return narrow(dtype, np.array(listed, np.int64).view(np.uint64))
    flat = np.array(listed, packing.bare.replace("c8", "f4").replace("c16", "f8"))
    if dtype.is_complex:
        if flat.size % 2:
            raise DataLossError(f"{where}: a complex number lacks its second half.")
        return flat.view(packing.bare).astype(dtype.np)
    return flat.astype(dtype.np)
