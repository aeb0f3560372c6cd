"""What the verbs ask of a checkpoint: open it, find a value in it, say how big it is."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from minitf.core.spec import Spec
from minitf.errors import NotFoundError
from minitf.saved import ATTRIBUTES, OBJECT_GRAPH_KEY, VARIABLE_VALUE, Reader, SavedGraph, SavedValue


def object_graph(reader: Reader) -> SavedGraph | None:
    """The object graph of an object-based checkpoint; None for a name-based one. Raises DataLossError."""
    if OBJECT_GRAPH_KEY not in reader:
        return None
    from minitf.storage.messages import decode_graph

    return decode_graph(reader.read(OBJECT_GRAPH_KEY), f"{OBJECT_GRAPH_KEY} in {reader.source}")


def find(reader: Reader, name: str) -> str:
    """The key that is meant: the name itself, or a path to a variable, ``net/dense/kernel`` or ``(root).net.dense.kernel``.

    Raises NotFoundError, naming keys that look similar.
    """
    for key in (name, f"{name}{ATTRIBUTES}{VARIABLE_VALUE}"):
        if key in reader:
            return key
    parts = tuple(name.removeprefix("(root).").split("."))
    graph = object_graph(reader) if len(parts) > 1 or name.startswith("(root)") else None
    if graph is not None and parts in (paths := graph.paths()):
        values = graph.nodes[paths.index(parts)].values
        if values and values[0].key in reader:
            return values[0].key
    from difflib import get_close_matches

    names = [key.removesuffix(ATTRIBUTES + VARIABLE_VALUE) for key in reader.keys()]
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Similar: {', '.join(close)}." if close else "minitf ls --keys lists them."
    raise NotFoundError(f"{reader.source} has no key {name!r}. {hint}")


def stored_for(value: SavedValue, keys: Collection[str]) -> list[str]:
    """The keys of one value of an object: its own, or (tables, iterators) several that begin with it; none if it is missing."""
    return [value.key] if value.key in keys else [key for key in keys if key.startswith(value.key)]


def counted(count: int, word: str) -> str:
    """``1 value``, ``2 values``."""
    return f"{count} {word}{'s' * (count != 1)}"


def size(spec: Spec) -> int | None:
    """Bytes of a value; None for strings and variants, of which the shape does not tell."""
    if spec.shape is None or None in spec.shape or spec.dtype.kind in "SV":
        return None
    return math.prod(n for n in spec.shape if n is not None) * spec.dtype.size


def size_text(count: int | None) -> str:
    """Bytes for people: ``48 B``, ``3.5 KiB``."""
    if count is None:
        return ""
    if count < 1024:
        return f"{count} B"
    power = 1 + (count >= 1000 * 1024) + (count >= 1000 * 1024**2)
    return f"{count / 1024**power:.3g} {('', 'KiB', 'MiB', 'GiB')[power]}"


def spec_facts(reader: Reader, key: str) -> dict[str, Any]:
    """A value's key, dtype, shape and size as plain data."""
    spec = reader.spec(key)
    shape = None if spec.shape is None else list(spec.shape)
    return {"key": key, "dtype": spec.dtype.name, "shape": shape, "bytes": size(spec)}
