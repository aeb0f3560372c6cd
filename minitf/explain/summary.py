"""A restore in a few lines: what has been restored, and what is still waiting, at which places."""

from __future__ import annotations

from minitf import journal as events
from minitf.journal import Journal

SHOWN = 6


def summary(journal: Journal) -> str:
    """One line of counts, then the first places (paths from ``(root)``) at which the checkpoint waits for an object.

    Only the topmost missing objects are places: what is below them waits with them.
    """
    paths = _paths(journal)
    values = {e.node for e in journal.of(events.Assigned, events.Created, events.PythonRestored)}
    operations = {e.node for e in journal.of(events.OpBuilt)}
    places = waiting_places(journal)
    counts = [f"{len(paths)} of {journal.nodes} objects matched", f"{len(values)} values restored"]
    if operations or journal.mode == "graph":
        counts[1] = f"{len(operations)} restore operations built"
    if not places:
        return f"{', '.join(counts)}, nothing is waiting"
    shown = places[:SHOWN] + ([f"and {len(places) - SHOWN} more"] if len(places) > SHOWN else [])
    return f"{', '.join(counts)}, waiting at:\n" + "\n".join(f"  {place}" for place in shown)


def waiting_places(journal: Journal) -> list[str]:
    """Where the restore waits for an object, as paths from ``(root)``; slots as ``slot of path``."""
    paths = _paths(journal)
    places = [
        f"{paths[e.parent]}.{e.name}" for e in journal.of(events.Waiting) if e.node not in paths and e.parent in paths
    ]
    made = {e.node for e in journal.of(events.SlotMade, events.Created, events.Assigned, events.OpBuilt)} | set(paths)
    slots = {e.node: e for e in journal.of(events.SlotWaiting) if e.node not in made}
    places += [f"slot {e.slot!r} of {paths.get(e.variable, 'a variable that is missing')}" for e in slots.values()]
    return list(dict.fromkeys(places))


def _paths(journal: Journal) -> dict[int, str]:
    """For each matched node its path, by the edges along which it was matched."""
    paths: dict[int, str] = {}
    for e in journal.of(events.Bound):
        paths.setdefault(e.node, "(root)" if e.parent < 0 else f"{paths.get(e.parent, '?')}.{e.name}")
    return paths
