"""Metrics: numbers that are collected over many batches. Names, formulas and defaults are those of Keras 2.

A metric keeps its state in variables (``total``, ``count``, ...), so it can be saved. ``update_state`` adds a batch,
``result`` gives the number so far, ``reset_state`` starts again. In a graph the first two give an operation and a tensor, to
be run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.layers import losses
from minitf.layers.layer import Layer
from minitf.ops.arithmetic import div_no_nan
from minitf.ops.creating import cast, zeros_like
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import size
from minitf.runtimes.building import control_dependencies, group


class Metric(Layer):
    """Base class of metrics: make state with ``add_weight`` and define ``update_state`` and ``result``."""

    _is_metric = True

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype, trainable=False, **kwargs)
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
        return div_no_nan(self.total.read_value(), self.count.read_value())


class MeanMetricWrapper(Mean):
    """The mean of a function of (y_true, y_pred, ...) that gives a value for each example."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **settings: Any):
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._function, self._settings = fn, settings

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Adds the function's values."""
        return super().update_state(self._function(y_true, y_pred, **self._settings), sample_weight)
