"""What a small file may cost whoever restores it: calls and bytes in proportion to its size, whatever graph and program."""

import gc

import pytest

import minitf as tf
from minitf.checkpoint import requests
from tests.checkpoint import hostile_graphs as graphs
from tests.checkpoint.conftest import Node
from tests.checkpoint.hostile_graphs import calls, write
from tests.kernel import traced

SMALL, LARGE = 100, 400
SHAPES = [
    graphs.same_names, graphs.line_of_values, graphs.line_with_a_star, graphs.line_to_one, graphs.circle, graphs.star,
    graphs.many_ways_to_many, graphs.all_share_with_a_stranger, graphs.values_of_many_keys, graphs.slots_of_slots,
]  # fmt: skip


def itself():
    """An object that knows itself: any number of nodes may be paired with it, and wait at it for one edge."""
    root = Node()
    root.me = root
    return root


def now(saver, root, path):
    str(saver.restore(path).expect_partial())


def twice(saver, root, path):
    """The second restore covers the first one, or not: whoever knows lets the first one go."""
    first, second = saver.restore(path).expect_partial(), saver.restore(path).expect_partial()
    del first
    gc.collect()
    str(second)


def later(saver, root, path):
    status = saver.restore(path).expect_partial()
    root.v, root.w = Node(), Node()
    root.e0, root.a = Node(), Node()
    root.a.a = root
    root.e0.s = Node()
    str(status)


@pytest.mark.parametrize("work", [now, twice, later], ids=lambda work: work.__name__)
@pytest.mark.parametrize("make", [Node, itself], ids=["empty", "itself"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_restore_costs_as_much_as_the_file_is_large(world, tmp_path, monkeypatch, shape, make, work):
    monkeypatch.setattr(requests, "LEAST", 0)
    monkeypatch.setattr(requests, "PAIRS", 100)

    def cost(n, measure):
        root = make()
        saver = tf.train.CheckpointableSaver(root)
        path = write(tmp_path / f"{n}", shape(n))
        return measure(lambda: work(saver, root, path))

    cost(10, calls)  # imports
    for measure, most in ((calls, 1.3), (traced, 1.5)):
        small, large = cost(SMALL, measure), cost(LARGE, measure)
        assert large / small < most * LARGE / SMALL, measure
