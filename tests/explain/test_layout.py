"""Layouts: everything has one place, nothing lies on anything else, and equal graphs are laid out equally."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from minitf.explain.layout import WIDEST, Box, folded, nested, placed, rows_of
from minitf.explain.outline import folded_rows, outline

words = st.sampled_from(["a", "b", "dense", "kernel", "x_1"])
names = st.lists(st.lists(words, min_size=1, max_size=4).map("/".join), min_size=1, max_size=14, unique=True)


@st.composite
def graphs(draw):
    here = draw(names)
    pairs = [(a, b) for b in range(len(here)) for a in range(b)]
    return here, draw(st.lists(st.sampled_from(pairs), max_size=20, unique=True)) if pairs else []


def leaves(box):
    return [leaf for row in box.rows for child in row for leaf in (leaves(child) if isinstance(child, Box) else [child])]


@given(graphs())
def test_every_node_stands_once_inside_its_scopes_and_no_two_overlap(graph):
    here, edges = graph
    box = nested(here, edges)
    assert sorted(leaves(box)) == list(range(len(here)))
    assert all(row for inner in box.boxes() for row in inner.rows)
    nodes, boxes = placed(box, dict.fromkeys(range(len(here)), (60.0, 30.0)))
    for p, q in combinations(nodes.values(), 2):
        assert p.x + p.width <= q.x or q.x + q.width <= p.x or p.y + p.height <= q.y or q.y + q.height <= p.y
    for inner in box.boxes():
        outer = boxes[inner.name]
        assert sorted(inner.members) == sorted(leaves(inner))
        for member in inner.members:
            p = nodes[member]
            assert outer.x <= p.x
            assert outer.y <= p.y
            assert p.x + p.width <= outer.x + outer.width
            assert p.y + p.height <= outer.y + outer.height
            assert here[member] == inner.name or here[member].startswith(f"{inner.name}/") or not inner.name


@given(graphs())
def test_equal_graphs_are_laid_out_equally_and_edges_point_down(graph):
    here, edges = graph
    assert repr(nested(here, edges)) == repr(nested(list(here), list(reversed(edges))))
    rows = rows_of(list(range(len(here))), edges)
    level = {node: i for i, row in enumerate(rows) for node in row}
    assert sorted(level) == list(range(len(here)))
    assert all(level[a] < level[b] for a, b in edges)
    assert all(len(row) <= WIDEST for row in rows)


@given(graphs(), st.integers(1, 12))
def test_folding_keeps_to_the_limit_unless_the_top_is_larger(graph, limit):
    here, edges = graph
    box = nested(here, edges)
    shut = set(folded(box, limit))

    def seen(inner):
        return sum(
            1 if not isinstance(child, Box) or child.name in shut else seen(child) for row in inner.rows for child in row
        )

    assert seen(box) <= max(limit, sum(len(row) for row in box.rows))
    if limit >= len(here):
        assert not shut


@st.composite
def trees(draw):
    count = draw(st.integers(1, 8))
    edges = draw(st.dictionaries(
        st.integers(0, count - 1), st.lists(st.tuples(words, st.integers(0, count - 1)), max_size=3, unique_by=lambda e: e[0]),
    ))  # fmt: skip
    return count, edges


@given(trees())
def test_an_outline_has_a_row_for_every_object_and_every_edge(tree):
    count, edges = tree
    rows = outline(range(count), edges)
    assert sorted(row.node for row in rows if row.refers < 0) == list(range(count))
    led = [(rows[row.parent].node, row.name, row.node) for row in rows if row.parent >= 0]
    assert sorted(led) == sorted((parent, name, child) for parent, out in edges.items() for name, child in out)
    for i, row in enumerate(rows):
        assert row.depth == (rows[row.parent].depth + 1 if row.parent >= 0 else 0)
        assert row.parent < i
        if row.refers >= 0:
            assert rows[row.refers].node == row.node
            assert rows[row.refers].refers < 0
            above = row.parent
            while above >= 0 and above != row.refers:
                above = rows[above].parent
            assert row.cycle == (above == row.refers)


def test_an_object_stands_at_its_shortest_path_and_the_rest_refers_to_it():
    edges = {0: [("deep", 1), ("shared", 2)], 1: [("inner", 2)], 2: [("back", 0)]}
    rows = [(row.name, row.depth, row.refers, row.cycle) for row in outline(range(3), edges)]
    assert rows == [
        ("", 0, -1, False), ("deep", 1, -1, False), ("inner", 2, 3, False), ("shared", 1, -1, False), ("back", 2, 0, True)
    ]  # fmt: skip


def test_a_deep_chain_is_no_recursion_and_large_trees_are_folded():
    count = 5000
    rows = outline(range(count), {i: [("next", i + 1)] for i in range(count - 1)})
    assert rows[-1].depth == count - 1
    assert folded_rows(rows, count) == []
    shut = set(folded_rows(rows, 300))
    assert 299 in shut
    assert 298 not in shut
