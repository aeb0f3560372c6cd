"""The loss is fetched together with the update: it is that of the weights before, or after, or (read twice) of both.

What must be read before the update is named as its control dependency.
"""

import minitf as tf

ERROR = "AssertionError: the loss of step 0 is"
DEVIATIONS = 2  # the second factor is read when the update is done


def program(world, ordered):
    with world.graph().as_default():
        w = tf.Variable(2.0, name="w")
        loss = w * w
        with tf.control_dependencies([loss] if ordered else []):
            update = w.assign_sub(1.0)
        with world.session() as session:
            session.run(w.initializer)
            value, _ = session.run([loss, update])
    assert value == 4.0, f"the loss of step 0 is {value}, not 4.0"


def broken(world):
    program(world, ordered=False)


def mended(world):
    program(world, ordered=True)
