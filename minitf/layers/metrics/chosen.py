"""Which metric a name, a function or a class stands for."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from minitf.layers.metrics.collected import MeanMetricWrapper, Metric
from minitf.layers.metrics.confusions import (
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from minitf.layers.metrics.curves import AUC
from minitf.layers.metrics.of_functions import (
    Accuracy,
    BinaryAccuracy,
    BinaryCrossentropy,
    CategoricalAccuracy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    SparseCategoricalCrossentropy,
    SparseTopKCategoricalAccuracy,
    SquaredHinge,
    TopKCategoricalAccuracy,
)
from minitf.runtimes.object_names import snake_case

_BY_NAME: dict[str, Callable[[], Metric]] = {
    name: kind
    for kind in (
        Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError, LogCoshError, Hinge, SquaredHinge, CategoricalHinge, KLDivergence, Poisson,
        BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy, RootMeanSquaredError, CosineSimilarity,
        Precision, Recall, TruePositives, FalsePositives, TrueNegatives, FalseNegatives, AUC,
    )
    for name in (kind.__name__, snake_case(kind.__name__))
}  # fmt: skip
_ACCURACIES = BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
_CROSSENTROPIES = BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
_BY_SHAPES: dict[str, Any] = {
    "accuracy": _ACCURACIES, "acc": _ACCURACIES, "crossentropy": _CROSSENTROPIES, "ce": _CROSSENTROPIES,
}  # fmt: skip
_SHORT: dict[str, Any] = {
    "mse": MeanSquaredError, "mae": MeanAbsoluteError, "mape": MeanAbsolutePercentageError, "MSE": MeanSquaredError,
    "MAE": MeanAbsoluteError, "MAPE": MeanAbsolutePercentageError, "msle": MeanSquaredLogarithmicError,
    "MSLE": MeanSquaredLogarithmicError, "kld": KLDivergence, "bce": BinaryCrossentropy, "logcosh": LogCoshError,
    "log_cosh": LogCoshError,
}  # fmt: skip


def get(identifier: Any, shapes: Any = None) -> Metric:
    """The metric that ``identifier`` stands for: a name, a function of (y_true, y_pred), or a Metric.

    "accuracy" and "crossentropy" (also "acc" and "ce") are the kind that goes with the ``shapes`` of truths and predictions:
    yes or no, one-hot, or class numbers. Raises ValueError for other things.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str) and identifier in _BY_SHAPES:
        kind = _BY_SHAPES[identifier][_place(*(shapes or (None, None)))]
        return kind(name=identifier)  # type: ignore[no-any-return]
    if identifier in _SHORT:
        return _SHORT[identifier](name=identifier)  # type: ignore[no-any-return]
    if isinstance(identifier, str):
        if identifier in _BY_NAME:
            return _BY_NAME[identifier]()
        close = get_close_matches(identifier, [*_BY_NAME, *_SHORT, *_BY_SHAPES], n=1)
        raise ValueError(f"Unknown metric {identifier!r}.{f' Did you mean {close[0]!r}?' if close else ''}")
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    raise ValueError(f"A metric is a name, a Metric or a function of (y_true, y_pred), not {identifier!r}.")


def _place(truths: Any, predictions: Any) -> int:
    """0 for truths that are yes or no, 1 for one-hot ones, 2 for class numbers."""
    if truths is None or truths.rank is None or predictions.rank in (None, 0):
        return 0
    if predictions[-1] == 1 or predictions.rank == 1:
        return 0
    return 1 if truths.rank == predictions.rank and truths[-1] == predictions[-1] else 2
