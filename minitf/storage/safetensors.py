"""Checkpoints as ``prefix.safetensors``: a JSON header, then all values, one behind the other.

::

    u64 n | n bytes of JSON {key: {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...} | values

What the format has no dtype for is carried as bytes, see ``carried``; the notes and a checksum of every value (the format has
none of its own) are the metadata entry ``minitf``. The files are what the package of the same name reads and writes.
"""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, ClassVar

import numpy as np
from crc32c import crc32c

from minitf.core import dtypes
from minitf.core.dtypes import DType
from minitf.core.spec import total_size
from minitf.errors import DataLossError, InvalidArgumentError, UnimplementedError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import spans
from minitf.storage.carried import (
    CarriedReader,
    Note,
    Stored,
    Wanted,
    carry,
    check_complete,
    checksum,
    crc_of,
    decode_notes,
    encode_notes,
)
from minitf.storage.files import Disk, read_fully, typed, write_fully
from minitf.storage.filling import PIECE, fill_numbers, fill_strings, lengths_of, straight
from minitf.storage.keys import is_text
from minitf.storage.same_file import SameFile
from minitf.storage.single_file import SingleFile
from minitf.storage.values import Array, bytes_view, has_array

METADATA = "__metadata__"
HEADER_LIMIT = 100_000_000  # the package's own

NAMES: dict[DType, str] = {
    dtypes.bool: "BOOL", dtypes.uint8: "U8", dtypes.int8: "I8", dtypes.int16: "I16", dtypes.uint16: "U16", dtypes.int32: "I32",
    dtypes.uint32: "U32", dtypes.int64: "I64", dtypes.uint64: "U64", dtypes.float16: "F16", dtypes.bfloat16: "BF16",
    dtypes.float32: "F32", dtypes.float64: "F64", dtypes.float8_e5m2: "F8_E5M2", dtypes.float8_e4m3fn: "F8_E4M3",
}  # fmt: skip
_DTYPES = {name: dtype for dtype, name in NAMES.items()} | {
    "C64": dtypes.complex64, "F8_E4M3FNUZ": dtypes.float8_e4m3fnuz, "F8_E5M2FNUZ": dtypes.float8_e5m2fnuz,
}  # fmt: skip


class Safetensors(SingleFile):
    """The safetensors format as a ``Storage``."""

    name = "safetensors"
    suffix = ".safetensors"

    def _prepare(self, tensors: Mapping[str, Any]) -> tuple[bytes, list[Stored]]:
        notes: dict[str, Note] = {}
        crcs: dict[str, int] = {}
        header: dict[str, Any] = {METADATA: {"written_by": "minitf"}}
        values = []
        end = 0
        for key, value in tensors.items():
            if key == METADATA:
                raise InvalidArgumentError(f"write: the key {key!r} is taken by the format.")
            dtype, stored, note = carry(value, key, NAMES.__contains__)
            if note is not None:
                dtype, notes[key] = dtypes.uint8, note
            size = total_size(stored.shape) * dtype.size
            crcs[key] = checksum(crc_of(stored), NAMES[dtype], stored.shape, note)
            header[key] = {"dtype": NAMES[dtype], "shape": list(stored.shape), "data_offsets": [end, end + size]}
            end += size
            values.append(stored)
        header[METADATA]["minitf"] = encode_notes(notes, crcs)
        try:
            text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(f"write: a key is not Unicode text, which safetensors demands: {error}.") from None
        text += b" " * (-len(text) % 8)
        if len(text) > HEADER_LIMIT:
            raise InvalidArgumentError(
                f"write: the list of {len(values)} values has {len(text)} bytes; safetensors takes {HEADER_LIMIT} at most. "
                "Use the V2 format, or shorter keys."
            )
        return len(text).to_bytes(8, "little") + text, values

    def _fill(self, handle: int, prepared: tuple[bytes, list[Stored]]) -> None:
        header, values = prepared
        offset = write_fully(self._disk, handle, header, 0)
        for stored in values:
            for piece in stored.pieces():
                offset = write_fully(self._disk, handle, piece, offset)

    def _reader(self, path: str) -> CarriedReader:
        return CarriedReader(_File(self._disk, path))


def open_torn(prefix: str, disk: Disk = ANYWHERE) -> CarriedReader:
    """Opens a file that was cut off behind its list of values; reading what was cut off is a DataLossError.

    Raises NotFoundError, and DataLossError for other damage.
    """
    return _Torn(disk=disk).open(prefix)


