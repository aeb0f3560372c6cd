"""``minitf salvage``: a valid checkpoint of what can still be read of a damaged one.

Only values whose checksums hold are taken. What is lost is named, never filled in: an object whose value is lost stays in the
object graph without it, and a partitioned tensor of which a piece is lost is lost.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from minitf.cli.contents import Stored, counted, gone_over, in_groups
from minitf.cli.output import Output
from minitf.cli.writing import format_argument, output_arguments, output_prefix, put
from minitf.errors import DataLossError, OpError
from minitf.saved import OBJECT_GRAPH_KEY, Reader, SavedGraph
from minitf.storage.bundle import BundleReader
from minitf.storage.detect import identify
from minitf.storage.flows import flow_of, in_memory
from minitf.storage.formats import format_named
from minitf.storage.messages import decode_graph, encode_graph
from minitf.storage.safetensors import open_torn
from minitf.storage.state_file import newest_checkpoint
from minitf.storage.v1 import SlicesReader
from minitf.storage.values import Typed

Loss = dict[str, str | None]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The damaged checkpoint, and the result."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    output_arguments(parser)
    format_argument(parser, "that of CHECKPOINT")


def run(args: argparse.Namespace, output: Output) -> int:
    """Salvages; 0 if nothing was lost, 1 if anything was. If nothing can be read, nothing is written."""
    found = identify(args.checkpoint, among=newest_checkpoint)
    lost: list[Loss] = []
    mended: list[str] = []
    reader = _opened(found.format, found.prefix, lost, mended)
    prefix = output_prefix(args.output, args.to or found.format, args.force)
    values = _readable(reader, lost)
    if not values:
        why = lost[0]["problem"] if lost else "it is empty."
        raise DataLossError(f"salvage: nothing of {found.prefix!r} can be read: {why}")
    graph = _graph(values, lost, reader.source)
    if graph is not None:
        values[OBJECT_GRAPH_KEY] = np.array(encode_graph(graph), object)
    put([list(values.items())], prefix, args.to or found.format, "salvage")
    output.facts({"checkpoint": found.prefix, "output": args.output, "values": len(values), "lost": lost, "mended": mended})
    output.lines([[("mended  ", "yellow"), problem] for problem in mended])
    output.lines([[("lost  ", "red"), (one["key"] or "", "bold"), " " * bool(one["key"]), str(one["problem"])] for one in lost])
    verdict = (f"{counted(len(lost), 'loss').replace('losss', 'losses')}", "red") if lost else ("nothing lost", "green")
    output.lines([[(args.output, "bold"), f": {counted(len(values), 'value')}, ", verdict]])
    return int(bool(lost))


def _opened(name: str, prefix: str, lost: list[Loss], mended: list[str]) -> Reader:
    """A reader of the checkpoint; of a damaged one, of what the whole blocks of its index tell, or its whole files."""
    reader: Any
    try:
        reader = format_named(name).open(prefix)
        list(reader.keys())
    except DataLossError as error:
        problems: list[str] = []
        if name == "safetensors":
            reader = open_torn(prefix)
        elif name == "npz":
            from minitf.storage import npz_torn

            reader, problems = npz_torn.open_torn(prefix)
            lost.append({"key": None, "problem": str(error)})
        elif name == "tf-v2":
            from minitf.storage.bundle.salvage import Mended, open_damaged

            reader, found = open_damaged(prefix)
            mended += [problem for problem in found if isinstance(problem, Mended)]
            problems = [problem for problem in found if not isinstance(problem, Mended)]
            if problems or not found:
                lost.append({"key": None, "problem": str(error)})
        else:
            from minitf.storage.v1 import salvage

            reader, problems = salvage.open_damaged(prefix)
        lost += [{"key": None, "problem": problem} for problem in problems]
    missing = reader.missing_file() if isinstance(reader, SlicesReader) and not lost else None
    if missing is not None:
        lost.append({"key": None, "problem": f"{prefix!r} lacks the file {missing!r}, and whatever is in it."})
    opened: Reader = reader
    return opened


def _readable(reader: Reader, lost: list[Loss]) -> dict[str, Any]:
    """Values ready to be written."""
    out: dict[str, Any] = {}
    if isinstance(reader, BundleReader):
        reader.check_apart()
    for group in in_groups(reader, reader.keys()):
        for key, value, _ in gone_over(reader, group):
            if isinstance(value, OpError):
                lost.append({"key": key, "problem": str(value)})
            else:
                dtype = reader.spec(key).dtype
                out[key] = Typed(dtype, value) if dtype.kind in "qV" and isinstance(value, np.ndarray) else value
    return out


def _graph(values: dict[str, Any], lost: list[Loss], source: str) -> SavedGraph | None:
    """The object graph without the values that are lost, so that the rest can be restored."""
    stored = values.pop(OBJECT_GRAPH_KEY, None)
    if stored is None:
        return None
    try:
        graph = decode_graph(in_memory(flow_of(stored, OBJECT_GRAPH_KEY)), f"{OBJECT_GRAPH_KEY} in {source}")
    except OpError as error:
        lost.append({"key": OBJECT_GRAPH_KEY, "problem": str(error)})
        return None
    there = Stored(values)
    known = {one["key"] for one in lost}
    for node in graph.nodes:
        kept = [value for value in node.values if there.has(value)]
        if len(kept) == len(node.values):
            continue
        gone = [value for value in node.values if not there.has(value) and value.key not in known]
        lost += [{"key": value.key, "problem": f"an object has its value there, and it is not in {source}."} for value in gone]
        node.values = kept
    return graph
