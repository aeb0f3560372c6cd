"""A checkpoint from before the first training step has no momentum, so a second restore of it leaves that alone.

The weight is then the checkpoint's and the momentum the training's. Saved after the slots were made, it brings both.
"""

import minitf as tf

ERROR = "AssertionError: weight 0.0 of the checkpoint, momentum 1.0 of the training"
DEVIATIONS = 0  # first train, then restore, as it is written


def program(world, slots_first):
    root = tf.Module()
    root.w, root.optimizer = tf.Variable(0.0), tf.train.MomentumOptimizer(1.0, 1.0)

    def train():
        yield
        root.optimizer.minimize(lambda: root.w * 1.0)

    def state():
        slot = root.optimizer.get_slot(root.w, "momentum")
        return float(root.w.numpy()), 0.0 if slot is None else float(slot.numpy())

    if slots_first:
        world.tasks(train)
    saver = tf.train.CheckpointableSaver(root, storage=world.memory())
    path = saver.save("ckpt")
    saver.restore(path)

    def restore():
        yield
        saver.restore(path)

    world.tasks(train, restore)
    consistent = {(-1.0, 1.0), (-3.0, 2.0)} if slots_first else {(0.0, 0.0), (-1.0, 1.0)}
    w, momentum = state()
    assert (w, momentum) in consistent, f"weight {w} of the checkpoint, momentum {momentum} of the training"


def broken(world):
    program(world, slots_first=False)


def mended(world):
    program(world, slots_first=True)
