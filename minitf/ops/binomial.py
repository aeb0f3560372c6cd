"""Numbers of successes: draws from binomial distributions."""

import numpy as np

from minitf.core.op import Index, Place, RealFloating, op
from minitf.core.spec import broadcast_shapes, compatible, shape_text
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops import random
from minitf.ops.shapes import settle


@op(stateful=True)
def random_binomial(state: Place, counts: RealFloating, probs: RealFloating, dims: Index = None, *, sizes, dtype, key):
    """How many of ``counts`` trials succeed, each with the probability ``probs``."""
    goal = sizes if dims is None else tuple(dims)
    if np.any(counts < 0) or np.any(probs < 0) or np.any(probs > 1):
        raise InvalidArgumentError("binomial: counts must not be negative, and probs must be between 0 and 1.")
    _check(goal, np.shape(counts), np.shape(probs))
    drawn = random._next(state, key).binomial(np.asarray(counts, np.int64), probs, goal)
    return settle(np.asarray(drawn).astype(dtype.np))


def _check(goal, counts, probs):
    if goal is None:
        return
    if not compatible(broadcast_shapes(goal, counts, probs), goal):
        raise ShapeError(
            f"binomial: counts {shape_text(counts)} and probs {shape_text(probs)} do not broadcast to {shape_text(goal)}."
        )


@random_binomial.infer
def _(state, counts, probs, dims=None, *, sizes, dtype, key):
    _check(sizes, counts.shape, probs.shape)
    return random.drawn_spec(sizes, dtype)
