"""Checkpoints in memory, written from object graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minitf.checkpoint.saver import CheckpointableSaver
from minitf.objects.slots import SlotOwner
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable
from minitf.storage.memory import MemoryStorage
from minitf.testing.modes import scope
from minitf.testing.object_graphs import ObjectGraph
from minitf.testing.parts import Text


class SavedCheckpoint(NamedTuple):
    """``CheckpointableSaver(root, storage=checkpoint.storage).restore(checkpoint.path)`` restores it."""

    graph: ObjectGraph
    storage: MemoryStorage
    path: str

    def __repr__(self) -> str:
        return f"write({self.graph!r})"


def build(graph: ObjectGraph) -> list[Any]:
    """The objects of a graph, in the current mode. Number 0 is the root."""
    make: dict[str, Callable[[Any], Any]] = {"variable": Variable, "state": Text}
    make |= {"node": lambda _: AutoTrackable(), "optimizer": lambda _: SlotOwner()}
    objects: list[Any] = [make[kind](value) for kind, value in zip(graph.kinds, graph.values, strict=True)]
    for parent, name, child in graph.edges:
        setattr(objects[parent], name, objects[child])
    for optimizer, variable, name, value in graph.slots:
        objects[optimizer].add_slot(objects[variable], name, value)
    return objects


def write(graph: ObjectGraph) -> SavedCheckpoint:
    """A checkpoint of the graph."""
    storage = MemoryStorage()
    with scope("eager"):
        objects = build(graph)
        path = CheckpointableSaver(objects[0], storage=storage).save("checkpoint")
    return SavedCheckpoint(graph, storage, path)


def file_bytes(prefix: str) -> dict[str, bytes]:
    """The files of a checkpoint on disk, by what follows the prefix in their names."""
    path = Path(prefix)
    return {file.name[len(path.name) :]: file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}.*"))}
