"""Restoring by object graph, told in plain Python: no tensors, no files, no runtimes.

These are the rules that ``minitf.checkpoint`` keeps, written a second time and as short as possible, to be read and to be
compared with the real thing. The numbers (S63, ...) are those of the behaviours in the reference.

    m = Model()
    saved = Saver(m, Node(m, v=Variable(m, 1))).save()
    net = Node(m)
    status = Saver(m, net).restore(saved)  # nothing is there yet: the value waits
    net.attach("v", Variable(m, 0))  # now it arrives: net.edges["v"].value == 1

1. *Matching* goes by names of edges alone. The root is node 0; from there both graphs are walked side by side, breadth first.
2. *Waiting*: a saved edge without a counterpart leaves a request on the object, under its name, until an object appears there.
3. *Newest first*: each restore has a number, and an object remembers the highest that reached it. A restore with a lower number
   changes its value no more, but still goes on to its children.
4. *When*: eager values are assigned as soon as they are matched. In a graph an assignment is added to the status, to be run.
5. *Slots* are named by (optimizer, variable, slot name): whichever of the two objects is matched second brings the slot.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from weakref import WeakSet, WeakValueDictionary


class Model:
    """A program's mode and its count of restores (S149). In a graph there is one session."""

    def __init__(self, graph: bool = False):
        self.graph = graph
        self.uids = itertools.count(1)
        self.variables: list[Variable] = []  # a graph keeps its variables alive (S104)


class Node:
    """An object with named edges (to remove one: ``del node.edges[name]``). It holds what waits for edges yet to come (S66)."""

    kind = "node"
    value: Any = None

    def __init__(self, model: Model, **edges: Node):
        self.model = model
        self.edges: dict[str, Node] = {}
        self.waiting: dict[str, list[Request]] = {}
        self.uid = -1  # of the newest restore that reached it (S87)
        for name, child in edges.items():
            self.attach(name, child)

    def attach(self, name: str, child: Node) -> Node:
        """Adds or redirects an edge, and hands the child to what waits for it, once (S64, S74)."""
        if self.edges.get(name) is not child:
            self.edges[name] = child
            serve(self.waiting.pop(name, []), child)
        return child

    def add_variable(self, name: str, initial: Any) -> Variable:
        """Makes a variable and an edge to it. Eager: a value that waits is its first; ``initial`` is not called (S68)."""
        waiting = [] if self.model.graph else [(r.uid, r.nodes[number]) for r, number in self.waiting.get(name, [])]
        if waiting and all(node.kind == "variable" and not node.children for _, node in waiting):  # (S72)
            uid, newest = max(waiting, key=lambda request: request[0])
            variable = Variable(self.model, newest.value)  # even if that node has an object already, which keeps it
            variable.uid = uid
        else:
            variable = Variable(self.model, initial)
        self.attach(name, variable)
        return variable


class Variable(Node):
    """An object with a value: ``initial``, or what that function gives. None stands for no value yet (graph).

    Its ``kind`` is "variable", or "state" for Python data, which is there and is restored at once in a graph too (S162).
    """

    def __init__(self, model: Model, initial: Any, kind: str = "variable"):
        super().__init__(model)
        self.initial = initial
        self.kind = kind
        in_graph = model.graph and kind == "variable"
        model.variables.append(self) if in_graph else self.initialise()

    def initialise(self) -> None:
        """Gives it its first value: when it is made (eager), or when its initialiser is run (graph)."""
        self.value = self.initial() if callable(self.initial) else self.initial


class Optimizer(Node):
    """An object that keeps slots: variables for variables."""

    kind = "optimizer"

    def __init__(self, model: Model, **edges: Node):
        self.slots: dict[tuple[Node, str], Variable] = {}
        self.waiting_slots: dict[tuple[Node, str], list[Request]] = {}
        super().__init__(model, **edges)

    def slot(self, variable: Node, name: str, initial: Any) -> Variable:
        """The slot for a variable, made now if it does not exist, as training does."""
        if (variable, name) not in self.slots:
            self.slots[variable, name] = Variable(self.model, initial)
            serve(self.waiting_slots.pop((variable, name), []), self.slots[variable, name])
        return self.slots[variable, name]


def reachable(root: Node) -> list[Node]:
    """Objects breadth first, each once; then the slots whose optimizer and variable are among them (S119, S131)."""
    queue = [root]
    for obj in queue:
        queue += [c for c in dict.fromkeys(obj.edges.values()) if c not in queue]
    return queue + [slot for _, _, _, slot in slots_among(queue)]


