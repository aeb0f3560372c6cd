"""The disk that every storage uses unless it is given another: local paths, and URLs such as ``s3://bucket/run/ckpt``."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import Any

from minitf.core.around import around
from minitf.storage.files import Disk

_LOCAL = Disk()
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(::[A-Za-z][A-Za-z0-9+.\-]*)*://")


def is_url(path: str) -> bool:
    """True for a path with a protocol, which fsspec has to know."""
    return "://" in path and _URL.match(path) is not None


class Anywhere(Disk):
    """Sends a call to the local file system or, for a URL, to fsspec, which is imported when the first URL comes.

    A handle below zero belongs to fsspec's side.
    """

    @cached_property
    def _remote(self) -> Disk:
        from minitf.storage.remote import RemoteDisk

        return RemoteDisk()

    def _side(self, path: str) -> Disk:
        return self._remote if is_url(path) else _LOCAL

    def create(self, path: str) -> int:
        """Makes a file that must not exist and opens it for writing."""
        return self._remote.create(path) if is_url(path) else super().create(path)

    def open(self, path: str) -> int:
        """Opens a file for reading."""
        return self._remote.open(path) if is_url(path) else super().open(path)

    def write(self, handle: int, data: Any, offset: int) -> int:
        """Writes a buffer at a place of the file; may write less than asked."""
        return self._remote.write(handle, data, offset) if handle < 0 else super().write(handle, data, offset)

    def read(self, handle: int, into: Any, offset: int) -> int:
        """Reads into a writable buffer; may read less than asked; 0 at the end of the file."""
        return self._remote.read(handle, into, offset) if handle < 0 else super().read(handle, into, offset)

    def map(self, handle: int) -> Any:
        """The whole of an open file as memory; None behind a URL."""
        return None if handle < 0 else super().map(handle)

    def sync(self, handle: int) -> None:
        """Returns when what was written to the file is on the disk; at the other end of a URL that is when it is closed."""
        if handle >= 0:
            super().sync(handle)

    def close(self, handle: int) -> None:
        """Closes."""
        if handle < 0:
            self._remote.close(handle)
        else:
            super().close(handle)

    def stat(self, path: str) -> os.stat_result:
        """What the file system knows of a path."""
        return self._remote.stat(path) if is_url(path) else super().stat(path)

    def size(self, handle: int) -> int:
        """Bytes in an open file."""
        return self._remote.size(handle) if handle < 0 else super().size(handle)

    def replace(self, old: str, new: str) -> None:
        """Renames a file over whatever has the new name."""
        around("disk", self._side(old)).replace(old, new)

    def link(self, old: str, new: str) -> None:
        """Gives a file a second name, which must be free."""
        if is_url(old) or is_url(new):
            self._remote.link(old, new)
        else:
            super().link(old, new)

    def remove_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        if is_url(path):
            self._remote.remove_directory(path)
        else:
            super().remove_directory(path)

    def remove(self, path: str) -> None:
        """Deletes a file."""
        around("disk", self._side(path)).remove(path)

    def names(self, directory: str) -> list[str]:
        """Names in a directory."""
        return self._remote.names(directory) if is_url(directory) else super().names(directory)

    def make_directory(self, path: str) -> None:
        """Makes one directory."""
        if is_url(path):
            self._remote.make_directory(path)
        else:
            super().make_directory(path)

    def sync_directory(self, path: str) -> None:
        """Returns when the names in the directory are on the disk; at the other end of a URL they are."""
        if not is_url(path):
            super().sync_directory(path)

    def lock(self, directory: str) -> int | None:
        """Waits until nobody else has locked the directory and locks it; None where there is no such lock."""
        return None if is_url(directory) else super().lock(directory)


ANYWHERE = Anywhere()
