"""From a tree of live objects to what a checkpoint holds: the object graph, and each value with its key.

Numbers, paths and keys are TensorFlow's (S109-S123): breadth first, the shortest path names a value, slot variables come last.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from operator import call, is_
from typing import Any, NamedTuple

from minitf.checkpoint.walking import Walk, edges_of, kind_of
from minitf.core.state import Handle
from minitf.objects import edges
from minitf.objects.values import PythonValue, values_of
from minitf.saved import (
    ATTRIBUTES,
    OPTIMIZER_SLOT,
    VARIABLE_VALUE,
    LazyNodes,
    SavedGraph,
    SavedNode,
    SavedSlot,
    SavedValue,
    escape,
)


class Capture(NamedTuple):
    """``entries``: (key, value) in the order of saving; a value is a handle, a ``PythonValue`` or a ``GroupValue``.

    ``version``: that of all edges before they were looked at.
    """

    graph: SavedGraph
    entries: list[tuple[str, Any]]
    walk: Walk
    version: int

    def trackables(self) -> dict[str, Any]:
        """The objects that have the values, by key."""
        nodes = zip(self.graph.nodes, self.walk.objects, strict=True)
        return {value.key: obj for node, obj in nodes for value in node.values}


def capture(root: Any, extra: Mapping[str, Any] | None = None) -> Capture:
    """The object graph under ``root`` and the values that it saves. ``extra`` are edges that the root has in the file only.

    Raises ValueError for a list or dict that can no longer be saved, NotImplementedError for a slot variable that is tracked as
    an ordinary dependency or has dependencies.
    """
    version = edges.version
    walk = Walk(root, extra)
    objects, tree = walk.objects, walk.tree
    kinds = [kind_of(cls) for cls in map(type, objects)]
    paths = walk.key_paths([n for n in range(tree) if kinds[n].valued])
    paths.update(_slot_paths(walk, paths))
    entries: list[tuple[str, Any]] = []
    last: list[tuple[str, Any]] = []
    nodes: list[SavedNode | None] = [None] * len(objects)
    keys: list[str | None] = [None] * len(objects)  # of plain variables
    names = [""] * len(objects)
    for number, (out, kind) in enumerate(zip(walk.children, kinds, strict=True)):
        values: list[SavedValue] = []
        if kind.variable:
            handle = objects[number]._handle
            key = paths[number] + "/.ATTRIBUTES/VARIABLE_VALUE"
            entries.append((key, handle))
            if not out and number not in walk.slots:
                keys[number], names[number] = key, handle.name
                continue
            values.append(SavedValue(VARIABLE_VALUE, _cut(handle.name), key))
        elif kind.valued:
            for name, value in values_of(objects[number]).items():
                stored = escape(name)
                key = f"{paths[number]}{ATTRIBUTES}{escape(stored)}"  # twice, as TensorFlow does (S115)
                values.append(SavedValue(stored, _cut(value.name) if isinstance(value, Handle) else "", key))
                (last if isinstance(value, PythonValue) else entries).append((key, value))
        slots = [SavedSlot(*slot) for slot in walk.slots[number]] if number in walk.slots else []
        nodes[number] = SavedNode(list(out), values, slots, None, bool(values or slots))
    if ":" in "".join(names):
        names = list(map(_cut, names))
    graph = SavedGraph(LazyNodes(nodes, keys, names.__getitem__))
    _spread(graph)
    return Capture(graph, entries + last, walk, version)


def _cut(name: str) -> str:
    """The name of a variable as the graph of objects tells it: TensorFlow cuts it at the first colon."""
    return name.partition(":")[0]


def _slot_paths(walk: Walk, paths: dict[int, str]) -> dict[int, str]:
    out = {}
    for owner, slots in walk.slots.items():
        of = walk.key_paths([owner])[owner]
        for variable, name, at in slots:
            out[at] = f"{paths[variable]}{OPTIMIZER_SLOT}{of}/{escape(name)}"
    return out


def _spread(graph: SavedGraph) -> None:
    """Sets ``has_values`` of nodes with a valued descendant (S123)."""
    back = False
    inner = dict(graph.others())
    for number, node in reversed(inner.items()):
        for _, child in node.children:
            if child not in inner or inner[child].has_values:
                node.has_values = True
            if child <= number:
                back = True
    if not back:
        return
    parents: list[list[int]] = [[] for _ in range(len(graph.nodes))]
    for number, node in inner.items():
        for _, child in node.children:
            parents[child].append(number)
    queue = [n for n, node in inner.items() if node.has_values]
    for number in queue:
        for above in parents[number]:
            if not inner[above].has_values:
                inner[above].has_values = True
                queue.append(above)


class Plan:
    """The capture of the last save, kept until the tree changes. It holds the tree only weakly.

    ``encoded`` keeps the encoded graph. Values that are not variables cannot be kept weakly: a tree with such is captured anew.
    """

    __slots__ = ("_computed", "_extra", "_handles", "_root", "_version", "encoded", "keys")

    @classmethod
    def of(cls, root: Any, extra: Mapping[str, Any] | None, capture: Capture, encoded: Any) -> Plan | None:
        """The plan of a capture, or None if it has other values than variables."""
        if {type(value) for _, value in capture.entries} <= {Handle}:
            return cls(root, extra, capture, encoded)
        return None

    def __init__(self, root: Any, extra: Mapping[str, Any] | None, capture: Capture, encoded: Any):
        self._version = capture.version
        self._root = weakref.ref(root)
        self._extra = {name: weakref.ref(child) for name, child in (extra or {}).items()}
        self._computed = [
            (weakref.ref(obj), list(found), list(map(weakref.ref, found.values()))) for obj, found in capture.walk.computed
        ]
        self.keys = [key for key, _ in capture.entries]
        self._handles = [weakref.ref(handle) for _, handle in capture.entries]
        self.encoded = encoded

    def handles(self, root: Any, extra: Mapping[str, Any] | None) -> list[Handle] | None:
        """The handles in the order of ``keys``, or None if anything has changed since."""
        if edges.version != self._version or self._root() is not root:
            return None
        if {n: id(c) for n, c in (extra or {}).items()} != {n: id(r()) for n, r in self._extra.items()}:
            return None
        for ref, names, children in self._computed:
            obj = ref()
            if obj is None:
                return None
            found = edges_of(obj)
            if list(found) != names or not all(map(is_, found.values(), map(call, children))):
                return None
        out = list(map(call, self._handles))
        return out if all(out) else None  # type: ignore[return-value]
