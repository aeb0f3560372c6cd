"""Saves whose data files are what a sharding callback says, now and in the background."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minitf.checkpoint.sharding.callback import HERE, ShardableTensor, ShardingCallback
from minitf.checkpoint.sharding.checking import Arrangement
from minitf.core import runtime
from minitf.core.tensor import tensor_of
from minitf.objects.saveable import SaveSpec
from minitf.ops.shapes import settle
from minitf.runtimes.eager import EAGER
from minitf.saved import Writer
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle


class ShardedBundle:
    """Writes a ``TensorBundle`` whose data files a callback arranges.

    ``trackables``: the objects that have the values, by key.
    """

    def __init__(self, bundle: TensorBundle, callback: ShardingCallback, trackables: Mapping[str, Any]):
        self._bundle = bundle
        self._callback = callback
        self._trackables = trackables

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Asks the callback and writes what it gives. Raises what it raises, and as ``Arrangement`` and ``TensorBundle``."""
        description = self._callback.description
        if not isinstance(description, str):
            raise TypeError(
                f"{type(self._callback).__name__}.description must be a str that says what the callback does, not "
                f"{description!r}."
            )
        given = [self._shardable(key, value) for key, value in tensors.items()]
        with runtime.using(EAGER):  # the values are there, whichever mode they are from
            files = Arrangement(self._callback, given, self._callback(list(given))).files
        self._bundle.write_shards(prefix, files)

    def _shardable(self, key: str, value: Any) -> ShardableTensor:
        array = value if hasattr(value, "dtype") else np.array(value, dtype=object)
        tensor = tensor_of(array if array.dtype.kind == "O" else settle(array))
        spec = SaveSpec(tensor, "", key)
        return ShardableTensor(spec, tensor, tensor.dtype, HERE, key, tensor.shape, "", key, self._trackables.get(key))


class InBackground:
    """Writes to a storage in the background, in turn with the other writes of a ``BackgroundStorage``."""

    def __init__(self, background: BackgroundStorage, storage: Writer):
        self._background = background
        self._storage = storage

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Starts writing a checkpoint with the values of now. Raises what the write before raised."""
        self._background.write_to(self._storage, prefix, tensors)
