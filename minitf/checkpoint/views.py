"""Object graphs as views: of a checkpoint by node numbers, of live objects by edges, and the two laid side by side.

    saved = tf.train.CheckpointView("run/ckpt-7")
    saved.children(0)                          # {"model": 1, "optimizer": 2, "save_counter": 3}
    matched, unmatched, extra = saved.diff(checkpoint)

Nothing is read but the object graph, and nothing is restored. Why something is not matched, and what to do about it, says
``Checkpoint.explain``.
"""

from __future__ import annotations

import operator
import weakref
from collections.abc import Iterator
from typing import Any

from minitf.checkpoint.reading import saved_graph
from minitf.checkpoint.saver import root_of
from minitf.checkpoint.walking import Walk, edges_of
from minitf.objects.trackable import Tracked, children
from minitf.saved import SavedGraph, walk


class CheckpointView:
    """The object graph of an object-based checkpoint. Node 0 is the root.

    Raises NotFoundError if there is no checkpoint, ValueError if it is name-based, DataLossError if it is damaged.
    """

    def __init__(self, save_path: Any):
        self._graph: SavedGraph = saved_graph(save_path)

    def children(self, node_id: int) -> dict[str, int]:
        """The edges of a node: numbers of its children by local name, in saving order.

        Raises IndexError if there is no node of this number, TypeError if it is not an integer.
        """
        number = operator.index(node_id)
        if not 0 <= number < len(self._graph.nodes):
            raise IndexError(f"CheckpointView.children({number}): the checkpoint has nodes 0 to {len(self._graph.nodes) - 1}.")
        return self._graph.children(number)

    def descendants(self) -> list[int]:
        """The numbers of all nodes to which edges lead from the root, breadth first. Slot variables have no such edge."""
        return list(walk(self._graph))

    def match(self, obj: Any) -> dict[int, Any]:
        """The objects under ``obj`` that have a place in the checkpoint, by node number.

        ``obj`` is matched with the root; below, edges of equal names lead to what belongs together. A node to which several
        edges lead is matched once, by the first in breadth-first order. Raises ValueError if ``obj`` is not trackable, or has
        a list or dict that cannot be saved any more.
        """
        return dict(self._matches(_trackable(obj)))

    def _matches(self, obj: Any) -> Iterator[tuple[int, Any]]:
        seen, queue = {0}, [(0, obj, edges_of(obj))]
        for number, live, edges in queue:
            yield number, live
            for name, child in self._graph.nodes[number].children:
                found = edges.get(name)
                if found is not None and child not in seen:
                    seen.add(child)
                    queue.append((child, found, edges_of(found)))

    def diff(self, obj: Any) -> tuple[dict[int, Any], list[int], list[Any]]:
        """What is alike and what is not: ``match(obj)``, the nodes without an object, and the objects without a node.

        Nodes and objects stand in breadth-first order. Raises as ``match``.
        """
        matched = self.match(obj)
        known = set(map(id, matched.values()))
        unmatched = [number for number in self.descendants() if number not in matched]
        return matched, unmatched, [live for live in TrackableView(obj).descendants() if id(live) not in known]

    def __repr__(self) -> str:
        return f"<view of {len(self._graph.nodes)} saved objects>"


class TrackableView:
    """The objects under a root, as a save would list them. ``root`` is a trackable object, held weakly, or a weak reference.

    Raises TypeError for any other root.
    """

    def __init__(self, root: Any):
        if not isinstance(root, weakref.ref) and not isinstance(root, Tracked):
            raise TypeError(f"TrackableView(root): {type(root).__name__} is not trackable.")
        self._root = root if isinstance(root, weakref.ref) else weakref.ref(root)

    @classmethod
    def children(cls, obj: Any, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """The edges of an object: its children by local name.

        ``save_type`` must be "checkpoint"; other arguments are accepted and have no effect. Raises TypeError if ``obj`` is not
        trackable, ValueError for another ``save_type``, or for a list or dict that cannot be saved any more.
        """
        if save_type != "checkpoint":
            raise ValueError(f"TrackableView.children(save_type={save_type!r}): there are only checkpoints here: 'checkpoint'.")
        return children(obj)

    @property
    def root(self) -> Any:
        """The root. Raises AssertionError if it is gone."""
        return root_of(self._root)

    def descendants(self) -> list[Any]:
        """The root and all objects to which edges lead, each once, breadth first. Slot variables are not among them.

        Raises ValueError for a list or dict that cannot be saved any more.
        """
        found = Walk(self.root)
        return found.objects[: found.tree]

    def __repr__(self) -> str:
        return f"TrackableView({type(self._root()).__name__})"


def _trackable(obj: Any) -> Any:
    if not isinstance(obj, Tracked):
        raise ValueError(f"CheckpointView: a trackable object was expected, but {obj!r} is a {type(obj).__name__}.")
    return obj
