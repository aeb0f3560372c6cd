"""What storages do whose format has fewer dtypes than TensorFlow's.

A value that the format cannot hold as it is, is carried as bytes, with a note that says what it is:

* numbers: uint8, with one more dimension for the bytes of an element (little-endian);
* strings and variants: uint8, flat: the length of every element as 8 bytes (little-endian), then the elements.

No value is copied to be written: its bytes are made in pieces, once for the checksum and once for the file.

The notes and the checksums of all values are one JSON text::

    {"minitf": 1, "tensors": {key: {"dtype": "string", "shape": [2]}}, "crc32c": {key: number}}
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
from crc32c import crc32c

from minitf.core.dtypes import DType, named, of_numpy
from minitf.core.spec import Spec, total_size
from minitf.errors import DataLossError, InvalidArgumentError, NotFoundError
from minitf.storage.bundle.block import Pieces
from minitf.storage.bundle.payload import SUB_BYTE, finish_numbers
from minitf.storage.filling import Bytes, Elements, Part, fetching, fill_strings, in_whole, lengths_of, whole
from minitf.storage.flows import LEAST, Cursor, Flow, Numbers, Texts, flow_of, in_memory, joined
from minitf.storage.regions import check_piece, check_pieces, cut, region_box
from minitf.storage.values import Array, Extent, Partitioned, Reading, Region, Typed, as_value, bytes_view, has_array

Note = dict[str, Any]
VERSION = 1


def whole_value(value: Any, key: str) -> tuple[DType, Array]:
    """Dtype and array of anything that can be written, pieces put together. Raises InvalidArgumentError."""
    if not isinstance(value, Partitioned):
        return as_value(value, key)
    flow = _flow(value, key)
    return flow.dtype, in_memory(flow)


class Stored(NamedTuple):
    """A value as a format writes it: NumPy dtype and shape, and its bytes in pieces, made anew each time."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    pieces: Callable[[], Iterable[memoryview | bytes]]


def carry(value: Any, key: str, holds: Callable[[DType], bool]) -> tuple[DType, Stored, Note | None]:
    """Dtype and bytes of anything that can be written, with a note if the format does not hold the dtype as it is.

    Raises InvalidArgumentError.
    """
    flow = _flow(value, key)
    dtype, shape = flow.dtype, flow.shape
    note = {"dtype": dtype.name, "shape": list(shape)}
    if isinstance(flow, Texts):
        return dtype, _strings(flow), note
    numbers = flow.pieces
    pieces = lambda: map(bytes_view, numbers())  # noqa: E731
    if holds(dtype):
        return dtype, Stored(dtype.np, shape, pieces), None
    return dtype, Stored(np.dtype(np.uint8), (*shape, dtype.size), pieces), note


def _flow(value: Any, key: str) -> Flow:
    """Anything that can be written, pieces put together. Raises InvalidArgumentError."""
    if not isinstance(value, Partitioned):
        return flow_of(value, key)
    shape = tuple(value.shape)
    parts = [(tuple(extents), flow_of(piece, key)) for extents, piece in value.pieces]
    for extents, part in parts:
        check_piece(key, shape, extents, part.shape)
    if not parts:
        raise InvalidArgumentError(f"write: the partitioned tensor {key!r} has no pieces.")
    check_pieces(key, [extents for extents, _ in parts], shape)
    return joined(shape, parts, f"write: {key!r}")


def _strings(flow: Texts) -> Stored:
    size = 8 * total_size(flow.shape) + sum(int(some.sum()) for some in flow.lengths())

    def made() -> Iterator[memoryview | bytes]:
        for some in flow.lengths():
            yield some.astype("<u8").tobytes()
        yield from (memoryview(piece) for piece in flow.text())

    pieces = Pieces(size, made)
    return Stored(np.dtype(np.uint8), (size,), lambda: pieces)


def crc_of(stored: Stored) -> int:
    """CRC-32C of the bytes of a value."""
    crc = 0
    for piece in stored.pieces():
        crc = crc32c(piece, crc)
    return crc


