"""Hooks that bring values in and out: a feed for every run, and what is run once at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from minitf.errors import OutOfRangeError
from minitf.sessions.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook

_log = logging.getLogger("minitf")


class FeedFnHook(SessionRunHook):
    """Feeds what ``feed_fn()`` gives: a dict of tensors and values, made anew for every run."""

    def __init__(self, feed_fn: Callable[[], Mapping[Any, Any]]):
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        """Feeds."""
        return SessionRunArgs(None, self.feed_fn())


class FinalOpsHook(SessionRunHook):
    """Runs ``final_ops`` (fetches of any structure) once at the end, with a feed of its own."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None):
        self._ops = final_ops
        self._feed_dict = final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """What they gave; None before the end."""
        return self._values

    def end(self, session: Any) -> None:
        """Runs them. Raises what they raise."""
        if self._ops is None:
            return
        try:
            self._values = session.run(self._ops, self._feed_dict)
        except (OutOfRangeError, StopIteration):
            _log.warning("FinalOpsHook: the final operations read an input that is at its end. Let them read variables only.")
            raise
