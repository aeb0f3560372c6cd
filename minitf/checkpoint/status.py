"""What ``restore`` returns: assertions about a restore, and the running of its operations.

A status holds the root and its restoration; nothing refers back to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import is_
from typing import Any, NoReturn, TypeVar

from minitf import journal as events
from minitf.checkpoint.collector import CollectorPaused
from minitf.checkpoint.restoration import Restoration, display_paths, next_uid
from minitf.checkpoint.walking import Walk, kind_of, own_values, reached_below
from minitf.core.runtime import Home
from minitf.core.state import Handle
from minitf.explain.summary import summary
from minitf.explain.why.explanation import Explanation

T = TypeVar("T")
SHOWN = 10
NOTHING = "No checkpoint specified (save_path=None); nothing is being restored."


class LoadStatus:
    """What the kinds of status have in common."""

    def __init__(self, root: Any, extra: Mapping[str, Any] | None, home: Home):
        self._root = root
        self._extra = extra
        self._home = home

    def _walk(self) -> Walk:
        with CollectorPaused():
            return Walk(self._root, self._extra)

    def expect_partial(self) -> Any:
        """Says that it is intended if not all values find their object: no warning then. Gives the status."""
        return self

    def explain(self, session: Any = None) -> Explanation:
        """What became of every value, and why: print it, or look at its ``rows`` and ``causes``.

        In a graph it speaks of ``session``, or the default session, or else the one in which the status was run last; it says
        which. Looks only: nothing is read, run, made or changed. Raises ValueError for a session of another graph.
        """
        raise NotImplementedError

    def _told(self) -> str:
        """What an assertion's message ends with: the causes, and one line of what to do."""
        try:
            return f"\n\n{self.explain().brief}"
        except Exception as error:  # a list that was changed cannot be listed, but the assertion's own error must come out
            return f"\n\nThere is no explanation, because the objects cannot be listed: {error}"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A load status belongs to live objects and cannot be copied or pickled.")


