"""Zip archives. Files are read that are stored as they are, which can be done at any place, or packed with deflate."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial

from minitf.errors import DataLossError, UnimplementedError
from minitf.storage.archives.listing import Check, Content, Listing, Member, Stored, understood
from minitf.storage.file_view import FileView

BUFFER = 1 << 16  # bytes that are read at once
PIECE = 1 << 18  # bytes that are unpacked at once
MOST = 1032  # bytes that deflate can make of one
_ENCRYPTED = 1
_UNIX = 3
_LOCAL_HEADER, _SIGNATURE = 30, b"PK\x03\x04"


def list_zip(view: FileView, archive: str) -> Listing:
    """What is in a zip archive. Raises DataLossError."""
    listing = Listing()
    with understood(f"{archive}: it is no zip archive", view):
        for info in zipfile.ZipFile(io.BufferedReader(view, BUFFER)).infolist():
            member = Member(info.file_size, info.header_offset, partial(_content, info))
            listing.add(info.filename, None if info.filename.endswith("/") else member)
    return listing


def _content(info: zipfile.ZipInfo, view: FileView, path: str) -> Content:
    what = _unknown(info)
    if what is not None:
        raise UnimplementedError(f"{path}: in the archive the file is {what}, which cannot be read. Unpack the archive.")
    packed = info.compress_type != zipfile.ZIP_STORED
    if info.file_size > info.compress_size * MOST if packed else info.file_size != info.compress_size:
        raise DataLossError(f"{path}: {info.compress_size} bytes of the archive cannot be {info.file_size}; it is damaged.")
    view.seek(info.header_offset)
    header = view.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(_SIGNATURE):
        raise DataLossError(f"{path}: the archive has no file at byte {info.header_offset}; it is damaged.")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:], "little")
    start = info.header_offset + _LOCAL_HEADER + names
    return _unpacked(info, start, view, path) if packed else Stored(start)


def _unknown(info: zipfile.ZipInfo) -> str | None:
    """In which way a file is kept that cannot be read; None if it can."""
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    if info.create_system == _UNIX and stat.S_ISLNK(info.external_attr >> 16):
        return "a symbolic link"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed with method {info.compress_type}, neither stored (0) nor deflated (8)"
    return None


def _unpacked(info: zipfile.ZipInfo, start: int, view: FileView, path: str) -> Iterator[bytes]:
    """The content, piece by piece."""
    unpack, check = zlib.decompressobj(-zlib.MAX_WBITS), Check(path, info.file_size, info.CRC)
    end = start + info.compress_size
    while not unpack.eof:
        packed = unpack.unconsumed_tail
        if not packed:
            view.seek(start)
            packed = view.read(min(BUFFER, end - start))
            start += len(packed)
        with understood(f"{path}: it cannot be unpacked", view):
            data = unpack.decompress(packed, PIECE)
        if not (packed or data):
            raise DataLossError(f"{path}: the file ends too early in the archive, which is damaged.")
        check.take(data)
        yield data
    check.finish()
