"""Metrics: numbers that are collected over many batches. Names, formulas and defaults are those of Keras 2.

A metric keeps its state in variables (``total``, ``count``, ...), so it can be saved. ``update_state`` adds a batch,
``result`` gives the number so far, ``reset_state`` starts again. In a graph the first two give an operation and a tensor, to
be run.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.layers import losses
from minitf.layers.layer import Layer
from minitf.layers.naming import snake_case
from minitf.objects.trackable import NoDependency
from minitf.ops.comparisons import equal, logical_and, logical_not, select
from minitf.ops.creating import cast, zeros_like
from minitf.ops.elementwise import sqrt
from minitf.ops.masking import one_hot
from minitf.ops.reductions import argmax, reduce_mean, reduce_sum
from minitf.ops.shapes import reshape, shape, size, squeeze
from minitf.runtimes.building import control_dependencies, group


class Metric(Layer):
    """Base class of metrics: make state with ``add_weight`` and define ``update_state`` and ``result``."""

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name or snake_case(type(self).__name__), dtype=dtype, trainable=False, **kwargs)
        self.built = True

    def add_weight(self, name: str | None = None, shape: Any = (), dtype: Any = None, initializer: Any = "zeros",  # type: ignore[override]
                   **kwargs: Any) -> Any:  # fmt: skip
        """A new variable of the metric's state: zero at first, not trained."""
        with self.name_scope:
            return super().add_weight(name, shape, dtype, initializer, trainable=False)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch: at once (eager), or by the operation it gives."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state.")

    def result(self) -> Any:
        """The number so far."""
        raise NotImplementedError(f"{type(self).__name__} must define result.")

    def reset_state(self) -> Any:
        """Starts again: at once (eager), or by the operation it gives."""
        return group(*[v.assign(zeros_like(v), read_value=False) for v in self.weights])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """``update_state``, then ``result``."""
        update = self.update_state(*args, **kwargs)
        with control_dependencies([] if update is None else [update]):
            return convert(self.result()) + 0.0


