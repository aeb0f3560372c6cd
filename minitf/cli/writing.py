"""What the verbs that write have in common: where the result goes, in which format, and what happens to pieces."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from minitf.errors import AlreadyExistsError, InvalidArgumentError, OpError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.names import split_data_name
from minitf.storage.files import find
from minitf.storage.formats import FORMATS, format_at, format_named
from minitf.storage.paths import join_path, split_path, with_ending, without_ending
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned

Shard = list[tuple[str, Any]]


def output_arguments(parser: argparse.ArgumentParser) -> None:
    """The result's prefix, and leave to replace what stands there."""
    parser.add_argument("output", metavar="OUTPUT", help="prefix of the checkpoint to write")
    parser.add_argument("--force", action="store_true", help="replace a checkpoint that stands there")


def format_argument(parser: argparse.ArgumentParser, otherwise: str | None = None) -> None:
    """``--to``: the result's format. ``otherwise`` says which it is without; None: it must be said."""
    default = "" if otherwise is None else f" (default: {otherwise})"
    parser.add_argument("--to", choices=list(FORMATS), required=otherwise is None, help=f"format of the result{default}")


def output_prefix(path: str, name: str, force: bool) -> str:
    """The prefix under which a result of the format ``name`` may be written.

    Raises InvalidArgumentError for a path that leaves the files without a name, AlreadyExistsError if a checkpoint stands there
    and nobody said that it may go, and for a file that is none, whatever was said.
    """
    prefix = without_ending(path, ".index") if name == "tf-v2" else path
    of_data_file = split_data_name(prefix)
    if of_data_file is not None:
        raise InvalidArgumentError(f"{path!r} is the name of a data file. OUTPUT is a prefix, such as {of_data_file[0]!r}.")
    if not split_path(prefix)[1]:
        raise InvalidArgumentError(f"{path!r} names no files. OUTPUT is a prefix, such as {join_path(path, 'model')!r}.")
    found = format_at(prefix)
    stands = None if found is None else found.name
    if stands == "tf-v1" or (name == "tf-v1" and find(ANYWHERE, prefix) is not None):
        if _is_v1(prefix):
            stands = "tf-v1"
        elif name == "tf-v1":
            raise AlreadyExistsError(f"{prefix!r} is there, and is no checkpoint. It is left as it is.")
        else:
            stands = None  # the files of other formats have endings, so they do not collide with it
    if stands is not None and not force:
        ending = getattr(FORMATS[name], "suffix", None)
        beside = f" {with_ending(prefix, ending)!r} as OUTPUT leaves it." if ending and stands != name else ""
        raise AlreadyExistsError(f"a checkpoint ({stands}) stands under {prefix!r}. --force replaces it.{beside}")
    return prefix


def _is_v1(prefix: str) -> bool:
    """True for a V1 checkpoint; the file of one has no ending, and may be anything."""
    try:
        TensorSlices().open(prefix)
    except OpError:
        return False
    return True


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
            storage.write_shards(prefix, [together], though_hidden=True)
        else:
            storage.write(prefix, joined(together))
    except OpError as error:
        raise type(error)(f"{verb} to {name}: {error}") from error
    remove_others(prefix, name)


def remove_others(prefix: str, name: str) -> None:
    """Deletes checkpoints of other formats than ``name`` under a prefix: what ``--force`` replaces may be of any."""
    for other in FORMATS:
        if other != name and (other != "tf-v1" or _is_v1(prefix)):
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
