"""Which saved edge belongs to which live edge.

The rule of TensorFlow is equality of names and nothing else (S88). A ``Matcher`` of your own may translate names, leave edges
out or order them differently: ``CheckpointableSaver(root, matcher=...)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from minitf.saved import SavedGraph
from minitf.saved_paths import Paths


class Matcher(Protocol):
    """A policy of matching. It is asked once for each node that has been paired with a live object."""

    def names(self, graph: SavedGraph, node: int, live: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
        """The saved edges of ``node`` as (name of the live edge, number of the saved child), in the order of matching.

        ``live`` are the edges that the paired object has now. A name that is not among them is waited for.
        """


class ByName:
    """Saved and live edges of equal names belong together, in the order in which they were saved."""

    def names(self, graph: SavedGraph, node: int, live: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
        """The saved edges as they are."""
        return graph.nodes[node].children

    def __repr__(self) -> str:
        return "ByName()"


class Renamed:
    """``ByName`` after renaming: ``Renamed({"dense_1": "encoder"})`` finds what was saved as ``dense_1`` under ``encoder``.

    A key may be a local name, which is renamed everywhere, or a path from the root joined by dots, which is renamed there only.
    """

    def __init__(self, names: Mapping[str, str]):
        self._names = dict(names)
        self._paths: tuple[SavedGraph | None, Paths] = (None, [])

    def names(self, graph: SavedGraph, node: int, live: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
        """The saved edges under their new names."""
        if self._paths[0] is not graph:
            self._paths = (graph, graph.paths())
        path = self._paths[1][node] or ()
        out = []
        for name, child in graph.nodes[node].children:
            new = self._names.get(".".join((*path, name)))
            out.append((self._names.get(name, name) if new is None else new, child))
        return out

    def __repr__(self) -> str:
        return f"Renamed({self._names})"


class Rules(NamedTuple):
    """What ``CheckpointableSaver`` and ``Checkpoint`` do differently, as data."""

    every_node: bool  # nodes without values are waited for and demanded too (S80, S199)
    names_at_once: bool  # a name-based file is read at restore() and attachment, not only on request (S225, S226)


REQUIREMENT = Rules(every_node=True, names_at_once=False)
TENSORFLOW_2 = Rules(every_node=False, names_at_once=True)
BY_NAME = ByName()
