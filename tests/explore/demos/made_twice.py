"""Two workers make a variable that is missing; between looking and making, the other makes it too, and trains it in vain.

Looking and making belong into one step.
"""

import minitf as tf

ERROR = "AssertionError: 1 of 2 updates arrived"
DEVIATIONS = 1


def program(world, apart):
    net = tf.Module()

    def worker():
        yield
        if not hasattr(net, "count"):
            if apart:
                yield
            net.count = tf.Variable(0)
        net.count.assign_add(1)

    world.tasks(worker, worker)
    assert net.count.numpy() == 2, f"{net.count.numpy()} of 2 updates arrived"


def broken(world):
    program(world, apart=True)


def mended(world):
    program(world, apart=False)
