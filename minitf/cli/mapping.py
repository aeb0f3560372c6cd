"""How old names become new ones: the rules behind ``minitf rename``."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from minitf.cli.contents import Stored, edge_at, object_at, paths_of
from minitf.cli.endings import pairs_by_ending
from minitf.errors import InvalidArgumentError, NotFoundError
from minitf.saved import ATTRIBUTES, OBJECT_GRAPH_KEY, VARIABLE_VALUE, Reader, SavedGraph, SavedNode, SavedValue, escape


@dataclass
class Mapped:
    """The key that each old key becomes (keys that are left out are dropped), and the object graph of the result."""

    keys: dict[str, str]
    shown: dict[str, str]  # old and new names as people say them
    graph: SavedGraph | None = None
    why: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)  # old names that no object takes
    missing: list[str] = field(default_factory=list)  # objects that no old name has a value for
    moved: dict[str, str] = field(default_factory=dict)  # old and new paths of objects


def _check(keys: dict[str, str]) -> None:
    """Raises InvalidArgumentError if two values would have one key."""
    twice = [key for key, count in Counter(keys.values()).items() if count > 1]
    if twice:
        olds = [old for old, new in keys.items() if new == twice[0]]
        raise InvalidArgumentError(f"rename: {' and '.join(map(repr, olds))} would all be named {twice[0]!r}.")


def _check_known(wanted: dict[str, str], known: Sequence[str], what: str) -> None:
    strangers = sorted(wanted.keys() - set(known))
    if strangers:
        raise NotFoundError(f"rename: there is no {what} {strangers[0]!r}; minitf ls shows what there is.")


def rename_keys(keys: Sequence[str], wanted: dict[str, str]) -> Mapped:
    """Other keys, one by one. Raises NotFoundError for an old one that is not there."""
    _check_known(wanted, keys, "key")
    out = {key: wanted.get(key, key) for key in keys}
    if "" in wanted.values():
        raise InvalidArgumentError("rename: a key cannot be empty.")
    if OBJECT_GRAPH_KEY in wanted.values():
        raise InvalidArgumentError(f"rename: {OBJECT_GRAPH_KEY!r} is the key of the object graph; no value can have it.")
    _check(out)
    return Mapped(out, out)


def names_to_tree(keys: Sequence[str], wanted: dict[str, str]) -> Mapped:
    """An object for each part of a name: ``a/b`` becomes ``b`` of ``a``, with the name kept as the variable's."""
    _check_known(wanted, keys, "key")
    nodes = [SavedNode(has_values=False)]
    numbers: dict[tuple[int, str], int] = {}  # by parent and name
    out, shown = {}, {}
    for key in keys:
        path = tuple(wanted.get(key, key).split("/"))
        if "" in path:
            raise InvalidArgumentError(f"rename: {'/'.join(path)!r} is no path of objects; give {key!r} another with --map.")
        at = 0
        for part in path:
            below = numbers.setdefault((at, part), len(nodes))
            if below == len(nodes):
                nodes[at].children.append((part, below))
                nodes.append(SavedNode(has_values=False))
            at = below
        out[key] = "/".join(map(escape, path)) + ATTRIBUTES + VARIABLE_VALUE
        shown[key] = "/".join(path)
        nodes[at].values.append(SavedValue(VARIABLE_VALUE, key, out[key]))
    _check(out)
    for node in reversed(nodes):  # children have greater numbers
        node.has_values = bool(node.values) or any(nodes[child].has_values for _, child in node.children)
    return Mapped(out, shown, SavedGraph(nodes))


