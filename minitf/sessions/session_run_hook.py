"""Hooks: what a monitored session calls around its runs.

    begin                    once, before the graph is finalized: operations can still be added
    after_create_session     for every new session, also for one that takes the place of another after a failure
    before_run, after_run    around every run, with what the hook asked to be fetched
    end                      once, unless the session ends by an error
"""

from __future__ import annotations

from typing import Any, NamedTuple


class SessionRunArgs(NamedTuple):
    """What is to be run: ``Session.run``'s arguments. Of a hook: what is fetched and fed besides."""

    fetches: Any
    feed_dict: Any = None
    options: Any = None


class SessionRunValues(NamedTuple):
    """What came of a run: ``results`` has the structure of the fetches that this hook asked for (None: it asked for none).

    ``options``: the ``RunOptions`` of the run, ``run_metadata``: its ``RunMetadata``.
    """

    results: Any
    options: Any
    run_metadata: Any


class SessionRunContext:
    """A run, for hooks: its own arguments, its session, and a way to ask that no other follows."""

    def __init__(self, original_args: SessionRunArgs, session: Any):
        self._original_args = original_args
        self._session = session
        self._stop_requested = False

    @property
    def original_args(self) -> SessionRunArgs:
        """What the caller of ``run`` asked for."""
        return self._original_args

    @property
    def session(self) -> Any:
        """The ``Session``. Runs of it call no hooks."""
        return self._session

    @property
    def stop_requested(self) -> bool:
        """True once a hook has requested a stop in this run."""
        return self._stop_requested

    def request_stop(self) -> None:
        """Makes the monitored session's ``should_stop()`` True after this run."""
        self._stop_requested = True


class SessionRunHook:
    """A hook that does nothing; subclasses have what they need."""

    def begin(self) -> None:
        """Called once, before the graph is finalized and a session made. Operations may be added to the graph."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Called when a ``Session`` was made and is ready, also after a recovery. ``coord``: its ``Coordinator``."""

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Called before each run. What it gives is fetched and fed besides."""
        return None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Called after each run that raised nothing, with the values that this hook asked for."""

    def end(self, session: Any) -> None:
        """Called before the session is closed, unless it ends by an error that is not the end of the input."""
