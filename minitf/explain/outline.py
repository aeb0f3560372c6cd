"""Trees of objects as outlines: every object has one row, and every further edge to it a row that refers to that one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One line of an outline.

    ``node``: the object; ``name``: the edge that leads to it; ``parent``: the row above it (-1: none); ``refers``: the row of
    the object if this is a further edge to it, else -1; ``cycle``: that row is one of those above.
    """

    node: int
    name: str
    depth: int
    parent: int
    refers: int
    cycle: bool


def outline(nodes: Sequence[int], edges: Mapping[int, Sequence[tuple[str, int]]],
            known_roots: Collection[int] = ()) -> list[Row]:  # fmt: skip
    """The rows of all ``nodes``, by edges in their order. An object stands at its shortest path from a root.

    Roots are ``known_roots`` and what no edge leads to, then (for cycles that nothing leads to) the first of the rest.
    """
    led = {child for parent, out in edges.items() for _, child in out if child != parent}
    roots: list[int] = [n for n in nodes if n in known_roots or n not in led]
    home: dict[int, tuple[int, int]] = {}  # by node, the parent and the place among its edges that lead to its row
    known = set(roots)

    def spread(queue: list[int]) -> None:
        for node in queue:  # grows while it is walked
            for place, (_, child) in enumerate(edges.get(node, ())):
                if child not in known:
                    known.add(child)
                    home[child] = (node, place)
                    queue.append(child)

    spread(list(roots))
    for node in nodes:
        if node not in known:
            known.add(node)
            roots.append(node)
            spread([node])
    rows: list[Row] = []
    at: dict[int, int] = {}
    later: list[int] = []  # rows that refer to a row that comes further down
    stack: list[tuple[int, str, int, int, int]] = [(root, "", 0, -1, -1) for root in reversed(roots)]
    while stack:
        node, name, depth, parent, place = stack.pop()
        above = rows[parent].node if parent >= 0 else -1
        if parent >= 0 and home.get(node) != (above, place):
            later.append(len(rows))
            rows.append(Row(node, name, depth, parent, -1, False))
            continue
        at[node] = row = len(rows)
        rows.append(Row(node, name, depth, parent, -1, False))
        for place, (edge, child) in reversed(list(enumerate(edges.get(node, ())))):
            stack.append((child, edge, depth + 1, row, place))
    ends = list(range(len(rows)))  # by row, the last one below it
    for row in reversed(range(len(rows))):
        above = rows[row].parent
        if above >= 0:
            ends[above] = max(ends[above], ends[row])
    for row in later:
        target = at[rows[row].node]
        rows[row] = rows[row]._replace(refers=target, cycle=target < row <= ends[target])
    return rows


def folded_rows(rows: Sequence[Row], limit: int) -> list[int]:
    """The rows to fold so that at most ``limit`` are to be seen: everything below some depth."""
    if len(rows) <= limit:
        return []
    counts: dict[int, int] = {}
    for row in rows:
        counts[row.depth] = counts.get(row.depth, 0) + 1
    depth, seen = 0, 0
    while depth in counts and seen + counts[depth] <= limit:
        seen += counts[depth]
        depth += 1
    parents = {row.parent for row in rows}
    return [i for i, row in enumerate(rows) if row.depth >= max(depth - 1, 0) and i in parents]
