"""URLs of files of this machine, ``file://`` and ``local://``: the local file system, with its locks and its fsync."""

from __future__ import annotations

import errno
import os
import re
from typing import Any

from minitf.storage.files import Disk
from minitf.storage.paths import is_url

_START = re.compile("(file|local)://")


def local_path(url: str) -> str | None:
    """The path behind the URL of a file; None for others."""
    found = _START.match(url)
    if found is None:
        return None
    path = url[found.end() :]
    return path.lstrip("/") if os.name == "nt" else path  # file:///C:/run


def is_local(path: str) -> bool:
    """True for a path on this machine, which may be the URL of a file."""
    return local_path(path) is not None or not is_url(path)


class FileUrls(Disk):
    """The local disk for URLs; a path that is none is taken as it is."""

    def _path(self, url: str) -> str:
        path = local_path(url)
        return url if path is None else path

    def create(self, path: str) -> int:
        """Makes a file that must not exist and opens it for writing."""
        return super().create(self._path(path))

    def open(self, path: str) -> int:
        """Opens a file for reading."""
        return super().open(self._path(path))

    def stat(self, path: str) -> os.stat_result:
        """What the file system knows of a path."""
        return super().stat(self._path(path))

    def replace(self, old: str, new: str) -> None:
        """Renames a file over whatever has the new name, in one step."""
        super().replace(self._path(old), self._path(new))

    def link(self, old: str, new: str) -> None:
        """Gives a file a second name, which must be free; not to one of another file system."""
        paths = self._path(old), self._path(new)
        if "://" in paths[0]:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), old)
        super().link(*paths)

    def remove_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        super().remove_directory(self._path(path))

    def remove(self, path: str) -> None:
        """Deletes a file."""
        super().remove(self._path(path))

    def names(self, directory: str) -> list[str]:
        """Names in a directory."""
        return super().names(self._path(directory))

    def make_directory(self, path: str) -> None:
        """Makes one directory."""
        super().make_directory(self._path(path))

    def sync_directory(self, path: str) -> None:
        """Returns when the names in the directory are on the disk; at once where the file system cannot do that."""
        super().sync_directory(self._path(path))

    def place(self, directory: str) -> Any:
        """What tells this directory from others, whatever path leads to it."""
        return super().place(self._path(directory))

    def lock(self, directory: str) -> int | None:
        """Waits until no other process has locked the directory and locks it; None where there is no such lock."""
        return super().lock(self._path(directory))
