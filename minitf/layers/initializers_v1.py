"""``tf.compat.v1.initializers``: initializers with the arguments and defaults of TensorFlow 1.x.

They are those of ``minitf.layers.initializers`` with a dtype of their own, which counts where none is asked for, and with a
range of [0, 1) and a standard deviation of 1 for random numbers.
"""

from __future__ import annotations

import math
from typing import Any

from minitf.core import dtypes
from minitf.layers import initializers


class _Dtyped(initializers.Initializer):
    """Stands before an initializer among the bases; gives it the dtype of the constructor where none is asked for."""

    dtype: Any

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype; ``partition_info`` tells about the piece of a partitioned variable."""
        wanted = self.dtype if dtype is None else dtype
        return super().__call__(shape, dtype=wanted, partition_info=partition_info)

    def _of(self, dtype: Any, floating: bool = False) -> None:
        self.dtype = dtypes.as_dtype(dtype)
        if floating and not self.dtype.is_floating:
            raise ValueError(f"{type(self).__name__}: the dtype must be a floating one, not {self.dtype.name}.")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "dtype": self.dtype.name}


class Zeros(_Dtyped, initializers.Zeros):
    """Zeros (False for booleans)."""

    def __init__(self, dtype: Any = dtypes.float32):
        self._of(dtype)


class Ones(_Dtyped, initializers.Ones):
    """Ones (True for booleans)."""

    def __init__(self, dtype: Any = dtypes.float32):
        self._of(dtype)


class Constant(_Dtyped, initializers.Constant):
    """One value everywhere, or an array that has the shape. ``verify_shape`` has no effect: the shape is always checked."""

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False):
        super().__init__(value)
        self._of(dtype)


class RandomUniform(_Dtyped, initializers.RandomUniform):
    """Uniform numbers in [minval, maxval); for floats ``maxval`` is 1 by default. Raises ValueError without it for integers."""

    maxval: Any

    def __init__(self, minval: float = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(minval, maxval, seed)
        self._of(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        wanted = self.dtype if dtype is None else dtypes.as_dtype(dtype)
        if self.maxval is not None:
            return super().__call__(shape, wanted, partition_info)
        if wanted.is_integer:
            raise ValueError(f"random_uniform_initializer: maxval must be given for {wanted.name}.")
        return initializers.RandomUniform(self.minval, 1.0, self.seed)(shape, wanted)


class RandomNormal(_Dtyped, initializers.RandomNormal):
    """Normally distributed numbers."""

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(mean, stddev, seed)
        self._of(dtype, floating=True)


class TruncatedNormal(_Dtyped, initializers.TruncatedNormal):
    """Normally distributed numbers, no further than two standard deviations from the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(mean, stddev, seed)
        self._of(dtype, floating=True)


class VarianceScaling(_Dtyped, initializers.VarianceScaling):
    """Random numbers whose variance is ``scale`` / n: see ``minitf.keras.initializers.VarianceScaling``."""

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None,
                 dtype: Any = dtypes.float32):  # fmt: skip
        super().__init__(scale, mode, distribution, seed)
        self._of(dtype, floating=True)


class GlorotUniform(_Dtyped, initializers.GlorotUniform):
    """Uniform with variance 2 / (inputs + outputs)."""

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(seed)
        self._of(dtype, floating=True)


class GlorotNormal(_Dtyped, initializers.GlorotNormal):
    """Normal with variance 2 / (inputs + outputs)."""

    def __init__(self, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(seed)
        self._of(dtype, floating=True)


class UniformUnitScaling(_Dtyped):
    """Uniform numbers that keep the scale of a matrix product's inputs: in ±sqrt(3 / inputs) * ``factor``."""

    def __init__(self, factor: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        self.factor, self.seed = factor, seed
        self._of(dtype, floating=True)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype. All axes but the last count as inputs."""
        whole = shape if partition_info is None else partition_info.full_shape
        limit = math.sqrt(3.0 / max(1.0, math.prod(initializers.known_sizes(whole)[:-1]))) * self.factor
        return initializers.RandomUniform(-limit, limit, self.seed)(shape, self.dtype if dtype is None else dtype)


class Orthogonal(_Dtyped, initializers.Orthogonal):
    """A random matrix with orthonormal columns (or rows, if there are fewer), times ``gain``."""

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32):
        super().__init__(gain, seed)
        self._of(dtype, floating=True)


class Identity(_Dtyped, initializers.Identity):
    """The identity matrix times ``gain``."""

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32):
        super().__init__(gain)
        self._of(dtype, floating=True)
