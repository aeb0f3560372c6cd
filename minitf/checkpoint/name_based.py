"""Restoring a file of the name-based ``train.Saver`` through an object-based one: variables are found by their names.

TensorFlow has had two readings (S224-S242). The requirement's: nothing is read or assigned before ``run_restore_ops`` or
``initialize_or_restore``, in both modes, and nothing waits (``Rules.names_at_once`` is False). TensorFlow 2's: in eager mode,
variables are assigned inside ``restore`` and when they are attached later, and running does nothing; in a graph, one run
builds its operations.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from minitf.checkpoint.matching import Rules
from minitf.checkpoint.restoration import log, next_uid
from minitf.checkpoint.source import Source
from minitf.checkpoint.status import LoadStatus
from minitf.checkpoint.walking import Walk, own_values
from minitf.core.around import around
from minitf.core.runtime import Home
from minitf.core.state import Batch, Handle
from minitf.explain.why.explanation import Explanation
from minitf.objects.edges import ANY, tracking


class NamedRestore:
    """One restore by names. Objects that it has reached keep it (TensorFlow 2, eager), for those attached to them later."""

    __slots__ = ("cache", "given", "home", "optional", "source", "uid", "unrestored")

    def __init__(self, source: Source, home: Home):
        self.uid = next_uid()
        self.source = source
        self.home = home
        self.cache: dict[Any, Any] = {}
        self.unrestored: dict[int, tuple[Any, list[str]]] = {}  # by id: a weak reference to the object, names of its values
        self.optional: list[int] = []
        # Which values were given: by variable, (store of the session, or None; the writes of the cell then). For explanations.
        self.given: WeakKeyDictionary[Handle, list[tuple[Any, int]]] = WeakKeyDictionary()

    # -- as a request that waits for any object ------------------------------------------------------------------------

    def serve(self, requests: list[Any], parent: Any, name: Any, child: Any) -> None:
        """Restores an object that has been attached; what it already has below it is not visited (S227)."""
        self.offer(child)

    def preload(self, requests: list[Any]) -> None:
        """Nothing: names are known only once the variable exists."""

    def offer(self, obj: Any) -> None:
        """Assigns the object's variables that the file has, unless a later restore has reached it; waits for children."""
        state = tracking(obj)
        if state.watchers is None or self not in state.watchers.get(ANY, ()):
            state.watch(ANY, [self])
        if state.update_uid >= self.uid:
            return
        batch, missing = self.batch_of([obj], needed=False)
        self.home.apply_batches([batch])
        self.note_given(batch, None)
        state.update_uid = self.uid
        if missing:
            self._note(obj, missing[0][1])

    def offer_all(self, objects: list[Any]) -> None:
        """Assigns what the file has for all these objects."""
        for obj in objects:
            self.offer(obj)

    def note_given(self, batch: Batch, store: Any) -> None:
        """Remembers the counters of the cells that were written."""
        ref = None if store is None else weakref.ref(store)
        for handle in batch.handles:
            cell = handle.cell if store is None else store.cell(handle)
            if cell is not None:
                others = [one for one in self.given.get(handle, ()) if one[0] is not None and one[0]() not in (None, store)]
                self.given[handle] = [*others, (ref, cell.writes)]

    def writes_when_given(self, handle: Handle, store: Any) -> int | None:
        """How often a variable had been written when it was given its value last, in a store; None: never."""
        found = [writes for ref, writes in self.given.get(handle, ()) if (None if ref is None else ref()) is store]
        return found[-1] if found else None

    def _note(self, obj: Any, names: list[str]) -> None:
        self.unrestored[id(obj)] = (weakref.ref(obj), names)

    def batch_of(self, objects: list[Any], needed: bool) -> tuple[Batch, list[tuple[Any, list[str]]]]:
        """What the file has for the objects; with ``needed`` also what it lacks, so that reading raises NotFoundError."""
        batch = Batch(self.source, self.cache)
        batch.path_of = "variable {!r}".format
        missing = []
        for obj in objects:
            without = []
            for name, value in own_values(obj).items():
                if isinstance(value, Handle) and (needed or value.name in self.source):
                    if value.home is not self.home:
                        value.home.refuse(value, "restore")
                    batch.add(value, value.name)
                else:
                    without.append(name)
            if without:
                missing.append((obj, without))
        return batch, missing

    def run(self, objects: list[Any], session: Any) -> None:
        """Restores the objects' variables: all or nothing. Raises NotFoundError for a name that the file lacks."""
        batch, missing = self.batch_of(objects, needed=True)
        self.home.apply_batches([batch])
        store = self.home.run_restore_ops(batch.built, self.cache, self.source, session, "run_restore_ops")
        self.note_given(batch, store)
        for obj in objects:
            state = tracking(obj)
            state.update_uid = max(state.update_uid, self.uid)
        for obj, names in missing:
            self._note(obj, names)