def uncarry(stored: Array, note: Note, where: str) -> Array:
    """The value that ``carry`` made bytes of. Raises DataLossError if the note does not fit."""
    spec = note_spec(note, where)
    raw = np.ascontiguousarray(stored).ravel().view(np.uint8)
    assert spec.shape is not None
    shape = tuple(n or 0 for n in spec.shape)
    count = total_size(shape)
    if spec.dtype.kind not in "SV":
        if raw.size != count * spec.dtype.size:
            raise DataLossError(f"{where}: {raw.size} bytes stored; {spec} has {count * spec.dtype.size}.")
        return finish_numbers(raw.view(spec.dtype.np).reshape(shape).copy(), spec.dtype, False)
    data = memoryview(raw)  # type: ignore[arg-type]
    lengths = list(lengths_of(fetching(data), count, raw.size, where))
    array: Array = np.empty(shape, object)
    fill_strings(Elements(shape, array.dtype, whole(array)), iter(lengths), count, fetching(data))
    return array


def note_spec(note: Note, where: str) -> Spec:
    """Dtype and shape that a note tells. Raises DataLossError if it is none."""
    try:
        dtype, shape = named(note["dtype"]), note["shape"]
        if dtype is not None and dtype.is_numpy_compatible and all(type(n) is int and n >= 0 for n in shape):
            if has_array(shape, dtype.np.itemsize):
                return Spec(dtype, tuple(shape))
    except (TypeError, KeyError):
        pass
    raise DataLossError(f"{where}: the note {str(note)[:100]} describes no tensor.")


def is_native(dtype: DType) -> bool:
    """True if NumPy alone can say what the dtype is."""
    return dtype.is_numpy_compatible and dtype.kind not in "SVq" and dtype.np.isbuiltin == 1 and dtype.name not in SUB_BYTE


def checksum(crc: int, dtype: str, shape: Sequence[int], note: Note | None) -> int:
    """The checksum of a value: CRC-32C of its bytes, which is given, then of dtype, shape and note (JSON) as stored."""
    found: int = crc32c(json.dumps([dtype, list(shape), note]).encode(), crc)
    return found


def check_complete(crcs: Mapping[str, int], names: Iterable[str], source: str) -> None:
    """Raises DataLossError if the notes tell of other values than there are."""
    missing, more = crcs.keys() - set(names), set(names) - crcs.keys()
    if missing or more:
        problem = f"the value of {min(missing)!r} is missing" if missing else f"nothing is known of a value {min(more)!r}"
        raise DataLossError(f"{source}: {problem}.")


def encode_notes(notes: Mapping[str, Note], crcs: Mapping[str, int]) -> str:
    """The JSON text of notes and checksums."""
    return json.dumps({"minitf": VERSION, "tensors": notes, "crc32c": crcs}, ensure_ascii=True, separators=(",", ":"))


