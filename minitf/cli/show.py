"""``minitf show``: one value of a checkpoint, with what there is to say about its numbers."""

from __future__ import annotations

import argparse
import base64
import math
from typing import Any

import numpy as np

from minitf.cli.contents import find, object_graph, size_text, spec_facts
from minitf.cli.figures import elements, figures
from minitf.cli.output import Output, Part
from minitf.cli.region import read, region_arguments
from minitf.core.spec import Spec
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.detect import open_checkpoint
from minitf.storage.flows import in_memory


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint and the key."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    parser.add_argument("key", help="a key, or the path of a variable such as net/dense/kernel")
    region_arguments(parser)
    parser.add_argument("--full", action="store_true", help="print all elements of a large array")


def run(args: argparse.Namespace, output: Output) -> int:
    """Shows; 0."""
    reader = open_checkpoint(args.checkpoint)
    key = find(reader, args.key)
    value = read(args, reader, key)
    facts = spec_facts(key, Spec(value.dtype, value.shape))
    part = {} if args.slice is None else {"slice": args.slice}
    if output.as_json:
        output.facts(facts | part | {"value": plain(in_memory(value))})
        return 0
    of = {"dtype": facts["dtype"], "shape": str(tuple(facts["shape"])), "size": size_text(facts["bytes"])}
    about = {"key": key} | part | of
    rows: list[tuple[Part, ...]] = [(name, (text, "bold")) for name, text in (about | figures(value)).items() if text]
    if key == OBJECT_GRAPH_KEY:
        graph = object_graph(reader)
        lines = [f"an object graph of {len(graph.nodes) if graph else 0} objects; minitf ls shows it"]
    else:
        lines = elements(value, args.full)
    output.table(rows)
    output.lines([[line] for line in lines])
    return 0


def plain(value: Any) -> Any:
    """An array as JSON can say it: nested lists; text (or ``{"base64": ...}``) for bytes, ``[re, im]`` for complex numbers,
    ``"nan"``, ``"inf"`` and ``"-inf"`` for what JSON has no number for.
    """
    if isinstance(value, np.ndarray) and value.shape:
        return [plain(part) for part in value]
    item = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    if isinstance(item, bytes):
        try:
            return item.decode("utf-8")
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(item).decode("ascii")}
    if isinstance(item, complex):
        return [plain(item.real), plain(item.imag)]
    if isinstance(item, (bool, int, str)):
        return item
    number = float(item)
    return number if math.isfinite(number) else str(number)
