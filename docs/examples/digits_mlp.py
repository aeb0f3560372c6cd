"""A network with one hidden layer learns handwritten digits.

    python docs/examples/digits_mlp.py run/mlp --mode graph
"""

import numpy as np
from training import Task, main

import minitf as tf
from minitf.data import load_digits

IMAGES, LABELS = load_digits("train")


class Digits(Task):
    """A network with one hidden layer learns handwritten digits."""

    def make_model(self):
        return tf.keras.Sequential([tf.keras.layers.Dense(128, activation="relu"), tf.keras.layers.Dense(10)])

    def batch(self, step):
        rows = np.random.default_rng(step).integers(len(LABELS), size=32)
        return IMAGES[rows], LABELS[rows]

    def test(self):
        return load_digits("test")


if __name__ == "__main__":
    main(Digits())
