"""Who makes the session of a monitored session: a chief restores or initialises it, a worker waits until it is ready."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from minitf.runtimes.session import Session, current_graph
from minitf.sessions.scaffold import Scaffold
from minitf.sessions.session_manager import SessionManager
from minitf.sessions.unsupported import refuse


class SessionCreator(ABC):
    """Makes sessions."""

    @abstractmethod
    def create_session(self) -> Session:
        """A new session that is ready."""


class ChiefSessionCreator(SessionCreator):
    """Makes sessions that are restored, or else initialised.

    ``checkpoint_dir``, whose newest checkpoint is restored, or ``checkpoint_filename_with_path``; ``scaffold``: by default an
    empty one; ``config``: the sessions' ``ConfigProto``. Raises NotImplementedError for ``master``.
    """

    def __init__(self, scaffold: Scaffold | None = None, master: str = "", config: Any = None, checkpoint_dir: Any = None,
                 checkpoint_filename_with_path: Any = None):  # fmt: skip
        refuse("ChiefSessionCreator", master=master)
        self._config = config
        self._scaffold = scaffold or Scaffold()
        self._directory = checkpoint_dir
        self._path = checkpoint_filename_with_path
        self._manager: SessionManager | None = None

    def create_session(self) -> Session:
        """Finalizes the scaffold and the graph, and makes a session. Raises as ``SessionManager.prepare_session``."""
        scaffold = self._scaffold.finalize()
        self._manager = self._manager or manager_for(scaffold)
        return self._manager.prepare_session(
            "", saver=scaffold.saver, checkpoint_dir=self._directory, checkpoint_filename_with_path=self._path,
            config=self._config, init_op=scaffold.init_op, init_feed_dict=scaffold.init_feed_dict, init_fn=scaffold.init_fn,
        )  # fmt: skip


class WorkerSessionCreator(SessionCreator):
    """Makes sessions that others must have made ready: in one process, those without global variables to be initialised.

    It waits up to ``max_wait_secs``. Raises NotImplementedError for ``master``.
    """

    def __init__(self, scaffold: Scaffold | None = None, master: str = "", config: Any = None,
                 max_wait_secs: float | None = 30 * 60):  # fmt: skip
        refuse("WorkerSessionCreator", master=master)
        self._config = config
        self._scaffold = scaffold or Scaffold()
        self._longest = max_wait_secs
        self._manager: SessionManager | None = None

    def create_session(self) -> Session:
        """Finalizes the scaffold and the graph, and waits. Raises as ``SessionManager.wait_for_session``."""
        self._manager = self._manager or manager_for(self._scaffold.finalize())
        return self._manager.wait_for_session("", self._config, max_wait_secs=self._longest)


def manager_for(scaffold: Scaffold) -> SessionManager:
    """The manager of the current graph's sessions with what the scaffold has."""
    return SessionManager(
        local_init_op=scaffold.local_init_op, local_init_feed_dict=scaffold.local_init_feed_dict, ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op, graph=current_graph(),
    )  # fmt: skip
