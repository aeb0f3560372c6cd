"""Random numbers: ops that draw from a stream (reproducible after ``set_seed``), and ops whose seed is an input.

The stream's state is the value of a handle, so it is kept by the store like a variable: each session has its own sequence, a
new session begins anew. Not the same numbers as TensorFlow's for a seed, but the same promises about repeating.
"""

from typing import Any

import numpy as np

from minitf.core import dtypes, runtime
from minitf.core.op import Anything, Index, Integer, Place, RealFloating, convert, op
from minitf.core.spec import Spec, shape_text
from minitf.core.streams import DEFAULT_SEED, OWNED, chance, drawn, first_state, skipped
from minitf.errors import DTypeError, InvalidArgumentError, ShapeError
from minitf.ops.shapes import settle
from minitf.ops.static import known, requested


def set_seed(seed: int | None) -> None:
    """Sets the seed of the current runtime: eager draws begin anew, a graph's ops made from now on get seeds that follow from
    it.
    """
    runtime.current().home.streams.seed = seed


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds, of the runtime and of an op, that decide the sequence of an op that was given ``op_seed``.

    If one of them is not given, a number stands in for it; if neither is, both are None.
    """
    streams = runtime.current().home.streams
    if streams.seed is None:
        return (None, None) if op_seed is None else (DEFAULT_SEED, op_seed)
    pair = streams.seed, streams.place_in_program() if op_seed is None else op_seed
    return (0, 2**31 - 1) if pair == (0, 0) else pair  # two zeros would say that there are none


def _next(cell, key):
    """A generator for this draw; the state in the cell moves on."""
    with cell.lock:
        state = cell.read() if key == OWNED else cell.value
        if state is None:
            state = first_state(chance() if key is None else key)
        rng, after = drawn(state)
        cell.write(after)
    return rng


def _stream(seed: Any) -> tuple[Any, int | None]:
    return runtime.current().home.streams.stream(None if seed is None else int(known(seed)))


# -- how numbers are drawn ---------------------------------------------------------------------------------------------


def _unit(rng, size, dtype):
    """Uniform floats in [0, 1)."""
    if dtype.itemsize > 2:
        return rng.random(size, dtype=dtype)
    bits = 11 if dtype == np.float16 else 8
    return (rng.integers(0, 2**bits, size).astype(np.float32) / np.float32(2**bits)).astype(dtype)


def _normal(rng, size, dtype):
    if dtype.itemsize > 2:
        return rng.standard_normal(size, dtype=dtype)
    return rng.standard_normal(size, dtype=np.float32).astype(dtype)


def _truncated(rng, size, dtype):
    """Normal numbers; those more than 2 away from 0 are drawn again."""
    wide = dtype if dtype.itemsize > 2 else np.dtype(np.float32)
    out = np.atleast_1d(rng.standard_normal(size, dtype=wide))
    while (far := np.abs(out) > 2).any():
        out[far] = rng.standard_normal(int(far.sum()), dtype=wide)
    return out.reshape(size).astype(dtype)


def integers_between(rng, low, high, size, dtype):
    """Integers in [low, high). Raises InvalidArgumentError if there are none."""
    if np.any(np.asarray(low) >= np.asarray(high)):
        raise InvalidArgumentError(f"random_uniform: minval ({low}) must be less than maxval ({high}).")
    return rng.integers(low, high, size, dtype=dtype)


DISTRIBUTIONS = {"uniform": _unit, "normal": _normal, "truncated_normal": _truncated}


def _goal(sizes, dims):
    return sizes if dims is None else tuple(dims)


# -- ops with a stream -------------------------------------------------------------------------------------------------


@op(stateful=True)
def random_floats(state: Place, dims: Index = None, *, sizes, dtype, key, distribution):
    """Floats of a standard distribution: uniform in [0, 1), normal, or normal cut off at 2."""
    return settle(np.asarray(DISTRIBUTIONS[distribution](_next(state, key), _goal(sizes, dims), dtype.np)))


@random_floats.infer
def _(state, dims=None, *, sizes, dtype, key, distribution):
    return drawn_spec(sizes, dtype)


def drawn_spec(sizes, dtype):
    """The spec of a drawn tensor. Raises ShapeError for a negative size."""
    if sizes is not None and any(s is not None and s < 0 for s in sizes):
        raise ShapeError(f"Cannot draw a tensor of shape {shape_text(sizes)}: a size is negative.")
    return Spec(dtype, sizes)


@op(stateful=True)
def random_integers(state: Place, minval: Integer, maxval: Integer, dims: Index = None, *, sizes, key):
    """Integers in [minval, maxval)."""
    return settle(np.asarray(integers_between(_next(state, key), minval, maxval, _goal(sizes, dims), minval.dtype)))


@random_integers.infer
def _(state, minval, maxval, dims=None, *, sizes, key):
    return drawn_spec(sizes, minval.dtype)


@op(stateful=True)
def random_bits(state: Place, dims: Index = None, *, sizes, dtype):
    """Integers from the whole range of a dtype."""
    limits = np.iinfo(dtype.np)
    return settle(np.asarray(_next(state, OWNED).integers(limits.min, limits.max, _goal(sizes, dims), dtype.np, endpoint=True)))


@random_bits.infer
def _(state, dims=None, *, sizes, dtype):
    if dtype.kind not in "iu":
        raise DTypeError(f"Only integers have such a range, not {dtype.name}.")
    return drawn_spec(sizes, dtype)


@op(stateful=True)
def skip_draws(state: Place, *, delta):
    """The state after ``delta`` more draws."""
    with state.lock:
        new = skipped(state.read(), delta)
        state.write(new)
        return new


@skip_draws.infer
def _(state, *, delta):
    return state


@op(name="random_shuffle", stateful=True)
def shuffle_from(state: Place, value: Anything, *, key):
    """The slices along axis 0 in another order."""
    return value[_next(state, key).permutation(value.shape[0])] if value.ndim else value


@shuffle_from.infer
def _(state, value, *, key):
    return value


@op(name="random_categorical", stateful=True)
def _random_categorical(state: Place, logits: RealFloating, *, num_samples, dtype, key):
    """Class numbers with the probabilities ``softmax(logits)`` of each row."""
    return chosen_classes(_next(state, key), logits, num_samples, dtype)


def chosen_classes(rng, logits, count, dtype):
    """Class numbers with the probabilities ``softmax(logits)`` of each row."""
    rows, classes = logits.shape
    if classes == 0:
        raise InvalidArgumentError(f"categorical: logits of shape {logits.shape} have no class to draw.")
    wide = logits.astype(np.float64)
    cumulated = np.cumsum(np.exp(wide - wide.max(1, keepdims=True)), 1) if rows else np.zeros((0, classes))
    points = rng.random((rows, count)) * (cumulated[:, -1:] if rows else 1)
    return np.minimum((cumulated[:, None, :] <= points[:, :, None]).sum(-1), classes - 1).astype(dtype.np)


@_random_categorical.infer
def _(state, logits, *, num_samples, dtype, key):
    return chosen_spec(logits, num_samples, dtype)


def chosen_spec(logits, num_samples, dtype):
    """The spec of drawn class numbers. Raises ShapeError unless the logits are a matrix."""
    if logits.shape is not None and len(logits.shape) != 2:
        raise ShapeError(f"categorical draws from rows of logits: give a matrix, not shape {shape_text(logits.shape)}.")
    return Spec(dtype, (None if logits.shape is None else logits.shape[0], num_samples))


# -- TensorFlow's calls ------------------------------------------------------------------------------------------------


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Uniform numbers in [minval, maxval); ``maxval`` is 1 for floats and must be given for integers."""
    wanted = dtypes.as_dtype(dtype)
    sizes, dynamic = requested(shape)
    handle, key = _stream(seed)
    if wanted.kind in "iu":
        if maxval is None:
            raise ValueError(f"random.uniform of {wanted.name} needs maxval.")
        return random_integers(
            handle, convert(minval, wanted), convert(maxval, wanted), dynamic, sizes=sizes, key=key, name=name
        )
    unit = random_floats(
        handle, dynamic, sizes=sizes, dtype=float_dtype(wanted, "uniform"), key=key, distribution="uniform", name=name
    )
    return between(unit, minval, maxval)


