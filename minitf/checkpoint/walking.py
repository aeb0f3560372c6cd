"""Listing the objects of a tree: breadth first from the root, each once, slot variables at the end.

Nothing in here is recursive, so a chain may be as long as memory allows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from minitf.core.state import Handle
from minitf.errors import OpError
from minitf.objects.slots import existing_slot
from minitf.objects.trackable import Tracked
from minitf.objects.values import values_of
from minitf.objects.variable import Variable
from minitf.saved import escape

NO_EDGES: Mapping[str, Any] = {}
HOOKS = ("_serialize_to_tensors", "_gather_saveables_for_checkpoint")  # TensorFlow's ways of having values of one's own


class Kind(NamedTuple):
    """What the walk must ask an object of a class."""

    plain: bool  # its edges are what was tracked: no method to call
    variable: bool  # its one value is its handle
    valued: bool  # it has, or may have, values of its own
    slots: bool  # it keeps slot variables


_kinds: dict[type, Kind] = {}


def kind_of(cls: type) -> Kind:
    """The answers for a class, kept."""
    kind = _kinds.get(cls)
    if kind is None:
        if not issubclass(cls, Tracked):
            raise TypeError(f"{cls.__name__} is not trackable. Derive it from minitf.train.AutoTrackable, Trackable or Module.")
        own: Any = cls._saved_values
        kind = _kinds[cls] = Kind(
            plain=cls._children is Tracked._children,
            variable=own is Variable._saved_values,
            valued=own is not Tracked._saved_values or any(hasattr(cls, hook) for hook in HOOKS),
            slots=hasattr(cls, "get_slot_names") and hasattr(cls, "get_slot"),
        )
    return kind


def edges_of(obj: Any) -> Mapping[str, Any]:
    """The object's named edges as they are now. A mutated list or dict raises ValueError."""
    if kind_of(type(obj)).plain:
        tracking = getattr(obj, "_tracking", None)
        return tracking.edges.copy() if tracking is not None and tracking.edges else NO_EDGES
    edges: Mapping[str, Any] = obj._children()
    return edges.copy() if type(edges) is dict else edges


def own_values(obj: Any) -> Mapping[str, Any]:
    """The object's own values by attribute name."""
    return values_of(obj) if kind_of(type(obj)).valued else NO_EDGES


