"""Checkpoints as ``prefix.npz``: a zip archive with a ``.npy`` file a value, which ``numpy.load`` reads.

What NumPy has no type for (strings, bfloat16, quantised kinds ...) is carried as bytes, see ``carried``; the notes are the
value ``__minitf__``. Nothing is pickled. Archives made by ``numpy.savez`` are read, too, object arrays excepted.
"""

from __future__ import annotations

import contextlib
import io
import threading
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from crc32c import crc32c

from minitf.core.dtypes import of_numpy
from minitf.core.locks import left_open
from minitf.core.spec import total_size
from minitf.errors import DataLossError, InvalidArgumentError, OpError, UnimplementedError
from minitf.storage.carried import (
    CarriedReader,
    Note,
    carry,
    check_complete,
    checksum,
    decode_notes,
    encode_notes,
    is_native,
    whole_value,
)
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk, typed
from minitf.storage.keys import is_text
from minitf.storage.same_file import SameFile
from minitf.storage.single_file import SingleFile
from minitf.storage.values import Array, bytes_view

NOTES = "__minitf__"
COMMENT = b"minitf"  # of the archive: says that there must be notes
HEADER_LIMIT = 1 << 16
PIECE = 1 << 20  # bytes of a member that are in memory at a time
LONGEST_KEY = (1 << 16) - 1 - len(".npy")  # bytes: a zip archive counts those of a name in two bytes
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    OverflowError,
    SyntaxError,
)


Room = Callable[[np.dtype[Any], tuple[int, ...], bool], memoryview | None]


class _Foreign(Exception):
    """A sound array of another program that no tensor can hold."""


class Npz(SingleFile):
    """NumPy's archive as a ``Storage``."""

    name = "npz"
    suffix = ".npz"

    def _prepare(self, tensors: Mapping[str, Any]) -> list[tuple[str, Array]]:
        notes: dict[str, Note] = {}
        crcs: dict[str, int] = {}
        out = []
        for key, value in tensors.items():
            problem = _problem_with(key)
            if problem is not None:
                shown = f"{key[:80]!r}{'...' * (len(key) > 80)}"
                raise InvalidArgumentError(f"write: {shown} cannot be a key in an npz archive: {problem}.")
            dtype, array = whole_value(value, key)
            if not is_native(dtype):
                array, notes[key] = carry(dtype, array, key)
            array = np.asarray(array, order="C")
            crcs[key] = checksum(crc32c(bytes_view(array)), array.dtype.str, array.shape, notes.get(key))
            out.append((key, array))
        text = np.frombuffer(encode_notes(notes, crcs).encode(), np.uint8)
        return [*out, (NOTES, text)]

    def _fill(self, handle: int, prepared: list[tuple[str, Array]]) -> None:
        with FileView(self._disk, handle, writing=True) as raw:
            archive = zipfile.ZipFile(raw, "w", allowZip64=True)
            try:
                archive.comment = COMMENT
                for key, array in prepared:
                    _add(archive, key, array)
                archive.close()
            except BaseException:
                archive.fp = None  # else it would write its end when nobody has it any more, and hide the error
                raise

    def _reader(self, path: str) -> CarriedReader:
        return CarriedReader(_Archive(self._disk, path))


def _problem_with(key: str) -> str | None:
    """Why no file in an archive can have the name of this key."""
    if key == NOTES:
        return "the name is taken by the notes of minitf"
    if not key or "\0" in key:
        return "a name in a zip archive has a sign at least, and no NUL"
    if not is_text(key):
        return "it is not Unicode text"
    size = len(key.encode())
    return f"it has {size} bytes, and may have {LONGEST_KEY}" if size > LONGEST_KEY else None


def _add(archive: zipfile.ZipFile, key: str, array: Array) -> None:
    info = zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0))  # the same bytes each time
    with archive.open(info, "w", force_zip64=True) as member:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
        member.write(header.getvalue())
        view = bytes_view(np.asarray(array, order="C"))
        for start in range(0, len(view), 1 << 22):
            member.write(view[start : start + (1 << 22)])


