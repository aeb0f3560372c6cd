"""To save space, the old checkpoint is deleted before the new one is written: a crash between leaves none.

First write, then delete.
"""

import minitf as tf

ERROR = "AssertionError: no checkpoint is left"
DEVIATIONS = 1


def program(world, delete_first):
    directory = world.directory()
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    old = checkpoint.write(directory + "/old")
    with world.crash(power=False):
        if delete_first:
            tf.train.remove_checkpoint(old)
        checkpoint.write(directory + "/new")
        if not delete_first:
            tf.train.remove_checkpoint(old)
    left = [path for path in ("old", "new") if tf.train.checkpoint_exists(f"{directory}/{path}")]
    assert left, "no checkpoint is left"


def broken(world):
    program(world, delete_first=True)


def mended(world):
    program(world, delete_first=False)
