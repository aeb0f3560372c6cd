"""The commonest attachments, by short cuts: one restore waits for a variable, or for a layer that has nothing yet.

In a deferred restore nearly every object arrives like this. The result is what an attempt would give, down to the journal; in
every other case, and if anything fails, nothing has happened yet and the attempt is made.
"""

from __future__ import annotations

from typing import Any

from minitf import journal as events
from minitf.checkpoint.requests import Request
from minitf.checkpoint.restoration import Restoration
from minitf.checkpoint.walking import kind_of
from minitf.objects.trackable import tracking


def restored_alone(request: Request, parent: Any, name: Any, child: Any) -> bool:
    """Does what ``request``, which alone waits for ``child``, asks for. False if that is not simple."""
    r, node = request.restoration, request.node
    if r is None or type(name) is not str or node in r.slots:
        return False
    key = r.keys[node]
    if key is None:
        return node in r.layers and _layer_came(r, request, parent, name, child)
    return _variable_came(r, request, key, parent, name, child)


def _layer_came(r: Restoration, request: Request, parent: Any, name: str, child: Any) -> bool:
    """Lets what is saved below the node wait at ``child``, if that has no edges yet."""
    node, kind, state = request.node, kind_of(type(child)), tracking(child)
    names, first = r.layers[node]
    if not kind.plain or kind.variable or state.edges or state.watchers or state.update_uid >= r.uid:
        return False
    if r.bound[node] is not None or any(r.bound[first : first + len(names)]):
        return False
    above, number = r.number_of(parent), r.number_of_new(child)
    if number is None:
        return False
    state.update_uid = r.uid
    state.watchers = {}
    r.bound[node] = r.objects[number]
    r.claimed.add(node)
    raw, wish = r.journal.raw, type(request)
    raw.append(("Step", events.clock(), "attach", above, name))
    raw.append(("Seen", number, type(child).__name__, ""))
    raw.append(("Bound", number, node, request.parent, name))
    raw.extend([("Waiting", number, node, edge, below) for below, edge in enumerate(names, first)])
    for below, edge in enumerate(names, first):
        state.watchers[edge] = [wish(r, below, node)]
    return True


def _variable_came(r: Restoration, request: Request, key: str, parent: Any, name: str, child: Any) -> bool:
    """Restores ``child``, if it is an ordinary variable."""
    node, kind = request.node, kind_of(type(child))
    if not kind.variable or not kind.plain:
        return False
    handle, state = child._handle, tracking(child)
    if state.update_uid >= r.uid or handle.home is not r.home or r.object_at(node) is not None:
        return False
    try:
        built = r.home.apply_one(handle, key, r.source, r.cache)
    except Exception:
        return False  # the attempt fails too, and takes note of it
    above, new = r.number_of(parent), r.number_of_new(child)
    state.update_uid = r.uid
    r.claimed.add(node)
    if built is None and new is not None:
        r.bound[node] = r.objects[new]
        r.journal.arrived(
            events.clock(), above, name, new, type(child).__name__, handle.name, node, request.parent, key, handle.cell.writes
        )
        return True
    raw = r.journal.raw
    raw.append(("Step", events.clock(), "attach", above, name))
    if new is not None:
        raw.append(("Seen", new, type(child).__name__, handle.name))
    number = r.number_of(child)
    r.bound[node] = r.objects[number]
    raw.append(("Bound", number, node, request.parent, name))
    if built is None:
        raw.append(("Assigned", number, node, key, handle.cell.writes))
    else:
        r.ops.extend((built,))  # not append: a stream of restores listens to extend
        raw.append(("OpBuilt", number, node, key, built.name, built.reused))
    return True
