"""Kinds of values that a trackable object saves itself.

``_saved_values()`` gives them by attribute name. A variable's is its handle; others are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class PythonValue(NamedTuple):
    """A string of bytes that Python code makes and takes, at once in both modes.

    ``get()`` is called once at every save and gives ``bytes`` or ``str``; ``put(bytes)`` is called when the value is restored.
    """

    get: Callable[[], Any]
    put: Callable[[bytes], Any]


class TensorGroup:
    """Several tensors that one object saves and restores together, by its own rule.

    * ``tensors()`` gives the tensors to save by attribute name. In a graph it is called once for an unchanged object graph, and
      what it gives is run at every save; in eager mode it is called at every save.
    * ``restore(tensors)`` gets the restored tensors by attribute name; it assigns (eager), or gives the operation that
      does (graph).
    """

    __slots__ = ("restore", "tensors")

    def __init__(self, tensors: Callable[[], Mapping[str, Any]], restore: Callable[[dict[str, Any]], Any]):
        self.tensors = tensors
        self.restore = restore


class GroupValue(NamedTuple):
    """One tensor of a group, under its attribute name."""

    group: TensorGroup
    name: str
