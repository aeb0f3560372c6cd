"""Opening a checkpoint by whatever path somebody has at hand.

A prefix, an index file, a data file, a state file, a directory (with a state file, or of a SavedModel), a V1 file or pattern,
an archive: ``identify`` says what it is, ``open_checkpoint`` opens it. Of other files it says what they seem to be.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minitf.errors import DataLossError, NotFoundError
from minitf.saved import Reader
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle.names import index_path, missing_text, split_data_name
from minitf.storage.files import Disk, find, is_directory, is_file, names_in, read_fully, typed
from minitf.storage.formats import format_at, format_named
from minitf.storage.paths import join_path, name_of, parent_of, path_of, split_path, without_ending
from minitf.storage.state_file import STATE_FILE, latest_checkpoint
from minitf.storage.v1.names import pattern_of, split_shard_name
from minitf.storage.varint import read_varint

_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
_SIGNATURES = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras weights?)"),
    (b"\x80\x02", "a pickle (an old torch.save?)"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"GGUF", "a GGUF model"),
    (b"\x93NUMPY", "a single NumPy array (.npy)"),
    (b"PK\x03\x04", "a zip archive (a .keras model, or torch.save?)"),
    (b"{", "a JSON text"),
    (b"[", "a JSON text"),
)
_ARCHIVES = (("zip", (b"PK\x03\x04",)), ("tar", (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")))
_TAR, _TAR_SIGNATURE = slice(257, 262), b"ustar"
_ENDINGS = (".index", ".safetensors", ".npz")
_PROGRAMS = ("saved_model.pb", "saved_model.pbtxt")
_STATE = re.compile(rb"^\s*(all_)?model_checkpoint_path\w*\s*:", re.MULTILINE)  # a line of a state file


Choice = Callable[..., str | None]
"""Gives a checkpoint of ``(directory, latest_filename, disk=disk)``, None if there is none to give."""


@dataclass(frozen=True)
class Found:
    """What a path turned out to be: the ``format`` (a storage's name) and the prefix to open it with."""

    format: str
    prefix: str


def open_checkpoint(path: str, disk: Disk = ANYWHERE) -> Reader:
    """A ``Reader`` for the checkpoint that a path of any form stands for. Raises as ``identify`` and as ``open``."""
    return open_found(identify(path, disk), disk)


def open_found(found: Found, disk: Disk = ANYWHERE) -> Reader:
    """A ``Reader`` for what ``identify`` found. Raises as ``open``."""
    reader: Any = format_named(found.format, disk=disk).open(found.prefix)
    opened: Reader = reader
    return opened


def identify(path: str, disk: Disk = ANYWHERE, *, among: Choice = latest_checkpoint) -> Found:
    """What a path stands for.

    ``among`` chooses where a state file names several: ``latest_checkpoint`` the newest that is whole, ``newest_checkpoint``
    the newest. Raises NotFoundError, saying what was looked for, and DataLossError for a file that is no checkpoint, saying
    what it seems to be.
    """
    path = path_of(path)
    storage = format_at(path, disk) if path else None
    if storage is not None and not (storage.name == "tf-v1" and is_file(disk, path)):
        if is_directory(disk, path):  # "run" beside "run.npz": as in TensorFlow, the directory counts, if it has a checkpoint
            with contextlib.suppress(NotFoundError):
                return _in_directory(path, disk, among)
        return Found(storage.name, path)
    for prefix in _prefixes_of_part(path):
        if is_file(disk, index_path(prefix)):
            return Found("tf-v2", prefix)
    if path and is_directory(disk, path):
        return _in_directory(path, disk, among)
    if is_file(disk, path):
        return _sniff(path, disk, among)
    if (pattern := _pattern_of(path, disk)) is not None:
        return Found("tf-v1", pattern)
    if path and find(disk, path) is not None:
        raise DataLossError(f"open: {path!r} is no checkpoint: it is neither a file nor a directory.")
    raise NotFoundError(missing_text(disk, path))


def _prefixes_of_part(path: str) -> list[str]:
    """The prefix, if the path is that of one file of a set."""
    out = [shorter for ending in (".index", ".meta") if (shorter := without_ending(path, ending)) != path]
    parts = split_data_name(path)
    return out if parts is None else [*out, parts[0]]


def _pattern_of(prefix: str, disk: Disk) -> str | None:
    """The pattern of the V1 files that a sharded saver wrote under a prefix; None if there are none, or of several sets."""
    directory, stem = split_path(prefix)
    if not stem or any(sign in stem for sign in "*?[") or (directory and not is_directory(disk, directory)):
        return None
    found = [(name, parts[2]) for name in names_in(disk, directory) if (parts := split_shard_name(name)) and parts[0] == stem]
    if len({shards for _, shards in found}) != 1 or not _is_table(join_path(directory, found[0][0]), disk):
        return None
    return pattern_of(prefix, found[0][1])


def prefix_in_saved_model(path: str, disk: Disk = ANYWHERE) -> str | None:
    """The prefix of the values of a SavedModel, if the path is the directory of one."""
    if path and any(is_file(disk, join_path(path, program)) for program in _PROGRAMS):
        return join_path(path, "variables", "variables")
    return None


def _in_directory(directory: str, disk: Disk, among: Choice) -> Found:
    saved_model = join_path(directory, "variables", "variables")
    if is_file(disk, index_path(saved_model)):
        return Found("tf-v2", saved_model)
    if is_file(disk, index_path(join_path(directory, "variables"))):
        return Found("tf-v2", join_path(directory, "variables"))
    return _named_in(directory, STATE_FILE, disk, among)


def _named_in(directory: str, state_file: str, disk: Disk, among: Choice) -> Found:
    try:
        prefix = among(directory, state_file, disk=disk)
    except ValueError as error:
        raise DataLossError(str(error)) from error
    if prefix is not None and (storage := format_at(prefix, disk)) is not None:
        return Found(storage.name, prefix)
    found = sorted(name.removesuffix(".index") for name in names_in(disk, directory) if name.endswith(_ENDINGS))
    hint = f" There is {', '.join(repr(join_path(directory, name)) for name in found[:3])}." if found else ""
    path = join_path(directory, state_file)
    why = "does not exist"
    if is_file(disk, path):
        why = "names no checkpoint that can be used" if prefix is None else f"names {prefix!r}, which is not there"
    raise NotFoundError(f"open: directory {directory!r}: {path!r} {why}.{hint}")


def _ends(path: str, disk: Disk) -> tuple[int, bytearray, bytearray]:
    """Size, first and last bytes of a file."""
    with typed("read", path):
        handle = disk.open(path)
        try:
            size = disk.size(handle)
            head, tail = bytearray(min(size, 512)), bytearray(min(size, 8))
            read_fully(disk, handle, memoryview(head), 0)
            read_fully(disk, handle, memoryview(tail), size - len(tail))
        finally:
            disk.close(handle)
    return size, head, tail


def _is_table(path: str, disk: Disk) -> bool:
    _, head, tail = _ends(path, disk)
    return tail == _TABLE_MAGIC or _begins_with_list(head)


def _begins_with_list(head: bytearray) -> bool:
    """True if a file begins like a V1 table: with the list of tensors, at the empty key. Its end may be lost."""
    try:
        if head[:2] == b"\0\0":
            width, at = read_varint(head, 2, len(head), 5)
            if head[at] == 0x0A:  # field 1, a message
                length, inside = read_varint(head, at + 1, len(head), 5)
                return inside + length == at + width
    except (DataLossError, IndexError):
        pass
    return False


def _sniff(path: str, disk: Disk, among: Choice) -> Found:
    """What a file is by its content."""
    size, head, tail = _ends(path, disk)
    if tail == _TABLE_MAGIC or _begins_with_list(head):
        shard = split_shard_name(path)  # if it is one of several, all of them are meant, as with a data file of V2
        return Found("tf-v1", (_pattern_of(shard[0], disk) if shard else None) or path)
    if _STATE.search(head):
        return _named_in(parent_of(path), name_of(path), disk, among)
    if (parts := split_data_name(path)) is not None:
        raise DataLossError(f"open: {path!r} is a data file, and its index, {index_path(parts[0])!r}, is missing.")
    what = "a tar archive" if head[_TAR] == _TAR_SIGNATURE else "something else, or damaged"
    what = next((text for signature, text in _SIGNATURES if head.startswith(signature)), what)
    archive = "tar" if head[_TAR] == _TAR_SIGNATURE else None
    archive = next((kind for kind, signatures in _ARCHIVES if head.startswith(signatures)), archive)
    if archive is not None:
        what += f"; a checkpoint in it has a path such as {f'{archive}://run/ckpt-1::{path}'!r}"
    if size >= 10 and head[8:10] == b'{"' and int.from_bytes(head[:8], "little") <= size - 8:
        what = "a safetensors file without its ending: rename it to end with .safetensors"
    if name_of(path) in _PROGRAMS:
        what = "the program of a SavedModel; its values are opened by the path of its directory"
    raise DataLossError(f"open: {path!r} is no checkpoint: it {'seems to be ' + what if size else 'is empty'}.")
