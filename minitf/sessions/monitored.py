"""``train.MonitoredSession``: a session that is ready when it is there, calls hooks, and comes back when it is lost.

    with tf.compat.v1.train.MonitoredSession(hooks=[StopAtStepHook(last_step=1000)]) as session:
        while not session.should_stop():
            session.run(train_op)

The end of the input (OutOfRangeError) and StopIteration end the ``with`` block quietly.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Self

from minitf.core import runtime
from minitf.errors import OutOfRangeError
from minitf.sessions import recovery
from minitf.sessions.creators import ChiefSessionCreator, SessionCreator
from minitf.sessions.recovery import CoordinatedCreator, CoordinatedSession, RecoverableSession
from minitf.sessions.scaffold import Scaffold
from minitf.sessions.session_run_hook import SessionRunHook


class _Monitored:
    """What the two kinds of monitored sessions have in common."""

    StepContext = recovery.StepContext

    def __init__(self, creator: SessionCreator | None, hooks: Iterable[SessionRunHook] | None, recover: bool, grace: float):
        kind = type(self).__name__
        self._graph = graph = runtime.current().home.require_graph(kind)
        self._was_finalized = graph.finalized
        self._hooks = list(hooks or ())
        for hook in self._hooks:
            hook.begin()
        create = (creator or ChiefSessionCreator()).create_session
        self._creator = CoordinatedCreator(create, graph, self._hooks, grace)
        self._session: CoordinatedSession | RecoverableSession | None = (
            RecoverableSession(self._creator) if recover else self._creator.create_session()
        )

    @property
    def graph(self) -> Any:
        """The graph of the session; None once it is closed."""
        return None if self._session is None else self._graph

    def _open(self, what: str) -> CoordinatedSession | RecoverableSession:
        if self._session is None:
            raise RuntimeError(f"{type(self).__name__}.{what}: Session is already closed.")
        return self._session

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """``Session.run`` with hooks.

        ``options`` take up what hooks ask for. Raises RuntimeError after a hook has requested a stop, for a tensor that two
        feed, and once the session is closed.
        """
        return self._open("run").run(fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)

    def run_step_fn(self, step_fn: Callable[[recovery.StepContext], Any]) -> Any:
        """Calls ``step_fn(step_context)`` and gives what it gives.

        Its ``step_context.session`` runs without hooks, ``step_context.run_with_hooks`` with them, and
        ``step_context.request_stop()`` ends it with StopIteration. Raises ValueError unless that is its one argument, by name.
        """
        session = self._open("run_step_fn")
        names = tuple(inspect.signature(step_fn).parameters)
        if names not in (("step_context",), ("self", "step_context")):
            raise ValueError(
                f"`step_fn` may either have one `step_context` argument, or `self` and `step_context` arguments if it's an "
                f"instance method. Got {names} instead."
            )
        return session.run_step_fn(step_fn)

    def should_stop(self) -> bool:
        """True once no other run should follow: a hook or a thread wants it so, or the session is closed."""
        return self._session is None or self._session.should_stop()

    def close(self) -> None:
        """Calls the hooks' ``end``, stops the threads, closes the session; the graph can be added to again.

        Raises RuntimeError if it is closed already, and the exception that a thread has ended with.
        """
        self._close(None)

    def _close(self, error: type[BaseException] | None) -> None:
        session = self._open("close")
        try:
            if error is None:
                for hook in self._hooks:
                    hook.end(self._creator.session)
        finally:
            try:
                session.close()
            finally:
                self._session = self._creator.session = None
                if not self._was_finalized:
                    self._graph._unsafe_unfinalize()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: Any, traceback: Any) -> bool:
        failed = None if kind in (OutOfRangeError, StopIteration) else kind
        self._close(failed)
        return failed is None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._graph!r}{' (closed)' if self._session is None else ''}>"


class MonitoredSession(_Monitored):
    """A session with hooks that is made anew, and restored again, after AbortedError and UnavailableError.

    * ``session_creator``: makes its sessions, by default a ``ChiefSessionCreator``.
    * ``hooks``: called in this order.
    * ``stop_grace_period_secs``: how long threads have to end when it is closed.

    Raises RuntimeError in eager mode, and what making a session raises.
    """

    def __init__(self, session_creator: SessionCreator | None = None, hooks: Iterable[SessionRunHook] | None = None,
                 stop_grace_period_secs: float = 120):  # fmt: skip
        super().__init__(session_creator, hooks, True, stop_grace_period_secs)


class SingularMonitoredSession(_Monitored):
    """A session with hooks that is not replaced: every error reaches the caller.

    ``checkpoint_dir``, whose newest checkpoint is restored, or ``checkpoint_filename_with_path``. ``hooks``, ``scaffold``,
    ``config`` and ``stop_grace_period_secs`` are as in ``MonitoredTrainingSession``. Raises NotImplementedError for ``master``.
    """

    def __init__(self, hooks: Iterable[SessionRunHook] | None = None, scaffold: Scaffold | None = None, master: str = "",
                 config: Any = None, checkpoint_dir: Any = None, stop_grace_period_secs: float = 120,
                 checkpoint_filename_with_path: Any = None):  # fmt: skip
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, False, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The ``Session``, None once it is closed. Runs of it call no hooks."""
        return self._creator.session
