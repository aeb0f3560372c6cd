"""One row for each saved value and each live value: what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from minitf.explain.why.causes import Cause


class State(StrEnum):
    """What became of a saved or a live value."""

    RESTORED = "restored"
    NOT_RUN = "op built but not run in this session"
    WAITING = "waiting for an edge"
    WAITING_OPTIMIZER = "waiting for its optimizer"
    WAITING_VARIABLE = "waiting for its variable"
    WAITING_SLOT = "waiting for its slot"
    UNUSED = "unused in the file"
    MISSING = "not in the file"
    SUPERSEDED = "superseded by a later restore"
    TWICE = "matched twice"
    REPLACED = "in a replaced object"
    DIFFERS = "shape or dtype differs"
    INITIALISED = "initialised instead"
    FOREIGN = "in another graph or mode"
    LEFT_ALONE = "left alone on request"


class Stop(NamedTuple):
    """Where the walk stopped: the last object that was matched, and the edge (or slot) that was not there."""

    at: str
    edge: str


class Provenance(NamedTuple):
    """Where the value comes from that a variable holds now.

    * ``key``, ``source``, ``restore``: what was restored last, from which file, by which restore (its uid); None: nothing ever.
    * ``edge``: the live path of the edge that matched; ``saved_edge``: its name in the file if that is another.
    * ``overwrote``: ``initialiser``, ``written value``, ``restore N``, ``nothing`` (it had no value), or "" if nobody knows.
    * ``writes_since``: how often it was written since (without ``key``: since its initialiser); ``initialised_since``: its
      initialiser was run since.
    * ``made``: the variable was made with the value.
    """

    key: str | None = None
    source: str = ""
    restore: int | None = None
    edge: str = ""
    saved_edge: str = ""
    overwrote: str = ""
    writes_since: int = 0
    initialised_since: bool = False
    made: bool = False

    def __str__(self) -> str:
        if self.key is None:
            if self.writes_since:
                start = "the initialiser; " if self.initialised_since else ""
                return f"{start}written {times(self.writes_since)} by the program; no restore gave it a value"
            return "the initialiser; no restore gave it a value" if self.initialised_since else "no value yet"
        because = f", because edge {self.edge.removeprefix('(root).')} matched" if self.edge else ""
        if self.saved_edge:
            because += f" what was saved as {self.saved_edge}"
        parts = [f"from key {self.key} of {self.source} by restore {self.restore}{because}"]
        if self.made:
            parts.append("the variable was made with it")
        elif self.overwrote:
            what = {"initialiser": "the initialiser", "written value": "a value that the program had written"}
            what["nothing"] = "nothing: there was no value yet"
            parts.append(f"it overwrote {what.get(self.overwrote, f'the value of {self.overwrote}')}")
        if self.initialised_since:
            parts.append("later the initialiser was run and overwrote it")
        elif self.writes_since:
            parts.append(f"later written {times(self.writes_since)} by the program")
        return "; ".join(parts)


class Row(NamedTuple):
    """What became of one value.

    * ``saved``, ``key``: path and key in the file; None if it is not there.
    * ``live``: path of the live object; None if there is none.
    * ``stop``: where the walk stopped, for what waits.
    * ``provenance``: where the live value comes from; ``cause``: why it is not simply restored.
    * ``by``: the later restore (its uid) that supersedes this one.
    """

    state: State
    saved: str | None = None
    live: str | None = None
    key: str | None = None
    value: str = ""
    stop: Stop | None = None
    provenance: Provenance | None = None
    cause: Cause | None = None
    by: int | None = None

    def as_data(self) -> dict[str, Any]:
        """The row as JSON has it; the cause is told by its kind and path."""
        out = self._asdict()
        out["state"] = str(self.state)
        out["stop"] = None if self.stop is None else self.stop._asdict()
        if self.provenance is not None:
            out["provenance"] = self.provenance._asdict() | {"text": str(self.provenance)}
        out["cause"] = None if self.cause is None else {"kind": str(self.cause.kind), "path": self.cause.path}
        return out


def times(count: int) -> str:
    """A number of times in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
