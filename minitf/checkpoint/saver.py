"""The object-based saver: ``CheckpointableSaver``.

    saver = tf.train.CheckpointableSaver(root)
    path = saver.save("run/ckpt", checkpoint_number=step)
    status = saver.restore(path)

The engine is the same for ``Checkpoint``; what differs are the ``Rules``.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from minitf.checkpoint.attempt import Attempt
from minitf.checkpoint.capture import Plan, capture
from minitf.checkpoint.collector import CollectorPaused
from minitf.checkpoint.matching import BY_NAME, REQUIREMENT, Matcher, Rules
from minitf.checkpoint.name_based import NameBasedSaverStatus, restore_by_name
from minitf.checkpoint.numbering import integer_of
from minitf.checkpoint.opening import open_checkpoint
from minitf.checkpoint.restoration import Restoration
from minitf.checkpoint.source import Source
from minitf.checkpoint.status import CheckpointLoadStatus, InitializationOnlyStatus
from minitf.checkpoint.values import Values
from minitf.checkpoint.walking import Walk
from minitf.core import runtime
from minitf.core.around import around
from minitf.core.runtime import Home
from minitf.explain.why.explanation import Explanation
from minitf.objects.edges import restoring
from minitf.objects.trackable import Tracked
from minitf.saved import OBJECT_GRAPH_KEY, Lazy, Reader, SavedGraph, Storage, Writer

if TYPE_CHECKING:
    from minitf.storage.bundle import TensorBundle

Trackables = Callable[[], Mapping[str, Any]]
"""Gives the objects that have the values, by key."""


class ObjectSaver:
    """Saves and restores the objects under a root. ``CheckpointableSaver`` and ``Checkpoint`` are made of it.

    ``root`` and ``extra`` are functions, so that the caller decides who is held, and how strongly.
    """

    def __init__(self, root: Callable[[], Any], extra: Callable[[], Mapping[str, Any] | None], rules: Rules,
                 matcher: Matcher | None, storage: Storage | None):  # fmt: skip
        self._root = root
        self._extra = extra
        self._rules = rules
        self._matcher = matcher or BY_NAME
        self._storage = storage
        self._cache: dict[Any, Any] = {}
        self._plan: Plan | None = None
        self._bundles: dict[bool, TensorBundle] = {}

    # -- saving --------------------------------------------------------------------------------------------------------

    def write(self, prefix: str, session: Any, what: str, storage: Callable[[Trackables], Writer] | None = None) -> None:
        """Writes all values under the root, and the object graph, as they are now.

        To the saver's own storage, or to what ``storage`` gives, which may ask whose values they are.
        """
        with CollectorPaused():
            self._write(prefix, session, what, storage)

    def _write(self, prefix: str, session: Any, what: str, storage: Callable[[Trackables], Writer] | None) -> None:
        from minitf.storage.messages import encode_graph

        root, extra = self._root(), self._extra()
        values = Values(home_to_save(what), session, what)
        handles = None if self._plan is None else self._plan.handles(root, extra)
        captured = None
        if handles is not None:
            assert self._plan is not None
            tensors = values.of_handles(self._plan.keys, handles)
            encoded = self._plan.encoded
        else:
            captured = capture(root, extra)
            tensors = values.of_entries(captured.entries)
            encoded = np.array(encode_graph(captured.graph), dtype=object)
            self._plan = Plan.of(root, extra, captured, encoded)
        tensors[OBJECT_GRAPH_KEY] = encoded
        chosen: Writer
        if storage is not None:
            chosen = storage(lambda: (captured or capture(root, extra)).trackables())
        else:
            chosen = self.bundle() if self._storage is None else self._storage
        around("storage", chosen).write(prefix, tensors)

    @property
    def on_disk(self) -> bool:
        """False if checkpoints are kept where no state file can name them."""
        return bool(getattr(self._storage, "on_disk", True))

    def check_not_hidden(self, path: str) -> None:
        """Raises AlreadyExistsError if another format has a checkpoint there that would be opened instead of a new one."""
        if self._storage is not None:
            from minitf.storage.formats import check_not_hidden

            check_not_hidden(path, getattr(self._storage, "name", ""))

    def after_writing(self, then: Callable[[], Any]) -> None:
        """Calls ``then`` when the last checkpoint is complete: now, or later if the storage writes in the background."""
        after = getattr(self._storage, "after", None)
        if after is None:
            then()
        else:
            after(then)

    @property
    def durable(self) -> bool:
        """False if the storage leaves out fsync, so that the state file need not be safer than the checkpoint."""
        return bool(getattr(self._storage, "durable", True))

    def bundle(self, durable: bool = True) -> TensorBundle:
        """The V2 format, where nothing else is chosen. It is kept: what it knows of the last save makes the next one quick."""
        if durable not in self._bundles:
            from minitf.storage.bundle import TensorBundle

            self._bundles[durable] = TensorBundle(durable)
        return self._bundles[durable]

    # -- restoring -----------------------------------------------------------------------------------------------------

    def restore(
        self, path: Any, lazy: Lazy = False, seen: Callable[[SavedGraph], SavedGraph] | None = None
    ) -> CheckpointLoadStatus | InitializationOnlyStatus | NameBasedSaverStatus:
        """Pairs the root with node 0 of a checkpoint, and all below; what is paired is assigned, the rest waits.

        ``seen``: makes of the object graph what is restored of it.
        """
        root, extra = self._root(), self._extra()
        home = runtime.current().home.outermost()
        if path is None:
            return InitializationOnlyStatus(root, extra, home)
        if lazy and self._storage is not None:
            raise ValueError(f"restore(lazy={lazy!r}): the saver has a storage, {self._storage!r}; give lazy={lazy!r} to that.")
        opened = partial(open_checkpoint, path, lazy) if self._storage is None else partial(self._storage.open, path)
        with CollectorPaused(), restoring:
            source = Source(opened, opened())
            graph = read_graph(source)
            if graph is None:
                return restore_by_name(root, extra, source, home, self._rules)
            if seen is not None:
                graph = seen(graph)
            restoration = around("restoration", Restoration(graph, source, home, self._rules, self._matcher, self._cache))
            attempt = Attempt()
            attempt.restore(restoration, root, extra)
            attempt.commit()
            return CheckpointLoadStatus(root, extra, restoration)

    def explain(self, path: Any, session: Any, coming: tuple[str, ...] = ()) -> Explanation:
        """What ``restore(path)`` would do. ``coming``: edges that the root gets by the end of a real restore."""
        from minitf.checkpoint.rehearsal import rehearse
        from minitf.checkpoint.survey import explain_nothing, rehearse_by_name

        root, extra = self._root(), self._extra()
        home = runtime.current().home.outermost()
        if path is None:
            return explain_nothing(home, Walk(root, extra), session, None)
        opened = partial(open_checkpoint if self._storage is None else self._storage.open, path)
        source = Source(opened, opened())
        graph = read_graph(source)
        if graph is None:
            return rehearse_by_name(source, home, Walk(root, extra), session)
        return rehearse(graph, source, home, self._rules, self._matcher, root, extra, coming, session)


def home_to_save(what: str) -> Home:
    """Where a save finds the values.

    Raises NotImplementedError inside a ``tf.function``, whose code runs once for many calls.
    """
    home: Home = runtime.current().home
    if home.outermost() is not home:
        raise NotImplementedError(
            f"{what} inside a tf.function is not supported: it would save while the function is traced, not when it is called. "
            f"Save after the call."
        )
    return home  # type: ignore[no-any-return]


def read_graph(reader: Reader) -> SavedGraph | None:
    """The object graph of a checkpoint, or None if it has none. Raises DataLossError if it cannot be read."""
    if OBJECT_GRAPH_KEY not in reader:
        return None
    from minitf.storage.messages import decode_graph

    return decode_graph(reader.read_many([OBJECT_GRAPH_KEY])[0], source=reader.source)


class CheckpointableSaver:
    """Saves and restores a trackable object and everything that it depends on.

    * ``root_checkpointable``: the root of the object graph; held strongly, unless it is given as a weak reference.
    * ``matcher``: which saved edge belongs to which live one, by default equal names.
    * ``storage``: the file format, by default TensorFlow's V2 for writing, and whatever is found for reading.
    """

    def __init__(self, root_checkpointable: Any, *, matcher: Matcher | None = None, storage: Storage | None = None):
        root = root_checkpointable
        given = root() if isinstance(root, weakref.ref) else root
        if not isinstance(given, Tracked):
            raise TypeError(
                f"CheckpointableSaver(root_checkpointable): the root must be trackable, but {type(given).__name__} is not. "
                "Derive it from minitf.train.AutoTrackable or tf.Module, or give a variable."
            )
        self._root = root
        self._engine = ObjectSaver(lambda: top_of(root), _no_edges, REQUIREMENT, matcher, storage)

    def save(self, file_prefix: Any, checkpoint_number: Any = None, session: Any = None) -> str:
        """Writes a checkpoint and gives its full path: the prefix, and ``-number`` if a number is given (0 too).

        ``checkpoint_number`` is an integer, or an integer variable or tensor, which is evaluated. ``session`` has the values
        in a graph; by default the default session. Makes missing directories and records the newest checkpoint in the
        directory's state file, for ``latest_checkpoint``; a ``MemoryStorage`` has a ``latest_checkpoint`` of its own.

        Raises RuntimeError in a graph without a session, FailedPreconditionError for a variable that has no value, ValueError
        for a list or dict that cannot be saved any more, TypeError for a number that is none, AlreadyExistsError if another
        format has a checkpoint there that readers would take first.
        """
        from minitf.checkpoint.state_functions import write_checkpoint_state
        from minitf.storage.anywhere import standing
        from minitf.storage.paths import path_of, split_path, with_ending
        from minitf.storage.state_file import check_name

        path = path_of(file_prefix)
        if checkpoint_number is not None:
            number = integer_of(checkpoint_number, session, "CheckpointableSaver.save(checkpoint_number)")
            path = with_ending(path, f"-{number}")
        if self._engine.on_disk:
            check_name(split_path(path)[1])
            self._engine.check_not_hidden(path)
        self._engine.write(path, session, "CheckpointableSaver.save")
        if self._engine.on_disk:
            named = standing(path)  # the state file may be written when the program is elsewhere
            state = partial(write_checkpoint_state, directory_of(named), named, durable=self._engine.durable)
            self._engine.after_writing(state)
        return path

    def restore(
        self, save_path: Any, *, lazy: Lazy = False
    ) -> CheckpointLoadStatus | InitializationOnlyStatus | NameBasedSaverStatus:
        """Restores a checkpoint: objects that exist now, and those that will be attached later, when they are.

        In eager mode values are assigned at once; in a graph restore operations are added, which the status runs.
        ``save_path`` is what ``save`` or ``latest_checkpoint`` gave; with None the status can only initialise variables. A
        file of the name-based ``train.Saver`` is restored by variable names, when the status is told to.

        ``lazy=True`` takes large values over as pages of their files, which are verified now and read when they are looked at;
        ``lazy="first use"`` verifies the value of a variable when it is first needed, and raises DataLossError only then. While
        a variable has such a value, nobody may shorten the file or write into it, or the program is killed by SIGBUS; see
        ``TensorBundle``, whose ``lazy`` does the same for a saver with a storage.

        Raises NotFoundError for a missing checkpoint, DataLossError for a damaged one, InvalidArgumentError for a value of
        another dtype and ValueError for one of another shape than its variable's; then nothing was assigned.
        """
        return self._engine.restore(save_path, lazy)

    def explain(self, save_path: Any, *, session: Any = None) -> Explanation:
        """What ``restore(save_path)`` would do, and why: a dry run, which reads no value, and makes and changes nothing.

        Where values come from now is told for ``session`` or the default session. Raises NotFoundError for a missing
        checkpoint, DataLossError for a damaged one, ValueError for a list or dict that cannot be listed any more.
        """
        return self._engine.explain(save_path, session)

    def __repr__(self) -> str:
        return f"CheckpointableSaver({type(root_of(self._root)).__name__})"


def root_of(root: Any) -> Any:
    """The root, or what a weak reference refers to. Raises AssertionError if that is gone (S32)."""
    if not isinstance(root, weakref.ref):
        return root
    found = root()
    if found is None:
        raise AssertionError("The saver's root was given as a weak reference, and the object is gone. Keep a reference to it.")
    return found


def top_of(root: Any) -> Tracked:
    """What edges to the root point to (a tuple has an object of its own for that). Raises as ``root_of``."""
    top: Tracked = root_of(root)._stand_in()
    return top


def _no_edges() -> None:
    """No edges besides the root's own."""


def directory_of(path: str) -> str:
    """The directory of a prefix."""
    import os

    from minitf.storage.paths import parent_of

    return parent_of(path) or os.curdir
