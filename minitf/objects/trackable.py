"""Objects with named edges to others.

A *trackable* object has named edges (dependencies) to other trackable objects; a saver walks them, and a restore
matches them by name. ``Trackable`` tracks explicitly only; ``AutoTrackable`` tracks what is assigned to its attributes.

What an object carries for this is one ``Tracking``: its edges, the restore requests that wait for an edge to appear,
and the uid of the last restore that reached it. It hangs on a slot, so it is not in ``vars(obj)``. Copies and pickles
carry edges, never requests or uids.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, Protocol, TypeVar

import numpy as np

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])

_ticks = itertools.count(1)
version = 0  # differs after every change of any edge or slot: a saver that sees the same number need not look again


class Request(Protocol):
    """A restoration's wish to get the object that appears at one place."""

    uid: int

    def serve(self, requests: list[Any], parent: Any, name: Any, child: Any) -> None:
        """Restores ``child`` for all ``requests`` of this place, from the highest uid to the lowest: all or nothing."""

    def preload(self, requests: list[Any]) -> Any | None:
        """The value that a variable may be made with at this place (a ``Waiting`` with ``uid`` and ``used``), or None."""


class Requests(Protocol):
    """What one restoration waits for at several names of an object: its requests, each made only when somebody looks at it."""

    def at(self, name: Any) -> list[Any]:
        """The request for one name, in a list."""

    def arrived(self, name: Any, child: Any) -> bool:
        """Restores ``child``, which has come under ``name``. False if that is not simple: then nothing has happened."""


class Tracking:
    """What a trackable object carries.

    ``edges`` by local name; ``watchers``: by awaited name (slot variables: by handle and slot name) a list of requests, or the
    ``Requests`` that make it (``requests`` gives the list); ``update_uid`` is the highest uid of a restore that reached the
    object (-1: none); ``automatic``: attribute assignments make edges.
    """

    __slots__ = ("automatic", "edges", "kept", "update_uid", "watchers")

    def __init__(self, edges: dict[str, Any] | None = None) -> None:
        self.edges: dict[str, Any] = {} if edges is None else edges
        self.watchers: dict[Any, Any] | None = None
        self.update_uid = -1
        self.automatic = True
        self.kept: dict[Any, Any] | None = None  # by graph: what the object's hooks have added to it for saving

    def __reduce__(self) -> Any:
        return Tracking, (dict(self.edges),)

    def requests(self, name: Any) -> list[Any] | None:
        """The requests that wait under a name, from the highest uid to the lowest, or None."""
        waiting = self.watchers.get(name) if self.watchers else None
        if waiting is not None:
            waiting = self.watchers[name] = _listed(waiting, name)  # type: ignore[index]
        return waiting

    def watch(self, name: Any, requests: list[Any]) -> None:
        """Adds requests under a name, kept in order of falling uid."""
        if self.watchers is None:
            self.watchers = {}
        waiting = self.requests(name)
        if waiting is None:
            self.watchers[name] = requests
        else:
            waiting.extend(requests)
            waiting.sort(key=lambda r: -r.uid)


new_tracking: Callable[[], Tracking] = Tracking  # makes what an object carries; a recorder's has a watcher in it


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
ANY = None  # the name under which requests wait for every child, again and again


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
        if getattr(self, "__dict__", _NO_VALUES).get(name, _MISSING) is value:
            return
        state = getattr(self, "_tracking", None) or tracking(self)
        if kind is NoDependency:
            value = value.value
        elif state.automatic:
            tracked = isinstance(value, Tracked)
            if not tracked:
                value = wrap(value)
                tracked = isinstance(value, Tracked)
            if tracked:
                if state.watchers:
                    _refuse_read_only(self, name, value)
                before = _link(self, state, name, value)
                try:
                    _set(self, name, value)
                except BaseException:
                    _put_back(state.edges, name, before)
                    raise
                return
        _set(self, name, value)

    def __delattr__(self, name: str) -> None:
        detach(self, name)  # first: an edge that has no attribute goes too, though the deletion then raises
        object.__delattr__(self, name)

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
_PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None), np.ndarray})


def _refuse_read_only(obj: Any, name: str, value: Any) -> None:
    """Lets a read-only property raise before a restore happens, which cannot be undone."""
    descriptor = getattr(type(obj), name, None)
    if isinstance(descriptor, property) and descriptor.fset is None:
        object.__setattr__(obj, name, value)


def tracking(obj: Any) -> Tracking:
    """The object's tracking state, made at first use: a subclass need not call its base's ``__init__`` (S4)."""
    state: Tracking | None = getattr(obj, "_tracking", None)
    if state is None:
        state = new_tracking()
        object.__setattr__(obj, "_tracking", state)
    return state


def changed() -> None:
    """Notes that some object's edges or slots are different now."""
    global version
    version = next(_ticks)


def attach(parent: Any, name: str, child: Any) -> Callable[[], None]:
    """Adds or redirects an edge and hands ``child`` to the restores that wait for it; gives a function that undoes it.

    If a restore fails, its error comes out, the edge is as it was, and the requests go on waiting.
    """
    state = tracking(parent)
    return partial(_put_back, state.edges, name, _link(parent, state, name, child))


def _link(parent: Any, state: Tracking, name: str, child: Any) -> Any:
    """``attach``; gives what the edge led to before."""
    global version
    child = child._stand_in()
    edges = state.edges
    before = edges.get(name, _MISSING)
    if before is child:
        return child
    try:
        edges[name] = child
        version = next(_ticks)
        if state.watchers:
            _hand_over(state, state.watchers, parent, name, child)
    except BaseException:
        _put_back(edges, name, before)
        raise
    return before


def _put_back(edges: dict[str, Any], name: str, before: Any) -> None:
    """Makes an edge what it was."""
    if edges.get(name, _MISSING) is before:
        return
    if before is _MISSING:
        edges.pop(name, None)
    else:
        edges[name] = before
    changed()


def arrived(parent: Any, name: Any, child: Any) -> None:
    """Hands ``child`` to the restores that wait for it at ``parent`` under ``name``, without making an edge.

    For classes that compute their edges, and for slot variables. If a restore fails, the requests go on waiting.
    """
    state = tracking(parent)
    if state.watchers:
        _hand_over(state, state.watchers, parent, name, child)


def _hand_over(state: Tracking, watchers: dict[Any, Any], parent: Any, name: Any, child: Any) -> None:
    """``arrived`` where something waits at ``parent``."""
    waiting = watchers.get(name)
    if waiting is not None:
        try:
            if watchers.pop(name, None) is waiting and (type(waiting) is list or not waiting.arrived(name, child)):
                requests = _listed(waiting, name)
                requests[0].serve(requests, parent, name, child)
        except BaseException:
            if watchers.get(name) is not waiting:  # interrupted before
                state.watch(name, _listed(waiting, name))
            raise
    if ANY in watchers:
        for request in list(watchers[ANY]):
            request.serve([request], parent, name, child)


def _listed(waiting: Any, name: Any) -> list[Any]:
    return waiting if type(waiting) is list else waiting.at(name)


def preloaded(parent: Any, name: Any) -> Any | None:
    """The stored value with which a variable may be made that is to appear at ``parent`` under ``name`` (S68, S72), or None."""
    requests = tracking(parent).requests(name)
    return requests[0].preload(requests) if requests else None


def detach(obj: Any, name: str) -> None:
    """Removes an edge, if there is one."""
    if tracking(obj).edges.pop(name, None) is not None:
        changed()


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
