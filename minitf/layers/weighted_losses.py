"""``tf.compat.v1.losses``: losses that are weighted, reduced and, in a graph, collected.

``weights`` is a scalar, or has the rank of the losses and in each axis their size or 1. A loss goes to the collection
``LOSSES`` (``loss_collection=None`` keeps it out), whence ``get_total_loss`` takes all. In eager mode there are no collections.
"""

from __future__ import annotations

from typing import Any

from minitf.core import dtypes
from minitf.core.op import convert
from minitf.objects.variable_table import add_loss as noted
from minitf.ops import elementwise
from minitf.ops.activations import relu
from minitf.ops.arithmetic import add_n, div_no_nan, squared_difference
from minitf.ops.comparisons import not_equal
from minitf.ops.creating import cast, constant, ones_like, stop_gradient, zeros_like
from minitf.ops.elementwise import log, square
from minitf.ops.extremes import maximum, minimum
from minitf.ops.losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
)
from minitf.ops.reductions import reduce_sum
from minitf.ops.shapes import shape, size, squeeze
from minitf.runtimes.building import get_collection, name_scope
from minitf.runtimes.graph_home import GraphKeys


class Reduction:
    """How the weighted losses become one: not at all, by their sum, or by their sum over the sum of the weights, over their
    number, or over the number of those whose weight is not 0.
    """

    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_BY_NONZERO_WEIGHTS = SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_OVER_NONZERO_WEIGHTS, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: Any) -> None:
        """Raises ValueError for anything else."""
        if key not in cls.all():
            raise ValueError(f"A reduction is one of {cls.all()[:5]}, not {key!r}.")


_MEAN = Reduction.SUM_BY_NONZERO_WEIGHTS

# -- reducing --------------------------------------------------------------------------------------------------------------


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: str | None = None,
                          loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """``losses`` times ``weights``, reduced, in the dtype of ``losses``; collected.

    Raises ValueError for weights that do not go with the losses.
    """
    Reduction.validate(reduction)
    with name_scope(scope, "weighted_loss"):
        values = convert(losses)
        weight = cast(weights, dtypes.float32)
        _check_weights(weight, values)
        weighted = cast(values, dtypes.float32) * weight
        if reduction == Reduction.NONE:
            loss = weighted
        elif reduction == Reduction.SUM:
            loss = reduce_sum(weighted)
        elif reduction == Reduction.MEAN:
            loss = _share(reduce_sum(weighted), reduce_sum(ones_like(weighted) * weight))
        elif reduction == Reduction.SUM_OVER_BATCH_SIZE:
            loss = _share(reduce_sum(weighted), size(weighted))
        else:
            loss = _share(reduce_sum(weighted), _present(weighted, weight))
        loss = cast(loss, values.dtype)
        add_loss(loss, loss_collection)
        return loss


def _share(total: Any, count: Any) -> Any:
    return div_no_nan(total, cast(count, total.dtype), name="value")


def _present(values: Any, weight: Any, axis: Any = None) -> Any:
    """How many values have a weight that is not 0; along ``axis``."""
    counts = zeros_like(values) + cast(not_equal(weight, 0.0), dtypes.float32)
    return reduce_sum(counts, axis, keepdims=axis is not None)


