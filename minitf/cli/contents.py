"""What the verbs ask of a checkpoint: open it, find a value in it, say how big it is."""

from __future__ import annotations

import contextlib
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from minitf.core.spec import Spec
from minitf.errors import DataLossError, NotFoundError, OpError
from minitf.saved import (
    ATTRIBUTES,
    OBJECT_GRAPH_KEY,
    VARIABLE_VALUE,
    Reader,
    SavedGraph,
    SavedValue,
    escape,
)
from minitf.saved_paths import Paths, letters, letters_of
from minitf.storage.bundle.verify import size_of
from minitf.storage.flows import LEAST, Flow, flow_of, gone_through
from minitf.storage.values import Typed

TOGETHER = 8 << 20  # bytes of small values read at once,
MOST = 1024  # of at most so many values,
STRING = 1 << 6  # and so many for each string
MANY = 20_000  # names among which looking for similar ones takes too long
LETTERS = 1 << 22  # that the paths of any graph, and those to which its edges lead, may have together,
DRAWN = 1 << 26  # or so many where hardly any is made: in the drawing of a tree,
USUAL = 512  # and of one with many objects, for each of them and of their edges
KEYS = 10  # of a value or object that are told


def object_graph(reader: Reader) -> SavedGraph | None:
    """The object graph of an object-based checkpoint; None for a name-based one. Raises DataLossError."""
    if OBJECT_GRAPH_KEY not in reader:
        return None
    from minitf.storage.messages import decode_graph

    return decode_graph(reader.read(OBJECT_GRAPH_KEY), f"{OBJECT_GRAPH_KEY} in {reader.source}")


def paths_of(graph: SavedGraph, most: int = LETTERS) -> Paths:
    """The paths of a graph, for who looks at all of them.

    Raises DataLossError for a graph so deep, or with such long names, that a small file would fill the memory with them, be it
    that many edges lead to one such object.
    """
    paths = graph.paths()
    count, edges = letters(paths), 0
    known: set[int] = set()  # to which an edge has led: their paths are counted already
    for number, node in graph.others():
        edges += len(node.children) + len(node.slots)
        count += len(node.slots) * letters_of(paths, number)
        for _, child in node.children:
            if child in known:
                count += letters_of(paths, child)
            known.add(child)
    if count > max(most, USUAL * (len(paths) + edges)):
        raise DataLossError(f"object graph: it is so deep that the paths of its {len(paths)} objects have {count} letters.")
    return paths


def find(reader: Reader, name: str) -> str:
    """The key that is meant: the name itself, a variable's name with its ``:0``, or a path to an object that has one value.

    Every path counts, not only the one that the key is made of: ``net/dense/kernel``, ``(root).net.dense.kernel``.

    Raises NotFoundError, naming what there is instead.
    """
    for key in (name, f"{name}{ATTRIBUTES}{VARIABLE_VALUE}", name.removesuffix(":0")):
        if key in reader:
            return key
    graph = object_graph(reader)
    number = None if graph is None else object_at(graph, name)
    if graph is not None and number is not None:
        stored = Stored(reader.keys())
        own = {value.key: value for value in graph.nodes[number].values}
        values = [key for value in own.values() for key in stored.of(value)]
        if len(values) == 1:
            return values[0]
        if values:
            more = f" and {len(values) - KEYS} more" if len(values) > KEYS else ""
            told = f"choose one of their keys: {', '.join(values[:KEYS])}{more}."
            raise NotFoundError(f"{name!r} has {len(values)} values; {told}")
        raise NotFoundError(f"{name!r} is an object without a value of its own; minitf ls shows what is below it.")
    from difflib import get_close_matches

    names = [key.removesuffix(ATTRIBUTES + VARIABLE_VALUE) for key in reader.keys()]
    if graph is not None:
        with contextlib.suppress(DataLossError):
            names += ["/".join(path) for path in paths_of(graph) if path]
    close = get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.5) if len(names) < MANY else []
    hint = f"Similar: {', '.join(close)}." if close else "minitf ls --keys lists them."
    raise NotFoundError(f"{reader.source} has no key {name!r}. {hint}")


def object_at(graph: SavedGraph, path: str) -> int | None:
    """The object that a path leads to, ``net/dense`` or ``(root).net.dense``; None if there is none."""
    if path in ("", "(root)"):
        return 0
    edge = edge_at(graph, path)
    return None if edge is None else edge[2]


