"""First values of weights.

An initializer is called with a shape and a dtype and gives a tensor. All that draw take ``seed``: None (the streams that
``set_seed`` starts), an int (the same values at every call), or a ``tf.random.Generator``. Names and formulas are those of
Keras 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minitf.core import dtypes
from minitf.core.spec import as_shape
from minitf.layers import drawing
from minitf.ops import creating
from minitf.runtimes.object_names import snake_case


class Initializer:
    """Base class: define ``__call__(shape, dtype=None, **kwargs)``."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype (float32 by default)."""
        raise NotImplementedError("An initializer defines __call__(shape, dtype=None).")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """An initializer from ``get_config()``."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


class Zeros(Initializer):
    """Zeros (False for booleans)."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        return creating.zeros(shape, dtype or dtypes.float32)


class Ones(Initializer):
    """Ones (True for booleans)."""

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        return creating.ones(shape, dtype or dtypes.float32)


class Constant(Initializer):
    """One value everywhere, or an array that has the shape."""

    def __init__(self, value: Any = 0):
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        return creating.constant(self.value, dtypes.float32 if dtype is None else dtype, shape)


class RandomUniform(Initializer):
    """Uniform numbers in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        return drawing.uniform(self.seed, shape, self.minval, self.maxval, dtype or dtypes.float32)


class RandomNormal(Initializer):
    """Normally distributed numbers."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        return drawing.normal(self.seed, shape, self.mean, self.stddev, _float(dtype, self))


class TruncatedNormal(Initializer):
    """Normally distributed numbers, no further than two standard deviations from the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        return drawing.truncated_normal(self.seed, shape, self.mean, self.stddev, _float(dtype, self))


# The standard deviation of a standard normal distribution cut off at two.
_CUT_OFF_DEVIATION = 0.87962566103423978


class VarianceScaling(Initializer):
    """Random numbers whose variance is ``scale`` / n, so that signals keep their size from layer to layer.

    n is the number of inputs of a unit (``mode`` "fan_in"), of outputs ("fan_out"), or their mean ("fan_avg").
    ``distribution``: "truncated_normal", "untruncated_normal" or "uniform". Raises ValueError for other modes and
    distributions, and unless scale > 0.
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None):
        if scale <= 0.0:
            raise ValueError(f"VarianceScaling: scale must be positive, not {scale}.")
        mode, distribution = mode.lower(), distribution.lower()
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"VarianceScaling: mode must be 'fan_in', 'fan_out' or 'fan_avg', not {mode!r}.")
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f"VarianceScaling: distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform', not "
                f"{distribution!r}."
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype; for a piece of a partitioned variable, the units are those of the whole."""
        fan_in, fan_out = fans(shape if partition_info is None else partition_info.full_shape)
        units = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, units)
        wanted = _float(dtype, self)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return drawing.uniform(self.seed, shape, -limit, limit, wanted)
        if self.distribution == "truncated_normal":
            return drawing.truncated_normal(self.seed, shape, 0.0, math.sqrt(variance) / _CUT_OFF_DEVIATION, wanted)
        return drawing.normal(self.seed, shape, 0.0, math.sqrt(variance), wanted)


class _Scaled(VarianceScaling):
    """A VarianceScaling with a name of its own: only the seed is free."""

    settings: tuple[float, str, str]

    def __init__(self, seed: Any = None):
        super().__init__(*self.settings, seed=seed)

    def get_config(self) -> dict[str, Any]:
        """The seed."""
        return {"seed": self.seed}


class GlorotUniform(_Scaled):
    """Uniform with variance 2 / (inputs + outputs). Glorot and Bengio, 2010. The default of layers."""

    settings = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Normal with variance 2 / (inputs + outputs). Glorot and Bengio, 2010."""

    settings = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform with variance 2 / inputs: for ReLU. He et al., 2015."""

    settings = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Normal with variance 2 / inputs: for ReLU. He et al., 2015."""

    settings = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform with variance 1 / inputs. LeCun et al., 1998."""

    settings = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Normal with variance 1 / inputs: for SELU. LeCun et al., 1998; Klambauer et al., 2017."""

    settings = (1.0, "fan_in", "truncated_normal")


