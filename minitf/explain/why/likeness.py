"""Which of the live objects looks like a saved one: by what is below it, then by names.

An object has three *looks*, each made bottom-up from those of its children on the tree of shortest paths, so all of them
together cost time in proportion to the objects:

* ``exact``: names of edges and values, dtypes, shapes;
* ``forms``: dtypes and shapes, whatever the names;
* ``names``: names, whatever the dtypes and shapes.

Looks are numbers; equal numbers mean equal looks, also between a saved and a live tree that share one ``Looks``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher
from typing import NamedTuple

from minitf.explain.why.facts import Facts, Form, SavedTree

MANY = 40  # beyond so many on one side, names are not compared one by one
APART = 4  # names of which one is so many times as long as the other cannot be similar,
LONG = 250  # and of longer ones so many letters are compared: the time grows with the product of the lengths


class Look(NamedTuple):
    """How an object looks.

    ``size``: the number of values in and below it; ``rank``: the highest rank among them; ``leaf``: it has no children;
    ``slots``: it keeps slot variables.
    """

    exact: int
    forms: int
    names: int
    size: int
    rank: int
    leaf: bool
    slots: bool


class Looks:
    """Gives equal numbers to equal looks."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def _number(self, look: Hashable) -> int:
        return self._numbers.setdefault(look, len(self._numbers))

    def of_tree(
        self, order: Sequence[int], parent: Sequence[int], edge: Sequence[str],
        values: Sequence[list[tuple[str, Form | None]]], slots: set[int],
    ) -> dict[int, Look]:  # fmt: skip
        """The looks of all objects of a tree, given breadth first."""
        below: dict[int, list[tuple[str, Look]]] = defaultdict(list)
        out: dict[int, Look] = {}
        for number in reversed(order):
            children = below.pop(number, [])
            mine = sorted([(name, self._number(form)) for name, form in values[number]])
            if children:
                exact = self._number(("exact", *mine, *sorted([(name, look.exact) for name, look in children])))
                forms = self._number(
                    ("forms", *sorted([form for _, form in mine]), *sorted([look.forms for _, look in children if look.size]))
                )
                names = self._number(
                    ("names", *[name for name, _ in mine], *sorted([(name, look.names) for name, look in children]))
                )
            else:
                exact = self._number(("exact", *mine))
                forms = self._number(("forms", *sorted([form for _, form in mine])))
                names = self._number(("names", *[name for name, _ in mine]))
            size = len(mine) + sum(look.size for _, look in children)
            ranks = [len(form.shape) for _, form in values[number] if form is not None and form.shape is not None]
            rank = max([*ranks, *(look.rank for _, look in children)], default=0)
            out[number] = look = Look(exact, forms, names, size, rank, not children, number in slots)
            if parent[number] >= 0 and number != order[0]:
                below[parent[number]].append((edge[number], look))
        return out


def saved_looks(looks: Looks, saved: SavedTree, facts: Facts) -> dict[int, Look]:
    """The looks of the nodes of a checkpoint."""
    values = [[(v.name, facts.form_of(v.key)) for v in node.values] for node in saved.graph.nodes]
    owners = {number for number, node in enumerate(saved.graph.nodes) if node.slots}
    return looks.of_tree(saved.order, saved.parent, saved.edge, values, owners)


def live_looks(looks: Looks, facts: Facts) -> dict[int, Look]:
    """The looks of the objects of the live tree (without slot variables)."""
    values = [[(v.name, v.form) for v in obj.values] for obj in facts.live]
    owners = {number for number, obj in enumerate(facts.live) if obj.keeps_slots}
    return looks.of_tree(range(facts.tree), facts.parent, facts.edge, values, owners)


class Candidate(NamedTuple):
    """An edge that found no counterpart: its name, the object it leads to, and how that looks."""

    name: str
    number: int
    look: Look


