"""Objects with named edges to others.

A *trackable* object has named edges (dependencies) to other trackable objects; a saver walks them, and a restore
matches them by name. ``Trackable`` tracks explicitly only; ``AutoTrackable`` tracks what is assigned to its attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from minitf.objects.edges import Tracking, attach, attach_and_set, detach, link_and_set, tracking

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])


class Tracked:
    """The protocol of trackable objects; it adds no storage, so that wrappers of built-in types can have it too.

    A class that cannot inherit ``Trackable`` gives its instances a ``_tracking`` attribute and weak references.
    """

    __slots__ = ()

    def _children(self) -> Mapping[str, Any]:
        """Named edges in the order in which their names were first added. A class may compute them, or raise ValueError."""
        return tracking(self).edges

    def _stand_in(self) -> Tracked:
        """What edges to the object point to: itself, unless its class cannot be referred to weakly (tuples)."""
        return self

    def _saved_values(self) -> Mapping[str, Any]:
        """The object's own values by attribute name: handles, or the kinds of ``minitf.objects.values``."""
        return _NO_VALUES


_NO_VALUES: Mapping[str, Any] = {}


class Trackable(Tracked):
    """An object whose edges are declared explicitly with ``track``."""

    __slots__ = ("__weakref__", "_tracking")
    _tracking: Tracking

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        if isinstance(state, tuple) and "_tracking" in state[1]:
            state = (state[0], {**state[1], "_tracking": Tracking(dict(self._tracking.edges))})
        return state


class AutoTrackable(Trackable):
    """An object whose attributes are its edges: assigning a trackable object, a list, dict or tuple to an attribute tracks it.

    Assigning anything else to the attribute later leaves the edge where it points (S7); ``del`` removes attribute and
    edge (S9).
    """

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(value)
        if kind in _PLAIN:
            _set(self, name, value)
            return
        replaced = getattr(self, "__dict__", _NO_VALUES).get(name, _MISSING)  # held, so that it is finalized at the end
        if replaced is value:
            return
        state = getattr(self, "_tracking", None)
        if state is None or state.shared:
            state = tracking(self)
        if kind is NoDependency:
            value = value.value
        elif state.automatic:
            tracked = isinstance(value, Tracked)
            if not tracked:
                value = wrap(value)
                tracked = isinstance(value, Tracked)
            if tracked:
                if state.watchers:
                    attach_and_set(self, state, name, value)
                else:
                    link_and_set(self, state, name, value)
                return
        _set(self, name, value)

    def __delattr__(self, name: str) -> None:
        detach(self, name, (_delete, self, name))  # an edge that has no attribute goes too, though the deletion then raises

    def __setstate__(self, state: Any) -> None:
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        if attributes:
            self.__dict__.update(attributes)
        for name, value in (slots or {}).items():
            object.__setattr__(self, name, value)
        if "_tracking" not in (slots or {}):  # a __getstate__ of the user's own, which knows attributes only
            for name, value in (attributes or {}).items():
                if isinstance(value, Tracked):
                    attach(self, name, value)


_MISSING = object()
_set = object.__setattr__
_delete = object.__delattr__
_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), np.ndarray})


def track(obj: Any, child: _T, name: str, overwrite: bool = False) -> _T:
    """Declares that ``obj`` depends on ``child`` under ``name``; gives ``child``. It sets no attribute.

    Raises TypeError if one of the two is not trackable or the name is not a string, ValueError if another object has
    the name already and ``overwrite`` is False. (S17-S20)
    """
    if not isinstance(obj, Tracked) or not isinstance(child, Tracked):
        wrong = obj if not isinstance(obj, Tracked) else child
        raise TypeError(
            f"track(..., name={name!r}): {type(wrong).__name__} is not trackable. Derive the class from "
            f"minitf.train.AutoTrackable (or Trackable), or wrap the value in a tf.Variable."
        )
    if not isinstance(name, str):
        raise TypeError(f"track: the name of a dependency must be a string, not {name!r}.")
    current = obj._children().get(name)
    if current is child._stand_in():
        return child
    if current is not None and not overwrite:
        raise ValueError(
            f"track(..., name={name!r}): a {type(current).__name__} is already declared as a dependency of this "
            f"{type(obj).__name__} under that name. Choose another name, or pass overwrite=True to replace it."
        )
    attach(obj, name, child)
    return child


def children(obj: Any) -> dict[str, Any]:
    """The named edges of a trackable object, in the order in which the names were first added.

    Raises TypeError for other objects, ValueError for a list or dict whose contents can no longer be saved.
    """
    if not isinstance(obj, Tracked):
        raise TypeError(f"children: {type(obj).__name__} is not trackable, so it has no dependencies.")
    return dict(obj._children())


class NoDependency:
    """Marks a value that shall be stored in an attribute as it is, without an edge: ``self.cache = NoDependency([])`` (S13)."""

    __slots__ = ("value",)

    def __init__(self, value: Any):
        self.value = value


def no_automatic_dependency_tracking(method: _F) -> _F:
    """Decorates a method whose attribute assignments make neither edges nor wrappers (S16)."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        state = tracking(self)
        before, state.automatic = state.automatic, False
        try:
            return method(self, *args, **kwargs)
        finally:
            state.automatic = before

    return wrapper  # type: ignore[return-value]


_wrappers: dict[type, Callable[[Any], Any]] = {}


def register_wrapper(kind: type, make: Callable[[Any], Any]) -> None:
    """Says how a value of exactly this type (for ``tuple`` also of a subclass) is wrapped when it is assigned."""
    _wrappers[kind] = make


def wrap(value: Any) -> Any:
    """A list, dict or tuple as its tracked wrapper; any other value as it is."""
    make = _wrappers.get(type(value))
    if make is None and isinstance(value, tuple) and not isinstance(value, Tracked):
        make = _wrappers.get(tuple)
    return value if make is None else make(value)
