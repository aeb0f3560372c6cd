"""What a yes-or-no classifier does as its threshold goes from 0 to 1: areas under curves, and the best point of a curve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core.op import convert
from minitf.layers.metrics.collected import Metric
from minitf.layers.metrics.confusions import count
from minitf.objects.trackable import NoDependency
from minitf.ops.arithmetic import div_no_nan
from minitf.ops.comparisons import logical_and, select
from minitf.ops.creating import constant, ones_like, zeros_like
from minitf.ops.elementwise import log, sigmoid
from minitf.ops.extremes import maximum, minimum
from minitf.ops.reductions import reduce_max, reduce_mean, reduce_sum

_EPSILON = 1e-7


def _between(number: int) -> list[float]:
    """Thresholds from 0 to 1, without these two."""
    return [(i + 1) / (number - 1) for i in range(number - 2)]


class _Curve(Metric):
    """Keeps the four counts at each threshold."""

    def _make_counters(self, shape: tuple[Any, ...]) -> None:
        self.true_positives = self.add_weight("true_positives", shape)
        self.true_negatives = self.add_weight("true_negatives", shape)
        self.false_positives = self.add_weight("false_positives", shape)
        self.false_negatives = self.add_weight("false_negatives", shape)

    def _counters(self) -> dict[str, Any]:
        names = ("true_positives", "true_negatives", "false_positives", "false_negatives")
        return {name: getattr(self, name) for name in names}

    def _counts(self) -> tuple[Any, Any, Any, Any]:
        """True positives, true negatives, false positives, false negatives, by threshold."""
        tp, tn, fp, fn = (v.read_value() for v in self._counters().values())
        return tp, tn, fp, fn


class AUC(_Curve):
    """The area under a curve of a classifier's thresholds, as a sum of trapezes.

    * ``curve``: "ROC" (true over false positive rate) or "PR" (precision over recall).
    * ``num_thresholds`` from 0 to 1, evenly spaced; or your own ``thresholds``, to which 0 and 1 are added.
    * ``summation_method``: "interpolation" (for "PR" between the counts: Davis and Goadrich, 2006), "minoring" (the lower end
      of each piece) or "majoring" (the higher).
    * ``multi_label``: the mean of the areas of all labels, the last axis (of size ``num_labels``, or as the first batch has
      it), weighted by ``label_weights``. Without it, these weigh the single predictions.
    * ``from_logits``: predictions are logits, not probabilities.

    Raises ValueError for other names, and for fewer than two thresholds.
    """

    def __init__(self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
                 name: str | None = None, dtype: Any = None, thresholds: Any = None, multi_label: bool = False,
                 num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False):  # fmt: skip
        super().__init__(name, dtype)
        if curve not in ("ROC", "PR"):
            raise ValueError(f"AUC: curve must be 'ROC' or 'PR', not {curve!r}.")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                f"AUC: summation_method must be 'interpolation', 'minoring' or 'majoring', not {summation_method!r}."
            )
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(f"AUC: num_thresholds must be more than 1, not {num_thresholds}.")
        if num_labels and not multi_label:
            raise ValueError("AUC: num_labels is for multi_label=True.")
        self.curve, self.summation_method, self.multi_label, self.num_labels = curve, summation_method, multi_label, num_labels
        self.from_logits = from_logits
        between = _between(num_thresholds) if thresholds is None else sorted(thresholds)
        self.thresholds: Any = NoDependency([-_EPSILON, *between, 1.0 + _EPSILON])
        self.num_thresholds = len(between) + 2
        self.label_weights: Any = NoDependency(None if label_weights is None else list(label_weights))
        if any(w < 0 for w in label_weights or ()):
            raise ValueError(f"AUC: label_weights must not be negative, but they are {list(label_weights)}.")
        self._ready = False
        if not multi_label or num_labels:
            self._make((self.num_thresholds, num_labels) if multi_label else (self.num_thresholds,))

    def _make(self, shape: tuple[Any, ...]) -> None:
        self._make_counters(shape)
        self._ready = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions; truths are 0 and 1. Raises ValueError for another number of labels than before."""
        y_pred = convert(y_pred)
        if self.multi_label:
            if y_pred.shape.rank != 2:
                raise ValueError(f"AUC: with multi_label predictions have two axes, but these have shape {y_pred.shape}.")
            if not self._ready:
                self._make((self.num_thresholds, y_pred.shape[1]))
            if not self.true_positives.shape[1:].is_compatible_with(y_pred.shape[1:]):
                raise ValueError(f"AUC: there were {self.true_positives.shape[1]} labels; predictions have {y_pred.shape}.")
        if self.from_logits:
            y_pred = sigmoid(y_pred)
        return count(
            self._counters(), y_true, y_pred, self.thresholds, sample_weight, by_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )  # fmt: skip

    def result(self) -> Any:
        """The area so far."""
        tp, tn, fp, fn = self._counts()
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._over_labels(_between_counts(tp, fp, fn))
        recall = div_no_nan(tp, tp + fn)
        x, y = (div_no_nan(fp, fp + tn), recall) if self.curve == "ROC" else (recall, div_no_nan(tp, tp + fp))
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        else:
            heights = (minimum if self.summation_method == "minoring" else maximum)(y[:-1], y[1:])
        return self._over_labels((x[:-1] - x[1:]) * heights)

    def _over_labels(self, pieces: Any) -> Any:
        """The sum of pieces, and its mean over the labels."""
        if not self.multi_label:
            return reduce_sum(pieces)
        areas = reduce_sum(pieces, 0)
        if self.label_weights is None:
            return reduce_mean(areas)
        weights = constant(self.label_weights, areas.dtype)
        return div_no_nan(reduce_sum(areas * weights), reduce_sum(weights))


