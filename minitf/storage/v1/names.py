"""The names of the files of a sharded V1 checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable

from minitf.storage.paths import parts_of, with_ending

_SHARD = re.compile(r"(?P<stem>.+)-(?P<shard>\d{5,})-of-(?P<shards>\d{5,})", re.DOTALL)


def shard_path(prefix: str, shard: int, shards: int) -> str:
    """One file of a prefix."""
    return with_ending(prefix, f"-{shard:05d}-of-{shards:05d}")


def pattern_of(prefix: str, shards: int) -> str:
    """What stands for all of them in a state file."""
    return with_ending(prefix, f"-?????-of-{shards:05d}")


def split_shard_name(name: str) -> tuple[str, int, int] | None:
    """(prefix, shard, shards) of a file's name, None for other names."""
    start, inner, tail = parts_of(name)
    found = _SHARD.fullmatch(inner)
    return found and (f"{start}{found['stem']}{tail}", int(found["shard"]), int(found["shards"]))


def missing_shard(paths: Iterable[str]) -> str | None:
    """A file that is not among those of a set, by the numbers in their names; None if all are there."""
    sets: dict[tuple[str, int], set[int]] = {}
    for path in paths:
        parts = split_shard_name(path)
        if parts is None:
            return None
        sets.setdefault((parts[0], parts[2]), set()).add(parts[1])
    for (prefix, shards), found in sets.items():
        missing = next((shard for shard in range(shards) if shard not in found), None)  # stops at the first gap
        if missing is not None:
            return shard_path(prefix, missing, shards)
    return None
