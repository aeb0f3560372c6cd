"""What a restore would do, without doing it: the matching itself, and then a step back.

The pairing is the restore's own (attempt.py). What it would give to objects is only written into the journal; uids are put
back; nothing is read, made, assigned or waited for. Objects with hooks of their own (``_serialize_to_tensors`` and the like)
are not asked, since that may add operations to a graph: their values count as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minitf.checkpoint.attempt import Attempt
from minitf.checkpoint.collector import CollectorPaused
from minitf.checkpoint.match import Match
from minitf.checkpoint.matching import Matcher, Rules
from minitf.checkpoint.restoration import Restoration
from minitf.checkpoint.source import Source
from minitf.checkpoint.survey import explain_restore
from minitf.checkpoint.walking import HOOKS, Walk
from minitf.core.runtime import Home
from minitf.core.state import Handle
from minitf.explain.why.explanation import Explanation
from minitf.objects.creators import hooked
from minitf.objects.slots import existing_slot
from minitf.saved import VARIABLE_VALUE, SavedGraph, escape


class RehearsedMatch(Match):
    """Pairs, and takes down what would be restored."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.error = ""

    def _check_home(self, handle: Handle) -> None:
        try:
            super()._check_home(handle)
        except (TypeError, ValueError, RuntimeError) as error:
            self.error = self.error or str(error)

    def _other_values(self, saved: Any, node: int, obj: Any, number: int) -> None:
        own = {escape(name): value for name, value in obj._saved_values().items()}
        asked = not own and any(hasattr(obj, hook) for hook in HOOKS)
        for value in saved.values:
            mine = own.get(value.name)
            if isinstance(mine, Handle):
                self._check_home(mine)
            if mine is None and not asked:
                self._unused(node, number, value.name)
            else:
                self._placed.add(value.key, number, node)

    def _slot(self, owner: Any, variable: Any, handle: Handle, name: str, node: int) -> Any | None:
        slot = existing_slot(owner, variable, name)
        values = self.restoration.graph.nodes[node].values
        if slot is None and hasattr(owner, "_make_restored_slot") and len(values) == 1 and values[0].name == VARIABLE_VALUE:
            if not hooked(handle.home) and handle.home.at_once(lambda: True):
                self.would_make(node)
        return slot

    def would_make(self, node: int) -> None:
        """Notes that an object would be made for this node, with its value."""
        values = self.restoration.graph.nodes[node].values
        self.restoration.journal.raw.extend([("Created", -1, node, value.key) for value in values])

    def conclude(self) -> None:
        """Writes down what would be assigned."""
        raw = self.restoration.journal.raw
        raw.extend([("Assigned", number, node, key, None) for key, number, node in zip(*self._placed, strict=True)])

    def step_back(self) -> None:
        """Puts the uids back."""
        self.restore_uids()
        self.close()


class Rehearsal(Attempt):
    """An attempt that is never committed."""

    def rehearse(
        self, restoration: Restoration, root: Any, extra: Mapping[str, Any] | None, coming: tuple[str, ...], session: Any
    ) -> Explanation:
        """Pairs, explains, and steps back. ``coming``: edges that the root will have by the end of a real restore."""
        restoration.expect_partial()
        match = self._match = RehearsedMatch(restoration, self, ("Step", 0, "restore", None, ""))
        try:
            match.walk(0, root, -1, "", extra)
            if self.error is not None:
                raise self.error
            match.conclude()
            edges = restoration.graph.children(0)
            for name in coming:
                if name in edges and restoration.object_at(edges[name]) is None:
                    match.would_make(edges[name])
            return explain_restore(restoration, Walk(root, extra), session, dry=True, error=match.error)
        finally:
            match.step_back()
            self.error = None
            del self._match


def rehearse(
    graph: SavedGraph, source: Source, home: Home, rules: Rules, matcher: Matcher, root: Any,
    extra: Mapping[str, Any] | None, coming: tuple[str, ...], session: Any,
) -> Explanation:  # fmt: skip
    """The explanation of a restore that is not made."""
    with CollectorPaused():
        restoration = Restoration(graph, source, home, rules, matcher, {})
        return Rehearsal().rehearse(restoration, root, extra, coming, session)
