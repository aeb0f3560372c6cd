"""How well classes are told apart, from counts for each class: overlaps of what is and what is said, and F scores."""

from __future__ import annotations

from typing import Any

from minitf.core import dtypes
from minitf.layers.metrics.collected import Metric
from minitf.ops import elementwise
from minitf.ops.arithmetic import div_no_nan
from minitf.ops.comparisons import logical_and, not_equal
from minitf.ops.creating import cast, ones_like
from minitf.ops.diagonals import diag_part
from minitf.ops.formulas import confusion_matrix
from minitf.ops.gathering import gather
from minitf.ops.reductions import argmax, reduce_max, reduce_mean, reduce_sum
from minitf.ops.shapes import expand_dims, reshape
from minitf.runtimes.building import group


class IoU(Metric):
    """The mean over some classes of the overlap: right predictions of a class, over all examples of it or predicted as it.

    ``num_classes``: truths and predictions are numbers below it; with ``sparse_y_true=False`` or ``sparse_y_pred=False`` the
    places of the largest values along ``axis``. Truths ``ignore_class`` do not count. Raises ValueError for a target that is no
    class.
    """

    def __init__(self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
                 axis: int = -1):  # fmt: skip
        super().__init__(name, dtype)
        wrong = [c for c in target_class_ids if not 0 <= c < num_classes]
        if wrong:
            raise ValueError(f"{type(self).__name__}: the classes are 0 to {num_classes - 1}, so {wrong} cannot be targets.")
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.total_cm = self.add_weight("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions by truth."""
        y_true = y_true if self.sparse_y_true else argmax(y_true, self.axis)
        y_pred = y_pred if self.sparse_y_pred else argmax(y_pred, self.axis)
        truths, said = (reshape(cast(y, dtypes.int64), [-1]) for y in (y_true, y_pred))
        weights = ones_like(truths, dtype=self._weight_dtype)
        if sample_weight is not None:
            weights = weights * reshape(cast(sample_weight, self._weight_dtype), [-1])
        if self.ignore_class is not None:  # the class may be no number of a row: it counts as nothing in row 0
            counts = not_equal(truths, self.ignore_class)
            weights, truths = weights * cast(counts, weights.dtype), truths * cast(counts, truths.dtype)
        table = confusion_matrix(truths, said, self.num_classes, weights=weights, dtype=self._weight_dtype)
        return self.total_cm.assign_add(table, read_value=False)

    def result(self) -> Any:
        """The mean overlap of the target classes that were met; 0 if there was none."""
        table = self.total_cm.read_value()
        right = diag_part(table)
        either = reduce_sum(table, 0) + reduce_sum(table, 1) - right
        right, either = (gather(t, self.target_class_ids) for t in (right, either))
        met = reduce_sum(cast(not_equal(either, 0.0), self._weight_dtype))
        return div_no_nan(reduce_sum(div_no_nan(right, either)), met)


class MeanIoU(IoU):
    """The mean of the overlap over all classes: see ``IoU``."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1):  # fmt: skip
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """``IoU`` of one-hot truths and of predictions with a value for each class."""

    def __init__(self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1):  # fmt: skip
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """``MeanIoU`` of one-hot truths and of predictions with a value for each class."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_pred: bool = False, axis: int = -1):  # fmt: skip
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)


class BinaryIoU(IoU):
    """``IoU`` of yes-or-no truths: predictions from ``threshold`` on say yes (class 1)."""

    def __init__(self, target_class_ids: Any = (0, 1), threshold: float = 0.5, name: str | None = None, dtype: Any = None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions by truth."""
        said = cast(y_pred, self._weight_dtype) >= self.threshold
        return super().update_state(y_true, cast(said, dtypes.int64), sample_weight)


class FBetaScore(Metric):
    """``(1 + beta**2) * precision * recall / (beta**2 * precision + recall)`` for each class (the last axis).

    The largest prediction of an example, or all above ``threshold``, count as said. ``average``: None (a vector), "micro" (of
    all counts together), "macro" (the mean over classes) or "weighted" (by how often a class is true). Raises ValueError for
    other names, and unless ``beta`` is positive.
    """

    def __init__(self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
                 name: str | None = "fbeta_score", dtype: Any = None):  # fmt: skip
        super().__init__(name, dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"{type(self).__name__}: average must be None, 'micro', 'macro' or 'weighted', not {average!r}."
            )
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"{type(self).__name__}: beta must be a positive float, not {beta!r}.")
        if threshold is not None and not 0.0 < threshold <= 1.0:
            raise ValueError(f"{type(self).__name__}: threshold must be above 0 and at most 1, not {threshold}.")
        self.average, self.beta, self.threshold = average, beta, threshold
        self._ready = False

    def _make(self, classes: int | None) -> None:
        if classes is None:
            raise ValueError(f"{type(self).__name__}: the number of classes, the last axis, must be known.")
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_weight("true_positives", shape)
        self.false_positives = self.add_weight("false_positives", shape)
        self.false_negatives = self.add_weight("false_negatives", shape)
        self.intermediate_weights = self.add_weight("intermediate_weights", shape)
        self._ready = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Counts predictions (batch, classes); truths are 0 and 1."""
        y_pred = cast(y_pred, self._weight_dtype)
        y_true = cast(y_true, self._weight_dtype)
        if y_pred.shape.rank != 2 or y_true.shape.rank != 2:
            raise ValueError(
                f"{type(self).__name__} takes truths and predictions (batch, classes), not of shapes {y_true.shape} and "
                f"{y_pred.shape}."
            )
        if not self._ready:
            self._make(y_pred.shape[1])
        if self.threshold is None:
            said = logical_and(y_pred >= reduce_max(y_pred, -1, keepdims=True), elementwise.abs(y_pred) > 1e-9)
        else:
            said = y_pred > self.threshold
        said = cast(said, self._weight_dtype)
        axis = None if self.average == "micro" else 0
        weights = 1.0 if sample_weight is None else expand_dims(cast(sample_weight, self._weight_dtype), 1)
        sums = {
            "true_positives": said * y_true,
            "false_positives": said * (1.0 - y_true),
            "false_negatives": (1.0 - said) * y_true,
            "intermediate_weights": y_true,
        }
        counters = [(getattr(self, name), reduce_sum(value * weights, axis)) for name, value in sums.items()]
        return group(*[v.assign_add(value, read_value=False) for v, value in counters])

    def result(self) -> Any:
        """The score, or one for each class."""
        if not self._ready:
            raise ValueError(f"{type(self).__name__} has no result before its first batch.")
        right = self.true_positives.read_value()
        precision = div_no_nan(right, right + self.false_positives.read_value())
        recall = div_no_nan(right, right + self.false_negatives.read_value())
        square = self.beta * self.beta
        score = div_no_nan(precision * recall, precision * square + recall) * (1.0 + square)
        if self.average == "weighted":
            often = self.intermediate_weights.read_value()
            return reduce_sum(score * div_no_nan(often, reduce_sum(often)))
        return score if self.average is None else reduce_mean(score)


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: see ``FBetaScore``."""

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score",
                 dtype: Any = None):  # fmt: skip
        super().__init__(average, 1.0, threshold, name, dtype)
