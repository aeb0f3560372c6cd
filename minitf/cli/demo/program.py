"""The program of the demonstration: a small network that learns digits, written once for both runtimes.

Nothing in here knows whether it runs eagerly or builds a graph. The object that is saved is ``Training``: the network, the
optimizer, the step counter and the random generator from which the batches, the dropout masks and the first weights are drawn.
It owns no variable before ``begin`` or the first step, so a checkpoint can be restored into it before anything exists.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minitf.autodiff import GradientTape
from minitf.core import dtypes
from minitf.data import load_digits
from minitf.layers.dense import Dense
from minitf.objects.generator import Generator
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable
from minitf.ops.activations import relu
from minitf.ops.comparisons import equal, less
from minitf.ops.creating import cast, constant
from minitf.ops.gathering import gather
from minitf.ops.losses import sparse_softmax_cross_entropy_with_logits
from minitf.ops.reductions import argmax, reduce_mean
from minitf.optimizers.adaptive import AdamOptimizer

BATCH = 32
HIDDEN = 128
KEEP = 0.8
SEED = 2026


part_of_the_digits = cache(load_digits)  # nothing in here writes into the arrays


class Network(AutoTrackable):
    """64 pixels, a hidden layer, 10 digits."""

    def __init__(self, random: Generator):
        def first_weights(shape: Any, dtype: Any = None, **_: Any) -> Any:
            return random.truncated_normal(shape, stddev=float(np.sqrt(2.0 / shape[0])))

        self.hidden = Dense(HIDDEN, kernel_initializer=first_weights)
        self.digit = Dense(10, kernel_initializer=first_weights)

    def __call__(self, images: Any, random: Generator | None = None) -> Any:
        """Scores (batch, 10) of images (batch, 64); with ``random`` a part of the hidden layer is dropped, for training."""
        hidden = relu(self.hidden(images))
        if random is not None:
            hidden = hidden * cast(less(random.uniform([BATCH, HIDDEN]), KEEP), dtypes.float32) / KEEP
        return self.digit(hidden)


class Training(AutoTrackable):
    """All that a training run has to remember, and one step of it."""

    def begin(self) -> None:
        """Makes the objects. A checkpoint that waits for them restores each as it is attached."""
        self.random = Generator.from_seed(SEED)
        self.step = Variable(0, trainable=False, name="step", dtype=dtypes.int64)
        self.network = Network(self.random)
        self.optimizer = AdamOptimizer(0.002)

    def train_step(self) -> Any:
        """One step on a random batch: the loss (eager), or the operation that takes the step (graph)."""
        if not hasattr(self, "network"):
            self.begin()
        images, labels = part_of_the_digits("train")
        rows = self.random.uniform([BATCH], minval=0, maxval=len(labels), dtype=dtypes.int64)
        with GradientTape() as tape:
            scores = self.network(gather(constant(images), rows), self.random)
            loss = reduce_mean(sparse_softmax_cross_entropy_with_logits(labels=gather(constant(labels), rows), logits=scores))
        weights = [*self.network.hidden.variables, *self.network.digit.variables]
        return self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True), global_step=self.step)

    def predict(self, part: str) -> Any:
        """Scores for the ``"train"`` or ``"test"`` images, shape (n, 10)."""
        images, _ = part_of_the_digits(part)
        return self.network(constant(images))

    def accuracy(self, part: str) -> Any:
        """The share of images whose best score is the right digit."""
        _, labels = part_of_the_digits(part)
        return reduce_mean(cast(equal(argmax(self.predict(part), 1), constant(labels)), dtypes.float32))