def _check_weights(weight: Any, values: Any) -> None:
    rank = weight.shape.rank
    if rank in (0, None) or values.shape.rank is None:
        return
    fits = rank == values.shape.rank and all(
        w in (1, None, v) or v is None for w, v in zip(weight.shape, values.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"weights can not be broadcast to values: weights of shape {weight.shape} go with losses of shape {values.shape} "
            f"only if they have the same rank and each of their sizes is 1 or the same."
        )


# -- collections -----------------------------------------------------------------------------------------------------------


def add_loss(loss: Any, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss to a collection of the graph; nothing in eager mode, or for None."""
    if loss_collection is not None:
        noted(loss, loss_collection)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Any]:
    """The losses of the graph; those whose names begin with ``scope``. None in eager mode."""
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Any]:
    """The penalties of the graph: what regularizers gave. None in eager mode."""
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Any:
    """The sum of the penalties; 0 without any."""
    penalties = get_regularization_losses(scope)
    return add_n(penalties, name=name) if penalties else constant(0.0)


def get_total_loss(add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None) -> Any:
    """The sum of all losses of the graph, with the penalties. Raises ValueError if there are none, as in eager mode."""
    losses = get_losses(scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope)
    if not losses:
        raise ValueError(
            "get_total_loss: no loss was collected. Losses of tf.compat.v1.losses are collected in a graph; in eager mode add "
            "them up yourself."
        )
    return add_n(losses, name=name)


# -- losses ----------------------------------------------------------------------------------------------------------------


def _pair(labels: Any, predictions: Any, names: str = "labels predictions") -> tuple[Any, Any]:
    """Both as float32. Raises ValueError if one is None, or for other shapes."""
    for name, value in zip(names.split(), (labels, predictions), strict=True):
        if value is None:
            raise ValueError(f"Argument `{name}` must not be None.")
    labels, predictions = cast(labels, dtypes.float32), cast(predictions, dtypes.float32)
    predictions.shape.assert_is_compatible_with(labels.shape)
    return labels, predictions


def absolute_difference(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                        loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """``|predictions - labels|``, weighted and reduced."""
    with name_scope(scope, "absolute_difference") as within:
        labels, predictions = _pair(labels, predictions)
        return compute_weighted_loss(elementwise.abs(predictions - labels), weights, within, loss_collection, reduction)


def cosine_distance(labels: Any, predictions: Any, axis: int | None = None, weights: Any = 1.0, scope: str | None = None,
                    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN,
                    dim: int | None = None) -> Any:  # fmt: skip
    """``1 - sum(labels * predictions)`` along ``axis`` (or ``dim``), which both have length 1 along; weighted and reduced."""
    axis = dim if axis is None else axis
    if axis is None:
        raise ValueError("You must specify argument `axis`: along which the vectors lie.")
    with name_scope(scope, "cosine_distance_loss") as within:
        labels, predictions = _pair(labels, predictions)
        losses = 1.0 - reduce_sum(predictions * labels, axis, keepdims=True)
        return compute_weighted_loss(losses, weights, within, loss_collection, reduction)


def hinge_loss(labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
               loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """``max(1 - y * logits, 0)``, where y is -1 for the label 0 and 1 for 1; weighted and reduced."""
    with name_scope(scope, "hinge_loss") as within:
        labels, logits = _pair(labels, logits, "labels logits")
        return compute_weighted_loss(relu(1.0 - (labels * 2.0 - 1.0) * logits), weights, within, loss_collection, reduction)


def huber_loss(labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
               loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """Half the squared error up to ``delta``, beyond it linear; weighted and reduced."""
    with name_scope(scope, "huber_loss") as within:
        labels, predictions = _pair(labels, predictions)
        error = elementwise.abs(predictions - labels)
        near = minimum(error, delta)
        losses = near * near * 0.5 + (error - near) * delta
        return compute_weighted_loss(losses, weights, within, loss_collection, reduction)


def log_loss(labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
             loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """``-labels * log(predictions + epsilon) - (1 - labels) * log(1 - predictions + epsilon)``, weighted and reduced."""
    with name_scope(scope, "log_loss") as within:
        labels, predictions = _pair(labels, predictions)
        losses = -labels * log(predictions + epsilon) - (1.0 - labels) * log(1.0 - predictions + epsilon)
        return compute_weighted_loss(losses, weights, within, loss_collection, reduction)


def mean_pairwise_squared_error(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                                loss_collection: str | None = GraphKeys.LOSSES) -> Any:  # fmt: skip
    """How far the differences between the elements of an example are from those of its labels: for each example the mean of
    their squares over all pairs, and the weighted sum over the examples.
    """
    with name_scope(scope, "mean_pairwise_squared_error"):
        labels, predictions = _pair(labels, predictions)
        weight = cast(weights, dtypes.float32)
        errors = predictions - labels
        _check_weights(weight, errors)
        axes = list(range(1, errors.shape.rank or 1))
        count = _present(errors, weight, axes)
        squares = reduce_sum(square(errors), axes, keepdims=True)
        sums = reduce_sum(errors, axes, keepdims=True)
        first = div_no_nan(squares, maximum(count - 1.0, 0.0)) * 2.0
        second = div_no_nan(square(sums), maximum(count * (count - 1.0), 0.0)) * 2.0
        loss = reduce_sum((first - second) * weight)
        add_loss(loss, loss_collection)
        return loss


def mean_squared_error(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                       loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """``(predictions - labels) ** 2``, weighted and reduced."""
    with name_scope(scope, "mean_squared_error") as within:
        labels, predictions = _pair(labels, predictions)
        return compute_weighted_loss(squared_difference(predictions, labels), weights, within, loss_collection, reduction)


def sigmoid_cross_entropy(multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
                          scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = _MEAN) -> Any:  # fmt: skip
    """The cross entropy of ``sigmoid(logits)`` against labels from 0 to 1, weighted and reduced. ``label_smoothing`` moves
    labels towards one half.
    """
    _present_both(multi_class_labels, logits, "multi_class_labels")
    with name_scope(scope, "sigmoid_cross_entropy_loss") as within:
        logits = convert(logits)
        labels = cast(multi_class_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1.0 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)
        return compute_weighted_loss(losses, weights, within, loss_collection, reduction)


def softmax_cross_entropy(onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
                          scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
                          reduction: str = _MEAN) -> Any:  # fmt: skip
    """The cross entropy of ``softmax(logits)`` against one-hot labels, weighted and reduced. ``label_smoothing`` moves labels
    towards equal shares.
    """
    _present_both(onehot_labels, logits, "onehot_labels")
    with name_scope(scope, "softmax_cross_entropy_loss") as within:
        logits = convert(logits)
        labels = cast(onehot_labels, logits.dtype)
        logits.shape.assert_is_compatible_with(labels.shape)
        if label_smoothing > 0:
            labels = labels * (1.0 - label_smoothing) + label_smoothing / cast(shape(labels)[1], logits.dtype)
        losses = softmax_cross_entropy_with_logits(labels=stop_gradient(labels), logits=logits)
        return compute_weighted_loss(losses, weights, within, loss_collection, reduction)


def sparse_softmax_cross_entropy(labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
                                 loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Any:  # fmt: skip
    """The cross entropy of ``softmax(logits)`` against class numbers, weighted and reduced. A last axis of size 1 of the labels
    or the weights may be left over.
    """
    _present_both(labels, logits, "labels")
    with name_scope(scope, "sparse_softmax_cross_entropy_loss") as within:
        labels, logits, weights = convert(labels), convert(logits), cast(weights, dtypes.float32)
        ranks = labels.shape.rank, logits.shape.rank, weights.shape.rank
        if None not in ranks:
            if ranks[0] == ranks[1]:
                labels = squeeze(labels, [-1])
            if ranks[2] and ranks[2] == ranks[1] and weights.shape[-1] == 1:
                weights = squeeze(weights, [-1])
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        return compute_weighted_loss(losses, weights, within, loss_collection, reduction)


def _present_both(labels: Any, logits: Any, name: str) -> None:
    if labels is None or logits is None:
        raise ValueError(f"Argument `{name if labels is None else 'logits'}` must not be None.")
