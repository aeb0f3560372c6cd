"""Where the decisions of a drawing come from: ``random.Random`` here, Hypothesis in ``strategies``."""

from __future__ import annotations

import random
from typing import Protocol


class Choice(Protocol):
    """A source of decisions."""

    def integer(self, low: int, high: int) -> int:
        """A number, both ends included."""


class RandomChoice:
    """Decisions of ``random.Random``."""

    def __init__(self, seed: str):
        self._random = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)
