"""Training, evaluating and predicting with a model: ``compile``, ``fit``, ``evaluate``, ``predict``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minitf.autodiff import GradientTape
from minitf.core import dtypes
from minitf.core.op import convert
from minitf.core.structures import flatten, pack
from minitf.layers import losses, metrics
from minitf.layers.batches import Batches, split_off
from minitf.layers.callbacks import CallbackList, History
from minitf.layers.layer import Layer
from minitf.layers.masks import mask_of
from minitf.layers.progress import EvaluationBar, ProgressBar
from minitf.layers.stepping import Step
from minitf.objects.trackable import NoDependency
from minitf.ops.creating import cast, constant
from minitf.ops.random import shuffle as shuffled
from minitf.ops.shapes import shape
from minitf.optimizers import keras as keras_optimizers
from minitf.runtimes.building import control_dependencies


class Training(Layer):
    """What a Model can do with data. It works in eager mode, and in a graph with a default session."""

    optimizer: Any = None
    stop_training = False
    _loss: Any = None
    _loss_weights: Any = None
    _metric_names: Any = ((), ())
    _metrics: Any = None
    _steps: Any = None

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None,
                weighted_metrics: Any = None) -> None:  # fmt: skip
        """Says how to train: an optimizer (of Keras or TensorFlow 1.x, or a name), a loss, and metrics (names, functions,
        objects).

        ``weighted_metrics`` weigh examples by ``sample_weight``, as the loss does; ``metrics`` do not. For a model with several
        outputs ``loss`` and ``loss_weights`` are lists. The optimizer is an edge of the model, "optimizer".
        """
        self.optimizer = keras_optimizers.get(optimizer)
        several = isinstance(loss, (list, tuple))
        self._loss = NoDependency([None if one is None else losses.as_loss(one) for one in (loss if several else [loss])])
        self._loss_weights = NoDependency(list(loss_weights) if loss_weights is not None else None)
        self._metric_names = NoDependency([list(metrics or ()), list(weighted_metrics or ())])
        self._metrics = NoDependency(None)
        self._steps = NoDependency({})

    # -- one batch -----------------------------------------------------------------------------------------------------

    def compute_loss(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch: that of ``compile``, weighted over the outputs, and ``losses`` of the layers. Override it for
        another.
        """
        total = None
        if self._loss[0] is not None or len(self._loss) > 1:
            predictions = y_pred if isinstance(y_pred, (list, tuple)) else [y_pred]
            truths = y if isinstance(y, (list, tuple)) else [y]
            shares = self._loss_weights or [1.0] * len(self._loss)
            for loss, share, truth, prediction in zip(self._loss, shares, truths, predictions, strict=True):
                if loss is not None:
                    term = loss(truth, prediction, sample_weight) * share
                    total = term if total is None else total + term
        for extra in self.losses:
            total = extra if total is None else total + extra
        if total is None:
            raise ValueError(f"Model {self.name!r} has no loss: pass one to compile, or call add_loss in a layer.")
        return total

    def train_step(self, data: tuple[Any, Any, Any]) -> dict[str, Any]:
        """One step on a batch ``(x, y, sample_weight)``; gives the numbers so far. Override it for another kind of training."""
        x, y, sample_weight = data
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y, y_pred, sample_weight)
        variables = self.trainable_variables
        step = self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._numbers(x, y, y_pred, sample_weight, loss, step)

    def test_step(self, data: tuple[Any, Any, Any]) -> dict[str, Any]:
        """The numbers so far, with a batch that is not trained on."""
        x, y, sample_weight = data
        y_pred = self(x, training=False)
        return self._numbers(x, y, y_pred, sample_weight, self.compute_loss(y, y_pred, sample_weight), None)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        return self(data[0], training=False)

    def _numbers(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, loss: Any, step: Any) -> dict[str, Any]:
        """Adds a batch to loss and metrics, after the training step; their results."""
        if self._metrics is None:
            first = y_pred[0] if isinstance(y_pred, (list, tuple)) else y_pred
            truth = y[0] if isinstance(y, (list, tuple)) else y
            named = [_metric(m, truth, first) for names in self._metric_names for m in names]
            self._metrics = NoDependency([metrics.Mean("loss"), *named])
        count = cast(shape(flatten(x)[0])[0], dtypes.float32)
        truth, prediction = (v[0] if isinstance(v, (list, tuple)) else v for v in (y, y_pred))
        with control_dependencies([step] if step is not None else []):
            updates = [self._metrics[0].update_state(loss, sample_weight=count)]
            mask = mask_of(prediction)
            weights = sample_weight if mask is None else _masked(sample_weight, mask)
            unweighted = len(self._metric_names[0])
            for number, metric in enumerate(self._metrics[1:]):
                updates.append(metric.update_state(truth, prediction, sample_weight=mask if number < unweighted else weights))
        with control_dependencies([u for u in updates if u is not None]):
            return {m.name: convert(m.result()) for m in self._metrics}

    history: Any = None

    @property
    def metrics(self) -> list[Any]:
        """The metrics that are collected, the loss first; empty before the first batch."""
        return list(self._metrics or ())

    @property
    def metrics_names(self) -> list[str]:
        """Their names."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Starts all metrics again."""
        if self._metrics:
            self._step("reset", self._reset_step)(())

    def _reset_step(self, _: Any) -> Any:
        resets = [m.reset_state() for m in self._metrics]
        with control_dependencies([r for r in resets if r is not None]):
            return constant(True)

    def _step(self, name: str, function: Any) -> Step:
        if self._steps is None:
            raise RuntimeError(
                f"Model {self.name!r} must be compiled before it is trained or tested: call compile(optimizer, loss)."
            )
        if name not in self._steps:
            self._steps[name] = Step(function)
        return self._steps[name]  # type: ignore[no-any-return]

    # -- many batches --------------------------------------------------------------------------------------------------

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
            callbacks: Iterable[Any] | None = None, validation_split: float = 0.0, validation_data: Any = None,
            shuffle: bool = True, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
            validation_steps: int | None = None, validation_batch_size: int | None = None) -> History:  # fmt: skip
        """Trains for some epochs on arrays, or on an iterable of batches ``(x, y)``; gives the History.

        ``shuffle`` takes the examples in a new order in each epoch; the order follows from ``tf.random.set_seed``.
        ``verbose``: 0 nothing, 1 a progress bar, 2 a line an epoch. Raises RuntimeError if the model is not compiled,
        ValueError for data that does not fit together.
        """
        step = self._step("train", self.train_step)
        if validation_split:
            (x, y, sample_weight), validation_data = split_off((x, y, sample_weight), validation_split)
        order = self._step("order", shuffled) if shuffle else None
        train = Batches(x, y, sample_weight, batch_size, order, steps_per_epoch)
        validation = None
        if validation_data is not None:
            parts = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            size = validation_batch_size if validation_batch_size is not None or len(parts) == 1 else batch_size
            whole = [*parts, None, None][:3]
            validation = Batches(whole[0], whole[1], whole[2], size, steps=validation_steps)
        verbose = _verbosity(verbose)
        history = History()
        shown = [ProgressBar(verbose, epochs, train.count)] if verbose else []
        listeners = CallbackList([history, *(callbacks or ()), *shown])
        listeners.set_model(self)
        listeners.set_params({"epochs": epochs, "steps": train.count, "verbose": verbose})
        self.stop_training = False
        self.history = NoDependency(history)
        logs: dict[str, Any] = {}
        listeners.on_train_begin()
        try:
            for epoch in range(initial_epoch, epochs):
                listeners.on_epoch_begin(epoch)
                self.reset_metrics()
                logs = {}
                for number, batch in enumerate(train):
                    listeners.on_train_batch_begin(number)
                    logs = _plain(step(batch))
                    listeners.on_train_batch_end(number, logs)
                if not logs:
                    raise ValueError("fit: there was no data to train on.")
                if validation is not None:
                    found = self._evaluate(validation, CallbackList(callbacks or ()))
                    logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
                listeners.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        finally:
            listeners.on_train_end(logs)
        return history

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
                 sample_weight: Any = None, steps: int | None = None, callbacks: Iterable[Any] | None = None,
                 return_dict: bool = False) -> Any:  # fmt: skip
        """Loss and metrics on data that is not trained on: a number or list of numbers, or a dict with ``return_dict``."""
        data = Batches(x, y, sample_weight, batch_size, steps=steps)
        verbose = _verbosity(verbose)
        shown = [EvaluationBar(verbose, data.count)] if verbose else []
        listeners = CallbackList([*(callbacks or ()), *shown])
        listeners.set_model(self)
        logs = self._evaluate(data, listeners)
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    def _evaluate(self, data: Batches, listeners: CallbackList) -> dict[str, Any]:
        step = self._step("test", self.test_step)
        listeners.on_test_begin()
        self.reset_metrics()
        logs: dict[str, Any] = {}
        for number, batch in enumerate(data):
            logs = _plain(step(batch))
            listeners.on_test_batch_end(number, logs)
        listeners.on_test_end(logs)
        return logs

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None) -> Any:
        """The outputs for all examples, as arrays."""
        if self._steps is None:  # a model that is not compiled can predict too
            self._steps = NoDependency({})
        step, data = self._step("predict", self.predict_step), Batches(x, batch_size=batch_size, steps=steps)
        verbose = _verbosity(verbose)
        bar = EvaluationBar(verbose, data.count) if verbose else None
        if bar is not None:
            bar.on_test_begin()
        parts = []
        for number, batch in enumerate(data):
            parts.append(step(batch))
            if bar is not None:
                bar.on_test_batch_end(number)
        if bar is not None:
            bar.on_test_end()
        if not parts:
            raise ValueError("predict: there was no data.")
        columns = zip(*[flatten(part) for part in parts], strict=True)
        return pack(parts[0], [np.concatenate(column) for column in columns])

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One step on one batch: loss and metrics of it alone."""
        return self._on_batch("train", self.train_step, x, y, sample_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, without training."""
        return self._on_batch("test", self.test_step, x, y, sample_weight, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as arrays."""
        return self.predict(x, batch_size=len(flatten(x)[0]), verbose=0)

    def _on_batch(self, name: str, function: Any, x: Any, y: Any, sample_weight: Any, return_dict: bool) -> Any:
        step = self._step(name, function)
        self.reset_metrics()
        batch = next(iter(Batches(x, y, sample_weight, batch_size=len(flatten(x)[0]))))
        logs = _plain(step(batch))
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values


def _metric(identifier: Any, y: Any, y_pred: Any) -> Any:
    """The metric for a name or object; "accuracy" is the kind that goes with the shapes of truths and predictions."""
    return metrics.get(identifier, None if y is None else (convert(y).shape, convert(y_pred).shape))


def _masked(sample_weight: Any, mask: Any) -> Any:
    """The weights of what is not masked."""
    if sample_weight is None:
        return mask
    factors = cast(mask, dtypes.float32)
    return factors * losses.weights_for(sample_weight, factors)


def _plain(logs: dict[str, Any]) -> dict[str, Any]:
    """The numbers of metrics as floats; those with several numbers as arrays."""
    return {name: float(value) if np.ndim(value) == 0 else np.asarray(value) for name, value in logs.items()}


def _verbosity(verbose: Any) -> int:
    return 1 if verbose == "auto" else int(verbose)
