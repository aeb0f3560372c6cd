"""How ``fit`` shows where it is: a progress bar for each epoch, or a line."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from minitf.layers.callbacks import Callback


class ProgressBar(Callback):
    """A bar with the numbers so far (``verbose`` 1), or a line at the end of each epoch (2)."""

    def __init__(self, verbose: int, epochs: int, count: int | None):
        self._lines_only = verbose == 2
        self._epochs, self._count = epochs, count
        self._bar: Any = None

    def _open(self, text: str) -> None:
        if self._lines_only:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        fixed, folded = Column(no_wrap=True), Column(overflow="fold")
        self._bar = Progress(
            TextColumn("{task.description}", table_column=fixed), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[numbers]}", table_column=folded),
        )  # fmt: skip
        self._bar.start()
        self._task = self._bar.add_task(text, total=self._count, numbers="")

    def _close(self, logs: Any) -> None:
        if self._bar is not None:
            self._bar.update(self._task, numbers=_text(logs), total=self._done)
            self._bar.stop()
            self._bar = None

    def _advance(self, batch: int, logs: Any) -> None:
        self._done = batch + 1
        if self._bar is not None:
            self._bar.update(self._task, completed=batch + 1, numbers=_text(logs))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins a bar."""
        self._started, self._done = time.perf_counter(), 0
        self._open(f"Epoch {epoch + 1}/{self._epochs}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ends the bar, or prints the line."""
        self._close(logs)
        if self._lines_only:
            print(f"Epoch {epoch + 1}/{self._epochs} - {time.perf_counter() - self._started:.0f}s - {_text(logs)}")

    def on_train_end(self, logs: Any = None) -> None:
        """Ends the bar if an epoch was cut short."""
        self._close(logs)


class EvaluationBar(ProgressBar):
    """The bar of an evaluation or prediction."""

    def __init__(self, verbose: int, count: int | None):
        super().__init__(verbose, 1, count)

    def on_test_begin(self, logs: Any = None) -> None:
        """Begins the bar."""
        self._done = 0
        self._open("")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        self._advance(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Ends the bar, or prints the line."""
        self._close(logs)
        if self._lines_only:
            print(_text(logs))


def _text(logs: Any) -> str:
    return " - ".join(f"{name}: {_short(value)}" for name, value in (logs or {}).items())


def _short(value: Any) -> str:
    return f"{float(value):.4f}" if np.ndim(value) == 0 else f"[{' '.join(f'{v:.4f}' for v in np.ravel(value))}]"
