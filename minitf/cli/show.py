"""``minitf show``: one value of a checkpoint, with what there is to say about its numbers."""

from __future__ import annotations

import argparse
import base64
import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minitf.cli.contents import find, object_graph, size_text, spec_facts
from minitf.cli.output import Drawn, Output, Part
from minitf.cli.region import read, region_arguments
from minitf.core.spec import Spec
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.detect import open_checkpoint

_BARS = " ▁▂▃▄▅▆▇█"


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
    facts = spec_facts(key, Spec(reader.spec(key).dtype, value.shape))
    part = {} if args.slice is None else {"slice": args.slice}
    output.facts(facts | part | {"value": plain(value)})
    of = {"dtype": facts["dtype"], "shape": str(tuple(facts["shape"])), "size": size_text(facts["bytes"])}
    about = {"key": key} | part | of
    rows: list[tuple[Part, ...]] = [(name, (text, "bold")) for name, text in (about | _figures(value)).items() if text]
    output.table(rows)
    if key == OBJECT_GRAPH_KEY:
        graph = object_graph(reader)
        output.lines([[f"an object graph of {len(graph.nodes) if graph else 0} objects; minitf ls shows it"]])
    else:
        output.lines([[line] for line in _elements(value, args.full)])
    return 0


def _figures(value: Any) -> dict[str, str]:
    """Least, greatest and mean of an array of numbers, a histogram from the least to the greatest, and how many are none."""
    if value.size < 2 or not np.can_cast(value.dtype, np.float64):  # complex numbers and strings have no order
        return {}
    finite = (wide := value.astype(np.float64))[np.isfinite(wide)]
    if not finite.size:
        return {"not finite": f"{value.size} of {value.size}"}
    with np.errstate(all="ignore"):  # a sum of large numbers may be infinite
        out = {"least": f"{finite.min():.6g}", "greatest": f"{finite.max():.6g}", "mean": f"{finite.mean():.6g}"}
        if value.dtype.kind in "iu":  # every digit counts, and a float may not have them all
            out |= {"least": str(value.min()), "greatest": str(value.max())}
        with contextlib.suppress(ValueError, IndexError):  # a range that 32 bins cannot divide (IndexError: NumPy before 2.2)
            counts, _ = np.histogram(finite, bins=32, range=(finite.min(), finite.max()))
            out["spread"] = Drawn("".join(_BARS[-(-int(n) * (len(_BARS) - 1) // int(counts.max()))] for n in counts))
    if finite.size < value.size:
        out["not finite"] = f"{value.size - finite.size} of {value.size}"
    return out


def _elements(value: Any, full: bool) -> Iterator[str]:
    if value.dtype != object:
        yield from np.array2string(value, threshold=value.size + 1 if full else 200, max_line_width=120).splitlines()
        return
    items = value.ravel().tolist()
    for item in items if full else items[:20]:
        yield repr(item) if full or len(item) <= 200 else f"{item[:200]!r} ... {len(item)} bytes"
    if not full and len(items) > 20:
        yield f"... {len(items)} strings; --full prints all"


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
