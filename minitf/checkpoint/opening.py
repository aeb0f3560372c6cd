"""Which format a checkpoint has is found out by looking: an index file means V2, then come archives, at last V1."""

from __future__ import annotations

from typing import Any

from minitf.saved import Lazy, Reader
from minitf.storage.bundle import TensorBundle
from minitf.storage.paths import path_of, without_ending


def open_checkpoint(path: Any, lazy: Lazy = False) -> Reader:
    """Opens the checkpoint with this prefix (str, bytes or a path object); a sharded V1 checkpoint is named by its pattern.

    ``lazy``: large values of the V2 format are mapped, see ``TensorBundle``. Raises NotFoundError if there is none,
    DataLossError if it is damaged or the path is a directory, TypeError for a path of another type.
    """
    prefix = path_of(path)
    bundle = TensorBundle(lazy=lazy)
    if not bundle.exists(prefix):
        from minitf.storage.formats import format_at

        storage = format_at(prefix)
        an_index = without_ending(prefix, ".index") != prefix
        if storage is not None and not (storage.name == "tf-v1" and an_index):  # that is an index of V2
            return storage.open(prefix)
    return bundle.open(prefix)
