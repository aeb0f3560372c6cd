"""``print(status)``: how many objects matched, what was restored, and where the checkpoint waits."""

import minitf as tf
from tests.checkpoint.conftest import Node


def test_it_tells_what_waits_and_where(world, save):
    root = Node()
    status = tf.train.CheckpointableSaver(root).restore(save(net={"a": 1.0, "b": 2.0}, c=3.0))
    assert "1 of 5 objects matched" in str(status)
    assert str(status).splitlines()[1:] == ["  (root).net", "  (root).c"]
    root.net = Node(a=tf.Variable(0.0))
    root.c = tf.Variable(0.0)
    restored = "2 values restored" if world.name == "eager" else "2 restore operations built"
    assert str(status) == f"4 of 5 objects matched, {restored}, waiting at:\n  (root).net.b"
    root.net.b = tf.Variable(0.0)
    assert str(status).endswith("nothing is waiting")


def test_it_names_slots_and_what_they_wait_for(eager, tmp_path):
    v, optimizer = tf.Variable(1.0), tf.train.MomentumOptimizer(0.1, 0.9)
    optimizer.minimize(lambda: v * v)
    path = tf.train.CheckpointableSaver(Node(v=v, optimizer=optimizer)).save(str(tmp_path / "c"))
    root = Node(v=tf.Variable(0.0))
    status = tf.train.CheckpointableSaver(root).restore(path).expect_partial()
    assert "slot 'momentum' of (root).v" in str(status)
    root.optimizer = tf.train.MomentumOptimizer(0.1, 0.9)
    assert str(status).endswith("nothing is waiting")


def test_a_long_list_is_cut(eager, save):
    status = tf.train.CheckpointableSaver(Node()).restore(save(**{f"v{i}": 1.0 for i in range(20)}))
    assert str(status).splitlines()[-1] == "  and 14 more"