class _Archive:
    """An archive whose list of members is read once; the file is open only inside ``with self._opened()``."""

    def __init__(self, disk: Disk, path: str):
        self.source = path
        self.notes: dict[str, Note] = {}
        self._crcs: dict[str, int] | None = None
        self._lock = left_open(threading.Lock())
        self._file = SameFile(disk, path)
        self._view = FileView(disk)
        self._archive: zipfile.ZipFile | None = None
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._headers: dict[str, tuple[np.dtype[Any], tuple[int, ...], bool]] = {}
        with self._opened() as archive:
            length = disk.size(self._view.handle)
            room = length  # each value has bytes of its own
            for info in archive.infolist():
                room -= info.compress_size
                self._check(info, room)
                key = info.filename.removesuffix(".npy")
                if key in self._members:
                    raise DataLossError(f"{path}: key {key!r} comes twice.")
                self._members[key] = info
            if NOTES in self._members:
                self.notes, self._crcs = decode_notes(self._load(archive, NOTES).tobytes(), path)
                del self._members[NOTES]
                check_complete(self._crcs, self._members, path)
            elif archive.comment == COMMENT:  # the archive's directory has no checksum
                raise DataLossError(f"{path}: the notes of minitf in it are missing.")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        """The archive with its file opened, for one thread at a time; closes it at the end."""
        with contextlib.ExitStack() as stack, self._kept_open(stack) as archive:
            yield archive

    @contextlib.contextmanager
    def _kept_open(self, stack: contextlib.ExitStack) -> Iterator[zipfile.ZipFile]:
        """``_opened``, but the file, which is the view's, is closed when ``stack`` ends."""
        with self._lock, self._file.kept_open(stack) as self._view.handle:
            if self._archive is None:
                self._archive = self._directory()
            yield self._archive

    def _directory(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(io.BufferedReader(self._view))
        except _DAMAGE as error:
            if self._view.error is not None:
                raise self._view.error from None
            raise DataLossError(f"{self.source}: not an npz archive: {error}.") from None
        if self._view.error is not None:  # zipfile goes on without the part that it could not look at
            archive.close()
            raise self._view.error
        return archive

    def _check(self, info: zipfile.ZipInfo, room: int) -> None:
        """The sizes in the archive's directory are only believed as far as the bytes can hold them."""
        if room < 0 or info.file_size > 1032 * info.compress_size + 64:
            raise DataLossError(f"{self.source}: {info.filename!r} claims {info.file_size} bytes, which it cannot have.")

    def _member(self, key: str) -> zipfile.ZipInfo:
        """Raises UnimplementedError for what NumPy does not write: of LZMA, a few bytes would say how much memory it takes."""
        info = self._members[key]
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            known = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}
            kind = known.get(info.compress_type, f"method {info.compress_type}")
            raise UnimplementedError(f"{self.source}: key {key!r} is compressed with {kind}, which NumPy does not use.")
        return info

    def names(self) -> Iterable[str]:
        """All keys."""
        return self._members

    def described(self, key: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """NumPy dtype and shape as stored. Raises UnimplementedError if no tensor can hold it, DataLossError."""
        if key not in self._headers:
            with self._opened() as archive:
                self._header(archive, key)
                for name in self._members:  # the others will be asked for as well
                    with contextlib.suppress(OpError):  # said then
                        self._header(archive, name)
        dtype, shape, _ = self._headers[key]
        with self._told(key):
            _check_dtype(dtype)
        return dtype, shape

    def _header(self, archive: zipfile.ZipFile, key: str) -> None:
        if key not in self._headers:
            with self._told(key):
                with archive.open(self._member(key)) as member:
                    start = io.BytesIO(member.read(HEADER_LIMIT))
                self._headers[key] = _parse_header(start)

    @contextlib.contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Turns what zip and NumPy raise into errors that name file and key."""
        try:
            yield
        except _Foreign as error:
            ours = self._crcs is not None or key == NOTES  # minitf writes no such arrays
            kind = DataLossError if ours else UnimplementedError
            raise kind(f"{self.source}: key {key!r}: {error}.") from None
        except _DAMAGE as error:
            raise DataLossError(f"{self.source}: key {key!r}: {error}.") from None

    def load(self, keys: Sequence[str]) -> list[Array]:
        """Values as stored, new and verified."""
        with self._opened() as archive:
            return [self._load(archive, key) for key in keys]

    def in_rows(self, key: str) -> bool:
        """True unless it is an array of another program that stands column by column."""
        self.described(key)
        return not self._headers[key][2]

    @contextlib.contextmanager
    def over(self, keys: Sequence[str], places: Sequence[memoryview]) -> Iterator[Callable[[], None]]:
        """Verifies values, and gives a function that reads them into these places."""
        with contextlib.ExitStack() as stack:
            with self._kept_open(stack) as archive:
                handle = self._view.handle
                for key in keys:
                    self._read(archive, key, partial(_given, None))

            def read() -> None:
                with self._lock, typed("read", self.source):
                    self._view.handle = handle
                    for key, place in zip(keys, places, strict=True):
                        self._read(archive, key, partial(_given, place))

            yield read

    def _load(self, archive: zipfile.ZipFile, key: str) -> Array:
        found: list[Array] = []
        info = self._members[key]
        if info.file_size > 16 * info.compress_size + PIECE:  # it may not have what it claims
            self._read(archive, key, partial(_given, None))

        def room(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> memoryview:
            found.append(np.empty(shape, dtype, "F" if fortran else "C"))
            return bytes_view(found[0].T if fortran else found[0])

        self._read(archive, key, room)
        return np.asarray(found[0], order="C")

    def _read(self, archive: zipfile.ZipFile, key: str, room: Room) -> None:
        """Reads and verifies a value, piece by piece, into what ``room`` gives for dtype, shape and order; None: nowhere."""
        with self._told(key):
            info = self._member(key)
            with archive.open(info) as member:  # which verifies zip's own checksum at its end
                start = io.BytesIO(member.read(HEADER_LIMIT))
                dtype, shape, fortran = _parse_header(start)
                size = total_size(shape) * dtype.itemsize
                if info.file_size - start.tell() != size or not dtype.itemsize:
                    raise ValueError(f"{info.file_size} bytes are not those of an array {dtype} {shape}")
                place = room(dtype, shape, fortran)
                crc = at = 0
                piece = start.read()
                while piece:
                    crc = crc32c(piece, crc)
                    if place is not None:
                        place[at : at + len(piece)] = piece
                    at += len(piece)
                    piece = member.read(PIECE)
                if at < size:
                    raise EOFError(f"{at} of {size} bytes are there")
        if key != NOTES and self._crcs is not None and not fortran:
            if self._crcs[key] != checksum(crc, dtype.str, shape, self.notes.get(key)):
                raise DataLossError(f"{self.source}: key {key!r}: checksum does not match.")


def _given(place: memoryview | None, *_: Any) -> memoryview | None:
    """Room for a value wherever it is."""
    return place


def _check_dtype(dtype: np.dtype[Any]) -> None:
    try:
        of_numpy(dtype)
    except TypeError as error:
        raise _Foreign(str(error).rstrip(".")) from None


def _parse_header(data: io.BytesIO) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    version = np.lib.format.read_magic(data)
    if version == (3, 0):
        raise _Foreign("it is of npy version 3.0, which is for records with field names that are not ASCII")
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"npy version {version} is not known")
    try:
        shape, fortran, dtype = read(data)
    except (RecursionError, MemoryError, TypeError, tokenize.TokenError) as error:
        raise ValueError(f"damaged npy header: {error}") from None
    if dtype.hasobject:
        raise _Foreign("it is a pickled object, which is not loaded")
    if any(type(n) is not int for n in shape):
        raise ValueError(f"shape {shape} has sizes that are no numbers")
    if any(n < 0 for n in shape):  # to NumPy's reshape that would mean "whatever is left"
        raise ValueError(f"shape {shape} has a negative size")
    return dtype, shape, fortran
