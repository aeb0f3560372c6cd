"""A convolutional network learns handwritten digits.

    python docs/examples/digits_cnn.py run/cnn --mode graph
"""

from digits_mlp import Digits
from training import main

import minitf as tf


class DigitsByConvolution(Digits):
    """A convolutional network learns handwritten digits."""

    steps = 400

    def make_model(self):
        layers = tf.keras.layers
        return tf.keras.Sequential(
            [
                layers.Reshape((8, 8, 1)),
                layers.Conv2D(16, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.Flatten(),
                layers.Dense(10),
            ]
        )


if __name__ == "__main__":
    main(DigitsByConvolution())
