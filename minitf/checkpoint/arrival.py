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
from minitf.saved import VARIABLE_VALUE


def restored_alone(request: Request, parent: Any, name: Any, child: Any) -> bool:
    """Restores ``child`` if it is a variable that ``request`` alone waits for. False if it is not that simple."""
    r, node = request.restoration, request.node
    kind = kind_of(type(child))
    if r is None or type(name) is not str or not kind.variable or not kind.plain:
        return False
    saved, handle = r.graph.nodes[node], child._handle
    if saved.children or len(saved.values) != 1 or saved.values[0].name != VARIABLE_VALUE or node in r.slots:
        return False
    state = tracking(child)
    if state.update_uid >= r.uid or handle.home is not r.home or r.object_at(node) is not None:
        return False
    key = saved.values[0].key
    try:
        built = r.home.apply_one(handle, key, r.source, r.cache)
    except Exception:
        return False  # the attempt fails too, and takes note of it
    raw, number_of = r.journal.raw, r.number_of
    above = number_of(parent)
    raw.append(("Step", events.clock(), "attach", above, name))
    number = number_of(child)
    r.bound[node] = r.objects[number]
    state.update_uid = r.uid
    raw.append(("Bound", number, node, request.parent, name))
    r.note_matched((node,))
    if built is not None:
        r.ops.extend((built,))  # not append: a stream of restores listens to extend
        raw.append(("OpBuilt", number, node, key, built.op.name, built.reused))
    else:
        raw.append(("Assigned", number, node, key, handle.cell.writes))
    return True