def pairs(saved: Sequence[Candidate], live: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Which saved edges of one object are which live ones under other names, as far as there is evidence.

    First those that look exactly alike, then those of equal dtypes and shapes, then those with equal names below, then
    optimizers, at last those with similar names. Of several that look alike the names decide, or else the order.
    """
    out: list[tuple[Candidate, Candidate]] = []
    left, right = list(saved), list(live)
    for kind in ("exact", "forms", "names", "slots"):
        groups: dict[Hashable, tuple[list[Candidate], list[Candidate]]] = defaultdict(lambda: ([], []))
        for side, candidates in enumerate((left, right)):
            for candidate in candidates:
                look = candidate.look
                if look.size or (kind == "slots" and look.slots):
                    groups[getattr(look, kind)][side].append(candidate)
        if kind == "slots":
            groups.pop(False, None)
        for of_saved, of_live in groups.values():
            out += [pair for pair in _alike(of_saved, of_live) if kind != "names" or not pair[0].look.leaf]
        left, right = _rest(left, right, out)
    return out + _by_names(left, right, 0.72)


def _rest(
    saved: list[Candidate], live: list[Candidate], found: list[tuple[Candidate, Candidate]]
) -> tuple[list[Candidate], list[Candidate]]:
    a, b = {id(one) for one, _ in found}, {id(other) for _, other in found}
    return [c for c in saved if id(c) not in a], [c for c in live if id(c) not in b]


def _alike(saved: list[Candidate], live: list[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Pairs among candidates of one look."""
    if not saved or not live:
        return []
    if len(saved) == len(live):
        counters = [stem(c.name) for c in saved] == [stem(c.name) for c in live]
        if len(saved) == 1 or counters:
            return [(a, b) for a, b in zip(saved, live, strict=True) if _strong(a, b, alone=len(saved) == 1)]
    found = _by_names(saved, live, 0.4)
    left, right = _rest(saved, live, found)
    if len(left) == len(right):
        found += [(a, b) for a, b in zip(left, right, strict=True) if _strong(a, b, alone=len(saved) == 1)]
    return found


def _strong(a: Candidate, b: Candidate, alone: bool) -> bool:
    """A single number looks like any other: then the names must be similar, too. So must those of one of several arrays."""
    if a.look.size > 1 or a.look.slots or (alone and a.look.rank):
        return True
    return similarity(a.name, b.name) >= 0.5 or stem(a.name) == stem(b.name)


def _by_names(saved: list[Candidate], live: list[Candidate], least: float) -> list[tuple[Candidate, Candidate]]:
    """Pairs with similar names, the most similar first. Both must have values, or neither."""
    if not saved or not live or len(saved) > MANY or len(live) > MANY:
        return []
    scored = [
        (similarity(a.name, b.name), -i, -j, a, b)
        for i, a in enumerate(saved)
        for j, b in enumerate(live)
        if a.look.leaf == b.look.leaf or not b.look.size
    ]
    found: list[tuple[Candidate, Candidate]] = []
    taken: set[int] = set()
    for score, _, _, a, b in sorted(scored, key=lambda s: s[:3], reverse=True):
        if score >= least and id(a) not in taken and id(b) not in taken:
            taken |= {id(a), id(b)}
            found.append((a, b))
    return found


def stem(name: str) -> str:
    """A name without the counter at its end: ``dense_1`` and ``dense_12`` are both ``dense``."""
    end = len(name)
    while end and name[end - 1].isdecimal():
        end -= 1
    if end == len(name):
        return name
    return name[: end - (end > 0 and name[end - 1] in "_-")]


def similarity(a: str, b: str) -> float:
    """How similar two names are, from 0 to 1; case and underscores do not count."""
    x, y = (name.lower().replace("_", "") for name in (a, b))
    if x == y:
        return 1.0
    if min(len(x), len(y)) >= 3 and (x.startswith(y) or y.startswith(x) or x.endswith(y) or y.endswith(x)):
        return 0.8
    if max(len(x), len(y)) > APART * min(len(x), len(y)):
        return 0.0
    return SequenceMatcher(None, x[:LONG], y[:LONG], autojunk=False).ratio()


def overlap(names: Iterable[str], others: AbstractSet[str]) -> float:
    """Which share of all these names both sides have, from 0 to 1. Costs time for the first side only."""
    distinct = set(names)
    common = sum(name in others for name in distinct)
    return common / (len(distinct) + len(others) - common) if common else 0.0
