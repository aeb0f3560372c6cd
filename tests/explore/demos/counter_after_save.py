"""A step counter is incremented after the save: what is saved says that the last batch was not trained on.

Whoever continues from the checkpoint takes that batch a second time. Increment first, then save.
"""

import minitf as tf

ERROR = "AssertionError: the sum of batches is 4.0 instead of 3.0"
DEVIATIONS = 1


def program(world, count_first):
    storage, batches = world.directory() + "/ckpt", [1.0, 2.0]

    def trainer():
        net = tf.Module()
        net.total, net.done = tf.Variable(0.0), tf.Variable(0)
        return net, tf.train.CheckpointableSaver(net)

    def train(net, saver):
        while net.done.numpy() < len(batches):
            net.total.assign_add(batches[int(net.done.numpy())])
            if count_first:
                net.done.assign_add(1)
            saver.save(storage)
            if not count_first:
                net.done.assign_add(1)

    net, saver = trainer()
    with world.crash(power=False) as crash:
        train(net, saver)
    if crash:
        net, saver = trainer()
        latest = tf.train.latest_checkpoint(storage.rpartition("/")[0])
        if latest is not None:
            saver.restore(latest)
        train(net, saver)
    total = net.total.numpy()
    assert total == 3.0, f"the sum of batches is {total} instead of 3.0"


def broken(world):
    program(world, count_first=False)


def mended(world):
    program(world, count_first=True)
