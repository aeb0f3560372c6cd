"""Two variables belong together and are updated in two steps; a save between them writes a state that never should be seen.

Updated in one step (or saved only where the loop says so), every checkpoint is consistent.
"""

import minitf as tf

ERROR = "AssertionError: the checkpoint has position 1.0, but step 0.0"
DEVIATIONS = 1


def program(world, apart):
    net = tf.Module()
    net.position, net.step = tf.Variable(0.0), tf.Variable(0.0)
    saver = tf.train.CheckpointableSaver(net, storage=world.memory())

    def train():
        yield
        net.position.assign_add(1.0)
        if apart:
            yield
        net.step.assign_add(1.0)

    def save():
        yield
        saver.save("ckpt")

    world.tasks(train, save)
    saver.restore("ckpt")
    position, step = net.position.numpy(), net.step.numpy()
    assert position == step, f"the checkpoint has position {position}, but step {step}"


def broken(world):
    program(world, apart=True)


def mended(world):
    program(world, apart=False)
