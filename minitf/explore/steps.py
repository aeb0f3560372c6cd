"""What a scheduler chooses among, and which two of them commute.

A *step* says what it reads and writes (its ``Access``). Two steps are *independent* if neither writes what the other reads or
writes: then both orders lead to the same state, and only one of them has to be tried. A step that says nothing may touch
anything, so it commutes with no other.

What is read and written is named by strings (or tuples and numbers), because an exploration compares steps of different
executions, in which no object is the same. A variable counts by its name.
"""

from __future__ import annotations

from typing import Any, Protocol


class Access:
    """What a step reads and writes. Equal ones are one object; ``a | b`` is both together."""

    __slots__ = ("_conflicts", "anything", "reads", "writes")

    def __init__(self, reads: frozenset[Any] = frozenset(), writes: frozenset[Any] = frozenset(), anything: bool = False):
        self.reads = reads
        self.writes = writes
        self.anything = anything
        self._conflicts: dict[Access, bool] = {}

    def __or__(self, other: Access) -> Access:
        if self.anything or other.anything:
            return ANYTHING
        return _access(self.reads | other.reads, self.writes | other.writes)

    def conflicts(self, other: Access) -> bool:
        """True unless the two commute."""
        known = self._conflicts.get(other)
        if known is None:
            apart = self.writes.isdisjoint(other.writes | other.reads) and self.reads.isdisjoint(other.writes)
            known = self._conflicts[other] = self.anything or other.anything or not apart
        return known

    def __reduce__(self) -> Any:
        return (_anything, ()) if self.anything else (_access, (self.reads, self.writes))

    def __repr__(self) -> str:
        if self.anything:
            return "ANYTHING"
        parts = [f"{name}({', '.join(map(repr, sorted(what, key=repr)))})"
                 for name, what in (("reads", self.reads), ("writes", self.writes)) if what]  # fmt: skip
        return " | ".join(parts) or "NOTHING"


_known: dict[tuple[frozenset[Any], frozenset[Any]], Access] = {}


def _access(reads: frozenset[Any], writes: frozenset[Any]) -> Access:
    found = _known.get((reads, writes))
    if found is None:
        found = _known.setdefault((reads, writes), Access(reads, writes))
    return found


def _anything() -> Access:
    return ANYTHING


ANYTHING = Access(anything=True)
"""The access of a step that says nothing: it conflicts with every other step."""

NOTHING = _access(frozenset(), frozenset())
"""The access of a step that touches nothing which others can see."""


def reads(*what: Any) -> Access:
    """The access of a step that reads these. Names are strings, numbers or tuples of them; a variable counts by its name."""
    return _access(frozenset(map(_name, what)), frozenset())


def writes(*what: Any) -> Access:
    """The access of a step that writes these (and may read them)."""
    return _access(frozenset(), frozenset(map(_name, what)))


def _name(what: Any) -> Any:
    if isinstance(what, (str, int, tuple, bytes)):
        return what
    name = getattr(what, "name", None)
    if isinstance(name, str):
        return name.removesuffix(":0")  # a variable's value is called so, the variable itself is not
    raise TypeError(
        f"reads() and writes() take strings, numbers, tuples of them, and things with a name, not {what!r}. An exploration "
        f"compares steps of different executions, so give it a name that is the same in each."
    )


class Step(Protocol):
    """One of several steps that are ready and that must all be taken, in some order.

    Ready things without these attributes are *alternatives*: one of them is taken and the others are not.
    """

    key: Any
    """Which sequence of steps it belongs to: a task, an operation. The same in every execution."""
    access: Access
    """What it reads and writes."""
    after: frozenset[Any]
    """Keys of the steps that must be taken before, as far as they belong to the same round."""
    raised: bool
    """True once it was taken and has raised: then no other step followed, so it conflicts with all of them."""


def is_step(ready: Any) -> bool:
    """True for a step, False for an alternative."""
    return hasattr(ready, "access")


def label(ready: Any) -> str:
    """What a step or an alternative is called in messages, timelines and hashes."""
    found = getattr(ready, "label", None) or getattr(ready, "name", None)
    return found if isinstance(found, str) else str(ready)
