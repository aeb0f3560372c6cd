"""Paths and URLs as text: put together, taken apart, compared.

The files of a checkpoint have names that begin like its own, so endings are put behind a path. In a chained URL whose first
link has a path of its own, ``zip://run/ckpt::s3://bucket/a.zip``, that stands in the middle::

    start     path      tail
    zip://    run/ckpt  ::s3://bucket/a.zip

and everything here changes the path and keeps the rest. In every other path nothing is start or tail: of ``simplecache::s3://b/run``
the path is the last link's, and ``a::b/ckpt`` is a name on the local disk.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import Any, NamedTuple

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*(::[A-Za-z][A-Za-z0-9+.\-]*)*://")
ARCHIVES = ("zip", "tar", "libarchive")  # links that have a path of their own even if it is not written: "", the root
_READ = ("zip", "tar")  # those that minitf opens itself
_CACHES = ("simplecache", "filecache", "blockcache")
_LOCAL = ("file", "local")  # behind these anything may stand in a name


class Parts(NamedTuple):
    """A path in three pieces; put one behind the other they are the whole."""

    start: str
    path: str
    tail: str


def path_of(value: Any) -> str:
    """A path as str, of no class derived from it. Takes str, bytes and path objects; raises TypeError for anything else."""
    return str.__str__(os.fsdecode(value))


def is_url(path: str) -> bool:
    """True for a path with a protocol, which fsspec has to know."""
    return "://" in path and _URL.match(path) is not None


def parts_of(path: str) -> Parts:
    """The pieces of a path. ``zip::s3://bucket/a.zip``, the root of an archive, gives ``zip://``, nothing, and the rest."""
    if "::" not in path or not is_url(path):
        return Parts("", path, "")
    before, rest = "", path
    while True:
        link, sign, after = rest.partition("::")
        protocol, slashes, inner = link.partition("://")
        if slashes or protocol in ARCHIVES:
            break
        before, rest = f"{before}{link}::", after
    if not sign or (not before and protocol in _LOCAL):
        return Parts("", path, "")
    return Parts(f"{before}{protocol}://", inner, sign + after)


def archived(path: str) -> tuple[str, str, str] | None:
    """For a path inside of a zip or tar archive: which, the path there, and the path of the archive. None for others.

    Caches in front make no difference: what of an archive is read is not read again.
    """
    start, inner, tail = parts_of(path)
    *before, kind = start.removesuffix("://").split("::")
    return (kind, inner, tail[2:]) if kind in _READ and all(link in _CACHES for link in before) else None


def with_ending(path: str, ending: str) -> str:
    """The path with an ending behind its name."""
    start, inner, tail = parts_of(path)
    return f"{start}{inner}{ending}{tail}"


def without_ending(path: str, ending: str) -> str:
    """The path without this ending, if its name has it."""
    start, inner, tail = parts_of(path)
    return f"{start}{inner.removesuffix(ending)}{tail}"


def split_path(path: str) -> tuple[str, str]:
    """``os.path.split``, which would take the slashes off the root of a URL."""
    start, inner, tail = parts_of(path)
    if tail:
        directory, name = posixpath.split(inner)
        return f"{start}{directory}{tail}", name
    directory, name = os.path.split(path)
    return (path[: len(path) - len(name)], name) if directory.endswith(":") and "://" in path else (directory, name)


def parent_of(path: str) -> str:
    """The directory part of a path."""
    return split_path(path)[0]


def name_of(path: str) -> str:
    """The last part of a path."""
    return split_path(path)[1]


def join_path(directory: str, *names: str) -> str:
    """``os.path.join``; a name that begins with "/" is one of the local disk."""
    start, inner, tail = parts_of(directory)
    joined = os.path.join(inner, *names)
    return joined if any(map(os.path.isabs, names)) else f"{start}{joined}{tail}"


def normal(path: str) -> str:
    """The one way to write a URL, or the absolute path of the local disk: for comparisons."""
    start, inner, tail = parts_of(path)
    return f"{start}{_rooted(inner)}{tail}" if tail else os.path.abspath(path)


def relative_to(directory: str, path: str) -> str:
    """How a path is written from a directory; as it is, if one of them is in an archive and the other elsewhere."""
    (start, inner, tail), above = parts_of(path), parts_of(directory)
    if (start, tail) != (above.start, above.tail):
        return path
    if tail:
        return posixpath.relpath(_rooted(inner), _rooted(above.path))
    return os.path.relpath(path, directory or os.curdir)


def lies_in(directory: str, path: str) -> bool:
    """True if a path, as it is written, leads to something in a directory or below it."""
    (start, inner, tail), above = parts_of(path), parts_of(directory)
    if (start, tail) != (above.start, above.tail):
        return False
    if tail:
        return _rooted(inner).startswith(posixpath.join(_rooted(above.path), ""))
    return os.path.abspath(path).startswith(os.path.join(os.path.abspath(directory or os.curdir), ""))


def _rooted(inner: str) -> str:
    """A path inside of an archive from its root on, above which nothing is."""
    return posixpath.normpath("/" + inner.lstrip("/"))
