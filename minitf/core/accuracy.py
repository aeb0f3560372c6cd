"""How far a result may be from TensorFlow's, which sums in another order and has approximations of its own.

Two results of an op for the same inputs differ by at most ``ulps`` units in the last place and, if the op sums (its block then
has a ``terms`` rule), by ``sums * n * eps * sum|terms|`` besides: n terms are summed, eps is the distance from 1 to the next
number. ``zero`` times eps is allowed where TensorFlow's formula cancels near a zero of the function. A complex number's unit is
that of its modulus, and all that are not finite count as equal. Integers, bools and strings are equal.

Gradients differ by at most ``gradient`` times eps times the largest element of the gradient (or 1, if that is less); where the
op solves equations or decomposes a matrix, times the condition number for each derivative besides.
"""

from __future__ import annotations

from typing import NamedTuple


class Bound(NamedTuple):
    """How far a result may be from TensorFlow's. A bound that is wider than the usual one says why."""

    ulps: float = 2.0
    sums: float = 4.0
    zero: float = 0.0
    reason: str = ""
    gradient: float = 16.0

    @property
    def wider(self) -> bool:
        """True if it allows more than the usual bound."""
        return self.ulps > USUAL.ulps or self.sums > USUAL.sums or self.zero > USUAL.zero


USUAL = Bound()


def approximated(ulps: float) -> Bound:
    """The bound of a function that TensorFlow approximates with short polynomials. (minitf's own error is tested by itself.)"""
    return Bound(ulps, reason="TensorFlow's short polynomials are so far from the exact value")
