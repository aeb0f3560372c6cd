"""A restore in a few lines: what has been restored, and what is still waiting, at which places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from minitf import journal as events
from minitf.explain.paths import PathTexts
from minitf.journal import Journal

SHOWN = 6


def summary(journal: Journal) -> str:
    """One line of counts, then the first places (paths from ``(root)``) at which the checkpoint waits for an object.

    Only the topmost missing objects are places: what is below them waits with them.
    """
    matched = _matched(journal)
    values = {e.node for e in journal.of(events.Assigned, events.Created, events.PythonRestored)}
    operations = {e.node for e in journal.of(events.OpBuilt)}
    places = _waiting(journal, matched)
    counts = [f"{len(matched)} of {journal.nodes} objects matched", f"{len(values)} values restored"]
    if operations or journal.mode == "graph":
        counts[1] = f"{len(operations)} restore operations built"
    if not places:
        return f"{', '.join(counts)}, nothing is waiting"
    shown = _texts(places[:SHOWN], matched) + ([f"and {len(places) - SHOWN} more"] if len(places) > SHOWN else [])
    return f"{', '.join(counts)}, waiting at:\n" + "\n".join(f"  {place}" for place in shown)


def waiting_places(journal: Journal) -> list[str]:
    """Where the restore waits for an object, as paths from ``(root)``; slots as ``slot of path``."""
    matched = _matched(journal)
    return _texts(_waiting(journal, matched), matched)


class Waits(NamedTuple):
    """A place at which a restore waits: an edge of a matched node; or a slot of one, None if that is missing."""

    node: int | None
    name: str
    slot: bool


def _waiting(journal: Journal, matched: Mapping[int, tuple[int, str]]) -> list[Waits]:
    """The places at which the restore waits, each once."""
    places = [
        Waits(e.parent, e.name, False) for e in journal.of(events.Waiting) if e.node not in matched and e.parent in matched
    ]
    made = {e.node for e in journal.of(events.SlotMade, events.Created, events.Assigned, events.OpBuilt)} | matched.keys()
    slots = {e.node: e for e in journal.of(events.SlotWaiting) if e.node not in made}
    places += [Waits(e.variable if e.variable in matched else None, e.slot, True) for e in slots.values()]
    return list(dict.fromkeys(places))


def _texts(places: Iterable[Waits], matched: Mapping[int, tuple[int, str]]) -> list[str]:
    parents = {node: parent for node, (parent, _) in matched.items()}
    paths = PathTexts(matched, parents, {node: name for node, (_, name) in matched.items()})
    out = []
    for node, name, slot in places:
        of = "a variable that is missing" if node is None else paths.text(node)
        out.append(f"slot {name!r} of {of}" if slot else f"{of}.{name}")
    return out


def _matched(journal: Journal) -> dict[int, tuple[int, str]]:
    """For each matched node the first edge by which it was matched: the parent and the name."""
    out: dict[int, tuple[int, str]] = {}
    for e in journal.of(events.Bound):
        out.setdefault(e.node, (e.parent, e.name))
    return out
