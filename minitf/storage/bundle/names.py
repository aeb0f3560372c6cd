"""The names of the files of a V2 checkpoint, and what a wrong path may have meant."""

from __future__ import annotations

import re

from minitf.storage.files import TEMPORARY, Disk, find, is_directory, names_in, temporary_start
from minitf.storage.paths import archived, join_path, parts_of, split_path, with_ending, without_ending

MANY = 20_000  # names among which looking for similar ones takes too long
ALIKE = 0.8  # from here on two names look alike: ckpt-1 and ckpt-9
_DATA = re.compile(r"(?P<stem>.*)\.data-(?P<shard>\d{5,})-of-(?P<shards>\d{5,})", re.DOTALL)


def index_path(prefix: str) -> str:
    """The index file of a prefix."""
    return with_ending(prefix, ".index")


def data_path(prefix: str, shard: int, shards: int) -> str:
    """One data file of a prefix."""
    return with_ending(prefix, f".data-{shard:05d}-of-{shards:05d}")


def split_data_name(name: str) -> tuple[str, int, int] | None:
    """(prefix, shard, shards) of a data file's name, None for other names."""
    start, inner, tail = parts_of(name)
    found = _DATA.fullmatch(inner)
    return found and (f"{start}{found['stem']}{tail}", int(found["shard"]), int(found["shards"]))


def files_of(disk: Disk, prefix: str) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """What stands under a prefix beside the index: data files with (shard, shards), and left-over temporary files."""
    directory, stem = split_path(prefix)
    start, index = temporary_start(f"{stem}.data-"), temporary_start(f"{stem}.index")
    data = {}
    left = []
    for name in names_in(disk, directory):
        parts = split_data_name(name)
        if parts is not None and parts[0] == stem:
            data[join_path(directory, name)] = parts[1:]
        elif TEMPORARY in name and name.startswith((f"{index}{TEMPORARY}", start)):
            left.append(join_path(directory, name))
    return data, left


def missing_text(disk: Disk, prefix: str) -> str:
    """Why there is no checkpoint under a prefix, as far as the neighbourhood tells."""
    inside = archived(prefix)
    if inside is not None and find(disk, inside[2]) is None:
        return f"open: no checkpoint {prefix!r}: the archive {inside[2]!r} does not exist."
    directory, stem = split_path(prefix)
    text = f"open: no checkpoint {prefix!r}: {index_path(prefix)!r} does not exist"
    without = without_ending(prefix, ".index")
    if without != prefix and find(disk, prefix) is not None:
        return f"{text}. This is the index file itself; give the prefix {without!r}."
    parts = split_data_name(prefix)
    if parts is not None:
        return f"{text}. This is a data file; give the prefix {parts[0]!r}."
    if not is_directory(disk, directory):
        return f"{text}, nor does the directory {directory!r}."
    names = names_in(disk, directory)
    numbered = re.compile(re.escape(stem) + r"-\d+")
    near = [name[:-6] for name in names if name.endswith(".index") and numbered.fullmatch(name[:-6])]
    if near:
        near.sort(key=lambda name: int(name.rsplit("-", 1)[1]))
        paths = ", ".join(repr(join_path(directory, name)) for name in near[-3:])
        return f"{text}. A saved path ends with its number; there is {paths}."
    if any(parts and parts[0] == stem for parts in map(split_data_name, names)):
        return f"{text}, but data files of it do: the save was interrupted, or the index was lost."
    text += ". Give the path that save() returned, or latest_checkpoint(directory)."
    others = [name[:-6] for name in names if name.endswith(".index")]
    if len(others) >= MANY:
        return text
    from difflib import get_close_matches

    similar = [repr(join_path(directory, name)) for name in get_close_matches(stem, others, 3, ALIKE)]
    return f"{text} Similar: {', '.join(similar)}." if similar else text
