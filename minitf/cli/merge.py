"""``minitf merge``: one checkpoint of several that hold different values, as savers leave when each saves its part."""

from __future__ import annotations

import argparse
from typing import Any

from minitf.cli.contents import counted
from minitf.cli.output import Output
from minitf.cli.writing import Shard, format_argument, output_prefix, put, remove_others
from minitf.errors import InvalidArgumentError
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.bundle import BundleReader
from minitf.storage.bundle.merge import merge
from minitf.storage.detect import open_checkpoint


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoints and the result."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="prefix, file or directory of a checkpoint")
    parser.add_argument("-o", "--output", required=True, metavar="OUTPUT", help="prefix of the checkpoint to write")
    parser.add_argument("--force", action="store_true", help="replace a checkpoint that stands there")
    format_argument(parser, "tf-v2")


def run(args: argparse.Namespace, output: Output) -> int:
    """Merges; 0. A value that comes twice is an error, and so is a second object graph."""
    readers: list[Any] = [open_checkpoint(path) for path in args.inputs]
    prefix = output_prefix(args.output, args.to or "tf-v2", args.force)
    with_objects = [reader.source for reader in readers if OBJECT_GRAPH_KEY in reader]
    if len(with_objects) > 1:
        raise InvalidArgumentError(
            f"merge: {with_objects[0]!r} and {with_objects[1]!r} both know their objects, and a checkpoint has one root. "
            "Restore both in a program, and save the whole there."
        )
    bundles = [reader for reader in readers if isinstance(reader, BundleReader)]
    if len(bundles) == len(readers) and args.to in (None, "tf-v2"):
        merge([reader.prefix for reader in bundles], prefix, delete_inputs=False)
        remove_others(prefix, "tf-v2")
    else:
        shards: list[Shard] = [shard for reader in readers for shard in reader.contents()]
        owners: dict[str, Any] = {}
        for reader in readers:
            for key in reader.keys():
                owner = owners.setdefault(key, reader)
                if owner is not reader and not (owner.slices(key) and reader.slices(key)):  # pieces of one tensor go together
                    raise InvalidArgumentError(f"merge: key {key!r} is in {owner.source!r} and in {reader.source!r}.")
        put(shards, prefix, args.to or "tf-v2", "merge")
    values = len(list(open_checkpoint(prefix).keys()))
    output.facts({"inputs": [reader.source for reader in readers], "output": args.output, "values": values})
    output.lines([[(args.output, "bold"), f": {counted(values, 'value')} of {counted(len(readers), 'checkpoint')}"]])
    return 0
