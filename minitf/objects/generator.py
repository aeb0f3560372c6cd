"""``tf.random.Generator``: random numbers whose state is a variable.

The state is one int64[3] variable ``[counter low, counter high, key]``, tracked under the edge ``_state_var`` as in TensorFlow,
so a checkpoint that restores the generator restores the sequence that it goes on with, in both runtimes. The numbers are
NumPy's Philox, not TensorFlow's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.core.streams import OWNED, chance, signed
from minitf.objects.trackable import AutoTrackable
from minitf.objects.variable import Variable
from minitf.ops import random
from minitf.ops.static import known_int, requested


class Generator(AutoTrackable):
    """Draws random numbers and moves its state on.

    Make it with ``from_seed``, ``from_state`` or ``from_non_deterministic_state``.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = None):
        if copy_from is not None:
            state = copy_from.state.read_value()
        elif state is None:
            raise ValueError("Generator needs a state. Use Generator.from_seed(seed).")
        self._state_var = Variable(state, dtype=dtypes.int64, shape=(3,), name="StateVar", trainable=False)

    # -- making --------------------------------------------------------------------------------------------------------

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = None) -> Generator:
        """A generator that an integer decides."""
        return cls(state=_seeded(seed))

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Generator:
        """A generator that goes on from a state of three integers."""
        return cls(state=state)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = None) -> Generator:
        """A generator with this key (an integer) and counter (two integers)."""
        return cls(state=_joined(key, counter))

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """A generator that chance decides (the operating system's)."""
        return cls(state=_seeded(chance()))

    # -- the state -----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> Variable:
        """The variable that holds the state."""
        return self._state_var

    @property
    def key(self) -> Any:
        """What distinguishes this sequence from others."""
        return self._state_var[2]

    @property
    def algorithm(self) -> int:
        """1: Philox."""
        return 1

    def reset(self, state: Any) -> None:
        """Goes on from another state."""
        self._state_var.assign(convert(state, None if hasattr(state, "dtype") else dtypes.int64))

    def reset_from_seed(self, seed: Any) -> None:
        """Goes on as ``from_seed(seed)`` would begin."""
        self.reset(_seeded(seed))

    def reset_from_key_counter(self, key: Any, counter: Any) -> None:
        """Goes on as ``from_key_counter`` would begin."""
        self.reset(_joined(key, counter))

    def skip(self, delta: Any) -> Any:
        """Leaves out the next ``delta`` draws."""
        return random.skip_draws(self._state_var.handle, delta=known_int(delta, "delta"))

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _floats(self, shape: Any, dtype: Any, distribution: str, name: str | None) -> Any:
        sizes, dynamic = requested(shape)
        return random.random_floats(
            self._state_var.handle, dynamic, sizes=sizes, dtype=random.float_dtype(dtype, distribution), key=OWNED,
            distribution=distribution, name=name,
        )  # fmt: skip

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Normally distributed numbers."""
        return random.scaled(self._floats(shape, dtype, "normal", name), mean, stddev)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Normally distributed numbers, at most two standard deviations from the mean."""
        return random.scaled(self._floats(shape, dtype, "truncated_normal", name), mean, stddev)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Any:
        """Uniform numbers in [minval, maxval); ``maxval`` is 1 for floats and must be given for integers."""
        wanted = dtypes.as_dtype(dtype)
        if wanted.kind not in "iu":
            return random.between(self._floats(shape, wanted, "uniform", name), minval, maxval)
        if maxval is None:
            raise ValueError(f"Generator.uniform of {wanted.name} needs maxval.")
        return self._integers(shape, minval, maxval, wanted, name)

    def binomial(
        self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32, name: str | None = None
    ) -> Any:
        """How many of ``counts`` trials succeed, each with the probability ``probs``; both broadcast to ``shape``.

        Raises ShapeError if they do not, InvalidArgumentError for a negative count and what is no probability.
        """
        from minitf.ops.binomial import random_binomial
        from minitf.ops.creating import cast

        sizes, dynamic = requested(shape)
        trials, chances = (cast(x, dtypes.float64) for x in (counts, probs))
        wanted = dtypes.as_dtype(dtype)
        return random_binomial(
            self._state_var.handle, trials, chances, dynamic, sizes=sizes, dtype=wanted, key=OWNED, name=name
        )

    def uniform_full_int(self, shape: Any, dtype: Any = dtypes.uint64, name: str | None = None) -> Any:
        """Integers from the whole range of ``dtype``."""
        wanted = dtypes.as_dtype(dtype)
        sizes, dynamic = requested(shape)
        return random.random_bits(self._state_var.handle, dynamic, sizes=sizes, dtype=wanted, name=name)

    def _integers(self, shape: Any, low: Any, high: Any, dtype: Any, name: str | None) -> Any:
        sizes, dynamic = requested(shape)
        return random.random_integers(
            self._state_var.handle, convert(low, dtype), convert(high, dtype), dynamic, sizes=sizes, key=OWNED, name=name
        )

    def shuffled(self, value: Any, name: str | None = None) -> Any:
        """The slices of ``value`` along its first axis in random order (minitf's own:

        TensorFlow's Generator has no such method).
        """
        return random.shuffle_from(self._state_var.handle, value, key=OWNED, name=name)

    def make_seeds(self, count: int = 1) -> Any:
        """Seeds for the stateless functions: an int64 matrix of two rows and ``count`` columns; the second row is zeros."""
        from minitf.ops.creating import zeros_like
        from minitf.ops.joining import stack

        keys = self.uniform_full_int([count], dtypes.int64)
        return stack([keys, zeros_like(keys)])

    def split(self, count: int = 1) -> list[Generator]:
        """New generators with keys that this one draws."""
        from minitf.ops.joining import concat

        keys = self.uniform_full_int([count], dtypes.int64)
        start = np.zeros(2, np.int64)
        return [type(self)(state=concat([start, keys[i : i + 1]], 0)) for i in range(count)]


def _seeded(seed: Any) -> Any:
    return np.array([0, 0, signed(known_int(seed, "seed") & (2**64 - 1))], dtype=np.int64)


def _joined(key: Any, counter: Any) -> Any:
    low, high = (signed(known_int(c, "counter") & (2**64 - 1)) for c in counter)
    return np.array([low, high, signed(known_int(key, "key") & (2**64 - 1))], dtype=np.int64)


_global: Generator | None = None


def get_global_generator() -> Generator:
    """The generator of the process; made by chance unless ``set_global_generator`` gave one."""
    global _global
    if _global is None:
        _global = Generator.from_non_deterministic_state()
    return _global


def set_global_generator(generator: Generator) -> None:
    """Replaces the generator of the process."""
    global _global
    _global = generator
