"""``minitf ls``: what a checkpoint holds, as the tree of its objects or as a list of keys."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator
from typing import Any

from minitf.cli.contents import DRAWN, KEYS, LETTERS, Stored, counted, object_graph, paths_of, size, size_text, spec_facts
from minitf.cli.output import Drawn, Output, Part
from minitf.core.spec import Spec
from minitf.errors import DataLossError, NotFoundError, OpError
from minitf.saved import OBJECT_GRAPH_KEY, VARIABLE_VALUE, Reader, SavedGraph, SavedValue, specs_of
from minitf.saved_paths import Paths
from minitf.storage.detect import open_checkpoint


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint, and which of the two views."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    view = parser.add_mutually_exclusive_group()
    view.add_argument("--keys", action="store_true", help="list keys even if the checkpoint knows its objects")
    view.add_argument("--tree", action="store_true", help="show the tree of objects; an error if the checkpoint knows none")


def run(args: argparse.Namespace, output: Output) -> int:
    """Lists; 0. Keys and an error if the checkpoint's objects cannot be read."""
    reader = open_checkpoint(args.checkpoint)
    try:
        graph = None if args.keys else object_graph(reader)
        paths = () if graph is None else paths_of(graph, LETTERS if output.as_json else DRAWN)
    except OpError as error:
        if args.tree:
            raise
        _list(reader, None, (), output)
        raise DataLossError(f"these are keys only, because the objects cannot be read: {error}") from error
    if args.tree and graph is None:
        raise NotFoundError(f"{reader.source} is name-based: it holds keys, no objects. Leave out --tree.")
    _list(reader, graph, paths, output)
    return 0


def _list(reader: Reader, graph: SavedGraph | None, paths: Paths, output: Output) -> None:
    """Prints the list. Raises DataLossError at the end if a value is of no dtype and shape that make sense."""
    specs, unreadable = _specs(reader)
    if output.as_json:
        output.facts(_facts(reader, specs, graph, paths) | ({"unreadable": unreadable} if unreadable else {}))
    elif graph is None:
        output.table(_flat(specs), right=[3])
    else:
        output.lines(tree(graph, paths, specs, reader.source, unreadable))
    output.lines([[("unreadable  ", "red"), (key, "bold")] for key in unreadable])
    known = sum(size(spec) or 0 for spec in specs.values())
    open_ended = sum(size(spec) is None for spec in specs.values())
    not_counted = f" without {open_ended} of no fixed size" if open_ended else ""
    output.lines([[(f"{counted(len(specs), 'value')}, {size_text(known)}{not_counted}", "dim")]])
    for problem in unreadable.values():
        raise DataLossError(problem)


def _specs(reader: Reader) -> tuple[dict[str, Spec], dict[str, str]]:
    """Dtype and shape by key, and what is wrong where they cannot be told."""
    unreadable: dict[str, str] = {}
    try:
        specs = specs_of(reader)
    except OpError:
        specs = {}
        for key in reader.keys():
            try:
                specs[key] = reader.spec(key)
            except OpError as error:
                unreadable[key] = str(error)
    specs.pop(OBJECT_GRAPH_KEY, None)
    return specs, unreadable


def _flat(specs: dict[str, Spec]) -> Iterator[tuple[Part, ...]]:
    for key, spec in specs.items():
        yield (key, "bold"), (spec.dtype.name, "cyan"), _shape(spec), size_text(size(spec))


def _shape(spec: Spec) -> str:
    return "?" if spec.shape is None else f"({', '.join(map(str, spec.shape))}{',' * (len(spec.shape) == 1)})"


def _spec(spec: Spec) -> list[Part]:
    known = size(spec)
    return [(spec.dtype.name, "cyan"), f" {_shape(spec)}", *([] if known is None else [(f"  {size_text(known)}", "dim")])]


def _name(name: str) -> str:
    """An edge's name; in quotes if it would not be seen for what it is."""
    return name if name and name.isprintable() and name == name.strip() else repr(name)


def _place(path: tuple[str, ...] | None) -> str:
    return "/".join(map(_name, path)) if path else "the root" if path == () else "an object that no path leads to"


