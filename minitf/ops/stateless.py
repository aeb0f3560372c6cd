"""Random numbers whose seed is an input: the same seed always gives the same numbers, in both runtimes."""

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import Anything, Index, Integer, RealFloating, convert, op
from minitf.core.spec import shape_text
from minitf.errors import ShapeError
from minitf.ops import random
from minitf.ops.kinds import Seed
from minitf.ops.shapes import settle
from minitf.ops.static import known, requested


def _generator(seed):
    """A generator for a seed of two integers."""
    if seed.shape != (2,):
        raise ShapeError(_two(seed.shape))
    return np.random.Generator(np.random.Philox(key=seed.astype(np.int64).view(np.uint64)))


def _two(shape):
    return f"A seed is two integers, but this one has shape {shape_text(shape)}."


def _check_seed(seed):
    if seed.shape is not None and len(seed.shape) == 1 and seed.shape[0] in (None, 2):
        return
    if seed.shape is not None:
        raise ShapeError(_two(seed.shape))


@op(name="stateless_floats")
def _floats(seed: Seed, dims: Index = None, *, sizes, dtype, distribution):
    """Floats of a standard distribution: uniform in [0, 1), normal, or normal cut off at 2."""
    draw = random.DISTRIBUTIONS[distribution]
    return settle(np.asarray(draw(_generator(seed), sizes if dims is None else tuple(dims), dtype.np)))


@_floats.infer
def _(seed, dims=None, *, sizes, dtype, distribution):
    _check_seed(seed)
    return random.drawn_spec(sizes, dtype)


@_floats.samples
def _(draw):
    attrs = {"sizes": draw.shape(), "dtype": dtypes.float32, "distribution": draw.choice(sorted(random.DISTRIBUTIONS))}
    return (draw.integers(-5, 5, shape=(2,)), None), attrs


@op(name="stateless_integers")
def _integers(seed: Seed, minval: Integer, maxval: Integer, dims: Index = None, *, sizes):
    """Integers in [minval, maxval)."""
    goal = sizes if dims is None else tuple(dims)
    return settle(np.asarray(random.integers_between(_generator(seed), minval, maxval, goal, minval.dtype)))


@_integers.infer
def _(seed, minval, maxval, dims=None, *, sizes):
    _check_seed(seed)
    return random.drawn_spec(sizes, minval.dtype)


@_integers.samples
def _(draw):
    return (draw.integers(-5, 5, shape=(2,)), np.int32(-2), np.int32(3), None), {"sizes": draw.shape()}


@op(name="stateless_shuffle")
def _shuffle(value: Anything, seed: Seed):
    """The slices along axis 0 in another order."""
    return value[_generator(seed).permutation(value.shape[0])] if value.ndim else value


@_shuffle.infer
def _(value, seed):
    _check_seed(seed)
    return value


_shuffle.samples(lambda draw: ((draw(Anything), draw.integers(-5, 5, shape=(2,))), {}))


@op(name="stateless_categorical")
def _categorical(logits: RealFloating, seed: Seed, *, num_samples, dtype):
    """Class numbers with the probabilities ``softmax(logits)`` of each row."""
    if logits.ndim != 2:
        raise ShapeError("")
    return random.chosen_classes(_generator(seed), logits, num_samples, dtype)


@_categorical.infer
def _(logits, seed, *, num_samples, dtype):
    _check_seed(seed)
    return random.chosen_spec(logits, num_samples, dtype)


@_categorical.samples
def _(draw):
    logits = draw(shape=(draw.integer(0, 2), draw.integer(1, 3)))
    return (logits, draw.integers(-5, 5, shape=(2,))), {"num_samples": draw.integer(0, 3), "dtype": dtypes.int64}


# -- TensorFlow's calls ------------------------------------------------------------------------------------------------


def stateless_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Uniform numbers in [minval, maxval) that ``seed`` (two integers) decides."""
    wanted = dtypes.as_dtype(dtype)
    sizes, dynamic = requested(shape)
    if wanted.kind in "iu":
        if maxval is None:
            raise ValueError(f"stateless_uniform of {wanted.name} needs maxval.")
        return _integers(seed, convert(minval, wanted), convert(maxval, wanted), dynamic, sizes=sizes, name=name)
    return random.between(_floats(seed, dynamic, sizes=sizes, dtype=wanted, distribution="uniform", name=name), minval, maxval)


def stateless_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Normally distributed numbers that ``seed`` (two integers) decides."""
    sizes, dynamic = requested(shape)
    drawn = _floats(seed, dynamic, sizes=sizes, dtype=dtypes.as_dtype(dtype), distribution="normal", name=name)
    return random.scaled(drawn, mean, stddev)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Any:
    """Normally distributed numbers, at most two standard deviations from the mean, that ``seed`` (two integers) decides."""
    sizes, dynamic = requested(shape)
    drawn = _floats(seed, dynamic, sizes=sizes, dtype=dtypes.as_dtype(dtype), distribution="truncated_normal", name=name)
    return random.scaled(drawn, mean, stddev)


def stateless_shuffle(value: Any, seed: Any, alg: Any = "auto_select", name: str | None = None) -> Any:
    """The slices of ``value`` along its first axis in an order that ``seed`` (two integers) decides."""
    return _shuffle(value, seed, name=name)


def stateless_categorical(logits: Any, num_samples: Any, seed: Any, dtype: Any = dtypes.int64, name: str | None = None) -> Any:
    """Class numbers with the probabilities ``softmax(logits)`` of each row, that ``seed`` (two integers) decides."""
    return _categorical(logits, seed, num_samples=int(known(num_samples)), dtype=dtypes.as_dtype(dtype), name=name)
