"""The hook that saves checkpoints, and those who listen to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from minitf.checkpoint.state_functions import Clock
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import current_graph
from minitf.sessions.hooks.step import global_step_for
from minitf.sessions.hooks.timers import SecondOrStepTimer
from minitf.sessions.session_run_hook import SessionRunContext, SessionRunHook, SessionRunValues
from minitf.sessions.unsupported import refuse
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import make_directories
from minitf.storage.paths import join_path, path_of

_log = logging.getLogger("minitf")


class CheckpointSaverListener:
    """Hears of a ``CheckpointSaverHook``'s saves; this one does nothing with that."""

    def begin(self) -> None:
        """Called before the graph is finalized. Operations may be added to it."""

    def before_save(self, session: Any, global_step_value: Any) -> None:
        """Called before each save."""

    def after_save(self, session: Any, global_step_value: Any) -> Any:
        """Called after each save. True requests a stop (unless it is the save of a new session or of the end)."""

    def end(self, session: Any, global_step_value: Any) -> None:
        """Called at the end, after the last save."""


class CheckpointSaverHook(SessionRunHook):
    """Saves when a session was made, then every ``save_steps`` global steps or ``save_secs`` seconds, and at the end.

    * ``checkpoint_dir``: made with its parents if need be. ``checkpoint_basename``: ``model.ckpt`` gives ``model.ckpt-7``.
    * ``saver`` or ``scaffold``: who saves; by default the saver in the graph's collection.
    * ``listeners``: ``CheckpointSaverListener`` objects.
    * ``clock``: where time comes from.

    Raises ValueError for both a saver and a scaffold, and unless exactly one of seconds and steps is given;
    NotImplementedError for ``save_graph_def``; RuntimeError (in ``begin``) if there is no global step, and (when it saves) if
    there is not exactly one saver in the collection.
    """

    def __init__(self, checkpoint_dir: Any, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
                 checkpoint_basename: str = "model.ckpt", scaffold: Any = None,
                 listeners: Sequence[CheckpointSaverListener] | None = None, save_graph_def: bool = False, *,
                 clock: Clock = time):  # fmt: skip
        refuse("CheckpointSaverHook", save_graph_def=save_graph_def)
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._directory = path_of(checkpoint_dir)
        self._path = join_path(self._directory, checkpoint_basename)
        self._saver = saver
        self._scaffold = scaffold
        self._listeners = list(listeners or ())
        self._timer = SecondOrStepTimer(save_secs, save_steps, clock=clock)

    def begin(self) -> None:
        """Finds the global step, makes the directory, and tells the listeners."""
        self._step = global_step_for("CheckpointSaverHook")
        self._graph = current_graph()
        make_directories(ANYWHERE, self._directory, durable=True)
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Saves what the session begins with."""
        step = session.run(self._step)
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Saves if it is time. The step is read when the run is done: fetched with it, it could be that before or after."""
        step = run_context.session.run(self._step)
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(run_context.session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Saves, unless that was just done, and tells the listeners."""
        step = session.run(self._step)
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        for listener in self._listeners:
            listener.end(session, step)

    def _save(self, session: Any, step: Any) -> bool:
        """Saves; True if a listener wants to stop."""
        for listener in self._listeners:
            listener.before_save(session, step)
        _log.info("CheckpointSaverHook: saving step %d as %s-%d", step, self._path, step)
        self._find_saver().save(session, self._path, global_step=step)
        stop = False
        for listener in self._listeners:
            if listener.after_save(session, step):
                _log.info("CheckpointSaverHook: %r has requested to stop the training", listener)
                stop = True
        return stop

    def _find_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        found = self._graph.get_collection(GraphKeys.SAVERS)
        if len(found) != 1:
            raise RuntimeError(
                f"CheckpointSaverHook: {'more than one item' if found else 'no items'} in the collection of savers. Say which "
                "saver to use: CheckpointSaverHook(saver=...) or (scaffold=...)."
            )
        self._saver = found[0]
        return found[0]
