"""A moving average is taken in the run that updates the variable, and may take the value from before.

The average is made under the update's control dependency, as ``ExponentialMovingAverage`` asks for.
"""

import minitf as tf

ERROR = "AssertionError: the average is 0.0, not 5.0"
DEVIATIONS = 0  # the average stands first in the program


def program(world, ordered):
    with world.graph().as_default():
        v, average = tf.Variable(0.0, name="v"), tf.Variable(0.0, name="average")
        if ordered:
            update = v.assign_add(10.0)
            with tf.control_dependencies([update]):
                follow = average.assign_sub((average - v.read_value()) * 0.5)
        else:
            follow = average.assign_sub((average - v.read_value()) * 0.5)
            update = v.assign_add(10.0)
        with world.session() as session:
            session.run([v.initializer, average.initializer])
            session.run([update, follow])
            value = session.run(average)
    assert value == 5.0, f"the average is {value}, not 5.0"


def broken(world):
    program(world, ordered=False)


def mended(world):
    program(world, ordered=True)
