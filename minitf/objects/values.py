"""Kinds of values that a trackable object saves itself.

``_saved_values()`` gives them by attribute name. A variable's is its handle; others are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from minitf.core import runtime
from minitf.objects.edges import tracking


class PythonValue(NamedTuple):
    """A string of bytes that Python code makes and takes, at once in both modes.

    ``get()`` is called once at every save and gives ``bytes`` or ``str``; ``put(bytes)`` is called when the value is restored.
    """

    get: Callable[[], Any]
    put: Callable[[bytes], Any]


class TensorGroup:
    """Several tensors that one object saves and restores together, by its own rule.

    * ``compute()`` gives the tensors to save by attribute name: at every save in eager mode, once in a graph, where what it
      gives is run at every save.
    * ``restore(tensors)`` gets the restored tensors by attribute name; it assigns (eager), or gives the operation that does
      (graph).
    """

    __slots__ = ("_compute", "_kept", "restore")

    def __init__(self, compute: Callable[[], Mapping[str, Any]], restore: Callable[[dict[str, Any]], Any]):
        self._compute = compute
        self._kept: dict[Any, Mapping[str, Any]] = {}
        self.restore = restore

    def tensors(self) -> Mapping[str, Any]:
        """The tensors as they are now (eager), or those that compute them (graph)."""
        home = runtime.current().home
        found = home.at_once(self._compute)
        if found is None:
            found = self._kept.get(home)
            if found is None:
                found = self._kept[home] = self._compute()
        return found


class GroupValue(NamedTuple):
    """One tensor of a group, under its attribute name."""

    group: TensorGroup
    name: str


def values_of(obj: Any) -> Mapping[str, Any]:
    """The object's own values by attribute name, whichever way its class gives them.

    Besides ``_saved_values`` these are TensorFlow's hooks: ``_serialize_to_tensors`` with ``_restore_from_tensors`` (2.x), and
    ``_gather_saveables_for_checkpoint`` (1.x), whose values are variables, saveables or functions of ``name`` that give one.
    The hooks add operations to a graph, so there they are called once.
    """
    values: Mapping[str, Any] = obj._saved_values()
    if values or not (hasattr(obj, "_serialize_to_tensors") or hasattr(obj, "_gather_saveables_for_checkpoint")):
        return values
    home = runtime.current().home
    found: Mapping[str, Any] | None = home.at_once(lambda: _hooked_values(obj))
    if found is None:
        state = tracking(obj)
        if state.kept is None:
            state.kept = {}
        found = state.kept.get(home)
        if found is None:
            found = state.kept[home] = _hooked_values(obj)
    return found


def _hooked_values(obj: Any) -> Mapping[str, Any]:
    out: dict[str, Any] = {}
    if hasattr(obj, "_serialize_to_tensors"):
        tensors = dict(obj._serialize_to_tensors())
        group = TensorGroup(lambda: tensors, obj._restore_from_tensors)
        return {name: GroupValue(group, name) for name in tensors}
    for name, given in obj._gather_saveables_for_checkpoint().items():
        out.update(_saveable_values(name, given))
    return out


def _saveable_values(name: str, given: Any) -> Mapping[str, Any]:
    saveable = given(name=name) if callable(given) and not hasattr(given, "handle") else given
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
