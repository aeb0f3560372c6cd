"""Stops: the edges at which the walk of the saved and the live tree ended, with the rows that hang on them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from minitf.explain.paths import climb
from minitf.explain.why.causes import Place, Why
from minitf.explain.why.facts import Facts
from minitf.explain.why.finding import Findings
from minitf.explain.why.rows import State

WAITING = {State.WAITING, State.WAITING_OPTIMIZER, State.WAITING_VARIABLE, State.WAITING_SLOT}
LIVE_ONLY = {State.MISSING, State.INITIALISED}
COUNTER_NAME = "save_counter"
NODES = 16  # that are told of what their object has and the file has not: a file may pair one object with any number of nodes


class Missing(NamedTuple):
    """An edge of a matched object that only one side has: the object it leads to, and the rows that hang on it."""

    name: str
    number: int
    rows: list[int]


class Meeting:
    """A node and the live object that it is paired with, and the edges that only one of them has."""

    def __init__(self, node: int, number: int) -> None:
        self.node = node
        self.number = number
        self.saved: dict[str, Missing] = {}
        self.live: dict[str, Missing] = {}


class Stops:
    """All stops of a restore, by the pair of objects at which they are. What has been explained is taken out."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.facts: Facts = findings.facts
        self.saved = findings.saved
        self.meetings: dict[int, Meeting] = {}
        self._live_tops: dict[int, int] = {}
        facts, states, paired = self.facts, findings.states, findings.node_of
        nodes_of: Counter[int] = Counter()
        for node, bound in enumerate(facts.bound):
            if bound is None or bound < 0:
                continue
            here: Meeting | None = None
            for name, child in facts.graph.children(node).items():
                if facts.bound[child] is None and self.saved.parent[child] == node and not states.would_be_made(child):
                    here = here or self.meetings.setdefault(node, Meeting(node, bound))
                    here.saved[name] = Missing(name, child, [])
            nodes_of[bound] += 1
            if bound < facts.tree and nodes_of[bound] <= NODES:
                for name, number in facts.children(bound).items():
                    if number not in paired and facts.parent[number] == bound:
                        here = here or self.meetings.setdefault(node, Meeting(node, bound))
                        here.live[name] = Missing(name, number, [])
        for row, told in enumerate(findings.rows):
            if findings.has(row):
                continue
            node_of_row, object_of_row = states.nodes[row], states.objects[row]
            if told.state in WAITING and node_of_row is not None:
                self._hang_saved(row, node_of_row)
            elif told.state in LIVE_ONLY and object_of_row is not None:
                self._hang_live(row, object_of_row)

    def _hang_saved(self, row: int, node: int) -> None:
        bound, slot = self.facts.bound, self.saved.slot_of.get(node)
        if slot is not None:
            owner, variable, _ = slot
            node = variable if bound[variable] is None else owner
        top = self.findings.states.top_of(node)
        meeting = self.meetings.get(self.saved.parent[top])
        if bound[top] is None and meeting is not None:
            found = meeting.saved.get(self.saved.edge[top])
            if found is not None and found.number == top:
                found.rows.append(row)

    def _hang_live(self, row: int, number: int) -> None:
        facts, paired = self.facts, self.findings.node_of
        if number >= facts.tree:  # a slot variable: with its optimizer, or else its variable, that nothing is known of
            owner = facts.parent[number]
            number = owner if owner not in paired else facts.variable_of(number)
            if number in paired:
                return
        parent = facts.parent
        number = climb(number, parent, lambda n: not n or parent[n] in paired, self._live_tops)
        meeting = self.meetings.get(paired.get(facts.parent[number], -1))
        if meeting is not None and facts.edge[number] in meeting.live:
            meeting.live[facts.edge[number]].rows.append(row)

    # -- taking out what is explained -------------------------------------------------------------------------------------

    def explain(
        self, kind: Why, meeting: Meeting, saved: str | None, live: str | None, names: tuple[str, ...] = (), detail: str = "",
        state: State | None = None,
    ) -> None:
        """Notes a cause for a missing edge of the checkpoint, or of the program, or for both as one."""
        rows: list[int] = []
        saved_path = live_path = None
        if saved is not None:
            gone = meeting.saved.pop(saved)
            rows += gone.rows
            saved_path = self.saved.path(gone.number)
        if live is not None:
            gone = meeting.live.pop(live)
            rows += gone.rows
            live_path = self.facts.path(gone.number)
        self.findings.note(kind, [Place(saved_path, live_path, detail)], rows, names, state)

    def take(self, node: int) -> list[int]:
        """Takes out all that is missing at a node, on both sides; gives the rows that hung on it."""
        meeting = self.meetings.get(node)
        if meeting is None:
            return []
        rows = [row for side in (meeting.saved, meeting.live) for missing in side.values() for row in missing.rows]
        meeting.saved.clear()
        meeting.live.clear()
        return rows

    def known(self, number: int) -> int | None:
        """The number of a live object in the journal."""
        return self.facts.live[number].known
