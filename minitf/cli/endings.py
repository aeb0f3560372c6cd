"""Names that end alike: which belong together, if each is to have one partner at most.

Two names are as close as the parts are many that they have in common at their end: ``a/dense/w`` and ``b/dense/w`` two. A pair
is sure if nothing is as close to either of them as they are to each other. Pairs that are sure are taken away, so that others
may become sure; who has several that are closest stays alone, and nobody else gets one of these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping


def pairs_by_ending(
    first: Mapping[str, tuple[Iterable[str], Hashable]], second: Mapping[str, Hashable]
) -> list[tuple[str, str]]:
    """The sure pairs, the closest first.

    ``first`` has for each thing the names that it goes by, and its kind; ``second`` the kinds of names. Only those of one kind
    go together. The time grows with the number of names and their parts, not with the number of pairs that end alike.
    """
    alike: defaultdict[tuple[Hashable, int], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    endings = Endings()
    for thing, (names, kind) in first.items():
        for ending in {ending for name in names for ending in endings.of(name)}:
            alike[kind, ending][0].append(thing)
    for name, kind in second.items():
        for ending in endings.of(name):
            alike[kind, ending][1].append(name)
    levels: defaultdict[int, list[tuple[list[str], list[str]]]] = defaultdict(list)
    for (_, ending), sides in alike.items():
        if all(sides):
            levels[endings.parts[ending]].append(sides)
    out: list[tuple[str, str]] = []
    used: tuple[set[str], set[str]] = set(), set()
    blocked: tuple[set[str], set[str]] = set(), set()  # closer to somebody who is still alone
    for _, groups in sorted(levels.items(), reverse=True):
        sure = list(_sure(groups, used, blocked))
        out += sure
        for side in (0, 1):
            used[side].update(pair[side] for pair in sure)
        for sides in groups:
            alone = [[name for name in sides[side] if name not in used[side]] for side in (0, 1)]
            if all(alone):
                for side in (0, 1):
                    blocked[side].update(alone[side])
    return out


def _sure(
    groups: Iterable[tuple[list[str], list[str]]], used: tuple[set[str], set[str]], blocked: tuple[set[str], set[str]]
) -> Iterator[tuple[str, str]]:
    """Pairs of one closeness in which neither has another as close."""
    partners: tuple[defaultdict[str, set[str]], defaultdict[str, set[str]]] = defaultdict(set), defaultdict(set)
    for sides in groups:
        free = [[name for name in sides[side] if name not in used[side] and name not in blocked[side]] for side in (0, 1)]
        for side in (0, 1):
            for name in free[side]:
                partners[side][name].update(free[1 - side][:2])  # two say as much as many
    for thing, names in partners[0].items():
        if len(names) == 1 and len(partners[1][name := next(iter(names))]) == 1:
            yield thing, name


class Endings:
    """Numbers for the endings of names: an ending is a part and a shorter ending. ``parts``: of how many parts each is."""

    def __init__(self) -> None:
        self.parts = [0]
        self._numbers: dict[tuple[str, int], int] = {}

    def of(self, name: str) -> list[int]:
        """The endings of a name, the longest first."""
        out, ending = [], 0
        for part in reversed(name.split("/")):
            longer = self._numbers.setdefault((part, ending), len(self.parts))
            if longer == len(self.parts):
                self.parts.append(self.parts[ending] + 1)
            ending = longer
            out.append(ending)
        return out[::-1]