def decode_notes(text: str | bytes, source: str) -> tuple[dict[str, Note], dict[str, int]]:
    """Notes and checksums from their JSON text. Raises DataLossError for anything else."""
    try:
        found = json.loads(text)
        version, notes, crcs = found["minitf"], found["tensors"], found["crc32c"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        version = notes = crcs = None
    if type(version) is not int or not isinstance(notes, dict) or not isinstance(crcs, dict):
        raise DataLossError(f"{source}: the notes of minitf in it are damaged.")
    if version > VERSION:
        raise InvalidArgumentError(
            f"{source}: written by a newer minitf (notes of version {version}, this one reads {VERSION})."
        )
    return notes, crcs


class Arrays(Protocol):
    """What a format gives of its values; ``CarriedReader`` makes a ``Reader`` of it."""

    source: str
    notes: dict[str, Note]

    def names(self) -> Iterable[str]:
        """All keys."""

    def described(self, key: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """NumPy dtype and shape as stored. Raises UnimplementedError if no tensor can hold it, DataLossError."""

    def load(self, keys: Sequence[str]) -> list[Array]:
        """Values as stored, new and verified, row by row and in the machine's order of bytes."""

    def over(self, values: Sequence[Wanted]) -> AbstractContextManager[Callable[[], None]]:
        """Verifies values, and gives a function that reads them to where their parts go."""

    def bytes_of(self, key: str) -> Callable[[], Iterator[Bytes]] | None:
        """Makes the bytes of a value as stored, in pieces, verified at the end; None if they are not row by row."""


class Wanted(NamedTuple):
    """A value, NumPy dtype (object for strings that are carried) and shape of its elements, and where parts of it go."""

    key: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    parts: list[Part]

    def elements(self) -> Elements:
        """Takes the elements."""
        return Elements(self.shape, self.dtype, self.parts)


class CarriedReader:
    """A ``Reader`` over ``Arrays``."""

    def __init__(self, arrays: Arrays):
        self._arrays = arrays
        self.source = self.prefix = arrays.source
        self._keys = sorted(arrays.names(), key=lambda key: key.encode("utf-8", "surrogateescape"))
        self._known = frozenset(self._keys)

    def keys(self) -> list[str]:
        """All keys, sorted by their UTF-8 bytes."""
        return list(self._keys)

    def __contains__(self, key: object) -> bool:
        """True if there is such a key."""
        return key in self._known

    def _where(self, key: str) -> str:
        return f"{self.source}: key {key!r}"

    def spec(self, key: str) -> Spec:
        """Dtype and shape. Raises NotFoundError, DataLossError, UnimplementedError for an array that no tensor can hold."""
        if key not in self._known:
            raise NotFoundError(f"read: key {key!r} is not in checkpoint {self.source!r}, which has {len(self._keys)} keys.")
        note = self._arrays.notes.get(key)
        if note is not None:
            return note_spec(note, self._where(key))
        np_dtype, shape = self._arrays.described(key)
        return Spec(of_numpy(np_dtype), shape)

    def slices(self, key: str) -> list[tuple[Extent, ...]]:
        """None: these formats have no partitioned tensors."""
        self.spec(key)
        return []

    def read(self, key: str) -> Array:
        """The value as a new array. Raises NotFoundError, DataLossError."""
        value: Array = self.read_many([key])[0]
        return value

    def read_many(self, keys: Iterable[str]) -> list[Any]:
        """The values of many keys, in their order; all or an error."""
        wanted = list(keys)
        for key in wanted:
            self.spec(key)
        return [self._finished(key, stored) for key, stored in zip(wanted, self._arrays.load(wanted), strict=True)]

    def reading_over(self, keys: Sequence[str], spare: Sequence[Any]) -> AbstractContextManager[Reading]:
        """``BundleReader.reading_over``. What goes into spare memory is read twice: to verify it, and to fill the memory."""
        return self.reading_regions_over(keys, [None] * len(keys), spare)

    @contextmanager
    def reading_regions_over(
        self, keys: Sequence[str], regions: Sequence[Region | None], spare: Sequence[Any]
    ) -> Iterator[Reading]:
        """``reading_over`` of regions, (begin, size) each as in ``read_slice``; None for all of a value."""
        values: dict[str, Wanted] = {}
        taken = [
            array is not None and self._takes(key, region, array, values)
            for key, region, array in zip(keys, regions, spare, strict=True)
        ]
        rest = self._others([(key, region) for key, region, mine in zip(keys, regions, taken, strict=True) if not mine])
        with self._arrays.over(list(values.values())) as read:

            def fill() -> None:
                read()
                for key, array, mine in zip(keys, spare, taken, strict=True):
                    if mine and key in self._arrays.notes and array.dtype != object:
                        finish_numbers(array, self.spec(key).dtype, False)

            yield [array if mine else next(rest) for array, mine in zip(spare, taken, strict=True)], fill

    def _others(self, wanted: Sequence[tuple[str, Region | None]]) -> Iterator[Any]:
        """The values for which no memory is there."""
        found = iter(self.read_many([key for key, region in wanted if region is None]))
        return iter([next(found) if region is None else self.read_slice(key, *region) for key, region in wanted])

    def _takes(self, key: str, region: Region | None, array: Array, values: dict[str, Wanted]) -> bool:
        """Notes what goes into the array. False if it cannot take the value."""
        dtype, shape = self.spec(key).dtype, self._shape(key)
        wanted = region_box(key, shape, *(region or ((0,) * len(shape), shape)))
        if dtype.np != array.dtype or tuple(side.stop - side.start for side in wanted) != array.shape or not array.size:
            return False
        stored, stored_shape = self._arrays.described(key)
        if key in self._arrays.notes:
            if array.dtype != object and total_size(stored_shape) * stored.itemsize != total_size(shape) * dtype.size:
                return False  # which is said when it is read
            stored = dtype.np
        values.setdefault(key, Wanted(key, stored, shape, [])).parts.append((wanted, array))
        return True

    def _shape(self, key: str) -> tuple[int, ...]:
        shape = self.spec(key).shape
        assert shape is not None
        return tuple(n or 0 for n in shape)

    def _finished(self, key: str, stored: Array) -> Array:
        note = self._arrays.notes.get(key)
        return stored if note is None else uncarry(stored, note, self._where(key))

    def read_slice(self, key: str, begin: Sequence[int], size: Sequence[int], verify: bool = True) -> Array:
        """A region: ``size`` elements from ``begin`` on in each dimension; -1: up to the end. Raises InvalidArgumentError."""
        return cut(self.read(key), region_box(key, self._shape(key), begin, size))

    def large(self, key: str) -> Flow | None:
        """The value as a flow, if it is large; None for others. Raises as ``spec``."""
        spec, (stored, stored_shape) = self.spec(key), self._arrays.described(key)
        size, shape, note = total_size(stored_shape) * stored.itemsize, self._shape(key), self._arrays.notes.get(key)
        made = self._arrays.bytes_of(key) if size >= LEAST and stored.kind not in "SU" else None
        if made is None:
            return None
        if spec.dtype.kind in "SV":
            return carried_texts(spec.dtype, shape, size, made, self._where(key))
        if note is not None and size != total_size(shape) * spec.dtype.size:
            return None  # which is said when it is read
        return Numbers(spec.dtype, shape, partial(_elements, made, spec.dtype, stored if note is None else spec.dtype.np))

    def contents(self) -> list[list[tuple[str, Any]]]:
        """Everything, ready to be written by another storage; large values as flows."""
        flows = {key: self.large(key) for key in self._keys}
        small = [key for key, flow in flows.items() if flow is None]
        read = dict(zip(small, self.read_many(small), strict=True))
        out: list[tuple[str, Any]] = []
        for key, flow in flows.items():
            dtype = self.spec(key).dtype
            out.append((key, flow or (Typed(dtype, read[key]) if dtype.kind in "qV" else read[key])))
        return [out]


def carried_texts(
    dtype: DType, shape: tuple[int, ...], size: int, made: Callable[[], Iterator[Bytes]], where: str
) -> Texts:
    """Strings or variants that are carried as so many bytes."""

    def lengths() -> Iterator[Array]:
        return lengths_of(Cursor(made()).fetch, total_size(shape), size, where)

    def text() -> Iterator[Bytes]:
        deque(lengths(), 0)
        source = Cursor(made())
        source.skip(8 * total_size(shape))
        yield from source.take(size - 8 * total_size(shape))
        source.finish()

    return Texts(dtype, shape, lengths, text)


def _elements(made: Callable[[], Iterator[Bytes]], dtype: DType, stored: np.dtype[Any]) -> Iterator[Array]:
    for some in in_whole(made(), stored):
        found = some.astype(dtype.np)  # of its own, and in the machine's order of bytes
        yield finish_numbers(found, dtype, False)
