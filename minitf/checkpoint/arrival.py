"""The commonest attachments, by short cuts: one restore waits for a variable, or for a layer that has nothing yet.

In a deferred restore nearly every object arrives like this. The result is what an attempt would give, down to the journal; in
every other case, and if anything fails, nothing has happened yet and the attempt is made.
"""

from __future__ import annotations

from typing import Any

from minitf.checkpoint.requests import Request
from minitf.checkpoint.restoration import Restoration
from minitf.checkpoint.walking import kind_of
from minitf.journal import LAYER, VARIABLE, clock
from minitf.objects.edges import share, tracking
from minitf.objects.variable import Variable


def restored_alone(request: Request, parent: Any, name: Any, child: Any) -> bool:
    """Does what ``request``, which alone waits for ``child``, asks for. False if that is not simple."""
    r, node = request.restoration, request.node
    if r is None or type(name) is not str or node in r.slots:
        return False
    if r.keys[node] is None:
        return node in r.layers and _layer_came(r, request, parent, name, child)
    return _variable_came(r, node, request.parent, r.number_of(parent), name, child)


class LayerRequests:
    """What waits for the variables of a layer that has come: the requests, which are made when somebody looks at them."""

    __slots__ = ("_first", "_node", "_number", "_places", "_request", "_restoration")

    def __init__(self, r: Restoration, request: type[Request], node: int, number: int, first: int, places: dict[str, int]):
        self._restoration = r
        self._request = request  # the class
        self._node = node
        self._number = number  # of the layer in the journal
        self._first = first  # of the variables' nodes
        self._places = places  # by name: the how many-th

    def at(self, name: str) -> list[Request]:
        """The request for one name, in a list."""
        return [self._request(self._restoration, self._first + self._places[name], self._node)]

    def arrived(self, name: str, child: Any) -> bool:
        """Restores ``child``, which has come under ``name``. False if that is not simple: then nothing has happened."""
        r, node = self._restoration, self._first + self._places[name]
        return node not in r.slots and _variable_came(r, node, self._node, self._number, name, child)


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
    places = r.places.get(names)
    if places is None:
        places = r.places[names] = {edge: place for place, edge in enumerate(names)}
    waiting = dict.fromkeys(names, LayerRequests(r, type(request), node, number, first, places))
    r.claimed.add(node)
    kind_name = type(child).__name__
    r.journal.arrived((LAYER, clock(), above, name, number, kind_name, node, request.parent, names, first))
    state.update_uid, state.watchers, r.bound[node] = r.uid, waiting, r.objects[number]  # all three, whoever interrupts
    return True


def _variable_came(r: Restoration, node: int, above: int, parent: int, name: str, child: Any) -> bool:
    """Restores ``child``, if it is an ordinary variable."""
    cls, key, ref = type(child), r.keys[node], r.bound[node]
    if key is None or (ref is not None and ref() is not None) or not (cls is Variable or _is_variable(cls)):
        return False
    handle, state = child._handle, getattr(child, "_tracking", None) or tracking(child)
    if state.update_uid >= r.uid or handle.home is not r.home:
        return False
    try:
        built = r.home.apply_one(handle, key, r.source, r.cache)
    except Exception:
        return False  # the attempt fails too, and takes note of it
    new, at, kind_name = r.number_of_new(child), clock(), cls.__name__
    number = r.number_of(child) if new is None else new
    r.claimed.add(node)
    if built is None and new is not None:
        r.journal.arrived((VARIABLE, at, parent, name, new, kind_name, handle.name, node, above, key, handle.cell.writes))
    else:
        raw = r.journal.raw
        raw.append(("Step", at, "attach", parent, name))
        if new is not None:
            raw.append(("Seen", new, kind_name, handle.name))
        raw.append(("Bound", number, node, above, name))
        if built is None:
            raw.append(("Assigned", number, node, key, handle.cell.writes))
        else:
            r.ops.extend((built,))  # not append: a stream of restores listens to extend
            raw.append(("OpBuilt", number, node, key, built.name, built.reused))
    if state.shared and cls is Variable:
        share(child, state, r.reached)
    else:
        tracking(child).update_uid = r.uid
    r.bound[node] = r.objects[number]  # no call since the uid: both, whoever interrupts
    return True


def _is_variable(cls: type) -> bool:
    """True if objects of the class are variables like others."""
    kind = kind_of(cls)
    return kind.variable and kind.plain
