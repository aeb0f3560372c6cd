"""Public functions that are made of several ops, with inputs of their own.

Each has a form, a rule that draws what the form names (see ``minitf.testing.ops.Draw``), and a bound of its rounding errors:
``terms`` gives ``(n, sum|terms|)`` from the inputs in float64, ``ulps`` a number of units in the last place.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.accuracy import USUAL, Bound
from minitf.testing.ops import Draw
from random_calls.calls import Call

FLOATS = (dtypes.float32, dtypes.float64)


@dataclass
class Formula:
    """A function that is no op of its own."""

    name: str
    form: str
    draw: Any
    terms: Any = None
    ulps: float = 4.0
    gradient: float = USUAL.gradient
    names: tuple[str, ...] = field(default=("x", "y", "z"))

    def call(self, seed):
        """A call with drawn inputs."""
        draw = Draw(seed, wanted=FLOATS)
        inputs, attrs = self.draw(draw)
        call = Call(self.form, dict(zip(self.names, inputs, strict=False)), attrs, seed=seed)
        call.formula = self
        return call

    @property
    def bound(self):
        """The bound without sums."""
        return Bound(self.ulps, reason="a formula of several roundings", gradient=self.gradient)


FORMULAS = []


def formula(form, draw, terms=None, ulps=4.0, gradient=USUAL.gradient):
    """Adds one to the list."""
    FORMULAS.append(Formula(form.partition("(")[0], form, draw, terms, ulps, gradient))


# -- reductions --------------------------------------------------------------------------------------------------------


def axes(draw, smallest=1):
    x = draw(shape=draw.shape(least=1, smallest=smallest))
    return (x,), {"axis": draw.choice([None, draw.integer(-x.ndim, x.ndim - 1)]), "keep": draw.choice([False, True])}


def count(x, axis, **_):
    return x.size if axis is None else x.shape[axis]


formula(
    "tf.reduce_logsumexp(x, axis, keep)",
    lambda draw: axes(draw, 0),
    lambda x, axis, keep: (count(x, axis), 1 + np.max(np.abs(x), axis, keepdims=keep, initial=0.0)),
)
formula(
    "tf.math.reduce_euclidean_norm(x, axis, keep)",
    lambda draw: axes(draw, 0),
    lambda x, axis, keep: (count(x, axis), np.sqrt((x * x).sum(axis, keepdims=keep))),
)
formula(
    "tf.math.reduce_variance(x, axis, keep)",
    axes,
    lambda x, axis, keep: (count(x, axis), (x * x).mean(axis, keepdims=keep) + x.mean(axis, keepdims=keep) ** 2),
)


def _deviation(x, axis, keep):
    away = np.sqrt((x * x).mean(axis, keepdims=keep))
    spread = np.maximum(x.std(axis, keepdims=keep), 1e-3 * away)
    return count(x, axis), np.where(x.std(axis, keepdims=keep) == 0, 1e4 * away, away * away / spread)


formula("tf.math.reduce_std(x, axis, keep)", axes, _deviation)
formula("tf.math.count_nonzero(tf.round(x), axis, keep)", lambda draw: axes(draw, 0))
formula(
    "tf.nn.moments(x, [axis or 0], keepdims=keep)",
    axes,
    lambda x, axis, keep: (
        x.shape[axis or 0],
        (np.abs(x).mean(axis or 0, keepdims=keep), 2 * (x * x).mean(axis or 0, keepdims=keep)),
    ),
)
formula(
    "tf.nn.weighted_moments(x, [axis or 0], tf.abs(x) + 1.0, keepdims=keep)",
    axes,
    lambda x, axis, keep: (
        x.shape[axis or 0],
        (np.abs(x).max(axis or 0, keepdims=keep), 4 * (x * x).max(axis or 0, keepdims=keep)),
    ),
)
formula("tf.nn.zero_fraction(tf.round(x))", axes)

# -- norms -------------------------------------------------------------------------------------------------------------


def _norm(x, axis, keep):
    return count(x, axis), np.sqrt((x * x).sum(axis, keepdims=keep))


for order in ("'euclidean'", "1", "2", "np_inf"):
    text = order if order != "np_inf" else "float('inf')"
    formula(
        f"tf.norm(x, {text}, axis, keepdims=keep)",
        axes,
        lambda x, axis, keep: (count(x, axis), np.abs(x).sum(axis, keepdims=keep)),
    )
# The derivative along x itself is 0, as the difference of two terms that grow as 1 / |x|**2 does.
formula("tf.math.l2_normalize(x, axis)", axes, lambda x, axis, keep: (count(x, axis), 1.0), gradient=256)
formula("tf.clip_by_norm(x, 1.5, axis)", axes, lambda x, axis, keep: (count(x, axis), 1.5))
formula("tf.clip_by_global_norm([x, x], 2.0)", axes, lambda x, axis, keep: (2 * x.size, (2.0, 2.0, 2 * np.abs(x).sum())))
formula("tf.linalg.global_norm([x, x])", axes, lambda x, axis, keep: (2 * x.size, np.abs(x).sum()))
formula("tf.clip_by_value(x, -0.5, 1.5)", axes, ulps=0)

# -- activations and losses --------------------------------------------------------------------------------------------


def plain(draw):
    return (draw(),), {}


def two(draw):
    return draw.alike(2), {}


formula("tf.nn.gelu(x)", plain, lambda x: (1, 4 * np.abs(x)))
formula("tf.nn.gelu(x, True)", plain, lambda x: (1, 8 * np.abs(x)))
formula("tf.nn.silu(x)", plain, ulps=9)
formula("tf.nn.swish(x, 1.5)", plain, ulps=12)
formula("tf.math.log_sigmoid(x)", plain, ulps=10)
formula("tf.nn.crelu(x)", lambda draw: ((draw(shape=draw.shape(least=1)),), {}), ulps=0)
formula("tf.nn.weighted_cross_entropy_with_logits(y, x, 2.0)", two, lambda x, y: (4, (1 + 3 * np.abs(y)) * (2 + np.abs(x))))
formula("tf.nn.batch_normalization(x, 0.5, 2.0, y, 3.0, 0.001)", two, lambda x, y: (3, 4 * np.abs(x) + np.abs(y) + 2))
formula(
    "tf.nn.l2_normalize(x, -1)",
    lambda draw: ((draw(shape=draw.shape(least=1, smallest=1)),), {}),
    lambda x: (x.shape[-1], 1.0),
    gradient=256,
)

# -- matrices ----------------------------------------------------------------------------------------------------------


def matrices(draw):
    n, m, k = (draw.integer(1, 4) for _ in range(3))
    x = draw(shape=(n, m))
    return (x, draw(shape=(m, k), dtype=x.dtype)), {}


formula("tf.tensordot(x, y, 1)", matrices, lambda x, y: (x.shape[1], np.abs(x) @ np.abs(y)))
formula("tf.linalg.matvec(x, y[:, 0])", matrices, lambda x, y: (x.shape[1], np.abs(x) @ np.abs(y[:, 0])))
formula("tf.linalg.trace(x)", matrices, lambda x, y: (min(x.shape), np.abs(np.diagonal(x)).sum()))
formula("tf.linalg.adjoint(x)", matrices, ulps=0)
formula("tf.linalg.matrix_transpose(x)", matrices, ulps=0)
formula(
    "tf.linalg.cross(x, y)",
    lambda draw: (draw.alike(2, None, (draw.integer(0, 3), 3)), {}),
    lambda x, y: (2, np.full(x.shape, 2.0) * np.max(np.abs(x), initial=0) * np.max(np.abs(y), initial=0)),
)

# -- convolutions and pooling ------------------------------------------------------------------------------------------


def images(draw):
    x = draw(shape=(draw.integer(1, 2), draw.integer(2, 6), draw.integer(2, 6), draw.integer(1, 3)))
    stride = draw.integer(1, 2)
    return x, {"stride": stride, "padding": draw.choice(["SAME", "VALID"])}


def depthwise(draw):
    x, attrs = images(draw)
    window = [min(draw.integer(1, 3), s) for s in x.shape[1:3]]
    return (x, draw(shape=(*window, x.shape[-1], draw.integer(1, 2)), dtype=x.dtype)), attrs


def products(x, y, **_):
    return y[..., 0, 0].size * y.shape[2], np.max(np.abs(x)) * np.abs(y).sum()


def separable(draw):
    (x, y), attrs = depthwise(draw)
    return (x, y, draw(shape=(1, 1, y.shape[2] * y.shape[3], draw.integer(1, 3)), dtype=x.dtype)), attrs


def transposed(draw):
    x, attrs = images(draw)
    window = [draw.integer(1, 3) for _ in range(2)]
    sizes = [
        s * attrs["stride"] if attrs["padding"] == "SAME" else (s - 1) * attrs["stride"] + w
        for s, w in zip(x.shape[1:3], window, strict=True)
    ]
    out = draw.integer(1, 3)
    y = draw(shape=(*window, out, x.shape[-1]), dtype=x.dtype)
    return (x, y), {**attrs, "out": [x.shape[0], *sizes, out]}


formula("tf.nn.depthwise_conv2d(x, y, [1, stride, stride, 1], padding)", depthwise, products)
formula(
    "tf.nn.separable_conv2d(x, y, z, [1, stride, stride, 1], padding)",
    separable,
    lambda x, y, z, **_: (y[..., 0, 0].size + z.shape[2], np.max(np.abs(x)) * np.abs(y).sum() * np.abs(z).sum()),
)
formula("tf.nn.conv2d_transpose(x, y, out, stride, padding)", transposed, products)
formula("tf.nn.max_pool2d(x, 2, stride, padding)", lambda draw: (lambda x, a: ((x,), a))(*images(draw)), ulps=0)
formula(
    "tf.nn.avg_pool2d(x, 2, stride, padding)",
    lambda draw: (lambda x, a: ((x,), a))(*images(draw)),
    lambda x, **_: (4, np.max(np.abs(x))),
)
formula("tf.nn.space_to_depth(x, 2)", lambda draw: ((draw(shape=(1, 4, 2, 3)),), {}), ulps=0)
formula("tf.nn.depth_to_space(x, 2)", lambda draw: ((draw(shape=(2, 2, 1, 4)),), {}), ulps=0)

# -- masks, counts, segments -------------------------------------------------------------------------------------------


def masked(draw):
    x = draw(shape=draw.shape(least=1))
    return (x, draw(shape=x.shape[: draw.integer(1, x.ndim)], dtype=dtypes.bool)), {}


def segments(draw):
    ids = np.sort(draw.integers(0, 3, shape=(draw.integer(1, 5),)))
    return (draw(shape=(ids.size, *draw.shape(most=1))), ids), {}


formula("tf.boolean_mask(x, y)", masked, ulps=0)
for which in ("sum", "mean", "prod", "max", "min"):
    formula(
        f"tf.math.segment_{which}(x, y)",
        segments,
        lambda x, y: (x.shape[0], np.max(np.abs(x), initial=1.0) ** x.shape[0] + np.abs(x).sum()),
    )
    formula(
        f"tf.math.unsorted_segment_{which}(x, y, 4)",
        segments,
        lambda x, y: (x.shape[0], np.max(np.abs(x), initial=1.0) ** x.shape[0] + np.abs(x).sum()),
    )
formula("tf.math.unsorted_segment_sqrt_n(x, y, 4)", segments, lambda x, y: (x.shape[0], np.abs(x).sum()))
formula("tf.sequence_mask(x, 5)", lambda draw: ((draw.integers(0, 6, shape=draw.shape(most=2)),), {}), ulps=0)
formula("tf.math.confusion_matrix(x, y)", lambda draw: ((draw.integers(0, 3, shape=(4,)), draw.integers(0, 3, shape=(4,))), {}))
formula("tf.meshgrid(x, y)", lambda draw: (draw.alike(2, None, (draw.integer(0, 3),)), {}), ulps=0)
formula("tf.math.polyval([x, y, x], y)", two, lambda x, y: (6, np.abs(x) * y * y + np.abs(y) * np.abs(y) + np.abs(x)))
formula("tf.math.reciprocal_no_nan(tf.round(x))", plain)
formula("tf.math.is_non_decreasing(x)", plain)
formula("tf.math.is_strictly_increasing(x)", plain)
formula("tf.sort(x, -1, 'DESCENDING')", lambda draw: ((draw(shape=draw.shape(least=1)),), {}), ulps=0)
formula(
    "tf.divide(x, y)",
    lambda draw: (
        tuple(
            draw(shape=s, dtype=d, low=0.5)
            for d in [draw.choice([dtypes.int32, dtypes.int64, dtypes.int16, dtypes.float32])]
            for s in draw.broadcasting(2)
        ),
        {},
    ),
)
formula("tf.saturate_cast(x, tf.uint8)", lambda draw: ((draw(low=-400.0, high=400.0),), {}))
formula(
    "tf.math.lbeta(x)",
    lambda draw: ((draw(shape=draw.shape(least=1, smallest=1), low=0.5, high=4.0),), {}),
    lambda x: (x.shape[-1], np.full(x.shape[:-1], 20.0)),
)
formula(
    "tf.nn.embedding_lookup(x, y)", lambda draw: ((draw(shape=(3, 2)), draw.integers(0, 2, shape=draw.shape())), {}), ulps=0
)
