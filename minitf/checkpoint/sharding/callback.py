"""What decides over which data files a checkpoint is spread: ``ShardingCallback``, and what it is given.

    class ALayerAFile(tf.train.experimental.ShardingCallback):
        @property
        def description(self):
            return "Each layer has a data file of its own."

        def __call__(self, shardable_tensors):
            shards = {}
            for one in shardable_tensors:
                layer = one.checkpoint_key.split("/")[0]
                shards.setdefault(layer, {})[one.checkpoint_key] = {one.slice_spec: one.tensor}
            return list(shards.values())

    options = tf.train.CheckpointOptions(experimental_sharding_callback=ALayerAFile())
    checkpoint.save("run/ckpt", options)
"""

from __future__ import annotations

import abc
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import isroutine
from typing import Any

from minitf.core.dtypes import DType
from minitf.core.spec import TensorShape

Shard = Mapping[str, Mapping[str, Any]]
"""What one data file holds: tensors by key and slice."""


@dataclass(frozen=True)
class Device:
    """Where a tensor is. There is one device, the processor of one task."""

    job: str = "localhost"
    replica: int = 0
    task: int = 0
    device_type: str = "CPU"
    device_index: int = 0

    def to_string(self) -> str:
        """As TensorFlow writes it: ``/job:localhost/replica:0/task:0/device:CPU:0``."""
        place = f"/job:{self.job}/replica:{self.replica}/task:{self.task}"
        return f"{place}/device:{self.device_type}:{self.device_index}"

    __str__ = to_string


HERE = Device()


@dataclass(frozen=True)
class ShardableTensor:
    """A tensor that is about to be saved, as a ``ShardingCallback`` sees it.

    * ``tensor``: its value, an eager tensor (in a graph too: the value in the session).
    * ``dtype``, ``shape``: the tensor's.
    * ``device``: where it is; ``str(device)``, or its ``job``, ``task``, ``device_type``.
    * ``checkpoint_key``: under which key it is saved; ``name`` is the same.
    * ``slice_spec``: which part of the key's value it is; "" for the whole, as objects save their values.
    * ``trackable``: the object whose value it is; None for the object graph.
    """

    _tensor_save_spec: Any = field(repr=False)
    tensor: Any = field(repr=False)
    dtype: DType
    device: Any
    name: str = field(repr=False)
    shape: TensorShape
    slice_spec: str
    checkpoint_key: str
    trackable: Any = field(repr=False)

    def __hash__(self) -> int:
        return hash((self.name, self.dtype, str(self.device), self.checkpoint_key))


class ShardingCallback(abc.ABC):
    """Decides over which data files the tensors of a checkpoint are spread. To be derived from.

    A save calls it with a list of ``ShardableTensor`` in the order of saving, the object graph last, and writes what it gives:
    a list with a mapping for each data file, ``{checkpoint_key: {slice_spec: tensor}}``. Tensors stand in a file in the order
    of its mapping. A tensor may be cut. A piece says in its ``slice_spec`` which part it is: the shape of the whole, and then
    for each axis start and length, or ``-`` for all of it; ``"6 4 0,3:-"`` is the first three rows of a tensor of shape (6, 4).

    Every tensor that was given must be there once, whole or in pieces that make up the whole, with its dtype and shape. Else
    the save raises and writes nothing: RuntimeError for tensors that were left out, added or changed, where TensorFlow writes
    what often cannot be restored; TensorFlow's errors for the rest, such as InvalidArgumentError for what is in two files, for
    an empty file and for a slice that does not fit its tensor.

    A save in the background calls it in the background. In a graph it is called at every save as well, with the values of the
    session and in eager mode. (TensorFlow calls it once for a graph, keeps what it gave for all later saves, whatever their
    options say, and if that is ``MaxShardSizePolicy`` writes strings as they were at the first save.)
    """

    @property
    @abc.abstractmethod
    def description(self) -> str:
        """What the callback does, in a sentence; errors name it."""

    @abc.abstractmethod
    def __call__(self, shardable_tensors: Sequence[ShardableTensor]) -> Sequence[Shard]:
        """Gives a mapping for each data file: ``{checkpoint_key: {slice_spec: tensor}}``."""

    def __hash__(self) -> int:
        """Of class, description and attributes: callbacks with the same settings have the same hash, as in TensorFlow."""
        settings = [(name, value) for name, value in vars(self).items() if isinstance(value, Hashable) and not isroutine(value)]
        return hash((type(self), self.description, frozenset(settings)))
