"""Losses of neural networks as ops of their own: faster and more exact than their formulas written out."""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minitf.core.op import Index, Numeric, RealFloating, convert, op
from minitf.core.spec import Spec, broadcast_shapes, compatible, merge_shapes, shape_text, total_size
from minitf.core.tensor import EagerTensor, Tensor
from minitf.errors import InvalidArgumentError, ShapeError
from minitf.ops.activations import log_softmax, softmax
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import abs as abs_
from minitf.ops.elementwise import exp, log1p, sigmoid
from minitf.ops.extremes import maximum
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import _expand_dims, expand_dims, reshape, sum_to, widened
from minitf.ops.shaping import transpose
from minitf.ops.static import known_int

# -- softmax and cross entropy in one ----------------------------------------------------------------------------------


def _log_soft(x):
    """The logits less the largest of their row; the sums of their exponentials; these exponentials."""
    away = x - _largest(x) if x.size else x
    e = np.exp(away)
    return away, np.add.reduce(e, -1, None, None, True), e


def _largest(x):
    """The largest logit of each row; where there are NaNs, NaN. NumPy finds out quicker where it is than what it is."""
    return x.take(x.argmax(-1, keepdims=True) + _starts(x.shape))


@lru_cache(64)
def _starts(shape):
    """Where each row begins, along a last axis of size 1."""
    return np.arange(0, math.prod(shape), shape[-1]).reshape(*shape[:-1], 1)


@op(name="softmax_cross_entropy", fresh=True)
def _softmax_cross_entropy(logits: RealFloating, labels: RealFloating):
    """The cross entropy of each row, and its gradient by the logits, which has most of its work in common with it."""
    x, y = widened(logits), widened(labels)
    away, sums, e = _log_soft(x)
    e /= sums
    back = e - y
    picked = np.subtract(np.log(sums), away, away)
    loss = np.vecdot(y, picked) if y.shape == picked.shape else np.add.reduce(y * picked, -1)
    if loss.shape != logits.shape[:-1]:
        raise ShapeError(_other_rows(logits.shape, labels.shape))
    return (loss, back) if x is logits else (loss.astype(logits.dtype), back.astype(logits.dtype))


def _other_rows(logits, labels):
    return f"Logits of shape {shape_text(logits)} have other rows than labels of shape {shape_text(labels)}."


@_softmax_cross_entropy.infer
def _(logits, labels):
    both = broadcast_shapes(logits.shape, labels.shape)
    if both is not None and not both:
        raise ShapeError("Logits need an axis of classes, but they have rank 0.")
    if logits.shape is not None and both is not None and not compatible(logits.shape[:-1], both[:-1]):
        raise ShapeError(_other_rows(logits.shape, labels.shape))
    return Spec(logits.dtype, None if both is None else both[:-1]), Spec(logits.dtype, both)


@_softmax_cross_entropy.vjp(reads="out logits labels", partial=True)
def _(g, out, logits, labels):
    # That the labels of a row sum to 1 is used, as in TensorFlow.
    by_loss, by_back = g
    each = None if by_loss is None else _expand_dims(by_loss, axis=-1)

    def by_logits():
        first = None if each is None else each * out[1]
        if by_back is None:
            return sum_to(first, logits)
        soft = softmax(logits)
        second = (by_back - reduce_sum(by_back * soft, -1, keepdims=True)) * soft
        return sum_to(second if first is None else first + second, logits)

    def by_labels():
        first = None if each is None else -each * log_softmax(logits)
        return sum_to(-by_back if first is None else first if by_back is None else first - by_back, labels)

    return by_logits, by_labels


@_softmax_cross_entropy.terms
def _(logits, labels):
    away, sums, _ = _log_soft(logits)
    return logits.shape[-1], (np.abs(labels) * (np.log(sums) - away + 1)).sum(-1)


@_softmax_cross_entropy.samples
def _(draw):
    logits = draw(shape=(draw.integer(0, 3), draw.integer(1, 4)))
    labels = np.abs(draw(shape=logits.shape, dtype=logits.dtype)) + logits.dtype.type(0.1)
    return (logits, (labels / labels.sum(-1, keepdims=True)).astype(logits.dtype)), {}


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: Any = -1, name: str | None = None) -> Any:
    """The cross entropy of ``softmax(logits)`` against ``labels``, which sum to 1 along ``axis``; that axis disappears."""
    if type(logits) is EagerTensor and type(labels) is EagerTensor and axis == -1:  # nothing to convert or turn
        x, y = logits._v, labels._v
        if x.dtype is y.dtype and x.ndim == y.ndim:
            return _softmax_cross_entropy(logits, labels, name=name)[0]
    x = convert(logits)
    y = labels if isinstance(labels, Tensor) else convert(labels, None if hasattr(labels, "dtype") else x.dtype)
    if y.dtype is not x.dtype:
        y = cast(y, x.dtype)
    if axis != -1:
        rank = x.shape.rank
        if rank is None:
            raise ValueError("softmax_cross_entropy_with_logits: with an axis, the rank of the logits must be known.")
        at = known_int(axis, "axis") % max(rank, 1)
        if at != rank - 1:
            order = [*(i for i in range(rank) if i != at), at]
            x, y = transpose(x, order), transpose(y, order)
    if y.spec.rank != x.spec.rank and x.spec.complete and y.spec.complete:  # row by row, whatever their axes
        return reshape(_softmax_cross_entropy(_rows(x), _rows(y))[0], x.shape[:-1], name=name)
    return _softmax_cross_entropy(x, y, name=name)[0]


