"""A recurrent network with attention learns which letter comes next in twelve sonnets by Shakespeare.

    python docs/examples/characters.py run/characters --mode graph

The text is ``sonnets.txt``; where it comes from is said in ``README.md``.
"""

from pathlib import Path

import numpy as np
from training import Task, main

import minitf as tf

TEXT = (Path(__file__).parent / "sonnets.txt").read_text(encoding="utf-8")
LETTERS = sorted(set(TEXT))
CODES = np.array([LETTERS.index(letter) for letter in TEXT])
LENGTH = 24  # letters that are read at once


class Reader(tf.keras.Model):
    """Scores for the next letter, after each letter of a piece of text."""

    def __init__(self):
        super().__init__()
        self.embedding = tf.keras.layers.Embedding(len(LETTERS), 32)
        self.gru = tf.keras.layers.GRU(96, return_sequences=True)
        self.attention = tf.keras.layers.MultiHeadAttention(num_heads=2, key_dim=24)
        self.normalization = tf.keras.layers.LayerNormalization()
        self.letter = tf.keras.layers.Dense(len(LETTERS))

    def call(self, codes):
        read = self.gru(self.embedding(codes))
        seen = self.attention(read, read, use_causal_mask=True)  # of the letters before, and of this one
        return self.letter(self.normalization(read + seen))


def pieces(starts):
    """Pieces of the text that begin at ``starts``, and the same pieces one letter later."""
    at = np.asarray(starts)[:, np.newaxis] + np.arange(LENGTH)
    return CODES[at], CODES[at + 1]


class Characters(Task):
    """A recurrent network with attention learns which letter comes next in twelve sonnets by Shakespeare."""

    rate = 0.005
    steps = 300

    def make_model(self):
        return Reader()

    def batch(self, step):
        return pieces(np.random.default_rng(step).integers(len(CODES) - LENGTH, size=32))

    def test(self):
        return pieces(range(0, len(CODES) - LENGTH, LENGTH))


if __name__ == "__main__":
    main(Characters())
