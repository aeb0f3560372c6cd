"""Means of functions of truths and predictions: accuracies, errors, and the losses as metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.layers import losses
from minitf.layers.metrics.collected import Mean, MeanMetricWrapper
from minitf.ops.comparisons import equal
from minitf.ops.creating import cast
from minitf.ops.elementwise import sqrt
from minitf.ops.masking import one_hot
from minitf.ops.reductions import argmax, reduce_mean, reduce_sum
from minitf.ops.shapes import shape, squeeze
from minitf.runtimes.object_names import snake_case

# -- accuracies ----------------------------------------------------------------------------------------------------------


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """The share along the last axis of predictions above ``threshold`` where the truth is 1, and not above it where it is 0."""
    y_pred = convert(y_pred)
    hits = equal(cast(y_true, y_pred.dtype), cast(y_pred > threshold, y_pred.dtype))
    return reduce_mean(cast(hits, dtypes.float32), -1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is at the place of the largest truth (one-hot)."""
    return cast(equal(argmax(y_true, -1), argmax(y_pred, -1)), dtypes.float32)


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction is that of the class with the number ``y_true``."""
    y_pred = convert(y_pred)
    return cast(equal(_class_numbers(y_true, y_pred), argmax(y_pred, -1)), dtypes.float32)


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the right class (one-hot) is among the ``k`` largest predictions."""
    return sparse_top_k_categorical_accuracy(argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the class with the number ``y_true`` is among the ``k`` largest predictions."""
    y_pred = convert(y_pred)
    truths = _class_numbers(y_true, y_pred)
    own = reduce_sum(y_pred * one_hot(truths, shape(y_pred)[-1], dtype=y_pred.dtype), -1, keepdims=True)
    better = reduce_sum(cast(y_pred > own, dtypes.int32), -1)
    return cast(better < k, dtypes.float32)


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the two are equal."""
    y_pred = convert(y_pred)
    return cast(equal(cast(y_true, y_pred.dtype), y_pred), dtypes.float32)


def _class_numbers(y_true: Any, y_pred: Any) -> Any:
    y_true = cast(y_true, dtypes.int64)
    return squeeze(y_true, [-1]) if y_true.shape.rank == y_pred.shape.rank and y_true.shape[-1] == 1 else y_true


def _wrapped(name: str, function: Callable[..., Any], short: str | None = None) -> Any:
    """The class of a mean metric of a function."""

    def __init__(self: Any, name: str | None = short or snake_case(name), dtype: Any = None, **settings: Any) -> None:
        MeanMetricWrapper.__init__(self, function, name, dtype, **settings)

    text = f"The mean over all examples: {(function.__doc__ or '').splitlines()[0]}"
    return type(name, (MeanMetricWrapper,), {"__init__": __init__, "__doc__": text, "__module__": __name__, "__slots__": ()})


Accuracy = _wrapped("Accuracy", accuracy)
BinaryAccuracy = _wrapped("BinaryAccuracy", binary_accuracy)
CategoricalAccuracy = _wrapped("CategoricalAccuracy", categorical_accuracy)
SparseCategoricalAccuracy = _wrapped("SparseCategoricalAccuracy", sparse_categorical_accuracy)
TopKCategoricalAccuracy = _wrapped("TopKCategoricalAccuracy", top_k_categorical_accuracy)
SparseTopKCategoricalAccuracy = _wrapped("SparseTopKCategoricalAccuracy", sparse_top_k_categorical_accuracy)
MeanSquaredError = _wrapped("MeanSquaredError", losses.mean_squared_error)
MeanAbsoluteError = _wrapped("MeanAbsoluteError", losses.mean_absolute_error)
MeanAbsolutePercentageError = _wrapped("MeanAbsolutePercentageError", losses.mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _wrapped("MeanSquaredLogarithmicError", losses.mean_squared_logarithmic_error)
LogCoshError = _wrapped("LogCoshError", losses.log_cosh, "logcosh")
Hinge = _wrapped("Hinge", losses.hinge)
SquaredHinge = _wrapped("SquaredHinge", losses.squared_hinge)
CategoricalHinge = _wrapped("CategoricalHinge", losses.categorical_hinge)
KLDivergence = _wrapped("KLDivergence", losses.kl_divergence, "kullback_leibler_divergence")
Poisson = _wrapped("Poisson", losses.poisson)
BinaryCrossentropy = _wrapped("BinaryCrossentropy", losses.binary_crossentropy)
CategoricalCrossentropy = _wrapped("CategoricalCrossentropy", losses.categorical_crossentropy)
SparseCategoricalCrossentropy = _wrapped("SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between truths and predictions along ``axis``."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


CosineSimilarity = _wrapped("CosineSimilarity", cosine_similarity)


class RootMeanSquaredError(Mean):
    """The root of the mean of all squared errors."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Adds squared errors."""
        y_pred = convert(y_pred)
        error = y_pred - cast(y_true, y_pred.dtype)
        return super().update_state(error * error, sample_weight)

    def result(self) -> Any:
        """The root of the mean."""
        return sqrt(super().result())