def names_to_graph(reader: Reader, keys: Sequence[str], model: SavedGraph, like: Reader, wanted: dict[str, str]) -> Mapped:
    """The objects of another checkpoint with the values of this one.

    An object takes the value that ``wanted`` (old name to path) says; then one that is named as its variable was; then the
    only one left whose name ends alike (at least the last part) and whose dtype and shape are the same. Raises
    NotFoundError, InvalidArgumentError for what ``wanted`` gets wrong.
    """
    _check_known(wanted, keys, "key")
    known = set(keys)
    graph = copy.deepcopy(model)
    paths = {
        "/".join(path): graph.nodes[number].values[0]
        for number, path in enumerate(paths_of(graph))
        if path is not None and [value.name for value in graph.nodes[number].values] == [VARIABLE_VALUE]
    }
    taken: dict[str, str] = {}  # path to old name
    why: dict[str, str] = {}
    for old, path in wanted.items():
        if path not in paths:
            raise NotFoundError(f"rename: {like.source!r} has no variable {path!r}; minitf ls shows which there are.")
        if path in taken:
            raise InvalidArgumentError(f"rename: {taken[path]!r} and {old!r} are both to be {path!r}.")
        alike = _alike(reader, old, like, paths[path].key)
        taken[path], why[old] = old, "as said" if alike else "as said, but of another dtype or shape"
    for path, value in paths.items():
        name = value.full_name
        if path not in taken and name in known and name not in why and _alike(reader, name, like, value.key):
            taken[path], why[name] = name, "same name"
    free = {
        path: ((path, value.full_name), str(like.spec(value.key)))
        for path, value in paths.items()
        if path not in taken and value.key in like
    }
    for path, old in pairs_by_ending(free, {key: str(reader.spec(key)) for key in keys if key not in why}):
        taken[path], why[old] = old, "same ending, dtype and shape"
    for node in graph.nodes:
        for value in node.values:
            if value.name == VARIABLE_VALUE:
                continue
            if value.key in known:
                why[value.key] = "same key"
    out = {old: paths[path].key for path, old in taken.items()}
    out |= {key: key for key, reason in why.items() if reason == "same key"}
    _check(out)
    missing = [path for path in paths if path not in taken]
    kept = set(out.values())
    for node in graph.nodes:
        node.values = [value for value in node.values if value.key in kept]
    shown = {old: path for path, old in taken.items()}
    shown |= {key: key for key in out if key not in shown}
    return Mapped(out, shown, graph, why, [key for key in keys if key not in out], missing)


def _alike(reader: Reader, old: str, like: Reader, key: str) -> bool:
    """True if two values have the same dtype and shape."""
    return key in like and str(reader.spec(old)) == str(like.spec(key))


def move_objects(keys: Sequence[str], graph: SavedGraph, wanted: dict[str, str]) -> Mapped:
    """Other paths for objects: the edge at the end of an old path goes, one at the end of the new path comes.

    All objects on the way to the new place must exist, and the place must be free. Raises NotFoundError,
    InvalidArgumentError.
    """
    graph = copy.deepcopy(graph)
    before = paths_of(graph)
    moves = []
    for old, new in wanted.items():
        edge = edge_at(graph, old)
        if edge is None:
            raise NotFoundError(f"rename: there is no object {old!r}; minitf ls shows what there is.")
        moves.append((*edge, old, new))
    ends: dict[tuple[int, str], str] = {}
    for parent, name, child, old, _ in moves:
        other = ends.setdefault((parent, name), old)
        if other is not old:
            raise InvalidArgumentError(f"rename: {other!r} and {old!r} end with one edge, which gets one new name.")
        graph.nodes[parent].children.remove((name, child))
    for _, _, child, old, new in moves:
        way, _, name = new.rpartition("." if new.startswith("(root).") else "/")
        place = object_at(graph, way)
        if place is None:
            raise InvalidArgumentError(f"rename: {old!r} cannot become {new!r}: there is no object {way!r}.")
        if not name or name in graph.children(place):
            raise InvalidArgumentError(f"rename: {old!r} cannot become {new!r}: the name is {'taken' if name else 'empty'}.")
        graph.nodes[place].children.append((name, child))
    after = paths_of(graph)
    lost = next((path for path, now in zip(before, after, strict=True) if path is not None and now is None), None)
    if lost is not None:
        raise InvalidArgumentError(f"rename: no path would lead to {'/'.join(lost)!r} any more: it would be below itself.")
    out = {key: key for key in keys}
    stored = Stored(keys)
    for number, node in enumerate(graph.nodes):
        was, now = before[number], after[number]
        if was is None or now is None or was == now or not node.values:
            continue
        old, new = _key(was), _key(now)
        done: set[str] = set()
        for value in node.values:
            if not value.key.startswith(old):
                continue
            new_key = new + value.key[len(old) :]
            if value.key not in done:
                done.add(value.key)
                for key in stored.of(value):
                    out[key] = new_key + key[len(value.key) :]
            value.key = new_key
    _check(out)
    return Mapped(out, out, graph, moved=wanted)


def _key(path: tuple[str, ...]) -> str:
    """What the keys of an object begin with, if it was saved at this path. The part of a slot variable stands as it is."""
    return "/".join(part if part == ".OPTIMIZER_SLOT" else escape(part) for part in path) + ATTRIBUTES
