"""Do values of a V2 checkpoint share bytes? No writer makes such files, and of a small one they could fill the memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.errors import DataLossError
from minitf.storage.bundle.index import Index
from minitf.storage.keys import text_of


def shared_bytes(index: Index) -> str | None:
    """Which two values stand in the same bytes, as text; None if none do. Entries that make no sense are not looked at."""
    keys = list(index.records)
    tables = []  # a column a value: data file, begin, end, number of the key
    try:
        alike, rest = index.alike(keys)
    except DataLossError:
        alike, rest = [], list(range(len(keys)))
    for group in alike:
        begins: Any = group.offsets.astype(np.uint64)
        shards = np.full_like(begins, group.shard)
        tables.append(np.stack([shards, begins, begins + np.uint64(group.size), group.numbers.astype(np.uint64)]))
    few = []
    for number in rest:
        try:
            entry = index.entry(keys[number])
        except DataLossError:
            continue
        few.append((entry.shard, entry.offset, entry.offset + entry.size, number))
    tables.append(np.array(few, np.uint64).reshape(-1, 4).T)
    table: Any = np.concatenate(tables, axis=1)
    table = table[:, table[1] < table[2]]  # a value without bytes may stand anywhere
    table = table[:, np.lexsort((table[1], table[0]))]
    shards, begins, ends, numbers = table
    shared = np.flatnonzero((shards[1:] == shards[:-1]) & (begins[1:] < ends[:-1]))
    if not shared.size:
        return None
    first, second = (text_of(keys[int(number)]) for number in numbers[shared[0] : shared[0] + 2])
    return f"the values of {first!r} and {second!r} share bytes of data file {int(shards[shared[0]])}"
