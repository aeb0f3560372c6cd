"""Sessions that end with their threads, and sessions that are replaced when they break.

Two wrappers: ``CoordinatedSession`` has a coordinator, whose threads stop with it; ``RecoverableSession`` makes a new session,
which is restored again, after an error that says that the old one was lost and nothing is wrong with the program.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from minitf.errors import AbortedError, UnavailableError
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import Session
from minitf.sessions.coordinator import Coordinator
from minitf.sessions.hooked import HookedSession
from minitf.sessions.session_run_hook import SessionRunHook

_log = logging.getLogger("minitf")
LOST = (AbortedError, UnavailableError)  # errors after which another session is made
_LONGEST_PAUSE = 1.0  # seconds between two attempts to make one


class StepContext:
    """What a step function of ``run_step_fn`` works with."""

    def __init__(self, session: Session, run_with_hooks_fn: Callable[..., Any]):
        self._session = session
        self._run_with_hooks = run_with_hooks_fn

    @property
    def session(self) -> Session:
        """The ``Session``. Runs of it call no hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """The monitored session's ``run``."""
        return self._run_with_hooks(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the step function and the training, by raising StopIteration."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class CoordinatedSession:
    """A session with hooks and a coordinator."""

    def __init__(self, session: HookedSession, coordinator: Coordinator, grace: float):
        self.coordinator = coordinator
        self._session = session
        self._grace = grace

    @property
    def session(self) -> Session:
        """The ``Session``."""
        return self._session.session

    def should_stop(self) -> bool:
        """True once the coordinator or a hook wants it so. Raises the exception that a thread has ended with."""
        self.coordinator.raise_requested_exception()
        return self.coordinator.should_stop() or self._session.should_stop()

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """A run with hooks. If a thread has reported a lost session, that error is raised, not one that follows from it."""
        try:
            return self._session.run(*args, **kwargs)
        except LOST:
            raise
        except Exception:
            try:
                self.coordinator.raise_requested_exception()
            except LOST as error:
                raise error from None
            except Exception:  # the run's own error says more
                pass
            raise

    def run_step_fn(self, step_fn: Callable[[StepContext], Any]) -> Any:
        """Calls ``step_fn``."""
        return step_fn(StepContext(self.session, self.run))

    def close(self) -> None:
        """Stops the threads, waits for them, and closes the session. Raises the exception that a thread has ended with."""
        self.coordinator.request_stop()
        try:
            self.coordinator.join(stop_grace_period_secs=self._grace, ignore_live_threads=True)
        finally:
            self._session.close()


class CoordinatedCreator:
    """Makes sessions, starts what runs beside them, and tells the hooks."""

    def __init__(self, create: Callable[[], Session], graph: Any, hooks: Sequence[SessionRunHook], grace: float):
        self._create = create
        self._graph = graph
        self._hooks = hooks
        self._grace = grace
        self.session: Session | None = None  # the last one that was made

    def create_session(self) -> CoordinatedSession:
        """A new session that is ready, of which the hooks know."""
        with self._graph.as_default():  # a recovery may happen anywhere
            self.session = session = self._create()
            coordinator = Coordinator(clean_stop_exception_types=())
            for runner in self._graph.get_collection(GraphKeys.QUEUE_RUNNERS):
                runner.create_threads(session, coord=coordinator, daemon=True, start=True)
            for hook in self._hooks:
                hook.after_create_session(session, coordinator)
        return CoordinatedSession(HookedSession(session, self._hooks), coordinator, self._grace)


class RecoverableSession:
    """A session that is replaced by a new one when it is lost; what was asked of the old one is asked of the new."""

    def __init__(self, creator: CoordinatedCreator):
        self._creator = creator
        self._session: CoordinatedSession | None = self._new()

    def _new(self) -> CoordinatedSession:
        pause = 0.0
        while True:
            try:
                return self._creator.create_session()
            except LOST as error:
                _log.info("A session was lost while it was made; another is made. %s: %s", type(error).__name__, error)
            time.sleep(pause)
            pause = min(_LONGEST_PAUSE, 2 * pause or 0.001)

    def _lost(self, error: Exception) -> None:
        _log.info("The session was lost; a new one is made and restored. %s: %s", type(error).__name__, error)
        self.close()

    def _trying(self, act: Callable[[CoordinatedSession], Any]) -> Any:
        while True:
            try:
                if self._session is None:
                    self._session = self._new()
                return act(self._session)
            except LOST as error:
                self._lost(error)

    def should_stop(self) -> bool:
        """True once the session should stop, is closed, or has failed otherwise than by being lost."""
        try:
            return self._session is None or self._session.should_stop()
        except LOST as error:
            self._lost(error)
            self._session = self._new()
            return False
        except Exception:  # the next run, or closing, will raise it
            return True

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """A run with hooks, in a new session if need be."""
        return self._trying(lambda session: session.run(*args, **kwargs))

    def run_step_fn(self, step_fn: Callable[[StepContext], Any]) -> Any:
        """Calls ``step_fn``, again with a new session if need be."""
        return self._trying(lambda session: session.run_step_fn(step_fn))

    def close(self) -> None:
        """Closes the session. That it was lost is no error by now."""
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except LOST as error:
                _log.error("The session was lost before it was closed. %s: %s", type(error).__name__, error)
