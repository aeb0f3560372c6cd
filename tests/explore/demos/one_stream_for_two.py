"""Two readers shuffle with one random generator: which numbers each gets depends on who comes first, so no run can be repeated.

Each reader has a generator with a seed of its own.
"""

import minitf as tf

ERROR = "AssertionError: the first reader got other numbers"
DEVIATIONS = 2


def program(world, shared):
    one, fresh = tf.random.Generator.from_seed(7), tf.random.Generator.from_seed(7)
    other = one if shared else tf.random.Generator.from_seed(8)
    expected = [float(fresh.uniform([]).numpy()) for _ in range(2)]

    def reader(generator):
        drawn = []
        for _ in range(2):
            yield
            drawn.append(float(generator.uniform([]).numpy()))
        return drawn

    numbers, _ = world.tasks(reader(one), reader(other))
    assert numbers == expected, "the first reader got other numbers"


def broken(world):
    program(world, shared=True)


def mended(world):
    program(world, shared=False)
