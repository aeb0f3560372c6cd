"""The file system, behind one small object, and what a checkpoint needs of it.

``Disk`` has one method a system call and nothing else, so that a wrapper can count, record or break any of them. The
functions below it take a disk and add what every caller wants: loops over short writes, typed errors, temporary names that go
away, directories that survive a power cut.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat as stat_bits
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from minitf import errors
from minitf.storage import linux, locks
from minitf.storage.descriptors import Descriptor
from minitf.storage.errnos import class_of
from minitf.storage.paths import join_path, parent_of, split_path

TEMPORARY = ".tmp-"  # between a file's final name and the random end of its temporary name
LONGEST = 255 - len(TEMPORARY) - 16  # bytes of a name that another 16 signs can follow
ROOM = 1 << 16  # for so many bytes it pays to take room on the disk before they are written
_NO_SUCH_SYNC = (errno.EINVAL, errno.EBADF, errno.EOPNOTSUPP, errno.ENOSYS)  # of directories: shared folders, some of FUSE
_BINARY = getattr(os, "O_BINARY", 0)  # Windows
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # to open a pipe would wait for a writer


class Disk:
    """The local file system: thin, raw, replaceable. Every method may raise OSError."""

    def create(self, path: str) -> int:
        """Makes a file that must not exist and opens it for writing."""
        return Descriptor.opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)

    def open(self, path: str) -> int:
        """Opens a file for reading. A pipe or a device in its place is an error, and nobody waits for it."""
        handle = Descriptor.opened(path, os.O_RDONLY | _BINARY | _AT_ONCE)
        kind = os.fstat(handle).st_mode
        if not (stat_bits.S_ISREG(kind) or stat_bits.S_ISDIR(kind)):
            handle.close()
            raise OSError(errno.EINVAL, "It is neither a file nor a directory", path)
        return handle

    def write(self, handle: int, data: Any, offset: int) -> int:
        """Writes a buffer at a place of the file; may write less than asked."""
        if hasattr(os, "pwrite"):
            return os.pwrite(handle, data, offset)
        os.lseek(handle, offset, os.SEEK_SET)  # Windows
        return os.write(handle, data)

    def read(self, handle: int, into: Any, offset: int) -> int:
        """Reads into a writable buffer; may read less than asked; 0 at the end of the file."""
        if hasattr(os, "preadv"):
            return os.preadv(handle, [into], offset)
        os.lseek(handle, offset, os.SEEK_SET)  # Windows
        got = os.read(handle, len(into))
        into[: len(got)] = got
        return len(got)

    def reserve(self, handle: int, size: int) -> None:
        """Takes room for a new file of so many bytes, whose content and size stay as they are; some systems do nothing."""
        linux.reserve(handle, size)

    def begin_sync(self, handle: int, offset: int, size: int) -> None:
        """Begins to bring what was written there to the disk, and does not wait; some systems do nothing."""
        linux.begin_sync(handle, offset, size)

    def map(self, handle: int) -> Any:
        """The whole of an open file as memory that is private to the process, None if the file system cannot do that."""
        import mmap

        return mmap.mmap(handle, 0, access=mmap.ACCESS_COPY)

    def sync(self, handle: int) -> None:
        """Returns when what was written to the file is on the disk."""
        os.fsync(handle)

    def give_up(self, handle: int) -> None:
        """Said of a new file, before it is closed, that nobody will want: it need not be brought to where it would stand."""

    def close(self, handle: int) -> None:
        """Closes."""
        cast("Descriptor", handle).close()

    def stat(self, path: str) -> os.stat_result:
        """What the file system knows of a path."""
        return os.stat(path)

    def size(self, handle: int) -> int:
        """Bytes in an open file."""
        return os.fstat(handle).st_size

    def replace(self, old: str, new: str) -> None:
        """Renames a file over whatever has the new name, in one step."""
        os.replace(old, new)

    def may_be_replaced(self, old: str, new: str) -> bool:
        """After a ``replace`` that raised: False if ``new`` is surely what it was, and stays so. Raises nothing of its own."""
        try:
            self.stat(old)
        except OSError:
            return True
        return False

    def link(self, old: str, new: str) -> None:
        """Gives a file a second name, which must be free."""
        os.link(old, new)

    def remove_directory(self, path: str) -> None:
        """Deletes an empty directory."""
        os.rmdir(path)

    def remove(self, path: str) -> None:
        """Deletes a file."""
        os.unlink(path)

    def names(self, directory: str) -> list[str]:
        """Names in a directory."""
        return os.listdir(directory or os.curdir)

    def make_directory(self, path: str) -> None:
        """Makes one directory."""
        os.mkdir(path)

    def sync_directory(self, path: str) -> None:
        """Returns when the names in the directory are on the disk; at once where the file system cannot do that."""
        if os.name == "nt":
            return  # Windows cannot open a directory; its renames are written through
        handle = Descriptor.opened(path or os.curdir, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_SUCH_SYNC:
                raise
        finally:
            handle.close()

    def place(self, directory: str) -> Any:
        """What tells this directory from others, whatever path leads to it."""
        facts = self.stat(directory or os.curdir)
        return facts.st_dev, facts.st_ino

    def lock(self, directory: str) -> int | None:
        """Waits until no other process has locked the directory and locks it; None where there is no such lock.

        In this process only one thread at a time may do so for one directory (``while_locked``).
        """
        return locks.lock(directory or os.curdir)

    def unlock(self, handle: int) -> None:
        """Ends a lock."""
        locks.unlock(handle)


def typed_error(error: OSError, doing: str, path: str) -> errors.OpError:
    """The minitf error for an OSError; its ``code`` is the one that TensorFlow gives this errno."""
    return class_of(error.errno)(f"{doing}: {path}: {error.strerror or error}.")


@contextlib.contextmanager
def typed(doing: str, path: str) -> Iterator[None]:
    """Turns an OSError (and a path that no file system takes) into a minitf error that says what was done to which path."""
    try:
        yield
    except OSError as error:
        raise typed_error(error, doing, path) from error
    except ValueError as error:  # a NUL in the path
        if isinstance(error, errors.OpError) or "null" not in str(error):
            raise
        raise errors.InvalidArgumentError(f"{doing}: {path!r} is no path: {error}.") from error


def find(disk: Disk, path: str) -> os.stat_result | None:
    """What the file system knows of a path, None if nothing is there. Raises typed errors, e.g. for refused access."""
    with typed("look up", path):
        try:
            return disk.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None  # nothing has such a name
            raise


def is_file(disk: Disk, path: str) -> bool:
    """True if a plain file stands there."""
    found = find(disk, path)
    return found is not None and stat_bits.S_ISREG(found.st_mode)


def is_directory(disk: Disk, path: str) -> bool:
    """True if a directory stands there."""
    found = find(disk, path or os.curdir)
    return found is not None and stat_bits.S_ISDIR(found.st_mode)


def names_in(disk: Disk, directory: str) -> list[str]:
    """Sorted names in a directory; none if there is no such directory."""
    with typed("list", directory):
        try:
            return sorted(disk.names(directory))
        except (FileNotFoundError, NotADirectoryError):
            return []


def write_fully(disk: Disk, handle: int, data: Any, offset: int) -> int:
    """Writes all of a buffer of bytes, however little the system takes at a time; returns the offset behind it."""
    view = data
    while len(view):
        try:
            done = disk.write(handle, view, offset)
        except InterruptedError:
            continue
        if done == 0:
            raise OSError(errno.EIO, "the file takes no more bytes")
        offset += done
        view = memoryview(view)[done:]
    return offset


def read_fully(disk: Disk, handle: int, into: memoryview, offset: int) -> int:
    """Fills a buffer from an open file; returns how much there was, less than asked only at the end of the file."""
    total = len(into)
    done = 0
    while done < total:
        try:
            got = disk.read(handle, into[done:] if done else into, offset + done)
        except InterruptedError:
            continue
        if got == 0:
            break
        done += got
    return done


def read_whole(disk: Disk, path: str) -> bytearray:
    """All bytes of a file. Raises NotFoundError and its like."""
    with typed("read", path):
        handle = disk.open(path)
        try:
            data = _room(disk.size(handle), path)
            got = read_fully(disk, handle, memoryview(data), 0)
        finally:
            disk.close(handle)
    del data[got:]
    return data


def _room(size: int, path: str) -> bytearray:
    try:
        return bytearray(size)
    except MemoryError:  # a file with holes, or packed in an archive, may say anything
        raise errors.ResourceExhaustedError(f"read: {path}: there is no memory for its {size} bytes.") from None


def temporary_name(path: str) -> str:
    """A name beside ``path`` for a file that is not complete yet."""
    directory, name = split_path(path)
    return join_path(directory, f"{temporary_start(name)}{TEMPORARY}{secrets.token_hex(8)}")


def temporary_start(name: str) -> str:
    """How the temporary names of a file begin: with all of its name, if the whole is not longer than names may be."""
    data = os.fsencode(name)
    return name if len(data) <= LONGEST else data[:LONGEST].decode("utf-8", "ignore")


def write_temporary(disk: Disk, path: str, chunks: Iterable[Any], durable: bool) -> str:
    """Writes a file under a temporary name for ``path`` and returns that name; on an error nothing is left."""

    def fill(handle: int) -> None:
        offset = 0
        for chunk in chunks:
            if len(chunk) >= ROOM:
                disk.reserve(handle, offset + len(chunk))
            offset = write_fully(disk, handle, chunk, offset)

    return fill_temporary(disk, path, fill, durable)


def fill_temporary(disk: Disk, path: str, fill: Callable[[int], None], durable: bool) -> str:
    """Makes a file under a temporary name for ``path``, has ``fill(handle)`` write it, and returns that name.

    On an error nothing is left.
    """
    temporary = temporary_name(path)
    with typed("write", path):
        handle = disk.create(temporary)
        try:
            try:
                fill(handle)
                if durable:
                    disk.sync(handle)
            except BaseException:
                disk.give_up(handle)
                raise
            finally:
                disk.close(handle)
        except BaseException:
            discard(disk, [temporary])
            raise
    return temporary


def replace_file(disk: Disk, path: str, chunks: Iterable[Any], durable: bool) -> None:
    """Puts a file in place in one step: whoever looks sees the old content or the new, also after a power cut."""
    put_in_place(disk, write_temporary(disk, path, chunks, durable), path, durable)


def put_in_place(disk: Disk, temporary: str, path: str, durable: bool) -> None:
    """Gives a complete file its final name; on an error it is deleted."""
    with typed("replace", path):
        try:
            disk.replace(temporary, path)
        except BaseException:
            discard(disk, [temporary])
            raise
        if durable:
            disk.sync_directory(parent_of(path))


def commit(disk: Disk, temporary: str, path: str, pending: list[str]) -> None:
    """Renames the file that makes a set of files valid.

    ``pending`` has the files to be deleted if the set does not become valid. Afterwards it is empty, unless the rename raised
    and surely did not happen; so whatever interrupts this, no file of a valid set is deleted.
    """
    doomed = pending[:]
    pending.clear()
    try:
        with typed("rename", path):
            disk.replace(temporary, path)
    except BaseException:
        if not disk.may_be_replaced(temporary, path):
            pending += doomed
        raise


def discard(disk: Disk, paths: Iterable[str]) -> None:
    """Deletes files as far as that is possible; for clean-up behind an error that matters more."""
    for path in paths:
        with contextlib.suppress(OSError):
            disk.remove(path)


def discard_left(disk: Disk, paths: Iterable[str]) -> None:
    """Deletes what programs that were killed have left of files of one directory, whose lock the caller must hold."""
    directory, starts = "", []
    for path in paths:
        directory, name = split_path(path)
        starts.append(temporary_start(name) + TEMPORARY)
    discard(disk, [join_path(directory, name) for name in names_in(disk, directory) if name.startswith(tuple(starts))])


def make_directories(disk: Disk, directory: str, durable: bool) -> None:
    """Makes a directory with all its parents, each on the disk before the next."""
    missing = []
    while directory and not is_directory(disk, directory):
        missing.append(directory)
        if parent_of(directory) == directory:
            break  # the root of a URL that cannot say that it is there
        directory = parent_of(directory)
    for path in reversed(missing):
        with typed("make directory", path):
            try:
                disk.make_directory(path)
            except FileExistsError:
                if not is_directory(disk, path):
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
            if durable:
                disk.sync_directory(parent_of(path))


def while_locked(disk: Disk, directory: str, act: Callable[[], None]) -> None:
    """Calls ``act`` with the directory's lock held, so that writers of one directory, in any process, take turns."""
    with typed("lock", directory or os.curdir):
        place = disk.place(directory)
    with locks.turn(place):
        with typed("lock", directory or os.curdir):
            handle = disk.lock(directory)
        try:
            act()
        finally:
            if handle is not None:
                with contextlib.suppress(OSError):
                    disk.unlock(handle)
