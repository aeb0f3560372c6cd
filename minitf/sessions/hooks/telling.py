"""Hooks that write to the log (the logger "minitf", level INFO): values of tensors, and steps in a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minitf.checkpoint.state_functions import Clock
from minitf.optimizers.global_step import get_global_step
from minitf.runtimes.session import current_graph
from minitf.sessions.hooks.step import global_step_for
from minitf.sessions.hooks.timers import NeverTimer, SecondOrStepTimer, Timer
from minitf.sessions.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from minitf.sessions.unsupported import refuse

_log = logging.getLogger("minitf")
_MOST_WARNINGS = 5


class LoggingTensorHook(SessionRunHook):
    """Logs values of tensors at the first run and then every ``every_n_iter`` runs or ``every_n_secs`` seconds, or at the end.

    * ``tensors``: tensors or names, or a dict of words for them.
    * ``at_end``: also when the session ends; alone: only then.
    * ``formatter``: makes the text from a dict of words (or tensors) and values.
    * ``clock``: where time comes from.

    Raises ValueError unless one of runs, seconds and the end is given, and (in ``begin``) for what is not in the graph.
    """

    def __init__(self, tensors: Any, every_n_iter: int | None = None, every_n_secs: float | None = None, at_end: bool = False,
                 formatter: Callable[[Mapping[Any, Any]], str] | None = None, *, clock: Clock = time):  # fmt: skip
        only_at_end = at_end and every_n_iter is None and every_n_secs is None
        if not only_at_end and (every_n_iter is None) == (every_n_secs is None):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        self._given = tensors if isinstance(tensors, dict) else {tensor: tensor for tensor in tensors}
        self._words: Iterable[Any] = sorted(tensors) if isinstance(tensors, dict) else list(tensors)
        self._formatter = formatter
        self._at_end = at_end
        self._timer: Timer = NeverTimer() if only_at_end else SecondOrStepTimer(every_n_secs, every_n_iter, clock=clock)

    def begin(self) -> None:
        """Finds the tensors in the graph, and counts runs from 0."""
        self._timer.reset()
        self._runs = 0
        self._now = False
        self._tensors = {word: _in_graph(tensor) for word, tensor in self._given.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the values if it is time."""
        self._now = self._timer.should_trigger_for_step(self._runs)
        return SessionRunArgs(self._tensors) if self._now else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Logs."""
        if self._now:
            self._tell(run_values.results)
        self._runs += 1

    def end(self, session: Any) -> None:
        """Logs once more, if that was asked for."""
        if self._at_end:
            self._tell(session.run(self._tensors))

    def _tell(self, values: Mapping[Any, Any]) -> None:
        seconds, _ = self._timer.update_last_triggered_step(self._runs)
        with np.printoptions(suppress=True):
            if self._formatter is not None:
                _log.info("%s", self._formatter(values))
                return
            text = ", ".join(f"{word} = {values[word]}" for word in self._words)
            _log.info("%s%s", text, "" if seconds is None else f" ({seconds:.3f} sec)")


def _in_graph(given: Any) -> Any:
    """A tensor, operation or variable of the current graph; a name without ``:number`` means the one output of an operation."""
    graph = current_graph()
    if not isinstance(given, str):
        try:
            return graph.as_graph_element(given)
        except TypeError as error:
            raise ValueError(f"LoggingTensorHook: {error}") from None
    if ":" in given:
        return graph.as_graph_element(given)
    outputs = graph.get_operation_by_name(given).outputs
    if len(outputs) > 1:
        raise ValueError(
            f"LoggingTensorHook: the name {given!r} is ambiguous, as this operation has {len(outputs)} outputs. Add the number "
            f"of one of them: {given + ':0'!r}."
        )
    return graph.as_graph_element(f"{given}:0")


class StepCounterHook(SessionRunHook):
    """Logs how many global steps there were in a second, every ``every_n_steps`` steps or ``every_n_secs`` seconds.

    ``clock``: where time comes from. Raises ValueError unless exactly one of the two is given, NotImplementedError for
    ``output_dir`` and ``summary_writer`` (minitf writes no summaries), RuntimeError (in ``begin``) if there is no global step.
    """

    def __init__(self, every_n_steps: int | None = 100, every_n_secs: float | None = None, output_dir: Any = None,
                 summary_writer: Any = None, *, clock: Clock = time):  # fmt: skip
        refuse("StepCounterHook", output_dir=output_dir, summary_writer=summary_writer)
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(every_n_secs, every_n_steps, clock=clock)
        self._before: Any = None
        self._warnings = 0

    def begin(self) -> None:
        """Finds the global step."""
        self._step = global_step_for("StepCounterHook")
        self._word = f"{get_global_step().op.name}/sec"  # type: ignore[union-attr]

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Asks for the global step."""
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Logs if it is time. Warns if the step stands still, which a program seldom means."""
        seen = run_values.results  # before or after this run, so it is read again when it counts
        if self._timer.should_trigger_for_step(seen + 1):
            step = run_context.session.run(self._step)
            if self._timer.should_trigger_for_step(step):
                seconds, steps = self._timer.update_last_triggered_step(step)
                if seconds is not None and steps is not None:
                    _log.info("%s: %g", self._word, steps / seconds if seconds else float("inf"))
        if seen == self._before and self._warnings < _MOST_WARNINGS:
            self._warnings += 1
            _log.warning(
                "The global step has not been increased, it is still %s. Pass it to the optimizer: "
                "minimize(loss, global_step=tf.train.get_global_step()).", seen,
            )  # fmt: skip
        self._before = seen
