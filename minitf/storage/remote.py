"""URLs as a ``Disk``, by way of fsspec.

Object stores know no writing in the middle, no rename and no lock. So a new file grows in a local temporary file and goes out
when it is closed, in one piece: a store shows it whole or not at all. A rename is a copy at the other end and a delete, of
which the copy is what counts. Reading asks for the range of bytes that is wanted, nothing else.

A request that ends with an error may have been carried out, and one that is left by Ctrl-C goes on: fsspec's requests are made
in a thread of their own. So of a rename that failed nobody can say that it did not and will not happen.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import posixpath
import shutil
import stat as stat_bits
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any, cast
from zlib import crc32

from minitf.core.locks import left_open
from minitf.errors import InvalidArgumentError, OpError, UnimplementedError
from minitf.storage.files import Disk
from minitf.storage.paths import ARCHIVES, parts_of

_ERRNOS: tuple[tuple[type[OSError], int], ...] = (
    (FileNotFoundError, errno.ENOENT),
    (FileExistsError, errno.EEXIST),
    (PermissionError, errno.EACCES),
    (NotADirectoryError, errno.ENOTDIR),
    (IsADirectoryError, errno.EISDIR),
    (TimeoutError, errno.ETIMEDOUT),
    (ConnectionError, errno.ECONNABORTED),
)
_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "obs"}  # protocols whose first names are buckets


@dataclass
class _Open:
    """An open file: for reading its size, and all of it if no less can be had; for writing where it grows."""

    url: str
    system: Any
    name: str
    size: int = 0
    spool: Any = None
    wanted: bool = True
    whole: bytes | None = None


class RemoteDisk(Disk):
    """Every file system that fsspec knows. Handles are negative."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._numbers = itertools.count(2)
        self._lock = left_open(threading.Lock())

    def _keep(self, opened: _Open) -> int:
        with self._lock:
            handle = -next(self._numbers)
            self._open[handle] = opened
        return handle

    def create(self, path: str) -> int:
        """Begins a file that must not exist; it is there once it is closed."""
        system, name = place(path)
        with oserrors(path):
            system.invalidate_cache()
            if system.exists(name):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        return self._keep(_Open(path, system, name, spool=tempfile.TemporaryFile()))

    def open(self, path: str) -> int:
        """Opens a file for reading."""
        size = self.stat(path).st_size
        return self._keep(_Open(path, *place(path), size))

    def write(self, handle: int, data: Any, offset: int) -> int:
        """Writes a buffer at a place of the local temporary file."""
        return super().write(self._open[handle].spool.fileno(), data, offset)

    def read(self, handle: int, into: Any, offset: int) -> int:
        """Fetches one range of bytes; from a server that knows no ranges everything, once."""
        opened = self._open[handle]
        stop = min(opened.size, offset + len(into))
        if stop <= offset:
            return 0
        data = opened.whole
        if data is None:
            with oserrors(opened.url):
                data = opened.system.cat_file(opened.name, start=offset, end=stop)
            if len(data) <= stop - offset:
                into[: len(data)] = data
                return len(data)
            if len(data) != opened.size:
                raise OSError(errno.EIO, f"asked for {stop - offset} bytes, the server gave {len(data)}", opened.url)
            opened.whole = data
        into[: stop - offset] = data[offset:stop]
        return stop - offset

    def reserve(self, handle: int, size: int) -> None:
        """Does nothing: the file grows in a temporary one."""

    def begin_sync(self, handle: int, offset: int, size: int) -> None:
        """Does nothing: the file goes out when it is closed."""

    def map(self, handle: int) -> None:
        """Nothing can be mapped."""

    def give_up(self, handle: int) -> None:
        """The file will not go to the other end."""
        self._open[handle].wanted = False

    def close(self, handle: int) -> None:
        """Closes; a new file goes to the other end now."""
        with self._lock:
            opened = self._open.pop(handle)
        if opened.spool is None:
            return
        with opened.spool, oserrors(opened.url):
            if not opened.wanted:
                return
            opened.spool.seek(0)
            with opened.system.open(opened.name, "wb") as there:
                shutil.copyfileobj(opened.spool, there, 1 << 22)

    def stat(self, path: str) -> os.stat_result:
        """Kind, size, and as number and time what tells one version of a file from the next."""
        system, name = place(path)
        with oserrors(path):
            system.invalidate_cache()
            facts = system.info(name)
        directory = facts["type"] == "directory"
        size = 0 if directory else int(facts.get("size") or 0)
        version = crc32(repr(_marks(facts) + _marks_behind(path)).encode())
        kind = stat_bits.S_IFDIR if directory else stat_bits.S_IFREG
        return os.stat_result((kind | 0o666, version, 0, 1, 0, 0, size, _seconds(facts), _seconds(facts), 0))

    def size(self, handle: int) -> int:
        """Bytes in an open file, as they were when it was opened."""
        opened = self._open[handle]
        return opened.size if opened.spool is None else os.fstat(opened.spool.fileno()).st_size

    def place(self, directory: str) -> str:
        """The URL; that a directory is there cannot be asked of every store."""
        start, path, tail = parts_of(directory)
        return f"{start}{path.rstrip('/')}{tail}"

    def replace(self, old: str, new: str) -> None:
        """Copies a file at the other end and deletes the old name, which stays if that fails. Renames where that can be."""
        from fsspec import AbstractFileSystem

        (system, name), target = place(old), place(new)[1]
        with oserrors(old):
            if type(system).mv is not AbstractFileSystem.mv:
                system.mv(name, target)
                return
            system.cp_file(name, target)
        with contextlib.suppress(OSError):
            self.remove(old)

    def may_be_replaced(self, old: str, new: str) -> bool:
        """True: nobody knows."""
        return True

    def link(self, old: str, new: str) -> None:
        """There are no second names."""
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), old)

    def remove_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        system, name = place(path)
        with oserrors(path):
            system.rmdir(name)

    def remove(self, path: str) -> None:
        """Deletes a file."""
        system, name = place(path)
        with oserrors(path):
            system.rm_file(name)

    def names(self, directory: str) -> list[str]:
        """Names in a directory, but for those that no URL can have."""
        system, name = place(directory)
        with oserrors(directory):
            system.invalidate_cache()
            found = [posixpath.basename(path.rstrip("/")) for path in system.ls(name, detail=False)]
        return [name for name in found if "::" not in name]

    def make_directory(self, path: str) -> None:
        """Makes one directory, where there are directories. No bucket: whoever writes to one that is not there is told so."""
        system, name = place(path)
        if "/" not in name.rstrip("/") and not _STORES.isdisjoint(_protocols(system)):
            return
        with oserrors(path):
            system.mkdir(name, create_parents=False)


