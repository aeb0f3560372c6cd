"""The state file is told of a checkpoint before the checkpoint is written; after a crash it names one that is not there.

First the checkpoint, then its name.
"""

import minitf as tf

ERROR = "AssertionError: the state file names a checkpoint that is not there"
DEVIATIONS = 1


def program(world, name_first):
    directory = world.directory()
    path = directory + "/ckpt-1"
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    with world.crash():
        if name_first:
            tf.train.update_checkpoint_state(directory, path)
        checkpoint.write(path)
        if not name_first:
            tf.train.update_checkpoint_state(directory, path)
    state = tf.train.get_checkpoint_state(directory)
    there = state is None or tf.train.checkpoint_exists(state.model_checkpoint_path)
    assert there, "the state file names a checkpoint that is not there"


def broken(world):
    program(world, name_first=True)


def mended(world):
    program(world, name_first=False)
