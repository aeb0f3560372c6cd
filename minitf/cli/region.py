"""``--slice``: a part of one value, in NumPy's notation: ``10:20,:,0``."""

from __future__ import annotations

import argparse
import re
from typing import Any

import numpy as np

from minitf.cli.contents import flow_at
from minitf.errors import InvalidArgumentError
from minitf.saved import Reader
from minitf.storage.flows import Flow, flow_of
from minitf.storage.values import Typed

_PART = re.compile(r"\s*(?:(?P<index>-?\d+)|(?P<start>-?\d+)?\s*:\s*(?P<stop>-?\d+)?)\s*")


def region_arguments(parser: argparse.ArgumentParser) -> None:
    """The part, and leave to trust it."""
    parser.add_argument("--slice", metavar="10:20,0", help="a part of the value, as in NumPy: ranges and indices; steps are 1")
    parser.add_argument(
        "--unverified",
        action="store_true",
        help="with --slice: read those rows only, not the checksum, which covers all",
    )


def read(args: argparse.Namespace, reader: Any, key: str) -> Flow:
    """The value of a key, or the part that was asked for, which is in memory.

    Raises InvalidArgumentError for a part that it has not.
    """
    if args.unverified and args.slice is None:
        args.of_verb.error("--unverified goes with --slice")
    if args.slice is None:
        return flow_at(reader, key)
    begin, size, shape = region(args.slice, _shape(reader, key), key)
    dtype = reader.spec(key).dtype
    if args.unverified:
        found = reader.read_slice(key, begin, size, verify=False)
    else:
        room = np.full(size, b"", object) if dtype.kind in "SV" else np.empty(size, dtype.np)
        with reader.reading_regions_over([key], [(begin, size)], [room]) as ([found], fill):
            fill()
    return flow_of(Typed(dtype, found.reshape(shape)), key)


def _shape(reader: Reader, key: str) -> tuple[int, ...]:
    return tuple(n or 0 for n in reader.spec(key).shape or ())


def region(text: str, shape: tuple[int, ...], key: str) -> tuple[list[int], list[int], list[int]]:
    """Where a part begins, how long it is in each dimension, and the shape that is left: an index takes its dimension away."""
    parts = text.split(",") if text.strip() else []
    if len(parts) > len(shape):
        raise InvalidArgumentError(f"--slice {text!r} has {len(parts)} dimensions; {key!r} has shape {shape}.")
    begin, size, left = [0] * len(shape), list(shape), list(shape[len(parts) :])
    kept = []
    for axis, part in enumerate(parts):
        found, whole = _PART.fullmatch(part), shape[axis]
        if found is None:
            raise InvalidArgumentError(f"--slice {text!r}: {part!r} is neither an index nor a range such as 10:20.")
        if found["index"] is not None:
            index = int(found["index"])
            if not -whole <= index < whole:
                raise InvalidArgumentError(f"--slice {text!r}: there is no index {index} in dimension {axis} of shape {shape}.")
            begin[axis], size[axis] = index % whole, 1
            continue
        start, stop, _ = slice(*(None if one is None else int(one) for one in found.group("start", "stop"))).indices(whole)
        begin[axis], size[axis] = start, max(0, stop - start)
        kept.append(size[axis])
    return begin, size, [*kept, *left]
