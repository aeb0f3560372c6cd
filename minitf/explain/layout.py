"""Where the nodes of a graph stand: rows from sources to results, scopes as boxes in boxes. Equal graphs get equal layouts.

Rows are topological generations (networkx); a node without inputs moves down to just above its first user. Within a row, nodes
are moved under the middle of their neighbours, four times down and up, and else keep the order of creation.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx

SWEEPS = 4
WIDEST = 10  # nodes in a row, then it is broken


@dataclass
class Box:
    """A scope: ``rows`` hold numbers of nodes and, for the scopes inside, boxes. ``members`` are all nodes below."""

    name: str
    rows: list[list[int | Box]] = field(default_factory=list)
    members: list[int] = field(default_factory=list)

    def boxes(self) -> Iterable[Box]:
        """Itself and all boxes below."""
        yield self
        for row in self.rows:
            for child in row:
                if isinstance(child, Box):
                    yield from child.boxes()


def rows_of(order: Sequence[Hashable], edges: Iterable[tuple[Hashable, Hashable]]) -> list[list[Any]]:
    """The nodes in rows. ``order`` is the order of creation; an edge against it is no reason to stand lower."""
    place = {node: i for i, node in enumerate(order)}
    dag: nx.DiGraph[Any] = nx.DiGraph()
    dag.add_nodes_from(order)
    dag.add_edges_from([(a, b) for a, b in edges if place[a] < place[b]])
    level = {node: i for i, row in enumerate(nx.topological_generations(dag)) for node in row}
    for node in reversed(order):
        below = [level[n] for n in dag.successors(node)]
        if below and not dag.in_degree(node):
            level[node] = min(below) - 1
    rows: list[list[Any]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    for node in order:
        rows[level[node]].append(node)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        _sweep(rows if down else rows[::-1], dag.predecessors if down else dag.successors)
    return [row[i : i + WIDEST] for row in rows for i in range(0, len(row), WIDEST)]


def _sweep(rows: list[list[Any]], neighbours: Any) -> None:
    """Sorts each row by the middle of its nodes' neighbours in the rows before."""
    at: dict[Any, float] = {}
    for row in rows:
        own = {node: (i + 0.5) / len(row) for i, node in enumerate(row)}
        wanted = {}
        for node in row:
            places = sorted(at[n] for n in neighbours(node) if n in at)
            wanted[node] = places[len(places) // 2] if places else own[node]
        row.sort(key=lambda node: wanted[node])  # stable: equal ones keep their order
        at.update({node: (i + 0.5) / len(row) for i, node in enumerate(row)})


def nested(names: Sequence[str], edges: Sequence[tuple[int, int]]) -> Box:
    """A layout of nodes with names like ``dense/kernel/Assign``, in boxes by scope. Edges are pairs of places in ``names``.

    A scope with one node in it gets no box of its own.
    """
    counts: dict[str, int] = {}
    scopes = {s for name in names for s in _scopes(name)}
    parts = [name + "/" if name in scopes else name for name in names]  # an operation of the scope's name is in it
    for part in parts:
        for scope in _scopes(part):
            counts[scope] = counts.get(scope, 0) + 1
    root = Box("")
    boxes = {"": root}
    inside: dict[str, list[int | str]] = {"": []}
    chains: list[list[str]] = []
    for number, part in enumerate(parts):
        chain = [""]
        for scope in _scopes(part):
            if counts[scope] < 2:
                continue
            if scope not in boxes:
                boxes[scope] = Box(scope)
                inside[scope] = []
                inside[chain[-1]].append(scope)
            chain.append(scope)
        inside[chain[-1]].append(number)
        for scope in chain:
            boxes[scope].members.append(number)
        chains.append(chain)
    between: dict[str, set[tuple[int | str, int | str]]] = {scope: set() for scope in boxes}
    for a, b in edges:
        depth = next((i for i, (x, y) in enumerate(zip(chains[a], chains[b], strict=False)) if x != y), None)
        if depth is None:
            depth = min(len(chains[a]), len(chains[b]))
        ends = [chains[n][depth] if depth < len(chains[n]) else n for n in (a, b)]
        if ends[0] != ends[1]:
            between[chains[a][depth - 1]].add((ends[0], ends[1]))
    for scope, box in boxes.items():
        rows = rows_of(inside[scope], sorted(between[scope], key=str))
        box.rows = [[boxes[child] if isinstance(child, str) else child for child in row] for row in rows]
    return root


def _scopes(name: str) -> list[str]:
    return [name[:i] for i, letter in enumerate(name) if letter == "/"]


def folded(root: Box, limit: int) -> list[str]:
    """The scopes to fold so that at most ``limit`` nodes and folded scopes are to be seen: all below some depth."""
    level, seen = [root], sum(len(row) for row in root.rows)
    while level:
        level = [child for box in level for row in box.rows for child in row if isinstance(child, Box)]
        seen += sum(sum(len(row) for row in box.rows) - 1 for box in level)
        if seen > limit:
            break
    return [inner.name for box in level for inner in box.boxes()]


@dataclass
class Placed:
    """A node or a box with its place: left, top, width and height."""

    x: float
    y: float
    width: float
    height: float


def placed(root: Box, sizes: Mapping[int, tuple[float, float]], gap: tuple[float, float] = (16, 30),
           margin: float = 10, title: float = 16) -> tuple[dict[int, Placed], dict[str, Placed]]:  # fmt: skip
    """Coordinates of all nodes and of all boxes, by number and by name; the page's script does the same with scopes folded."""
    nodes: dict[int, Placed] = {}
    boxes: dict[str, Placed] = {}
    extent: dict[str, tuple[float, float]] = {}

    def size(child: int | Box) -> tuple[float, float]:
        if isinstance(child, int):
            return sizes[child]
        if child.name not in extent:
            rows = [[size(c) for c in row] for row in child.rows]
            width = max((sum(w for w, _ in row) + gap[0] * (len(row) - 1) for row in rows), default=0)
            height = sum(max(h for _, h in row) for row in rows) + gap[1] * max(0, len(rows) - 1)
            above = title if child.name else 0
            extent[child.name] = (max(width, 8 * len(child.name.rpartition("/")[2])) + 2 * margin, height + 2 * margin + above)
        return extent[child.name]

    def put(box: Box, x: float, y: float) -> None:
        width, height = size(box)
        boxes[box.name] = Placed(x, y, width, height)
        top = y + margin + (title if box.name else 0)
        for row in box.rows:
            sizes_here = [size(c) for c in row]
            tallest = max(h for _, h in sizes_here)
            left = x + (width - sum(w for w, _ in sizes_here) - gap[0] * (len(row) - 1)) / 2
            for child, (w, h) in zip(row, sizes_here, strict=True):
                if isinstance(child, int):
                    nodes[child] = Placed(left, top + (tallest - h) / 2, w, h)
                else:
                    put(child, left, top + (tallest - h) / 2)
                left += w + gap[0]
            top += tallest + gap[1]

    put(root, 0, 0)
    return nodes, boxes
