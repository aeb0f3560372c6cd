"""What still stands in an npz archive whose end was cut off, or whose list of members is damaged.

The list stands at the end of an archive, but each member has a header of its own before its bytes. From those a list is made
anew and put behind the whole members, in memory. The notes of minitf are the last member: without them a value that NumPy has a
type for is as it is, and of plain bytes nothing says whether they are numbers, strings or something else.

Source of the layouts: PKWARE's APPNOTE.TXT, 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its end), 4.5.3
(sizes of 64 bits).
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minitf.errors import DataLossError
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.carried import CarriedReader
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk, read_fully
from minitf.storage.npz import Archive, Npz
from minitf.storage.values import Array

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")
_SIZES = struct.Struct("<2H3Q")  # an extra field: number and length of it, two sizes, an offset
_NEEDS_64 = 45  # the version of the format that has it
_FULL_2, _FULL = 0xFFFF, 0xFFFFFFFF  # look in the extra field
_STREAMED = 8  # a flag: the sizes stand behind the bytes


def open_torn(prefix: str, disk: Disk = ANYWHERE) -> tuple[CarriedReader, list[str]]:
    """Opens an archive by the headers of its members, and says what is wrong behind the last whole one.

    Raises NotFoundError, and DataLossError if not even the first member is whole.
    """
    storage = _Torn(disk=disk)
    reader = storage.open(prefix)
    return reader, storage.problems


class _Torn(Npz):
    problems: list[str]

    def _reader(self, path: str) -> CarriedReader:
        archive = _TornArchive(self._disk, path)
        self.problems = archive.problems
        return CarriedReader(archive)


class _Member(NamedTuple):
    """A member, as its header tells."""

    name: bytes
    flags: int
    method: int
    stamp: tuple[int, int]  # time and date
    crc: int
    stored: int  # bytes in the archive,
    size: int  # and unpacked
    start: int  # of its header
    stop: int  # behind its bytes


class _TornArchive(Archive):
    def __init__(self, disk: Disk, path: str):
        self.problems: list[str] = []
        self._disk = disk
        super().__init__(disk, path)
        if self._crcs is None and OBJECT_GRAPH_KEY in self._members:
            self.notes[OBJECT_GRAPH_KEY] = {"dtype": "string", "shape": []}

    def _directory(self) -> zipfile.ZipFile:
        size = self._disk.size(self._view.handle)
        members, end = [], 0
        while (member := self._member_at(end, size)) is not None:
            members.append(member)
            end = member.stop
        if not members:
            raise DataLossError(f"{self.source}: not an npz archive: it does not begin with a whole member.")
        return zipfile.ZipFile(io.BufferedReader(_Mended(self._view, end, _list_of(members, end))))

    def _bytes(self, start: int, size: int) -> bytes:
        data = bytearray(size)
        return bytes(data[: read_fully(self._disk, self._view.handle, memoryview(data), start)])

    def _member_at(self, start: int, size: int) -> _Member | None:
        """The member whose header begins there; None if it is not whole, which is said."""
        head = self._bytes(start, _LOCAL.size)
        if start == size or head.startswith(b"PK\1\2"):  # the list of members
            return None
        _, _, flags, method, time, date, crc, stored, full, letters, more = _LOCAL.unpack(head.ljust(_LOCAL.size, b"\0"))
        rest = self._bytes(start + _LOCAL.size, letters + more)
        if not head.startswith(b"PK\3\4") or len(head + rest) < _LOCAL.size + letters + more:
            self.problems.append(f"{self.source}: from byte {start} on no member is whole.")
            return None
        name, extra = rest[:letters], rest[letters:]
        if len(extra) >= 20 and _FULL in (stored, full) and extra.startswith(b"\1\0\x10\0"):
            full, stored = struct.unpack_from("<2Q", extra, 4)
        stop = start + _LOCAL.size + letters + more + stored
        shown = name.decode("utf-8", "replace").removesuffix(".npy")
        if flags & _STREAMED:
            self.problems.append(f"{self.source}: key {shown!r}: only the lost list of members says where it ends, if at all.")
            return None
        if stop > size:
            self.problems.append(f"{self.source}: key {shown!r} is cut off: its bytes end at {stop}, the file at {size}.")
            return None
        return _Member(name, flags, method, (time, date), crc, stored, full, start, stop)

    def load(self, keys: Sequence[str]) -> list[Array]:
        """Values as stored, new, with zip's checksum verified. Raises DataLossError for bytes that may be anything."""
        if self._crcs is None:
            for key in keys:
                if self.described(key)[0] == np.uint8 and key not in self.notes:
                    raise DataLossError(
                        f"{self.source}: key {key!r}: the notes that would say what its bytes are, are not there."
                    )
        return super().load(keys)


def _list_of(members: Sequence[_Member], end: int) -> bytes:
    """The list of members, and the end of an archive."""
    out = b""
    for one in members:
        extra = _SIZES.pack(1, 24, one.size, one.stored, one.start)
        sizes = one.crc, _FULL, _FULL, len(one.name), len(extra)
        out += _CENTRAL.pack(b"PK\1\2", _NEEDS_64, _NEEDS_64, one.flags, one.method, *one.stamp, *sizes, 0, 0, 0, 0, _FULL)
        out += one.name + extra
    count, behind = len(members), end + len(out)
    last = _END_64.pack(b"PK\6\6", 44, _NEEDS_64, _NEEDS_64, 0, 0, count, count, len(out), end)
    return out + last + _LOCATOR.pack(b"PK\6\7", 0, behind, 1) + _END.pack(b"PK\5\6", 0, 0, *[_FULL_2] * 2, _FULL, _FULL, 0)


class _Mended(io.RawIOBase):
    """The beginning of a file, and other bytes behind it."""

    def __init__(self, file: FileView, end: int, tail: bytes):
        self._file = file
        self._end = end
        self._tail = tail
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence, self._end + len(self._tail))
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer as far as the bytes go that are of one kind."""
        view = memoryview(buffer).cast("B")
        if self._at < self._end:
            self._file.seek(self._at)
            got = self._file.readinto(view[: self._end - self._at])
        else:
            found = self._tail[self._at - self._end :][: len(view)]
            got = len(found)
            view[:got] = found
        self._at += got
        return got
