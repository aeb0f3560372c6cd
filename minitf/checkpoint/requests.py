"""Requests: what waits on a live object for a child that does not exist yet.

A request holds its restoration, so the restoration lives as long as something can still come of it. If a newer request at the
same place asks for everything that this one asks for, nothing can: then only the status that ``restore`` returned keeps it.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Mapping
from itertools import product
from typing import Any

from minitf.checkpoint.restoration import Restoration
from minitf.core import runtime
from minitf.objects.edges import arrived, tracking
from minitf.saved import VARIABLE_VALUE, SavedGraph

LEAST, TIMES = 100_000, 16  # steps at least, or so many for each object and edge
PAIRS = 10_000  # of a new request and an old one at one place: of more nobody asks whether one covers the other


class Request:
    """Node ``node`` of a restoration waits for the object that appears at one place under node ``parent``.

    How it is served is in attempt.py.
    """

    __slots__ = ("_strong", "_weak", "node", "parent", "uid")

    def __init__(self, restoration: Restoration, node: int, parent: int):
        self._strong: Restoration | None = restoration
        self._weak: weakref.ref[Restoration] | None = None
        self.node = node
        self.parent = parent
        self.uid = restoration.uid

    @property
    def restoration(self) -> Restoration | None:
        """The restoration, unless it is over."""
        return self._strong or (self._weak() if self._weak is not None else None)

    def let_go(self) -> None:
        """From here on the request does not keep its restoration alive."""
        if self._strong is not None:
            self._weak, self._strong = weakref.ref(self._strong), None

    def preload(self, requests: list[Request]) -> Any | None:
        """The stored value of the newest restore, if all that waits here are plain variables (S72) and the mode allows it."""
        alive = [r for r in requests if r.restoration is not None]
        if not alive or not all(_is_variable(r) for r in alive):
            return None
        restoration, node = alive[0].restoration, alive[0].node
        assert restoration is not None
        return runtime.current().home.outermost().at_once(lambda: StoredValue(restoration, node))


def _is_variable(request: Request) -> bool:
    assert request.restoration is not None
    if request.restoration.keys[request.node] is not None:
        return True
    node = request.restoration.graph.nodes[request.node]
    return len(node.values) == 1 and node.values[0].name == VARIABLE_VALUE and not node.children


class StoredValue:
    """A stored value that a variable may be made with (``Waiting``). ``used`` tells whether it was."""

    __slots__ = ("_key", "_node", "_restoration", "uid", "used")

    def __init__(self, restoration: Restoration, node: int):
        self._restoration = restoration
        self._node = node
        self._key = restoration.keys[node] or restoration.graph.nodes[node].values[0].key
        self.uid = restoration.uid
        self.used = False

    def __call__(self) -> Any:
        """The stored array, freshly read."""
        value = self._restoration.source.read(self._key)
        self.used = True
        self._restoration.created.add(self._node)
        return value

    @property
    def where(self) -> str:
        """Key and file, for messages."""
        return f"key {self._key!r} in {self._restoration.source.source}"


def watch(waits: list[tuple[Any, Any, Request]]) -> None:
    """Lets the new requests of one restoration wait, each at its place (parent, name), and lets go of older ones they cover."""
    older: dict[Restoration, list[tuple[Any, Any, Request, Request]]] = {}
    before: Any = _NOBODY
    together: dict[tuple[int, Any], list[Request]] = {}  # a file may let any number wait at one place
    for parent, name, request in waits:
        together.setdefault((id(parent), name), []).append(request)
    for parent, name, request in waits:
        requests = together[id(parent), name]
        if request is not requests[0]:
            continue
        if parent is not before:
            state, before = tracking(parent), parent
        waiting = state.requests(name)
        if waiting:
            waiting[:] = [r for r in waiting if r.restoration is not None]
            if len(waiting) * len(requests) <= PAIRS:
                for new, old in product(requests, waiting):
                    if old._strong is not None and old.uid < new.uid:
                        older.setdefault(old._strong, []).append((parent, name, new, old))
        state.watch(name, requests)
    _serve_those_that_came(waits)
    for restoration, found in older.items():
        newer = found[0][2].restoration
        assert newer is not None
        pairs = list(dict.fromkeys([(request.node, old.node) for _, _, request, old in found]))
        places = Counter([node for _, _, node in {(id(parent), name, request.node) for parent, name, request, _ in found}])
        good = set(pairs)
        steps = _Steps(newer.graph, restoration.graph)
        if not covers(newer, restoration, pairs, places, steps):
            good = {pair for pair in pairs if covers(newer, restoration, [pair], places, steps)}
        for parent, name, request, old in found:
            if (request.node, old.node) in good:
                number = restoration.number_of(parent)
                restoration.journal.raw.append(("Covered", number, _text(name), old.node, request.uid))
                old.let_go()


def _serve_those_that_came(waits: list[tuple[Any, Any, Request]]) -> None:
    """Hands over children that another thread has attached since the edges were looked at, when nothing waited there yet."""
    for parent, name, _ in waits:
        child = tracking(parent).edges.get(name)
        if child is not None:
            arrived(parent, name, child)


_NOBODY = object()


def _text(name: Any) -> str:
    return name if isinstance(name, str) else f"{name[0].name}/{name[1]}"


class _Steps:
    """How many edges may still be gone along to see what covers what: where nearly all is shared, too many for each place."""

    def __init__(self, *graphs: SavedGraph):
        self._left = max(LEAST, TIMES * sum(sum(graph.ways()) + len(graph.nodes) for graph in graphs))

    def take(self, count: int) -> bool:
        """Takes so many; False if there are no more."""
        self._left -= count
        return self._left >= 0


def covers(new: Restoration, old: Restoration, tops: list[tuple[int, int]], places: Mapping[int, int], steps: _Steps) -> bool:
    """True if every object that ``old`` could restore below these nodes will get its value from ``new``.

    ``tops`` are pairs (new node, old node) that wait at the same places, ``places`` of them. The saved subtrees are walked side
    by side. Each old edge, value and slot must have its newer counterpart; one newer node stands for one older node only; nodes
    that are paired with live objects must be paired with the same ones; and to the others no edge may lead that was not walked,
    because another object could come there first, and the newer value would be for that one. False, too, if there are no
    ``steps`` left: an older restore that nobody lets go of only waits for longer.
    """
    older_of: dict[int, int] = {}
    walked = Counter({n: places[n] for n, _ in tops})
    for n, o in tops:
        if older_of.setdefault(n, o) != o:
            return False
    seen = set(tops)
    queue = list(tops)
    for n, o in queue:  # grows while it is walked
        newer, older = new.graph.nodes[n], old.graph.nodes[o]
        if not steps.take(1 + len(older.children) + len(newer.children) + len(newer.slots)):
            return False
        if not _same(new, n, old, o) or not {v.name for v in older.values} <= {v.name for v in newer.values}:
            return False
        if older.children:
            edges = new.graph.children(n)
            for name, child in older.children:
                there = edges.get(name)
                if there is None or older_of.setdefault(there, child) != child:
                    return False
                walked[there] += 1
                if (there, child) not in seen:
                    seen.add((there, child))
                    queue.append((there, child))
    ways = new.graph.ways()
    if any(ways[n] > walked[n] and new.object_at(n) is None for n in older_of):
        return False
    newer_of = {o: n for n, o in older_of.items()}
    for n, o in queue:
        if not _covers_slots(new, n, old, o, newer_of):
            return False
    return True


def _same(new: Restoration, n: int, old: Restoration, o: int) -> bool:
    return new.object_at(n) is old.object_at(o)


def _covers_slots(new: Restoration, n: int, old: Restoration, o: int, newer_of: dict[int, int]) -> bool:
    """True if each slot that the older optimizer node has is among the newer one's, for the same variable."""
    if not old.graph.nodes[o].slots:
        return True
    by_node = {(s.variable, s.slot_name): s.slot for s in new.graph.nodes[n].slots}
    by_object = {(id(new.object_at(s.variable)), s.slot_name): s.slot for s in new.graph.nodes[n].slots}
    for slot in old.graph.nodes[o].slots:
        there = by_node.get((newer_of.get(slot.variable, -1), slot.slot_name))
        variable = old.object_at(slot.variable)
        if there is None and variable is not None:
            there = by_object.get((id(variable), slot.slot_name))
        if there is None or not _same(new, there, old, slot.slot):
            return False
    return True
