"""Losses: how far predictions are from what they should be. Names, formulas and defaults are those of Keras 2.

The functions give one value for each example (the mean or sum over the last axis); the classes reduce these to one number.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.layers.masks import mask_of
from minitf.ops import elementwise
from minitf.ops.activations import softplus
from minitf.ops.comparisons import select
from minitf.ops.creating import cast
from minitf.ops.elementwise import log, square
from minitf.ops.extremes import clip_by_value, maximum
from minitf.ops.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from minitf.ops.norms import l2_normalize
from minitf.ops.reductions import reduce_max, reduce_mean, reduce_sum
from minitf.ops.shapes import expand_dims, shape, size, squeeze
from minitf.runtimes.object_names import snake_case

_EPSILON = 1e-7


def _pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Predictions as a float tensor, truths in the same dtype."""
    y_pred = convert(y_pred)
    if not y_pred.dtype.is_floating:
        y_pred = cast(y_pred, dtypes.float32)
    return cast(y_true, y_pred.dtype), y_pred


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``(y_pred - y_true) ** 2`` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return reduce_mean(square(y_pred - y_true), -1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``|y_pred - y_true|`` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return reduce_mean(elementwise.abs(y_pred - y_true), -1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 times the mean of ``|y_true - y_pred| / |y_true|`` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return reduce_mean(elementwise.abs((y_true - y_pred) / maximum(elementwise.abs(y_true), _EPSILON)), -1) * 100.0


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``(log(y_true + 1) - log(y_pred + 1)) ** 2`` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    first, second = (log(maximum(y, _EPSILON) + 1.0) for y in (y_pred, y_true))
    return reduce_mean(square(first - second), -1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half the squared error up to ``delta``, beyond it linear (Huber, 1964); the mean over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    distance = elementwise.abs(y_pred - y_true)
    return reduce_mean(select(distance <= delta, square(distance) * 0.5, distance * delta - 0.5 * delta * delta), -1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``log(cosh(y_pred - y_true))`` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    x = y_pred - y_true
    return reduce_mean(x + softplus(x * -2.0) - 0.6931471805599453, -1)


def _signs(y_true: Any) -> Any:
    """0 and 1 as -1 and 1; other values stay."""
    is_label = (y_true * (y_true - 1.0)) * (y_true * (y_true - 1.0))
    return select(reduce_max(is_label) <= 0.0, y_true * 2.0 - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``max(1 - y_true * y_pred, 0)``; truths are -1 and 1, or 0 and 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return reduce_mean(maximum(1.0 - _signs(y_true) * y_pred, 0.0), -1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``max(1 - y_true * y_pred, 0) ** 2``; truths are -1 and 1, or 0 and 1."""
    y_true, y_pred = _pair(y_true, y_pred)
    return reduce_mean(square(maximum(1.0 - _signs(y_true) * y_pred, 0.0)), -1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """How far the best wrong class comes within 1 of the right one; truths are one-hot."""
    y_true, y_pred = _pair(y_true, y_pred)
    right = reduce_sum(y_true * y_pred, -1)
    wrong = reduce_max((1.0 - y_true) * y_pred, -1)
    return maximum(wrong - right + 1.0, 0.0)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Sum of ``y_true * log(y_true / y_pred)`` over the last axis."""
    y_true, y_pred = (clip_by_value(y, _EPSILON, 1.0) for y in _pair(y_true, y_pred))
    return reduce_sum(y_true * log(y_true / y_pred), -1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """Mean of ``y_pred - y_true * log(y_pred)`` over the last axis."""
    y_true, y_pred = _pair(y_true, y_pred)
    return reduce_mean(y_pred - y_true * log(y_pred + _EPSILON), -1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between the two along ``axis``."""
    y_true, y_pred = _pair(y_true, y_pred)
    return -reduce_sum(l2_normalize(y_true, axis) * l2_normalize(y_pred, axis), axis)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Mean of ``-y_true * log(p) - (1 - y_true) * log(1 - p)``; p is ``y_pred`` or, ``from_logits``, its sigmoid.

    ``label_smoothing`` moves truths towards one half.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return reduce_mean(sigmoid_cross_entropy_with_logits(labels=y_true, logits=y_pred), axis)
    p = clip_by_value(y_pred, _EPSILON, 1.0 - _EPSILON)
    return -reduce_mean(y_true * log(p + _EPSILON) + (1.0 - y_true) * log(1.0 - p + _EPSILON), axis)


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-sum(y_true * log(p))`` along ``axis``; p is ``y_pred`` scaled to sum 1 or, ``from_logits``, its softmax. Truths are
    one-hot.

    ``label_smoothing`` moves truths towards equal shares.
    """
    y_true, y_pred = _pair(y_true, y_pred)
    if label_smoothing:
        classes = cast(shape(y_true)[-1], y_pred.dtype)
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / classes
    if from_logits:
        return softmax_cross_entropy_with_logits(labels=y_true, logits=y_pred, axis=axis)
    p = y_pred / reduce_sum(y_pred, axis, keepdims=True)
    return -reduce_sum(y_true * log(clip_by_value(p, _EPSILON, 1.0 - _EPSILON)), axis)


def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """``-log(p[y_true])``; p is ``y_pred`` or, ``from_logits``, its softmax along the last axis. Truths are class numbers."""
    y_pred = convert(y_pred)
    if axis not in (-1, len(y_pred.shape) - 1):
        raise ValueError(f"sparse_categorical_crossentropy: classes must be on the last axis, not on axis {axis}.")
    y_true = cast(y_true, dtypes.int64)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = squeeze(y_true, [-1])
    logits = y_pred if from_logits else log(clip_by_value(y_pred, _EPSILON, 1.0 - _EPSILON))
    return sparse_softmax_cross_entropy_with_logits(labels=y_true, logits=logits)


class Reduction:
    """How the values of examples become one: their mean, their sum, or not at all."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"


class Loss:
    """Base class of losses: define ``call(y_true, y_pred)``, which gives a value for each example."""

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = None):
        known = (Reduction.AUTO, Reduction.NONE, Reduction.SUM, Reduction.SUM_OVER_BATCH_SIZE)
        if reduction not in known:
            raise ValueError(f"A loss's reduction must be one of {known}, not {reduction!r}.")
        self.reduction = reduction
        self.name = name or snake_case(type(self).__name__)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """A value for each example."""
        raise NotImplementedError(f"{type(self).__name__} must define call(y_true, y_pred).")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; ``sample_weight`` multiplies the values of examples (or of steps) first.

        What the mask of ``y_pred`` leaves out counts nothing, and a mean is one of the rest.
        """
        mask = mask_of(y_pred)
        values = self.call(*aligned(y_true, y_pred))
        if sample_weight is not None:
            values = values * weights_for(sample_weight, values)
        if mask is not None:
            values = values * weights_for(self._shares(cast(mask, values.dtype)), values)
        if self.reduction == Reduction.NONE:
            return values
        return reduce_sum(values) if self.reduction == Reduction.SUM else reduce_mean(values)

    def _shares(self, mask: Any) -> Any:
        """The mask, so that the mean over all is the mean over what is not masked."""
        if self.reduction in (Reduction.SUM, Reduction.NONE):
            return mask
        return mask * (cast(size(mask), mask.dtype) / reduce_sum(mask))


def aligned(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Takes off a last axis of size 1 that only one of the two has."""
    y_true, y_pred = convert(y_true), convert(y_pred)
    ranks = y_true.shape.rank, y_pred.shape.rank
    if None not in ranks:
        if ranks[0] == ranks[1] + 1 and y_true.shape[-1] == 1:
            y_true = squeeze(y_true, [-1])
        elif ranks[1] == ranks[0] + 1 and y_pred.shape[-1] == 1:
            y_pred = squeeze(y_pred, [-1])
    return y_true, y_pred


def weights_for(sample_weight: Any, values: Any) -> Any:
    """Weights of examples in the dtype of their values and in a shape that goes with them."""
    weights = cast(sample_weight, values.dtype)
    while weights.shape.rank and weights.shape.rank > values.shape.rank and weights.shape[-1] == 1:
        weights = squeeze(weights, [-1])
    while weights.shape.rank and weights.shape.rank < values.shape.rank:
        weights = expand_dims(weights, -1)
    return weights


class _FromFunction(Loss):
    """A loss that is a function with settings."""

    function: Callable[..., Any]

    def __init__(self, reduction: str = Reduction.AUTO, name: str | None = None, **settings: Any):
        super().__init__(reduction, name)
        self._settings = settings

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The function's value."""
        return type(self).function(y_true, y_pred, **self._settings)


def _class(name: str, function: Callable[..., Any]) -> Any:
    """The class of a loss without settings."""

    def __init__(self: Any, reduction: str = Reduction.AUTO, name: str | None = None) -> None:
        _FromFunction.__init__(self, reduction, name)

    text = f"{(function.__doc__ or '').splitlines()[0]} Reduced to one number."
    return type(name, (_FromFunction,), {"function": staticmethod(function), "__init__": __init__, "__doc__": text,
                                         "__module__": __name__})  # fmt: skip


MeanSquaredError = _class("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _class("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _class("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _class("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
LogCosh = _class("LogCosh", log_cosh)
Hinge = _class("Hinge", hinge)
SquaredHinge = _class("SquaredHinge", squared_hinge)
CategoricalHinge = _class("CategoricalHinge", categorical_hinge)
KLDivergence = _class("KLDivergence", kl_divergence)
Poisson = _class("Poisson", poisson)


class Huber(_FromFunction):
    """Half the squared error up to ``delta``, beyond it linear."""

    function = staticmethod(huber)

    def __init__(self, delta: float = 1.0, reduction: str = Reduction.AUTO, name: str | None = "huber_loss"):
        super().__init__(reduction, name, delta=delta)


class CosineSimilarity(_FromFunction):
    """Minus the cosine of the angle between predictions and truths."""

    function = staticmethod(cosine_similarity)

    def __init__(self, axis: int = -1, reduction: str = Reduction.AUTO, name: str | None = None):
        super().__init__(reduction, name, axis=axis)


class BinaryCrossentropy(_FromFunction):
    """Cross entropy of yes-or-no truths: see ``binary_crossentropy``."""

    function = staticmethod(binary_crossentropy)

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str = Reduction.AUTO,
                 name: str | None = None):  # fmt: skip
        super().__init__(reduction, name, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class CategoricalCrossentropy(_FromFunction):
    """Cross entropy of one-hot truths: see ``categorical_crossentropy``."""

    function = staticmethod(categorical_crossentropy)

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, reduction: str = Reduction.AUTO,
                 name: str | None = None):  # fmt: skip
        super().__init__(reduction, name, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(_FromFunction):
    """Cross entropy of class numbers: see ``sparse_categorical_crossentropy``."""

    function = staticmethod(sparse_categorical_crossentropy)

    def __init__(self, from_logits: bool = False, reduction: str = Reduction.AUTO, name: str | None = None):
        super().__init__(reduction, name, from_logits=from_logits)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss."""
        y_true, y_pred = convert(y_true), convert(y_pred)
        if y_true.shape.rank is not None and y_true.shape.rank == y_pred.shape.rank and y_true.shape[-1] == 1:
            y_true = squeeze(y_true, [-1])
        return super().__call__(y_true, y_pred, sample_weight)


_CLASSES: tuple[Any, ...] = (
    MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError, LogCosh, Hinge, SquaredHinge,
    CategoricalHinge, KLDivergence, Poisson, Huber, CosineSimilarity, BinaryCrossentropy, CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)  # fmt: skip
_BY_NAME: dict[str, Callable[..., Any]] = {
    name: kind.function for kind in _CLASSES for name in (kind.__name__, kind.function.__name__)
}
_BY_NAME |= {
    "mse": mean_squared_error, "MSE": mean_squared_error, "mae": mean_absolute_error, "MAE": mean_absolute_error,
    "mape": mean_absolute_percentage_error, "MAPE": mean_absolute_percentage_error, "msle": mean_squared_logarithmic_error,
    "MSLE": mean_squared_logarithmic_error, "logcosh": log_cosh, "log_cosh": log_cosh, "kld": kl_divergence,
    "KLD": kl_divergence, "kullback_leibler_divergence": kl_divergence, "bce": binary_crossentropy, "BCE": binary_crossentropy,
    "huber_loss": huber,
}  # fmt: skip
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
bce, logcosh = binary_crossentropy, log_cosh


def get(identifier: Any) -> Callable[..., Any] | None:
    """The function or Loss that ``identifier`` stands for: a name such as "mse", a function of (y_true, y_pred), a Loss, or
    None.

    Raises ValueError for other things.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        if identifier in _BY_NAME:
            return _BY_NAME[identifier]
        close = get_close_matches(identifier, _BY_NAME, n=1)
        raise ValueError(f"Unknown loss {identifier!r}.{f' Did you mean {close[0]!r}?' if close else ''}")
    if callable(identifier):
        return identifier() if isinstance(identifier, type) else identifier  # type: ignore[no-any-return]
    raise ValueError(f"A loss is a name, a Loss or a function of (y_true, y_pred), not {identifier!r}.")


def as_loss(identifier: Any) -> Loss:
    """The Loss that ``identifier`` stands for; a function is reduced to the mean over examples."""
    found = get(identifier)
    if isinstance(found, Loss):
        return found
    if found is None:
        raise ValueError("There must be a loss, not None.")
    for kind in _CLASSES:
        if kind.function is found:
            return kind()  # type: ignore[no-any-return]
    made = type("FunctionLoss", (_FromFunction,), {"function": staticmethod(found)})
    return made(name=getattr(found, "__name__", "loss"))  # type: ignore[no-any-return]
