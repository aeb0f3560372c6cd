"""The data files and the index of a V2 checkpoint, in TensorFlow's exact bytes.

Values are laid out in the order in which they come. Small neighbours are written together; large values go to the file from
where they are, without a copy. A ``Plan`` is everything about a data file that does not depend on the values: a save of the
same tensors as last time uses the plan of last time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
from crc32c import crc32c

from minitf.core.dtypes import DType, of_numpy
from minitf.core.spec import total_size
from minitf.errors import AlreadyExistsError, InvalidArgumentError
from minitf.storage.bundle import payload, spans, streams
from minitf.storage.bundle.coding import mask_all, slice_key
from minitf.storage.bundle.entries import Entry, encode_entry, entry_head, entry_tail
from minitf.storage.files import ROOM, Disk, write_fully
from minitf.storage.flows import Flow, Numbers, Texts, source_of
from minitf.storage.keys import all_bytes_of, bytes_of, text_of
from minitf.storage.regions import check_pieces, slice_text
from minitf.storage.values import Array, Extent, Partitioned, as_value, bytes_view
from minitf.storage.varint import varint

LARGE = 1 << 20  # from here on a value is written by itself
BLOB = 1 << 22  # smaller ones are joined up to so many bytes

_dtype_of, _shape_of = attrgetter("dtype"), attrgetter("shape")
Kinds = tuple[list[Any], list[Any]]  # dtypes and shapes


@dataclass(slots=True)
class Plan:
    """What a data file holds, value by value: key, encoded dtype and shape (``heads``), encoded size (``tails``), size."""

    keys: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    tails: list[bytes] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    partitioned: dict[bytes, Entry] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)  # what the plan is for: the mapping's keys and the kinds of its values,
    kinds: Kinds = field(default_factory=lambda: ([], []))
    others: list[int] = field(default_factory=list)  # and the numbers of those that are not written as they are in memory,
    scalars: list[int] = field(default_factory=list)  # and of those of rank 0, which may be NumPy's scalars
    runs: list[tuple[int, int, bool]] = field(default_factory=list)  # see ``_runs``


@dataclass(slots=True)
class Layout:
    """A plan and the values for it: ``buffers`` has the bytes of each, ``crcs`` its checksum, None if that of the bytes."""

    plan: Plan = field(default_factory=Plan)
    buffers: list[Any] = field(default_factory=list)
    crcs: list[Any] = field(default_factory=list)


Tensors = Mapping[str, Any] | Sequence[tuple[str, Any]]


def lay_out(tensors: Tensors, big_endian: bool = False, last: Plan | None = None) -> Layout:
    """Prepares values for writing; uses the plan ``last`` if it fits.

    Raises InvalidArgumentError for keys and values that no checkpoint can hold, AlreadyExistsError for a key that comes twice.
    """
    layout = Layout()
    if isinstance(tensors, Mapping) and not big_endian:
        again = _lay_out_again(tensors, last) if last is not None and last.names else None
        if again is not None:
            return again
        arrays = _only_arrays(tensors)
        if arrays is not None:
            _add_arrays(layout, arrays)
            _check_keys(layout.plan)
            return layout
    for name, value in tensors.items() if isinstance(tensors, Mapping) else tensors:
        if isinstance(value, Partitioned):
            _add_pieces(layout, bytes_of(name), name, value, big_endian)
        else:
            _add(layout, bytes_of(name), name, *source_of(value, name), big_endian)
    _check_keys(layout.plan)
    return layout


def in_parts(tensors: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """Cuts a mapping into consecutive parts of about the same number of bytes."""
    sizes = [getattr(value, "nbytes", 0) for value in tensors.values()]
    parts: list[dict[str, Any]] = [{} for _ in range(count)]
    total, done = sum(sizes) or 1, 0
    for (name, value), size in zip(tensors.items(), sizes, strict=True):
        parts[min(count - 1, (2 * done + size) * count // (2 * total))][name] = value  # where its middle is
        done += size
    return parts


def _only_arrays(tensors: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The tensors, with NumPy's numbers as arrays of rank 0; None if there is anything else among them."""
    others = set(map(type, tensors.values())) - {np.ndarray}
    if not others:
        return tensors
    if not all(issubclass(kind, np.generic) and not issubclass(kind, np.flexible) for kind in others):
        return None
    return {key: value if type(value) is np.ndarray else np.asarray(value) for key, value in tensors.items()}


