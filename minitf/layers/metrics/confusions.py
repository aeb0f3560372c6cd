"""Counts of right and wrong yes-or-no predictions at one or several thresholds, and the shares that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.layers import losses
from minitf.layers.metrics.collected import Metric
from minitf.objects.trackable import NoDependency
from minitf.ops.arithmetic import div_no_nan
from minitf.ops.comparisons import greater, logical_and, logical_not, select
from minitf.ops.control import Assert
from minitf.ops.creating import cast, ones_like, zeros_like
from minitf.ops.masking import one_hot
from minitf.ops.reductions import reduce_all, reduce_sum
from minitf.ops.shapes import expand_dims, reshape, shape
from minitf.ops.sorting import top_k as largest
from minitf.runtimes.building import control_dependencies, group

NEVER = -1e10
"""A prediction that is below every threshold; as a threshold, one that every other prediction is above."""
CASES = ("true_positives", "false_positives", "false_negatives", "true_negatives")


def thresholds_of(given: Any, default: float) -> list[float]:
    """Thresholds as a list. Raises ValueError unless all are from 0 to 1."""
    if given is None:
        return [default]
    out = [float(t) for t in given] if isinstance(given, (list, tuple)) else [float(given)]
    wrong = [t for t in out if not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"The thresholds of a metric must be from 0 to 1, but {wrong} are not.")
    return out


def count(
    counters: Mapping[str, Any], y_true: Any, y_pred: Any, thresholds: Sequence[float], sample_weight: Any = None,
    top_k: int | None = None, class_id: int | None = None, label_weights: Any = None, by_label: bool = False,
) -> Any:  # fmt: skip
    """Adds a batch to the counters: variables by which of ``CASES`` they count, with one element for each threshold.

    Truths are 0 and 1, predictions from 0 to 1; others raise InvalidArgumentError. ``top_k`` keeps only the largest of the last
    axis, ``class_id`` only one class of it. ``by_label``: the counters have a second axis for the last one of the predictions.
    """
    dtype = next(iter(counters.values())).dtype
    y_pred, y_true = cast(y_pred, dtype), cast(y_true, dtype)
    y_true, y_pred = _aligned(y_true, y_pred)
    with control_dependencies(_checks(y_pred)):
        y_pred = y_pred + 0.0
    if top_k is not None:
        chosen = reduce_sum(one_hot(largest(y_pred, top_k)[1], shape(y_pred)[-1]), -2) > 0.0
        y_pred = select(chosen, y_pred, zeros_like(y_pred) + NEVER)
    if class_id is not None:
        y_true, y_pred = y_true[..., class_id], y_pred[..., class_id]
    weights = ones_like(y_pred)
    if sample_weight is not None:
        weights = weights * losses.weights_for(sample_weight, y_pred)
    if label_weights is not None:
        weights = weights * cast(label_weights, dtype)

    def flat(t: Any) -> Any:
        return expand_dims(t, 0) if by_label else reshape(t, [1, -1])

    limits = convert(np.array(thresholds, dtype.np).reshape((-1, 1, 1) if by_label else (-1, 1)))
    said, yes, weights = greater(flat(y_pred), limits), flat(cast(y_true, dtypes.bool)), flat(weights)
    cases = {
        "true_positives": lambda: logical_and(yes, said),
        "false_positives": lambda: logical_and(logical_not(yes), said),
        "false_negatives": lambda: logical_and(yes, logical_not(said)),
        "true_negatives": lambda: logical_and(logical_not(yes), logical_not(said)),
    }
    updates = [v.assign_add(reduce_sum(cast(cases[n](), dtype) * weights, 1), read_value=False) for n, v in counters.items()]
    return group(*updates)


def _aligned(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """``losses.aligned``, to be counted. Raises ValueError for two shapes."""
    y_true, y_pred = losses.aligned(y_true, y_pred)
    if not y_true.shape.is_compatible_with(y_pred.shape):
        raise ValueError(f"Truths and predictions must have one shape, but these have {y_true.shape} and {y_pred.shape}.")
    return y_true, y_pred


def _checks(y_pred: Any) -> list[Any]:
    """Operations that fail unless predictions are from 0 to 1 (in eager mode they do it now)."""
    within = reduce_all(logical_and(y_pred >= 0.0, y_pred <= 1.0))
    check = Assert(within, ["Predictions must be from 0 to 1 (take the sigmoid or softmax of logits):", y_pred])
    return [] if check is None else [check]


class ConfusionCounter(Metric):
    """Base class: counts the cases in ``counted`` at thresholds."""

    counted: tuple[str, ...] = ()

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None, *, default: float = 0.5):
        super().__init__(name, dtype)
        self.init_thresholds: Any = thresholds
        limits = thresholds_of(thresholds, default)
        self.thresholds: Any = NoDependency(limits)
        counters = {}
        for what in self.counted:
            own = what if len(self.counted) > 1 else "accumulator"
            counters[what] = self.add_weight(own, (len(limits),))
            setattr(self, own, counters[what])
        self._counters: Any = NoDependency(counters)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions; truths are 0 and 1, predictions from 0 to 1 (InvalidArgumentError otherwise)."""
        return count(self._counters, y_true, y_pred, self.thresholds, sample_weight)

    def _read(self, what: str) -> Any:
        return self._counters[what].read_value()

    def _shown(self, values: Any) -> Any:
        """The one value, or a vector of them for several thresholds."""
        return values[0] if len(self.thresholds) == 1 else values


class TruePositives(ConfusionCounter):
    """The number of examples with truth 1 predicted above the threshold (a vector for several thresholds)."""

    counted = ("true_positives",)

    def result(self) -> Any:
        """The number."""
        return self._shown(self._read(self.counted[0]))


class FalsePositives(TruePositives):
    """The number of examples with truth 0 predicted above the threshold (a vector for several thresholds)."""

    counted = ("false_positives",)


class FalseNegatives(TruePositives):
    """The number of examples with truth 1 predicted not above the threshold (a vector for several thresholds)."""

    counted = ("false_negatives",)


class TrueNegatives(TruePositives):
    """The number of examples with truth 0 predicted not above the threshold (a vector for several thresholds)."""

    counted = ("true_negatives",)


class _Share(ConfusionCounter):
    """The share of true positives among the cases counted."""

    def __init__(self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None,
                 dtype: Any = None):  # fmt: skip
        super().__init__(thresholds, name, dtype, default=0.5 if top_k is None else NEVER)
        self.top_k, self.class_id = top_k, class_id

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions; truths are 0 and 1, predictions from 0 to 1 (InvalidArgumentError otherwise)."""
        return count(self._counters, y_true, y_pred, self.thresholds, sample_weight, self.top_k, self.class_id)

    def result(self) -> Any:
        """The share."""
        right = self._read("true_positives")
        return self._shown(div_no_nan(right, right + self._read(self.counted[1])))


class Precision(_Share):
    """The share of truths 1 among the examples predicted above the threshold (a vector for several thresholds).

    ``top_k``: only the so many largest predictions of an example count as such, by default without a threshold. ``class_id``:
    only this class (the last axis) counts.
    """

    counted = ("true_positives", "false_positives")


class Recall(_Share):
    """The share of predictions above the threshold among the examples with truth 1 (a vector for several thresholds).

    ``top_k``: only the so many largest predictions of an example count as such, by default without a threshold. ``class_id``:
    only this class (the last axis) counts.
    """

    counted = ("true_positives", "false_negatives")

