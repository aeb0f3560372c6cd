"""``minitf get``: one value of a checkpoint as a file that NumPy reads."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from minitf.cli.contents import find, spec_facts
from minitf.cli.output import Output
from minitf.cli.region import read, region_arguments
from minitf.core.spec import Spec
from minitf.errors import InvalidArgumentError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.detect import open_checkpoint
from minitf.storage.files import replace_file
from minitf.storage.flows import Numbers, Texts, gone_through
from minitf.storage.npy import encode_header
from minitf.storage.paths import is_url
from minitf.storage.values import bytes_view


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint, the key and the file."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    parser.add_argument("key", help="a key, or the path of a variable such as net/dense/kernel")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="file to write (- for stdout): .npy, or the bytes of one string"
    )
    region_arguments(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Writes; 0. Dtypes that .npy files do not know (bfloat16 and smaller) are widened without loss."""
    to_stdout = args.output == "-"
    if to_stdout and args.json:
        args.of_verb.error("--json goes to stdout, and so does -o -: give a file")
    reader = open_checkpoint(args.checkpoint)
    key = find(reader, args.key)
    value = read(args, reader, key)
    facts = spec_facts(key, Spec(value.dtype, value.shape))
    if isinstance(value, Texts):
        if value.shape != ():
            raise InvalidArgumentError(
                f"get: {key} is an array of {facts['dtype']}s, {value.shape}; .npy files keep such arrays only as pickles, "
                "which run code when read. minitf show --json prints it, and --slice takes one of them."
            )
        stored_as, chunks = "bytes", value.text
    else:
        stored_as, chunks = _npy(value)
    if to_stdout:
        gone_through(value)  # what is damaged is not sent
        _send(sys.stdout.buffer, chunks())
    elif is_url(args.output) or not os.path.exists(args.output) or os.path.isfile(args.output):
        replace_file(ANYWHERE, _end_of_links(args.output), chunks(), durable=False)
    else:  # a device or a pipe; a directory says that it is one
        with open(args.output, "wb") as file:
            gone_through(value)
            _send(file, chunks())
    if not to_stdout:
        output.facts(facts | {"file": args.output, "stored_as": stored_as})
        widened = "" if stored_as in (facts["dtype"], "bytes") else f", widened to {stored_as}"
        output.lines([[f"{args.output}: {key}, {facts['dtype']} {tuple(facts['shape'])}{widened}"]])
    return 0


def _npy(value: Numbers) -> tuple[str, Callable[[], Iterator[Any]]]:
    """The name of the dtype in the file, and what makes its bytes."""
    dtype, stored = value.dtype.np, value.dtype.np
    if dtype.isbuiltin != 1:  # ml_dtypes' types
        stored = np.dtype(np.int8 if np.can_cast(dtype, np.int8) else np.float32)
    name = value.dtype.name if stored is dtype else stored.name

    def chunks() -> Iterator[Any]:
        yield encode_header(stored, value.shape)
        yield from (bytes_view(piece.astype(stored, copy=False)) for piece in value.pieces())

    return name, chunks


def _send(file: Any, chunks: Iterable[Any]) -> None:
    for chunk in chunks:
        file.write(chunk)
    file.flush()


def _end_of_links(path: str) -> str:
    """The file to be replaced, so that a link to it stays a link."""
    return os.path.realpath(path) if os.path.islink(path) else path