class CheckpointLoadStatus(LoadStatus):
    """The status of restoring an object-based checkpoint.

    ``journal`` holds every decision of the restore, in order.
    """

    def __init__(self, root: Any, extra: Mapping[str, Any] | None, restoration: Restoration):
        super().__init__(root, extra, restoration.home)
        self._restoration = restoration

    @property
    def journal(self) -> events.Journal:
        """The decisions of this restore, as plain data."""
        return self._restoration.journal

    def explain(self, session: Any = None) -> Explanation:
        """What became of every value, and why: print it, or look at its ``rows`` and ``causes``.

        In a graph it speaks of ``session``, or the default session, or else the one in which the status was run last; it says
        which. Looks only: nothing is read, run, made or changed. Raises ValueError for a session of another graph.
        """
        from minitf.checkpoint.survey import explain_restore

        return explain_restore(self._restoration, self._walk(), session)

    # -- assertions ----------------------------------------------------------------------------------------------------

    def assert_consumed(self) -> CheckpointLoadStatus:
        """Raises AssertionError unless everything in the checkpoint was matched and used, and every object has been matched.

        A ``CheckpointableSaver`` asks this of every object of the checkpoint, a ``Checkpoint`` of those with values (S199). In
        a graph it means that all restore operations exist, not that they were run. Gives the status.
        """
        r = self._restoration
        if not r.unused and self._all_matched(every_node=True):
            return self
        self.assert_existing_objects_matched()
        without = [n for n, ref in enumerate(r.bound) if ref is None or ref() is None]
        missing = [n for n in without if r.rules.every_node or r.graph.values(n)]
        if missing:
            display = display_paths(r.graph)
            raise AssertionError(
                f"Unresolved object in checkpoint {display(missing[0])}: {len(missing)} of {len(r.graph.nodes)} objects of "
                f"{r.source.source} have no object in the program: {_some(missing, display)}. Create them and "
                f"attach them under the names of these paths, or do without this assertion.{self._told()}"
            )
        unused = [(node, name) for node, name in r.unused if r.object_at(node) is not None]
        if unused:
            display = display_paths(r.graph)
            lines = _some(unused, lambda one: f"{display(one[0])} ({type(r.object_at(one[0])).__name__}): {one[1]}", "\n")
            raise AssertionError(
                f"Unused attributes in these objects (the attributes exist in the checkpoint {r.source.source} but were not "
                f"restored, because the objects have no such value):\n{lines}{self._told()}"
            )
        return self

    def assert_existing_objects_matched(self) -> CheckpointLoadStatus:
        """Raises AssertionError if an object that the root depends on has values but no counterpart in the checkpoint.

        Objects once seen without a counterpart count as long as they live (S196). Gives the status.
        """
        r = self._restoration
        if self._all_matched(every_node=False):
            return self
        walk = self._walk()
        matched = r.matched()
        uid = r.uid
        behind = [n for n, obj in enumerate(walk.objects) if id(obj) in matched and obj._tracking.update_uid < uid]
        if behind:
            raise AssertionError(
                f"Object {walk.display(behind[0])} was matched but got no value from {r.source.source}.{self._told()}"
            )
        alone = [*self._unmatched(walk, matched), *((-1, obj) for obj in self._remembered(walk, matched))]
        if alone:
            raise AssertionError(
                f"Found {len(alone)} Python objects that were not bound to checkpointed values, likely due to changes in the "
                f"Python program. {r.source.source} has nothing at these paths: {_some(alone, partial(_alone, walk))}. Give "
                f"them the names under which they were saved, or restore with a checkpoint that has them.{self._told()}"
            )
        return self

    def assert_nontrivial_match(self) -> CheckpointLoadStatus:
        """Raises AssertionError if nothing except the root was matched. Gives the status.

        Like the other assertions it remembers the objects that it sees without a counterpart (S196).
        """
        r = self._restoration
        walk = self._walk()
        unmatched = self._unmatched(walk, r.matched())
        if sum(r.object_at(node) is not None for node in range(len(r.bound))) > 1:
            return self
        if not unmatched:
            raise AssertionError(
                f"Nothing to load. No dependencies have been added to the root, a {type(self._root).__name__}, yet; "
                f"{r.source.source} has {len(r.graph.nodes)} objects.{self._told()}"
            )
        saved = [name for name, _ in r.graph.nodes[0].children]
        raise AssertionError(
            f"Nothing except the root object matched a checkpointed value, so the checkpoint probably does not belong to this "
            f"program. At the root, {r.source.source} has {_some(saved) or 'nothing'}; the program has "
            f"{_some(unmatched, partial(_alone, walk))}."
            f"{self._told()}"
        )

    def _all_matched(self, every_node: bool) -> bool:
        """True if it is clear, as it mostly is, that all objects were matched and reached; and ``every_node`` has one."""
        r = self._restoration
        there = None if r.seen else reached_below(self._root, self._extra, r.uid)
        if there is None:
            return False
        matched = r.by_node()
        if len(there) == len(matched) and all(map(is_, there, matched)):  # in the very order of the checkpoint
            return True
        ids = set(map(id, matched))
        return ids.issuperset(map(id, there)) and not (every_node and id(None) in ids)

    def _unmatched(self, walk: Walk, matched: Mapping[int, int]) -> list[tuple[int, Any]]:
        out = []
        for number, obj in enumerate(walk.objects):
            if id(obj) in matched:
                continue
            kind = kind_of(type(obj))
            if kind.variable or (kind.valued and own_values(obj)):
                out.append((number, obj))
                self._restoration.note_seen(obj)
        return out

    def _remembered(self, walk: Walk, matched: Mapping[int, int]) -> list[Any]:
        found = [ref() for ref in self._restoration.seen.values()]
        return [o for o in found if o is not None and id(o) not in matched and id(o) not in walk.numbers and own_values(o)]

    def expect_partial(self) -> CheckpointLoadStatus:
        """Says that it is intended if not all values find their object: no warning then. Gives the status."""
        self._restoration.expect_partial()
        return self

    # -- running -------------------------------------------------------------------------------------------------------

    def run_restore_ops(self, session: Any = None) -> None:
        """Runs the restore operations that exist now: all are read, then all are assigned. Does nothing in eager mode.

        Raises RuntimeError without a session and a default session, what reading raises, and InvalidArgumentError for a value
        that does not fit its variable; then nothing was assigned.
        """
        r = self._restoration
        with CollectorPaused():
            store = self._home.run_restore_ops(r.ops, r.cache, r.source, session, "run_restore_ops")
        r.note_run(store, r.ops)

    def initialize_or_restore(self, session: Any = None) -> None:
        """Runs the restore operations, then the initialisers of the variables that this restore and later ones do not cover.

        Called again, it initialises those variables again. Does nothing in eager mode. Raises as ``run_restore_ops``.
        """
        self._home.initialise(lambda: self._restore_and_find_the_rest(session), session)

    def _restore_and_find_the_rest(self, session: Any) -> list[Handle]:
        r = self._restoration
        matched = r.matched()
        handles = initialisable([o for o in self._walk().objects if id(o) not in matched and _uid(o) < r.uid])
        self.run_restore_ops(session)  # only now: where the objects cannot be listed, nothing is run
        if handles:
            r.journal.raw.append(("Step", events.clock(), "initialise", None, ""))
            alive = [variable for variable in (h.variable and h.variable() for h in handles) if variable is not None]
            r.journal.raw.extend([("Initialised", r.number_of(variable)) for variable in alive])
        return handles

    def __str__(self) -> str:
        return summary(self.journal)

    def __repr__(self) -> str:
        r = self._restoration
        bound = sum(ref is not None for ref in r.bound)
        return f"<CheckpointLoadStatus of {r.source.source}: {bound} of {len(r.bound)} objects matched>"


