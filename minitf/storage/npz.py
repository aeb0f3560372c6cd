"""Checkpoints as ``prefix.npz``: a zip archive with a ``.npy`` file a value, which ``numpy.load`` reads.

What NumPy has no type for (strings, bfloat16, quantised kinds ...) is carried as bytes, see ``carried``; the notes are the
value ``__minitf__``. Nothing is pickled. Archives made by ``numpy.savez`` are read, too, object arrays excepted.
"""

from __future__ import annotations

import contextlib
import io
import threading
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import IO, Any

import numpy as np
from crc32c import crc32c

from minitf.core.locks import left_open
from minitf.core.spec import total_size
from minitf.errors import DataLossError, InvalidArgumentError, OpError, UnimplementedError
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
    is_native,
)
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk, typed
from minitf.storage.filling import PIECE, Bytes, Elements, fill_strings, lengths_of, whole
from minitf.storage.keys import is_text
from minitf.storage.npy import Foreign, check_dtype, encode_header, parse_header
from minitf.storage.same_file import SameFile
from minitf.storage.single_file import SingleFile
from minitf.storage.string_pieces import Fetch
from minitf.storage.values import Array

NOTES = "__minitf__"
COMMENT = b"minitf"  # of the archive: says that there must be notes
HEADER_LIMIT = 1 << 16
LONGEST_KEY = (1 << 16) - 1 - len(".npy")  # bytes: a zip archive counts those of a name in two bytes
_EMPTY = b"PK\5\6" + bytes(18)  # an archive
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


Put = Callable[[Bytes], None]  # takes the next bytes of a value
Room = Callable[[np.dtype[Any], tuple[int, ...], bool], Put]


class Npz(SingleFile):
    """NumPy's archive as a ``Storage``."""

    name = "npz"
    suffix = ".npz"

    def _prepare(self, tensors: Mapping[str, Any]) -> list[tuple[str, Stored]]:
        notes: dict[str, Note] = {}
        crcs: dict[str, int] = {}
        out = []
        for key, value in tensors.items():
            problem = _problem_with(key)
            if problem is not None:
                shown = f"{key[:80]!r}{'...' * (len(key) > 80)}"
                raise InvalidArgumentError(f"write: {shown} cannot be a key in an npz archive: {problem}.")
            _, stored, note = carry(value, key, is_native)
            if note is not None:
                notes[key] = note
            crcs[key] = checksum(crc_of(stored), stored.dtype.str, stored.shape, note)
            out.append((key, stored))
        text = encode_notes(notes, crcs).encode()
        return [*out, (NOTES, Stored(np.dtype(np.uint8), (len(text),), lambda: [text]))]

    def _fill(self, handle: int, prepared: list[tuple[str, Stored]]) -> None:
        with FileView(self._disk, handle, writing=True) as raw:
            archive = zipfile.ZipFile(raw, "w", allowZip64=True)
            try:
                archive.comment = COMMENT
                for key, stored in prepared:
                    _add(archive, key, stored)
                archive.close()
            except BaseException:
                archive.fp = None  # else it would write its end when nobody has it any more, and hide the error
                raise

    def _reader(self, path: str) -> CarriedReader:
        return CarriedReader(Archive(self._disk, path))


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


def _add(archive: zipfile.ZipFile, key: str, stored: Stored) -> None:
    info = zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0))  # the same bytes each time
    with archive.open(info, "w", force_zip64=True) as member:
        member.write(encode_header(stored.dtype, stored.shape))
        for piece in stored.pieces():
            view = memoryview(piece)
            for start in range(0, len(view), 1 << 22):
                member.write(view[start : start + (1 << 22)])


def members_in(view: FileView) -> zipfile.ZipFile:
    """An archive that opens members of the file of which somebody knows; its list of them is not looked at."""
    archive = zipfile.ZipFile(io.BytesIO(_EMPTY))
    archive.fp = io.BufferedReader(view)
    return archive