class Walk:
    """The objects reachable from a root.

    * ``objects``: by number; the root is 0, slot variables come last. Ids of objects are safe while the walk holds them.
    * ``children``: by number, (local name, number) pairs in edge order.
    * ``slots``: by the number of an optimizer, (number of the variable, slot name, number of the slot variable).
    * ``computed``: (object, its edges) where edges are computed and may change without notice.
    """

    __slots__ = ("children", "computed", "edge", "numbers", "objects", "optimizers", "parent", "slots", "tree")

    def __init__(self, root: Any, extra: Mapping[str, Any] | None = None):
        """Walks. ``extra`` are edges that the root has besides its own. Raises ValueError for a mutated list or dict."""
        objects = self.objects = [root]
        numbers = self.numbers = {id(root): 0}
        children: list[Sequence[tuple[str, int]]] = []
        parent = self.parent = [0]
        edge = self.edge = [""]
        self.children = children
        self.computed: list[tuple[Any, dict[str, Any]]] = []
        self.optimizers: list[int] = []
        self.tree = sys.maxsize
        self.slots: dict[int, list[tuple[int, str, int]]] = {}
        kinds = _kinds
        self.tree = sys.maxsize  # while it is walked, all is tree
        for number, obj in enumerate(objects):  # grows while it is walked
            kind = kinds.get(type(obj)) or kind_of(type(obj))
            if kind.plain:
                tracking = getattr(obj, "_tracking", None)
                edges = NO_EDGES if tracking is None else tracking.edges
            else:
                edges = dict(listed(obj, self, number))
                self.computed.append((obj, edges))
            if kind.slots:
                self.optimizers.append(number)
            if extra and number == 0:
                edges = {**edges, **extra}
            if not edges:  # variables, mostly
                children.append(())
                continue
            out: list[tuple[str, int]] = []
            children.append(out)
            for name, child in dict(edges).items():  # other threads may add some
                known = numbers.get(id(child))
                if known is None:
                    known = numbers[id(child)] = len(objects)
                    objects.append(child)
                    parent.append(number)
                    edge.append(name)
                out.append((name, known))
        self.tree = len(objects)
        for number in self.optimizers:
            self._add_slots(number)

    def _add_slots(self, number: int) -> None:
        """Lists the slots of an optimizer whose variables are in the tree: slot names in its order, then variables. (S119,
        S131)
        """
        owner, numbers = self.objects[number], self.numbers
        found = []
        for name in owner.get_slot_names():
            here = []
            for variable, slot in slots_of(owner, name, self):
                of = numbers.get(id(variable), self.tree)
                if of < self.tree:
                    here.append((of, slot))
            here.sort(key=lambda pair: pair[0])
            for of, slot in here:
                if id(slot) in numbers:
                    raise NotImplementedError(
                        f"The slot variable {name!r} that {self.display(number)} keeps for {self.display(of)} is also tracked "
                        f"as an ordinary dependency, {self.display(numbers[id(slot)])}. A slot is saved with its optimizer "
                        "only: remove the other reference, or wrap it in NoDependency."
                    )
                if edges_of(slot):
                    raise NotImplementedError(
                        f"The slot variable {name!r} that {self.display(number)} keeps for {self.display(of)} has dependencies "
                        f"of its own ({', '.join(edges_of(slot))}), and checkpoints have no place for them."
                    )
                at = numbers[id(slot)] = len(self.objects)
                self.objects.append(slot)
                self.children.append(())
                self.parent.append(number)
                self.edge.append(name)
                found.append((of, name, at))
        if found:
            self.slots[number] = found

    def names(self, number: int) -> list[str]:
        """The local names on the shortest path from the root to an object of the tree."""
        out = []
        while number:
            out.append(self.edge[number])
            number = self.parent[number]
        return out[::-1]

    def display(self, number: int) -> str:
        """An object's path for messages: ``(root).model.layers.0``; for slots: whose, for which variable."""
        if number >= self.tree:
            owner = self.parent[number]
            of = next((v for v, _, at in self.slots.get(owner, ()) if at == number), 0)
            return f"{self.display(owner)}'s state {self.edge[number]!r} for {self.display(of)}"
        return ".".join(["(root)", *self.names(number)])

    def key_paths(self, numbers: list[int]) -> dict[int, str]:
        """Escaped paths, as they stand in keys, of objects of the tree."""
        prefixes: dict[int, str] = {0: ""}
        out = {}
        for number in numbers:
            if number == 0:
                out[0] = ""
                continue
            above = self.parent[number]
            prefix = prefixes.get(above)
            if prefix is None:
                prefix = prefixes[above] = "".join(escape(n) + "/" for n in self.names(above))
            name = self.edge[number]
            out[number] = prefix + (escape(name) if "." in name or "/" in name else name)
        return out


_tracking_of, _uid_of = attrgetter("_tracking"), attrgetter("update_uid")


def reached_below(root: Any, extra: Mapping[str, Any] | None, uid: int) -> list[Any] | None:
    """All objects under a root, if restores of at least this uid have reached them; one to which two edges lead comes twice.

    A quick look, level by level. None if something was not reached, and where anything keeps slots, which it does not look at.
    """
    out: list[Any] = []
    level, known = [root], set[int]()
    while level:
        out += level
        kinds = [kind_of(cls) for cls in set(map(type, level))]
        if any(kind.slots for kind in kinds):
            return None
        try:
            states = list(map(_tracking_of, level))
            if min(map(_uid_of, states)) < uid:
                return None
        except AttributeError:  # nothing has reached one of them
            return None
        if all(kind.plain for kind in kinds):
            level = [obj for obj, state in zip(level, states, strict=True) if state.edges]
        inner = {id(obj): obj for obj in level if id(obj) not in known}
        below = list(map(edges_of, inner.values()))
        if extra is not None:  # of the root
            below.append(extra)
            extra = None
        known.update(inner)
        level = list(chain.from_iterable([edges.values() for edges in below]))
    return out


def slots_of(owner: Any, name: str, walk: Walk) -> list[tuple[Any, Any]]:
    """(variable, slot) pairs of one slot name. ``SlotOwner`` knows them; other owners are asked for each variable."""
    items = getattr(owner, "_slot_items", None)
    if items is not None:
        return [(handle.variable(), slot) for handle, slot in items(name)]
    out = []
    for obj in walk.objects[: walk.tree]:
        if isinstance(getattr(obj, "handle", None), Handle):
            slot = existing_slot(owner, obj, name)
            if slot is not None:
                out.append((obj, slot))
    return out


def listed(obj: Any, walk: Walk, number: int) -> Mapping[str, Any]:
    """Computed edges. A ValueError (mutated list or dict) gets the object's path; other errors come out unchanged (S311)."""
    try:
        return obj._children()  # type: ignore[no-any-return]
    except ValueError as error:
        if type(error) is ValueError and not isinstance(error, OpError) and len(error.args) == 1:
            error.add_note(f"The object is {walk.display(number)} of the tree.")
        raise
