"""``minitf rename``: other names for the values and objects of a checkpoint, and objects for one that only has names.

What is renamed by ``--map``: in a name-based checkpoint keys, in an object-based one the paths of objects (an edge is moved;
everything below it comes along, in the keys as well). ``--like`` and ``--to-objects`` turn names into objects: the first takes
the object graph of a checkpoint that has one and finds the value of each object by the name that its variable had, the second
makes a tree of objects of the names.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from minitf.cli.contents import counted, object_graph
from minitf.cli.mapping import Mapped, move_objects, names_to_graph, names_to_tree, rename_keys
from minitf.cli.output import Output
from minitf.cli.writing import format_argument, output_arguments, output_prefix, put
from minitf.errors import InvalidArgumentError
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.detect import identify, open_checkpoint, open_found
from minitf.storage.messages import encode_graph


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint, the result, the names."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    output_arguments(parser)
    parser.add_argument(
        "--map", action="append", default=[], metavar="OLD=NEW|FILE", help="a new name, or a JSON file of them; may be repeated"
    )
    objects = parser.add_mutually_exclusive_group()
    objects.add_argument("--like", metavar="C", help="give names the objects of this checkpoint")
    objects.add_argument("--to-objects", action="store_true", help="make objects of names: a/b becomes b of a")
    parser.add_argument("--write", action="store_true", help="do it")
    format_argument(parser, "that of CHECKPOINT")


def run(args: argparse.Namespace, output: Output) -> int:
    """Says what would be renamed, and with --write does it; 0. 1 if, with --like, a value or an object is left over."""
    wanted = _wanted(args.map)
    found = identify(args.checkpoint)
    reader: Any = open_found(found)
    graph = object_graph(reader)
    keys = [key for key in reader.keys() if key != OBJECT_GRAPH_KEY]
    if (args.like or args.to_objects) and graph is not None:
        raise InvalidArgumentError(f"rename: {reader.source!r} knows its objects already; leave out --like and --to-objects.")
    if args.like:
        like = open_checkpoint(args.like)
        model = object_graph(like)
        if model is None:
            raise InvalidArgumentError(f"rename: {like.source!r} is name-based; --like wants a checkpoint with objects.")
        mapped = names_to_graph(reader, keys, model, like, wanted)
    elif args.to_objects:
        mapped = names_to_tree(keys, wanted)
    elif graph is not None:
        mapped = move_objects(keys, graph, wanted)
    else:
        mapped = rename_keys(keys, wanted)
    if args.write:
        prefix = output_prefix(args.output, args.to or found.format, args.force)
        shards = [[(mapped.keys[key], value) for key, value in shard if key in mapped.keys] for shard in reader.contents()]
        if mapped.graph is not None:
            shards[-1].append((OBJECT_GRAPH_KEY, np.array(encode_graph(mapped.graph), object)))
        put(shards, prefix, args.to or found.format, "rename")
    _report(args, output, reader.source, mapped)
    return int(bool(mapped.unused or mapped.missing))


def _wanted(words: list[str]) -> dict[str, str]:
    """OLD=NEW, or a file with a JSON object of them (also as ``rename --json`` prints it)."""
    out: dict[str, str] = {}
    for word in words:
        old, sign, new = word.partition("=")
        if sign and not os.path.isfile(word):
            out[old] = new
            continue
        if not os.path.exists(word):
            raise InvalidArgumentError(f"rename: --map {word!r} is neither OLD=NEW nor a file.")
        try:
            read = json.loads(Path(word).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"rename: {word!r} is no JSON object of old and new names: {error}") from None
        pairs = read.get("mapping", read) if isinstance(read, dict) else None
        if not isinstance(pairs, dict) or not all(isinstance(name, str) for name in pairs.values()):
            raise InvalidArgumentError(f"rename: {word!r} is no JSON object of old and new names, which are texts.")
        out |= pairs
    return out


def _report(args: argparse.Namespace, output: Output, source: str, mapped: Mapped) -> None:
    to_objects = bool(args.like or args.to_objects)  # then every name becomes an object, also where the two look the same
    changes = {old: new for old, new in mapped.shown.items() if old != new or to_objects}
    output.facts(
        {
            "checkpoint": source,
            "output": args.output,
            "written": args.write,
            "mapping": mapped.shown,
            "objects": mapped.moved,
            "without_object": mapped.unused,
            "without_value": mapped.missing,
        }
    )
    output.table([((old, "bold"), "->", (new, "green"), "object") for old, new in mapped.moved.items()])
    output.table([((old, "bold"), "->", (new, "green"), mapped.why.get(old, "")) for old, new in changes.items()])
    output.lines([[("no object for  ", "red"), name] for name in mapped.unused])
    output.lines([[("no value for  ", "red"), name] for name in mapped.missing])
    done = f"written to {args.output}" if args.write else "nothing is written without --write"
    how = f"of {len(mapped.keys)} changed" if not to_objects else "for objects"
    moved = f"{counted(len(mapped.moved), 'object')} moved, " if mapped.moved else ""
    output.lines([[f"{moved}{counted(len(changes), 'name')} {how}; {done}"]])
