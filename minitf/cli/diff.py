"""``minitf diff``: two checkpoints, compared key by key and bit by bit."""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from minitf.cli.contents import counted, in_groups, object_graph, paths_of, read_all
from minitf.cli.output import Output
from minitf.cli.renamed import Edge, renamed_objects, renamed_values
from minitf.errors import OpError
from minitf.saved import OBJECT_GRAPH_KEY, Reader, SavedGraph
from minitf.storage.detect import open_checkpoint

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
    values_a, values_b = read_all(a, alike), read_all(b, [others[key] for key in alike])
    for key in alike:
        x, y = values_a[key], values_b[others[key]]
        told = _compare_arrays(x, y, rtol, atol)
        if told is not None:
            out[key] = told
    return out


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


def _compare_arrays(x: Any, y: Any, rtol: float, atol: float) -> dict[str, str] | None:
    """What differs in two values of one dtype and shape, or errors of reading them."""
    for value in (x, y):
        if isinstance(value, OpError):
            return {"what": "unreadable", "detail": str(value)}
    if x.dtype == object:
        unequal = int(np.count_nonzero(x != y))
        return {"what": "value", "detail": f"{unequal} of {x.size} strings"} if unequal else None
    if x.tobytes() == y.tobytes():
        return None
    apart = _apart(x, y)
    different = (_bytes_of_each(x) != _bytes_of_each(y)).any(axis=1).reshape(x.shape)
    if rtol or atol:
        wide_x, wide = (array.astype(np.complex128 if array.dtype.kind == "c" else np.float64) for array in (x, y))
        with np.errstate(all="ignore"):  # infinity times 0, where only atol is given
            near = (apart <= atol + np.where(rtol, rtol * np.abs(wide), 0.0)) & np.isfinite(wide_x) & np.isfinite(wide)
            different &= ~(near | (x == y) | ((x != x) & (y != y)))
    if not different.any():
        return None
    known = apart[different & (apart == apart)]
    largest = known.max() if known.size else float("nan")
    text = f"{largest:.6g}" if isinstance(largest, float) else str(largest)
    return {"what": "value", "detail": f"{np.count_nonzero(different)} of {x.size} elements, by at most {text}"}


def _apart(x: Any, y: Any) -> Any:
    """How far elements are apart; of integers exactly, which floats would not be from 2**53 on."""
    if x.dtype.kind in "iu":
        more = x > y
        x, y = (array.astype(np.int64 if array.dtype.kind == "i" else np.uint64).view(np.uint64) for array in (x, y))
        return np.where(more, x - y, y - x)
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        return np.abs(x.astype(wide) - y.astype(wide))


def _bytes_of_each(x: Any) -> Any:
    """The bytes of each element, one row an element: NaNs and signed zeros differ or not as their bits do."""
    return x.reshape(-1).view(np.uint8).reshape(x.size, -1)


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
