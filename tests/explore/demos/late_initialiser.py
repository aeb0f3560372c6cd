"""A restore waits for variables that are made later; when they are there, somebody runs all initialisers after it.

``initialize_or_restore`` initialises what no checkpoint has a value for, and nothing else.
"""

import minitf as tf

ERROR = "AssertionError: the restored value was initialised away: 0.0"
DEVIATIONS = 1


def program(world, one_call):
    storage = world.memory()
    with world.graph().as_default(), world.session() as session:
        net = tf.Module()
        net.v = tf.Variable(4.0)
        session.run(net.v.initializer)
        path = tf.train.CheckpointableSaver(net, storage=storage).save("ckpt")

    with world.graph().as_default(), world.session() as session:
        net = tf.Module()
        status = tf.train.CheckpointableSaver(net, storage=storage).restore(path)
        net.v = tf.Variable(0.0)

        def start():
            yield
            if one_call:
                status.initialize_or_restore(session)
            else:
                session.run(net.v.initializer)

        def load():
            yield
            if not one_call:
                status.run_restore_ops(session)

        world.tasks(start, load)
        value = session.run(net.v)
    assert value == 4.0, f"the restored value was initialised away: {value}"


def broken(world):
    program(world, one_call=False)


def mended(world):
    program(world, one_call=True)
