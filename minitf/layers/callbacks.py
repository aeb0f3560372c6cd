"""What can be done at each epoch and batch of ``fit``: subclasses of Callback."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


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
    """

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
                 save_weights_only: bool = True, mode: str = "auto"):  # fmt: skip
        if not save_weights_only:
            raise ValueError("ModelCheckpoint saves weights; whole models cannot be saved. Pass save_weights_only=True.")
        super().__init__(monitor, mode)
        self.filepath, self.verbose, self.save_best_only = filepath, verbose, save_best_only

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves."""
        if self.save_best_only and not self._improved(logs):
            return
        path = str(self.filepath).format(epoch=epoch + 1, **(logs or {}))
        self.model.save_weights(path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saving model to {path}")