def _rows(x: Any) -> Any:
    sizes = x.spec.shape
    return reshape(x, (total_size(sizes[:-1]), sizes[-1]))


@op(name="sparse_softmax_cross_entropy", fresh=True)
def _sparse_softmax_cross_entropy(logits: RealFloating, labels: Index):
    """The cross entropy of each row against a class number."""
    chosen = _chosen(logits, labels)
    away, sums, _ = _log_soft(widened(logits))
    return (np.log(sums) - np.take_along_axis(away, chosen, -1))[..., 0].astype(logits.dtype, copy=False)[()]


@op(name="sparse_softmax_cross_entropy_grad", fresh=True)
def _sparse_grad(gradients: RealFloating, logits: RealFloating, labels: Index):
    """``(softmax(logits) - one_hot(labels))``, each row times its gradient."""
    chosen = _chosen(logits, labels)
    _, sums, e = _log_soft(widened(logits))
    back = np.divide(e, sums, e)
    np.put_along_axis(back, chosen, np.take_along_axis(back, chosen, -1) - back.dtype.type(1), -1)
    return (back * np.expand_dims(widened(gradients), -1)).astype(logits.dtype, copy=False)


def _chosen(logits, labels):
    """The class numbers as an index along the last axis; checked."""
    classes = logits.shape[-1]
    if labels.shape != logits.shape[:-1]:
        raise ShapeError(_unfit(logits.shape, labels.shape))
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        bad = labels.min() if labels.min() < 0 else labels.max()
        raise InvalidArgumentError(f"A label is {bad}, but with {classes} logits a class is in [0, {classes}).")
    return np.expand_dims(labels, -1).astype(np.int64)


def _unfit(logits, labels):
    return (
        f"Each row of logits needs one label: logits of shape {shape_text(logits)} go with labels of shape "
        f"{shape_text(None if logits is None else logits[:-1])}, not {shape_text(labels)}."
    )


@_sparse_softmax_cross_entropy.infer
def _(logits, labels):
    if logits.shape is None:
        return Spec(logits.dtype, labels.shape)
    if not logits.shape:
        raise ShapeError("Logits need an axis of classes, but they have rank 0.")
    if not compatible(logits.shape[:-1], labels.shape):
        raise ShapeError(_unfit(logits.shape, labels.shape))
    return Spec(logits.dtype, merge_shapes(logits.shape[:-1], labels.shape))


@_sparse_softmax_cross_entropy.vjp
def _(g, out, logits, labels):
    return _sparse_grad(g, logits, labels), None


@_sparse_grad.infer
def _(gradients, logits, labels):
    return logits


@_sparse_grad.vjp
def _(g, out, gradients, logits, labels):
    soft = softmax(logits)
    each = expand_dims(gradients, -1)
    by_logits = (g - reduce_sum(g * soft, -1, keepdims=True)) * soft * each
    return reduce_sum(_sparse_grad(zeros_like(gradients) + 1, logits, labels) * g, -1), by_logits, None


@_sparse_softmax_cross_entropy.terms
def _(logits, labels):
    return logits.shape[-1], 1 + _sparse_softmax_cross_entropy.kernel(logits, labels)


def _draw_labels(draw):
    logits = draw(shape=(*draw.shape(most=2), draw.integer(1, 4)))
    return logits, draw.integers(0, logits.shape[-1] - 1, shape=logits.shape[:-1])


_sparse_softmax_cross_entropy.samples(lambda draw: (_draw_labels(draw), {}))


@_sparse_grad.samples
def _(draw):
    logits, labels = _draw_labels(draw)
    return (draw(shape=labels.shape, dtype=logits.dtype), logits, labels), {}


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """The cross entropy of ``softmax(logits)`` against class numbers. Raises InvalidArgumentError for a number that is no
    class.
    """
    return _sparse_softmax_cross_entropy(logits, labels, name=name)


