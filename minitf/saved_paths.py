"""The paths of a saved object graph: how its objects are called, from the root on.

All paths of a deep graph are far larger than the graph, so long ones are made when they are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, overload

if TYPE_CHECKING:
    from minitf.saved import SavedGraph

Paths = Sequence[tuple[str, ...] | None]
SHORT = 32  # names: longer paths are not kept


def shortest_paths(graph: SavedGraph) -> Paths:
    """For each node the shortest path of local names from the root (breadth first, edge order); None if unreachable.

    A slot variable's path is its variable's, then ``.OPTIMIZER_SLOT``, the optimizer's and the slot name; both must be
    reached by edges.
    """
    out: list[Any] = [None] * len(graph.nodes)
    if not graph.nodes:
        return out
    out[0] = ()
    queue = [0]
    leaves = graph.variable_keys()
    deep = False
    for number in queue:
        if leaves[number] is not None:
            continue
        here = out[number]
        short = type(here) is tuple and len(here) < SHORT
        deep |= not short
        for name, child in graph.nodes[number].children:
            if out[child] is None:
                out[child] = (*here, name) if short else _Edge(number, name, _letters(here) + 1 + len(name))
                queue.append(child)
    slots: dict[int, Any] = {}
    for number, node in graph.others():
        for slot in node.slots:
            variable, optimizer = out[slot.variable], out[number]
            if out[slot.slot] is not None or variable is None or optimizer is None:
                continue
            if type(variable) is type(optimizer) is tuple:
                slots.setdefault(slot.slot, (*variable, ".OPTIMIZER_SLOT", *optimizer, slot.slot_name))
            else:
                slots.setdefault(slot.slot, _Slot(slot.variable, number, slot.slot_name))
    for number, path in slots.items():
        out[number] = path
    return _LongPaths(out) if deep else out


class _Edge(NamedTuple):
    """Where a long path comes from, its last name and how many letters it has."""

    parent: int
    name: str
    letters: int


class _Slot(NamedTuple):
    """The path of a slot variable, of whose variable or optimizer the path is long."""

    variable: int
    optimizer: int
    name: str


class _LongPaths(Sequence[tuple[str, ...] | None]):
    """Paths by node, of which the long ones are made anew whenever they are looked at."""

    __slots__ = ("_ends",)

    def __init__(self, ends: list[Any]):
        self._ends = ends

    @overload
    def __getitem__(self, number: int) -> tuple[str, ...] | None: ...
    @overload
    def __getitem__(self, number: slice) -> list[tuple[str, ...] | None]: ...
    def __getitem__(self, number: int | slice) -> tuple[str, ...] | list[tuple[str, ...] | None] | None:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        end = self._ends[number]
        if type(end) is _Slot:  # its variable and its optimizer are reached by edges
            return (*(self[end.variable] or ()), ".OPTIMIZER_SLOT", *(self[end.optimizer] or ()), end.name)
        names = []
        while type(end) is _Edge:
            names.append(end.name)
            end = self._ends[end.parent]
        return (*end, *reversed(names)) if names else end

    def __len__(self) -> int:
        return len(self._ends)

    def letters_of(self, number: int) -> int:
        """As the function."""
        ends, end = self._ends, self._ends[number]
        if type(end) is not _Slot:
            return 0 if end is None else _letters(end)
        return _letters(ends[end.variable]) + _letters(ends[end.optimizer]) + _letters((".OPTIMIZER_SLOT", end.name))

    def letters(self) -> int:
        """As the function."""
        return sum(map(self.letters_of, range(len(self._ends))))


def _letters(path: Any) -> int:
    return path.letters if type(path) is _Edge else sum(map(len, path)) + len(path)


def letters_of(paths: Paths, number: int) -> int:
    """How many letters the path of one object has, with a separator for each name; found without making the path."""
    if isinstance(paths, _LongPaths):
        return paths.letters_of(number)
    return _letters(paths[number] or ())


def letters(paths: Paths) -> int:
    """How many letters paths have together, with a separator for each name."""
    if isinstance(paths, _LongPaths):
        return paths.letters()
    known = list(filter(None, paths))
    return sum(map(len, chain.from_iterable(known))) + sum(map(len, known))