class Orthogonal(Initializer):
    """A random matrix with orthonormal columns (or rows, if there are fewer), times ``gain``. Saxe et al., 2014.

    All axes but the last count as rows. Raises ValueError for fewer than two axes.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None):
        self.gain, self.seed = gain, seed

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype."""
        from minitf.ops.decompositions import qr
        from minitf.ops.diagonals import diag_part
        from minitf.ops.elementwise import sign
        from minitf.ops.shapes import reshape
        from minitf.ops.shaping import matrix_transpose

        sizes = known_sizes(shape)
        if len(sizes) < 2:
            raise ValueError(f"Orthogonal: the tensor must have two axes or more, but the shape is {sizes}.")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        wanted = _float(dtype, self)
        precise = dtypes.float32 if wanted.size < 4 else wanted
        drawn = drawing.normal(self.seed, (max(rows, columns), min(rows, columns)), 0.0, 1.0, precise)
        q, r = qr(drawn)
        q = q * sign(diag_part(r))  # makes all orthogonal matrices equally likely
        if rows < columns:
            q = matrix_transpose(q)
        return creating.cast(reshape(q, sizes) * self.gain, wanted)


class Identity(Initializer):
    """The identity matrix times ``gain``. Raises ValueError unless the shape has two axes."""

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **kwargs: Any) -> Any:
        """A tensor of that shape and dtype; for a piece of a partitioned variable, its part of the whole."""
        sizes = known_sizes(shape)
        if len(sizes) != 2:
            raise ValueError(f"Identity: the tensor must be a matrix, but the shape is {sizes}.")
        if partition_info is None:
            return creating.eye(*sizes, dtype=_float(dtype, self)) * self.gain
        (row, column), (rows, columns) = partition_info.var_offset, sizes
        all_rows, all_columns = partition_info.full_shape
        whole = creating.eye(all_rows, all_columns, dtype=_float(dtype, self)) * self.gain
        return whole[row : row + rows, column : column + columns]


def fans(shape: Any) -> tuple[int, int]:
    """Numbers of inputs and outputs of a unit with weights of this shape; leading axes are a convolution's window."""
    sizes = known_sizes(shape)
    if len(sizes) < 2:
        size = sizes[0] if sizes else 1
        return size, size
    window = math.prod(sizes[:-2])
    return window * sizes[-2], window * sizes[-1]


def known_sizes(shape: Any) -> tuple[int, ...]:
    """A shape without unknown sizes. Raises ValueError for others."""
    sizes = as_shape(shape)
    if sizes is None or None in sizes:
        raise ValueError(f"An initializer needs a fully known shape, not {shape!r}.")
    return sizes  # type: ignore[return-value]


def _float(dtype: Any, initializer: Initializer) -> Any:
    wanted = dtypes.float32 if dtype is None else dtypes.as_dtype(dtype)
    if not wanted.is_floating:
        raise ValueError(f"{type(initializer).__name__} gives floats, so it cannot initialise a {wanted.name} weight.")
    return wanted


_BY_NAME: dict[str, type[Initializer]] = {
    name: kind
    for kind in (
        Zeros, Ones, Constant, RandomUniform, RandomNormal, TruncatedNormal, VarianceScaling, GlorotUniform, GlorotNormal,
        HeUniform, HeNormal, LecunUniform, LecunNormal, Orthogonal, Identity,
    )
    for name in (kind.__name__, snake_case(kind.__name__))
}  # fmt: skip
_BY_NAME |= {"uniform": RandomUniform, "normal": RandomNormal, "zero": Zeros, "one": Ones}


def get(identifier: Any) -> Callable[..., Any] | None:
    """The initializer that ``identifier`` stands for: a name such as "he_normal", an initializer, a class of them, a
    function, None.

    Raises ValueError for other things.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        if identifier in _BY_NAME:
            return _BY_NAME[identifier]()
        from difflib import get_close_matches

        close = get_close_matches(identifier, _BY_NAME, n=1)
        raise ValueError(f"Unknown initializer {identifier!r}.{f' Did you mean {close[0]!r}?' if close else ''}")
    if isinstance(identifier, type):
        return identifier()  # type: ignore[no-any-return]
    if callable(identifier):
        return identifier  # type: ignore[no-any-return]
    raise ValueError(f"An initializer is a name, an Initializer or a function of (shape, dtype), not {identifier!r}.")


zeros_initializer, ones_initializer, constant_initializer = Zeros, Ones, Constant
random_uniform_initializer, random_normal_initializer = RandomUniform, RandomNormal
truncated_normal_initializer, variance_scaling_initializer = TruncatedNormal, VarianceScaling
glorot_uniform_initializer, glorot_normal_initializer = GlorotUniform, GlorotNormal
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_uniform, random_normal = RandomUniform, RandomNormal
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
glorot_uniform, glorot_normal, he_uniform, he_normal = GlorotUniform, GlorotNormal, HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