# -- sigmoid and cross entropy in one ----------------------------------------------------------------------------------


@op(name="sigmoid_cross_entropy", fresh=True)
def _sigmoid_cross_entropy(logits: RealFloating, labels: RealFloating):
    """``-labels * log(sigmoid(x)) - (1 - labels) * log(1 - sigmoid(x))``, without overflow."""
    x, z = widened(logits), widened(labels)
    return np.asarray(np.maximum(x, x.dtype.type(0)) - x * z + np.log1p(np.exp(-np.abs(x)))).astype(logits.dtype, copy=False)[
        ()
    ]


@_sigmoid_cross_entropy.infer
def _(logits, labels):
    return Spec(logits.dtype, merge_shapes(logits.shape, labels.shape))


@_sigmoid_cross_entropy.vjp
def _(g, out, logits, labels):
    return g * (sigmoid(logits) - labels), -g * logits


@_sigmoid_cross_entropy.terms
def _(logits, labels):
    return 3, np.abs(logits) * (1 + np.abs(labels)) + 1


@_sigmoid_cross_entropy.samples
def _(draw):
    x = draw()
    return (x, draw(shape=x.shape, dtype=x.dtype, low=0.0, high=1.0)), {}


def sigmoid_cross_entropy_with_logits(labels: Any = None, logits: Any = None, name: str | None = None) -> Any:
    """The cross entropy of ``sigmoid(logits)`` against ``labels``, elementwise. Raises ShapeError unless their shapes agree."""
    x, z = convert(logits), convert(labels, None if hasattr(labels, "dtype") else convert(logits).dtype)
    _sigmoid_cross_entropy.specs_of((x, z), {})
    return _sigmoid_cross_entropy(x, z, name=name)


def weighted_cross_entropy_with_logits(labels: Any, logits: Any, pos_weight: Any, name: str | None = None) -> Any:
    """As ``sigmoid_cross_entropy_with_logits``, with errors on positive labels weighted by ``pos_weight``."""
    x = convert(logits)
    z = convert(labels, None if hasattr(labels, "dtype") else x.dtype)
    weight = z * (convert(pos_weight, x.dtype) - 1) + 1
    return (1 - z) * x + weight * (log1p(exp(-abs_(x))) + maximum(-x, zeros_like(x)))


# -- small ones --------------------------------------------------------------------------------------------------------


@op
def l2_loss(t: RealFloating):
    """Half the sum of squares."""
    x = widened(t)
    return t.dtype.type((x * x).sum() / x.dtype.type(2))


@l2_loss.infer
def _(t):
    return Spec(t.dtype, ())


l2_loss.terms(lambda t: t.size)


@l2_loss.vjp
def _(g, out, t):
    return (g * t,)


@op(name="bias_add")
def _bias_add(value: Numeric, bias: Numeric, *, channels_first=False):
    """Adds a vector along the channels."""
    if value.ndim < 2 or bias.ndim != 1 or bias.shape[0] != value.shape[1 if channels_first else -1]:
        raise ShapeError("")
    return value + (bias.reshape(-1, *(1,) * (value.ndim - 2)) if channels_first else bias)


@_bias_add.infer
def _(value, bias, *, channels_first=False):
    if bias.shape is not None and len(bias.shape) != 1:
        raise ShapeError(f"The bias must be a vector, but it has shape {shape_text(bias.shape)}.")
    if value.shape is None:
        return value
    if len(value.shape) < 2:
        raise ShapeError(
            f"A bias is added to the channels of a tensor of rank 2 or more, but the shape is {shape_text(value.shape)}."
        )
    at = 1 if channels_first else -1
    if bias.shape is not None and not compatible((value.shape[at],), bias.shape):
        raise ShapeError(
            f"The bias has {bias.shape[0]} elements, but a tensor of shape {shape_text(value.shape)} has {value.shape[at]} "
            "channels."
        )
    return value


@_bias_add.vjp
def _(g, out, value, bias, *, channels_first=False):
    rank = len(value.shape)
    return g, reduce_sum(g, [i for i in range(rank) if i != (1 if channels_first else rank - 1)])


@_bias_add.samples
def _(draw):
    first = draw.choice([False, True])
    value = draw(shape=draw.shape(least=2))
    return (value, draw(shape=(value.shape[1 if first else -1],), dtype=value.dtype)), {"channels_first": first}


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """``value`` plus a vector along its channels: the last axis, or axis 1 if ``data_format`` begins with NC."""
    if data_format is not None and not data_format.startswith("N"):
        raise ValueError(f"bias_add: data_format must be None, 'N...C' or 'NC...', not {data_format!r}.")
    return _bias_add(value, bias, channels_first=(data_format or "").startswith("NC"), name=name)
