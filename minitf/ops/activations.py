"""Activations of neural networks, and the softmax family."""

import math
from functools import cache, lru_cache
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.accuracy import Bound, approximated
from minitf.core.op import Real, RealFloating, convert, op
from minitf.errors import ShapeError
from minitf.ops.comparisons import select
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import abs as abs_
from minitf.ops.elementwise import exp, in_float32, sigmoid, square, tanh
from minitf.ops.joining import concat
from minitf.ops.reductions import reduce_sum
from minitf.ops.static import known_int, one_axis

# -- rectified ---------------------------------------------------------------------------------------------------------


@cache
def zero(dtype: Any) -> Any:
    """The 0 of a NumPy dtype, made once; an array, which ufuncs take faster than a NumPy scalar."""
    return np.zeros((), dtype)


_BLOCK = 1 << 16


@lru_cache(256)
def _zeros(dtype, shape):
    """Views of one array for each dtype."""
    if shape == (_BLOCK,):
        return np.zeros(_BLOCK, dtype)
    return _zeros(dtype, (_BLOCK,))[: math.prod(shape)].reshape(shape)


@op(fresh=True)
def relu(features: Real):
    """``max(x, 0)``"""
    x = features  # NumPy takes twice as long for the maximum with one 0 as with an array of them
    if type(x) is not np.ndarray or not x.flags.c_contiguous:
        return np.maximum(x, zero(x.dtype))
    if x.size <= _BLOCK:
        return np.maximum(x, _zeros(x.dtype, x.shape))
    out = np.empty_like(x)
    flat, into = x.reshape(-1), out.reshape(-1)
    for start in range(0, x.size, _BLOCK):
        part = flat[start : start + _BLOCK]
        np.maximum(part, _zeros(x.dtype, part.shape), out=into[start : start + _BLOCK])
    return out


@relu.vjp(reads="out")
def _(g, out, features):
    return (relu_grad(g, out),)


@op(fresh=True)
def relu_grad(gradients: Real, features: Real):
    """The gradient where the feature is positive, 0 elsewhere."""
    if gradients.dtype.kind == "f":
        return gradients * (features > zero(features.dtype)).astype(gradients.dtype)
    return np.where(features > 0, gradients, gradients.dtype.type(0))[()]


relu_grad.samples(lambda draw: (draw.alike(2), {}))


@relu_grad.vjp
def _(g, out, gradients, features):
    return relu_grad(g, features), None


@op
def relu6(features: Real):
    """``min(max(x, 0), 6)``"""
    kind = features.dtype.type
    return np.minimum(np.maximum(features, kind(0)), kind(6))


@relu6.vjp
def _(g, out, features):
    return (relu_grad(g, out * cast(out < 6, out.dtype)),)


@op(name="leaky_relu")
def _leaky_relu(features: RealFloating, *, alpha):
    """``x`` if it is positive, else ``alpha * x``."""
    return np.where(features > 0, features, features * features.dtype.type(alpha))[()]


@_leaky_relu.vjp
def _(g, out, features, *, alpha):
    return (_leaky_relu_grad(g, features, alpha=alpha),)


@op(name="leaky_relu_grad")
def _leaky_relu_grad(gradients: RealFloating, features: RealFloating, *, alpha):
    """The gradient where the feature is positive, ``alpha`` times it elsewhere."""
    return np.where(features > 0, gradients, gradients * gradients.dtype.type(alpha))[()]


@_leaky_relu_grad.vjp
def _(g, out, gradients, features, *, alpha):
    return _leaky_relu_grad(g, features, alpha=alpha), None


_leaky_relu.samples(lambda draw: ((draw(),), {"alpha": 0.2}))
_leaky_relu_grad.samples(lambda draw: (draw.alike(2), {"alpha": 0.2}))


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """``x`` if it is positive, else ``alpha * x``; ``alpha`` is taken as a float32. Integers become float32."""
    x = convert(features)
    x = cast(x, dtypes.float32) if x.dtype.kind in "iu" else x
    return _leaky_relu(x, alpha=float(np.float32(alpha)), name=name)


@op(bound=Bound(4, zero=2, reason="TensorFlow subtracts 1 from e ** x, which cancels near 0"))
def elu(features: RealFloating):
    """``x`` if it is positive, else ``e ** x - 1``."""
    return np.where(features > 0, features, np.expm1(np.minimum(features, features.dtype.type(0))))[()]


@elu.vjp
def _(g, out, features):
    return (g * (select(out < zeros_like(out), out, zeros_like(out)) + 1),)


_SCALE, _SCALED_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123


@op(bound=Bound(4, zero=4, reason="TensorFlow subtracts 1 from e ** x, which cancels near 0"))
def selu(features: RealFloating):
    """``elu`` scaled so that, layer by layer, mean 0 and variance 1 are kept."""
    return in_float32(_selu, features)


