"""The formats that stand on a disk, in the order in which a prefix is looked for."""

from __future__ import annotations

from itertools import takewhile

from minitf.errors import AlreadyExistsError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.files import Disk
from minitf.storage.npz import Npz
from minitf.storage.paths import with_ending
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices

FileStorage = TensorBundle | TensorSlices | Safetensors | Npz

FORMATS: dict[str, type[FileStorage]] = {kind.name: kind for kind in (TensorBundle, Safetensors, Npz, TensorSlices)}


def format_named(name: str, durable: bool = True, disk: Disk = ANYWHERE) -> FileStorage:
    """The storage of this name: tf-v2, tf-v1, safetensors or npz. Raises ValueError for others."""
    if name not in FORMATS:
        raise ValueError(f"There is no format {name!r}; choose one of {', '.join(FORMATS)}.")
    return FORMATS[name](durable, disk=disk)


def format_at(prefix: str, disk: Disk = ANYWHERE) -> FileStorage | None:
    """The storage that has a checkpoint under a prefix, None if none has. As in TensorFlow, V2 comes before V1.

    V1 is the last, because its file has no ending by which to know it.
    """
    for kind in FORMATS.values():
        storage = kind(disk=disk)
        if storage.exists(prefix):
            return storage
    return None


def check_not_hidden(prefix: str, name: str, disk: Disk = ANYWHERE) -> None:
    """Raises AlreadyExistsError if a checkpoint of the format ``name`` would not be what ``format_at`` finds there.

    Says nothing about other formats than these.
    """
    if name not in FORMATS:
        return
    for before in takewhile(name.__ne__, FORMATS):
        if format_named(before, disk=disk).exists(prefix):
            suffix = getattr(FORMATS[name], "suffix", None)
            own = f" or the path of the file itself, {with_ending(prefix, suffix)!r}" if suffix else ""
            raise AlreadyExistsError(
                f"save: a checkpoint ({before}) stands under {prefix!r}, and who opens that would get it instead of this one "
                f"({name}). Remove it, or save under another name{own}."
            )
