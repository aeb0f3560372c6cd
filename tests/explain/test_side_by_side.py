"""One program in both runtimes: when each value is there."""

import numpy as np
import pytest

import minitf as tf
from minitf.explain.side_by_side import meanings


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="kernel")
        self.bias = tf.Variable([0.0, 0.0], name="bias")

    def __call__(self, x):
        return tf.matmul(x, self.kernel) + self.bias


@pytest.fixture
def both(tmp_path):
    other = Net()
    other.bias.assign([5.0, 6.0])
    path = tf.train.Checkpoint(net=other).write(str(tmp_path / "ckpt"))

    def program():
        root = tf.train.Checkpoint(net=Net(), late=tf.Variable(1.0, name="late"))
        status = root.read(path)
        status.initialize_or_restore()
        return {"y": root.net([[1.0, 1.0]]), "path": path}

    return tf.side_by_side(program)


def test_results_are_equal(both):
    eager, graph = both.results
    np.testing.assert_array_equal(eager["y"], [[9.0, 12.0]])
    np.testing.assert_array_equal(graph["y"], [[9.0, 12.0]])
    assert eager["path"] == graph["path"]


def test_values_arrive_at_once_in_eager_mode_and_in_a_run_in_a_graph(both):
    arrivals = {a.what: a for a in both.arrivals}
    restored = arrivals["(root).net.kernel: the value of restore 1"]
    assert both.eager[restored.eager - 1].kind == "value"
    assert both.graph[restored.built - 1].data["name"] == "restore/kernel"
    assert both.graph[restored.graph - 1].data["cause"] == "restore"
    assert restored.built < restored.graph
    assert arrivals["(root).net.kernel: its first value"].graph is None  # restored instead of initialised
    first = arrivals["(root).late: its first value"]
    assert both.graph[first.graph - 1].data["cause"] == "initialiser"
    [product] = [a for a in both.arrivals if a.what.startswith("matmul")]
    assert both.graph[product.built - 1].data["op"] == "matmul"
    assert both.graph[product.graph - 1].kind == "ran"


def test_positions_go_through_both_timelines_and_pair_what_means_the_same(both):
    positions = both.positions()
    assert positions[-1] == (len(both.eager), len(both.graph))
    last = (0, 0)
    for pair in positions:
        assert all(0 <= b - a <= 1 for a, b in zip(last, pair, strict=True))
        assert pair != last
        last = pair
    left, right = meanings(both.eager), meanings(both.graph)
    paired = [
        (left[a - 1], right[b - 1])
        for (a, b), (c, d) in zip(positions, [(0, 0), *positions], strict=False)
        if (a, b) == (c + 1, d + 1)
    ]
    assert all(a == b for a, b in paired)
    assert {m[0] for m, _ in paired} >= {"object", "edge", "restore", "match"}


def test_the_text_is_a_table_of_arrivals(both):
    lines = str(both).splitlines()
    assert lines[0] == "program: when each value is there"
    assert lines[1].split() == ["value", "eager", "graph"]
    assert any(line.startswith("(root).net.bias: the value of restore 1") and "(built at step" in line for line in lines)


def test_variables_that_the_program_does_not_initialise_are_at_the_end():
    both = tf.side_by_side(lambda: tf.Variable(2.0, name="v") + 1.0)
    assert both.results == (3.0, 3.0)
    [first] = [a for a in both.arrivals if a.what == "v: its first value"]
    assert both.graph[first.graph - 1].data["cause"] == "initialiser"


def test_a_program_that_fails_and_one_that_is_none():
    with pytest.raises(TypeError, match="function without arguments"):
        tf.side_by_side(3)
    with pytest.raises(ZeroDivisionError):
        tf.side_by_side(lambda: 1 / 0)
    assert tf.executing_eagerly()


def test_it_can_be_called_inside_a_graph():
    with tf.Graph().as_default() as graph:
        both = tf.side_by_side(lambda: tf.constant(1.0) + 1.0, title="sum")
        assert graph.get_operations() == []
    assert both.results == (2.0, 2.0)
    assert both.title == "sum"


def test_names_are_numbered_from_the_beginning():
    def program():
        v = tf.Variable([1.0, 2.0])
        optimizer = tf.train.AdamOptimizer(0.1)
        optimizer.minimize(lambda: tf.reduce_sum(v * v)) if tf.executing_eagerly() else optimizer.minimize(tf.reduce_sum(v * v))
        return [variable.name for variable in optimizer.variables()]

    program()
    eager, graph = tf.side_by_side(program).results
    assert eager == graph
    assert "Variable/Adam:0" in graph
