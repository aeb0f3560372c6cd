"""An explanation costs time in proportion to the objects: calls are counted, not seconds."""

import pytest

import minitf as tf
from tests.checkpoint.conftest import Node
from tests.checkpoint.hostile_graphs import calls

SMALL, LARGE = 100, 400


def tree(n, prefix):
    root, objects = Node(), []
    objects.append(root)
    for i in range(1, n):
        child = Node() if i < n // 10 + 1 else tf.Variable(0.0, name=f"v{i}")
        setattr(objects[(i - 1) // 10], f"{prefix}{(i - 1) % 10}", child)
        objects.append(child)
    return root


def wide(n, prefix):
    return Node(**{f"{prefix}{i}": tf.Variable(0.0) for i in range(n)})


def many_layers(n, prefix):
    return Node(layers=[Node(**{f"{prefix}w": tf.Variable([0.0, 1.0])}) for _ in range(n // 2)])


def chain(n, prefix):
    root = last = Node()
    for _ in range(n):
        child = Node()
        setattr(last, prefix, child)
        last = child
    last.v = tf.Variable(0.0)
    return root


def trained(n, prefix):
    root = wide(n, prefix)
    root.optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    root.optimizer.apply_gradients([(tf.constant(1.0), v) for v in vars(root).values() if isinstance(v, tf.Variable)])
    return root


@pytest.mark.parametrize("after", ["same", "renamed", "empty", "reversed"])
@pytest.mark.parametrize("shape", [tree, wide, many_layers, chain, trained])
def test_four_times_the_objects_cost_four_times_the_work(eager, save, shape, after):
    def cost(n):
        path = save(lambda: shape(n, "c"))
        live = Node() if after == "empty" else shape(n, "renamed" if after == "renamed" else "c")
        if after == "reversed" and shape is many_layers:
            live.layers = list(live.layers)[::-1]
        saver = tf.train.CheckpointableSaver(live)
        status = saver.restore(path).expect_partial()
        status.explain()  # imports

        def work():
            status.explain().to_json()
            status.explain()._repr_html_()
            saver.explain(path)

        return calls(work)

    small, large = cost(SMALL), cost(LARGE)
    assert large / small < 1.15 * LARGE / SMALL
