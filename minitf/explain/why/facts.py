"""What an explanation is computed from: a journal, the saved object graph, and what the live objects looked like. Plain data.

Whoever can see live objects fills this in (``minitf.checkpoint.survey``); nothing in this room touches one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from minitf.explain.paths import PathTexts
from minitf.journal import Journal
from minitf.saved import SavedGraph

AWAY = -1  # a node's object lives, but hangs in the tree no more
GONE = -2  # a node's object does not live any more


class Form(NamedTuple):
    """Dtype and shape of a value; ``shape`` None: unknown."""

    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype} of unknown shape"
        sizes = ", ".join("?" if n is None else str(n) for n in self.shape)
        return f"{self.dtype} ({sizes}{',' * (len(self.shape) == 1)})"


class LiveValue(NamedTuple):
    """One value of a live object.

    * ``name``: the attribute's; ``variable``: the variable's name, "" for other values.
    * ``form``: dtype and shape; None for values that go by a rule of their own.
    * ``writes``, ``initialised``: the counters of its cell in the store that is spoken of; None if it has no cell there.
    * ``foreign``: it lives in another graph or mode than the restore worked in.
    """

    name: str
    variable: str = ""
    form: Form | None = None
    writes: int | None = None
    initialised: int = 0
    foreign: bool = False


class LiveObject(NamedTuple):
    """One object of the live tree.

    * ``kind``: its class. ``children``: (edge, number) pairs; ``values``: its own.
    * ``known``: its number in the journal, or None. ``reached``: the highest uid of a restore that reached it.
    * ``built``: False for a layer that has made no weights yet; None where that is no question.
    * ``slots``: names of the slots that its class makes; None if it keeps none, or nobody knows which.
    * ``keeps_slots``: it is an optimizer that keeps slot variables.
    """

    kind: str
    children: list[tuple[str, int]]
    values: list[LiveValue]
    known: int | None = None
    reached: int = -1
    built: bool | None = None
    slots: frozenset[str] | None = None
    keeps_slots: bool = False


class Attribute(NamedTuple):
    """What a live object has in an attribute at whose name the checkpoint waits for an edge.

    ``what``: ``untracked`` (a trackable object without an edge), ``wrapper`` (an object or container that is not trackable and
    holds one, under ``inner``) or ``plain`` (anything else). ``kind`` is its class.
    """

    what: str
    kind: str
    inner: str = ""


class Hidden(NamedTuple):
    """An attribute that holds an object without an edge: its name, what it is, the names of the edges of what it holds."""

    name: str
    what: Attribute
    edges: frozenset[str]


class Given(NamedTuple):
    """A value that another restore has given to an object: ``writes`` of the cell then."""

    uid: int
    source: str
    key: str
    writes: int


@dataclass(slots=True)
class Facts:
    """Everything about one restore.

    * ``form_of``: dtype and shape of a key, or None if the file has it not.
    * ``live``: the objects of the tree by number (0: the root), slot variables from ``tree`` on; ``parent``, ``edge``: the
      shortest path; ``slots``: by optimizer, (variable, slot name, slot variable).
    * ``bound``: by node, the number of the live object that it is paired with, or AWAY, GONE, None.
    * ``attributes``: by (number of the object, name of the awaited edge); ``hidden``: by number of the object, what other
      attributes hold without an edge.
    * ``session``: which session is spoken of: ``given``, ``default``, ``last run``, ``none`` or ``other graph``; "" when eager.
      ``spoken``: its small number in the journal, if the restore's ops were run in it.
    * ``others``: by number of the live object, what other restores gave it, oldest first. ``sources``: files of other restores
      by uid, as far as they still exist.
    * ``stray``: keys of the file that belong to no object.
    * ``dry``: nothing was restored; the journal says what would have been.
    * ``error``: what a dry run ran into.
    """

    graph: SavedGraph
    journal: Journal
    form_of: Callable[[str], Form | None]
    live: list[LiveObject]
    tree: int
    parent: list[int]
    edge: list[str]
    slots: dict[int, list[tuple[int, str, int]]]
    bound: list[int | None]
    attributes: dict[tuple[int, str], Attribute] = field(default_factory=dict)
    hidden: dict[int, list[Hidden]] = field(default_factory=dict)
    session: str = ""
    spoken: int | None = None
    others: dict[int, list[Given]] = field(default_factory=dict)
    sources: dict[int, str] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)
    dry: bool = False
    error: str = ""
    _paths: PathTexts | None = field(default=None, init=False, repr=False, compare=False)
    _slot_of: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for slots in self.slots.values():
            for variable, _, at in slots:
                self._slot_of.setdefault(at, variable)

    # -- paths ---------------------------------------------------------------------------------------------------------

    def path(self, number: int) -> str:
        """The path of a live object, ``(root).model.w``; of a slot: ``slot m of (root).model.w``."""
        if number >= self.tree:
            return f"slot {self.edge[number]} of {self.path(self.variable_of(number))}"
        if self._paths is None:
            self._paths = PathTexts(range(min(self.tree, len(self.live))), self.parent, self.edge)
        return self._paths.text(number)

    def variable_of(self, slot: int) -> int:
        """The variable to which a slot variable belongs; 0 if nobody knows."""
        return self._slot_of.get(slot, 0)

    def children(self, number: int) -> dict[str, int]:
        """The edges of a live object by name."""
        return dict(self.live[number].children)

    def below(self, number: int) -> Iterator[int]:
        """A live object and what hangs below it on shortest paths, slots of optimizers included."""
        stack = [number]
        while stack:
            here = stack.pop()
            yield here
            for name, child in self.live[here].children:
                if child and self.parent[child] == here and self.edge[child] == name:
                    stack.append(child)
            stack.extend(at for _, _, at in self.slots.get(here, ()))


class SavedTree:
    """The shortest paths of a saved graph, and whose slot a node is.

    ``parent`` and ``edge`` by node (the root's parent is -1; of a node that no path reaches too); ``order``: breadth first.
    ``slot_of``: by slot node, (optimizer, variable, slot name).
    """

    __slots__ = ("_children", "_paths", "edge", "graph", "order", "parent", "slot_of")

    def __init__(self, graph: SavedGraph):
        self.graph = graph
        count = len(graph.nodes)
        self.parent = [-1] * count
        self.edge = [""] * count
        self.order = [0] if count else []
        self._children: dict[int, list[int]] = {}
        seen = {0}
        for number in self.order:  # grows while it is walked
            for name, child in graph.nodes[number].children:
                if child not in seen:
                    seen.add(child)
                    self.parent[child], self.edge[child] = number, name
                    self.order.append(child)
                    self._children.setdefault(number, []).append(child)
        self.slot_of = {
            slot.slot: (number, slot.variable, slot.slot_name)
            for number, node in enumerate(graph.nodes)
            for slot in node.slots
            if slot.slot not in seen
        }
        self._paths = PathTexts(self.order, self.parent, self.edge)

    def path(self, node: int) -> str:
        """A node's path as ``Facts.path`` writes it."""
        if node in self.slot_of:
            _, variable, name = self.slot_of[node]
            return f"slot {name} of {self._paths.text(variable)}"  # a file may say that it is its own slot
        return self._paths.text(node)

    def below(self, node: int) -> list[int]:
        """A node and what hangs below it on shortest paths."""
        out = [node]
        for here in out:  # grows while it is walked
            out += self._children.get(here, ())
        return out
