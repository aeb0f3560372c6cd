"""An explanation as a graph, and as a treescope rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minitf.explain.why.facts import Facts, SavedTree
from minitf.explain.why.rows import Row

if TYPE_CHECKING:
    import networkx as nx

    from minitf.explain.why.explanation import Explanation


def as_networkx(explanation: Explanation) -> nx.DiGraph[Any]:
    """Both object graphs, with the matches and the resemblances between them. See ``Explanation.to_networkx``."""
    import networkx as nx

    out: nx.DiGraph[Any] = nx.DiGraph(source=explanation.source, restore=explanation.restore, mode=explanation.mode)
    if explanation.facts is not None:
        _objects(out, explanation.facts)
    named = {(side, data["path"]): node for node, data in out.nodes(data=True) for side in (data["side"],)}

    def node_of(side: str, path: str) -> Any:
        if (side, path) not in named:
            node = named[side, path] = (side, path)
            out.add_node(node, side=side, path=path)
        return named[side, path]

    for row in explanation.rows:
        for side, path in (("saved", row.saved), ("live", row.live)):
            if path is not None:
                _tell(out.nodes[node_of(side, path)], row)
    for cause in explanation.causes:
        for place in cause.places:
            if place.saved and place.live:
                a, b = node_of("saved", place.saved), node_of("live", place.live)
                if not out.has_edge(a, b):
                    out.add_edge(a, b, kind="cause", cause=cause.kind.name)
    return out


def _objects(out: nx.DiGraph[Any], facts: Facts) -> None:
    saved = SavedTree(facts.graph)
    for number, node in enumerate(facts.graph.nodes):
        out.add_node(("saved", number), side="saved", path=saved.path(number))
        for name, child in node.children:
            out.add_edge(("saved", number), ("saved", child), kind="edge", name=name)
        for slot in node.slots:
            out.add_edge(("saved", number), ("saved", slot.slot), kind="slot", name=slot.slot_name)
    for number, live in enumerate(facts.live):
        out.add_node(("live", number), side="live", path=facts.path(number), object=live.kind)
        for name, child in live.children:
            out.add_edge(("live", number), ("live", child), kind="edge", name=name)
        for _, name, at in facts.slots.get(number, ()):
            out.add_edge(("live", number), ("live", at), kind="slot", name=name)
    for number, bound in enumerate(facts.bound):
        if bound is not None and bound >= 0:
            out.add_edge(("saved", number), ("live", bound), kind="matched")


def _tell(node: dict[str, Any], row: Row) -> None:
    node["state"] = str(row.state)
    if row.provenance is not None:
        node["provenance"] = str(row.provenance)
    if row.cause is not None:
        node["cause"] = row.cause.kind.name


def as_treescope(explanation: Explanation, path: Any, subtree_renderer: Any) -> Any:
    """A foldable tree: the balance, the causes with their rows, then all rows by state."""
    from treescope import repr_lib

    causes = {
        cause.text: {"advice": cause.advice, "rows": [_brief(row) for row in explanation.rows if row.cause is cause]}
        for cause in explanation.causes
    }
    states: dict[str, list[str]] = {}
    for row in explanation.rows:
        states.setdefault(str(row.state), []).append(_brief(row))
    return repr_lib.render_object_constructor(
        object_type=type(explanation),
        attributes={"headline": explanation.headline, "causes": causes, "rows": states},
        path=path, subtree_renderer=subtree_renderer,
    )  # fmt: skip


def _brief(row: Row) -> str:
    paths = " -> ".join(path for path in (row.saved, row.live) if path)
    return f"{paths}: {row.provenance or row.state}"
