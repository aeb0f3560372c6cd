"""A variable is trained before it hangs on the model. A restore waits for it, and takes the training back when it is attached.

Attached first, it is restored first, and the training counts.
"""

import minitf as tf

ERROR = "AssertionError: the training was taken back: 3.0"
DEVIATIONS = 0  # this order is the program's own


def program(world, attach_first):
    storage = world.memory()
    old = tf.Module()
    old.v = tf.Variable(3.0)
    path = tf.train.CheckpointableSaver(old, storage=storage).save("ckpt")
    net, v = tf.Module(), tf.Variable(0.0)
    tf.train.CheckpointableSaver(net, storage=storage).restore(path)

    def attach():
        yield
        net.v = v

    def train():
        yield
        v.assign_add(1.0)

    if attach_first:
        attach_now = attach()
        world.tasks(attach_now)
        world.tasks(train)
    else:
        world.tasks(train, attach)
    assert v.numpy() == 4.0, f"the training was taken back: {v.numpy()}"


def broken(world):
    program(world, attach_first=False)


def mended(world):
    program(world, attach_first=True)
