"""What ``compile`` says of losses and metrics, for models with one output or several.

A model with several outputs gives a list, a tuple or a dict. Their names are ``output_1``, ``output_2``, ... or the keys of the
dict; losses, weights and metrics are said for all, in a list, or by name. ``CompiledLoss`` and ``CompiledMetrics`` know the
outputs from the first batch on, and have no metrics before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.layers import losses, metrics
from minitf.layers.masks import mask_of
from minitf.ops.creating import cast
from minitf.ops.shapes import shape
from minitf.runtimes.building import group


class CompiledLoss:
    """The loss of ``compile``: ``model.compiled_loss(y, y_pred, sample_weight, regularization_losses=model.losses)``.

    ``metrics``: the mean of the loss, and with several outputs that of each.
    """

    def __init__(self, loss: Any, loss_weights: Any):
        self._said = [None if one is None else losses.as_loss(one) for one in _flat(loss)]
        self._loss, self._weights = loss, loss_weights
        self._terms: list[Any] = []  # for each output: the loss or None, the weight, the mean or None
        self.metrics: list[Any] = []

    def _build(self, names: list[str]) -> None:
        found = iter(self._said)
        said = _mapped(self._loss, lambda one: next(found))
        each = said if isinstance(said, (list, tuple, dict)) else [said] * len(names)
        by_output = _by_output(each, names, "loss")
        weights = [None] * len(names) if self._weights is None else _by_output(self._weights, names, "loss_weights")
        for name, loss, weight in zip(names, by_output, weights, strict=True):
            mean = metrics.Mean(f"{name}_loss") if loss is not None and len(names) > 1 else None
            self._terms.append((loss, weight, mean))
        self.metrics = [metrics.Mean("loss"), *[mean for _, _, mean in self._terms if mean is not None]]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None) -> Any:
        """The loss of a batch, with ``regularization_losses`` added; the metrics count it (eager, or a function or ``fit``).

        Raises ValueError if there is nothing to add up.
        """
        names, predictions = outputs_of(y_pred)
        if not self.metrics:
            self._build(names)
        count = cast(shape(predictions[0])[0], dtypes.float32)
        truths, weights = _by_output(y_true, names, "y"), _by_output(sample_weight, names, "sample_weight", spread=True)
        total = None
        for (loss, share, mean), truth, prediction, weight in zip(self._terms, truths, predictions, weights, strict=True):
            if loss is not None:
                term = loss(truth, prediction, weight)
                if mean is not None:
                    mean.update_state(term, sample_weight=count)
                term = term if share is None else term * share
                total = term if total is None else total + term
        for extra in regularization_losses or ():
            total = extra if total is None else total + extra
        if total is None:
            raise ValueError("The model has no loss: pass one to compile, or call add_loss in a layer.")
        self.metrics[0].update_state(total, sample_weight=count)
        return total


class CompiledMetrics:
    """The metrics of ``compile``: ``model.compiled_metrics.update_state(y, y_pred, sample_weight)``.

    ``weighted`` ones weigh examples; the others only leave out what is masked.
    """

    def __init__(self, plain: Any, weighted: Any):
        self._said = plain, weighted
        self._by_output: Any = None
        self.metrics: list[Any] = []

    def _build(self, names: list[str], truths: list[Any], predictions: list[Any]) -> None:
        columns = [_metrics_by_output(said, names) for said in self._said]
        self._by_output = []
        for i, (name, truth, prediction) in enumerate(zip(names, truths, predictions, strict=True)):
            shapes = None if truth is None else (convert(truth).shape, convert(prediction).shape)
            made = [[_metric(m, shapes, name if len(names) > 1 else None) for m in column[i]] for column in columns]
            self._by_output.append(made)
        self.metrics = [m for made in self._by_output for kinds in made for m in kinds]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Adds a batch; gives the operation (graph)."""
        names, predictions = outputs_of(y_pred)
        truths, weights = _by_output(y_true, names, "y"), _by_output(sample_weight, names, "sample_weight", spread=True)
        if self._by_output is None:
            self._build(names, truths, predictions)
        updates = []
        for (plain, weighted), truth, prediction, weight in zip(self._by_output, truths, predictions, weights, strict=True):
            mask = mask_of(prediction)
            updates += [m.update_state(truth, prediction, sample_weight=mask) for m in plain]
            with_mask = weight if mask is None else _masked(weight, mask)
            updates += [m.update_state(truth, prediction, sample_weight=with_mask) for m in weighted]
        return group(*[u for u in updates if u is not None])


def outputs_of(y_pred: Any) -> tuple[list[str], list[Any]]:
    """The names of a model's outputs, and the outputs."""
    if isinstance(y_pred, Mapping):
        names = sorted(y_pred)
        return names, [y_pred[name] for name in names]
    if isinstance(y_pred, (list, tuple)):
        return [f"output_{i + 1}" for i in range(len(y_pred))], list(y_pred)
    return ["output_1"], [y_pred]


def _by_output(given: Any, names: list[str], what: str, spread: bool = False) -> list[Any]:
    """What belongs to each output; ``spread``: one thing belongs to all. Raises ValueError if it does not go with them."""
    if given is None:
        return [None] * len(names)
    if isinstance(given, Mapping):
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ValueError(f"{what} says something of {unknown}, but the model's outputs are {names}.")
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)) and (len(names) > 1 or len(given) == 1):
        if len(given) != len(names):
            raise ValueError(f"{what} has {len(given)} parts, but the model has {len(names)} outputs: {names}.")
        return list(given)
    if len(names) > 1 and not spread:
        raise ValueError(f"{what} must have a part for each of the model's outputs, {names}: pass a list or a dict.")
    return [given] * len(names)


def _metrics_by_output(said: Any, names: list[str]) -> list[list[Any]]:
    """The metrics of each output: of a flat list all belong to each."""
    if said is None:
        return [[] for _ in names]
    if isinstance(said, Mapping):
        return [_flat(m) if m is not None else [] for m in _by_output(said, names, "metrics")]
    said = _flat(said)
    if len(names) > 1 and len(said) == len(names) and any(isinstance(m, (list, tuple)) for m in said):
        return [_flat(m) if m is not None else [] for m in said]
    flat = [m for part in said for m in _flat(part)]
    return [flat] + [[_again(m) for m in flat] for _ in names[1:]]


def _again(metric: Any) -> Any:
    """Another metric like this one, for another output."""
    return type(metric).from_config(metric.get_config()) if isinstance(metric, metrics.Metric) else metric


def _metric(identifier: Any, shapes: Any, output: str | None) -> Any:
    metric = metrics.get(identifier, shapes)
    if output is not None:
        metric._given_name = f"{output}_{metric.name}"
    return metric


def _masked(sample_weight: Any, mask: Any) -> Any:
    """The weights of what is not masked."""
    if sample_weight is None:
        return mask
    factors = cast(mask, dtypes.float32)
    return factors * losses.weights_for(sample_weight, factors)


def _flat(said: Any) -> list[Any]:
    if isinstance(said, Mapping):
        return list(said.values())
    return list(said) if isinstance(said, (list, tuple)) else [said]


def _mapped(said: Any, function: Any) -> Any:
    if isinstance(said, Mapping):
        return {name: function(one) for name, one in said.items()}
    return [function(one) for one in said] if isinstance(said, (list, tuple)) else function(said)
