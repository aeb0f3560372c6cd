"""What the stories share: a small model, two optimizers with slots, and training steps that read the same in both modes."""

import pytest

import minitf as tf
from tests.checkpoint.conftest import Node, eager, graph, plain, save, world

__all__ = ["Loop", "Net", "Node", "adam", "eager", "graph", "here", "plain", "save", "world"]

X = [[1.0], [2.0]]


class CountingAdam(tf.train.AdamOptimizer):
    """Adam that also counts its steps in a variable of its own."""

    def _create_slots(self, var_list):
        super()._create_slots(var_list)
        self._create_non_slot_variable(0, "iter", var_list[0])

    def _finish(self, update_ops, name_scope):
        done = super()._finish(update_ops, "powers")
        with tf.control_dependencies([] if done is None else [done]):
            return tf.group(done, tf.train.children(self)["iter"].assign_add(1, read_value=False), name=name_scope)


@pytest.fixture(params=[tf.train.AdamOptimizer, CountingAdam], ids=["Adam", "CountingAdam"])
def adam(request):
    """A class of optimizers with the slots m and v: the one of TensorFlow 1.x, and one that counts its steps."""
    return request.param


class Net(tf.keras.Model):
    """Two layers; ``step`` makes or takes one step of training."""

    def __init__(self):
        super().__init__()
        self.named = tf.keras.layers.Dense(1)
        self.second = tf.keras.layers.Dense(1, use_bias=False)

    def call(self, x):
        return self.second(self.named(x))

    def step(self, optimizer, global_step=None):
        return optimizer.minimize(lambda: tf.reduce_sum(self(tf.constant(X)) ** 2), global_step=global_step)


class Loop:
    """Steps of training: in a graph the operation is built now and run later; in eager mode each step is taken when asked."""

    def __init__(self, world, step):
        self.world, self.step = world, step
        self.operation = step() if world.name == "graph" else None

    def take(self, count=1):
        for _ in range(count):
            self.world.session.run(self.operation) if self.operation is not None else self.step()


@pytest.fixture(autouse=True)
def here(tmp_path):
    """Automatic names of layers begin anew in every test; the files of a test lie under this prefix."""
    tf.reset_default_graph()
    return str(tmp_path / "saved")
