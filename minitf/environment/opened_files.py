"""``GFile``: an open file at a path or URL."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

from minitf.core.texts import as_bytes
from minitf.errors import InvalidArgumentError, NotFoundError, OpError, OutOfRangeError, PermissionDeniedError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import put_in_place, read_fully, read_whole, temporary_name, typed, write_fully
from minitf.storage.paths import is_url, path_of

_AT_ONCE = 1 << 22


class _UrlReader(io.RawIOBase):
    # A file at a URL, of which each read asks for a range.

    def __init__(self, path: str):
        self._handle = ANYWHERE.open(path)
        self._size, self._at = ANYWHERE.size(self._handle), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        got = read_fully(ANYWHERE, self._handle, memoryview(into), self._at)
        self._at += got
        return got

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed:
            ANYWHERE.close(self._handle)
        super().close()


class _UrlWriter(io.RawIOBase):
    # A new file for a URL: it has another name until it is closed, so that what was there stays whole until then.

    def __init__(self, path: str, start: bytes):
        self._path, self._temporary = path, temporary_name(path)
        self._handle, self._at = ANYWHERE.create(self._temporary), 0
        self.write(start)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._at = write_fully(ANYWHERE, self._handle, memoryview(data), self._at)
        return len(data)

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if not self.closed:
            ANYWHERE.close(self._handle)
            put_in_place(ANYWHERE, self._temporary, self._path, durable=False)
        super().close()


def _reader(path: str) -> Any:
    return io.BufferedReader(_UrlReader(path)) if is_url(path) else open(path, "rb")


def _writer(path: str, more: bool) -> Any:
    if not is_url(path):
        return open(path, "ab" if more else "wb")
    try:
        start = bytes(read_whole(ANYWHERE, path)) if more else b""
    except NotFoundError:
        start = b""
    return _UrlWriter(path, start)


def copied(source: str, target: str) -> None:
    """Copies the bytes of a file to a new one."""
    with typed("copy", source), _reader(source) as reading, _writer(target, more=False) as writing:
        while data := reading.read(_AT_ONCE):
            writing.write(data)


class GFile:
    """A file at a path or URL: ``mode`` is "r", "w" or "a", with a "b" for bytes instead of text (UTF-8).

    The file is opened by the first read or write, which raises NotFoundError and its like; a file that nothing is written to is
    not made. Positions and sizes are in bytes, also of text. Raises InvalidArgumentError for another mode. A file at a URL goes
    out when it is closed.
    """

    def __init__(self, name: Any, mode: str = "r"):
        self._name, self._mode = name, mode
        if mode.replace("b", "", 1) not in ("r", "w", "a"):
            raise InvalidArgumentError(f'GFile: the mode must be "r", "w" or "a", with or without "b", not {mode!r}.')
        self._reading: Any = None
        self._writing: Any = None

    @property
    def name(self) -> Any:
        """The path that was given."""
        return self._name

    @property
    def mode(self) -> str:
        """The mode that was given."""
        return self._mode

    @property
    def _path(self) -> str:
        return path_of(self._name)

    def _to_read(self) -> Any:
        if self._mode[0] != "r":
            raise PermissionDeniedError(f"{self._path}: the file is not open for reading, but with mode {self._mode!r}.")
        if self._reading is None:
            with typed("open", self._path):
                self._reading = _reader(self._path)
        return self._reading

    def _to_write(self) -> Any:
        if self._mode[0] == "r":
            raise PermissionDeniedError(f"{self._path}: the file is not open for writing, but with mode {self._mode!r}.")
        if self._writing is None:
            with typed("open", self._path):
                self._writing = _writer(self._path, more=self._mode[0] == "a")
        return self._writing

    def _shown(self, data: bytes) -> Any:
        return data if "b" in self._mode else data.decode()

    def size(self) -> int:
        """Bytes in the file."""
        with typed("stat", self._path):
            return ANYWHERE.stat(self._path).st_size

    def read(self, n: int = -1) -> Any:
        """The next ``n`` bytes (-1: all that is left), as text unless the mode has a "b"."""
        file = self._to_read()
        with typed("read", self._path):
            return self._shown(file.read(n))

    def readline(self) -> Any:
        """The next line with its end, empty at the end of the file."""
        file = self._to_read()
        with typed("read", self._path):
            return self._shown(file.readline())

    def readlines(self) -> list[Any]:
        """All lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def seek(self, offset: int, whence: int = 0) -> None:
        """Goes to a place: from the start (0), from here (1), or from the end (2).

        Raises InvalidArgumentError for another ``whence`` and a place before the start, OutOfRangeError for one behind the end.
        """
        file = self._to_read()
        if whence not in (0, 1, 2):
            raise InvalidArgumentError(f"{self._path}: seek takes 0, 1 or 2 for whence, not {whence!r}.")
        end = self.size()
        goal = offset + (0, file.tell(), end)[whence]
        if goal < 0:
            raise InvalidArgumentError(f"{self._path}: cannot seek to {goal}, which is before the start.")
        if goal > end:
            raise OutOfRangeError(f"{self._path}: cannot seek to {goal}: the file has {end} bytes.")
        file.seek(goal)

    def seekable(self) -> bool:
        """True"""
        return True

    def tell(self) -> int:
        """The place in the file."""
        file = self._to_read() if self._mode[0] == "r" else self._to_write()
        return int(file.tell())

    def write(self, file_content: Any) -> None:
        """Writes text or bytes. Raises TypeError for anything else."""
        data = as_bytes(file_content)
        file = self._to_write()
        with typed("write", self._path):
            file.write(data)

    def flush(self) -> None:
        """Hands on what was written, on a local disk."""
        if self._writing is not None:
            with typed("write", self._path):
                self._writing.flush()

    def close(self) -> None:
        """Closes. Reading goes on from the start, and writing begins anew."""
        for file in (self._reading, self._writing):
            if file is not None:
                with typed("close", self._path):
                    file.close()
        self._reading = self._writing = None

    def __del__(self) -> None:
        if getattr(self, "_reading", None) is not None or getattr(self, "_writing", None) is not None:
            with contextlib.suppress(OpError):
                self.close()

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()
