"""Pairing whole layers at once.

In a large model nearly every object is a variable of some layer, and nearly every layer has just the variables that the
checkpoint has for it. Looking at each of ten thousand variables by itself, and writing down two events about it, takes longer
than reading their values. So the variables of consecutive layers are paired in columns, if all is as it mostly is: all there,
all ordinary variables of this mode, met for the first time, and reached by no newer restore. What comes out is what pairing
them one by one gives, event by event; if anything is different, that is done, and nothing has happened yet.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain, islice, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from minitf.checkpoint.walking import edges_of, kind_of
from minitf.objects.edges import tracking
from minitf.objects.variable import Variable

if TYPE_CHECKING:
    from minitf.checkpoint.match import Match
    from minitf.checkpoint.restoration import Restoration

_tracking_of = attrgetter("_tracking")
_uid_of = attrgetter("update_uid")
_handle_of = attrgetter("_handle")
_name_of = attrgetter("name")


class Stretch(NamedTuple):
    """Variables that stand below consecutive layers, and are the nodes ``start``, ``start + 1``, ... of the checkpoint.

    ``layers``: of each layer its node and the names of its edges; ``there``: the live variables.
    """

    start: int
    layers: list[tuple[int, tuple[str, ...]]]
    there: list[Any]


def pair_layers(match: Match, at: int) -> tuple[int, bool]:
    """Pairs the variables of the layers that wait in the match's queue from place ``at`` on.

    Gives the number of layers, and whether it could be done; if not, they are to be paired one by one.
    """
    found = _stretch(match.restoration, match.queue, at)
    return (len(found.layers), _pair(match, found)) if found.layers else (1, False)


def _stretch(r: Restoration, queue: Sequence[tuple[int, Any, int]], at: int) -> Stretch:
    """The layers that stand together in the queue, and all of whose variables are there."""
    layers, slots = r.layers, r.slots
    found = Stretch(layers[queue[at][0]].first, [], [])
    stop = found.start
    for node, obj, _ in islice(queue, at, None):
        layer = layers.get(node)
        if layer is None or layer.first != stop or node in slots:
            break
        if found.layers and not kind_of(type(obj)).plain:
            break  # edges that are computed, which may fail: in its turn
        names, live = layer.names, edges_of(obj)
        if type(live) is not dict:
            break  # perhaps one that makes what it is asked for
        if tuple(live) == names:
            found.there.extend(live.values())
        elif live.keys() >= set(names):
            found.there.extend([live[name] for name in names])
        else:
            break
        stop += len(names)
        found.layers.append((node, names))
    return found


def _pair(match: Match, found: Stretch) -> bool:
    """Pairs all the variables of a stretch, or none."""
    r = match.restoration
    start, layers, there = found
    stop = start + len(there)
    classes, keys = set(map(type, there)), r.keys[start:stop]
    if not all(kind.plain and kind.variable for kind in map(kind_of, classes)):
        return False
    ids = set(map(id, there))
    if len(ids) < len(there) or not all(keys) or any(r.bound[start:stop]) or r.has_numbered(ids):
        return False
    try:
        carried = set(map(_tracking_of, there))
    except AttributeError:  # of one that has none yet
        carried = set(map(tracking, there))
    if max(map(_uid_of, carried)) >= r.uid:
        return False
    handles, home = list(map(_handle_of, there)), r.home
    if [handle for handle in handles if handle.home is not home]:
        return False
    refs = list(map(weakref.ref, there))
    number = r.add_numbers(refs)
    match.take(handles, keys, range(number, number + len(there)), range(start, stop))  # first: to be undone
    r.bound[start:stop] = refs
    match.reach(there, carried.pop() if len(carried) == 1 and classes == {Variable} else None)
    kinds = [classes.pop().__name__] * len(there) if len(classes) == 1 else [type(variable).__name__ for variable in there]
    r.journal.later(2 * len(there), partial(_events, number, start, kinds, list(map(_name_of, handles)), layers))
    if r.slots:
        last = zip(range(start, stop), there, range(number, number + len(there)), strict=True)
        match.queue.extend([entry for entry in last if entry[0] in r.slots])
    return True


def _events(
    number: int, start: int, kinds: list[str], variables: list[str], layers: list[tuple[int, tuple[str, ...]]]
) -> Iterator[tuple[Any, ...]]:
    """That each variable was seen, and bound."""
    parents = chain.from_iterable([repeat(node, len(names)) for node, names in layers])
    edges = chain.from_iterable([names for _, names in layers])
    numbers, nodes = range(number, number + len(kinds)), range(start, start + len(kinds))
    for n, kind, variable, node, parent, edge in zip(numbers, kinds, variables, nodes, parents, edges, strict=True):
        yield "Seen", n, kind, variable
        yield "Bound", n, node, parent, edge
