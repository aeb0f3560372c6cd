"""TensorFlow's random numbers for shuffling: 32 bits at a time, the same for the same seeds.

Philox 4x32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a block of four numbers is a
function of a counter and a key. The first seed is the key, the second one the upper half of the counter.
"""

from __future__ import annotations

import secrets

_LOW = 0xFFFFFFFF
_FACTORS = 0xD2511F53, 0xCD9E8D57
_STEPS = 0x9E3779B9, 0xBB67AE85


class Bits:
    """A sequence of numbers below 2**32. ``count``: how many have been drawn; may be set."""

    __slots__ = ("count", "seeds")

    def __init__(self, seeds: tuple[int, int], count: int = 0):
        self.seeds = seeds
        self.count = count

    def draw(self) -> int:
        """The next number."""
        block, at = divmod(self.count, 4)
        self.count += 1
        return _block(block, self.seeds)[at]


def _block(number: int, seeds: tuple[int, int]) -> list[int]:
    key = [seeds[0] & _LOW, seeds[0] >> 32 & _LOW]
    x = [number & _LOW, number >> 32 & _LOW, seeds[1] & _LOW, seeds[1] >> 32 & _LOW]
    for _ in range(10):
        a, b = _FACTORS[0] * x[0], _FACTORS[1] * x[2]
        x = [b >> 32 ^ x[1] ^ key[0], b & _LOW, a >> 32 ^ x[3] ^ key[1], a & _LOW]
        key = [key[0] + _STEPS[0] & _LOW, key[1] + _STEPS[1] & _LOW]
    return x


class Seeds:
    """The seeds of a dataset's iterations. ``anew``: other ones each time, drawn from the first; else the same again.

    Two zeros stand for chance.
    """

    def __init__(self, seeds: tuple[int, int], anew: bool):
        self._given = seeds
        self._seeds = seeds if any(seeds) else (secrets.randbits(64), secrets.randbits(64))
        self._bits = Bits(self._seeds) if anew else None

    def renewed(self) -> Seeds:
        """As it was at first."""
        return Seeds(self._given, self._bits is not None)

    def draw(self) -> tuple[int, int]:
        """The seeds of the next iteration."""
        return self._seeds if self._bits is None else (self._bits.draw(), self._bits.draw())

    def state(self) -> list[int]:
        """Where it is."""
        return [*self._seeds, 0 if self._bits is None else self._bits.count]

    def restore(self, state: list[int]) -> None:
        """Goes to where it was."""
        self._seeds = state[0], state[1]
        if self._bits is not None:
            self._bits = Bits(self._seeds, state[2])
