"""The data file and the index of a V2 checkpoint, in TensorFlow's exact bytes.

Values are laid out in the order in which they come. Small neighbours are written together; large values go to the file from
where they are, without a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from crc32c import crc32c

from minitf.core.dtypes import DType, of_numpy
from minitf.errors import AlreadyExistsError, InvalidArgumentError
from minitf.storage.bundle import payload, spans
from minitf.storage.bundle.coding import mask, slice_key
from minitf.storage.bundle.entries import Entry, Header, encode_entry, encode_header, entry_head
from minitf.storage.bundle.index import bytes_of
from minitf.storage.bundle.table import table_chunks
from minitf.storage.files import Disk, write_fully
from minitf.storage.values import Array, Extent, Partitioned, as_value, bytes_view
from minitf.storage.varint import varint

LARGE = 1 << 20  # from here on a value is written by itself
BLOB = 1 << 22  # smaller ones are joined up to so many bytes


@dataclass(slots=True)
class Layout:
    """What one data file holds, value by value in its order.

    ``keys`` and ``heads`` (dtype and shape, encoded) say what a value is, ``sizes`` how long it is, ``buffers`` has its bytes
    (one buffer or a list of them) and ``crcs`` its masked checksum, 0 for one that is found while writing.
    """

    keys: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=list)
    crcs: list[int] = field(default_factory=list)
    partitioned: dict[bytes, Entry] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the data file."""
        return sum(self.sizes)


def lay_out(tensors: Mapping[str, Any], big_endian: bool = False) -> Layout:
    """Prepares values for writing. Raises InvalidArgumentError for keys and values that no checkpoint can hold."""
    layout = Layout()
    keys, heads, sizes, buffers = layout.keys, layout.heads, layout.sizes, layout.buffers
    known: dict[tuple[Any, ...], tuple[bytes, int]] = {}
    array_class = np.ndarray
    for name, value in tensors.items():
        if type(value) is array_class and not big_endian:
            kind = known.get((value.dtype, value.shape))
            if kind is None:
                kind = _simple_kind(value)
                if kind is not None:
                    known[value.dtype, value.shape] = kind
            if kind is not None and value.flags.c_contiguous:
                keys.append(name.encode())
                heads.append(kind[0])
                sizes.append(kind[1])
                buffers.append(value)
                continue
        _add(layout, bytes_of(name), value, big_endian)
    layout.crcs = [0] * len(keys) if not layout.crcs else layout.crcs + [0] * (len(keys) - len(layout.crcs))
    _check_keys(layout)
    return layout


def _simple_kind(array: Array) -> tuple[bytes, int] | None:
    """Encoded dtype and shape, and the size, of arrays whose memory is already what the file holds."""
    try:
        dtype = of_numpy(array.dtype)
    except TypeError:
        return None
    if not payload.is_plain(dtype) or not array.dtype.isnative or array.dtype.kind in "OSU":
        return None
    return entry_head(dtype, array.shape), array.nbytes


def _add(layout: Layout, key: bytes, value: Any, big_endian: bool) -> None:
    """Adds any value that is not a plain array."""
    name = key.decode("utf-8", "backslashreplace")
    if isinstance(value, Partitioned):
        _add_pieces(layout, key, name, value, big_endian)
        return
    dtype, array = as_value(value, name)
    _add_array(layout, key, name, dtype, array, big_endian)


def _add_array(layout: Layout, key: bytes, name: str, dtype: DType, array: Array, big_endian: bool) -> None:
    crc = 0
    buffers: Any = array
    size = array.nbytes
    if dtype.kind == "S":
        buffers, crc = payload.encode_strings(array, name, big_endian)
        size = sum(map(len, buffers))
    elif dtype.kind == "V":
        buffers, crc = payload.encode_variants(array, name)
        size = sum(map(len, buffers))
    elif big_endian:
        buffers = payload.swapped(array)
    layout.crcs += [0] * (len(layout.keys) - len(layout.crcs))
    layout.keys.append(key)
    layout.heads.append(entry_head(dtype, array.shape))
    layout.sizes.append(size)
    layout.buffers.append(buffers)
    layout.crcs.append(crc)


