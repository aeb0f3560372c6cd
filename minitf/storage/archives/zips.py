"""Zip archives. Files are read that are stored as they are, which can be done at any place, or packed (``packings``)."""

from __future__ import annotations

import io
import stat
import zipfile
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import NoReturn

from minitf.errors import DataLossError, UnimplementedError
from minitf.storage.archives.listing import Check, Content, Listing, Member, Stored, understood
from minitf.storage.archives.packings import DEFLATED, LZMA, LZMA_HEADER, STORED, unpacker
from minitf.storage.file_view import FileView

BUFFER = 1 << 16  # bytes that are read at once
PIECE = 1 << 18  # bytes that are unpacked at once
MOST = 1032  # bytes that deflate can make of one
LONGEST = 1 << 12  # bytes of the target of a link
_ENCRYPTED, _ENDS = 1, 2  # flags; LZMA: a mark says where it ends
_UNIX = 3
_LOCAL_HEADER, _SIGNATURE = 30, b"PK\x03\x04"


def list_zip(view: FileView, archive: str) -> Listing:
    """What is in a zip archive. Raises DataLossError."""
    listing = Listing()
    with understood(f"{archive}: it is no zip archive", view):
        archived = zipfile.ZipFile(io.BufferedReader(view, BUFFER))  # which closes the view when it is gone
        for info in archived.infolist():
            member = Member(info.file_size, info.header_offset, partial(_content, info))
            if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
                _add_link(listing, info, member, view, archive)
            else:
                listing.add(info.filename, None if info.filename.endswith("/") else member)
    listing.follow_links()
    return listing


def _add_link(listing: Listing, info: zipfile.ZipInfo, member: Member, view: FileView, archive: str) -> None:
    """Adds a symbolic link; a file that cannot be read, if nobody knows where it leads."""
    path = f"zip://{info.filename}::{archive}"
    try:
        target = _target(info, view, path) if info.file_size <= LONGEST else b""
    except (DataLossError, UnimplementedError) as error:
        listing.add(info.filename, Member(member.size, member.place, partial(_fail, error)))
    else:
        listing.add_link(info.filename, target.decode(errors="surrogateescape"))


def _target(info: zipfile.ZipInfo, view: FileView, path: str) -> bytes:
    content = _content(info, view, path)
    if not isinstance(content, Stored):
        return b"".join(content)
    view.seek(content.start)
    data = view.read(info.file_size)
    check = Check(path, info.file_size, info.CRC)
    check.take(data)
    check.finish()
    return data


def _fail(error: Exception, *_: object) -> NoReturn:
    raise error


def _content(info: zipfile.ZipInfo, view: FileView, path: str) -> Content:
    if info.flag_bits & _ENCRYPTED:
        raise UnimplementedError(f"{path}: in the archive the file is encrypted, which cannot be read. Unpack the archive.")
    stored, much = info.compress_type == STORED, info.file_size > info.compress_size * MOST
    if info.file_size != info.compress_size if stored else much and info.compress_type == DEFLATED:
        raise DataLossError(f"{path}: {info.compress_size} bytes of the archive cannot be {info.file_size}; it is damaged.")
    view.seek(info.header_offset)
    header = view.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(_SIGNATURE):
        raise DataLossError(f"{path}: the archive has no file at byte {info.header_offset}; it is damaged.")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:], "little")
    start = info.header_offset + _LOCAL_HEADER + names
    if stored:
        return Stored(start)
    view.seek(start)
    begin = view.read(min(LZMA_HEADER, info.compress_size))
    unpacker(info.compress_type, begin, path)  # said before somebody reads
    if much:  # than can be believed: so it is counted
        deque(_unpacked(info, start, begin, view, path), 0)
    return _unpacked(info, start, begin, view, path)


def _unpacked(info: zipfile.ZipInfo, start: int, begin: bytes, view: FileView, path: str) -> Iterator[bytes]:
    """The content, piece by piece."""
    check = Check(path, info.file_size, info.CRC)
    unpack, skipped = unpacker(info.compress_type, begin, path)
    end, start = start + info.compress_size, start + skipped
    endless = info.compress_type == LZMA and not info.flag_bits & _ENDS
    while not (unpack.eof or (endless and check.complete)):
        packed, asked = b"", unpack.needs_input
        if asked:
            view.seek(start)
            packed = view.read(min(BUFFER, end - start))
            start += len(packed)
        with understood(f"{path}: it cannot be unpacked", view):
            data = unpack.decompress(packed, PIECE)
        if asked and not (packed or data):
            raise DataLossError(f"{path}: the file ends too early in the archive, which is damaged.")
        check.take(data)
        yield data
    check.finish()
