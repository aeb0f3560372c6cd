"""The steps of programs over four objects, and which of them are possible.

Object 0 is a node and is there from the beginning. Objects 1 to 3 are nodes or variables; they are made, and dropped, by the
program. The edge to object ``i`` is called ``LETTERS[i]``, until a re-attachment points it elsewhere.

    ("create", i, kind)       object i is made
    ("attach", p, c)          the edge LETTERS[c] of node p points to object c
    ("reattach", p, i, c)     the edge LETTERS[i] of node p, which is there, points to object c
    ("delete", i)             all edges to object i and from it are cut, and nobody holds it
    ("save", r)               object r is saved: as checkpoint A the first time, then as B
    ("restore", "A", r)       checkpoint A is restored into object r; the same for B
    ("run", r)                the restore operations of the last restore into r are run
    ("initialize", r)         ``initialize_or_restore`` of the last restore into r, or of ``restore(None)``
    ("assign", i)             variable i gets a new value
"""

from __future__ import annotations

from typing import Any, Protocol

Step = tuple[Any, ...]
OBJECTS = range(4)
LETTERS = "rabc"
KINDS = ("node", "variable")


class Shape(Protocol):
    """What the possible steps follow from."""

    def kind(self, i: int) -> str | None: ...
    def edges(self, i: int) -> list[tuple[str, int]]: ...
    def saved(self, which: str) -> bool: ...
    def restored(self, i: int) -> bool: ...


def possible(shape: Shape) -> list[Step]:
    """All steps that a program may take next."""
    there = [i for i in OBJECTS if shape.kind(i)]
    nodes = [i for i in there if shape.kind(i) == "node"]
    out: list[Step] = [("create", i, kind) for i in OBJECTS if i not in there for kind in KINDS]
    out += [("attach", p, c) for p in nodes for c in there]
    out += [("reattach", p, LETTERS.index(name), c) for p in nodes for name, old in shape.edges(p)
            for c in there if c != old and LETTERS[c] != name]  # fmt: skip
    out += [("delete", i) for i in there if i]
    out += [("save", r) for r in there]
    out += [("restore", which, r) for which in "AB" if shape.saved(which) for r in there]
    out += [("run", r) for r in there if shape.restored(r)]
    out += [("initialize", r) for r in there]
    out += [("assign", i) for i in there if shape.kind(i) == "variable"]
    return out
