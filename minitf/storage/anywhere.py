"""The disk that every storage uses unless it is given another: local paths, and URLs such as ``s3://bucket/run/ckpt``."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from minitf.core.around import around
from minitf.storage.file_urls import FileUrls, local_path
from minitf.storage.files import Disk, typed
from minitf.storage.paths import archived, is_url

_LOCAL = Disk()
_FILES = FileUrls()


def start_of(path: str) -> str:
    """From where a path counts: the working directory, or "" if it counts from nowhere. Raises NotFoundError if it is gone."""
    if is_url(path) or os.path.isabs(path):
        return ""
    with typed("look up the working directory for", path):
        return os.getcwd()


def standing(path: str) -> str:
    """The same path, wherever the program will be by then. Raises as ``start_of``."""
    return os.path.join(start_of(path), path)


_mounted: ContextVar[tuple[str, Callable[[], Disk]] | None] = ContextVar("minitf mounted disk", default=None)
MOUNTED_HANDLES = 1 << 40
"""Handles of a mounted disk begin here; those of fsspec are below zero."""
ARCHIVE_HANDLES = -1 << 40
"""Handles of files in archives are this and less."""


def mount(start: str, give: Callable[[], Disk]) -> Any:
    """Sends what begins with ``start`` (a protocol, ``name://``) to a disk, here and in contexts copied from here.

    ``give`` is asked for the disk, which numbers its handles from ``MOUNTED_HANDLES`` on. ``unmount`` takes the result.
    """
    return _mounted.set((start, give))


def unmount(token: Any) -> None:
    """Ends a mount."""
    _mounted.reset(token)


class Anywhere(Disk):
    """Sends a call to the local file system or, for a URL, to a mounted disk, or else to fsspec, which is imported then.

    URLs of files of this machine go to the local file system, those of files in archives to whatever disk has the archive.
    """

    @cached_property
    def _remote(self) -> Disk:
        from minitf.storage.remote import RemoteDisk

        return RemoteDisk()

    @cached_property
    def _archives(self) -> Disk:
        from minitf.storage.archives import ArchiveDisk

        return ArchiveDisk(self, ARCHIVE_HANDLES)

    def _side(self, path: str) -> Disk:
        if not is_url(path):
            return _LOCAL
        mounted = _mounted.get()
        if mounted is not None and path.startswith(mounted[0]):
            return mounted[1]()
        if archived(path) is not None:
            return self._archives
        return self._remote if local_path(path) is None else _FILES

    def _of(self, handle: int) -> Disk:
        if handle < 0:
            return self._remote if handle > ARCHIVE_HANDLES else self._archives
        mounted = _mounted.get() if handle >= MOUNTED_HANDLES else None
        return _LOCAL if mounted is None else mounted[1]()

    def create(self, path: str) -> int:
        """Makes a file that must not exist and opens it for writing."""
        return self._side(path).create(path)

    def open(self, path: str) -> int:
        """Opens a file for reading."""
        return self._side(path).open(path)

    def write(self, handle: int, data: Any, offset: int) -> int:
        """Writes a buffer at a place of the file; may write less than asked."""
        return self._of(handle).write(handle, data, offset)

    def read(self, handle: int, into: Any, offset: int) -> int:
        """Reads into a writable buffer; may read less than asked; 0 at the end of the file."""
        return self._of(handle).read(handle, into, offset)

    def reserve(self, handle: int, size: int) -> None:
        """Takes room for a new file of so many bytes, on a local disk."""
        self._of(handle).reserve(handle, size)

    def begin_sync(self, handle: int, offset: int, size: int) -> None:
        """Begins to bring what was written there to a local disk."""
        self._of(handle).begin_sync(handle, offset, size)

    def map(self, handle: int) -> Any:
        """The whole of an open file as memory; None where it is not on a local disk."""
        return super().map(handle) if 0 <= handle < MOUNTED_HANDLES else None

    def sync(self, handle: int) -> None:
        """Returns when what was written to the file is on the disk; at the other end of a URL that is when it is closed."""
        if handle >= 0:
            self._of(handle).sync(handle)

    def give_up(self, handle: int) -> None:
        """Said of a new file, before it is closed, that nobody will want."""
        self._of(handle).give_up(handle)

    def close(self, handle: int) -> None:
        """Closes."""
        self._of(handle).close(handle)

    def stat(self, path: str) -> os.stat_result:
        """What the file system knows of a path."""
        return self._side(path).stat(path) if "://" in path else os.stat(path)

    def size(self, handle: int) -> int:
        """Bytes in an open file."""
        return self._of(handle).size(handle)

    def replace(self, old: str, new: str) -> None:
        """Renames a file over whatever has the new name."""
        around("disk", self._side(old)).replace(old, new)

    def may_be_replaced(self, old: str, new: str) -> bool:
        """After a ``replace`` that raised: False if ``new`` is surely what it was, and stays so."""
        return self._side(old).may_be_replaced(old, new)

    def link(self, old: str, new: str) -> None:
        """Gives a file a second name, which must be free."""
        self._side(new if is_url(new) else old).link(old, new)

    def remove_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        self._side(path).remove_directory(path)

    def remove(self, path: str) -> None:
        """Deletes a file."""
        around("disk", self._side(path)).remove(path)

    def names(self, directory: str) -> list[str]:
        """Names in a directory."""
        return self._side(directory).names(directory)

    def make_directory(self, path: str) -> None:
        """Makes one directory."""
        self._side(path).make_directory(path)

    def sync_directory(self, path: str) -> None:
        """Returns when the names in the directory are on the disk; at the other end of a URL they are."""
        disk = self._side(path)
        if disk is not self.__dict__.get("_remote"):
            disk.sync_directory(path)

    def place(self, directory: str) -> Any:
        """What tells this directory from others."""
        return self._side(directory).place(directory)

    def lock(self, directory: str) -> int | None:
        """Waits until nobody else has locked the directory and locks it; None where there is no such lock."""
        if local_path(directory) is not None:
            return _FILES.lock(directory)
        return None if is_url(directory) else super().lock(directory)


ANYWHERE = Anywhere()
