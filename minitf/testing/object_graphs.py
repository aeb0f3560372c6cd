"""Object graphs as plain data, and small changes of them: what is saved, and what the program that restores has instead.

graph = ObjectGraph(("node", "variable", "variable"), (None, 1.0, 2.0), ((0, "a", 1), (0, "b", 2)))
other = Rename(0, "a", "c").of(graph)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from minitf.testing.programs import Step

KINDS = ("node", "variable", "state", "optimizer")
PARENTS = ("node", "optimizer")
Edge = tuple[int, str, int]


@dataclass(frozen=True)
class ObjectGraph:
    """Objects with numbers; number 0 is the root.

    * ``kinds``: "node", "variable", "state" (Python data) or "optimizer" (a node that keeps slots), by number.
    * ``values``: a number or array for a variable, a text for a state, None for the others.
    * ``edges``: (parent, name, child), in the order in which they are attached. Nodes and optimizers have edges.
    * ``slots``: (optimizer, variable, slot name, value).

    Raises ValueError for an edge or slot between things that cannot have it, and for two edges of one name.
    """

    kinds: tuple[str, ...]
    values: tuple[Any, ...]
    edges: tuple[Edge, ...] = ()
    slots: tuple[tuple[int, int, str, Any], ...] = ()

    def __post_init__(self) -> None:
        if not self.kinds or len(self.kinds) != len(self.values) or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"ObjectGraph(kinds={self.kinds!r}): one of {', '.join(KINDS)} and one value for each object.")
        names = [(parent, name) for parent, name, _ in self.edges]
        if len(set(names)) != len(names):
            raise ValueError(f"ObjectGraph(edges={self.edges!r}): an object has two edges of one name.")
        for parent, name, child in self.edges:
            if not 0 <= parent < len(self.kinds) or not 0 <= child < len(self.kinds) or self.kinds[parent] not in PARENTS:
                raise ValueError(f"ObjectGraph(edges=...): {(parent, name, child)} does not lead from a node to an object.")
        for optimizer, variable, name, _ in self.slots:
            if self.kinds[optimizer] != "optimizer" or self.kinds[variable] != "variable":
                raise ValueError(
                    f"ObjectGraph(slots=...): {(optimizer, variable, name)} is not of an optimizer for a variable."
                )

    # -- what it is like -----------------------------------------------------------------------------------------------

    def edges_of(self, number: int) -> dict[str, int]:
        """An object's children by name."""
        return {name: child for parent, name, child in self.edges if parent == number}

    def reachable(self) -> list[int]:
        """The objects that can be reached from the root, breadth first."""
        found = [0]
        for number in found:
            found += [c for c in dict.fromkeys(self.edges_of(number).values()) if c not in found]
        return found

    def valued(self) -> list[int]:
        """The reachable objects that have a value."""
        return [n for n in self.reachable() if self.kinds[n] in ("variable", "state")]

    def paths(self) -> dict[tuple[str, ...], int]:
        """Every path of edge names from the root that goes through no object twice, and where it leads."""
        out: dict[tuple[str, ...], int] = {}
        queue: list[tuple[tuple[str, ...], tuple[int, ...]]] = [((), (0,))]
        for path, way in queue:
            out[path] = way[-1]
            queue += [((*path, name), (*way, c)) for name, c in self.edges_of(way[-1]).items() if c not in way]
        return out

    @property
    def is_tree(self) -> bool:
        """True if no object can be reached in two ways (and so none from itself)."""
        reached = [child for parent, _, child in self.edges if parent in self.reachable()]
        return 0 not in reached and len(set(reached)) == len(reached)

    @property
    def has_cycle(self) -> bool:
        """True if some reachable object can be reached from itself."""
        left = set(self.reachable())
        while free := {n for n in left if not left & set(self.edges_of(n).values())}:
            left -= free
        return bool(left)

    # -- making it -----------------------------------------------------------------------------------------------------

    def making(self, first: int = 0) -> list[Step]:
        """Steps that make the objects, numbered from ``first`` on, without edges."""
        out: list[Step] = []
        for number, (kind, value) in enumerate(zip(self.kinds, self.values, strict=True)):
            out.append((kind, first + number) if kind in PARENTS else (kind, first + number, value))
        return out

    def attaching(self, order: Iterable[int] | None = None, first: int = 0) -> list[Step]:
        """Steps that attach the edges, in an order of their places in ``edges``, and then make the slots."""
        edges = self.edges if order is None else [self.edges[place] for place in order]
        slots: list[Step] = [("slot", first + o, first + v, name, value) for o, v, name, value in self.slots]
        return [("attach", first + parent, name, first + child) for parent, name, child in edges] + slots

    def steps(self) -> list[Step]:
        """Steps that make the whole graph."""
        return self.making() + self.attaching()

    def with_values(self, number: float = -1.0) -> ObjectGraph:
        """The same graph with one value in all variables, texts and slots, of the dtypes and shapes that they have."""

        def other(value: Any) -> Any:
            if isinstance(value, (np.ndarray, np.generic)):
                full = np.full(np.shape(value), b"?" if value.dtype.kind == "O" else 1, value.dtype)
                return full if value.dtype.kind == "O" else full[()]
            return value if value is None else f"text {number}" if isinstance(value, str) else type(value)(number)

        slots = tuple((o, v, name, other(value)) for o, v, name, value in self.slots)
        return replace(self, values=tuple(other(value) for value in self.values), slots=slots)

    # -- smaller ones --------------------------------------------------------------------------------------------------

    def smaller(self) -> Iterator[ObjectGraph]:
        """Graphs that lack one slot, edge or unreachable object."""
        for place in reversed(range(len(self.slots))):
            yield replace(self, slots=self.slots[:place] + self.slots[place + 1 :])
        for place in reversed(range(len(self.edges))):
            yield replace(self, edges=self.edges[:place] + self.edges[place + 1 :])
        used = {0} | {n for parent, _, child in self.edges for n in (parent, child)} | {n for s in self.slots for n in s[:2]}
        for number in reversed(range(len(self.kinds))):
            if number not in used:
                yield self._without(number)

    def _without(self, number: int) -> ObjectGraph:
        def shift(n: int) -> int:
            return n - (n > number)

        return ObjectGraph(
            self.kinds[:number] + self.kinds[number + 1 :],
            self.values[:number] + self.values[number + 1 :],
            tuple((shift(parent), name, shift(child)) for parent, name, child in self.edges),
            tuple((shift(o), shift(v), name, value) for o, v, name, value in self.slots),
        )


