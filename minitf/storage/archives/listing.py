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


Directory = dict[str, Any]


class Listing:
    """The files of an archive. Names that lead out of it, or that no URL can have, are left out."""

    def __init__(self) -> None:
        self._top: Directory = {}
        self._links: dict[str, str] = {}

    def add(self, name: str, member: Member | None) -> None:
        """Adds a file, or for None a directory. Of files of one name the last counts; a directory counts before a file."""
        parts = _parts(name)
        if parts is None:
            return
        above = self._top
        for part in parts if member is None else parts[:-1]:
            below = above.get(part)
            if not isinstance(below, dict):
                below = above[part] = {}
            above = below
        if member is not None and parts and not isinstance(above.get(parts[-1]), dict):
            above[parts[-1]] = member

    def add_link(self, name: str, target: str) -> None:
        """Adds another name of a file of the archive, ``target``, wherever that comes."""
        self._links["/".join(_parts(name) or ())] = "/".join(_parts(target) or ())

    def follow_links(self) -> None:
        """Gives links the files to which they lead; those that lead to none are left out. To be called at the end."""
        for name in self._links:
            target, found = name, None
            for _ in range(LINKS):
                target = self._links.get(target, target)
                found = self.find(target)
                if found is not None:
                    break
            if isinstance(found, Member):
                self.add(name, found)

    def find(self, path: str) -> Member | Directory | None:
        """What has a name: a file, or the names in a directory; None if nothing has."""
        found: Member | Directory | None = self._top
        for part in filter(None, posixpath.normpath("/" + path).split("/")):
            found = found.get(part) if isinstance(found, dict) else None
        return found


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

    def take(self, data: bytes) -> None:
        """Raises DataLossError if there are too many, or if all are there and they are not the right ones."""
        self._done += len(data)
        self._sum = zlib.crc32(data, self._sum)
        if self._done == self._size and self._sum != self._crc:
            raise DataLossError(f"{self._path}: the archive's checksum of the file does not match; the archive is damaged.")
        if self._done > self._size:
            self.finish()

    def finish(self) -> None:
        """Raises DataLossError unless there were as many as the archive tells."""
        if self._done != self._size:
            more = "or more " if self._done > self._size else ""
            raise DataLossError(
                f"{self._path}: {self._done} bytes {more}came out of the archive, which tells of {self._size}; it is damaged."
            )
