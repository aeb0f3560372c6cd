"""The handwritten digits that come with minitf: 1,797 images of 8x8, for the demonstration, the course and the tests.

    images, labels = minitf.data.load_digits("train")     # float32 (1433, 64) in 0..1, int64 (1433,)

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49, licence CC BY 4.0; NOTICE.md beside this file says what was changed.
"""

from __future__ import annotations

from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

LEVELS = 16  # a pixel counts how many of 4x4 finer pixels were ink
EVERY = 5  # one image of five is for testing


def digits() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All images, float32 (1797, 64) from 0 (paper) to 1 (ink), row by row, and their digits, int64 (1797,).

    Each call makes new arrays: they belong to the caller.
    """
    with resources.files("minitf.data").joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        images, labels = stored["images"], stored["labels"]
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(LEVELS), labels.astype(np.int64)


def load_digits(split: Literal["train", "test", "all"] = "all") -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """One part of the digits, in the order of the source; arrays as from :func:`digits`.

    ``"test"`` (364 images) is the first, sixth, eleventh, ... image of each digit, ``"train"`` (1,433) is the rest, so
    each digit has the same share of both. The same people wrote both parts. Raises ValueError for any other name.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"load_digits({split!r}): there is no such part. Ask for 'train', 'test' or 'all'.")
    images, labels = digits()
    if split == "all":
        return images, labels
    nth = np.empty_like(labels)  # of its digit
    for digit in range(10):
        (where,) = np.nonzero(labels == digit)
        nth[where] = np.arange(len(where))
    chosen = (nth % EVERY == 0) == (split == "test")
    return images[chosen], labels[chosen]
