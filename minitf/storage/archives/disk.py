"""The files in archives as a ``Disk`` for reading.

An archive is a file of another disk, wherever that is: each call opens it, and closes it in the end. What is in it is looked up
once as long as the archive stays the same, and a file in it is another one when the archive is.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat as stat_bits
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn
from zlib import crc32

from minitf.core.locks import left_open
from minitf.errors import InvalidArgumentError, UnimplementedError
from minitf.storage.archives.listing import Directory, Listing, Member, Stored
from minitf.storage.archives.spooled import Spooled
from minitf.storage.archives.tars import list_tar
from minitf.storage.archives.zips import list_zip
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk
from minitf.storage.paths import archived, normal

KEPT = 8  # archives whose lists of files are kept
DEEPEST = 4  # links of a URL behind an archive; each doubles the work of the first look
_KINDS: dict[str, Callable[[FileView, str], Listing]] = {"zip": list_zip, "tar": list_tar}


@dataclass
class _Open:
    """An open file: its size, the handle of its archive, and where it stands there, or what it is unpacked into."""

    size: int
    outer: int
    content: Stored | Spooled


class ArchiveDisk(Disk):
    """The files in the archives of a disk, ``outer``. Handles count from ``last`` down."""

    def __init__(self, outer: Disk, last: int):
        self._outer = outer
        self._numbers = itertools.count(last, -1)
        self._open: dict[int, _Open] = {}
        self._listings: OrderedDict[tuple[str, str], tuple[Any, Listing]] = OrderedDict()
        self._lock = left_open(threading.Lock())

    def open(self, path: str) -> int:
        """Opens a file for reading. Raises DataLossError for damage, UnimplementedError for what cannot be unpacked."""
        member, _, archive = self._found(path)
        if not isinstance(member, Member):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        outer = self._outer.open(archive)
        try:
            content = member.content(FileView(self._outer, outer), path)
            opened = _Open(member.size, outer, content if isinstance(content, Stored) else Spooled(content))
        except BaseException:
            self._outer.close(outer)
            raise
        with self._lock:
            handle = next(self._numbers)
            self._open[handle] = opened
        return handle

    def read(self, handle: int, into: Any, offset: int) -> int:
        """Reads one range of bytes; of what is packed all that stands before it is unpacked, once."""
        opened = self._open[handle]
        wanted = memoryview(into)[: max(0, opened.size - offset)]
        if isinstance(opened.content, Spooled):
            return opened.content.read(wanted, offset)
        return self._outer.read(opened.outer, wanted, opened.content.start + offset)

    def map(self, handle: int) -> None:
        """Nothing can be mapped."""

    def size(self, handle: int) -> int:
        """Bytes in an open file, as the archive tells."""
        return self._open[handle].size

    def close(self, handle: int) -> None:
        """Closes the file and its archive."""
        with self._lock:
            opened = self._open.pop(handle)
        try:
            if isinstance(opened.content, Spooled):
                opened.content.close()
        finally:
            self._outer.close(opened.outer)

    def stat(self, path: str) -> os.stat_result:
        """Kind and size of a file, the time of its archive, and as number what tells it from others, there and elsewhere."""
        found, facts, _ = self._found(path)
        size, where, kind = (
            (found.size, found.place, stat_bits.S_IFREG) if isinstance(found, Member) else (0, None, stat_bits.S_IFDIR)
        )
        number = crc32(repr((_identity(facts), where)).encode())
        time = facts.st_mtime
        return os.stat_result((kind | 0o444, number, facts.st_dev, 1, 0, 0, size, time, time, time))

    def names(self, directory: str) -> list[str]:
        """Names in a directory."""
        found = self._found(directory)[0]
        if isinstance(found, Member):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), directory)
        return list(found)

    def place(self, directory: str) -> str:
        """The URL, in one way."""
        return normal(directory)

    def _found(self, path: str) -> tuple[Member | Directory, os.stat_result, str]:
        """A file or directory, what is known of its archive, and the archive's path."""
        inside = archived(path)
        assert inside is not None
        kind, inner, archive = inside
        if archive.count("::") > DEEPEST:
            raise InvalidArgumentError(f"{path}: more than {DEEPEST} links of a URL, one in another.")
        facts = self._outer.stat(archive)
        if not stat_bits.S_ISREG(facts.st_mode):
            raise InvalidArgumentError(f"{path}: {archive!r} is a directory, and no archive.")
        found = self._listing(kind, archive, facts).find(inner)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return found, facts, archive

    def _listing(self, kind: str, archive: str, facts: os.stat_result) -> Listing:
        place, identity = (kind, archive), _identity(facts)
        with self._lock:
            kept = self._listings.get(place)
            if kept is not None and kept[0] == identity:
                self._listings.move_to_end(place)
                return kept[1]
        handle = self._outer.open(archive)
        try:
            listing = _KINDS[kind](FileView(self._outer, handle), archive)
        finally:
            self._outer.close(handle)
        if _identity(self._outer.stat(archive)) == identity:  # else it was replaced while it was read
            with self._lock:
                self._listings[place] = identity, listing
                while len(self._listings) > KEPT:
                    self._listings.popitem(last=False)
        return listing

    # -- what cannot be done -----------------------------------------------------------------------------------------------

    def create(self, path: str) -> int:
        """Raises UnimplementedError."""
        _refuse(path)

    def replace(self, old: str, new: str) -> None:
        """Raises UnimplementedError."""
        _refuse(new)

    def link(self, old: str, new: str) -> None:
        """Raises UnimplementedError."""
        _refuse(new)

    def remove(self, path: str) -> None:
        """Raises UnimplementedError, and FileNotFoundError for what is not there."""
        self._found(path)
        _refuse(path)

    def remove_directory(self, path: str) -> None:
        """Raises as ``remove``."""
        self.remove(path)

    def make_directory(self, path: str) -> None:
        """Raises UnimplementedError."""
        _refuse(path)


def _refuse(path: str) -> NoReturn:
    raise UnimplementedError(
        f"{path}: nothing in an archive can be written or deleted. A save ends with a rename, so that the old checkpoint or "
        "the new one is there whole whatever happens, and archives have no rename. Save to a directory, and pack that then."
    )


def _identity(facts: os.stat_result) -> Any:
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_mtime
