"""Restore programs as plain data: what ``Twins`` does, what strategies draw, what a failing law prints as code.

A step is a tuple ``(kind, ...arguments)``. Things have small numbers: ``n``, ``p``, ``c``, ``v``, ``o`` are objects, ``k`` savers,
``i`` checkpoints, ``s`` statuses.

    node n | variable n value | state n text | optimizer n     makes an object (state: Python data; optimizer: it keeps slots)
    add_variable p name n value                                makes a variable through its parent (restore-on-create)
    drop n                                                     forgets an object; it lives on if another one holds it
    attach p name c | detach p name                            an edge
    assign v value | set_state n text | initialise v           values (initialise: in a graph)
    slot o v name value                                        the slot that o keeps for v, made if it does not exist
    saver k n strict | save k i                                strict: as CheckpointableSaver, otherwise as Checkpoint.write
    restore k i s                                              i None: there is nothing to restore
    run s | initialize_or_restore s | ask s assertion | drop_status s

A step that names something that does not exist does nothing, so any part of a program is a program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Step = tuple[Any, ...]
_S = TypeVar("_S")


def smallest(steps: Sequence[_S], fails: Callable[[list[_S]], bool]) -> list[_S]:
    """A part of a failing program, in which no step can be left out (the program itself must fail)."""
    kept = list(steps)
    size = max(1, len(kept) // 2)
    while True:
        before = len(kept)
        at = len(kept)
        while at > 0:  # from the end: late steps are needed less often
            at = max(0, at - size)
            part = kept[:at] + kept[at + size :]
            if len(part) < len(kept) and fails(part):
                kept = part
        if size > 1:
            size //= 2
        elif len(kept) == before:
            return kept


def script(steps: Sequence[Step], mode: str) -> str:
    """TODO"""
    return "\n".join(map(repr, steps))