def slots_among(objects: list[Node]) -> Iterator[tuple[Node, Node, str, Node]]:
    """(optimizer, variable, name, slot), by optimizer, name and variable."""
    for optimizer in objects:
        if isinstance(optimizer, Optimizer):
            for name in sorted({name for _, name in optimizer.slots}):
                yield from ((optimizer, v, name, optimizer.slots[v, name]) for v in objects if (v, name) in optimizer.slots)


@dataclass
class SavedNode:
    """One object of a checkpoint. ``carries``: it or something below it has a value (S123)."""

    kind: str
    value: Any
    children: list[tuple[str, int]]
    slots: list[tuple[int, str, int]] = field(default_factory=list)  # (variable, name, slot)
    carries: bool = False


VALUED = ("variable", "state")  # the kinds that store a value of their own
Request: TypeAlias = "tuple[Restoration, int]"  # a restore that waits for the object that corresponds to one saved node


def serve(requests: list[Request], obj: Node) -> None:
    """Gives an object to all that waited for it, from the newest restore to the oldest (S151)."""
    for restoration, number in sorted(requests, key=lambda request: -request[0].uid):
        restoration.restore(number, obj)


class Restoration:
    """One call of ``restore``: which saved node belongs to which object. Being matched keeps no object alive (S104)."""

    def __init__(self, model: Model, nodes: list[SavedNode], strict: bool):
        self.model, self.nodes, self.strict = model, nodes, strict
        self.uid = next(model.uids)
        self.bound: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self.seen: WeakSet[Node] = WeakSet()  # objects that were offered or listed, matched or not (S196)
        self.unused: set[int] = set()  # nodes whose object has no place for the value (S103)
        self.assignments: list[tuple[Node, int]] = []  # a graph's, to be run
        self.slots: dict[int, list[tuple[int, str, int]]] = {}  # of unmatched variables: (optimizer, name, slot)
        self.slots_wanted: dict[int, list[tuple[Node, str, int]]] = {}  # of unmatched optimizers: (variable, name, slot)
        for optimizer, variable, name, slot in ((n, *slot) for n, node in enumerate(nodes) for slot in node.slots):
            self.slots.setdefault(variable, []).append((optimizer, name, slot))

    def bind(self, number: int, obj: Node) -> bool:
        """Declares that a node is this object. False if the node has one already, which keeps it (S94)."""
        self.seen.add(obj)
        return self.bound.get(number) is None and self.bound.setdefault(number, obj) is obj

    def restore(self, number: int, obj: Node) -> None:
        """Restores an object and all below it."""
        queue = [(number, obj)] if self.bind(number, obj) else []
        for number, obj in queue:
            if obj.uid < self.uid:  # else a newer restore has been here: only its children are of interest (S154)
                obj.uid = self.uid
                self.take_value(self.nodes[number], number, obj)
            queue += [*self.match_children(number, obj), *self.match_slots(number, obj)]

    def take_value(self, node: SavedNode, number: int, obj: Node) -> None:
        """Assigns now, or adds an assignment to be run (S62, S82)."""
        if node.kind in VALUED and node.kind != obj.kind:
            self.unused.add(number)
        elif node.kind == "variable" and self.model.graph:
            self.assignments.append((obj, number))
        elif node.kind in VALUED:
            obj.value = node.value

    def match_children(self, number: int, obj: Node) -> Iterator[tuple[int, Node]]:
        """The children that are matched now. Others are waited for; those that carry no value only if strict (S79)."""
        for name, child in self.nodes[number].children:
            if self.bound.get(child) is not None:
                continue  # found on another path (S97, S101)
            if name not in obj.edges:
                if self.strict or self.nodes[child].carries:
                    obj.waiting.setdefault(name, []).append((self, child))
            elif self.bind(child, obj.edges[name]):
                yield child, obj.edges[name]

    def match_slots(self, number: int, obj: Node) -> Iterator[tuple[int, Node]]:
        """The slots for which this object was the second of the two."""
        found: list[tuple[Node, Node, str, int]] = [(obj, *wanted) for wanted in self.slots_wanted.pop(number, [])]
        for optimizer_number, name, slot in self.slots.pop(number, []):
            optimizer = self.bound.get(optimizer_number)
            if optimizer is None:
                self.slots_wanted.setdefault(optimizer_number, []).append((obj, name, slot))
            else:
                found.append((optimizer, obj, name, slot))
        for keeper, variable, name, slot in found:
            if not isinstance(keeper, Optimizer) or variable.kind != "variable":
                continue  # what stands in the optimizer's place keeps no slots (S137), or in the variable's place has none
            if (variable, name) not in keeper.slots and not self.model.graph:
                keeper.slots[variable, name] = Variable(self.model, None)
            if (variable, name) not in keeper.slots:  # in a graph only the program makes slots (S139)
                keeper.waiting_slots.setdefault((variable, name), []).append((self, slot))
            elif self.bind(slot, keeper.slots[variable, name]):
                yield slot, keeper.slots[variable, name]


