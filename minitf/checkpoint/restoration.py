"""One restore: what it has paired, what it waits for, and the journal of its decisions.

A restoration is kept alive by the status that ``restore`` returned and by the requests that wait on live objects. It refers to
live objects weakly, by identity, and never to the root; so neither waiting requests nor statuses make reference cycles (S86).
"""

from __future__ import annotations

import itertools
import logging
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any

from minitf import journal as events
from minitf.checkpoint.matching import ByName, Matcher, Rules
from minitf.checkpoint.source import Source
from minitf.core.runtime import Home
from minitf.explain.paths import PathTexts
from minitf.objects.edges import SharedTracking
from minitf.saved import Layer, SavedGraph, SavedNode

log = logging.getLogger("minitf")
_uids = itertools.count(1)
_reference = weakref.ref
_living: weakref.WeakValueDictionary[int, Restoration] = weakref.WeakValueDictionary()


def next_uid() -> int:
    """A number that orders restores by the time of the call, process-wide (S149)."""
    return next(_uids)


def living() -> list[Restoration]:
    """The restorations that a status or a waiting object still keeps, oldest first: explanations speak of all of them."""
    found = [ref() for ref in _living.valuerefs()]  # a list at once: other threads may restore meanwhile
    return sorted([r for r in found if r is not None], key=lambda restoration: restoration.uid)


