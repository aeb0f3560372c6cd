"""Which objects and values of two checkpoints are the same ones under other names.

Objects: below one parent, an edge that only A has and one that only B has belong together if what is below them looks the
same (names of edges and values, dtypes, shapes) and nothing else on either side does; of several that look the same, those
whose values are equal bit by bit. Values that are left: those whose content is equal, and no other's is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minitf.cli.contents import gone_over, in_groups
from minitf.errors import OpError
from minitf.saved import OBJECT_GRAPH_KEY, Reader, SavedGraph
from minitf.storage.flows import Texts, flow_of
from minitf.storage.values import Typed, bytes_view

STEPS = 1 << 20  # to nodes, edges and values that are taken to see what looks alike,
TIMES = 16  # or so many times all of them in both graphs

T = TypeVar("T")
U = TypeVar("U")


class Edge(NamedTuple):
    """An edge of object number ``parent`` of A: its name there, the one in B, and the paths that end with it."""

    parent: int
    name: str
    other: str
    path_a: str
    path_b: str


def renamed_objects(a: Reader, b: Reader, graph_a: SavedGraph, graph_b: SavedGraph) -> tuple[list[Edge], dict[str, str]]:
    """Renamed edges, and all values of objects in both under different keys (key to key)."""
    looks = _Looks(graph_a, graph_b)
    edges: list[Edge] = []
    keys: dict[str, str] = {}
    seen = {0}
    queue = [(0, 0, "", "")]
    for number_a, number_b, path_a, path_b in queue:
        values_b = {value.name: value.key for value in graph_b.nodes[number_b].values}
        for value in graph_a.nodes[number_a].values:
            other = values_b.get(value.name)
            if other is not None and other != value.key:
                keys[value.key] = other
        children_a, children_b = graph_a.children(number_a), graph_b.children(number_b)
        matched = {name: name for name in children_a if name in children_b}
        alone_a = [name for name in children_a if name not in children_b]
        alone_b = [name for name in children_b if name not in children_a]
        for shape_only in (True, False):
            looks_a = {name: looks.look(a, graph_a, children_a[name], shape_only) for name in alone_a if name not in matched}
            taken = set(matched.values())
            looks_b = {name: looks.look(b, graph_b, children_b[name], shape_only) for name in alone_b if name not in taken}
            matched |= _unique_pairs(looks_a, looks_b)
        for name, other in matched.items():
            here, there = f"{path_a}/{name}".lstrip("/"), f"{path_b}/{other}".lstrip("/")
            if name != other:
                edges.append(Edge(number_a, name, other, here, there))
            if children_a[name] not in seen:
                seen.add(children_a[name])
                queue.append((children_a[name], children_b[other], here, there))
    both = [(number_a, number_b) for number_a, number_b, _, _ in queue]
    for number_a, number_b in both:  # not before: the keys of all variables are wanted
        slots_b = {(slot.slot_name, _key_of(graph_b, slot.variable)): slot.slot for slot in graph_b.nodes[number_b].slots}
        for slot in graph_a.nodes[number_a].slots:
            variable = _key_of(graph_a, slot.variable)
            slot_b = slots_b.get((slot.slot_name, keys.get(variable, variable)))
            if slot_b is not None and slot.slot not in seen:
                old, new = _key_of(graph_a, slot.slot), _key_of(graph_b, slot_b)
                if old != new:
                    keys[old] = new
    return edges, {old: new for old, new in keys.items() if old in a and new in b}


def renamed_values(a: Reader, b: Reader, only_a: Iterable[str], only_b: Iterable[str]) -> dict[str, str]:
    """Keys of A and B with the same content that no other of these keys has."""
    return _unique_pairs(_contents(a, only_a), _contents(b, only_b))


def _contents(reader: Reader, keys: Iterable[str]) -> dict[str, Hashable]:
    return {
        key: _content(reader, key, value)
        for group in in_groups(reader, keys)
        for key, value, _ in gone_over(reader, group)
        if key != OBJECT_GRAPH_KEY
    }


def _content(reader: Reader, key: str, value: Any) -> Hashable:
    """Dtype, shape and a digest of the value; something that nothing else equals if it could not be read."""
    if isinstance(value, OpError):
        return object()
    spec, digest = reader.spec(key), blake2b(digest_size=16)
    flow = flow_of(Typed(spec.dtype, value) if isinstance(value, np.ndarray) else value, key)
    try:
        for some in flow.lengths() if isinstance(flow, Texts) else flow.pieces():
            digest.update(bytes_view(some))
        for piece in flow.text() if isinstance(flow, Texts) else ():
            digest.update(piece)
    except OpError:  # it was whole just now
        return object()
    return str(spec), digest.digest()


class _Looks:
    """What objects look like, with all that is below them.

    Where very many objects have very much in common, looking at each of them would take for ever. So this gets tired: from then
    on no object looks like another.
    """

    def __init__(self, *graphs: SavedGraph):
        steps = sum(1 + len(node.children) + len(node.values) for graph in graphs for node in graph.nodes)
        self._left = max(STEPS, TIMES * steps)
        self._contents: dict[tuple[int, str], Hashable] = {}  # by reader and key
        self._known: dict[tuple[int, int, bool], Hashable] = {}
        self._numbers: dict[Hashable, int] = {}  # looks may be long, and each is compared with many

    def look(self, reader: Reader, graph: SavedGraph, start: int, shape_only: bool) -> Hashable:
        """How one looks; paths as they are found, so that shared objects and cycles show as such."""
        key = id(graph), start, shape_only
        if key not in self._known:
            look = self._look(reader, graph, start, shape_only)
            self._known[key] = self._numbers.setdefault(look, len(self._numbers))
        return self._known[key]

    def _look(self, reader: Reader, graph: SavedGraph, start: int, shape_only: bool) -> Hashable:
        places = {start: 0}
        order = [start]
        edges = []
        for number in order:  # grows while it is walked
            edges.append(sorted(graph.children(number).items()))
            self._left -= 1 + len(graph.nodes[number].children) + len(graph.nodes[number].values)
            if self._left < 0:
                return object()
            for _, child in edges[-1]:
                if child not in places:
                    places[child] = len(places)
                    order.append(child)
        known = [value.key for number in order for value in graph.nodes[number].values if value.key in reader]
        seen = {key: str(reader.spec(key)) for key in known} if shape_only else self._seen(reader, known)
        out: list[Hashable] = []
        for number, children in zip(order, edges, strict=True):
            out += [(value.name, seen.get(value.key)) for value in graph.nodes[number].values]
            out += [(name, places[child]) for name, child in children]
        return tuple(out)

    def _seen(self, reader: Reader, keys: list[str]) -> dict[str, Hashable]:
        new = _contents(reader, dict.fromkeys(key for key in keys if (id(reader), key) not in self._contents))
        self._contents.update(((id(reader), key), content) for key, content in new.items())
        return {key: content for key in keys if (content := self._contents.get((id(reader), key))) is not None}


def _key_of(graph: SavedGraph, number: int) -> str:
    values = graph.nodes[number].values
    return values[0].key if values else ""


def _unique_pairs(a: dict[T, Hashable], b: dict[U, Hashable]) -> dict[T, U]:
    """Pairs that look the same, where nothing else on either side looks so."""
    groups: defaultdict[Hashable, tuple[list[T], list[U]]] = defaultdict(lambda: ([], []))
    add: Callable[[Hashable], tuple[list[T], list[U]]] = groups.__getitem__
    for name, look in a.items():
        add(look)[0].append(name)
    for other, look in b.items():
        add(look)[1].append(other)
    return {of_a[0]: of_b[0] for of_a, of_b in groups.values() if len(of_a) == 1 == len(of_b)}
