"""``train.Supervisor``: the way before monitored sessions. It makes a plain session ready, and saves it from a thread.

    supervisor = tf.compat.v1.train.Supervisor(logdir="run", save_model_secs=60)
    with supervisor.managed_session() as session:
        while not supervisor.should_stop():
            session.run(train_op)

There are no hooks, no recovery (but by ``basic_train_loop``), and no save at the end: what was trained since the thread's last
save is not in a file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Thread
from typing import Any

from minitf.checkpoint.name_saver import Saver
from minitf.core import runtime
from minitf.errors import AbortedError
from minitf.optimizers.global_step import get_global_step, global_step
from minitf.runtimes.building import global_variables, global_variables_initializer, report_uninitialized_variables
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import Session
from minitf.sessions.coordinator import Coordinator, LooperThread
from minitf.sessions.scaffold import Scaffold
from minitf.sessions.session_manager import SessionManager
from minitf.sessions.unsupported import refuse
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import make_directories
from minitf.storage.paths import join_path, path_of

_log = logging.getLogger("minitf")


class Supervisor:
    """Makes sessions of one graph ready, and runs threads beside them.

    * ``graph``: by default the current one. It is finalized.
    * ``init_op`` with ``init_feed_dict``, ``init_fn(session)``, ``local_init_op`` with ``local_init_run_options``,
      ``ready_op``, ``ready_for_local_init_op``, ``saver``, ``global_step``: what a session needs. By default what is in the
      graph's collections, or all variables'; only ``ready_for_local_init_op`` is not made. None: there is none.
    * ``logdir``: where checkpoints are, as ``checkpoint_basename``; None: nothing is restored or saved.
    * ``save_model_secs``: seconds between two saves, the first one at once; None or 0: never.
    * ``save_summaries_secs``: seconds between two messages in the log that tell the steps in a second; None or 0: never.
    * ``is_chief``: False: sessions must be made ready by others, and nothing is saved.
    * ``recovery_wait_secs``: the pause between two attempts, where one waits.
    * ``stop_grace_secs``: how long threads have to end.
    * ``session_manager``: another one than a ``SessionManager`` with all that.

    Raises RuntimeError in eager mode without ``graph``, NotImplementedError for ``summary_op`` and ``summary_writer``.
    """

    USE_DEFAULT: Any = 0

    def __init__(
        self, graph: Any = None, ready_op: Any = USE_DEFAULT, ready_for_local_init_op: Any = USE_DEFAULT, is_chief: bool = True,
        init_op: Any = USE_DEFAULT, init_feed_dict: Any = None, local_init_op: Any = USE_DEFAULT, logdir: Any = None,
        summary_op: Any = USE_DEFAULT, saver: Any = USE_DEFAULT, global_step: Any = USE_DEFAULT,
        save_summaries_secs: float | None = 120, save_model_secs: float | None = 600, recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120, checkpoint_basename: str = "model.ckpt", session_manager: Any = None,
        summary_writer: Any = USE_DEFAULT, init_fn: Callable[[Session], Any] | None = None, local_init_run_options: Any = None,
    ):  # fmt: skip
        refuse("Supervisor", summary_op=summary_op, summary_writer=summary_writer)
        self._graph = runtime.current().home.require_graph("Supervisor") if graph is None else graph
        with self._graph.as_default():
            self._ready_op = self._piece(ready_op, GraphKeys.READY_OP, report_uninitialized_variables)
            self._ready_for_local_init_op = self._piece(
                ready_for_local_init_op, GraphKeys.READY_FOR_LOCAL_INIT_OP, lambda: None
            )
            self._init_op = self._piece(init_op, GraphKeys.INIT_OP, global_variables_initializer)
            self._local_init_op = self._piece(local_init_op, GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
            self._saver = self._piece(saver, GraphKeys.SAVERS, lambda: Saver() if global_variables() else None)
            self._global_step = self._piece(global_step, GraphKeys.GLOBAL_STEP, get_global_step)
        self._is_chief = is_chief
        self._init_feed_dict = init_feed_dict
        self._init_fn = init_fn
        self._grace = stop_grace_secs
        self._coord = Coordinator()
        self._logdir = path_of(logdir) if is_chief and logdir else None
        self._save_path = None if self._logdir is None else join_path(self._logdir, checkpoint_basename)
        self._save_seconds = save_model_secs if is_chief else None
        self._tell_seconds = save_summaries_secs if is_chief else None
        self._manager = session_manager or SessionManager(
            local_init_op=self._local_init_op, ready_op=self._ready_op, graph=self._graph,
            ready_for_local_init_op=self._ready_for_local_init_op, recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )  # fmt: skip
        self._graph.finalize()

    def _piece(self, given: Any, key: Any, make: Callable[[], Any]) -> Any:
        """What was given, or the first item of a collection, or what is made and put there."""
        if given is not Supervisor.USE_DEFAULT:
            return given
        found = self._graph.get_collection(key)
        if found:
            return found[0]
        made = make()
        if made is not None:
            self._graph.add_to_collection(key, made)
        return made

    # -- what it has -----------------------------------------------------------------------------------------------------

    @property
    def is_chief(self) -> bool:
        """True if it makes sessions ready itself."""
        return self._is_chief

    @property
    def session_manager(self) -> Any:
        """Makes the sessions."""
        return self._manager

    @property
    def coord(self) -> Coordinator:
        """Stops the threads."""
        return self._coord

    @property
    def init_op(self) -> Any:
        """Initialises a session that is not restored."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """What ``init_op`` is fed."""
        return self._init_feed_dict

    @property
    def ready_op(self) -> Any:
        """The names of what has no value yet."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """The names of what must have a value before ``local_init_op``; None: nothing must."""
        return self._ready_for_local_init_op

    @property
    def saver(self) -> Any:
        """Saves and restores the session; None if there are no variables."""
        return self._saver

    @property
    def global_step(self) -> Any:
        """The global step, or None."""
        return self._global_step

    @property
    def save_model_secs(self) -> float | None:
        """Seconds between two saves."""
        return self._save_seconds

    @property
    def save_summaries_secs(self) -> float | None:
        """Seconds between two messages about steps."""
        return self._tell_seconds

    @property
    def save_path(self) -> str | None:
        """The prefix of checkpoints, without the step; None without ``logdir``."""
        return self._save_path

    # -- sessions --------------------------------------------------------------------------------------------------------

    def prepare_or_wait_for_session(self, master: str = "", config: Any = None, wait_for_checkpoint: bool = False,
                                    max_wait_secs: float = 7200, start_standard_services: bool = True) -> Session:  # fmt: skip
        """A session that is ready, and the threads beside it. Raises as ``SessionManager.prepare_session``."""
        self._coord.clear_stop()
        if self._is_chief:
            session = self._manager.prepare_session(
                master, init_op=self._init_op, saver=self._saver, checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint, max_wait_secs=max_wait_secs, config=config,
                init_feed_dict=self._init_feed_dict, init_fn=self._init_fn,
            )  # fmt: skip
            if start_standard_services:
                self.start_standard_services(session)
        else:
            session = self._manager.wait_for_session(master, config=config, max_wait_secs=max_wait_secs)
        if start_standard_services:
            self.start_queue_runners(session)
        return session

    @contextmanager
    def managed_session(self, master: str = "", config: Any = None, start_standard_services: bool = True,
                        close_summary_writer: bool = True) -> Iterator[Session]:  # fmt: skip
        """``with supervisor.managed_session() as session:``. At the end the threads are stopped and the session is closed.

        OutOfRangeError ends the block quietly. Raises what the block, or a thread, has raised first.
        ``close_summary_writer`` has no effect: there is none.
        """
        session = None
        try:
            session = self.prepare_or_wait_for_session(master, config, start_standard_services=start_standard_services)
            yield session
        except Exception as error:
            self.request_stop(error)
        finally:
            try:
                self.stop()
            finally:
                if session is not None:
                    session.close()

    # -- threads ---------------------------------------------------------------------------------------------------------

    def start_standard_services(self, sess: Session) -> list[LooperThread] | None:
        """Starts the threads that save and that tell the steps in a second; None, with a warning, without ``logdir``.

        Raises RuntimeError unless this is the chief.
        """
        if not self._is_chief:
            raise RuntimeError("Only chief supervisor can start standard services: others save nothing.")
        if self._logdir is None:
            _log.warning("Supervisor: without a logdir there is nothing to save, and no thread is started.")
            return None
        threads: list[LooperThread] = []
        if self._tell_seconds and self._global_step is not None:
            threads.append(_Telling(self, sess, self._tell_seconds))
        if self._save_seconds and self._saver is not None:
            make_directories(ANYWHERE, self._logdir, durable=True)
            threads.append(_Saving(self, sess, self._save_seconds))
        for thread in threads:
            thread.start()
        return threads

    def start_queue_runners(self, sess: Session, queue_runners: Iterable[Any] | None = None) -> list[Thread]:
        """Starts runners, by default those in the graph's collection: what has ``create_threads``. Gives their threads."""
        runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS) if queue_runners is None else queue_runners
        return [t for r in runners for t in r.create_threads(sess, coord=self._coord, daemon=True, start=True)]

    def loop(self, timer_interval_secs: float | None, target: Callable[..., Any], args: Sequence[Any] | None = None,
             kwargs: Mapping[str, Any] | None = None) -> LooperThread:  # fmt: skip
        """Starts a thread that calls ``target`` every so many seconds (None: without a pause) until the supervisor stops."""
        return LooperThread.loop(self._coord, timer_interval_secs, target, args, kwargs)

    def stop(self, threads: Iterable[Thread] | None = None, close_summary_writer: bool = True,
             ignore_live_threads: bool = False) -> None:  # fmt: skip
        """Stops the threads and waits for them. Raises as ``Coordinator.join``; ``close_summary_writer`` has no effect."""
        self._coord.request_stop()
        self._coord.join(threads, stop_grace_period_secs=self._grace, ignore_live_threads=ignore_live_threads)

    def request_stop(self, ex: Any = None) -> None:
        """``Coordinator.request_stop``"""
        self._coord.request_stop(ex)

    def should_stop(self) -> bool:
        """``Coordinator.should_stop``"""
        return self._coord.should_stop()

    def stop_on_exception(self) -> AbstractContextManager[None]:
        """``Coordinator.stop_on_exception``"""
        return self._coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Waits until a stop is requested."""
        self._coord.wait_for_stop()


def basic_train_loop(supervisor: Supervisor, train_step_fn: Callable[..., Any], args: Sequence[Any] | None = None,
                     kwargs: Mapping[str, Any] | None = None, master: str = "") -> None:  # fmt: skip
    """Calls ``train_step_fn(session, *args, **kwargs)`` until the supervisor stops.

    After AbortedError it begins anew, with a session that is restored again. Raises what else the function or a thread raises.
    """
    while True:
        try:
            with supervisor.managed_session(master) as session:
                while not supervisor.should_stop():
                    train_step_fn(session, *(args or ()), **(kwargs or {}))
        except AbortedError as error:
            _log.info("basic_train_loop: the session was lost; a new one is made and restored. %s", error)
        else:
            return


class _Saving(LooperThread):
    """Saves."""

    def __init__(self, supervisor: Supervisor, session: Session, seconds: float):
        super().__init__(supervisor.coord, seconds)
        self._supervisor = supervisor
        self._session = session

    def run_loop(self) -> None:
        """Saves once."""
        supervisor = self._supervisor
        _log.info("Supervisor: saving as %s", supervisor.save_path)
        supervisor.saver.save(self._session, supervisor.save_path, global_step=supervisor.global_step)


class _Telling(LooperThread):
    """Logs the steps in a second."""

    def __init__(self, supervisor: Supervisor, session: Session, seconds: float):
        super().__init__(supervisor.coord, seconds)
        self._step = supervisor.global_step
        self._session = session

    def start_loop(self) -> None:
        """Looks at the step that it begins with."""
        self._when, self._before = time.monotonic(), global_step(self._session, self._step)

    def run_loop(self) -> None:
        """Tells once."""
        now, step = time.monotonic(), global_step(self._session, self._step)
        seconds = now - self._when
        _log.info("%s/sec: %g", self._step.op.name, (step - self._before) / seconds if seconds else float("inf"))
        self._when, self._before = now, step
