"""``minitf diff``: two checkpoints, compared key by key and bit by bit."""

from __future__ import annotations

import argparse
import copy
from typing import Any

import numpy as np

from minitf.cli.contents import counted, object_graph
from minitf.cli.output import Output
from minitf.cli.renamed import Edge, renamed_objects, renamed_values
from minitf.saved import OBJECT_GRAPH_KEY, Reader, SavedGraph
from minitf.storage.detect import open_checkpoint

SIGNS = {"only in A": "-", "only in B": "+"}
STYLES = {"only in A": "red", "only in B": "green", "renamed": "cyan"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Two checkpoints, and what still counts as equal."""
    parser.add_argument("a", metavar="A", help="prefix, file or directory of a checkpoint")
    parser.add_argument("b", metavar="B", help="the other one")
    parser.add_argument("--rtol", type=float, default=0.0, help="relative difference that counts as equal (default: not a bit)")
    parser.add_argument("--atol", type=float, default=0.0, help="absolute difference that counts as equal")


def run(args: argparse.Namespace, output: Output) -> int:
    """Compares; 0 if they are equal, 1 if not."""
    a, b = open_checkpoint(args.a), open_checkpoint(args.b)
    graph_a, graph_b = object_graph(a), object_graph(b)
    edges, names = renamed_objects(a, b, graph_a, graph_b) if graph_a and graph_b else ([], {})
    of_a, of_b = set(a.keys()) - {OBJECT_GRAPH_KEY}, set(b.keys()) - {OBJECT_GRAPH_KEY}
    moved = {old: new for old, new in names.items() if old not in of_b and new not in of_a}
    moved |= renamed_values(a, b, sorted(of_a - of_b - moved.keys()), sorted(of_b - of_a - set(moved.values())))
    differences: list[dict[str, Any]] = []
    equal = 0
    for key in sorted((of_a | of_b) - set(moved.values())):
        other = moved.get(key, key)
        found = _compare(a, b, key, other, args.rtol, args.atol)
        if other != key and (key not in names or not edges):  # else it follows from the objects' names
            differences.append({"key": key, "what": "renamed", "detail": f"is {other}", "to": other})
        if found is not None:
            differences.append({"key": other} | found)
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


def _compare(a: Reader, b: Reader, key: str, other: str, rtol: float, atol: float) -> dict[str, str] | None:
    """What differs in one value, or None."""
    if other not in b:
        return {"what": "only in A", "detail": str(a.spec(key))}
    if key not in a:
        return {"what": "only in B", "detail": str(b.spec(other))}
    of_a, of_b = a.spec(key), b.spec(other)
    if of_a.dtype is not of_b.dtype:
        return {"what": "dtype", "detail": f"{of_a.dtype.name} and {of_b.dtype.name}"}
    if of_a.shape != of_b.shape:
        return {"what": "shape", "detail": f"{of_a.shape} and {of_b.shape}"}
    return _compare_arrays(a.read(key), b.read(other), rtol, atol)


def _compare_arrays(x: Any, y: Any, rtol: float, atol: float) -> dict[str, str] | None:
    if x.dtype == object:
        unequal = int(np.count_nonzero(x != y))
        return {"what": "value", "detail": f"{unequal} of {x.size} strings"} if unequal else None
    if x.tobytes() == y.tobytes():
        return None
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    p, q = x.astype(wide), y.astype(wide)
    if (rtol or atol) and np.allclose(p, q, rtol=rtol, atol=atol, equal_nan=True):
        return None
    unequal = int(np.count_nonzero((_bytes_of_each(x) != _bytes_of_each(y)).any(axis=1)))
    with np.errstate(all="ignore"):
        apart = np.abs(p - q)
    largest = float(np.nanmax(apart)) if not np.isnan(apart).all() else float("nan")
    return {"what": "value", "detail": f"{unequal} of {x.size} elements, by at most {largest:.6g}"}


def _bytes_of_each(x: Any) -> Any:
    """The bytes of each element, one row an element: NaNs and signed zeros differ or not as their bits do."""
    return x.reshape(-1).view(np.uint8).reshape(x.size, -1)


def _compare_objects(a: SavedGraph | None, b: SavedGraph | None, renamed: list[Edge]) -> list[dict[str, Any]]:
    """Differences of the object graphs that no key shows: edges of an object in both, which one has and the other has not, or
    which lead elsewhere. ``renamed`` are edges of A that B has under another name.
    """
    if a is None or b is None:
        return [] if a is b else [{"key": OBJECT_GRAPH_KEY, "what": "only in A" if b is None else "only in B", "detail": ""}]
    a = copy.deepcopy(a)
    for edge_a in renamed:
        children = a.nodes[edge_a.parent].children
        children[:] = [(edge_a.other if name == edge_a.name else name, child) for name, child in children]
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
    paths = [None if path is None else "/".join(path) or "the root" for path in graph.paths()]
    return {
        path: {name: paths[child] or "" for name, child in graph.children(number).items()}
        for number, path in enumerate(paths)
        if path is not None
    }
