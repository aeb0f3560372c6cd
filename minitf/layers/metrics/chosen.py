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
from minitf.layers.naming import snake_case

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