class Archive:
    """An archive whose list of members is read once; the file is open only inside ``with self._opened()``."""

    def __init__(self, disk: Disk, path: str):
        self.source = path
        self._disk = disk
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
            check_dtype(dtype)
        return dtype, shape

    def _header(self, archive: zipfile.ZipFile, key: str) -> None:
        if key not in self._headers:
            with self._told(key):
                with archive.open(self._member(key)) as member:
                    start = io.BytesIO(member.read(HEADER_LIMIT))
                self._headers[key] = parse_header(start)

    @contextlib.contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Turns what zip and NumPy raise into errors that name file and key."""
        try:
            yield
        except Foreign as error:
            ours = self._crcs is not None or key == NOTES  # minitf writes no such arrays
            kind = DataLossError if ours else UnimplementedError
            raise kind(f"{self.source}: key {key!r}: {error}.") from None
        except _DAMAGE as error:
            raise DataLossError(f"{self.source}: key {key!r}: {error}.") from None

    def load(self, keys: Sequence[str]) -> list[Array]:
        """Values as stored, new and verified."""
        with self._opened() as archive:
            return [self._load(archive, key) for key in keys]

    @contextlib.contextmanager
    def over(self, values: Sequence[Wanted]) -> Iterator[Callable[[], None]]:
        """Verifies values, and gives a function that reads them to where their parts go."""
        with contextlib.ExitStack() as stack:
            with self._kept_open(stack) as archive:
                handle = self._view.handle
                for value in values:
                    self._read(archive, value.key, _looked_at)
                    if value.dtype == object:
                        with self._stream(archive, value.key) as (fetch, size):
                            deque(self._lengths(value, fetch, size), 0)

            def read() -> None:
                with self._lock, typed("read", self.source):
                    self._view.handle = handle
                    for value in values:
                        if value.dtype == object:
                            self._read_strings(archive, value)
                        else:
                            self._read(archive, value.key, partial(_into, value))

            yield read

    def _load(self, archive: zipfile.ZipFile, key: str) -> Array:
        found: list[Array] = []
        info = self._members[key]
        if info.file_size > 16 * info.compress_size + PIECE:  # it may not have what it claims
            self._read(archive, key, _looked_at)

        def room(dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> Put:
            found.append(np.empty(shape, object if dtype.kind in "SU" else dtype.newbyteorder("=")))
            return _into(Wanted(key, dtype, shape, whole(found[0])), dtype, shape, fortran)

        self._read(archive, key, room)
        return found[0]

    def bytes_of(self, key: str) -> Callable[[], Iterator[bytes]] | None:
        """Makes the bytes of a value as stored, in pieces, verified at the end; None if they are not row by row."""
        self.described(key)
        return None if self._headers[key][2] else partial(self._apart, key)

    def _apart(self, key: str) -> Iterator[bytes]:
        """The file is opened once more: others may want something of it meanwhile."""
        with self._file.opened() as handle, FileView(self._disk, handle) as view:
            yield from self._pieces(members_in(view), key, lambda *_: None)

    def _read(self, archive: zipfile.ZipFile, key: str, room: Room) -> None:
        """Reads and verifies a value, piece by piece, into what ``room`` gives for dtype, shape and order."""
        puts: list[Put] = []
        with self._told(key):
            for piece in self._pieces(archive, key, lambda *described: puts.append(room(*described))):
                puts[0](piece)

    def _pieces(self, archive: zipfile.ZipFile, key: str, begun: Callable[..., None]) -> Iterator[bytes]:
        """The bytes of a value, verified at the end; before the first ones ``begun`` gets dtype, shape and order."""
        with self._told(key):
            with archive.open(self._member(key)) as member:  # which verifies zip's own checksum at its end
                start, dtype, shape, fortran = self._begun(key, member)
                begun(dtype, shape, fortran)
                crc = at = 0
                piece = start.read()
                while piece:
                    crc = crc32c(piece, crc)
                    yield piece
                    at += len(piece)
                    piece = member.read(PIECE)
                size = total_size(shape) * dtype.itemsize
                if at < size:
                    raise EOFError(f"{at} of {size} bytes are there")
        if not fortran:
            self._check_crc(key, crc, dtype, shape)

    def _begun(self, key: str, member: IO[bytes]) -> tuple[io.BytesIO, np.dtype[Any], tuple[int, ...], bool]:
        """The first bytes of a value, dtype, shape, and whether it stands column by column."""
        start = io.BytesIO(member.read(HEADER_LIMIT))
        dtype, shape, fortran = parse_header(start)
        size = self._members[key].file_size
        if size - start.tell() != total_size(shape) * dtype.itemsize or not dtype.itemsize:
            raise ValueError(f"{size} bytes are not those of an array {dtype} {shape}")
        return start, dtype, shape, fortran

    def _check_crc(self, key: str, crc: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        if key != NOTES and self._crcs is not None:
            if self._crcs[key] != checksum(crc, dtype.str, shape, self.notes.get(key)):
                raise DataLossError(f"{self.source}: key {key!r}: checksum does not match.")

    @contextlib.contextmanager
    def _stream(self, archive: zipfile.ZipFile, key: str) -> Iterator[tuple[Fetch, int]]:
        """What fetches the next bytes of a value, and how many there are."""
        with self._told(key), archive.open(self._member(key)) as member:
            start, _, _, _ = self._begun(key, member)
            size = self._members[key].file_size - start.tell()

            def fetch(room: memoryview) -> None:
                for at in range(start.readinto(room), len(room), PIECE):
                    room[at : at + PIECE] = member.read(min(PIECE, len(room) - at))

            yield fetch, size

    def _lengths(self, value: Wanted, fetch: Fetch, size: int) -> Iterator[Array]:
        return lengths_of(fetch, total_size(value.shape), size, f"{self.source}: key {value.key!r}")

    def _read_strings(self, archive: zipfile.ZipFile, value: Wanted) -> None:
        with self._stream(archive, value.key) as (ahead, size), self._stream(archive, value.key) as (fetch, _):
            crc = 0

            def noted(room: memoryview) -> None:
                nonlocal crc
                fetch(room)
                crc = crc32c(room, crc)

            fill_strings(value.elements(), self._lengths(value, ahead, size), total_size(value.shape), noted)
        self._check_crc(value.key, crc, np.dtype(np.uint8), (size,))


def _into(value: Wanted, _: np.dtype[Any], __: tuple[int, ...], fortran: bool) -> Put:
    """The next bytes go to where the parts of the value go."""
    if fortran:
        value = value._replace(shape=value.shape[::-1], parts=[(box[::-1], array.T) for box, array in value.parts])
    return value.elements()


def _looked_at(dtype: np.dtype[Any], *_: Any) -> Put:
    """The next bytes are not kept."""
    return Elements((), dtype, ())
