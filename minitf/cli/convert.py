"""``minitf convert``: the same values, keys and object graph in another file format."""

from __future__ import annotations

import argparse

from minitf.cli.contents import counted, object_graph
from minitf.cli.output import Output
from minitf.cli.writing import format_argument, output_arguments, output_prefix, put
from minitf.storage.detect import open_checkpoint


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint, the result and its format."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    output_arguments(parser)
    format_argument(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Converts; 0. What the format cannot hold is an error, and then nothing is written."""
    reader = open_checkpoint(args.checkpoint)
    prefix = output_prefix(args.output, args.to, args.force)
    graph = object_graph(reader)
    shards = reader.contents()  # type: ignore[attr-defined]
    put(shards, prefix, args.to, "convert")
    values = len(list(reader.keys()))
    objects = len(graph.nodes) if graph else 0
    output.facts({"checkpoint": reader.source, "output": args.output, "to": args.to, "values": values, "objects": objects})
    known = f", {counted(objects, 'object')}" if objects else ""
    output.lines([[(args.output, "bold"), f": {args.to}, {counted(values, 'value')}{known}"]])
    return 0
