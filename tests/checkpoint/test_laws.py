"""Laws of saving and restoring, on random trees."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.checkpoint.capture import capture
from minitf.saved import walk
from tests.checkpoint.conftest import WORLDS, Node

Saver = tf.train.CheckpointableSaver

NAMES = st.sampled_from(["a", "b", "c.d", "e/f", ""])
# A graph of objects: for each but the root a parent (an earlier number), a name, and whether it is a variable; and more edges.
TREES = st.lists(st.tuples(st.integers(0, 7), NAMES, st.booleans()), min_size=1, max_size=8)
MORE = st.lists(st.tuples(st.integers(0, 8), NAMES, st.integers(0, 8)), max_size=4)


def edges_of(tree, more):
    """(parent, name, child) triples of a graph whose nodes are numbered; variables have no children."""
    leaf = [False] + [is_variable for _, _, is_variable in tree]
    edges, used = [], set()
    for child, (wanted, name, _) in enumerate(tree, 1):
        parent = wanted % child
        if not leaf[parent] and (parent, name) not in used:
            used.add((parent, name))
            edges.append((parent, name, child))
    for parent, name, child in more:
        if parent < len(leaf) and child < len(leaf) and not leaf[parent] and (parent, name) not in used:
            used.add((parent, name))
            edges.append((parent, name, child))
    return leaf, edges


def make(leaf, value):
    return [tf.Variable(value(n)) if is_variable else Node() for n, is_variable in enumerate(leaf)]


def attach(objects, edges):
    for parent, name, child in edges:
        tf.train.track(objects[parent], objects[child], name)


def reachable(edges):
    found = [0]
    for number in found:
        for parent, _, child in edges:
            if parent == number and child not in found:
                found.append(child)
    return found


@pytest.mark.parametrize("kind", list(WORLDS))
@given(tree=TREES, more=MORE, data=st.data())
def test_whatever_the_order_in_which_a_tree_grows_it_gets_all_values(kind, tree, more, data, tmp_path_factory):
    leaf, edges = edges_of(tree, more)
    with WORLDS[kind]().scope() as world:
        old = make(leaf, float)
        attach(old, edges)
        world.init()
        path = Saver(old[0]).save(str(tmp_path_factory.mktemp("law") / "x"))
        new = make(leaf, lambda n: -1.0)
        world.init()
        order = data.draw(st.permutations(edges))
        before = data.draw(st.integers(0, len(order)))
        attach(new, order[:before])
        status = Saver(new[0]).restore(path)
        attach(new, order[before:])
        world.run(status.assert_consumed())
        present = reachable(edges)
        for number, is_variable in enumerate(leaf):
            if is_variable:
                assert world.value(new[number]) == (float(number) if number in present else -1.0)
        assert len(list(status.journal)) == len(status.journal)


@given(tree=TREES, more=MORE)
def test_the_object_graph_has_each_reachable_object_once_and_every_edge(tree, more):
    leaf, edges = edges_of(tree, more)
    objects = make(leaf, float)
    attach(objects, edges)
    graph, entries, walked, _ = capture(objects[0])
    numbers = {id(obj): number for number, obj in enumerate(walked.objects)}
    present = reachable(edges)
    assert sorted(numbers[id(objects[n])] for n in present) == list(range(len(graph.nodes))) == list(walk(graph))
    for n in present:
        mine = {(name, numbers[id(objects[c])]) for p, name, c in edges if p == n}
        assert set(graph.nodes[numbers[id(objects[n])]].children) == mine
    assert len({key for key, _ in entries}) == len(entries) == sum(leaf[n] for n in present)


@given(tree=TREES, more=MORE, values=st.lists(st.integers(0, 1), min_size=1, max_size=6))
def test_the_newest_of_several_restores_decides_and_nothing_is_kept_alive(tree, more, values, tmp_path_factory):
    leaf, edges = edges_of(tree, more)
    directory = tmp_path_factory.mktemp("law")
    paths = []
    for value in (0, 1):
        objects = make(leaf, lambda n: float(n + 100 * value))  # noqa: B023
        attach(objects, edges)
        paths.append(Saver(objects[0]).save(str(directory / str(value))))
    new = make(leaf, lambda n: -1.0)
    saver = Saver(new[0])
    statuses = [saver.restore(paths[value]).expect_partial() for value in values]
    attach(new, edges)
    for status in statuses:
        status.assert_consumed()
    for number in reachable(edges):
        if leaf[number]:
            assert new[number].numpy() == number + 100 * values[-1]
    alive = [weakref.ref(status._restoration) for status in statuses]
    del status, statuses
    gc.collect()
    assert [ref() for ref in alive] == [None] * len(alive)