class Status:
    """What ``restore`` gives. It keeps the root alive."""

    def __init__(self, root: Node, restoration: Restoration):
        self.root, self.restoration = root, restoration

    def run_restore_ops(self) -> None:
        """Graph: does all assignments that were matched so far, at every call (S175). Eager: they were done at once (S206)."""
        for obj, number in self.restoration.assignments:
            obj.value = self.restoration.nodes[number].value

    def initialize_or_restore(self) -> None:
        """Runs the assignments, then the initialisers of what neither this nor a newer restore has reached (S208, S209)."""
        Status.run_restore_ops(self)
        for obj in reachable(self.root) if self.restoration.model.graph else []:
            if obj.kind == "variable" and obj not in self._bound() and obj.uid < self.restoration.uid:
                obj.initialise()  # type: ignore[attr-defined]

    def _bound(self) -> list[Node]:
        return list(self.restoration.bound.values())

    def _unmatched(self) -> list[Node]:
        """Objects with values that belong to no saved node."""
        self.restoration.seen.update(reachable(self.root))
        return [o for o in self.restoration.seen if o.kind in VALUED and o not in self._bound()]

    def assert_existing_objects_matched(self) -> Status:
        """Every object with a value has been matched (S192)."""
        if self._unmatched() or any(obj.uid < self.restoration.uid for obj in self._bound()):
            raise AssertionError("Objects without a saved counterpart.")
        return self

    def assert_consumed(self) -> Status:
        """Besides, everything saved has found its place (S197): strictly all nodes, otherwise those with values (S199)."""
        self.assert_existing_objects_matched()
        r = self.restoration
        missing = [n for n, node in enumerate(r.nodes) if (r.strict or node.kind in VALUED) and r.bound.get(n) is None]
        if missing or r.slots or r.unused:
            raise AssertionError(f"Unresolved: nodes {missing}, slots {list(r.slots)}, values {sorted(r.unused)}.")
        return self

    def assert_nontrivial_match(self) -> Status:
        """Not only the root was matched (S203, S204)."""
        unmatched = self._unmatched()  # which are remembered, whatever the verdict
        if len(self._bound()) <= 1:
            raise AssertionError("Nothing except the root object matched." if unmatched else "Nothing to load.")
        return self


class InitializationOnlyStatus(Status):
    """What ``restore(None)`` gives: only ``initialize_or_restore`` makes sense (S215, S216)."""

    def run_restore_ops(self) -> Any:
        """Raises AssertionError, and so do the assertions."""
        raise AssertionError("Nothing is being restored.")

    assert_consumed = assert_existing_objects_matched = assert_nontrivial_match = run_restore_ops


@dataclass
class Saver:
    """Saves and restores what is below ``root``. ``strict`` as ``CheckpointableSaver``, otherwise as ``Checkpoint``."""

    model: Model
    root: Node
    strict: bool = True

    def save(self) -> list[SavedNode]:
        """A checkpoint of what can be reached now (S127). Raises ValueError for a variable without a value (S251)."""
        objects = reachable(self.root)
        number = {obj: n for n, obj in enumerate(objects)}
        nodes = [SavedNode(o.kind, o.value, [(name, number[c]) for name, c in o.edges.items()]) for o in objects]
        if any(node.kind == "variable" and node.value is None for node in nodes):
            raise ValueError("A variable is not initialised.")
        for optimizer, variable, name, slot in slots_among(objects):
            nodes[number[optimizer]].slots.append((number[variable], name, number[slot]))
        for _ in nodes:  # as often as the longest path can need
            for node in nodes:
                node.carries = (
                    node.kind in VALUED or bool(node.slots) or any(nodes[child].carries for _, child in node.children)
                )
        return nodes

    def restore(self, saved: list[SavedNode] | None) -> Status:
        """Matches now; the values come as the mode says. None: there is nothing to restore, only to initialise."""
        restoration = Restoration(self.model, saved or [], self.strict)
        if saved is None:
            return InitializationOnlyStatus(self.root, restoration)
        restoration.restore(0, self.root)
        return Status(self.root, restoration)
