"""What can be done at each epoch and batch of ``fit``: subclasses of Callback."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np


class Callback:
    """Base class: override what shall happen. ``logs`` are the numbers so far; ``self.model`` is the model, ``self.params``
    the settings.
    """

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Tells the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells the settings: epochs, steps, verbose."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Any = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before each epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After each epoch, with the numbers of its validation too."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before each batch."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After each batch."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After each batch of an evaluation."""


class CallbackList(Callback):
    """Several callbacks as one."""

    def __init__(self, callbacks: Iterable[Callback]):
        self.callbacks = list(callbacks)


def _for_all(name: str) -> Any:
    def call(self: CallbackList, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(*args)

    call.__doc__ = getattr(Callback, name).__doc__
    return call


for _name in [n for n in vars(Callback) if n.startswith(("on_", "set_"))]:
    setattr(CallbackList, _name, _for_all(_name))


class History(Callback):
    """Keeps the numbers of all epochs: ``history`` by name, ``epoch``."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts empty."""
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds the epoch's numbers."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class _Watching(Callback):
    """Watches one number and knows which values of it are better."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', not {mode!r}.")
        self.monitor, self.min_delta = monitor, abs(min_delta)
        rising = mode == "max" or (mode == "auto" and any(part in monitor for part in ("acc", "auc", "precision", "recall")))
        self.sign = 1.0 if rising else -1.0
        self.best = -math.inf

    def _improved(self, logs: Any) -> bool:
        """Whether the number is the best so far; raises KeyError if it is not there."""
        if self.monitor not in (logs or {}):
            raise KeyError(f"{type(self).__name__} watches {self.monitor!r}, but there are only {sorted(logs or {})}.")
        value = self.sign * float(logs[self.monitor])
        if value - self.min_delta > self.best:
            self.best = value
            return True
        return False


class EarlyStopping(_Watching):
    """Ends the training when ``monitor`` has not become better for ``patience`` epochs."""

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0.0, patience: int = 0, verbose: int = 0,
                 mode: str = "auto", restore_best_weights: bool = False):  # fmt: skip
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.restore_best_weights = patience, verbose, restore_best_weights

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts counting."""
        self.wait, self.stopped_epoch, self.best = 0, 0, -math.inf
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Counts epochs without progress."""
        if self._improved(logs):
            self.wait = 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.best_weights is not None:
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Any = None) -> None:
        """Says when it stopped, if verbose."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class ModelCheckpoint(_Watching):
    """Saves the weights after each epoch, or only the best. ``filepath`` may have fields:
    ``"weights-{epoch:02d}-{val_loss:.2f}"``.

    * ``save_freq``: a number of batches, to save after so many, also across epochs; ``{batch}`` is then a field, too
    * ``initial_value_threshold``: the best of ``monitor`` so far, for ``save_best_only``
    * ``options``: ``train.CheckpointOptions``

    Raises ValueError for ``save_weights_only=False`` and for another ``save_freq``.
    """

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
                 save_weights_only: bool = True, mode: str = "auto", save_freq: Any = "epoch", options: Any = None,
                 initial_value_threshold: float | None = None):  # fmt: skip
        if not save_weights_only:
            raise ValueError("ModelCheckpoint saves weights; whole models cannot be saved. Pass save_weights_only=True.")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches, not {save_freq!r}.")
        super().__init__(monitor, mode)
        self.filepath, self.verbose, self.save_best_only = filepath, verbose, save_best_only
        self.save_freq, self.options = save_freq, options
        if initial_value_threshold is not None:
            self.best = self.sign * initial_value_threshold
        self._epoch, self._batches = 0, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes which epoch it is."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves after so many batches."""
        if self.save_freq != "epoch":
            self._batches += 1
            if self._batches >= self.save_freq:
                self._batches = 0
                self._save(logs, {"batch": batch + 1})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves after an epoch."""
        if self.save_freq == "epoch":
            self._save(logs, {})

    def _save(self, logs: Any, fields: dict[str, Any]) -> None:
        if self.save_best_only and not self._improved(logs):
            return
        path = str(self.filepath).format(**{**fields, "epoch": self._epoch + 1, **(logs or {})})
        self.model.save_weights(path, options=self.options)
        if self.verbose:
            print(f"Epoch {self._epoch + 1}: saving model to {path}")


class LambdaCallback(Callback):
    """Functions in the place of methods, by their names: ``on_epoch_end=lambda epoch, logs: ...``; ``on_batch_begin`` and
    ``on_batch_end`` stand for those of training.

    Raises TypeError for names that no callback has.
    """

    def __init__(self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_batch_begin: Any = None,
                 on_batch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None,
                 **kwargs: Any):  # fmt: skip
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_batch_begin": on_batch_begin,
            "on_train_batch_end": on_batch_end, "on_train_begin": on_train_begin, "on_train_end": on_train_end, **kwargs,
        }  # fmt: skip
        for name, function in given.items():
            if not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: a callback has no method {name!r}.")
            if function is not None:
                setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Ends the training when the loss is NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.all(np.isfinite(loss)):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class CSVLogger(Callback):
    """Writes the numbers of each epoch as a row of a file; ``append`` goes on with a file that is there."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = Path(filename), separator, append

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins the file, unless it goes on."""
        self._names: list[str] | None = None
        self._headed = self.append and self.filename.exists() and self.filename.stat().st_size > 0
        if not self.append:
            self.filename.write_text("", encoding="utf-8")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a row; before the first the names. A number that a later epoch lacks is NA."""
        import csv

        logs = logs or {}
        if self._names is None:
            self._names = sorted(logs)
            if not any(name.startswith("val_") for name in logs):  # a later epoch may be the first with a validation
                self._names += [f"val_{name}" for name in self._names]
        with self.filename.open("a", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if not self._headed:
                rows.writerow(["epoch", *self._names])
                self._headed = True
            rows.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])