def between(unit: Any, minval: Any, maxval: Any) -> Any:
    """Numbers in [0, 1) moved to [minval, maxval)."""
    if maxval is None:
        maxval = 1
    if type(minval) in (int, float) and type(maxval) in (int, float):
        out = unit if maxval - minval == 1 else unit * float(maxval - minval)
        return out if minval == 0 else out + float(minval)
    low, high = _like(minval, unit), _like(maxval, unit)
    return unit * (high - low) + low


def _like(value: Any, like: Any) -> Any:
    return (
        convert(value)
        if hasattr(value, "dtype") and not isinstance(value, (np.ndarray, np.generic))
        else convert(value, like.dtype)
    )


def float_dtype(dtype: Any, what: str) -> Any:
    """The DType. Raises ValueError if no random op draws it."""
    wanted = dtypes.as_dtype(dtype)
    if wanted not in (RealFloating.allowed or ()):
        raise ValueError(f"random.{what} draws floats, not {wanted.name}.")
    return wanted


def scaled(x: Any, mean: Any, stddev: Any) -> Any:
    """Standard normal numbers with another mean and standard deviation."""
    """Standard normal numbers as ones of this mean and standard deviation."""
    if not (type(stddev) in (int, float) and stddev == 1):
        x = x * (float(stddev) if type(stddev) is int else _like(stddev, x))
    if not (type(mean) in (int, float) and mean == 0):
        x = x + (float(mean) if type(mean) is int else _like(mean, x))
    return x


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Normally distributed numbers."""
    return scaled(_floats(shape, dtype, seed, "normal", name), mean, stddev)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Any:
    """Normally distributed numbers; those more than two standard deviations from the mean are drawn again."""
    return scaled(_floats(shape, dtype, seed, "truncated_normal", name), mean, stddev)


def _floats(shape: Any, dtype: Any, seed: Any, distribution: str, name: str | None) -> Any:
    sizes, dynamic = requested(shape)
    handle, key = _stream(seed)
    wanted = float_dtype(dtypes.as_dtype(dtype), distribution)
    return random_floats(handle, dynamic, sizes=sizes, dtype=wanted, key=key, distribution=distribution, name=name)


def shuffled(state: Any, value: Any, key: int | None, name: str | None = None) -> Any:
    """``value`` with its slices along the first axis in the order that the stream ``state`` draws."""
    return shuffle_from(state, value, key=key, name=name)


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    """The slices of ``value`` along its first axis in random order."""
    handle, key = _stream(seed)
    return shuffle_from(handle, value, key=key, name=name)


def categorical(logits: Any, num_samples: Any, dtype: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """``num_samples`` class numbers for each row of ``logits``, with the probabilities ``softmax(logits)``."""
    handle, key = _stream(seed)
    wanted = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    return _random_categorical(handle, logits, num_samples=int(known(num_samples)), dtype=wanted, key=key, name=name)


def dropout(x: Any, rate: Any, noise_shape: Any = None, seed: Any = None, name: str | None = None) -> Any:
    """``x`` with a share ``rate`` of its elements set to 0 and the rest scaled by ``1 / (1 - rate)``, so that the mean stays.

    Axes where ``noise_shape`` is 1 are kept or dropped as a whole. Raises ValueError unless 0 <= rate < 1.
    """
    from minitf.ops.comparisons import select
    from minitf.ops.creating import zeros_like
    from minitf.ops.shapes import shape, shape_of

    tensor = convert(x)
    if tensor.dtype.kind != "f":
        raise ValueError(f"dropout scales its input, so that must be a float tensor, not {tensor.dtype.name}.")
    share = known(rate)
    if share is not None and not 0 <= float(share) < 1:
        raise ValueError(f"dropout: rate must be in [0, 1), not {rate}.")
    if share is not None and float(share) == 0:
        return tensor
    if noise_shape is None:
        noise_shape = shape_of(tensor)
    elif isinstance(noise_shape, (list, tuple)) and None in noise_shape:
        noise_shape = [shape(tensor)[i] if s is None else s for i, s in enumerate(noise_shape)]
    keep = uniform(noise_shape, seed=seed, dtype=tensor.dtype) >= _like(rate, tensor)
    scaled = tensor / (1.0 - _like(rate, tensor)) if share is None else tensor * (1.0 / (1.0 - float(share)))
    return select(keep, scaled, zeros_like(scaled), name=name)


# The names that these have at the top level.
random_uniform, random_normal, random_shuffle, set_random_seed = uniform, normal, shuffle, set_seed