def _facts(reader: Reader, specs: dict[str, Spec], graph: SavedGraph | None, paths: Paths) -> dict[str, Any]:
    facts: dict[str, Any] = {"checkpoint": reader.source, "values": [spec_facts(key, spec) for key, spec in specs.items()]}
    if graph is not None:
        facts["objects"] = [
            {
                "path": path,
                "children": dict(node.children[::-1]),  # of two edges of one name the first counts
                "values": [{"name": value.name, "full_name": value.full_name, "key": value.key} for value in node.values],
                "slots": [{"variable": slot.variable, "name": slot.slot_name, "object": slot.slot} for slot in node.slots],
            }
            for path, node in zip(paths, graph.nodes, strict=True)
        ]
    return facts


def _homes(graph: SavedGraph) -> Iterator[tuple[int, tuple[int, str]]]:
    """For each object but the root the edge, parent and name, that ends its shortest path."""
    known, queue = {0}, [0]
    for number in queue:  # grows while it is walked
        for name, child in graph.nodes[number].children:
            if child not in known:
                known.add(child)
                queue.append(child)
                yield child, (number, name)


def tree(
    graph: SavedGraph, paths: Paths, specs: dict[str, Spec], title: str, unreadable: Collection[str] = ()
) -> Iterator[list[Part]]:
    """The object graph as lines. An object is drawn where its shortest path leads; elsewhere stands that path.

    Slot variables stand under the variable that they belong to.
    """
    slots: dict[int, list[tuple[str, int, int]]] = {}
    for number, node in enumerate(graph.nodes):
        for slot in node.slots:
            slots.setdefault(slot.variable, []).append((slot.slot_name, number, slot.slot))
    named: set[str] = set()
    found_of: dict[str, list[str]] = {}  # by the key of a value: many may have the same
    homes = dict(_homes(graph))
    stored = Stored(specs)

    def of_value(value: SavedValue, sized: bool = True) -> list[Part]:
        found = found_of.get(value.key)
        if found is None:
            found = found_of[value.key] = stored.of(value)
            named.update(found)
        if found == [value.key]:
            return _spec(specs[value.key])[: None if sized else 2]
        if value.key in unreadable:
            return [("unreadable", "red")]
        if not found:
            return [("not in the file: " + value.key, "red")]
        several: list[list[Part]] = [[f"{key.removeprefix(value.key)} ", *_spec(specs[key])] for key in found[:KEYS]]
        if len(found) > KEYS:
            several.append([f"and {len(found) - KEYS} more"])
        return [part for one in several for part in (*one, ", ")][:-1]

    def about(number: int, sized: bool = True) -> list[Part]:
        values = graph.nodes[number].values
        return ["  ", *of_value(values[0], sized)] if len(values) == 1 and values[0].name == VARIABLE_VALUE else []

    def below(number: int) -> list[tuple[list[Part], int | None]]:
        """Lines under an object, each with the number of the object to go on with."""
        node = graph.nodes[number]
        lines: list[tuple[list[Part], int | None]] = []
        if not about(number):
            lines += [([(f"({value.name})", "italic"), "  ", *of_value(value)], None) for value in node.values]
        if node.registered_saver is not None:
            saver, place = node.registered_saver
            lines.append(([(f"(saved by {saver} as {_name(place)})", "italic")], None))
        for name, child in graph.children(number).items():
            if homes.get(child) == (number, name):
                lines.append(([(_name(name), "bold"), *about(child)], child))
            else:
                where = (f"  = {_place(paths[child])}", "magenta")
                lines.append(([(_name(name), "bold"), *about(child, sized=False), where], None))
        for slot_name, optimizer, slot in slots.get(number, ()):
            of = _place(paths[optimizer])
            lines.append(([("slot ", "green"), (_name(slot_name), "bold"), (f" of {of}", "green"), *about(slot)], None))
        return lines

    yield [(title, "bold"), *about(0)]
    guides: list[str] = []  # of the levels above: one text for each would be as large as the whole drawing
    stack = [iter(below(0))]
    ahead = [next(stack[0], None)]
    while stack:
        now = ahead[-1]
        if now is None:
            stack.pop()
            ahead.pop()
            del guides[-1:]
            continue
        ahead[-1] = following = next(stack[-1], None)
        line, goes_on = now
        last = following is None
        yield [(Drawn("".join(guides) + ("└── " if last else "├── ")), "dim"), *line]
        if goes_on is not None:
            guides.append("    " if last else "│   ")
            stack.append(iter(below(goes_on)))
            ahead.append(next(stack[-1], None))
    if others := [key for key in specs if key not in named]:
        yield [("of no object:", "bold")]
        yield from ([f"    {key}  ", *_spec(specs[key])] for key in others)