def _selu(x):
    kind = x.dtype.type
    return np.where(x > 0, x * kind(_SCALE), kind(_SCALED_ALPHA) * np.expm1(np.minimum(x, kind(0))))[()]


@selu.vjp
def _(g, out, features):
    negative = out < zeros_like(out)
    return (g * select(negative, out + _SCALED_ALPHA, zeros_like(out) + _SCALE),)


def crelu(features: Any, axis: Any = -1, name: str | None = None) -> Any:
    """``relu(x)`` and ``relu(-x)`` joined along ``axis``."""
    x = convert(features)
    return relu(concat([x, -x], axis), name=name)


# -- smooth ------------------------------------------------------------------------------------------------------------


@op(bound=approximated(9))
def softplus(features: RealFloating):
    """``log(1 + e ** x)``, without overflow."""
    return in_float32(_softplus, features)


def _softplus(x):
    return np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(x)))


@softplus.vjp
def _(g, out, features):
    return (g * sigmoid(features),)


@op
def softsign(features: RealFloating):
    """``x / (1 + |x|)``"""
    return in_float32(_softsign, features)


def _softsign(x):
    return x / (1 + np.abs(x))


@softsign.vjp
def _(g, out, features):
    return (g / square(abs_(features) + 1),)


def log_sigmoid(x: Any, name: str | None = None) -> Any:
    """``log(sigmoid(x))``, without overflow."""
    return -softplus(-convert(x), name=name)


def silu(features: Any, beta: Any = 1.0) -> Any:
    """``x * sigmoid(beta * x)``; also called swish."""
    x = convert(features)
    return x * sigmoid(x * beta if not (isinstance(beta, float) and beta == 1.0) else x)


swish = silu


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """``x`` times the probability that a standard normal number is below ``x``; approximated by ``tanh`` if asked for."""
    x = convert(features)
    if approximate:
        return x * 0.5 * (tanh((x * x * x * _FACTOR + x) * 0.7978845608028654) + 1.0)
    from minitf.ops.special import erf

    return x * 0.5 * (erf(x * _ROOT_OF_HALF) + 1.0)


# TensorFlow has these two numbers as float32, whatever the dtype of the features.
_FACTOR, _ROOT_OF_HALF = float(np.float32(0.044715)), float(np.float32(math.sqrt(0.5)))


# -- softmax -----------------------------------------------------------------------------------------------------------


def _along(logits, *, axis):
    if logits.shape is not None:
        if not logits.shape:
            raise ShapeError("softmax needs an axis to run along, but the tensor has rank 0.")
        one_axis(axis, len(logits.shape))
    return logits


@op(name="softmax", infer_first=True, fresh=True)
def _softmax(logits: RealFloating, *, axis):
    """``e ** x``, scaled to sum 1 along an axis."""
    return in_float32(_soft, logits, axis=axis)


def _soft(x, axis):
    if x.size == 0:
        return x
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


@_softmax.vjp
def _(g, out, logits, *, axis):
    return ((g - reduce_sum(g * out, axis, keepdims=True)) * out,)


@op(name="log_softmax", infer_first=True, fresh=True)
def _log_softmax(logits: RealFloating, *, axis):
    """The logarithm of ``softmax``."""
    return in_float32(_log_soft, logits, axis=axis)


def _log_soft(x, axis):
    if x.size == 0:
        return x
    away = x - x.max(axis, keepdims=True)
    return away - np.log(np.exp(away).sum(axis, keepdims=True))


@_log_softmax.vjp
def _(g, out, logits, *, axis):
    return (g - reduce_sum(g, axis, keepdims=True) * exp(out),)


@_softmax.terms
def _(logits, *, axis):
    away = _log_soft(logits, axis)
    return logits.shape[axis], np.exp(away) * (1 + np.abs(away))


@_log_softmax.terms
def _(logits, *, axis):
    return logits.shape[axis], 1 + np.abs(_log_soft(logits, axis))


for _soft_op in (_softmax, _log_softmax):
    _soft_op.infer(_along)
    _soft_op.samples(lambda draw: ((draw(shape=draw.shape(least=1)),), {"axis": draw.integer(-1, 0)}))


def softmax(logits: Any, axis: Any = -1, name: str | None = None) -> Any:
    """``e ** x``, scaled to sum 1 along ``axis``, without overflow."""
    return _softmax(logits, axis=-1 if axis is None else known_int(axis, "axis"), name=name)


def log_softmax(logits: Any, axis: Any = -1, name: str | None = None) -> Any:
    """The logarithm of ``softmax``, exact also where that is tiny."""
    return _log_softmax(logits, axis=-1 if axis is None else known_int(axis, "axis"), name=name)