# -- edits -------------------------------------------------------------------------------------------------------------


class Edit(Protocol):
    """A change of a graph. What does not apply changes nothing."""

    def of(self, graph: ObjectGraph) -> ObjectGraph:
        """The changed graph."""


class Rename(NamedTuple):
    """The edge ``name`` of ``parent`` is called ``new``, unless there is such an edge already."""

    parent: int
    name: str
    new: str

    def of(self, graph: ObjectGraph) -> ObjectGraph:
        """The changed graph."""
        if any(parent == self.parent and name == self.new for parent, name, _ in graph.edges):
            return graph
        return _mapped(graph, self.parent, lambda name, child: (self.new if name == self.name else name, child))


class Drop(NamedTuple):
    """The edge ``name`` of ``parent`` is gone."""

    parent: int
    name: str

    def of(self, graph: ObjectGraph) -> ObjectGraph:
        """The changed graph."""
        return replace(graph, edges=tuple(e for e in graph.edges if e[:2] != (self.parent, self.name)))


class Add(NamedTuple):
    """``parent`` has one more child, a new object, unless it has such an edge already."""

    parent: int
    name: str
    kind: str
    value: Any = None

    def of(self, graph: ObjectGraph) -> ObjectGraph:
        """The changed graph."""
        if self.name in graph.edges_of(self.parent) or graph.kinds[self.parent] not in PARENTS:
            return graph
        edge = (self.parent, self.name, len(graph.kinds))
        return replace(graph, kinds=(*graph.kinds, self.kind), values=(*graph.values, self.value), edges=(*graph.edges, edge))


class Swap(NamedTuple):
    """Two edges of ``parent`` lead to each other's children."""

    parent: int
    one: str
    other: str

    def of(self, graph: ObjectGraph) -> ObjectGraph:
        """The changed graph."""
        there = graph.edges_of(self.parent)
        if not {self.one, self.other} <= there.keys():
            return graph
        swapped = {self.one: there[self.other], self.other: there[self.one]}
        return _mapped(graph, self.parent, lambda name, child: (name, swapped.get(name, child)))


def _mapped(graph: ObjectGraph, parent: int, change: Callable[[str, int], tuple[str, int]]) -> ObjectGraph:
    """The graph with other edges at one parent."""
    edges = tuple((p, *change(name, child)) if p == parent else (p, name, child) for p, name, child in graph.edges)
    return replace(graph, edges=edges)


def edited(graph: ObjectGraph, edits: Sequence[Edit]) -> ObjectGraph:
    """The graph after all edits, one after the other."""
    for edit in edits:
        graph = edit.of(graph)
    return graph
