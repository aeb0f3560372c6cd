"""A variable's initialiser and the assignment of its saved value, fetched in one run: nothing says which comes last.

A control dependency does. (``status.initialize_or_restore()`` knows which variables are restored, and leaves them out.)
"""

import minitf as tf

ERROR = "AssertionError: the saved value 5.0 was overwritten: 1.0"
DEVIATIONS = 2  # the saved value, and its assignment, before the initial value


def program(world, ordered):
    with world.graph().as_default():
        v = tf.Variable(1.0, name="v")
        saved = tf.constant(5.0)
        with tf.control_dependencies([v.initializer] if ordered else []):
            restore = tf.compat.v1.assign(v, saved)
        with world.session() as session:
            session.run([v.initializer, restore])
            value = session.run(v)
    assert value == 5.0, f"the saved value 5.0 was overwritten: {value}"


def broken(world):
    program(world, ordered=False)


def mended(world):
    program(world, ordered=True)
