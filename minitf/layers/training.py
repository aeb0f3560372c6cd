"""Training, evaluating and predicting with a model: ``compile``, ``fit``, ``evaluate``, ``predict``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minitf.autodiff import GradientTape
from minitf.core.structures import flatten, pack
from minitf.layers import metrics
from minitf.layers.batches import Batches, split_off, unpack_x_y_sample_weight, with_class_weights
from minitf.layers.callbacks import CallbackList, History
from minitf.layers.compiled import CompiledLoss, CompiledMetrics
from minitf.layers.contents import each_once
from minitf.layers.layer import Layer
from minitf.layers.progress import EvaluationBar, ProgressBar
from minitf.layers.stepping import Step
from minitf.objects.trackable import NoDependency
from minitf.ops.random import shuffle as shuffled
from minitf.optimizers import keras as keras_optimizers


class Training(Layer):
    """What a Model can do with data. It works in eager mode, and in a graph with a default session."""

    optimizer: Any = None
    stop_training = False
    compiled_loss: Any = None
    compiled_metrics: Any = None
    _steps: Any = None

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None,
                weighted_metrics: Any = None, run_eagerly: bool | None = None, steps_per_execution: int | None = None,
                jit_compile: bool | None = None) -> None:  # fmt: skip
        """Says how to train: an optimizer (of Keras or TensorFlow 1.x, or a name), a loss, and metrics (names, functions,
        objects).

        ``weighted_metrics`` weigh examples by ``sample_weight``, as the loss does; ``metrics`` do not. For a model with several
        outputs all but the optimizer may be lists, or dicts by the names of the outputs. The optimizer is an edge of the model,
        "optimizer". The last three arguments are accepted and have no effect: eager mode runs step by step, a graph as a graph.
        """
        self.optimizer = keras_optimizers.get(optimizer)
        self.compiled_loss = CompiledLoss(loss, loss_weights)
        self.compiled_metrics = CompiledMetrics(metrics, weighted_metrics)
        self._steps = NoDependency({})

    # -- one batch -----------------------------------------------------------------------------------------------------

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        """The loss of a batch: that of ``compile``, weighted over the outputs, and ``losses`` of the layers. Override it for
        another.
        """
        return self.compiled_loss(y, y_pred, sample_weight, regularization_losses=self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Adds a batch to the metrics of ``compile``; gives the results of all metrics by name. Override it for others."""
        self.compiled_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The results of all metrics by name; a metric whose result is a dict gives its names."""
        out: dict[str, Any] = {}
        for metric in self.metrics:
            result = metric.result()
            out |= result if isinstance(result, dict) else {metric.name: result}
        return out

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step on a batch: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``; gives the numbers so far. Override it for
        another kind of training: in a graph it is traced once, as a ``tf.function`` is.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The numbers so far, with a batch that is not trained on."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    history: Any = None

    @property
    def metrics(self) -> list[Any]:
        """The metrics that are collected: those of ``compile`` (from the first batch on; the loss first), and those in
        attributes of the model and its layers. They start again with each epoch. Override it to say which.
        """
        said = [] if self.compiled_loss is None else [*self.compiled_loss.metrics, *self.compiled_metrics.metrics]
        return each_once([*said, *(m for m in self._flatten_layers() if isinstance(m, metrics.Metric))])

    @property
    def metrics_names(self) -> list[str]:
        """Their names."""
        return [m.name for m in self.metrics]

    def reset_metrics(self) -> None:
        """Starts all metrics again."""
        collected = self.metrics
        if collected:
            self._step(("reset", *map(id, collected)), lambda _: [m.reset_state() for m in collected] and True)(())

    def _step(self, name: Any, function: Any) -> Step:
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
            validation_steps: int | None = None, validation_batch_size: int | None = None,
            class_weight: Any = None) -> History:  # fmt: skip
        """Trains for some epochs on arrays, or on an iterable of batches ``(x, y)``; gives the History.

        ``shuffle`` takes the examples in a new order in each epoch; the order follows from ``tf.random.set_seed``.
        ``class_weight`` weighs examples by their class: a dict by class number, for arrays.

        With ``steps_per_epoch`` an epoch has so many batches, and the next one goes on in the data (arrays are gone through
        ``epochs`` times, iterables once, unless it is just the number of their batches). If the data ends, there is a warning,
        and training ends with that epoch. ``validation_steps`` begin anew each time.

        ``verbose``: 0 nothing, 1 a progress bar, 2 a line an epoch. Raises RuntimeError if the model is not compiled,
        ValueError for data that does not fit together.
        """
        step = self._step("train", self.train_step)
        if validation_split:
            (x, y, sample_weight), validation_data = split_off((x, y, sample_weight), validation_split)
        if class_weight:
            sample_weight = with_class_weights(y, sample_weight, class_weight)
        order = self._step("order", shuffled) if shuffle else None
        train = Batches(x, y, sample_weight, batch_size, order, steps_per_epoch, epochs).begin()
        validation = None
        if validation_data is not None:
            parts = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            size = validation_batch_size if validation_batch_size is not None or len(parts) == 1 else batch_size
            whole = [*parts, None, None][:3]
            validation = Batches(whole[0], whole[1], whole[2], size, steps=validation_steps)
        verbose = _verbosity(verbose)
        history = History()
        shown = [ProgressBar(verbose, epochs, train.count)] if verbose else []
        listeners = CallbackList([*(callbacks or ()), history, *shown])
        listeners.set_model(self)
        listeners.set_params({"epochs": epochs, "steps": train.count, "verbose": verbose})
        self.stop_training = False
        self.history = NoDependency(history)
        logs: dict[str, Any] = {}
        listeners.on_train_begin()
        try:
            for epoch in range(initial_epoch, epochs):
                if train.exhausted:
                    break
                listeners.on_epoch_begin(epoch)
                self.reset_metrics()
                for number, batch in enumerate(train):
                    listeners.on_train_batch_begin(number)
                    logs = _plain(step(batch))
                    listeners.on_train_batch_end(number, logs)
                    if self.stop_training:
                        break
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
        for number, batch in enumerate(data.begin()):
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
        for number, batch in enumerate(data.begin()):
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
        batch = next(iter(Batches(x, y, sample_weight, batch_size=len(flatten(x)[0])).begin()))
        logs = _plain(step(batch))
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values


def _plain(logs: dict[str, Any]) -> dict[str, Any]:
    """The numbers of metrics as floats; those with several numbers as arrays."""
    return {name: float(value) if np.ndim(value) == 0 else np.asarray(value) for name, value in logs.items()}


def _verbosity(verbose: Any) -> int:
    return 1 if verbose == "auto" else int(verbose)