class NameBasedSaverStatus(LoadStatus):
    """The status of restoring a name-based checkpoint."""

    def __init__(self, root: Any, extra: Mapping[str, Any] | None, restore: NamedRestore, rules: Rules):
        super().__init__(root, extra, restore.home)
        self._restore = restore
        self._rules = rules

    def add_to_optionally_restored(self, var: Any) -> None:
        """Excuses a variable from the assertions (a ``Checkpoint``'s counter, S232)."""
        self._restore.optional.append(id(var))

    def explain(self, session: Any = None) -> Explanation:
        """What became of every variable and every name of the file, and why. As ``CheckpointLoadStatus.explain``."""
        from minitf.checkpoint.survey import explain_restore_by_name

        return explain_restore_by_name(self._restore, self._walk(), session)

    def assert_consumed(self) -> NameBasedSaverStatus:
        """Raises AssertionError if a reachable object was not restored. Other names of the file do not matter (S229)."""
        restore = self._restore
        walk = self._walk()
        left = [(ref(), names) for key, (ref, names) in restore.unrestored.items() if key not in restore.optional]
        lines = [
            f"\n    {walk.display(walk.numbers[id(obj)]) if id(obj) in walk.numbers else type(obj).__name__}: "
            f"{', '.join(names)}"
            for obj, names in left if obj is not None
        ]  # fmt: skip
        if lines:
            raise AssertionError(
                f"Some objects had attributes which were not restored, because {restore.source.source} is a name-based "
                f"checkpoint and has nothing under their names: {''.join(lines)}{self._told()}"
            )
        behind = [n for n, obj in enumerate(walk.objects) if tracking(obj).update_uid < restore.uid]
        behind = [n for n in behind if id(walk.objects[n]) not in restore.optional]
        if behind:
            raise AssertionError(
                f"Object not restored: {walk.display(behind[0])} (and {len(behind) - 1} more). {restore.source.source} is a "
                f"name-based checkpoint: call run_restore_ops() first.{self._told()}"
            )
        return self

    assert_existing_objects_matched = assert_consumed
    assert_nontrivial_match = assert_consumed

    def run_restore_ops(self, session: Any = None) -> None:
        """Restores the variables that the root depends on, by their names: all or nothing.

        In a graph this adds operations. Raises NotFoundError if the file lacks a variable's name, RuntimeError in a graph
        without a session. With ``Checkpoint`` (TensorFlow 2's reading) it does nothing in eager mode, and raises ValueError in
        a graph if nothing is left to restore.
        """
        restore = self._restore
        if not self._rules.names_at_once:
            restore.run([o for o in self._walk().objects if tracking(o).update_uid <= restore.uid], session)
        elif self._home.at_once(lambda: True) is None:
            objects = [o for o in self._walk().objects if tracking(o).update_uid < restore.uid]
            if not any(isinstance(v, Handle) for o in objects for v in own_values(o).values()):
                raise ValueError("No variables to save: this status has been run already, or the root has no variables.")
            restore.run(objects, session)

    def initialize_or_restore(self, session: Any = None) -> None:
        """The same as ``run_restore_ops``: nothing is initialised (S238)."""
        self.run_restore_ops(session)


def restore_by_name(
    root: Any, extra: Mapping[str, Any] | None, source: Source, home: Home, rules: Rules
) -> NameBasedSaverStatus:
    """Begins a restore by names."""
    log.warning(
        "restore: %s is a name-based checkpoint; variables are matched by their names. Write it again with an object-based "
        "saver as "
        "soon as possible.", source.source,
    )  # fmt: skip
    restore = NamedRestore(source, home)
    if rules.names_at_once:
        home.at_once(lambda: restore.offer_all(Walk(root, extra).objects))
    return NameBasedSaverStatus(root, extra, around("named restore", restore), rules)
