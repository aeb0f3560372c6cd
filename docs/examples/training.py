"""What the examples have in common: training in eager mode or in a graph, and going on where an earlier run stopped.

A task says how its model is made, which batch belongs to which step, and on what it is measured. Everything that a run has to
remember is in one checkpoint: weights, optimizer slots, the step. Batches follow from the step, so a run that was stopped and
goes on sees the same ones as a run that was not.
"""

import argparse

import minitf as tf

v1 = tf.compat.v1


class Task:
    """What is to be learned. Inputs and labels are NumPy arrays whose first axis is the batch."""

    rate = 0.002
    steps = 600
    seed = 7

    def make_model(self):
        """A new model: a callable from inputs to scores, one for each class, in the last axis."""
        raise NotImplementedError

    def batch(self, step):
        """Inputs and labels of a step."""
        raise NotImplementedError

    def test(self):
        """Inputs and labels by which the model is judged."""
        raise NotImplementedError


class Run:
    """Model, optimizer and step, and the checkpoints of all three."""

    def __init__(self, task, folder):
        tf.random.set_seed(task.seed)
        self.model = task.make_model()
        self.optimizer = v1.train.AdamOptimizer(task.rate)
        self.step = tf.Variable(0, trainable=False, dtype=tf.int64, name="step")
        self.checkpoint = tf.train.Checkpoint(model=self.model, optimizer=self.optimizer, step=self.step)
        self.manager = tf.train.CheckpointManager(self.checkpoint, folder, max_to_keep=2)

    def restore(self):
        """Restores the latest checkpoint, if there is one. Variables that do not exist yet are restored when they are made."""
        return self.checkpoint.restore(self.manager.latest_checkpoint)

    def train(self, inputs, labels):
        """One step of training: taken at once in eager mode; the operation that takes it in a graph."""
        with tf.GradientTape() as tape:
            scores = self.model(inputs)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=scores)
            loss = tf.reduce_mean(losses)
        weights = self.model.trainable_variables
        return self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True), global_step=self.step)

    def accuracy(self, inputs, labels):
        """The share of labels that have the best score."""
        best = tf.argmax(self.model(inputs), axis=-1)
        return tf.reduce_mean(tf.cast(tf.equal(best, labels), tf.float32))


def train_eagerly(task, folder, steps, every):
    """Trains to a number of steps, saving after each ``every`` of them and at the end. Gives the accuracy."""
    run = Run(task, folder)
    run.restore()
    for step in range(int(run.step), steps):
        run.train(*task.batch(step))
        if (step + 1) % every == 0 or step + 1 == steps:
            run.manager.save()
    return float(run.accuracy(*task.test()))


def train_in_a_graph(task, folder, steps, every):
    """The same in a graph, run by a session."""
    with tf.Graph().as_default(), v1.Session() as session:
        run = Run(task, folder)
        feeds = [v1.placeholder(array.dtype, (None, *array.shape[1:])) for array in task.batch(0)]
        train, accuracy = run.train(*feeds), run.accuracy(*feeds)
        run.restore().initialize_or_restore(session)
        for step in range(int(session.run(run.step)), steps):
            session.run(train, dict(zip(feeds, task.batch(step), strict=True)))
            if (step + 1) % every == 0 or step + 1 == steps:
                run.manager.save()
        return float(session.run(accuracy, dict(zip(feeds, task.test(), strict=True))))


MODES = {"eager": train_eagerly, "graph": train_in_a_graph}


def main(task):
    """The command line of an example."""
    parser = argparse.ArgumentParser(description=task.__doc__)
    parser.add_argument("folder", help="where the checkpoints are; a run goes on from the latest one")
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--steps", type=int, default=task.steps, help="how many steps in all (default %(default)s)")
    parser.add_argument("--every", type=int, default=100, help="save after so many steps (default %(default)s)")
    asked = parser.parse_args()
    accuracy = MODES[asked.mode](task, asked.folder, asked.steps, asked.every)
    print(f"{tf.__name__} {asked.mode}: accuracy {accuracy:.4f} after {asked.steps} steps")
