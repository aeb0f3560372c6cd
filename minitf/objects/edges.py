"""Named edges between objects: making and removing them, and handing what appears to the restores that wait for it.

What an object carries for this is one ``Tracking``: its edges, the restore requests that wait for an edge to appear,
and the uid of the last restore that reached it. It hangs on a slot, so it is not in ``vars(obj)``. Copies and pickles
carry edges, never requests or uids.

Changes are whole or undone, wherever Ctrl-C comes, and other threads never see one half done: what belongs together is assigned
by statements without a call between them, or ``at_once``. Whoever lists edges takes a copy. What restores do to a tree, and
what could disturb them, happens under ``restoring``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from itertools import starmap
from operator import call
from threading import Lock, RLock
from types import MappingProxyType, MemberDescriptorType
from typing import Any, Protocol

from minitf.core.at_once import at_once, exhaust
from minitf.core.forks import whole_in_children
from minitf.core.locks import left_open

_ticks = itertools.count(1)
version = 0  # differs after every change of any edge or slot: a saver that sees the same number need not look again
_making_tracking = whole_in_children(left_open(Lock()))
# held while objects are paired and restored, or a list finds an element's place
restoring = whole_in_children(left_open(RLock()), 1)


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
    shared = False

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


class SharedTracking(Tracking):
    """What objects that have no edges and no requests carry together, while restores up to ``uid`` have reached them.

    Variables do, of which there may be many. ``tracking`` gives an object one of its own, so this one is never changed.
    """

    __slots__ = ()
    shared = True

    def __init__(self, uid: int):
        super().__init__(MappingProxyType({}))  # type: ignore[arg-type]
        self.update_uid = uid


UNREACHED = SharedTracking(-1)
new_tracking: Callable[[], Tracking] = Tracking  # makes what an object carries; a recorder's has a watcher in it
ANY = None  # the name under which requests wait for every child, again and again

_MISSING = object()
_NO_ATTRIBUTES: Mapping[str, Any] = {}
_set = object.__setattr__


def link_and_set(obj: Any, state: Tracking, name: str, value: Any) -> None:
    """Assigns an attribute where nothing waits, with its edge. The caller holds what the attribute was before."""
    global version
    child, edges = value._stand_in(), state.edges
    before, tick = edges.get(name, _MISSING), next(_ticks)
    try:
        version = tick
        edges[name] = child
        _set(obj, name, value)
    except BaseException:
        if not _has(obj, name, value):
            _put_back(edges, name, child, before)
        raise
    if state.watchers:  # a restore has begun to wait meanwhile
        arrived(obj, name, child)


def _has(obj: Any, name: str, value: Any) -> bool:
    """Whether an attribute that is no property has this value."""
    if type(getattr(type(obj), name, None)) is MemberDescriptorType:
        return getattr(obj, name, _MISSING) is value
    return getattr(obj, "__dict__", _NO_ATTRIBUTES).get(name, _MISSING) is value


def _refuse_read_only(obj: Any, name: str, value: Any) -> None:
    """Lets a read-only property raise before a restore happens, which cannot be undone."""
    descriptor = getattr(type(obj), name, None)
    if isinstance(descriptor, property) and descriptor.fset is None:
        object.__setattr__(obj, name, value)


def attach_and_set(obj: Any, state: Tracking, name: str, value: Any) -> None:
    """Assigns an attribute where something may wait for its edge. The caller holds what the attribute was before.

    Mostly that is one restore, which wants what is simple: it ends with assignments, and edge and attribute follow, without a
    call between.
    """
    global version
    _refuse_read_only(obj, name, value)
    with restoring:
        watchers, edges = state.watchers, state.edges
        waiting = watchers.get(name) if watchers else None
        if waiting is None or type(waiting) is list or name in edges or ANY in watchers:  # type: ignore[operator]
            attach_and(obj, name, value, (_set, obj, name, value))
            return
        child, tick = value._stand_in(), next(_ticks)
        try:
            del watchers[name]  # type: ignore[union-attr]
            if waiting.arrived(name, child):
                version = tick
                edges[name] = child
                _set(obj, name, value)
                return
        except BaseException:
            if name not in edges:  # nothing has happened
                watchers[name] = waiting  # type: ignore[index]
            elif not _has(obj, name, value):
                _put_back(edges, name, child, _MISSING)
            raise
        watchers[name] = waiting  # type: ignore[index]
        attach_and(obj, name, value, (_set, obj, name, value))


def attach_and(parent: Any, name: str, child: Any, *steps: tuple[Any, ...]) -> None:
    """``attach``, and ``at_once`` the steps by which the parent takes the child. If they are not done, the edge is as before.

    To be called under ``restoring``.
    """
    global version
    state = tracking(parent)
    edges = state.edges
    before, tick, undone = edges.get(name, _MISSING), next(_ticks), [True]
    try:
        _link(parent, state, name, child)
        at_once(*steps, (undone.clear,))
    except BaseException:
        if undone:  # no call up to here, so that a second Ctrl-C can come only behind it
            version = tick
            if before is not _MISSING:
                edges[name] = before
            elif name in edges:
                del edges[name]
        raise


def tracking(obj: Any) -> Tracking:
    """The object's own tracking state, made at first use: a subclass need not call its base's ``__init__`` (S4)."""
    state: Tracking | None = getattr(obj, "_tracking", None)
    if state is None or state.shared:
        new = new_tracking()
        with _making_tracking:  # one, whichever thread comes first
            state = getattr(obj, "_tracking", None)
            if state is None or state.shared:
                if state is not None:
                    new.update_uid = obj._tracking.update_uid  # now, when no restore can come between
                _set(obj, "_tracking", new)
                state = new
    return state


def share(obj: Any, before: Tracking, new: SharedTracking) -> None:
    """Lets an object carry ``new`` instead of ``before``, which is shared; its own, if it has one by now, gets the uid."""
    if obj._tracking is before:
        obj._tracking = new  # no call since the comparison, so nobody has come between
    else:
        tracking(obj).update_uid = new.update_uid


def changed() -> None:
    """Notes that some object's edges or slots are different now."""
    global version
    version = next(_ticks)