def _add_arrays(layout: Layout, tensors: Mapping[str, Any]) -> None:
    """Adds many arrays at once; the result can be the plan of the next save, too."""
    plan = layout.plan
    dtypes, shapes = list(map(_dtype_of, tensors.values())), list(map(_shape_of, tensors.values()))
    plan.names = list(tensors)
    plan.keys = all_bytes_of(plan.names)
    kinds: list[Any] = list(zip(dtypes, shapes, strict=True))
    known = {}
    for kind in set(kinds):
        dtype, shape = _simple_dtype(kind[0]), kind[1]
        if dtype is not None:
            size = total_size(shape) * dtype.size
            known[kind] = entry_head(dtype, shape), entry_tail(size), size, shape
    plan.others = [number for number, kind in enumerate(kinds) if kind not in known]
    layout.buffers = list(tensors.values())
    layout.crcs = [None] * len(kinds)
    for number in plan.others:
        dtype, array = as_value(layout.buffers[number], plan.names[number])
        buffer, crc = _bytes_of_value(dtype, array, plan.names[number], False)
        layout.buffers[number], layout.crcs[number] = buffer, crc
        size = buffer.nbytes if isinstance(buffer, np.ndarray) else len(buffer)
        known[number] = entry_head(dtype, array.shape), entry_tail(size), size, shapes[number]
        kinds[number] = number
    described = list(map(known.__getitem__, kinds))
    plan.heads = [item[0] for item in described]
    plan.tails = [item[1] for item in described]
    plan.sizes = [item[2] for item in described]
    plan.kinds = dtypes, [item[3] for item in described]  # one shape object for all values that are alike
    plan.scalars = [number for number, shape in enumerate(plan.kinds[1]) if not shape]


def _lay_out_again(tensors: Mapping[str, Any], plan: Plan) -> Layout | None:
    """The layout of tensors with the same names, dtypes and shapes as last time; None if they differ."""
    dtypes, shapes = plan.kinds
    try:
        alike = list(tensors) == plan.names and list(map(_dtype_of, tensors.values())) == dtypes
        if not alike or list(map(_shape_of, tensors.values())) != shapes:
            return None
    except AttributeError:  # of something that is neither an array nor a number of NumPy's
        return None
    layout = Layout(plan, list(tensors.values()), [None] * len(plan.keys))
    for number in plan.scalars:
        layout.buffers[number] = np.asarray(layout.buffers[number])
    for number in plan.others:
        name = plan.names[number]
        dtype, array = as_value(layout.buffers[number], name)
        layout.buffers[number], layout.crcs[number] = _bytes_of_value(dtype, array, name, False)
        if dtype.kind == "S" and len(layout.buffers[number]) != plan.sizes[number]:
            return None
    return layout


def _simple_dtype(np_dtype: np.dtype[Any]) -> DType | None:
    """The dtype of arrays whose memory is already what the file holds, None for others."""
    try:
        dtype = of_numpy(np_dtype)
    except TypeError:
        return None
    return dtype if payload.is_plain(dtype) and np_dtype.isnative else None


def _bytes_of_value(dtype: DType, array: Array | Flow, name: str, big_endian: bool) -> tuple[Any, int | None]:
    """The bytes of a value, and its checksum if that is not simply the bytes' own; those of a ``Stream`` are to come."""
    if isinstance(array, Numbers | Texts):
        return streams.of_flow(array, name, big_endian), None
    if payload.is_plain(dtype):
        if not big_endian:
            return array, None
        return (payload.swapped(array) if array.nbytes < LARGE else streams.swapped(array, name)), None
    text = dtype.kind == "S"
    if streams.is_large(array):
        stream = streams.strings(array, name, big_endian) if text else streams.variants(array, name)
        if len(stream) >= LARGE:
            return stream, None
        return b"".join(stream.pieces()), stream.crc
    return payload.encode_strings(array, name, big_endian) if text else payload.encode_variants(array, name)


def _add(layout: Layout, key: bytes, name: str, dtype: DType, array: Array | Flow, big_endian: bool) -> None:
    plan = layout.plan
    buffer, crc = _bytes_of_value(dtype, array, name, big_endian)
    size = buffer.nbytes if isinstance(buffer, np.ndarray) else len(buffer)
    if crc is not None:
        plan.others.append(len(plan.keys))
    layout.crcs.append(crc)
    layout.buffers.append(buffer)
    plan.keys.append(key)
    plan.heads.append(entry_head(dtype, array.shape))
    plan.tails.append(entry_tail(size))
    plan.sizes.append(size)


