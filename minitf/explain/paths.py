"""Paths as people read them: ``(root).model.w``. Of long ones the middle is left out.

All paths of a deep tree are far larger than the tree: of a file of a megabyte they would fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

LONG = 2000  # letters: of a longer path the middle is left out,
ENDS = 500  # and so many stay at both ends

Column = Sequence[int] | Mapping[int, int]
Names = Sequence[str] | Mapping[int, str]


class PathTexts:
    """The paths of the objects of a tree, by number; ``order`` has parents before their children.

    ``parent`` of a root is itself, or less than 0. Objects that are not in ``order`` stand for roots.
    """

    __slots__ = ("_edge", "_heads", "_letters", "_parent", "_top")

    def __init__(self, order: Iterable[int], parent: Column, edge: Names, top: str = "(root)"):
        self._parent = parent
        self._edge = edge
        self._top = top
        self._letters: dict[int, int] = {}
        self._heads: dict[int, str] = {}  # of long paths
        letters, heads, start = self._letters, self._heads, len(top)
        for number in order:
            above = parent[number]
            if above < 0 or above == number:
                continue
            letters[number] = count = letters.get(above, start) + 1 + len(edge[number])
            if count > LONG:
                heads[number] = heads.get(above) or f"{self.text(above)}.{edge[number]}"[:ENDS]

    def text(self, number: int) -> str:
        """The path of an object."""
        head, names, at = self._heads.get(number), [], number
        if head is None:
            while at in self._letters:
                names.append(self._edge[at])
                at = self._parent[at]
            return ".".join([self._top, *reversed(names)])
        room = ENDS
        while room > 0:
            names.append(self._edge[at])
            room -= 1 + len(names[-1])
            at = self._parent[at]
        tail = ".".join(reversed(names))[-ENDS:]
        return f"{head}[and {self._letters[number] - len(head) - len(tail)} letters more]{tail} (object {number})"


def climb(number: int, parent: Column, stops: Callable[[int], bool], known: dict[int, int]) -> int:
    """The first object at or above ``number`` that stops. What was found is kept in ``known``, so that nobody climbs twice."""
    way = []
    while (found := known.get(number)) is None and not stops(number):
        way.append(number)
        number = parent[number]
    found = number if found is None else found
    known.update(dict.fromkeys(way, found))
    return found
