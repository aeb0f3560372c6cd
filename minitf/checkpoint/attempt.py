"""Pairing saved nodes with live objects, and restoring what was paired: one path for all cases.

An *attempt* is what one ``restore()`` or one attachment does. It first pairs and collects (this can be taken back), then lets
the home read, check and assign everything, and only then adds new requests. If anything fails, no trace of it stays but a line
in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

from minitf import journal as events
from minitf.checkpoint.arrival import restored_alone
from minitf.checkpoint.collector import CollectorPaused
from minitf.checkpoint.match import Match
from minitf.checkpoint.requests import Request, watch
from minitf.checkpoint.restoration import Restoration
from minitf.core.state import Handle


class Wish(Request):
    """A request that an attempt serves when its object appears."""

    __slots__ = ()

    def serve(self, requests: list[Request], parent: Any, name: Any, child: Any) -> None:
        """Restores ``child`` for all these requests, from the highest uid to the lowest: all or nothing."""
        if len(requests) == 1 and restored_alone(requests[0], parent, name, child):
            return
        with CollectorPaused():
            attempt = Attempt()
            for request in requests:
                restoration = request.restoration
                if restoration is not None:
                    attempt.attach(restoration, request.node, child, parent, request.parent, name)
            attempt.commit()


class Attempt:
    """One ``restore()`` or one attachment, for one or more restorations, the newest first."""

    wish = Wish  # what it leaves behind where something is still to come

    def __init__(self) -> None:
        self._matches: list[Match] = []
        self.new_slots: dict[tuple[int, Handle, str], tuple[Any, Any, Any]] = {}  # owner, variable, slot
        self.error: BaseException | None = None

    def restore(self, restoration: Restoration, root: Any, extra: Mapping[str, Any] | None = None) -> None:
        """Pairs the root with node 0, and all below."""
        match = self._begin(restoration, ("Step", events.clock(), "restore", None, ""))
        match.walk(0, root, -1, "", extra)

    def attach(self, restoration: Restoration, node: int, child: Any, parent: Any, parent_node: int, name: Any) -> None:
        """Pairs a child that has appeared with the node that waits for it, and all below."""
        number = restoration.number_of(parent)
        what, label = ("attach", name) if isinstance(name, str) else ("slot", name[1])
        match = self._begin(restoration, ("Step", events.clock(), what, number, label))
        match.walk(node, child, parent_node, label)

    def _begin(self, restoration: Restoration, step: tuple[Any, ...]) -> Match:
        match = Match(restoration, self, step)
        self._matches.append(match)
        return match

    def commit(self) -> None:
        """Reads, checks and assigns everything, then lets the requests wait. If an error comes out, everything is as before."""
        try:
            if self.error is not None:
                raise self.error
            if len(self._matches) == 1:
                [match] = self._matches
                match.restoration.home.apply_batches((match.batch,))
            else:
                for home in {match.restoration.home: None for match in self._matches}:
                    home.apply_batches([match.batch for match in self._matches if match.restoration.home is home])
            for (_, _, name), (owner, variable, slot) in self.new_slots.items():
                owner._keep_slot(variable, name, slot)
            for _, matches in groupby(self._matches, attrgetter("restoration")):  # a file may let one have very many
                waits: list[tuple[Any, Any, Request]] = []
                for match in matches:
                    match.finish()
                    waits += match.waits
                watch(waits)
        except BaseException as error:
            for match in reversed(self._matches):
                match.take_back(error)
            raise
        finally:
            for match in self._matches:
                match.close()
            self._matches.clear()
            self.new_slots.clear()
            self.error = None
