"""Hooks that end the training: at a step, or when the loss is no number; and one that does not begin before a step."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from minitf.checkpoint.state_functions import Clock
from minitf.sessions.hooks.step import global_step_for
from minitf.sessions.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

_log = logging.getLogger("minitf")


class StopAtStepHook(SessionRunHook):
    """Requests a stop when the global step is ``last_step``, or ``num_steps`` after what it is at the beginning.

    Raises ValueError unless exactly one of the two is given, RuntimeError (in ``begin``) if there is no global step.
    """

    def __init__(self, num_steps: int | None = None, last_step: int | None = None):
        if num_steps is None and last_step is None:
            raise ValueError("One of num_steps or last_step must be specified.")
        if num_steps is not None and last_step is not None:
            raise ValueError("Only one of num_steps or last_step can be specified.")
        self._count = num_steps
        self._last = last_step

    def begin(self) -> None:
        """Finds the global step."""
        self._step = global_step_for("StopAtStepHook")

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Reckons the last step, the first time."""
        if self._last is None:
            assert self._count is not None
            self._last = int(session.run(self._step)) + self._count

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Asks for the global step."""
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Requests the stop. What was fetched may be the step before or after this run, so it is read again near the end."""
        assert self._last is not None
        if run_values.results + 1 >= self._last and run_context.session.run(self._step) >= self._last:
            run_context.request_stop()


class NanLossDuringTrainingError(RuntimeError):
    """The loss is no number any more."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(SessionRunHook):
    """Ends the training if the loss is NaN: by NanLossDuringTrainingError, or else (``fail_on_nan_loss=False``) quietly."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True):
        self._loss = loss_tensor
        self._fail = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Asks for the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Looks at the loss."""
        if not np.isnan(run_values.results):
            return
        text = "Model diverged with loss = NaN."
        if self._fail:
            _log.error(text)
            raise NanLossDuringTrainingError
        _log.warning(text)
        run_context.request_stop()


class GlobalStepWaiterHook(SessionRunHook):
    """Delays the first run until the global step, which others count, is ``wait_until_step``; it looks twice a second.

    ``clock``: where time comes from. Raises RuntimeError (in ``begin``) if there is no global step.
    """

    def __init__(self, wait_until_step: int, *, clock: Clock = time):
        self._until = wait_until_step
        self._clock = clock

    def begin(self) -> None:
        """Finds the global step."""
        self._started = self._until <= 0
        self._step = global_step_for("GlobalStepWaiterHook")

    def before_run(self, run_context: SessionRunContext) -> None:
        """Waits."""
        if self._started:
            return
        _log.info("Waiting for global step %d before starting training.", self._until)
        while run_context.session.run(self._step) < self._until:
            self._clock.sleep(0.5)
        self._started = True
