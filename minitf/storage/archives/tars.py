"""Tar archives, as they are or packed as a whole with gzip, bzip2 or xz; then each file is unpacked from the start."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, cast

from minitf.errors import DataLossError, UnimplementedError
from minitf.storage.archives.listing import Content, Listing, Member, Stored, understood
from minitf.storage.file_view import FileView

BUFFER = 1 << 16  # bytes that are read at once
PIECE = 1 << 18  # bytes that are unpacked at once
LONGEST = 1 << 24  # bytes of a header; a name takes a fraction
MEMBERS = 1 << 16  # files of an archive,
ROOM = 1 << 30  # and bytes that one unpacks to,
TIMES = 1032  # or so many times its own bytes, which is what deflate can make of one
_PACKED: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_ZSTD = b"\x28\xb5\x2f\xfd"


def list_tar(view: FileView, archive: str) -> Listing:
    """What is in a tar archive. Raises DataLossError, and UnimplementedError for one that is packed with zstd."""
    listing = Listing()
    with understood(f"{archive}: it is no tar archive", view):
        size = view.seek(0, io.SEEK_END)
        view.seek(0)
        stream, packed = _opened(view, archive)
        most = max(ROOM, TIMES * size)
        number = 0
        tar: Any = tarfile.TarFile(fileobj=cast("IO[bytes]", _Headers(stream, archive)))
        while (info := tar.next()) is not None:
            del tar.members[:]  # of each it keeps more than it takes in an archive that is packed well
            number += 1
            if number > MEMBERS:
                raise DataLossError(f"{archive}: there are more than {MEMBERS} files in it.")
            if packed and tar.offset > most:
                raise DataLossError(f"{archive}: its {size} bytes unpack to more than {most}.")
            if info.isreg():
                listing.add(info.name, Member(info.size, info.offset_data, partial(_content, info, packed)))
            elif info.isdir():
                listing.add(info.name, None)
            elif info.islnk():
                listing.add_name(info.name, info.linkname)
            else:  # a symbolic link; or a pipe or a device, which has no target, as a link that leads to no file
                listing.add_link(info.name, info.linkname)
        _check_end(stream, tar.offset, archive)
    listing.follow_links()
    return listing


def _opened(view: FileView, archive: str) -> tuple[Any, bool]:
    """The tar archive itself, and if it is packed. The view stands at its beginning."""
    head = view.read(6)
    view.seek(0)
    if head.startswith(_ZSTD):
        raise UnimplementedError(f"{archive}: a tar archive that is packed with zstd cannot be read. Unpack it.")
    buffered = io.BufferedReader(view, BUFFER)
    kind = next((kind for start, kind in _PACKED if head.startswith(start)), None)
    return (buffered, False) if kind is None else (kind(buffered), True)


class _Headers:
    """What reads headers asks for no more than headers need, whatever sizes they tell."""

    def __init__(self, stream: Any, archive: str):
        self._archive, self._stream = archive, stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if size > LONGEST:
            raise DataLossError(f"{self._archive}: a header of {size} bytes; the archive is damaged.")
        data: bytes = self._stream.read(size)
        return data


def _check_end(stream: Any, offset: int, archive: str) -> None:
    """Raises DataLossError if what stands behind the last file is neither the end nor the mark that tar writes there."""
    stream.seek(offset)
    if any(stream.read(tarfile.BLOCKSIZE)):
        raise DataLossError(f"{archive}: the archive is damaged from byte {offset} on.")


def _content(info: tarfile.TarInfo, packed: bool, view: FileView, path: str) -> Content:
    if info.issparse():
        raise UnimplementedError(f"{path}: in the archive the file has holes (tar --sparse), which cannot be read. Unpack it.")
    return _unpacked(info, view, path) if packed else Stored(info.offset_data)


def _unpacked(info: tarfile.TarInfo, view: FileView, path: str) -> Iterator[bytes]:
    """The content, piece by piece."""
    left = info.size
    with understood(f"{path}: it cannot be unpacked", view):
        stream, _ = _opened(view, path)
        stream.seek(info.offset_data)
        while left:
            data = stream.read(min(PIECE, left))
            if not data:
                raise EOFError("the file ends too early in the archive")
            left -= len(data)
            yield data