class _Torn(Safetensors):
    def _reader(self, path: str) -> CarriedReader:
        return CarriedReader(_TornFile(self._disk, path))


class _File:
    whole: ClassVar[bool] = True  # every value must lie inside

    def __init__(self, disk: Disk, path: str):
        self.source = path
        self.notes: dict[str, Note] = {}
        self._crcs: dict[str, int] = {}
        self._strange: dict[str, str] = {}  # dtypes that TensorFlow has not, by key
        self._disk = disk
        self._file = SameFile(disk, path)
        with self._file.opened() as handle:
            size = disk.size(handle)
            length = int.from_bytes(self._bytes(handle, 0, 8 if size >= 8 else 0), "little")
            if size < 8 or length > min(size - 8, HEADER_LIMIT):
                raise DataLossError(f"{path}: not a safetensors file: a header of {length} bytes in a file of {size}.")
            text = self._bytes(handle, 8, length)
        self._start = 8 + length
        self._entries = self._parse(bytes(text), size - self._start)

    def _bytes(self, handle: int, offset: int, size: int) -> bytearray:
        data = bytearray(size)
        if read_fully(self._disk, handle, memoryview(data), offset) < size:
            raise DataLossError(f"{self.source}: the file became shorter while it was being read.")
        return data

    def _parse(self, text: bytes, size: int) -> dict[str, tuple[DType, tuple[int, ...], int, int]]:
        try:
            header = json.loads(text.decode("utf-8"), object_pairs_hook=_no_twins)
            metadata = header.pop(METADATA, {})
            notes = metadata.get("minitf", "" if metadata.get("written_by") == "minitf" else None)
            if notes is None:  # minitf writes no dtypes that it does not know; other programs may
                told = {key: entry["dtype"] for key, entry in header.items()}
                self._strange = {key: name for key, name in told.items() if isinstance(name, str) and name not in _DTYPES}
            found = {key: self._entry(key, entry, size) for key, entry in header.items() if key not in self._strange}
            _check_keys(header)
            _check_apart(found)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DataLossError(f"{self.source}: the header is damaged: {error}.") from None
        if notes is not None:
            self.notes, self._crcs = decode_notes(str(notes), self.source)
            check_complete(self._crcs, found, self.source)
        return found

    def _entry(self, key: str, entry: Any, size: int) -> tuple[DType, tuple[int, ...], int, int]:
        dtype = _DTYPES.get(entry["dtype"])
        if dtype is None:
            raise ValueError(f"dtype {entry['dtype']!r} of {key!r} is not known")
        shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
        inside = all(type(n) is int and n >= 0 for n in (*shape, begin, end)) and (end <= size or not self.whole)
        if not inside or not has_array(shape, dtype.size):
            raise ValueError(f"{key!r} is no array inside the file")
        if end - begin != total_size(shape) * dtype.size:
            raise ValueError(f"{key!r} has {end - begin} bytes, {dtype.name} {shape} has {total_size(shape) * dtype.size}")
        return dtype, shape, begin, end

    def names(self) -> Iterable[str]:
        """All keys."""
        return [*self._entries, *self._strange]

    def described(self, key: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """NumPy dtype and shape as stored."""
        dtype, shape, _, _ = self._known(key)
        return dtype.np, shape

    def _known(self, key: str) -> tuple[DType, tuple[int, ...], int, int]:
        if key in self._strange:
            raise UnimplementedError(f"{self.source}: key {key!r}: TensorFlow has no dtype {self._strange[key]!r}.")
        return self._entries[key]

    def load(self, keys: Sequence[str]) -> list[Array]:
        """Values as stored, new, and verified if the file has checksums."""
        entries = [self._known(key) for key in keys]
        with self._file.opened() as handle:
            self._check_inside(handle, keys)
            arrays = [np.empty(shape, dtype.np) for dtype, shape, _, _ in entries]
            self._read(handle, keys, [bytes_view(array) for array in arrays])
        return arrays

    @contextmanager
    def over(self, values: Sequence[Wanted]) -> Iterator[Callable[[], None]]:
        """Verifies values, if the file has checksums, and gives a function that reads them to where their parts go."""
        keys = [value.key for value in values]
        at_once: list[tuple[str, Array]] = []
        others: list[Wanted] = []
        for value in values:
            array = straight(value.shape, value.parts)
            if array is None or array.dtype == object:
                others.append(value)
            else:
                at_once.append((value.key, array))
        with ExitStack() as stack:
            with self._file.kept_open(stack) as handle:
                self._check_inside(handle, keys)
                if self._crcs:
                    entries = [self._entries[key] for key in keys]
                    pieces = [(self._start + begin, end - begin) for _, _, begin, end in entries]
                    self._check_crcs(keys, spans.check(self._disk, handle, pieces, self.source))
                for value in others:
                    if value.dtype == object:
                        deque(self._lengths(handle, value), 0)

            def read() -> None:
                with typed("read", self.source):
                    self._read(handle, [key for key, _ in at_once], [bytes_view(array) for _, array in at_once])
                    for value in others:
                        self._read_pieces(handle, value)

            yield read

    def bytes_of(self, key: str) -> Callable[[], Iterator[memoryview]]:
        """Makes the bytes of a value as stored, in pieces, verified at the end if the file has checksums."""
        return partial(self._pieces, key)

    def _pieces(self, key: str) -> Iterator[memoryview]:
        with self._file.opened() as handle:
            self._check_inside(handle, [key])
            stream = self._stream(handle, key)
            room = memoryview(bytearray(PIECE))
            for start in range(0, stream.size, PIECE):
                here = room[: stream.size - start]
                stream.fetch(here)
                yield here
            self._check_crcs([key], [stream.crc])

    def _read_pieces(self, handle: int, value: Wanted) -> None:
        stream = self._stream(handle, value.key)
        if value.dtype == object:
            fill_strings(value.elements(), self._lengths(handle, value), total_size(value.shape), stream.fetch)
        else:
            fill_numbers(value.elements(), stream.size, stream.fetch)
        self._check_crcs([value.key], [stream.crc])

    def _lengths(self, handle: int, value: Wanted) -> Iterator[Array]:
        stream = self._stream(handle, value.key)
        return lengths_of(stream.fetch, total_size(value.shape), stream.size, f"{self.source}: key {value.key!r}")

    def _stream(self, handle: int, key: str) -> _Stream:
        _, _, begin, end = self._entries[key]
        return _Stream(self._disk, handle, self._start + begin, end - begin, f"{self.source}: key {key!r}")

    def _check_inside(self, handle: int, keys: Sequence[str]) -> None:
        size = self._disk.size(handle)
        for key in keys:
            end = self._start + self._entries[key][3]
            if end > size:
                raise DataLossError(
                    f"{self.source}: key {key!r}: the value ends at byte {end}, and the file has {size}: it was cut off."
                )

    def _read(self, handle: int, keys: Sequence[str], views: Sequence[memoryview]) -> None:
        wanted = [(self._start + self._entries[key][2], view) for key, view in zip(keys, views, strict=True)]
        self._check_crcs(keys, spans.read(self._disk, handle, wanted, self.source))

    def _check_crcs(self, keys: Sequence[str], crcs: Sequence[int]) -> None:
        for key, crc in zip(keys, crcs, strict=True):
            dtype, shape, _, _ = self._entries[key]
            if self._crcs and self._crcs[key] != checksum(crc, NAMES.get(dtype, ""), shape, self.notes.get(key)):
                raise DataLossError(f"{self.source}: key {key!r}: checksum does not match.")


class _Stream:
    """The bytes of a value, one after the other, and the checksum of those that were fetched."""

    def __init__(self, disk: Disk, handle: int, begin: int, size: int, where: str):
        self._disk = disk
        self._handle = handle
        self._at = begin
        self.size = size
        self.crc = 0
        self._where = where

    def fetch(self, room: memoryview) -> None:
        """The next bytes. Raises DataLossError if the file has not so many."""
        if read_fully(self._disk, self._handle, room, self._at) < len(room):
            raise DataLossError(f"{self._where}: the file became shorter while it was being read.")
        self._at += len(room)
        self.crc = crc32c(room, self.crc)


class _TornFile(_File):
    whole = False


def _check_keys(keys: Iterable[str]) -> None:
    """JSON can say what is no text: half of a pair of surrogates."""
    strange = next((key for key in keys if not is_text(key)), None)
    if strange is not None:
        raise ValueError(f"the key {strange!r} is no Unicode text")


def _check_apart(entries: Mapping[str, tuple[DType, tuple[int, ...], int, int]]) -> None:
    """Values that share bytes could make a small file fill the memory."""
    places = sorted((begin, end, key) for key, (_, _, begin, end) in entries.items() if begin < end)
    for (_, end, key), (begin, _, other) in itertools.pairwise(places):
        if begin < end:
            raise ValueError(f"{key!r} and {other!r} overlap")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found