class _OfRates(Callback):
    """Reads and sets the optimizer's learning rate."""

    @property
    def rate(self) -> float:
        """The learning rate now (graph: in the default session)."""
        model = self.model
        return float(model._step("rate", lambda _: model.optimizer.learning_rate.read_value())(()))

    @rate.setter
    def rate(self, value: float) -> None:
        self.model.optimizer.learning_rate.load(np.float32(value))


class LearningRateScheduler(_OfRates):
    """Sets the learning rate before each epoch to ``schedule(epoch, rate)`` (or ``schedule(epoch)``); the numbers get "lr".

    Raises ValueError unless that is a float.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the rate."""
        import inspect

        try:
            inspect.signature(self.schedule).bind(epoch, 0.0)
        except TypeError:
            rate = self.schedule(epoch)
        else:
            rate = self.schedule(epoch, self.rate)
        if np.ndim(rate) or not np.issubdtype(np.asarray(rate).dtype, np.floating):
            raise ValueError(f"LearningRateScheduler: the schedule must give a float, not {rate!r}.")
        self.rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(rate)}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Tells the rate."""
        if logs is not None:
            logs["lr"] = self.rate


class ReduceLROnPlateau(_Watching, _OfRates):
    """Multiplies the learning rate by ``factor``, down to ``min_lr``, when ``monitor`` has not become better for ``patience``
    epochs; then waits ``cooldown`` epochs. The numbers get "lr". Raises ValueError unless ``factor`` is below 1.
    """

    def __init__(self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0,
                 mode: str = "auto", min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0):  # fmt: skip
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, but it is {factor}.")
        super().__init__(monitor, mode, min_delta)
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts counting."""
        self.wait, self.cooldown_counter, self.best = 0, 0, -math.inf

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Counts epochs without progress."""
        if logs is not None:
            logs["lr"] = self.rate
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._improved(logs):
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            before = self.rate
            if self.wait >= self.patience and before > np.float32(self.min_lr):
                self.rate = max(before * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {self.rate}.")