class _Collected(Metric):
    """Sums and counts values; a subclass says what is the result of the two."""

    def __init__(self, name: str | None = None, dtype: Any = None):
        super().__init__(name, dtype)
        self.total = self.add_weight("total")

    def _add(self, values: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """The operation that adds to the sum; the values and their weights."""
        values = cast(values, self._weight_dtype)
        weights = None if sample_weight is None else losses.weights_for(sample_weight, values)
        values = values if weights is None else values * weights
        return self.total.assign_add(reduce_sum(values), read_value=False), values, weights


class Sum(_Collected):
    """The sum of all values, times their weights."""

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Adds values."""
        return group(self._add(values, sample_weight)[0])

    def result(self) -> Any:
        """The sum."""
        return self.total.read_value()


class Mean(_Collected):
    """The mean of all values, weighted; 0 before the first."""

    def __init__(self, name: str | None = None, dtype: Any = None):
        super().__init__(name, dtype)
        self.count = self.add_weight("count")

    def update_state(self, values: Any, sample_weight: Any = None) -> Any:
        """Adds values, with weights if given."""
        added, values, weights = self._add(values, sample_weight)
        number = size(values, out_type=dtypes.int64) if weights is None else reduce_sum(weights + zeros_like(values))
        return group(added, self.count.assign_add(cast(number, self._weight_dtype), read_value=False))

    def result(self) -> Any:
        """The mean."""
        return _quotient(self.total.read_value(), self.count.read_value())


def _quotient(a: Any, b: Any) -> Any:
    """``a / b``, 0 where b is 0."""
    none = equal(b, zeros_like(b))
    return select(none, zeros_like(b), a / select(none, zeros_like(b) + 1.0, b))


class MeanMetricWrapper(Mean):
    """The mean of a function of (y_true, y_pred, ...) that gives a value for each example."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **settings: Any):
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._function, self._settings = fn, settings

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Adds the function's values."""
        return super().update_state(self._function(y_true, y_pred, **self._settings), sample_weight)


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


# -- counts of confusions ------------------------------------------------------------------------------------------------


class _Confusions(Metric):
    """Counts right and wrong predictions at a threshold."""

    counted: tuple[str, ...] = ()

    def __init__(self, thresholds: float | None = None, name: str | None = None, dtype: Any = None):
        super().__init__(name, dtype)
        self.thresholds = 0.5 if thresholds is None else thresholds
        counts = {}
        for what in self.counted:
            name = what if len(self.counted) > 1 else "accumulator"
            counts[what] = self.add_weight(name, (1,))
            setattr(self, name, counts[what])
        self._counts: Any = NoDependency(counts)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions; truths are 0 and 1."""
        y_pred = reshape(convert(y_pred), [-1])
        yes, said = reshape(cast(y_true, dtypes.bool), [-1]), y_pred > self.thresholds
        cases = {
            "true_positives": lambda: logical_and(yes, said),
            "false_positives": lambda: logical_and(logical_not(yes), said),
            "false_negatives": lambda: logical_and(yes, logical_not(said)),
            "true_negatives": lambda: logical_and(logical_not(yes), logical_not(said)),
        }
        weights = None if sample_weight is None else reshape(cast(sample_weight, self._weight_dtype), [-1])
        return group(*[self._count(self._counts[what], cases[what](), weights) for what in self.counted])

    def _count(self, variable: Any, hits: Any, weights: Any) -> Any:
        number = cast(hits, self._weight_dtype)
        total = reduce_sum(number if weights is None else number * weights)
        return variable.assign_add(reshape(total, [1]), read_value=False)

    def _read(self, what: str) -> Any:
        return reshape(self._counts[what].read_value(), [])


class TruePositives(_Confusions):
    """The number of examples with truth 1 predicted above the threshold."""

    counted = ("true_positives",)

    def result(self) -> Any:
        """The number."""
        return self._read(self.counted[0])


class FalsePositives(TruePositives):
    """The number of examples with truth 0 predicted above the threshold."""

    counted = ("false_positives",)


class FalseNegatives(TruePositives):
    """The number of examples with truth 1 predicted not above the threshold."""

    counted = ("false_negatives",)


class TrueNegatives(TruePositives):
    """The number of examples with truth 0 predicted not above the threshold."""

    counted = ("true_negatives",)


class Precision(_Confusions):
    """The share of truths 1 among the examples predicted above the threshold."""

    counted = ("true_positives", "false_positives")

    def result(self) -> Any:
        """The share."""
        right = self._read("true_positives")
        return _quotient(right, right + self._read("false_positives"))


class Recall(_Confusions):
    """The share of predictions above the threshold among the examples with truth 1."""

    counted = ("true_positives", "false_negatives")

    def result(self) -> Any:
        """The share."""
        right = self._read("true_positives")
        return _quotient(right, right + self._read("false_negatives"))


_BY_NAME: dict[str, Callable[[], Metric]] = {
    name: kind
    for kind in (
        Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError, LogCoshError, Hinge, SquaredHinge, CategoricalHinge, KLDivergence, Poisson,
        BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, RootMeanSquaredError, Precision, Recall,
    )
    for name in (kind.__name__, snake_case(kind.__name__))
}  # fmt: skip
_SHORT: dict[str, Any] = {
    "mse": MeanSquaredError, "mae": MeanAbsoluteError, "mape": MeanAbsolutePercentageError, "MSE": MeanSquaredError,
    "MAE": MeanAbsoluteError,
}  # fmt: skip


def get(identifier: Any, shapes: Any = None) -> Metric:
    """The metric that ``identifier`` stands for: a name, a function of (y_true, y_pred), or a Metric.

    "accuracy" is the kind that goes with the ``shapes`` of truths and predictions: yes or no, one-hot, or class numbers.
    Raises ValueError for other things.
    """
    if isinstance(identifier, Metric):
        return identifier
    if identifier in ("accuracy", "acc"):
        return _accuracy_for(*(shapes or (None, None)))(name=identifier)  # type: ignore[no-any-return]
    if identifier in _SHORT:
        return _SHORT[identifier](name=identifier)  # type: ignore[no-any-return]
    if isinstance(identifier, str):
        if identifier in _BY_NAME:
            return _BY_NAME[identifier]()
        close = get_close_matches(identifier, [*_BY_NAME, *_SHORT, "accuracy"], n=1)
        raise ValueError(f"Unknown metric {identifier!r}.{f' Did you mean {close[0]!r}?' if close else ''}")
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    raise ValueError(f"A metric is a name, a Metric or a function of (y_true, y_pred), not {identifier!r}.")


def _accuracy_for(truths: Any, predictions: Any) -> Any:
    if truths is None or truths.rank is None or predictions.rank in (None, 0):
        return BinaryAccuracy
    if predictions[-1] == 1 or predictions.rank == 1:
        return BinaryAccuracy
    same = truths.rank == predictions.rank and truths[-1] == predictions[-1]
    return CategoricalAccuracy if same else SparseCategoricalAccuracy