class Restoration:
    """The state of one ``restore()``.

    * ``keys``: by node, the key of a plain variable, None for other nodes.
    * ``layers``: by node, the layers whose variables may be paired all at once.
    * ``bound``: by node, a weak reference to the object that it is paired with, or None.
    * ``claimed``: nodes that were paired once: even if their object dies, they are not reported at the end.
    * ``ops``: restore operations of a graph, in the order in which they were added.
    * ``places``: by the names of a layer's edges, the place of each: one dict for all layers that are alike.
    * ``reached``: what variables carry that came when it waited, and that nothing has reached since.
    * ``seen``: weak references to objects that were met, by id: unmatched ones are remembered as long as they live (S196).
    * ``unused``: (node, value name) for stored values that the paired object has no place for.
    * ``created``: nodes whose variable was made with the stored value.
    * ``stores``: weak references to the stores of the sessions in which the ops were run, by their small numbers.
    """

    __slots__ = (
        "__weakref__", "_last_runs", "_leftovers", "_not_entered", "_numbers", "bound", "cache", "claimed", "created", "graph",
        "home", "journal", "keys", "layers", "matcher", "objects", "ops", "places", "reached", "rules", "seen", "slots",
        "source", "stores", "uid", "unused", "waitable",
    )  # fmt: skip

    def __init__(self, graph: SavedGraph, source: Source, home: Home, rules: Rules, matcher: Matcher, cache: dict[Any, Any]):
        self.uid = next_uid()
        self.reached = SharedTracking(self.uid)
        self.graph = graph
        self.source = source
        self.home = home
        self.rules = rules
        self.matcher = matcher
        self.cache = cache
        nodes, keys = graph.nodes, graph.variable_keys()
        self.keys = keys
        self.bound: list[weakref.ref[Any] | None] = [None] * len(nodes)
        self.objects: list[weakref.ref[Any]] = []
        self._numbers: dict[int, int] = {}
        self._not_entered: list[range] = []
        self.seen: dict[int, weakref.ref[Any]] = {}
        self.unused: list[tuple[int, str]] = []
        self.created: set[int] = set()
        self.ops: list[Any] = []
        self.places: dict[tuple[str, ...], dict[str, int]] = {}
        self.stores: list[weakref.ref[Any]] = []
        self._last_runs: dict[int, int] = {}  # by session: the place in the journal
        known = graph.layers()
        self.layers: Mapping[int, Layer] = known if type(matcher) is ByName else {}
        if rules.every_node:
            self.waitable = [True] * len(nodes)
        else:
            self.waitable = [key is not None or n in known or holds_values(nodes[n]) for n, key in enumerate(keys)]
        self.slots: dict[int, list[tuple[int, int, str, int]]] = {}
        for number, node in graph.inner():
            for slot in sorted(node.slots, key=attrgetter("variable")):  # the order in which restores make slots
                triple = (number, slot.variable, slot.slot_name, slot.slot)
                self.slots.setdefault(number, []).append(triple)
                self.slots.setdefault(slot.variable, []).append(triple)
        source.expect(graph.keys)
        self.journal = events.Journal(self.uid, source.source, len(nodes), ("graph", "eager")[home.eager])
        self.claimed: set[int] = set()
        self._leftovers = Leftovers(self.graph, self.claimed, self.unused)
        weakref.finalize(self, self._leftovers.warn).atexit = False
        _living[self.uid] = self

    # -- objects and numbers -------------------------------------------------------------------------------------------

    def number_of(self, obj: Any) -> int:
        """The small number under which the journal knows a live object."""
        if self._not_entered:
            self._enter()
        number = self._numbers.get(id(obj))
        if number is not None and self.objects[number]() is obj:
            return number
        number = len(self.objects)
        self.objects.append(_reference(obj))
        handle = getattr(obj, "_handle", None)
        self.journal.raw.append(("Seen", number, type(obj).__name__, handle.name if handle is not None else ""))
        self._numbers[id(obj)] = number  # last: nobody may interrupt before the rest is done
        return number

    def number_of_new(self, obj: Any) -> int | None:
        """Gives an object its number, None if it has one. It is for the caller to write into the journal that it was seen."""
        if self._not_entered:
            self._enter()
        number = self._numbers.get(id(obj))
        if number is not None and self.objects[number]() is obj:
            return None
        number = len(self.objects)
        self.objects.append(_reference(obj))
        self._numbers[id(obj)] = number
        return number

    def has_numbered(self, ids: set[int]) -> bool:
        """True if objects of these ids may have numbers."""
        self._enter()
        return not ids.isdisjoint(self._numbers)

    def add_numbers(self, refs: Sequence[weakref.ref[Any]]) -> int:
        """Gives the next numbers to new objects, and says the first; the caller writes into the journal that they were seen.

        Mostly nobody asks for them by object, so they are entered when somebody asks for any.
        """
        number = len(self.objects)
        self.objects.extend(refs)
        self._not_entered.append(range(number, len(self.objects)))
        return number

    def _enter(self) -> None:
        """Enters the numbers of ``add_numbers``."""
        for numbers in tuple(self._not_entered):
            for number in numbers:
                obj = self.objects[number]()
                if obj is not None:
                    self._numbers[id(obj)] = number
            with suppress(ValueError):  # another thread has entered them too
                self._not_entered.remove(numbers)

    def object_at(self, node: int) -> Any | None:
        """The living object that a node is paired with, or None."""
        ref = self.bound[node]
        return None if ref is None else ref()

    def matched(self) -> dict[int, int]:
        """Nodes that are paired with living objects: node by id of the object (of several nodes the first)."""
        out: dict[int, int] = {}
        for node, ref in enumerate(self.bound):
            if ref is not None:
                obj = ref()
                if obj is not None:
                    out.setdefault(id(obj), node)
        return out

    def by_node(self) -> list[Any]:
        """By node, the living object that it is paired with, or None."""
        return [ref and ref() for ref in self.bound]

    def note_seen(self, obj: Any) -> None:
        """Remembers an object as long as it lives."""
        self.seen[id(obj)] = weakref.ref(obj)

    def number_of_object(self, obj: Any) -> int | None:
        """The number that the journal has given to a live object already, or None."""
        if self._not_entered:
            self._enter()
        number = self._numbers.get(id(obj))
        return number if number is not None and self.objects[number]() is obj else None

    def number_of_store(self, store: Any) -> int | None:
        """The small number of a session's store in which the ops were run, or None."""
        return next((number for number, ref in enumerate(self.stores) if ref() is store), None)

    def note_run(self, store: Any, ops: list[Any]) -> None:
        """Writes down that ops were run, in the session of this store; None: there was nothing to run."""
        if store is None:
            return
        session = self.number_of_store(store)
        if session is None:
            session = len(self.stores)
            self.stores.append(weakref.ref(store))
        cell = store.cell
        counts = [None if o.variable is None else cell(o.variable).writes for o in ops]
        alike = ops is self.ops and counts[0] is not None and counts.count(counts[0]) == len(counts)
        writes: Any = counts[0] if alike else {o.name: n for o, n in zip(ops, counts, strict=True)}
        raw = self.journal.raw
        raw.append(("Step", events.clock(), "run", None, ""))
        if ops is self.ops:  # of the runs in a session only the last one's counters matter: a thousand runs keep one dict
            before = self._last_runs.get(session)
            if before is not None:
                raw[before] = (*raw[before][:3], {})
            self._last_runs[session] = len(raw)
        raw.append(("Ran", len(ops), session, writes))

    def forget_numbers(self, count: int) -> None:
        """Takes back the numbers given since there were ``count``."""
        self._enter()
        for ref in self.objects[count:]:
            obj = ref()
            if obj is not None:
                self._numbers.pop(id(obj), None)
        del self.objects[count:]

    # -- texts ---------------------------------------------------------------------------------------------------------

    def display(self, node: int) -> str:
        """A node's dotted path from the root, for messages."""
        return display_paths(self.graph)(node)

    # -- what the end of a restore says --------------------------------------------------------------------------------

    def expect_partial(self) -> None:
        """Silences the warning about values that were never used."""
        self._leftovers.silent = True


