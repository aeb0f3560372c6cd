"""Two workers add to a variable by reading it and writing the sum: what one adds between the two is lost.

``assign_add`` reads and writes in one step.
"""

import minitf as tf

ERROR = "AssertionError: 1.0 instead of 2.0"
DEVIATIONS = 1


def broken(world):
    v = tf.Variable(0.0)

    def worker():
        seen = v.numpy()
        yield
        v.assign(seen + 1.0)

    world.tasks(worker, worker)
    assert v.numpy() == 2.0, f"{v.numpy()} instead of 2.0"


def mended(world):
    v = tf.Variable(0.0)

    def worker():
        yield
        v.assign_add(1.0)

    world.tasks(worker, worker)
    assert v.numpy() == 2.0, f"{v.numpy()} instead of 2.0"
