"""Two other ways to run an object-based checkpoint: frozen to the objects of this moment, and streamed as objects appear.

``frozen_saver`` lists the objects once; saving and restoring then look at nothing but this list, so that objects may come and
go. ``streaming_restore`` is for graphs: it runs each restore operation as soon as it exists, as eager mode does by itself.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from minitf.checkpoint.capture import capture
from minitf.checkpoint.expected import Expected
from minitf.checkpoint.name_based import NameBasedSaverStatus
from minitf.checkpoint.opening import open_checkpoint
from minitf.checkpoint.source import Source
from minitf.checkpoint.values import Values
from minitf.core.around import around
from minitf.core.state import Batch, Group, Handle
from minitf.objects.values import GroupValue, PythonValue
from minitf.objects.variable_table import home_here
from minitf.saved import OBJECT_GRAPH_KEY, Reader
from minitf.storage.bundle import TensorBundle
from minitf.storage.messages import encode_graph
from minitf.storage.paths import path_of


class FrozenSaver:
    """Saves and restores the objects that were under a root when it was made.

    Its files are ordinary object-based checkpoints. It restores only what it saves, by keys, at once in both modes.
    """

    def __init__(self, root: Any):
        self._home = home_here()
        captured = capture(root)
        self._entries = captured.entries
        self._graph = np.array(encode_graph(captured.graph), dtype=object)
        self._owners: dict[int, _Owner] = {}
        for key, value in captured.entries:
            if isinstance(value, GroupValue):
                self._owners.setdefault(id(value.group), _Owner(value.group)).keys[value.name] = key
        self._ops: dict[Any, Any] = {}  # a graph's restore operations, by variable and key

    def save(self, file_prefix: Any, session: Any = None) -> str:
        """Writes a checkpoint under this prefix, and gives it.

        Raises RuntimeError in a graph without a session, FailedPreconditionError for a variable without a value.
        """
        prefix = path_of(file_prefix)
        around("storage", TensorBundle()).write(prefix, self.read(session))
        return prefix

    def read(self, session: Any) -> dict[str, Any]:
        """The arrays to be saved, by key, and the object graph. Raises as ``save``."""
        tensors = Values(self._home, session, "frozen_saver.save").of_entries(self._entries)
        tensors[OBJECT_GRAPH_KEY] = self._graph
        return tensors

    def restore(self, save_path: Any, session: Any = None) -> None:
        """Restores all values: all or nothing. A graph's operations are made at the first time and run in ``session``.

        Raises NotFoundError for a missing checkpoint or a value that it lacks, InvalidArgumentError for another dtype or shape.
        """
        open_again = partial(open_checkpoint, save_path)
        reader = Source(open_again, open_again())
        batch = self._batch(reader)
        for key, value in self._entries:
            if isinstance(value, PythonValue):
                batch.python.append((value.put, key))
        self._home.apply_batches([batch])
        self._home.run_restore_ops(batch.built, self._ops, reader, session, "frozen_saver.restore")

    def build(self) -> None:
        """Makes the operations of a graph that saving and restoring will need, so that it can be finalized."""
        specs = {}
        for owner in self._owners.values():
            tensors = owner.group.tensors()
            specs.update({key: tensors[name].spec for name, key in owner.keys.items()})
        self._home.apply_batches([self._batch(Expected(specs, specs.__getitem__))])

    def _batch(self, reader: Reader) -> Batch:
        """All that is restored by operations."""
        batch = Batch(reader, self._ops)
        for key, value in self._entries:
            if isinstance(value, Handle):
                batch.add(value, key)
        batch.groups = [Group(owner, owner.group.restore, owner.keys) for owner in self._owners.values()]
        return batch

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<frozen saver of {len(self)} values>"


class _Owner:
    """Tensors that are restored together, with their keys by name."""

    __slots__ = ("__weakref__", "group", "keys")

    def __init__(self, group: Any):
        self.group = group
        self.keys: dict[str, str] = {}


def frozen_saver(root_checkpointable: Any) -> FrozenSaver:
    """A saver for the objects that are under this root now (S129). Raises as ``save`` for a tree that cannot be saved."""
    return FrozenSaver(root_checkpointable)


def streaming_restore(status: Any, session: Any = None) -> None:
    """Runs a status's restore operations now, and each further one in the same session as soon as it exists (graph; S186).

    Does nothing in eager mode, where values arrive by themselves. Raises NotImplementedError for a name-based checkpoint, for
    which nothing is known before it is run, and RuntimeError without a session and a default session.
    """
    graph = status._home.graph_being_built()
    if graph is None:
        return
    if isinstance(status, NameBasedSaverStatus):
        raise NotImplementedError(
            "streaming_restore: a name-based checkpoint is restored in one run. Call status.run_restore_ops() when all "
            "variables exist."
        )
    session = graph.session_for(session, "streaming_restore")
    status.run_restore_ops(session)
    restoration = status._restoration
    home, cache, source = restoration.home, restoration.cache, restoration.source
    weak = weakref.ref(restoration)  # the other way round it is held, and a cycle would keep both

    def run(new: list[Any]) -> None:
        store = home.run_restore_ops(new, cache, source, session, "streaming_restore")
        listening = weak()
        if listening is not None:
            listening.note_run(store, new)

    restoration.ops = _Stream(restoration.ops, run)


class _Stream(list[Any]):
    """Restore operations that are run when they are added."""

    def __init__(self, ops: Iterable[Any], run: Any):
        super().__init__(ops)
        self._run = run

    def extend(self, ops: Iterable[Any]) -> None:
        """Adds and runs."""
        new = list(ops)
        super().extend(new)
        self._run(new)
