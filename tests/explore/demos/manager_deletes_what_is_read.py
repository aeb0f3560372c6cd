"""An evaluator asks for the newest checkpoint and opens it a moment later; the trainer's manager has deleted it by then.

The evaluator opens what it was told at once. (Where that is not possible, the manager must keep more than one.)
"""

import minitf as tf

ERROR = "NotFoundError"
DEVIATIONS = 1


def program(world, at_once):
    directory = world.directory()
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(1.0)), directory, max_to_keep=1)
    manager.save()

    def evaluate():
        yield
        path = tf.train.latest_checkpoint(directory)
        if not at_once:
            yield
        return tf.train.load_checkpoint(path).get_tensor("v/.ATTRIBUTES/VARIABLE_VALUE")

    def train():
        yield
        manager.save()

    value, _ = world.tasks(evaluate, train)
    assert value == 1.0


def broken(world):
    program(world, at_once=False)


def mended(world):
    program(world, at_once=True)
