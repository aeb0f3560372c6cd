"""What a training step costs whose network begins with a large table of vectors, of which a batch looks at a few.

The gradient of the table is a dense array, as large as the table and nearly all 0. The row shows what this costs beside a step
that touches only the rows of the batch: ``rows`` does in minitf what an optimizer would do with sparse gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from table import row
from timing import Candidate, repeated

SIZE, WIDTH, BATCH, RATE = 50_000, 64, 256, 0.1


def _problem() -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(0)
    table = draw.standard_normal((SIZE, WIDTH), dtype=np.float32)
    return table, draw.integers(0, SIZE, BATCH), draw.standard_normal((BATCH, WIDTH), dtype=np.float32)


def _by_hand() -> Candidate:
    """Only the rows of the batch."""
    table, ids, goal = _problem()

    def step() -> None:
        gradient = (table[ids] - goal) * np.float32(RATE)
        np.subtract.at(table, ids, gradient)

    return repeated(step)


def _steps(tf: Any, adam: bool) -> dict[str, Any]:
    start, ids, goal = _problem()
    train = tf.compat.v1.train
    made: dict[str, Any] = {}

    def dense() -> Any:
        table, numbers, wanted = tf.Variable(start), tf.constant(ids), tf.constant(goal)
        optimizer = train.AdamOptimizer(RATE) if adam else train.GradientDescentOptimizer(RATE)

        def step() -> None:
            with tf.GradientTape() as tape:
                loss = tf.nn.l2_loss(tf.nn.embedding_lookup(table, numbers) - wanted)
            optimizer.apply_gradients([(tape.gradient(loss, table), table)])

        return table, step

    def rows() -> Any:
        table, numbers, wanted = tf.Variable(start), tf.constant(ids), tf.constant(goal)

        def step() -> None:
            found = tf.nn.embedding_lookup(table, numbers)
            with tf.GradientTape() as tape:
                tape.watch(found)
                loss = tf.nn.l2_loss(found - wanted)
            tf.compat.v1.scatter_sub(table, numbers, tape.gradient(loss, found) * RATE)

        return table, step

    made["eager"] = dense()
    if not adam and tf.__name__ == "minitf":
        made["rows"] = rows()
        for _, step in made.values():
            step()
        np.testing.assert_allclose(made["eager"][0].numpy(), made["rows"][0].numpy(), rtol=1e-5, atol=1e-6)
    return {name: repeated(step) for name, (_, step) in made.items()}


@row("train a table of 50,000 x 64, SGD")
def table_sgd(tf: Any) -> dict[str, Candidate]:
    return {"numpy": _by_hand(), **_steps(tf, adam=False)}


@row("train a table of 50,000 x 64, Adam")
def table_adam(tf: Any) -> dict[str, Candidate]:
    return {"numpy": _by_hand(), **_steps(tf, adam=True)}
