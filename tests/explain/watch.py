"""All that an explanation could change, as data that can be compared."""

from minitf.checkpoint.walking import Walk
from minitf.objects.edges import tracking


def everything_about(root, status, world):
    """Edges, uids, requests, values and counters of all objects; the journal; the graph's operations."""
    walk = Walk(root)
    objects = []
    for obj in walk.objects:
        state = tracking(obj)
        waiting = {
            str(name): [id(r) for r in requests] if isinstance(requests, list) else id(requests)
            for name, requests in (state.watchers or {}).items()
        }
        handle = getattr(obj, "_handle", None)
        cell = None if handle is None else handle.home.store_at_hand(None).find(handle)
        counters = None if cell is None else (cell.writes, cell.initialised, str(cell.value))
        attributes = sorted(getattr(obj, "__dict__", {}))
        objects.append((id(obj), list(state.edges), state.update_uid, waiting, counters, attributes))
    graph = getattr(world, "graph", None)
    operations = None if graph is None else [operation.name for operation in graph.get_operations()]
    journal = None if status is None else list(status.journal.raw)
    return objects, walk.slots, operations, journal
