"""``tf.io.gfile``: files and directories by path or URL, with TensorFlow's errors.

URLs (``memory://``, ``s3://bucket/run``) need the extra ``remote`` and the protocol's own package, as for checkpoints.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import stat as stat_bits
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from minitf.environment.opened_files import GFile, copied
from minitf.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError, NotFoundError, OpError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import find, is_directory, make_directories, typed
from minitf.storage.paths import is_url, join_path, parts_of, path_of, with_ending

__all__ = [
    "GFile", "copy", "exists", "glob", "isdir", "join", "listdir", "makedirs", "mkdir", "remove", "rename", "rmtree", "stat",
    "walk",
]  # fmt: skip


class FileStatistics(NamedTuple):
    """Bytes in a file, when it was last changed (nanoseconds since 1970), and whether it is a directory."""

    length: int
    mtime_nsec: int
    is_directory: bool


# -- questions -------------------------------------------------------------------------------------------------------------


def exists(path: Any) -> bool:
    """True if a file or directory stands there."""
    name = path_of(path)
    return name != "" and find(ANYWHERE, name) is not None


def isdir(path: Any) -> bool:
    """True if a directory stands there."""
    name = path_of(path)
    return name != "" and is_directory(ANYWHERE, name)


def stat(path: Any) -> FileStatistics:
    """Size, time and kind. Raises NotFoundError."""
    name = path_of(path)
    with typed("stat", name):
        found = ANYWHERE.stat(name)
    return FileStatistics(found.st_size, int(found.st_mtime * 1e9), stat_bits.S_ISDIR(found.st_mode))


def listdir(path: Any) -> list[str]:
    """The sorted names in a directory. Raises NotFoundError if there is no directory."""
    name = path_of(path)
    if not isdir(name):
        raise NotFoundError(f"listdir: there is no directory {name!r}.")
    with typed("list", name):
        return sorted(ANYWHERE.names(name))


def join(path: Any, *paths: Any) -> str:
    """Parts of a path or URL, joined: a part that begins with "/" begins anew."""
    return join_path(path_of(path), *map(path_of, paths))


def glob(pattern: Any) -> list[str]:
    """The paths that match a pattern, or one of a list of patterns: ``*``, ``?`` and ``[ab]`` within a name."""
    several = pattern if isinstance(pattern, (list, tuple)) else [pattern]
    return [path for one in several for path in _matching(path_of(one))]


_WILD = re.compile(r"[*?\[]")


def _matching(pattern: str) -> list[str]:
    if not _WILD.search(parts_of(pattern).path):
        return [pattern] if exists(pattern) else []
    start, inner, tail = parts_of(pattern)
    above, separator, rest = inner.rpartition("/")
    head = f"{start}{above}{tail}"
    found = []
    for directory in _matching(head) if _WILD.search(above) else [head]:
        if (separator and not directory) or isdir(directory or os.curdir):
            places = ANYWHERE.names(directory or separator or os.curdir)
            fitting = sorted(name for name in places if fnmatch.fnmatchcase(name, rest))
            found += [with_ending(directory, f"{separator}{name}") for name in fitting]
    return found


def walk(
    top: Any, topdown: bool = True, onerror: Callable[[OpError], Any] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """For each directory from ``top`` on ``(directory, its directories, its files)``, those inside after it, or before it.

    ``onerror`` is called with the error of a directory that cannot be listed, which is left out.
    """
    name = path_of(top)
    try:
        names = listdir(name)
    except OpError as error:
        if onerror is not None:
            onerror(error)
        return
    inside = [n for n in names if isdir(join(name, n))]
    files = [n for n in names if n not in set(inside)]
    if topdown:
        yield name, inside, files
    for n in inside:
        yield from walk(join(name, n), topdown, onerror)
    if not topdown:
        yield name, inside, files


# -- changes ---------------------------------------------------------------------------------------------------------------


def mkdir(path: Any) -> None:
    """Makes a directory, unless it is there. Raises NotFoundError without its parent, AlreadyExistsError for a file's name."""
    name = path_of(path)
    if not isdir(name):
        with typed("make directory", name):
            ANYWHERE.make_directory(name)


def makedirs(path: Any) -> None:
    """Makes a directory and its parents, as far as they are not there. Raises FailedPreconditionError if one is a file."""
    make_directories(ANYWHERE, path_of(path), durable=False)


def remove(path: Any) -> None:
    """Deletes a file. Raises NotFoundError, FailedPreconditionError for a directory."""
    name = path_of(path)
    if isdir(name):
        raise FailedPreconditionError(f"remove: {name!r} is a directory. Delete it with rmtree.")
    with typed("remove", name):
        ANYWHERE.remove(name)


def rmtree(path: Any) -> None:
    """Deletes a directory with all that is in it, or a file. Raises NotFoundError."""
    name = path_of(path)
    with typed("remove", name):
        if not isdir(name) or (not is_url(name) and os.path.islink(name)):
            ANYWHERE.remove(name)
        elif is_url(name):
            for inside in ANYWHERE.names(name):
                rmtree(join(name, inside))
            if isdir(name):  # in an object store a directory is there as long as something is in it
                ANYWHERE.remove_directory(name)
        else:
            shutil.rmtree(name)


def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Copies a file. Raises AlreadyExistsError if ``dst`` is there, unless ``overwrite``; InvalidArgumentError for a
    directory.
    """
    source, target = path_of(src), path_of(dst)
    if isdir(source):
        raise InvalidArgumentError(f"copy: {source!r} is a directory; only files can be copied.")
    _free(target, overwrite, "copy")
    copied(source, target)


def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
    """Renames a file or directory. Raises NotFoundError, AlreadyExistsError if ``dst`` is there, unless ``overwrite``."""
    source, target = path_of(src), path_of(dst)
    _free(target, overwrite, "rename")
    if _place(source) == _place(target):
        with typed("rename", source):
            ANYWHERE.stat(source)
            ANYWHERE.replace(source, target)
    else:
        copy(source, target, overwrite)
        remove(source)


def _free(target: str, overwrite: bool, doing: str) -> None:
    if not overwrite and exists(target):
        raise AlreadyExistsError(f"{doing}: {target!r} exists already. overwrite=True replaces it.")


def _place(path: str) -> tuple[str, str]:
    """The file system."""
    start, _, tail = parts_of(path)
    return (start, tail) if tail else (path.partition("://")[0] if is_url(path) else "", "")
