"""``minitf diff``: two checkpoints, compared key by key and bit by bit."""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from typing import Any

from minitf.cli.contents import counted, flow_at, in_groups, is_large, object_graph, paths_of, read_all
from minitf.cli.differing import difference
from minitf.cli.output import Output
from minitf.cli.renamed import Edge, renamed_objects, renamed_values
from minitf.errors import OpError
from minitf.saved import OBJECT_GRAPH_KEY, Reader, SavedGraph
from minitf.storage.detect import open_checkpoint
from minitf.storage.flows import Flow, flow_of
from minitf.storage.values import Typed

SIGNS = {"only in A": "-", "only in B": "+"}
STYLES = {"unreadable": "red", "only in A": "red", "only in B": "green", "renamed": "cyan"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Two checkpoints, and what still counts as equal."""
    parser.add_argument("a", metavar="A", help="prefix, file or directory of a checkpoint")
    parser.add_argument("b", metavar="B", help="the other one")
    parser.add_argument(
        "--rtol", type=_tolerance, default=0.0, help="relative difference that counts as equal (default: not a bit)"
    )
    parser.add_argument("--atol", type=_tolerance, default=0.0, help="absolute difference that counts as equal")


def _tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is no difference: it must be 0 or greater")
    return value


def run(args: argparse.Namespace, output: Output) -> int:
    """Compares; 0 if they are equal, 1 if not."""
    a, b = open_checkpoint(args.a), open_checkpoint(args.b)
    graph_a, graph_b = object_graph(a), object_graph(b)
    for graph in filter(None, (graph_a, graph_b)):
        paths_of(graph)  # before anything else goes along them
    edges, names = renamed_objects(a, b, graph_a, graph_b) if graph_a and graph_b else ([], {})
    of_a, of_b = set(a.keys()) - {OBJECT_GRAPH_KEY}, set(b.keys()) - {OBJECT_GRAPH_KEY}
    moved = {old: new for old, new in names.items() if old not in of_b and new not in of_a}
    moved |= renamed_values(a, b, sorted(of_a - of_b - moved.keys()), sorted(of_b - of_a - set(moved.values())))
    differences: list[dict[str, Any]] = []
    equal = 0
    for group in in_groups(a, sorted((of_a | of_b) - set(moved.values()))):
        others = {key: moved.get(key, key) for key in group}
        found = _compare(a, b, others, args.rtol, args.atol)
        for key, other in others.items():
            if other != key and (key not in names or not edges):  # else it follows from the objects' names
                differences.append({"key": key, "what": "renamed", "detail": f"is {other}", "to": other})
            if key in found:
                differences.append({"key": other} | found[key])
            else:
                equal += 1
    differences += _compare_objects(graph_a, graph_b, edges)
    output.facts({"a": args.a, "b": args.b, "equal": equal, "differences": differences})
    output.table(
        [
            ((SIGNS.get(one["what"], "~"), STYLES.get(one["what"], "yellow")), (one["key"], "bold"), one["what"], one["detail"])
            for one in differences
        ]
    )
    output.lines([[f"{counted(len(differences), 'difference')}, {counted(equal, 'value')} equal"]])
    return int(bool(differences))


def _compare(a: Reader, b: Reader, others: dict[str, str], rtol: float, atol: float) -> dict[str, dict[str, str]]:
    """What differs, by key of A, in values whose key in B is ``others[key]``."""
    out: dict[str, dict[str, str]] = {}
    alike = []
    for key, other in others.items():
        try:
            told = _compare_specs(a, b, key, other)
        except OpError as error:
            told = {"what": "unreadable", "detail": str(error)}
        if told is None:
            alike.append(key)
        else:
            out[key] = told
    large = {key for key in alike if is_large(a, key) or is_large(b, others[key])}
    small = [key for key in alike if key not in large]
    values_a, values_b = read_all(a, small), read_all(b, [others[key] for key in small])
    for key in alike:
        try:
            if key in large:
                x, y = flow_at(a, key), flow_at(b, others[key])
            else:
                x, y = _flow(a, key, values_a[key]), _flow(b, others[key], values_b[others[key]])
            detail = difference(x, y, rtol, atol)
        except OpError as error:
            out[key] = {"what": "unreadable", "detail": str(error)}
        else:
            if detail is not None:
                out[key] = {"what": "value", "detail": detail}
    return out


def _flow(reader: Reader, key: str, value: Any) -> Flow:
    """A value that was read. Raises the error that came instead."""
    if isinstance(value, OpError):
        raise value
    return flow_of(Typed(reader.spec(key).dtype, value), key)


def _compare_specs(a: Reader, b: Reader, key: str, other: str) -> dict[str, str] | None:
    if other not in b:
        return {"what": "only in A", "detail": str(a.spec(key))}
    if key not in a:
        return {"what": "only in B", "detail": str(b.spec(other))}
    of_a, of_b = a.spec(key), b.spec(other)
    if of_a.dtype is not of_b.dtype:
        return {"what": "dtype", "detail": f"{of_a.dtype.name} and {of_b.dtype.name}"}
    if of_a.shape != of_b.shape:
        return {"what": "shape", "detail": f"{of_a.shape} and {of_b.shape}"}
    return None


def _compare_objects(a: SavedGraph | None, b: SavedGraph | None, renamed: list[Edge]) -> list[dict[str, Any]]:
    """Differences of the object graphs that no key shows: edges of an object in both, which one has and the other has not, or
    which lead elsewhere. ``renamed`` are edges of A that B has under another name.
    """
    if a is None or b is None:
        return [] if a is b else [{"key": OBJECT_GRAPH_KEY, "what": "only in A" if b is None else "only in B", "detail": ""}]
    others: dict[int, dict[str, str]] = defaultdict(dict)
    for edge_a in renamed:
        others[edge_a.parent][edge_a.name] = edge_a.other
    nodes = list(a.nodes)
    for parent, names in others.items():
        nodes[parent] = replace(
            nodes[parent], children=[(names.get(name, name), child) for name, child in nodes[parent].children]
        )
    a = SavedGraph(nodes)
    objects_a, objects_b = _edges(a), _edges(b)
    out = [{"key": one.path_a, "what": "renamed", "detail": f"is {one.path_b}", "to": one.path_b} for one in renamed]
    for path in sorted(objects_a.keys() & objects_b.keys()):
        edges_a, edges_b = objects_a[path], objects_b[path]
        for name in sorted(edges_a.keys() | edges_b.keys()):
            edge, to_a, to_b = f"{path} -> {name}", edges_a.get(name), edges_b.get(name)
            if to_b is None:
                out.append({"key": edge, "what": "only in A", "detail": f"leads to {to_a}"})
            elif to_a is None:
                out.append({"key": edge, "what": "only in B", "detail": f"leads to {to_b}"})
            elif to_a != to_b:
                out.append({"key": edge, "what": "edge", "detail": f"leads to {to_a} and to {to_b}"})
    return out


def _edges(graph: SavedGraph) -> dict[str, dict[str, str]]:
    """For each object, by its shortest path, where its edges lead: numbers of objects do not count."""
    paths = [None if path is None else "/".join(path) or "the root" for path in paths_of(graph)]
    return {
        path: {name: paths[child] or "" for name, child in graph.children(number).items()}
        for number, path in enumerate(paths)
        if path is not None
    }
