"""What still stands in an npz archive whose end was cut off, or whose list of members is damaged.

The list stands at the end of an archive, but each member has a header of its own before its bytes. The notes of minitf are the
last member: without them a value that NumPy has a type for is as it is, and of plain bytes nothing says whether they are
numbers, strings or something else.

Source of the layouts: PKWARE's APPNOTE.TXT, 4.3.7 (local header) and 4.5.3 (sizes of 64 bits).
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence

import numpy as np

from minitf.errors import DataLossError
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.carried import CarriedReader
from minitf.storage.files import Disk, read_fully
from minitf.storage.npz import Archive, Npz, members_in
from minitf.storage.values import Array

_LOCAL = struct.Struct("<4s2x2H4x3I2H")
_LARGE = 0xFFFFFFFF  # a size that stands in the extra field,
_SIZES = b"\1\0\x10\0"  # which begins so: two of 64 bits
_STREAMED = 1 << 3  # a flag: the sizes stand behind the bytes
_UTF_8 = 1 << 11  # a flag: so the name is encoded


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


class _TornArchive(Archive):
    def __init__(self, disk: Disk, path: str):
        self.problems: list[str] = []
        super().__init__(disk, path)
        if self._crcs is None:
            self.notes[OBJECT_GRAPH_KEY] = {"dtype": "string", "shape": []}

    def _directory(self) -> zipfile.ZipFile:
        archive = members_in(self._view)
        size, end = self._disk.size(self._view.handle), 0
        while (found := self._member_at(end, size)) is not None:
            info, end = found
            archive.filelist.append(info)
        if not archive.filelist:
            raise DataLossError(f"{self.source}: not an npz archive: it does not begin with a whole member.")
        return archive

    def _bytes(self, start: int, size: int) -> bytes:
        data = bytearray(size)
        return bytes(data[: read_fully(self._disk, self._view.handle, memoryview(data), start)])

    def _member_at(self, start: int, size: int) -> tuple[zipfile.ZipInfo, int] | None:
        """The member whose header begins there, and where its bytes end; None if it is not whole, which is said."""
        head = self._bytes(start, _LOCAL.size)
        if start == size or head.startswith(b"PK\1\2"):  # the list of members
            return None
        _, flags, method, crc, stored, full, letters, more = _LOCAL.unpack(head.ljust(_LOCAL.size, b"\0"))
        rest = self._bytes(start + _LOCAL.size, letters + more)
        if not head.startswith(b"PK\3\4") or len(head + rest) < _LOCAL.size + letters + more:
            self.problems.append(f"{self.source}: from byte {start} on no member is whole.")
            return None
        name, extra = rest[:letters].decode("utf-8" if flags & _UTF_8 else "cp437", "replace"), rest[letters:]
        if stored == full == _LARGE and len(extra) >= 20 and extra.startswith(_SIZES):
            full, stored = struct.unpack_from("<2Q", extra, 4)
        stop = start + _LOCAL.size + letters + more + stored
        where = f"{self.source}: key {name.removesuffix('.npy')!r}"
        if flags & _STREAMED:
            self.problems.append(f"{where}: only the lost list of members says where it ends, if at all.")
            return None
        if stop > size:
            self.problems.append(f"{where} is cut off: its bytes end at {stop}, the file at {size}.")
            return None
        info = zipfile.ZipInfo(name)
        info.flag_bits, info.compress_type, info.header_offset = flags, method, start
        info.CRC, info.compress_size, info.file_size = crc, stored, full
        return info, stop

    def load(self, keys: Sequence[str]) -> list[Array]:
        """Values as stored, new, with zip's checksum verified. Raises DataLossError for bytes that may be anything."""
        if self._crcs is None:
            for key in keys:
                if self.described(key)[0] == np.uint8 and key not in self.notes:
                    why = "the notes that would say what its bytes are, are not there"
                    raise DataLossError(f"{self.source}: key {key!r}: {why}.")
        return super().load(keys)
