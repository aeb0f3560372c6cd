"""Two calls of Linux that Python does not have, and that make saves of large values faster; elsewhere they do nothing.

``reserve`` takes room on the disk before a file is written. The file system then looks for blocks once and not at every write,
nor at the rename, which otherwise waits for that if it replaces a file; and a disk that is too full says so before anything is
written. (Python's ``os.posix_fallocate`` would write into every block where a file system cannot reserve.)

``begin_sync`` has the disk begin with what was written, while the next bytes are written, so that a sync at the end finds
little left to do.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable
from typing import Any

_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE
_WRITE = 2  # SYNC_FILE_RANGE_WRITE
_TOO_MUCH = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def reserve(handle: int, size: int) -> None:
    """Takes room for the first ``size`` bytes of an open file, whose content and size stay as they are.

    Does nothing where the system cannot. Raises OSError if there is not so much room.
    """
    if _call("fallocate", handle, _KEEP_SIZE, 0, size):
        import ctypes

        number = ctypes.get_errno()
        if number in _TOO_MUCH:
            raise OSError(number, os.strerror(number))


def begin_sync(handle: int, offset: int, size: int) -> None:
    """Begins to bring bytes of an open file to the disk, and does not wait. A sync that follows tells what went wrong."""
    _call("sync_file_range", handle, offset, size, _WRITE)


def _call(name: str, *arguments: int) -> int:
    """What a call says: 0 if it did what it should, and where there is no such call."""
    call = _calls().get(name)
    return 0 if call is None else call(*arguments)


@functools.cache
def _calls() -> dict[str, Callable[..., int]]:
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        found: dict[str, Any] = {
            "fallocate": getattr(library, "fallocate64", None) or library.fallocate,
            "sync_file_range": library.sync_file_range,
        }
    except (ImportError, AttributeError, OSError, TypeError):
        return {}
    number, place = ctypes.c_int, ctypes.c_int64
    found["fallocate"].argtypes = (number, number, place, place)
    found["sync_file_range"].argtypes = (number, place, place, ctypes.c_uint)
    return found
