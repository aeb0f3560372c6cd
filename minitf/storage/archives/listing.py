"""What is in an archive, as a tree, and how a file in it is read."""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from minitf.errors import DataLossError, OpError
from minitf.storage.file_view import FileView

LINKS = 40  # links that lead to links, as many as the system follows


@dataclass(frozen=True)
class Stored:
    """A file whose bytes stand in the archive as they are, from ``start`` on."""

    start: int


Content = Stored | Iterator[bytes]
"""What a file is read from: its bytes in the archive, or pieces of it, which are unpacked one after the other."""


@dataclass(frozen=True)
class Member:
    """A file in an archive: its size, where it stands in the archive, and what finds its content in the open archive.

    ``content(view, path)`` raises DataLossError, and UnimplementedError for what is packed in a way that is not known.
    """

    size: int
    place: int
    content: Callable[[FileView, str], Content]


@dataclass(frozen=True)
class _Link:
    """A symbolic link, and where in the archive it leads to."""

    target: str


Directory = dict[str, Any]


class Listing:
    """The files of an archive. Names that lead out of it, or that no URL can have, are left out."""

    def __init__(self) -> None:
        self._top: Directory = {}
        self._links: list[tuple[Directory, str]] = []

    def add(self, name: str, entry: Member | _Link | None) -> None:
        """Adds a file, or for None a directory. Of files of one name the last counts; a directory counts before a file."""
        parts = _parts(name)
        if parts is None:
            return
        above = self._top
        for part in parts if entry is None else parts[:-1]:
            below = above.get(part)
            if not isinstance(below, dict):
                below = above[part] = {}
            above = below
        if entry is not None and parts and not isinstance(above.get(parts[-1]), dict):
            above[parts[-1]] = entry
            if isinstance(entry, _Link):
                self._links.append((above, parts[-1]))

    def add_name(self, name: str, file: str) -> None:
        """Adds a second name of a file that came before: a hard link."""
        found = self._inside(file)
        if isinstance(found, Member | _Link):
            self.add(name, found)

    def add_link(self, name: str, target: str) -> None:
        """Adds a symbolic link to a file, which may come later. It leads on from the link's directory."""
        self.add(name, _Link(posixpath.normpath(posixpath.join(posixpath.dirname(name), target))))

    def follow_links(self) -> None:
        """Puts files in the places of the links that lead to them; other links are left out. To be called at the end."""
        for above, name in self._links:
            found = above.get(name)
            if isinstance(found, _Link):
                for _ in range(LINKS):
                    found = self._inside(found.target) if isinstance(found, _Link) else found
                if isinstance(found, Member):
                    above[name] = found
                else:
                    del above[name]

    def find(self, path: str) -> Member | Directory | None:
        """What has a name: a file, or the names in a directory; None if nothing has."""
        found: Member | Directory | None = self._top
        for part in filter(None, posixpath.normpath("/" + path).split("/")):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def _inside(self, name: str) -> Any:
        """What has a name that may lead out of the archive; that gives the root, which is no file."""
        return self.find("/".join(_parts(name) or ()))


def _parts(name: str) -> list[str] | None:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if name.startswith("/") or ".." in parts or "::" in name else parts


@contextmanager
def understood(what: str, view: FileView) -> Iterator[None]:
    """Turns whatever a library says of odd bytes into DataLossError; an error in reading the archive stays what it is."""
    try:
        yield
    except OpError:
        raise
    except Exception as error:
        if view.error is not None:
            raise view.error from None
        raise DataLossError(f"{what}, or it is damaged: {str(error) or type(error).__name__}.") from error


class Check:
    """Counts the bytes that come out of an archive, and compares them with what it says of them."""

    def __init__(self, path: str, size: int, crc: int):
        self._path, self._size, self._crc = path, size, crc
        self._done = self._sum = 0

    @property
    def complete(self) -> bool:
        """True when as many bytes came as the archive tells."""
        return self._done >= self._size

    def take(self, data: bytes) -> None:
        """Raises DataLossError if there are too many, or if all are there and they are not the right ones."""
        self._done += len(data)
        self._sum = zlib.crc32(data, self._sum)
        if self.complete:
            self.finish()

    def finish(self) -> None:
        """Raises DataLossError unless as many came as the archive tells, and the right ones."""
        if self._done > self._size:
            raise self._wrong(f"{self._done} bytes or more")
        if self._done < self._size:
            raise self._wrong(f"{self._done} bytes")
        if self._sum != self._crc:
            raise DataLossError(f"{self._path}: the archive's checksum of the file does not match; the archive is damaged.")

    def _wrong(self, what: str) -> DataLossError:
        return DataLossError(f"{self._path}: {what} came out of the archive, which tells of {self._size}; it is damaged.")
