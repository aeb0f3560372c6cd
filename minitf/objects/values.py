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


def values_of(obj: Any) -> Mapping[str, Any]:
    """The object's own values by attribute name, whichever way its class gives them.

    Besides ``_saved_values`` these are TensorFlow's hooks: ``_serialize_to_tensors`` with ``_restore_from_tensors`` (2.x), and
    ``_gather_saveables_for_checkpoint`` (1.x), whose values are variables, saveables or functions of ``name`` that give one.
    """
    values = obj._saved_values()
    if values:
        return values  # type: ignore[no-any-return]
    if hasattr(obj, "_serialize_to_tensors"):
        group = TensorGroup(obj._serialize_to_tensors, obj._restore_from_tensors)
        return {name: GroupValue(group, name) for name in obj._serialize_to_tensors()}
    if hasattr(obj, "_gather_saveables_for_checkpoint"):
        out: dict[str, Any] = {}
        for name, given in obj._gather_saveables_for_checkpoint().items():
            out.update(_saveable_values(name, given))
        return out
    return values  # type: ignore[no-any-return]


def _saveable_values(name: str, given: Any) -> Mapping[str, Any]:
    if hasattr(given, "handle"):
        return {name: given.handle}
    saveable = given(name=name) if callable(given) else given
    if hasattr(saveable, "handle"):
        return {name: saveable.handle}
    if isinstance(saveable, PythonValue):
        return {name: saveable}
    names = [name + spec.name.removeprefix(saveable.name) for spec in saveable.specs]

    def tensors() -> dict[str, Any]:
        found = [spec.tensor() if callable(spec.tensor) else spec.tensor for spec in saveable.specs]
        return dict(zip(names, found, strict=True))

    def restore(restored: dict[str, Any]) -> Any:
        return saveable.restore([restored[n] for n in names], restored_shapes=None)

    group = TensorGroup(tensors, restore)
    return {n: GroupValue(group, n) for n in names}