def place(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path there.

    That of a chained URL is made anew each time: what it remembers of an archive, or has a copy of, may be out of date.

    Raises UnimplementedError if a package is missing that the protocol needs, InvalidArgumentError for an unknown protocol, and
    for a chain with a file system over another one where there is none, or the other way round.
    """
    try:
        from fsspec.core import url_to_fs

        *links, last = url.split("::")
        _check_chain(url, links, last)
        if links:
            last = last if "://" in last else f"file://{os.path.abspath(last)}"  # a plain word would be a protocol
            return cast("tuple[Any, str]", url_to_fs("::".join([*links, last]), skip_instance_cache=True))
        system, name = url_to_fs(url)
    except ImportError as error:
        raise UnimplementedError(
            f"{url}: {error}. URLs need pip install 'minitf[remote]' and the protocol's own package."
        ) from None
    except ValueError as error:
        raise InvalidArgumentError(f"{url}: {error}.") from None
    return system, name


def _check_chain(url: str, links: list[str], last: str) -> None:
    """Raises InvalidArgumentError where fsspec would leave out what is behind a link, and write somewhere else."""
    from fsspec import get_filesystem_class

    protocol, _, inner = last.partition("://")
    if protocol in ARCHIVES:
        raise InvalidArgumentError(
            f"{url} names no archive. That stands behind '::', as in {protocol}://{inner}::path/of/an.archive."
        )
    for protocol in (link.partition("://")[0] for link in links):
        takes = {name for kind in get_filesystem_class(protocol).__mro__ for name in signature(kind.__init__).parameters}
        if takes.isdisjoint({"fo", "target_protocol"}):
            raise InvalidArgumentError(
                f"{url}: '::' chains file systems, and {protocol} is not one over another. Names behind such URLs cannot have "
                "'::'."
            )


@contextlib.contextmanager
def oserrors(path: str) -> Iterator[None]:
    """Gives an OSError of any file system the number that says what it is; others (of clients) become OSErrors."""
    try:
        yield
    except OpError:
        raise
    except OSError as error:
        found = _behind(error)
        if found.errno is not None and found is error:
            raise
        if found.errno is not None:
            raise OSError(found.errno, found.strerror or os.strerror(found.errno), path) from error
        number = next((number for kind, number in _ERRNOS if isinstance(found, kind)), errno.EIO)
        raise OSError(number, str(found) or os.strerror(number), path) from error
    except NotImplementedError as error:
        raise OSError(errno.ENOSYS, "the file system cannot do that", path) from error
    except Exception as error:
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}", path) from error


def _behind(error: OSError) -> OSError:
    """What fsspec's client of HTTP has made a FileNotFoundError of, whatever it was: no connection, no permission."""
    cause = error.__cause__
    if not isinstance(error, FileNotFoundError) or error.errno is not None:
        return error
    if isinstance(cause, OSError):
        return cause
    status = getattr(cause, "status", None)
    if status in (401, 403):
        return PermissionError(errno.EACCES, str(cause))
    return OSError(errno.EIO, str(cause)) if isinstance(status, int) and status >= 500 else error


def _protocols(system: Any) -> set[str]:
    """The protocols of a file system, or of that which it caches."""
    known = getattr(getattr(system, "fs", system), "protocol", ())
    return {known} if isinstance(known, str) else set(known)


def _marks(facts: dict[str, Any]) -> list[Any]:
    """What tells one version of a file from the next."""
    return [facts.get(mark) for mark in ("ETag", "etag", "md5Hash", "generation", "mtime", "created", "LastModified")]


def _marks_behind(url: str) -> list[Any]:
    """Of a chained URL the marks and the size of the file behind it (an archive, a list of references), if there is one."""
    behind = parts_of(url).tail.removeprefix("::")
    if not behind:
        return []
    system, name = place(behind)
    with contextlib.suppress(OSError):
        facts = system.info(name)
        if facts["type"] == "file":
            return [*_marks(facts), facts.get("ino"), facts.get("size"), *_marks_behind(behind)]
    return []


def _seconds(facts: dict[str, Any]) -> float:
    """When a file was written, as far as the file system tells."""
    for mark in ("mtime", "LastModified", "last_modified", "updated", "created"):
        found: Any = facts.get(mark)
        if isinstance(found, (int, float)):
            return float(found)
        if hasattr(found, "timestamp"):
            return float(found.timestamp())
    return 0.0
