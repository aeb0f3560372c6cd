"""Wakeup trees: the beginnings of executions that are still to be tried from a point.

A branch is one step (which sequence it belongs to, what it touches) with the branches that follow. Inserting a sequence adds
only what no branch covers yet, up to the order of independent steps. See "Optimal dynamic partial order reduction" (P. Abdulla,
S. Aronis, B. Jonsson, K. Sagonas, POPL 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.explore.steps import Access


class Branch:
    """One step and what is to be tried after it, oldest first."""

    __slots__ = ("access", "children", "key")

    def __init__(self, key: Any, access: Access, children: list[Branch] | None = None):
        self.key = key
        self.access = access
        self.children: list[Branch] = children if children is not None else []

    def copy(self) -> Branch:
        """The branch with all below, so that trying it out leaves the original alone."""
        return Branch(self.key, self.access, [c.copy() for c in self.children])


class Taken:
    """A step as an execution took it: ``bit`` is its place, ``before`` the places of all steps that happen before it."""

    __slots__ = ("access", "before", "bit", "key")

    def __init__(self, key: Any, access: Access, bit: int, before: int):
        self.key = key
        self.access = access
        self.bit = bit
        self.before = before


def may_begin(key: Any, access: Access, sequence: Sequence[Taken]) -> int | None:
    """Whether an equivalent of ``sequence`` (perhaps with more behind it) begins with this step (a *weak initial*).

    The place in the sequence of the step, ``len(sequence)`` if it is not there but commutes with all of it, None if not.
    """
    earlier = 0
    for place, taken in enumerate(sequence):
        if taken.key == key:
            return None if taken.before & earlier else place
        earlier |= taken.bit
    return None if any(access.conflicts(taken.access) for taken in sequence) else len(sequence)


def insert(branches: list[Branch], sequence: Sequence[Taken]) -> None:
    """Adds a sequence unless a branch leads to an equivalent of it anyway."""
    left = list(sequence)
    while left:
        for branch in branches:
            place = may_begin(branch.key, branch.access, left)
            if place is not None:
                break
        else:
            for taken in left:
                branches.append(Branch(taken.key, taken.access))
                branches = branches[-1].children
            return
        if place < len(left):
            del left[place]
        branches = branch.children
        if not branches:
            return  # whatever is tried after this branch includes the sequence
