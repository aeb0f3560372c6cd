"""What objects hold without an edge: the places where a checkpoint waits in vain. For explanations; changes nothing."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Mapping
from typing import Any

from minitf.checkpoint.walking import Walk, edges_of
from minitf.explain.why.facts import Attribute, Hidden
from minitf.objects.trackable import Tracked, wrap
from minitf.saved import SavedGraph

SEARCHED = 100  # how many elements of a container are looked at


def attributes(graph: SavedGraph, walk: Walk, bound: list[int | None]) -> dict[tuple[int, str], Attribute]:
    """What stands in attributes at whose names the checkpoint waits."""
    out: dict[tuple[int, str], Attribute] = {}
    for node, number in enumerate(bound):
        if number is None or number < 0:
            continue
        obj = walk.objects[number]
        own = getattr(obj, "__dict__", None)
        if not own:
            continue
        for name, child in graph.nodes[node].children:
            if bound[child] is None and name in own:
                found = _attribute(own[name])
                if found is not None:
                    out[number, name] = found
    return out


def hidden(graph: SavedGraph, walk: Walk, bound: list[int | None]) -> dict[int, list[Hidden]]:
    """What the attributes of objects at which the checkpoint waits hold without an edge, under whatever names."""
    out: dict[int, list[Hidden]] = {}
    for node, number in enumerate(bound):
        if number is None or number < 0 or number in out:
            continue
        if all(bound[child] is not None for _, child in graph.nodes[node].children):
            continue
        obj = walk.objects[number]
        edges, here = edges_of(obj), out.setdefault(number, [])
        for name, value in list(getattr(obj, "__dict__", {}).items()):
            found = None if name in edges else _attribute(value)
            if found is not None and found.what != "plain":
                here.append(Hidden(name, found, _edge_names(_inside(value))))
    return out


def _edge_names(obj: Any) -> frozenset[str]:
    try:
        return frozenset(edges_of(obj))
    except ValueError:  # a list or dict that cannot be listed any more
        return frozenset()


def _inside(value: Any) -> Any:
    """The trackable object that an attribute is or holds."""
    if isinstance(value, weakref.ref):
        value = value()
    if isinstance(value, Tracked):
        return value
    name = _held(value)
    inside = _parts(value)
    held = next(held for key, held in inside.items() if str(key) == name)
    return held if isinstance(held, Tracked) else next(one for one in held if isinstance(one, Tracked))


def _attribute(value: Any) -> Attribute | None:
    if isinstance(value, weakref.ref):
        value = value()
    kind = type(value).__name__
    if value is None:
        return None
    if isinstance(value, Tracked):
        return Attribute("untracked", kind)
    inner = _held(value)
    if inner is not None:
        what = "untracked" if wrap(value) is not value else "wrapper"
        return Attribute(what, kind, inner)
    return Attribute("plain", kind)


def _held(value: Any) -> str | None:
    """Where in an object or container that is not trackable a trackable object is: its attribute, key or index."""
    for name, held in list(_parts(value).items())[:SEARCHED]:
        if isinstance(held, Tracked):
            return str(name)
        if isinstance(held, (list, tuple)) and any(isinstance(one, Tracked) for one in held[:SEARCHED]):
            return str(name)
    return None


def _parts(value: Any) -> Mapping[Any, Any]:
    """What an object or container that is not trackable holds."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return dict(enumerate(list(value)[:SEARCHED]))
    return getattr(value, "__dict__", None) or {}
