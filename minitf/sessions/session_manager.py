"""``train.SessionManager``: makes a session whose variables have values, from a checkpoint if there is one.

    manager = SessionManager(local_init_op=..., ready_op=tf.report_uninitialized_variables())
    session = manager.prepare_session("", init_op, saver=saver, checkpoint_dir="run")

In this order: a session is made; if the directory has a checkpoint, the saver restores it, and otherwise ``init_op`` is run and
``init_fn`` called; then ``local_init_op`` is run, if ``ready_for_local_init_op`` finds nothing missing; then ``ready_op`` is
asked.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import numpy as np

from minitf.checkpoint.state_functions import Clock, get_checkpoint_state, latest_checkpoint
from minitf.errors import DeadlineExceededError, FailedPreconditionError
from minitf.runtimes.session import Session, current_graph
from minitf.sessions.unsupported import refuse

_log = logging.getLogger("minitf")


class SessionManager:
    """Makes sessions that are ready.

    * ``local_init_op``: run in every new session, restored or not, with ``local_init_feed_dict`` and
      ``local_init_run_options``: for what is never saved.
    * ``ready_op``: gives the names of what has no value yet, a string vector; the session is ready if that is empty. None: it
      is always ready.
    * ``ready_for_local_init_op``: the same question, asked before ``local_init_op`` is run.
    * ``graph``: the graph of the sessions, by default the current one.
    * ``recovery_wait_secs``: the pause between two attempts, where one waits.
    * ``clock``: where time comes from.

    Raises ValueError for ``ready_for_local_init_op`` without ``local_init_op``.
    """

    def __init__(self, local_init_op: Any = None, ready_op: Any = None, ready_for_local_init_op: Any = None, graph: Any = None,
                 recovery_wait_secs: float = 30, local_init_run_options: Any = None, local_init_feed_dict: Any = None, *,
                 clock: Clock = time):  # fmt: skip
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError(
                f"SessionManager: ready_for_local_init_op ({_name(ready_for_local_init_op)}) is asked before local_init_op is "
                "run, but there is no local_init_op. Pass both, or neither."
            )
        self._local_init_op = local_init_op
        self._local_init_feed_dict = local_init_feed_dict
        self._local_init_run_options = local_init_run_options
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._graph = current_graph() if graph is None else graph
        self._pause = recovery_wait_secs
        self._clock = clock

    # -- three ways to a session -----------------------------------------------------------------------------------------

    def prepare_session(self, master: str, init_op: Any = None, saver: Any = None, checkpoint_dir: Any = None,
                        checkpoint_filename_with_path: Any = None, wait_for_checkpoint: bool = False,
                        max_wait_secs: float = 7200, config: Any = None, init_feed_dict: Any = None,
                        init_fn: Any = None) -> Session:  # fmt: skip
        """A session that is ready: restored, or else initialised by ``init_op`` and then ``init_fn(session)``.

        ``saver`` restores the newest checkpoint of ``checkpoint_dir``, or the one of ``checkpoint_filename_with_path``;
        ``wait_for_checkpoint`` waits up to ``max_wait_secs`` for one to appear. Neither ``init_op`` nor ``init_fn`` is used in
        a session that was restored.

        Raises RuntimeError if there is nothing to restore and nothing to initialise with, and if something has no value in the
        end; ValueError for two checkpoints; what ``Saver.restore`` raises.
        """
        session, restored = self._restored(
            "SessionManager.prepare_session", master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint,
            max_wait_secs, config,
        )  # fmt: skip
        try:
            if not restored:
                self._initialise(session, init_op, init_feed_dict, init_fn)
            done = f"init_op {_name(init_op)} and init_fn {init_fn}"
            if restored:
                done = f"restoring {checkpoint_dir or checkpoint_filename_with_path}"
            missing = self._run_local_init(session)
            if missing is not None:
                raise RuntimeError(
                    f"SessionManager.prepare_session: the session is not ready for local_init_op after {done}. {missing}."
                )
            missing = _missing(self._ready_op, session)
            if missing is not None:
                raise RuntimeError(
                    f"SessionManager.prepare_session: the session is not ready after {done} and then "
                    f"local_init_op {_name(self._local_init_op)}. {missing}."
                )
        except BaseException:
            session.close()
            raise
        return session

    def recover_session(self, master: str, saver: Any = None, checkpoint_dir: Any = None,
                        checkpoint_filename_with_path: Any = None, wait_for_checkpoint: bool = False,
                        max_wait_secs: float = 7200, config: Any = None) -> tuple[Session, bool]:  # fmt: skip
        """A session, and whether it was restored and is ready. Arguments and errors are those of ``prepare_session``.

        ``local_init_op`` is run in either case. If the answer is False it is for the caller to initialise the rest.
        """
        session, restored = self._restored(
            "SessionManager.recover_session", master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint,
            max_wait_secs, config,
        )  # fmt: skip
        missing = self._run_local_init(session)
        if not restored:
            return session, False
        if missing is None:
            missing = _missing(self._ready_op, session)
        where = checkpoint_dir or checkpoint_filename_with_path
        if missing is not None:
            _log.info("SessionManager: restoring %s did not make the session ready. %s", where, missing)
            return session, False
        _log.info("SessionManager: the session was restored from %s", where)
        return session, True

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float | None = math.inf) -> Session:
        """A session that others have made ready: a new one is tried again and again, ``recovery_wait_secs`` apart.

        In one process nobody else gives a session its values, so it is ready at once (there are no variables, or
        ``local_init_op`` initialises all of them) or never. Raises DeadlineExceededError after ``max_wait_secs``.
        """
        refuse("SessionManager.wait_for_session", master=master)
        limit = math.inf if max_wait_secs is None else max_wait_secs
        end = self._clock.time() + limit
        while True:
            session = Session(graph=self._graph, config=config)
            missing = self._run_local_init(session)
            if missing is None:
                missing = _missing(self._ready_op, session)
            if missing is None:
                return session
            session.close()
            if self._clock.time() + self._pause > end:
                raise DeadlineExceededError(
                    f"SessionManager.wait_for_session: Session was not ready after waiting {limit:g} secs. {missing}."
                )
            _log.info("SessionManager: waiting for the session to be ready. %s", missing)
            self._clock.sleep(self._pause)

    # -- their parts -----------------------------------------------------------------------------------------------------

    def _restored(self, what: str, master: str, saver: Any, directory: Any, path: Any, wait: bool, longest: float,
                  config: Any) -> tuple[Session, bool]:  # fmt: skip
        """A new session, and whether a checkpoint was restored into it."""
        refuse(what, master=master)
        if directory and path:
            raise ValueError(f"{what}: can not restore both checkpoint_dir and checkpoint_filename_with_path. Pass one.")
        session = Session(graph=self._graph, config=config)
        if saver is None or not (directory or path):
            return session, False
        if path:
            saver.restore(session, path)
            return session, True
        waited = 0.0
        state = get_checkpoint_state(directory)
        while state is None:
            if not wait or waited >= longest:
                return session, False
            _log.info("SessionManager: waiting for a checkpoint in %s", directory)
            self._clock.sleep(self._pause)
            waited += self._pause
            state = get_checkpoint_state(directory)
        # The newest that is whole; if none is, the saver says what is wrong with the one that the state file names.
        saver.restore(session, latest_checkpoint(directory) or state.model_checkpoint_path)
        saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
        return session, True

    def _initialise(self, session: Session, init_op: Any, feed_dict: Any, init_fn: Any) -> None:
        if init_op is None and init_fn is None and self._local_init_op is None:
            raise RuntimeError(
                "SessionManager.prepare_session: the model is not initialized: there is no checkpoint to restore, and no "
                "init_op or init_fn or local_init_op was given. Pass init_op=tf.compat.v1.global_variables_initializer()."
            )
        if init_op is not None:
            session.run(init_op, feed_dict)
        if init_fn is not None:
            init_fn(session)

    def _run_local_init(self, session: Session) -> str | None:
        """Runs ``local_init_op`` if the session is ready for it; else says why not."""
        if self._local_init_op is None:
            return None
        missing = _missing(self._ready_for_local_init_op, session)
        if missing is None:
            session.run(self._local_init_op, self._local_init_feed_dict, self._local_init_run_options)
        return missing


def _missing(ready_op: Any, session: Session) -> str | None:
    """What has no value yet, as text; None if ``ready_op`` finds nothing. One without strings need only be able to run."""
    if ready_op is None:
        return None
    try:
        found = session.run(ready_op)
    except FailedPreconditionError as error:
        if "uninitialized" not in error.message:
            raise
        return error.message.rstrip(".")
    if found is None or np.asarray(found).dtype == np.int32 or np.size(found) == 0:
        return None
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in np.ravel(found).tolist()]
    return f"Variables not initialized: {', '.join(names)}"


def _name(op: Any) -> str:
    return str(getattr(op, "name", op))