def _add_pieces(layout: Layout, key: bytes, name: str, value: Partitioned, big_endian: bool) -> None:
    shape = tuple(int(n) for n in value.shape)
    listed: list[tuple[Extent, ...]] = []
    found: DType | None = None
    for extents, piece in value.pieces:
        dtype, array = as_value(piece, name)
        part = tuple(n if e is None else e[1] for e, n in zip(extents, shape, strict=False))
        inside = len(extents) == len(shape) and all(
            e is None or (0 <= e[0] and 0 < e[1] and sum(e) <= n) for e, n in zip(extents, shape, strict=True)
        )
        if not inside or part != array.shape or found not in (None, dtype):
            raise InvalidArgumentError(
                f"write: a piece of {name!r} at {list(extents)} is {dtype.name} {array.shape}; the whole is "
                f"{(found or dtype).name} {shape}."
            )
        found = dtype
        if part == shape:  # TensorFlow stores a piece that is everything as an ordinary tensor
            if len(value.pieces) > 1:
                raise InvalidArgumentError(f"write: the pieces of {name!r} overlap: one is the whole tensor.")
            _add_array(layout, key, name, dtype, array, big_endian)
            return
        listed.append(tuple(extents))
        _add_array(layout, slice_key(key, tuple(extents)), name, dtype, array, big_endian)
    if found is None:
        raise InvalidArgumentError(f"write: the partitioned tensor {name!r} has no pieces.")
    layout.partitioned[key] = Entry(found, shape, slices=listed)


def _check_keys(layout: Layout) -> None:
    every = [*layout.keys, *layout.partitioned]
    if b"" in every:
        raise InvalidArgumentError("write: the empty key is taken by the header of the file.")
    if len(set(every)) < len(every):
        seen: set[bytes] = set()
        twice = next(key for key in every if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise AlreadyExistsError(f"write: the key {twice!r} comes twice.")


def write_data(disk: Disk, handle: int, layout: Layout) -> None:
    """Writes all values to an open file and notes their checksums in the layout."""
    offset = 0
    large: list[tuple[int, spans.Placed]] = []
    crcs = layout.crcs
    for first, stop, blob in _blobs(layout):
        if blob is None:
            view = bytes_view(layout.buffers[first])
            large.append((first, (offset, view)))
            offset += layout.sizes[first]
            continue
        for number in range(first, stop):
            if not crcs[number]:
                crcs[number] = mask(crc32c(layout.buffers[number]))
        offset = write_fully(disk, handle, blob, offset)
    for (number, _), crc in zip(large, spans.write(disk, handle, [placed for _, placed in large]), strict=True):
        crcs[number] = mask(crc)


def _blobs(layout: Layout) -> Iterator[tuple[int, int, bytes | None]]:
    """Runs of values with their joined bytes; a large value comes alone and without."""
    first = size = 0
    for number, length in enumerate(layout.sizes):
        alone = length >= LARGE and isinstance(layout.buffers[number], np.ndarray)
        if number > first and (alone or size + length > BLOB):
            yield first, number, _joined(layout.buffers[first:number])
            first, size = number, 0
        if alone:
            yield number, number + 1, None
            first = number + 1
        else:
            size += length
    if first < len(layout.sizes):
        yield first, len(layout.sizes), _joined(layout.buffers[first:])


def _joined(buffers: Sequence[Any]) -> bytes:
    try:
        return b"".join(buffers)
    except TypeError:  # strings come as lists of buffers
        return b"".join([b"".join(item) if isinstance(item, list) else item for item in buffers])


def entries_of(layouts: Sequence[Layout]) -> dict[bytes, bytes]:
    """The index records of data files number 0, 1, ... Raises AlreadyExistsError for a key that is in two of them."""
    out: dict[bytes, bytes] = {}
    for shard, layout in enumerate(layouts):
        middle = b"\x18" + varint(shard) if shard else b""
        offset = 0
        packed = np.array(layout.crcs, "<u4").tobytes()
        at = 0
        for key, head, size in zip(layout.keys, layout.heads, layout.sizes, strict=True):
            if key in out:
                raise AlreadyExistsError(f"write: the key {key!r} is in two data files.")
            place = b"\x20" + varint(offset) if offset else b""
            length = b"\x28" + varint(size) if size else b""
            out[key] = b"%b%b%b%b\x35%b" % (head, middle, place, length, packed[at : at + 4])
            offset += size
            at += 4
        out.update((key, encode_entry(entry)) for key, entry in layout.partitioned.items())
    return out


def index_chunks(header: Header, records: Mapping[bytes, bytes]) -> Iterator[bytes]:
    """The bytes of an index file, piece by piece."""
    keys = sorted(records)
    return table_chunks([b"", *keys], [encode_header(header), *map(records.__getitem__, keys)])
