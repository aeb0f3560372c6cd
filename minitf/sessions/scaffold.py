"""``train.Scaffold``: the operations and the saver that a session needs to become ready, given or made or found in the graph.

What is not given is taken from the graph's collections, or made and put there, so that all who ask find the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from minitf.checkpoint.checkpoint import Checkpoint
from minitf.checkpoint.frozen import frozen_saver
from minitf.checkpoint.name_saver import Saver
from minitf.core import runtime
from minitf.runtimes.building import (
    add_to_collection,
    get_collection,
    global_variables,
    global_variables_initializer,
    group,
    local_variables_initializer,
    report_uninitialized_variables,
)
from minitf.runtimes.graph_home import GraphKeys

_log = logging.getLogger("minitf")


class Scaffold:
    """What a session needs to become ready; ``finalize`` makes what is missing.

    * ``init_op``: initialises a session that is not restored, with ``init_feed_dict``; by default all global variables. After
      it ``init_fn(scaffold, session)`` is called.
    * ``local_init_op``: run in every session, with ``local_init_feed_dict``; by default it initialises local variables.
    * ``ready_for_local_init_op``, ``ready_op``: the names of what has no value yet, before and after ``local_init_op``; by
      default those of global variables, and of global and local ones.
    * ``saver``: by default the graph's own, or one for all variables. A ``train.Checkpoint`` is saved with its object graph,
      and restored by its keys.
    * ``summary_op``: kept for those who ask.
    * ``copy_from_scaffold``: another scaffold, which has what is not given.

    Raises TypeError if ``copy_from_scaffold`` is no Scaffold.
    """

    def __init__(self, init_op: Any = None, init_feed_dict: Any = None, init_fn: Callable[[Scaffold, Any], Any] | None = None,
                 ready_op: Any = None, ready_for_local_init_op: Any = None, local_init_op: Any = None, summary_op: Any = None,
                 saver: Any = None, copy_from_scaffold: Scaffold | None = None, local_init_feed_dict: Any = None):  # fmt: skip
        given = {
            "_init_op": init_op, "_init_feed_dict": init_feed_dict, "_user_init_fn": init_fn, "_ready_op": ready_op,
            "_ready_for_local_init_op": ready_for_local_init_op, "_local_init_op": local_init_op, "_summary_op": summary_op,
            "_saver": saver, "_local_init_feed_dict": local_init_feed_dict,
        }  # fmt: skip
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise TypeError(f"Scaffold: copy_from_scaffold is not a Scaffold instance, but {copy_from_scaffold!r}.")
        for name, value in given.items():
            other = None if copy_from_scaffold is None else getattr(copy_from_scaffold, name)
            setattr(self, name, other if value is None else value)

    _init_op: Any
    _init_feed_dict: Any
    _user_init_fn: Any
    _ready_op: Any
    _ready_for_local_init_op: Any
    _local_init_op: Any
    _local_init_feed_dict: Any
    _summary_op: Any
    _saver: Any

    def finalize(self) -> Scaffold:
        """Makes what is missing, builds the saver, and finalizes the current graph. Gives the scaffold.

        Raises RuntimeError in eager mode, and if a collection has more than one candidate.
        """
        graph = runtime.current().home.require_graph("Scaffold.finalize")
        fill = Scaffold.get_or_default
        if self._init_op is None:
            self._init_op = fill("init_op", GraphKeys.INIT_OP, lambda: group(global_variables_initializer()))
        if self._ready_op is None:
            self._ready_op = fill("ready_op", GraphKeys.READY_OP, report_uninitialized_variables)
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = fill(
                "ready_for_local_init_op", GraphKeys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(global_variables()),
            )  # fmt: skip
        if self._local_init_op is None:
            self._local_init_op = fill("local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
        if self._summary_op is None:
            self._summary_op = fill("summary_op", GraphKeys.SUMMARY_OP, lambda: None)
        if self._saver is None:
            self._saver = fill("saver", GraphKeys.SAVERS, lambda: Saver(sharded=True, allow_empty=True))
        if isinstance(self._saver, Checkpoint):
            self._saver = Saver(frozen_saver(self._saver), sharded=True)
        self._saver.build()
        graph.finalize()
        _log.info("Scaffold: the graph is finalized")
        return self

    @property
    def init_op(self) -> Any:
        """Initialises a session that is not restored. Like the others, None until ``finalize`` unless it was given."""
        return self._init_op

    @property
    def init_feed_dict(self) -> Any:
        """What ``init_op`` is fed."""
        return self._init_feed_dict

    @property
    def init_fn(self) -> Callable[[Any], Any] | None:
        """A function of the session, called after ``init_op``: what was given, with this scaffold as its first argument."""
        given = self._user_init_fn
        return None if given is None else lambda session: given(self, session)

    @property
    def ready_op(self) -> Any:
        """The names of what has no value yet."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """The names of what has no value yet and must have one before ``local_init_op``."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """Run in every session, restored or not."""
        return self._local_init_op

    @property
    def local_init_feed_dict(self) -> Any:
        """What ``local_init_op`` is fed."""
        return self._local_init_feed_dict

    @property
    def summary_op(self) -> Any:
        """What was given, or is in the graph's collection; minitf makes none."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """Saves and restores the session."""
        return self._saver

    @staticmethod
    def get_or_default(arg_name: str, collection_key: Any, default_constructor: Callable[[], Any]) -> Any:
        """The one item of a collection of the graph; if it is empty, what the constructor makes, and then has put there.

        Raises RuntimeError if there are several.
        """
        found = get_collection(collection_key)
        if len(found) > 1:
            raise RuntimeError(
                f"Scaffold: more than one item in the collection {collection_key!r}. Say which one to use: "
                f"Scaffold({arg_name}=...)."
            )
        if found:
            return found[0]
        made = default_constructor()
        if made is not None:
            add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """An operation that initialises local variables and runs what is in the collection of table initialisers."""
        return group(local_variables_initializer(), *get_collection(GraphKeys.TABLE_INITIALIZERS))