def holds_values(node: SavedNode) -> bool:
    """True if the node or a descendant has a value; files that do not say are judged by what the node has (S123)."""
    if node.has_values is not None:
        return node.has_values
    return bool(node.children or node.values or node.slots or node.registered_saver)


class Leftovers:
    """What a restoration reports when it ends: values that nothing took."""

    __slots__ = ("graph", "matched", "silent", "unused")

    def __init__(self, graph: SavedGraph, matched: set[int], unused: list[tuple[int, str]]):
        self.graph = graph
        self.matched = matched
        self.unused = unused
        self.silent = False

    def warn(self) -> None:
        """Logs one warning, unless everything was used or nothing is expected."""
        if self.silent:
            return
        values, matched = self.graph.values, self.matched
        missed = [
            n for n, key in enumerate(self.graph.variable_keys()) if n not in matched and (key is not None or values(n))
        ]
        if not missed and not self.unused:
            return
        display = display_paths(self.graph)
        lines = [f"  value was never claimed: {display(n)}" for n in missed[:10]]
        lines += [f"  value {name!r} has no place in the object at {display(n)}" for n, name in self.unused[:10]]
        more = len(missed) + len(self.unused) - len(lines)
        if more > 0:
            lines.append(f"  and {more} more")
        log.warning(
            "A restore ended (its status and the objects that waited for it are gone) with %d of %d stored values unused. If "
            "that is intended, call status.expect_partial().\n%s",
            len(missed) + len(self.unused), len(self.graph.keys()), "\n".join(lines),
        )  # fmt: skip


def display_paths(graph: SavedGraph) -> Callable[[int], str]:
    """A function that gives a node's dotted path from "(root)". Slot variables: whose, for which variable."""
    parents, names = {0: 0}, {0: ""}
    queue, known, leaves = [0], {0}, graph.variable_keys()
    for number in queue:
        for name, child in graph.nodes[number].children if leaves[number] is None else ():
            if child not in known:
                known.add(child)
                parents[child], names[child] = number, name
                queue.append(child)
    slots = {s.slot: (n, s) for n, node in graph.others() for s in node.slots}
    paths = PathTexts(queue, parents, names)

    def display(node: int) -> str:
        if node in known or node not in slots:
            return by_edges(node)
        owner, slot = slots[node]
        return f"{by_edges(owner)}'s state {slot.slot_name!r} for {by_edges(slot.variable)}"

    def by_edges(node: int) -> str:
        return paths.text(node) if node in known else f"node {node}, which no path reaches"

    return display