def attach(parent: Any, name: str, child: Any) -> Callable[[], None]:
    """Adds or redirects an edge and hands ``child`` to the restores that wait for it; gives a function that undoes it.

    If a restore fails, its error comes out, the edge is as it was, and the requests go on waiting.
    """
    state = tracking(parent)
    return partial(_put_back, state.edges, name, child._stand_in(), _link(parent, state, name, child))


def _link(parent: Any, state: Tracking, name: str, child: Any) -> Any:
    """``attach``; gives what the edge led to before."""
    global version
    child = child._stand_in()
    edges = state.edges
    before = edges.get(name, _MISSING)
    if before is child:
        return child
    tick = next(_ticks)
    try:
        version = tick
        edges[name] = child
        if state.watchers:
            _hand_over(state, state.watchers, parent, name, child)
    except BaseException:
        _put_back(edges, name, child, before)
        raise
    return before


def _put_back(edges: dict[str, Any], name: str, child: Any, before: Any) -> None:
    """Makes an edge what it was, unless it is another than that to ``child`` now."""
    global version
    tick = next(_ticks)
    if name in edges and edges[name] is child and child is not before:
        version = tick
        if before is _MISSING:
            del edges[name]
        else:
            edges[name] = before


def arrived(parent: Any, name: Any, child: Any) -> None:
    """Hands ``child`` to the restores that wait for it at ``parent`` under ``name``, without making an edge.

    For classes that compute their edges, and for slot variables. If a restore fails, the requests go on waiting.
    """
    state = tracking(parent)
    if state.watchers:
        _hand_over(state, state.watchers, parent, name, child)


def _hand_over(state: Tracking, watchers: dict[Any, Any], parent: Any, name: Any, child: Any) -> None:
    """``arrived`` where something waits at ``parent``."""
    with restoring:
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


def detach(obj: Any, name: str, *steps: tuple[Any, ...]) -> None:
    """Removes an edge, if there is one, and does the steps (see ``at_once``), whether there is one or not."""
    global version
    edges = tracking(obj).edges
    held = edges.get(name), getattr(obj, "__dict__", _NO_ATTRIBUTES).get(name)  # so that nothing is finalized between
    tick, doing = next(_ticks), starmap(call, steps)
    if held[0] is not None and name in edges:
        version = tick
        del edges[name]
    exhaust(doing)
