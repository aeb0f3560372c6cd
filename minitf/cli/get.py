"""``minitf get``: one value of a checkpoint as a file that NumPy reads."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from minitf.cli.contents import find, spec_facts
from minitf.cli.output import Output
from minitf.errors import InvalidArgumentError
from minitf.storage.detect import open_checkpoint


def arguments(parser: argparse.ArgumentParser) -> None:
    """The checkpoint, the key and the file."""
    parser.add_argument("checkpoint", help="prefix, file or directory of a checkpoint")
    parser.add_argument("key", help="a key, or the path of a variable such as net/dense/kernel")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="file to write: .npy, or the bytes of one string")


def run(args: argparse.Namespace, output: Output) -> int:
    """Writes; 0. Dtypes that .npy files do not know (bfloat16 and smaller) are widened without loss."""
    reader = open_checkpoint(args.checkpoint)
    key = find(reader, args.key)
    value, path, facts = reader.read(key), Path(args.output), spec_facts(reader, key)
    stored_as = facts["dtype"]
    if value.dtype == object:
        if value.shape != ():
            raise InvalidArgumentError(
                f"get: {key} is an array of strings, {value.shape}; .npy files keep such arrays only as pickles, which run "
                "code when read. minitf show --json prints it."
            )
        path.write_bytes(value.item())
        stored_as = "bytes"
    else:
        if value.dtype.isbuiltin != 1:  # ml_dtypes' types
            value = value.astype(np.int8 if np.can_cast(value.dtype, np.int8) else np.float32)
            stored_as = value.dtype.name
        with path.open("wb") as file:  # np.save would add .npy to a name without it
            np.save(file, value, allow_pickle=False)
    output.facts(facts | {"file": str(path), "stored_as": stored_as})
    widened = "" if stored_as in (facts["dtype"], "bytes") else f", widened to {stored_as}"
    output.lines([[f"{path}: {key}, {facts['dtype']} {tuple(facts['shape'])}{widened}"]])
    return 0