def _add_pieces(layout: Layout, key: bytes, name: str, value: Partitioned, big_endian: bool) -> None:
    shape = tuple(int(n) for n in value.shape)
    listed: list[tuple[Extent, ...]] = []
    found: DType | None = None
    for extents, piece in value.pieces:
        dtype, array = source_of(piece, name)
        part = tuple(n if e is None else e[1] for e, n in zip(extents, shape, strict=False))
        inside = len(extents) == len(shape) and all(
            e is None or (0 <= e[0] and e[1] > 0 and sum(e) <= n) for e, n in zip(extents, shape, strict=True)
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
            _add(layout, key, name, dtype, array, big_endian)
            return
        listed.append(tuple(extents))
        _add(layout, slice_key(key, tuple(extents)), name, dtype, array, big_endian)
    if found is None:
        raise InvalidArgumentError(f"write: the partitioned tensor {name!r} has no pieces.")
    entry = Entry(found, shape, slices=tuple(listed))
    layout.plan.partitioned.update(join_partitioned([layout.plan.partitioned, {key: entry}]))


def _check_keys(plan: Plan) -> None:
    every = {*plan.keys, *plan.partitioned}
    if b"" in every:
        raise InvalidArgumentError("write: the empty key is taken by the header of the file.")
    if len(every) < len(plan.keys) + len(plan.partitioned):
        (key, _), *_ = Counter((*plan.partitioned, *plan.keys)).most_common(1)
        raise AlreadyExistsError(f"write: {what_is_at(key, plan.partitioned)} comes twice.")


def what_is_at(key: bytes, partitioned: Mapping[bytes, Entry]) -> str:
    """A key as people know it: of a piece, that is the tensor's and its extents."""
    for name, entry in partitioned.items():
        for extents in entry.slices:
            if slice_key(name, extents) == key:
                return f"the piece {slice_text(extents)} of {text_of(name)!r}"
    return f"the key {text_of(key)!r}"


def check_partitioned(partitioned: Mapping[bytes, Entry], doing: str = "write") -> None:
    """Raises InvalidArgumentError for a partitioned tensor of which two pieces overlap."""
    for key, entry in partitioned.items():
        check_pieces(text_of(key), entry.slices, entry.shape, doing)


def check_shards(layouts: Sequence[Layout]) -> None:
    """Raises InvalidArgumentError for a partitioned tensor whose pieces, in any of the data files, overlap or do not fit."""
    check_partitioned(join_partitioned([layout.plan.partitioned for layout in layouts]))


def write_data(disk: Disk, layout: Layout, durable: bool, handle: int) -> None:
    """Writes all values to an open file, which is synced then if ``durable``, and notes their checksums in the layout."""
    offset, total = 0, sum(layout.plan.sizes)
    if total >= ROOM:
        disk.reserve(handle, total)
    large: list[tuple[int, spans.Placed]] = []
    own = [(number, layout.crcs[number]) for number in layout.plan.others if layout.crcs[number] is not None]
    streamed = {number for number, buffer in enumerate(layout.buffers) if type(buffer) is streams.Stream}
    layout.plan.runs = layout.plan.runs or list(_runs(layout.plan.sizes, streamed))
    for first, stop, alone in layout.plan.runs:
        run = layout.buffers[first:stop]
        if alone:
            buffer = run[0]
            if isinstance(buffer, streams.Stream):
                _write_stream(disk, handle, buffer, offset, durable)
                own.append((first, buffer.crc))
            else:
                large.append((first, (offset, bytes_view(buffer) if isinstance(buffer, np.ndarray) else memoryview(buffer))))
            offset += layout.plan.sizes[first]
            continue
        try:
            blob = b"".join(run)
        except (TypeError, ValueError):  # an array whose memory is not in row order
            run = [np.asarray(item, order="C") if isinstance(item, np.ndarray) else item for item in run]
            blob = b"".join(run)
        layout.crcs[first:stop] = map(crc32c, _pieces(blob, layout.plan.sizes[first:stop]) or run)
        offset = write_fully(disk, handle, blob, offset)
    crcs = spans.write(disk, handle, [placed for _, placed in large], durable)
    for (number, _), crc in zip(large, crcs, strict=True):
        layout.crcs[number] = crc
    for number, crc in own:
        layout.crcs[number] = crc


def _write_stream(disk: Disk, handle: int, stream: streams.Stream, offset: int, durable: bool) -> None:
    begun = at = offset
    for piece in stream.pieces():
        at = write_fully(disk, handle, piece, at)
        if durable and at - begun >= spans.SPAN:
            disk.begin_sync(handle, begun, at - begun)
            begun = at


def _pieces(blob: bytes, sizes: list[int]) -> list[bytes] | None:
    """The values in a blob of values of one size: looking at bytes is faster than looking at as many small arrays.

    The last one may have another size, as the object graph has that is saved behind a model's variables. None for others.
    """
    size, count = sizes[0], len(sizes) - 1
    if not size or sizes[:count].count(size) < count:
        return None
    stop = size * count
    return [*np.frombuffer(blob, f"V{size}", count).tolist(), blob[stop:]]


def _runs(sizes: Sequence[int], streamed: Set[int] = frozenset()) -> Iterator[tuple[int, int, bool]]:
    """Runs of values to be written together: (first, stop, True if it is one value that is large or ``streamed``)."""
    first = size = 0
    for number, length in enumerate(sizes):
        alone = length >= LARGE or number in streamed
        if number > first and (alone or size + length > BLOB):
            yield first, number, False
            first, size = number, 0
        if alone:
            yield number, number + 1, True
            first = number + 1
        else:
            size += length
    if first < len(sizes):
        yield first, len(sizes), False


def masked_crcs(layouts: Sequence[Layout]) -> bytes:
    """The checksums of all values as they stand in the index, data file by data file."""
    return mask_all([crc for layout in layouts for crc in layout.crcs]).astype("<u4").tobytes()


def entries_of(layouts: Sequence[Layout]) -> dict[bytes, bytes]:
    """The index records of data files number 0, 1, ... Raises AlreadyExistsError for a key that is in two of them."""
    out: dict[bytes, bytes] = {}
    packed = masked_crcs(layouts)
    at = wanted = 0
    for shard, layout in enumerate(layouts):
        plan = layout.plan
        middle = b"\x18" + varint(shard) if shard else b""
        offset = 0
        for key, head, tail, size in zip(plan.keys, plan.heads, plan.tails, plan.sizes, strict=True):
            if offset < 16384 or middle:
                place = b"%b\x20%b" % (middle, varint(offset)) if offset else middle
            elif offset < 2097152:
                place = bytes((0x20, offset & 127 | 128, offset >> 7 & 127 | 128, offset >> 14))
            else:
                place = b"\x20" + varint(offset)
            stop = at + 4
            out[key] = head + place + tail + packed[at:stop]
            at = stop
            offset += size
        wanted += len(plan.keys)
        if len(out) < wanted:
            raise AlreadyExistsError(f"write: a key of data file {shard} is in an earlier one, too.")
    partitioned = join_partitioned(
        [
            {key: entry._replace(shard=shard) for key, entry in layout.plan.partitioned.items()}
            for shard, layout in enumerate(layouts)
        ]
    )
    both = out.keys() & partitioned.keys()
    if both:
        raise AlreadyExistsError(f"write: the key {min(both)!r} comes whole and in pieces.")
    out.update((key, encode_entry(entry)) for key, entry in partitioned.items())
    return out


def join_partitioned(parts: Sequence[Mapping[bytes, Entry]]) -> dict[bytes, Entry]:
    """The entries of partitioned tensors whose pieces are spread over data files: the slices of all, in order.

    TensorFlow notes in each the data file in which it was first seen, though nothing of it is there.

    Raises InvalidArgumentError if two parts disagree about dtype or shape.
    """
    out: dict[bytes, Entry] = {}
    for part in parts:
        for key, entry in part.items():
            before = out.get(key)
            if before is None:
                out[key] = entry
                continue
            if before.dtype is not entry.dtype or before.shape != entry.shape:
                raise InvalidArgumentError(
                    f"the pieces of {text_of(key)!r} are of {before.dtype.name} {before.shape} and of {entry.dtype.name} "
                    f"{entry.shape}."
                )
            out[key] = before._replace(slices=before.slices + entry.slices)
    return out