class InitializationOnlyStatus(LoadStatus):
    """The status of ``restore(None)``: there is nothing to restore, but variables can be initialised."""

    def __init__(self, root: Any, extra: Mapping[str, Any] | None, home: Home):
        super().__init__(root, extra, home)
        self._uid = next_uid()

    def explain(self, session: Any = None) -> Explanation:
        """Says that there was no checkpoint. As ``CheckpointLoadStatus.explain``."""
        from minitf.checkpoint.survey import explain_nothing

        return explain_nothing(self._home, self._walk(), session, self._uid)

    def assert_consumed(self) -> NoReturn:
        """Raises AssertionError."""
        raise AssertionError(f"{NOTHING}{self._told()}")

    def assert_existing_objects_matched(self) -> NoReturn:
        """Raises AssertionError."""
        raise AssertionError(f"{NOTHING}{self._told()}")

    def assert_nontrivial_match(self) -> NoReturn:
        """Raises AssertionError."""
        raise AssertionError(f"{NOTHING}{self._told()}")

    def run_restore_ops(self, session: Any = None) -> NoReturn:
        """Raises AssertionError."""
        raise AssertionError(
            "No checkpoint specified, so no restore ops are available (save_path=None to Saver.restore). Use "
            f"initialize_or_restore().{self._told()}"
        )

    def initialize_or_restore(self, session: Any = None) -> None:
        """Runs the initialisers of all variables that the root depends on and that no later restore covers (S216).

        Does nothing in eager mode. Raises RuntimeError without a session and a default session.
        """
        self._home.initialise(lambda: initialisable([o for o in self._walk().objects if _uid(o) < self._uid]), session)


def initialisable(objects: list[Any]) -> list[Handle]:
    """The handles among the objects' values."""
    return [value for obj in objects for value in own_values(obj).values() if isinstance(value, Handle)]


def _uid(obj: Any) -> int:
    state = getattr(obj, "_tracking", None)
    return -1 if state is None else state.update_uid


def _what(obj: Any) -> str:
    handle = getattr(obj, "_handle", None)
    return type(obj).__name__ if handle is None else f"variable {handle.name!r}"


def _alone(walk: Walk, found: tuple[int, Any]) -> str:
    number, obj = found
    return f"{_what(obj)}, which is not part of the tree any more" if number < 0 else f"{walk.display(number)} ({_what(obj)})"


def _some(things: Sequence[T], text: Callable[[T], str] = str, between: str = ", ") -> str:
    """The texts of the first few. Those of the others are not made: in a deep tree they could be larger than any memory."""
    shown = between.join(map(text, things[:SHOWN]))
    return shown if len(things) <= SHOWN else f"{shown}{between}and {len(things) - SHOWN} more"
