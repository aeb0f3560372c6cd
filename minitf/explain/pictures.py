"""Static pictures of networkx graphs, for papers and READMEs: SVG, DOT for Graphviz, Mermaid.

    operations = graph.to_networkx()
    Path("graph.svg").write_text(svg(operations))
    print(mermaid(timeline.to_networkx("match")))

Nodes may have ``label``, ``detail`` (or ``type``), ``state`` (one of ``STATES``) and ``side`` (``live`` or ``saved``: two trees
beside each other); edges ``label`` and ``kind`` (``data``, ``control``, ``variable``, ``edge``, ``slot``, ``match``). Nodes
whose names are texts with slashes are drawn in boxes by scope. Equal graphs give equal pictures.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from minitf.explain.layout import Box, Placed, nested, placed, rows_of
from minitf.explain.outline import outline

if TYPE_CHECKING:
    import networkx as nx

STATES = {
    "": ("#eef1f4", "#59636e"), "waiting": ("#fbe6c8", "#b35c00"), "matched": ("#d6e9f5", "#0072b2"),
    "restored": ("#d3efe6", "#00785a"), "unused": ("#f8dccf", "#b8400a"), "ran": ("#d3efe6", "#00785a"),
}  # fmt: skip
_DASHES = {"control": "5 4", "variable": "2 3", "slot": "5 4", "match": "6 3"}
_SIDES = {"live": "live objects", "saved": "checkpoint"}
_LINE, _GAP = 24, 90


# -- as text for other programs ------------------------------------------------------------------------------------------


def dot(graph: nx.DiGraph[Any], title: str = "") -> str:
    """The graph in the language of Graphviz: ``dot -Tsvg``."""
    number = {node: i for i, node in enumerate(graph)}
    lines = ["digraph {", f"  label={_quoted(title)};"] if title else ["digraph {"]
    lines.append("  node [shape=box, style=\"rounded,filled\", fontname=Helvetica, fontsize=11];")
    sides: dict[str, list[str]] = {}
    for node, data in graph.nodes.items():
        fill, stroke = STATES[data.get("state", "")]
        label = "\\n".join(_escaped(t) for t in (_label(node, data), _detail(data)) if t)
        line = f'n{number[node]} [label="{label}", fillcolor="{fill}", color="{stroke}"];'
        sides.setdefault(data.get("side", ""), []).append(line)
    for side, inside in sides.items():
        if side:
            lines += [f"  subgraph cluster_{side} {{", f"    label={_quoted(_SIDES[side])};"]
            lines += [*[f"    {line}" for line in inside], "  }"]
        else:
            lines += [f"  {line}" for line in inside]
    for a, b, data in graph.edges(data=True):
        kind = data.get("kind", "data")
        look = [f"label={_quoted(data['label'])}"] if data.get("label") else []
        look += ["style=dashed"] if kind in ("control", "slot", "match") else ["style=dotted"] if kind == "variable" else []
        look += ["constraint=false", "dir=none", 'color="#0072b2"'] if kind == "match" else []
        lines.append(f"  n{number[a]} -> n{number[b]}{' [' + ', '.join(look) + ']' if look else ''};")
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def mermaid(graph: nx.DiGraph[Any], title: str = "") -> str:
    """The graph as a Mermaid flowchart, which many Markdown viewers draw."""
    number = {node: i for i, node in enumerate(graph)}
    lines = [*(["---", f"title: {json.dumps(title)}", "---"] if title else []), "flowchart TD"]
    sides: dict[str, list[str]] = {}
    for node, data in graph.nodes.items():
        label = "<br>".join(_mermaid(t) for t in (_label(node, data), _detail(data)) if t)
        state = f":::{data['state']}" if data.get("state") else ""
        sides.setdefault(data.get("side", ""), []).append(f'n{number[node]}["{label}"]{state}')
    for side, inside in sides.items():
        if side:
            lines += [f'  subgraph {side}["{_SIDES[side]}"]', *[f"    {line}" for line in inside], "  end"]
        else:
            lines += [f"  {line}" for line in inside]
    for a, b, data in graph.edges(data=True):
        kind, label = data.get("kind", "data"), _mermaid(data.get("label", ""))
        arrow = {"match": "-.-", "control": "-.->", "variable": "-.->", "slot": "-.->"}.get(kind, "-->")
        middle = f'|"{label}"|' if label else ""
        lines.append(f"  n{number[a]} {arrow}{middle} n{number[b]}")
    for state, (fill, stroke) in STATES.items():
        if state and any(data.get("state") == state for data in graph.nodes.values()):
            lines.append(f"  classDef {state} fill:{fill},stroke:{stroke},color:#1b1f24")
    return "\n".join([*lines, ""])


def _mermaid(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;").replace("\n", " ")


def _label(node: Any, data: Mapping[str, Any]) -> str:
    return str(data.get("label") or node)


def _detail(data: Mapping[str, Any]) -> str:
    return str(data.get("detail") or data.get("type") or "")


# -- as SVG --------------------------------------------------------------------------------------------------------------


def svg(graph: nx.DiGraph[Any], title: str = "") -> str:
    """The graph as an SVG document: a layered drawing, or two trees beside each other if nodes have sides."""
    order = list(graph)
    if any("side" in data for data in graph.nodes.values()):
        places, edges = _two_trees(graph, order)
        boxes: dict[str, Placed] = {}
    else:
        places, boxes = _layered(graph, order)
        edges = [
            (_down(places[order.index(a)], places[order.index(b)]), data) for a, b, data in graph.edges(data=True) if a != b
        ]  # fmt: skip
    width = max([p.x + p.width for p in (*places.values(), *boxes.values())], default=0) + 8
    height = max([p.y + p.height for p in (*places.values(), *boxes.values())], default=0) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 -8 {width + 8:g} {height + 8:g}" width="{width + 8:g}" '
        f'height="{height + 8:g}" role="img" font-family="Helvetica, Arial, sans-serif">',
        f"<title>{html.escape(title or f'{len(order)} nodes')}</title>",
        '<defs><marker id="minitf-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#59636e"/></marker></defs>',
        f'<rect x="-8" y="-8" width="{width + 8:g}" height="{height + 8:g}" fill="#ffffff"/>',
    ]
    for name, p in boxes.items():
        if name:
            lines.append(f'<rect x="{p.x:g}" y="{p.y:g}" width="{p.width:g}" height="{p.height:g}" rx="8" fill="none" '
                         f'stroke="#c9d1d9" stroke-dasharray="2 3"/>')  # fmt: skip
            lines.append(_text(p.x + 8, p.y + 13, name.rpartition("/")[2], 11, "#59636e", "start"))
    for path, data in edges:
        kind = data.get("kind", "data")
        dash = f' stroke-dasharray="{_DASHES[kind]}"' if kind in _DASHES else ""
        tip = "" if kind == "match" else ' marker-end="url(#minitf-tip)"'
        color = {"match": "#0072b2", "variable": "#9a4d7b"}.get(kind, "#59636e")
        lines.append(f'<path d="{path}" fill="none" stroke="{color}" stroke-width="1.2"{dash}{tip}/>')
    for i, node in enumerate(order):
        data, p = graph.nodes[node], places[i]
        fill, stroke = STATES[data.get("state", "")]
        lines.append(f'<rect x="{p.x:g}" y="{p.y:g}" width="{p.width:g}" height="{p.height:g}" rx="6" fill="{fill}" '
                     f'stroke="{stroke}"/>')  # fmt: skip
        label = _label(node, data) if "side" in data or not boxes else _label(node, data).rpartition("/")[2]
        if "side" in data:
            lines.append(_text(p.x + 7, p.y + 14, f"{label}  {_detail(data)}".strip(), 11, "#1b1f24", "start"))
        else:
            lines.append(_text(p.x + p.width / 2, p.y + p.height / 2 - 1, label, 12, "#1b1f24"))
            lines.append(_text(p.x + p.width / 2, p.y + p.height / 2 + 11, _short(_detail(data), p.width), 10, "#59636e"))
    return "\n".join([*lines, "</svg>", ""])


def _text(x: float, y: float, words: str, size: int, color: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{color}" text-anchor="{anchor}">{html.escape(words)}</text>'


def _short(text: str, width: float) -> str:
    most = max(4, int(width / 5.2))
    return text if len(text) <= most else text[: most - 1] + "…"


def _layered(graph: nx.DiGraph[Any], order: list[Any]) -> tuple[dict[int, Placed], dict[str, Placed]]:
    number = {node: i for i, node in enumerate(order)}
    edges = [(number[a], number[b]) for a, b in graph.edges if a != b]
    names = [str(node) if isinstance(node, str) else f"{i}" for i, node in enumerate(order)]
    sizes = {}
    for i, node in enumerate(order):
        label = _label(node, graph.nodes[node]).rpartition("/")[2]
        sizes[i] = (max(54.0, 7.0 * len(label) + 16, min(5.4 * len(_detail(graph.nodes[node])) + 12, 150)), 34.0)
    if any(isinstance(node, str) for node in order):
        return placed(nested(names, edges), sizes)
    rows = rows_of(list(range(len(order))), edges)
    return placed(Box("", [list(row) for row in rows], list(range(len(order)))), sizes)


def _down(a: Placed, b: Placed) -> str:
    x0, y0, x1, y1 = a.x + a.width / 2, a.y + a.height, b.x + b.width / 2, b.y
    bend = max(14, abs(y1 - y0) / 2)
    return f"M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}"


def _two_trees(graph: nx.DiGraph[Any], order: list[Any]) -> tuple[dict[int, Placed], list[tuple[str, Any]]]:
    number = {node: i for i, node in enumerate(order)}
    places: dict[int, Placed] = {}
    left = 0.0
    for side in ("live", "saved"):
        mine = [i for i, node in enumerate(order) if graph.nodes[node].get("side") == side]
        edges: dict[int, list[tuple[str, int]]] = {}
        for a, b, data in graph.edges(data=True):
            if number[a] in mine and number[b] in mine:
                edges.setdefault(number[a], []).append((data.get("label", ""), number[b]))
        widest = left
        rows = [row for row in outline(mine, edges) if row.refers < 0]
        for line, row in enumerate(rows):
            node = order[row.node]
            data = graph.nodes[node]
            width = 6.2 * len(f"{_label(node, data)}  {_detail(data)}") + 16
            places[row.node] = Placed(left + 22 * row.depth, line * _LINE, width, _LINE - 4)
            widest = max(widest, left + 22 * row.depth + width)
        left = widest + _GAP
    drawn = []
    for a, b, data in graph.edges(data=True):
        p, q = places[number[a]], places[number[b]]
        if data.get("kind") == "match":
            x0, x1 = p.x + p.width, q.x
            y0, y1, bend = p.y + p.height / 2, q.y + q.height / 2, (x1 - x0) / 2
            path = f"M{x0:g} {y0:g}C{x0 + bend:g} {y0:g} {x1 - bend:g} {y1:g} {x1:g} {y1:g}"
        elif q.y > p.y and q.x > p.x:
            path = f"M{p.x + 10:g} {p.y + p.height:g}V{q.y + q.height / 2:g}H{q.x:g}"
        else:  # a shared object or a cycle: around the right-hand side
            x0, x1 = p.x + p.width, q.x + q.width
            y0, y1 = p.y + p.height / 2, q.y + q.height / 2
            out = max(x0, x1) + 26
            path = f"M{x0:g} {y0:g}C{out:g} {y0:g} {out:g} {y1:g} {x1:g} {y1:g}"
        drawn.append((path, data))
    return places, drawn
