"""A metric is fetched in the run that restores: it may be computed from the values before.

Computed after the restore (a control dependency, or a run of its own), it is the restored model's.
"""

import minitf as tf

ERROR = "AssertionError: the metric is 0.0 of a model whose weight is 3.0"
DEVIATIONS = 1


def program(world, after):
    with world.graph().as_default():
        w = tf.Variable(0.0, name="w")
        restore = tf.compat.v1.assign(w, 3.0)
        with tf.control_dependencies([restore] if after else []):
            metric = w.read_value() * 2.0
        with world.session() as session:
            session.run(w.initializer)
            _, value = session.run([restore, metric])
    assert value == 6.0, f"the metric is {value} of a model whose weight is 3.0"


def broken(world):
    program(world, after=False)


def mended(world):
    program(world, after=True)
