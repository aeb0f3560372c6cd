"""When two states are the same but for names: a form that equal states share.

Everything that the reference model knows goes in, of both modes at once: objects with their edges in order, what waits,
checkpoints, restores with what they have bound and what they will assign. Objects count by when they are come upon, values and
numbers of restores by their order, and the numbers 1 to 3 of the objects (with the letters of their edges) by the least of all
ways to exchange them.
"""

from __future__ import annotations

import itertools
from typing import Any

from enumeration.sides import OfModel
from enumeration.steps import LETTERS

_KIND = {"node": 1, "variable": 2}


class _Writer:
    """Writes the state of the two modes down, with the objects 1 to 3 in a given order."""

    def __init__(self, order: tuple[int, ...]):
        self.order = order
        self.letters = {LETTERS[i]: place for place, i in enumerate(order)}
        self.values: dict[Any, int] = {None: 0}

    def value(self, value: Any) -> int:
        return self.values.setdefault(value, len(self.values))

    def file(self, nodes: Any) -> Any:
        if nodes is None:
            return None
        children = [tuple([(self.letters[name], c) for name, c in n.children]) for n in nodes]
        return tuple(
            [(_KIND[n.kind], self.value(n.value), n.carries, below) for n, below in zip(nodes, children, strict=True)]
        )

    def side(self, side: OfModel) -> Any:
        objects: dict[int, int] = {}
        queue: list[Any] = []

        def number(obj: Any) -> int:
            if id(obj) not in objects:
                objects[id(obj)] = len(objects)
                queue.append(obj)
            return objects[id(obj)]

        restores: dict[int, Any] = {}
        top = [None if side.objects[i] is None else number(side.objects[i]) for i in self.order]
        told = []
        for obj in queue:  # which grows
            edges = tuple([(self.letters[name], number(c)) for name, c in obj.edges.items()])
            waiting = []
            for name, requests in obj.waiting.items():
                restores.update((restoration.uid, restoration) for restoration, _ in requests)
                waiting.append((self.letters[name], tuple([(r.uid, node) for r, node in requests])))
            valued = obj.kind == "variable"
            told.append([_KIND[obj.kind], self.value(obj.value) if valued else 0, self.value(obj.initial) if valued else 0,
                         edges, obj.uid, tuple(sorted(waiting))])  # fmt: skip
        statuses = []
        for place, i in enumerate(self.order):
            status = side.statuses.get(i)
            if status is not None:
                restores[status.restoration.uid] = status.restoration
                statuses.append((place, status.restoration.uid))
        lines = []
        for uid in sorted(restores):
            r = restores[uid]
            bound = tuple(sorted((node, number(o)) for node, o in r.bound.items()))
            seen = tuple(sorted(number(o) for o in r.seen))
            later = tuple([(number(o), node) for o, node in r.assignments])
            lines.append((uid, self.file(r.nodes), bound, seen, tuple(sorted(r.unused)), later))
        for obj in queue[len(told) :]:  # objects that only restores know
            valued = obj.kind == "variable"
            told.append([_KIND[obj.kind], self.value(obj.value) if valued else 0, self.value(obj.initial) if valued else 0,
                         (), obj.uid, ()])  # fmt: skip
        ranks = {uid: rank for rank, uid in enumerate(sorted({*restores, *(t[4] for t in told)}))}
        return (
            tuple(top),
            tuple((k, v, w, edges, ranks[uid], tuple([(name, tuple([(ranks[u], n) for u, n in rs])) for name, rs in waiting]))
                  for k, v, w, edges, uid, waiting in told),
            tuple([(place, ranks[uid]) for place, uid in statuses]),
            tuple([(ranks[uid], *rest) for uid, *rest in lines]),
            self.file(side.files.get("A")), self.file(side.files.get("B")), min(side.saves, 2),
        )  # fmt: skip


def _invariant(sides: tuple[OfModel, OfModel], i: int) -> Any:
    """Something about an object that exchanging names does not change, to spare most orders."""
    obj, other = sides[0].objects[i], sides[1].objects[i]
    if obj is None:
        return ()
    into = sum(c is obj for o in sides[0].objects if o is not None for c in o.edges.values())
    named = sum(LETTERS[i] in o.edges for o in sides[0].objects if o is not None)
    return (_KIND[obj.kind], len(obj.edges), into, named, len(obj.waiting), other.value is None, i in sides[0].statuses)


def canonical(sides: tuple[OfModel, OfModel]) -> int:
    """The form of the state, as a hash of 64 bits (the same within one process)."""
    groups: dict[Any, list[int]] = {}
    for i in (1, 2, 3):
        groups.setdefault(_invariant(sides, i), []).append(i)
    least: Any = None
    sets = [groups[key] for key in sorted(groups)]
    for parts in itertools.product(*map(itertools.permutations, sets)):
        writer = _Writer((0, *itertools.chain(*parts)))
        form = writer.side(sides[0]), writer.side(sides[1])
        text = repr(form)
        if least is None or text < least:
            least = text
    return hash(least)
