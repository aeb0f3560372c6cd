"""The commonest attachment, by a short cut: one restore waits for a variable, and nothing else comes with it.

In a deferred restore nearly every object arrives like this. The result is what an attempt would give, down to the journal; in
every other case, and if anything fails, nothing has happened yet and the attempt is made.
"""

from __future__ import annotations

from typing import Any

from minitf import journal as events
from minitf.checkpoint.requests import Request
from minitf.checkpoint.walking import kind_of
from minitf.objects.trackable import tracking


def restored_alone(request: Request, parent: Any, name: Any, child: Any) -> bool:
    """Restores ``child`` if it is a variable that ``request`` alone waits for. False if it is not that simple."""
    r, node = request.restoration, request.node
    if r is None:
        return False
    key, kind = r.keys[node], kind_of(type(child))
    if key is None or type(name) is not str or not kind.variable or not kind.plain or node in r.slots:
        return False
    handle, state = child._handle, tracking(child)
    if state.update_uid >= r.uid or handle.home is not r.home or r.object_at(node) is not None:
        return False
    try:
        built = r.home.apply_one(handle, key, r.source, r.cache)
    except Exception:
        return False  # the attempt fails too, and takes note of it
    raw, number_of = r.journal.raw, r.number_of
    raw.append(("Step", events.clock(), "attach", number_of(parent), name))
    number = number_of(child)
    r.bound[node] = r.objects[number]
    state.update_uid = r.uid
    raw.append(("Bound", number, node, request.parent, name))
    r.note_matched((node,))
    if built is None:
        raw.append(("Assigned", number, node, key, handle.cell.writes))
    else:
        r.ops.extend((built,))  # not append: a stream of restores listens to extend
        raw.append(("OpBuilt", number, node, key, built.name, built.reused))
    return True