def edge_at(graph: SavedGraph, path: str) -> tuple[int, str, int] | None:
    """Parent, name and child of the last edge of a path; None if no such path is there.

    The names of edges are as they are, or as keys have them (``a.Sb`` for the edge ``a/b``).
    """
    path, separators = path.removeprefix("(root)."), "." if path.startswith("(root).") else "/."
    for separator in separators:
        seen = set()
        stack = [(0, 0)]  # an object, and how much of the path has led to it
        while stack:
            number, at = stack.pop()
            for name, child in graph.children(number).items():
                for written in {name, escape(name)}:
                    end = at + len(written)
                    if not path.startswith(written, at):
                        continue
                    if end == len(path):
                        return number, name, child
                    if path.startswith(separator, end) and (child, end) not in seen:
                        seen.add((child, end))
                        stack.append((child, end + 1))
    return None


def flow_at(reader: Any, key: str) -> Flow:
    """A value that is gone through piece by piece, if it is large. Raises as reading it does."""
    found: Flow | None = reader.large(key)
    return flow_of(Typed(reader.spec(key).dtype, reader.read(key)), key) if found is None else found


def is_large(reader: Any, key: str) -> bool:
    """True for values that are better not read at once, and not with others. Raises as ``Reader.spec``."""
    known = size(reader.spec(key))
    return reader.large(key) is not None if known is None else known >= LEAST


def in_groups(reader: Reader, keys: Iterable[str]) -> Iterator[list[str]]:
    """Keys in groups whose small values have room in memory together: reading many at once is faster than one by one."""
    group: list[str] = []
    room = TOGETHER
    for key in keys:
        try:
            needed = 0 if is_large(reader, key) else _needed(reader.spec(key))
        except OpError:  # said when it is read
            needed = 0
        room -= needed
        if group and (room < 0 or len(group) == MOST):
            yield group
            group, room = [], TOGETHER
        group.append(key)
    if group:
        yield group


def _needed(spec: Spec) -> int:
    """Bytes of a small value, at most."""
    known = size(spec)
    return LEAST + STRING * math.prod(n or 0 for n in spec.shape or ()) if known is None else known


def gone_over(reader: Any, keys: Sequence[str]) -> Iterator[tuple[str, Any, int]]:
    """Reads and verifies values: gives (key, value, bytes), a large value as its flow; what cannot be read as the error."""
    small = []
    for key in keys:
        try:
            if not is_large(reader, key):
                small.append(key)
                continue
            flow = flow_at(reader, key)
            size = gone_through(flow)
        except OpError as error:
            yield key, error, 0
        else:
            yield key, flow, size
    for key, value in read_all(reader, small).items():
        yield key, value, 0 if isinstance(value, OpError) else size_of(value)


def read_all(reader: Reader, keys: Sequence[str]) -> dict[str, Any]:
    """Values by key; what cannot be read is the error instead of the value."""
    try:
        return dict(zip(keys, reader.read_many(keys), strict=True))
    except OpError as error:
        if len(keys) == 1:
            return {keys[0]: error}
        half = len(keys) // 2  # one of them, at least
        return read_all(reader, keys[:half]) | read_all(reader, keys[half:])


class Stored:
    """The keys of a checkpoint, by what objects say of their values."""

    def __init__(self, keys: Iterable[str]):
        self._sorted = sorted(keys)
        self._known = frozenset(self._sorted)

    def has(self, value: SavedValue) -> bool:
        """Whether a value is there, under its own key or several. A file may have many values that share many keys."""
        if value.key in self._known:
            return True
        start = bisect_left(self._sorted, value.key)
        return start < len(self._sorted) and self._sorted[start].startswith(value.key)

    def of(self, value: SavedValue) -> list[str]:
        """The keys of a value: its own, or (tables, iterators) several that begin with it; none if it is missing."""
        if value.key in self._known:
            return [value.key]
        start = end = bisect_left(self._sorted, value.key)
        while end < len(self._sorted) and self._sorted[end].startswith(value.key):
            end += 1
        return self._sorted[start:end]


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
    power = 1
    while count >= 1000 * 1024**power and power < len(_UNITS):
        power += 1
    return f"{count / 1024**power:.3g} {_UNITS[power - 1]}"


_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def spec_facts(key: str, spec: Spec) -> dict[str, Any]:
    """A value's key, dtype, shape and size as plain data."""
    shape = None if spec.shape is None else list(spec.shape)
    return {"key": key, "dtype": spec.dtype.name, "shape": shape, "bytes": size(spec)}
