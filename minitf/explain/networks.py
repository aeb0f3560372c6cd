"""What a timeline or a tree of live objects looks like as an ordinary networkx DiGraph, to draw or to compute with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minitf.explain.book import NOT_BUILT, OPERATION, RAN, RESTORED, UNUSED, WAITING, WANTED, Objects, Track, graphs
from minitf.objects.trackable import children
from minitf.timeline import Timeline

if TYPE_CHECKING:
    import networkx as nx


def to_networkx(timeline: Timeline, what: str, step: int | None = None) -> nx.DiGraph[Any]:
    """What a timeline knows at a step (by default at its end), as an ordinary DiGraph to draw or to compute with.

    ``what``: ``operations`` (of the first graph), ``objects`` (live ones), ``checkpoint`` (of the first restore) or ``match``
    (both, with the matches between). Raises ValueError for anything else.
    """
    import networkx as nx

    step = len(timeline) if step is None else step
    numbered = list(enumerate(timeline.events[:step], 1))
    out: nx.DiGraph[Any] = nx.DiGraph()
    if what == "operations":
        for graph in graphs(numbered)[:1]:
            for name, op, detail, track in graph["nodes"]:
                out.add_node(name, label=name, type=op, detail=f"{op} {detail}".strip(), state=_operation_state(track))
            names = [node[0] for node in graph["nodes"]]
            out.add_edges_from([(names[a], names[b], {"kind": kind}) for a, b, kind in graph["edges"]])
        return out
    if what not in ("objects", "checkpoint", "match"):
        raise ValueError(f"to_networkx: {what!r} is not one of 'operations', 'objects', 'checkpoint', 'match'.")
    objects = Objects(numbered)
    drawn = objects.drawn()
    if what != "checkpoint":
        _add_rows(out, drawn["live"] if what == "objects" else _of_the_root(drawn["live"], objects), "live", {})
    if what != "objects" and drawn["saved"]:
        saved = drawn["saved"][0]
        states = {node: _node_state(objects.nodes[saved["restore"], node]) for node in {row[6] for row in saved["rows"]}}
        _add_rows(out, saved["rows"], "saved", states)
        if what == "match":
            for restore, node, number, _, gone in objects.matches:
                if restore == saved["restore"] and gone < 0:
                    out.add_edge(("live", number), ("saved", node), kind="match", label="")
    return out


def _of_the_root(rows: list[list[Any]], objects: Objects) -> list[list[Any]]:
    """The rows of the tree whose root the first restore was matched with."""
    root = next((number for restore, node, number, _, _ in objects.matches if node == 0), None)
    inside: dict[int, int] = {}  # by row, its place among the kept ones
    kept: list[list[Any]] = []
    for i, row in enumerate(rows):
        if row[3] in inside or (row[3] < 0 and row[6] == root):
            inside[i] = len(kept)
            kept.append([*row[:3], inside.get(row[3], -1), *row[4:]])
    return kept


def _add_rows(out: nx.DiGraph[Any], rows: list[list[Any]], side: str, states: Mapping[int, str]) -> None:
    for name, kind, _, _, refers, _, node, _ in rows:
        if refers < 0:
            out.add_node((side, node), label=name, detail=kind, side=side, state=states.get(node, ""))
    for name, _, _, parent, _, _, node, _ in rows:
        if parent >= 0:
            _add_edge(out, (side, rows[parent][6]), (side, node), name, "slot" if " of " in name else "edge")


def _add_edge(out: nx.DiGraph[Any], a: Any, b: Any, name: str, kind: str) -> None:
    """A DiGraph has one edge between two nodes: an object that another has under two names is labelled with both."""
    known = out.edges[a, b]["label"] + ", " if out.has_edge(a, b) else ""
    out.add_edge(a, b, kind=kind, label=known + name)


def _operation_state(track: Track) -> str:
    return {NOT_BUILT: "", OPERATION: "", WANTED: "waiting", RAN: "ran"}[track[-1][1]]


def _node_state(track: Track) -> str:
    state = track[-1][1]
    return {WAITING: "waiting", RESTORED: "restored", UNUSED: "unused"}.get(state, "matched" if state > WAITING else "")


def object_graph(root: Any) -> nx.DiGraph[Any]:
    """The live objects below a trackable root as a DiGraph: nodes are numbers in breadth first order, edges carry their names
    (all of them, with commas, where one object has another under several).

    Raises TypeError for a root that is not trackable, ValueError for a list or dict that cannot be saved any more.
    """
    import networkx as nx

    out: nx.DiGraph[Any] = nx.DiGraph()
    objects, numbers = [root], {id(root): 0}
    for number, obj in enumerate(objects):  # grows while it is walked
        spec = getattr(obj, "spec", None)
        detail = type(obj).__name__ if spec is None else str(spec)
        out.add_node(number, label="(root)" if number == 0 else out.nodes[number].get("label", ""), detail=detail)
        for name, child in children(obj).items():
            if id(child) not in numbers:
                numbers[id(child)] = len(objects)
                objects.append(child)
                out.add_node(numbers[id(child)], label=name)
            _add_edge(out, number, numbers[id(child)], name, "edge")
    return out
