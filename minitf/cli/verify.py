"""``minitf verify``: reads a checkpoint completely, so that every checksum is compared."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from minitf.cli.contents import Stored, counted, gone_over, in_groups, object_graph, paths_of, size_text
from minitf.cli.output import Output
from minitf.errors import DataLossError, OpError, UnimplementedError
from minitf.saved import OBJECT_GRAPH_KEY, Reader
from minitf.saved_paths import Paths
from minitf.storage.bundle import BundleReader
from minitf.storage.detect import identify, open_found
from minitf.storage.state_file import newest_checkpoint
from minitf.storage.v1 import SlicesReader


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")


def run(args: argparse.Namespace, output: Output) -> int:
    """Checks; 0 if all is well, 1 if anything is damaged."""
    checked = total = 0
    foreign: set[str | None] = set()  # what there is no tensor for, which may be as whole as the rest
    problems: list[dict[str, str | None]] = []
    found = identify(args.checkpoint, among=newest_checkpoint)
    source = found.prefix
    try:
        reader = open_found(found)
        source = reader.source
        keys = list(reader.keys())
        if isinstance(reader, BundleReader):
            reader.check_apart()
    except DataLossError as error:  # nothing can be told about single values
        keys, problems = [], [{"key": None, "problem": str(error)}]
    for key, size, problem in output.progress(_verdicts(reader, keys) if keys else (), "verify", len(keys)):
        total += size
        checked += problem is None
        if problem is not None:
            problems.append({"key": key, "problem": str(problem)})
            if isinstance(problem, UnimplementedError):
                foreign.add(key)
    problems.sort(key=lambda problem: problem["key"] or "")
    missing = reader.missing_file() if keys and isinstance(reader, SlicesReader) else None
    if missing is not None:
        problems.append({"key": None, "problem": f"{reader.source!r} lacks the file {missing!r}, and whatever is in it."})
    if keys and not any(problem["key"] == OBJECT_GRAPH_KEY for problem in problems):
        problems += _objects(reader)
    output.facts({"checkpoint": source, "values": len(keys), "bytes": total, "problems": problems})
    output.lines([[("unreadable  " if one["key"] in foreign else "damaged  ", "red"), str(one["problem"])] for one in problems])
    verdict = (counted(len(problems), "problem"), "red") if problems else ("all is well", "green")
    output.lines([[verdict, f": {checked} of {len(keys)} values read, {size_text(total)} ", (f"({source})", "dim")]])
    return int(bool(problems))


def _verdicts(reader: Any, keys: list[str]) -> Iterator[tuple[str, int, OpError | None]]:
    """For each key the bytes of its value, and what is wrong with it."""
    if hasattr(reader, "verify"):
        yield from reader.verify(keys)
        return
    for group in in_groups(reader, keys):
        for key, value, size in gone_over(reader, group):
            yield key, size, value if isinstance(value, OpError) else None


def _objects(reader: Reader) -> Iterator[dict[str, str | None]]:
    """What is wrong with the object graph: it cannot be read, or it names a key that is not there."""
    try:
        graph = object_graph(reader)
    except OpError as error:
        yield {"key": None, "problem": str(error)}
        return
    if graph is None:
        return
    stored = Stored(reader.keys())
    paths: Paths
    try:
        paths = paths_of(graph)
    except DataLossError:  # very deep; nobody could read such paths
        paths = [None] * len(graph.nodes)
    for number, node in enumerate(graph.nodes):
        lost = [value for value in node.values if not stored.has(value)]
        path = paths[number] if lost else None
        where = "/".join(path) if path else f"object {number}"
        for value in lost:
            yield {"key": value.key, "problem": f"{where} has its value under {value.key!r}, which is not in {reader.source}."}
