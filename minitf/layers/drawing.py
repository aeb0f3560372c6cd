"""Random numbers for layers and initializers: from the streams that ``set_seed`` starts, from a seed, or from a ``Generator``.

Whatever is accepted as ``seed`` goes through here: None draws from the current runtime's streams, an int gives the same
numbers at every call, a ``tf.random.Generator`` draws from it and moves it on.
"""

from __future__ import annotations

from typing import Any

from minitf.ops import random


def uniform(seed: Any, shape: Any, low: float, high: float, dtype: Any) -> Any:
    """Uniform numbers in [low, high)."""
    return _drawn("uniform", seed, shape, low, high, dtype)


def normal(seed: Any, shape: Any, mean: float, stddev: float, dtype: Any) -> Any:
    """Normally distributed numbers."""
    return _drawn("normal", seed, shape, mean, stddev, dtype)


def truncated_normal(seed: Any, shape: Any, mean: float, stddev: float, dtype: Any) -> Any:
    """Normally distributed numbers, no further than two standard deviations from the mean."""
    return _drawn("truncated_normal", seed, shape, mean, stddev, dtype)


def _drawn(distribution: str, seed: Any, shape: Any, one: float, other: float, dtype: Any) -> Any:
    if is_generator(seed):
        return getattr(seed, distribution)(shape, one, other, dtype)
    if seed is None:
        return getattr(random, distribution)(shape, one, other, dtype)
    from minitf.ops import stateless

    return getattr(stateless, f"stateless_{distribution}")(shape, [int(seed), 0], one, other, dtype)


def is_generator(seed: Any) -> bool:
    """True for a ``tf.random.Generator``."""
    return hasattr(seed, "truncated_normal")