def _between_counts(tp: Any, fp: Any, fn: Any) -> Any:
    """Pieces of the area under precision over recall, with counts that go evenly from one threshold to the next."""
    gained, above = tp[:-1] - tp[1:], tp + fp
    slope = div_no_nan(gained, maximum(above[:-1] - above[1:], 0.0))
    intercept = tp[1:] - slope * above[1:]
    ratio = select(
        logical_and(above[:-1] > 0.0, above[1:] > 0.0), div_no_nan(above[:-1], maximum(above[1:], 0.0)), ones_like(above[1:])
    )
    return div_no_nan(slope * (gained + intercept * log(ratio)), maximum(tp[1:] + fn[1:], 0.0))


class _Best(_Curve):
    """The largest of one share at the thresholds where another is at least a value."""

    wanted: Callable[..., Any]
    limited: Callable[..., Any]

    def __init__(self, value: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
                 dtype: Any = None):  # fmt: skip
        super().__init__(name, dtype)
        kind = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{kind}: the value to reach must be from 0 to 1, not {value}.")
        if num_thresholds <= 0:
            raise ValueError(f"{kind}: num_thresholds must be positive, not {num_thresholds}.")
        self.value, self.class_id, self.num_thresholds = value, class_id, num_thresholds
        self.thresholds: Any = NoDependency([0.5] if num_thresholds == 1 else [0.0, *_between(num_thresholds), 1.0])
        self._make_counters((num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions; truths are 0 and 1, predictions from 0 to 1 (InvalidArgumentError otherwise)."""
        return count(self._counters(), y_true, y_pred, self.thresholds, sample_weight, class_id=self.class_id)

    def result(self) -> Any:
        """The largest share, 0 if no threshold reaches the value."""
        kind, counts = type(self), self._counts()
        wanted, reached = kind.wanted(*counts), kind.limited(*counts) >= self.value
        return reduce_max(select(reached, wanted, zeros_like(wanted)))


def _sensitivity(tp: Any, tn: Any, fp: Any, fn: Any) -> Any:
    return div_no_nan(tp, tp + fn)


def _specificity(tp: Any, tn: Any, fp: Any, fn: Any) -> Any:
    return div_no_nan(tn, tn + fp)


def _precision(tp: Any, tn: Any, fp: Any, fn: Any) -> Any:
    return div_no_nan(tp, tp + fp)


class SensitivityAtSpecificity(_Best):
    """The largest share of truths 1 found, where the share of truths 0 left alone is at least ``value``."""

    wanted, limited = staticmethod(_sensitivity), staticmethod(_specificity)


class SpecificityAtSensitivity(_Best):
    """The largest share of truths 0 left alone, where the share of truths 1 found is at least ``value``."""

    wanted, limited = staticmethod(_specificity), staticmethod(_sensitivity)


class PrecisionAtRecall(_Best):
    """The largest precision where the recall is at least ``value``."""

    wanted, limited = staticmethod(_precision), staticmethod(_sensitivity)


class RecallAtPrecision(_Best):
    """The largest recall where the precision is at least ``value``."""

    wanted, limited = staticmethod(_sensitivity), staticmethod(_precision)

