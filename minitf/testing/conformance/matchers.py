"""What every policy of matching must do: ``MatcherSuite``."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings

from minitf.checkpoint.matching import Matcher
from minitf.checkpoint.saver import CheckpointableSaver, read_graph
from minitf.saved import SavedGraph
from minitf.testing import strategies as mst
from minitf.testing.checkpoints import SavedCheckpoint, build
from minitf.testing.modes import quietly, scope
from minitf.testing.object_graphs import ObjectGraph

FEW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


class MatcherSuite:
    """Inherit it and say how your matcher is made."""

    def make_matcher(self) -> Matcher:
        """A new matcher."""
        raise NotImplementedError

    @FEW
    @given(checkpoint=mst.checkpoints())
    def test_it_gives_saved_children_and_changes_nothing(self, checkpoint: SavedCheckpoint) -> None:
        """Names are texts, numbers are the node's own children, the same when asked again; the graph stays as it is."""
        matcher, graph = self.make_matcher(), saved_graph(checkpoint)
        before = copy.deepcopy(graph)
        for number, node in enumerate(graph.nodes):
            live: dict[str, Any] = {name: object() for name, _ in node.children[:1]}
            kept = dict(live)
            pairs = list(matcher.names(graph, number, live))
            assert all(type(name) is str for name, _ in pairs), pairs
            assert {child for _, child in pairs} <= {child for _, child in node.children}, pairs
            assert pairs == list(matcher.names(graph, number, live))
            assert live == kept
        assert graph == before

    @FEW
    @given(checkpoint=mst.checkpoints(graphs=mst.object_graphs(sharing="tree", kinds=("node", "variable", "state"))))
    def test_what_it_names_is_restored_there(self, checkpoint: SavedCheckpoint) -> None:
        """Objects that stand under the names that it gives get the values, in both modes, before and after they are there."""
        matcher, graph = self.make_matcher(), saved_graph(checkpoint)
        live, node_of = renamed(matcher, graph, checkpoint.graph)
        for mode in ("eager", "graph"):
            for late in (False, True):
                with scope(mode) as session, quietly():
                    objects = build(live if not late else ObjectGraph(live.kinds, live.values))
                    saver = CheckpointableSaver(objects[0], matcher=matcher, storage=checkpoint.storage)
                    status = saver.restore(checkpoint.path).expect_partial()
                    for parent, name, child in live.edges if late else ():
                        setattr(objects[parent], name, objects[child])
                    status.initialize_or_restore()
                    for number, node in node_of.items():
                        value = checkpoint.graph.values[saved_number(checkpoint.graph, node)]
                        if live.kinds[number] == "state":
                            assert objects[number].text == value
                        elif live.kinds[number] == "variable":
                            found = objects[number].numpy() if session is None else session.run(objects[number])
                            assert np.array_equal(found, value)


def saved_graph(checkpoint: SavedCheckpoint) -> SavedGraph:
    """The object graph that a checkpoint holds."""
    graph = read_graph(checkpoint.storage.open(checkpoint.path))
    assert graph is not None
    return graph


def saved_number(graph: ObjectGraph, node: int) -> int:
    """The object that was saved as a node: nodes are numbered breadth first."""
    return graph.reachable()[node]


def renamed(matcher: Matcher, graph: SavedGraph, of: ObjectGraph) -> tuple[ObjectGraph, dict[int, int]]:
    """A tree whose edges have the names that the matcher gives, with other values; and the node for each of its objects."""
    kinds: list[str] = [of.kinds[0]]
    values: list[Any] = [None]
    edges: list[tuple[int, str, int]] = []
    node_of = {0: 0}
    queue = [0]
    for number in queue:  # grows while it is walked
        used: set[str] = set()
        for name, child in matcher.names(graph, node_of[number], {}):
            if name in used or child in node_of.values() or not name.isidentifier():
                continue
            used.add(name)
            old = saved_number(of, child)
            node_of[len(kinds)] = child
            queue.append(len(kinds))
            edges.append((number, name, len(kinds)))
            kinds.append(of.kinds[old])
            values.append(of.values[old])
    return ObjectGraph(tuple(kinds), tuple(values), tuple(edges)).with_values(), node_of
