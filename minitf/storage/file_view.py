"""An open file of a disk for libraries that want a Python file object."""

from __future__ import annotations

import io
import os
from typing import Any

from minitf.storage.files import Disk, read_fully, write_fully


class FileView(io.RawIOBase):
    """An open file of a disk as a Python file object. Closing it leaves the handle open.

    The ``handle`` may be another one later on, of the same file opened again.
    """

    def __init__(self, disk: Disk, handle: int = -1, writing: bool = False):
        self._disk = disk
        self.handle = handle
        self._writing = writing
        self._at = 0
        self.error: OSError | None = None  # what the disk raised last: some libraries hide it

    def readable(self) -> bool:
        """True unless the file is being written."""
        return not self._writing

    def writable(self) -> bool:
        """True if the file is being written."""
        return self._writing

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next read or write."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        try:
            self._at = max(0, offset + (self._disk.size(self.handle) if base is None else base))
        except OSError as error:
            self.error = error
            raise
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer as far as the file goes. Raises ValueError if the view is closed."""
        self._check_open()
        try:
            got = read_fully(self._disk, self.handle, memoryview(buffer).cast("B"), self._at)
        except OSError as error:
            self.error = error
            raise
        self._at += got
        return got

    def write(self, data: Any) -> int:
        """Writes all of a buffer. Raises ValueError if the view is closed."""
        self._check_open()
        start = self._at
        self._at = write_fully(self._disk, self.handle, memoryview(data).cast("B"), start)
        return self._at - start

    def _check_open(self) -> None:
        """The number of a handle may be another file's when the file is closed, and some libraries write late."""
        if self.closed:
            raise ValueError("The view of the file is closed.")
