"""Two parts of a program each restore the variable that they share, from checkpoints of their own, in one run.

Each variable must belong to one restore; the other part leaves it out.
"""

import minitf as tf

ERROR = "AssertionError: the embedding is of the encoder's checkpoint: 1.0"
DEVIATIONS = 2  # the decoder's value, and its assignment


def program(world, parts):
    saved = {"encoder": 1.0, "decoder": 2.0}
    with world.graph().as_default():
        embedding = tf.Variable(0.0, name="embedding")
        restores = [tf.compat.v1.assign(embedding, saved[part]) for part in parts]
        with world.session() as session:
            session.run(embedding.initializer)
            session.run(restores)
            value = session.run(embedding)
    assert value == 2.0, f"the embedding is of the encoder's checkpoint: {value}"


def broken(world):
    program(world, ["encoder", "decoder"])


def mended(world):
    program(world, ["decoder"])
