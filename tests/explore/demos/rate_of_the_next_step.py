"""A learning rate is looked up from the step counter; another task moves the counter on before it is used.

The counter moves where the step is taken.
"""

import minitf as tf

ERROR = "AssertionError: the steps had the rates ["
DEVIATIONS = 0  # first train, then count, as it is written


def program(world, apart):
    step, rates = tf.Variable(0), [1.0, 0.5, 0.25]
    used = []

    def train():
        for _ in range(2):
            yield
            used.append(rates[int(step.numpy())])
            if not apart:
                step.assign_add(1)

    def count():
        for _ in range(2 if apart else 0):
            yield
            step.assign_add(1)

    world.tasks(train, count)
    assert used == [1.0, 0.5], f"the steps had the rates {used}"


def broken(world):
    program(world, apart=True)


def mended(world):
    program(world, apart=False)
