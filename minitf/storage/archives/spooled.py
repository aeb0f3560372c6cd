"""What can only be read from its beginning on, for reading at any place: it goes into a temporary file as far as needed."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from typing import Any

from minitf.core.locks import left_open
from minitf.storage.files import Disk, write_fully

_LOCAL = Disk()


class Spooled:
    """Pieces that come one after the other, kept in a temporary file."""

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces
        self._file = tempfile.TemporaryFile()
        self._filled = 0
        self._lock = left_open(threading.Lock())

    def read(self, into: Any, offset: int) -> int:
        """Reads into a writable buffer; 0 at the end."""
        with self._lock:
            while self._filled < offset + len(into):
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._filled = write_fully(_LOCAL, self._file.fileno(), piece, self._filled)
            return _LOCAL.read(self._file.fileno(), into, offset)

    def close(self) -> None:
        """Deletes the temporary file."""
        self._file.close()
