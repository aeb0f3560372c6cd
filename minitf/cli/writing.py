"""What the verbs that write have in common: where the result goes, in which format, and what happens to pieces."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from minitf.errors import AlreadyExistsError, InvalidArgumentError, OpError
from minitf.storage.bundle import TensorBundle
from minitf.storage.formats import FORMATS, format_at, format_named
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned

Shard = list[tuple[str, Any]]


def output_arguments(parser: argparse.ArgumentParser) -> None:
    """The result's prefix, and leave to replace what stands there."""
    parser.add_argument("output", metavar="OUTPUT", help="prefix of the checkpoint to write")
    parser.add_argument("--force", action="store_true", help="replace a checkpoint that stands there")


def format_argument(parser: argparse.ArgumentParser, required: bool) -> None:
    """``--to``: the result's format."""
    parser.add_argument("--to", choices=list(FORMATS), required=required, help="format of the result")


def check_free(prefix: str, force: bool, verb: str) -> None:
    """Raises AlreadyExistsError if a checkpoint stands under the prefix and nobody said that it may go."""
    found = format_at(prefix)
    if found is not None and not force:
        raise AlreadyExistsError(f"{verb}: a checkpoint ({found.name}) stands under {prefix!r}. --force replaces it.")


def put(shards: Sequence[Shard], prefix: str, name: str, verb: str) -> None:
    """Writes values, as ``contents()`` gives them, in the format of this name.

    Data files of V2 stay apart; the other formats have one file. npz and safetensors hold whole values, so pieces of
    partitioned tensors are put together there. Raises the typed error of what the format cannot hold, saying so.
    """
    storage = format_named(name)
    together = [pair for shard in shards for pair in shard]
    try:
        if isinstance(storage, TensorBundle):
            storage.write_shards(prefix, shards)
        elif isinstance(storage, TensorSlices):
            storage.write_shards(prefix, [together])
        else:
            storage.write(prefix, joined(together))
    except OpError as error:
        raise type(error)(f"{verb} to {name}: {error}") from error
    for other in FORMATS:  # what --force replaces may be of another format, and would be found first
        if other not in (name, "tf-v1"):
            format_named(other).remove(prefix)


def joined(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values by key, the pieces of a partitioned tensor gathered. Raises InvalidArgumentError for a key that comes twice."""
    out: dict[str, Any] = {}
    for key, value in pairs:
        before = out.get(key)
        if before is None:
            out[key] = value
        elif isinstance(before, Partitioned) and isinstance(value, Partitioned) and before.shape == value.shape:
            out[key] = Partitioned(before.shape, [*before.pieces, *value.pieces])
        else:
            raise InvalidArgumentError(f"the key {key!r} comes twice.")
    return out
