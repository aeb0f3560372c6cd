"""The state of every value, folded from the journal and compared with the live objects."""

from __future__ import annotations

from typing import Any

from minitf import journal as events
from minitf.explain.paths import climb
from minitf.explain.why.facts import GONE, Facts, Given, SavedTree
from minitf.explain.why.rows import Provenance, Row, State, Stop
from minitf.journal import Journal


class Decisions:
    """What a journal says, by node: the last word counts."""

    def __init__(self, journal: Journal) -> None:
        self.edges: dict[int, tuple[int, str]] = {}  # by matched node: the parent node and the live edge's name
        self.given: dict[tuple[int, str], Any] = {}  # by node and key: Assigned, Created, PythonRestored or OpBuilt
        self.superseded: dict[int, int] = {}
        self.twice: set[int] = set()
        self.unused: set[tuple[int, str]] = set()
        self.conflicts: dict[int, list[tuple[int, int]]] = {}  # by node: (object, object that it is paired with)
        self.covered: dict[int, int] = {}
        self.slot_waits: dict[int, str] = {}
        self.slots_made: set[int] = set()
        self.failed: dict[tuple[int | None, str], tuple[str, str]] = {}  # by object and edge: (why, error)
        self.runs: list[Any] = []
        self.initialised: set[int] = set()
        self.ops_in_run: list[tuple[Any, int]] = []
        built = 0
        step: Any = None
        for event in journal.bare:
            kind, fields = event[0], event[1:]
            if kind == "Bound":
                _, node, parent, name = fields
                self.edges[node] = parent, name
            elif kind in ("Assigned", "Created", "PythonRestored", "OpBuilt"):
                self.given[fields[1], fields[2]] = events.KINDS[kind](*fields)
                built += kind == "OpBuilt"
            elif kind == "Step":
                step = events.Step(*fields)
            elif kind == "Superseded":
                self.superseded[fields[1]] = fields[2]
            elif kind == "MatchedTwice":
                self.twice.add(fields[1])
            elif kind == "UnusedValue":
                self.unused.add((fields[1], fields[2]))
            elif kind == "Conflict":
                self.conflicts.setdefault(fields[1], []).append((fields[0], fields[2]))
            elif kind == "Covered":
                self.covered[fields[2]] = fields[3]
            elif kind == "SlotWaiting":
                self.slot_waits[fields[3]] = fields[4]
            elif kind == "SlotMade":
                self.slots_made.add(fields[1])
            elif kind == "Failed":
                if step is not None:
                    self.failed[step.object, step.name] = fields[1], fields[0]
            elif kind == "Ran":
                run = events.Ran(*fields)
                self.runs.append(run)
                self.ops_in_run.append((run, built))
            elif kind == "Initialised":
                self.initialised.add(fields[0])
        self.order_built = self._places(journal)

    @staticmethod
    def _places(journal: Journal) -> dict[str, int]:
        """How many operations stood ready when each was built, itself included: the last time it was."""
        out: dict[str, int] = {}
        for number, event in enumerate((e for e in journal.bare if e[0] == "OpBuilt"), 1):
            out.setdefault(event[4], number)
        return out

    def last_run(self, op: str, session: int | None) -> tuple[bool, int | None]:
        """Whether an operation was run in a session, and the writes of its variable's cell then."""
        for run, built in reversed(self.ops_in_run):
            if run.session != session:
                continue
            if isinstance(run.writes, dict):
                if op in run.writes:
                    return True, run.writes[op]
            elif self.order_built.get(op, built + 1) <= built:
                return True, run.writes
        return False, None


class States:
    """The rows of one restore, without causes yet; and by row the node or the live object that it speaks of."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.saved = SavedTree(facts.graph)
        self.decisions = Decisions(facts.journal)
        self.rows: list[Row] = []
        self.nodes: list[int | None] = []
        self.objects: list[int | None] = []
        self._told: set[tuple[int, str]] = set()
        self._names: dict[int, dict[int, set[str]]] = {}  # by node: the names of its edges by child
        self._made: dict[int, bool] = {}  # by node: whether a rehearsed restore would make an object for it
        self._tops: dict[int, int] = {}
        self._live_tops: dict[int, int] = {}
        self._saved_rows()
        self._live_rows()
        for key in facts.stray:
            self._add(Row(State.UNUSED, key, None, key), None, None)

    def _add(self, row: Row, node: int | None, number: int | None) -> None:
        self.rows.append(row)
        self.nodes.append(node)
        self.objects.append(number)

    # -- saved values --------------------------------------------------------------------------------------------------

    def _saved_rows(self) -> None:
        graph, order = self.facts.graph, self.saved.order
        rest = [node for node in range(len(graph.nodes)) if node not in self.saved.slot_of]
        reached = set(order)
        for node in [*order, *self.saved.slot_of, *(n for n in rest if n not in reached)]:
            for value in graph.nodes[node].values:
                self._saved_row(node, value.name, value.key)
            for value in graph.left_alone.get(node, ()):
                self._left_alone(node, value.name, value.key)

    def _saved_row(self, node: int, name: str, key: str) -> None:
        facts, decisions = self.facts, self.decisions
        bound = facts.bound[node]
        number = bound if bound is not None and bound >= 0 else None
        saved = self.saved.path(node)
        row = Row(State.WAITING, saved, None if number is None else facts.path(number), key, name)
        if bound is None:
            self._add(self._waiting(row, node), node, None)
            return
        if number is None:
            at = self._edge_path(node) if bound != GONE or node in decisions.edges else None
            state = State.SUPERSEDED if node in decisions.superseded else State.REPLACED
            self._add(row._replace(state=state, stop=at, by=decisions.superseded.get(node)), node, None)
            return
        live = facts.live[number]
        mine = next((v for v in live.values if v.name == name), None)
        self._told.add((number, name))
        if node in decisions.superseded:
            row = row._replace(state=State.SUPERSEDED, by=decisions.superseded[node])
        elif (node, name) in decisions.unused:
            row = row._replace(state=State.UNUSED)
        elif node in decisions.twice:
            row = row._replace(state=State.TWICE)
        elif mine is not None and self._differs(mine, key):
            row = row._replace(state=State.DIFFERS)
        elif live.reached > facts.journal.uid and not facts.dry:
            row = row._replace(state=State.SUPERSEDED, by=live.reached)
        elif (node, key) in decisions.given:
            row = row._replace(state=self._given(decisions.given[node, key]))
        elif facts.dry:
            row = row._replace(state=State.RESTORED)
        else:
            row = row._replace(state=State.UNUSED)
        given = decisions.given.get((node, key))
        self._add(row._replace(provenance=self.provenance(number, mine, node, given)), node, number)

    def _left_alone(self, node: int, name: str, key: str) -> None:
        """A value of a slot variable that the restore was asked not to touch, and the live slot that it would have had."""
        row, number = Row(State.LEFT_ALONE, self.saved.path(node), None, key, name), self._slot_for(node)
        if number is not None:
            self._told.add((number, name))
            mine = next((v for v in self.facts.live[number].values if v.name == name), None)
            row = row._replace(live=self.facts.path(number), provenance=self.provenance(number, mine, node, None))
        self._add(row, node, number)

    def _slot_for(self, node: int) -> int | None:
        """The live slot variable of the same optimizer, variable and name as a saved one."""
        if node not in self.saved.slot_of:
            return None
        owner, variable, name = self.saved.slot_of[node]
        keeper, of = self.facts.bound[owner], self.facts.bound[variable]
        slots = () if keeper is None else self.facts.slots.get(keeper, ())
        return next((number for other, slot, number in slots if (other, slot) == (of, name)), None)

    def _waiting(self, row: Row, node: int) -> Row:
        decisions = self.decisions
        if self.would_be_made(node):
            return row._replace(state=State.RESTORED)
        if node in decisions.covered:
            return row._replace(state=State.SUPERSEDED, by=decisions.covered[node])
        if node in self.saved.slot_of:
            owner, variable, name = self.saved.slot_of[node]
            if self._is_live(variable) and self._is_live(owner):
                at = Stop(self._live_path(owner), f"{name} of {self.saved.path(variable)}")
                return row._replace(state=State.WAITING_SLOT, stop=at)
            missing = owner if self._is_live(variable) else variable
            state = State.WAITING_OPTIMIZER if missing == owner else State.WAITING_VARIABLE
            return row._replace(state=state, stop=self.stop_of(missing)[1])
        top, stop = self.stop_of(node)
        if top in decisions.covered:
            return row._replace(state=State.SUPERSEDED, by=decisions.covered[top])
        return row._replace(stop=stop)

    def would_be_made(self, node: int) -> bool:
        """True if a restore that is only rehearsed would make an object for the node, with its value."""
        if not self.facts.dry:
            return False
        made = self._made.get(node)
        if made is None:  # asked for each of the values
            values = self.facts.graph.nodes[node].values
            made = self._made[node] = any((node, value.key) in self.decisions.given for value in values)
        return made

    def _is_live(self, node: int) -> bool:
        bound = self.facts.bound[node]
        return bound is not None and bound >= 0

    def _live_path(self, node: int) -> str:
        bound = self.facts.bound[node]
        return self.facts.path(bound) if bound is not None and bound >= 0 else self.saved.path(node)

    def top_of(self, node: int) -> int:
        """The topmost node above (or the node itself) that is paired with no object; its parent is paired."""
        parent, bound = self.saved.parent, self.facts.bound
        return climb(node, parent, lambda n: parent[n] < 0 or bound[parent[n]] is not None, self._tops)

    def stop_of(self, node: int) -> tuple[int, Stop | None]:
        """The topmost unmatched node above, and the edge that was not there for it."""
        top = self.top_of(node)
        parent = self.saved.parent[top]
        return top, None if parent < 0 else Stop(self._live_path(parent), self.saved.edge[top])

    def _edge_path(self, node: int) -> Stop | None:
        parent, name = self.decisions.edges.get(node, (-1, ""))
        return None if parent < 0 else Stop(self._live_path(parent), name)

    def _differs(self, mine: Any, key: str) -> bool:
        form = self.facts.form_of(key)
        if form is None or mine.form is None:
            return False
        return form.dtype != mine.form.dtype or not compatible(mine.form.shape, form.shape)

    def _given(self, event: Any) -> State:
        if not isinstance(event, events.OpBuilt) or self.facts.dry:
            return State.RESTORED
        ran, _ = self.decisions.last_run(event.op, self.facts.spoken)
        return State.RESTORED if ran else State.NOT_RUN

    # -- where a value comes from --------------------------------------------------------------------------------------

    def provenance(self, number: int, mine: Any, node: int | None, event: Any) -> Provenance | None:
        """Where the value of a live object comes from that it holds now, as far as its cell's counter can tell."""
        facts = self.facts
        journal = facts.journal
        if facts.dry:
            event = None
        at: int | None = None
        if event is not None:
            if isinstance(event, events.OpBuilt):
                ran, at = self.decisions.last_run(event.op, facts.spoken)
                event = event if ran else None
            elif isinstance(event, events.Created):
                at = 0
            elif isinstance(event, events.Assigned):
                at = event.writes
        now = None if mine is None else mine.writes
        later = [g for g in facts.others.get(number, ()) if at is None or g.writes > at]
        if event is None or later:
            return self._by_others(later, now, mine)
        parent, live_edge = self.decisions.edges.get(node if node is not None else -1, (-1, ""))
        edge, saved_edge = "", ""
        if parent >= 0:
            edge = facts.path(number) if node in self.saved.slot_of else f"{self._live_path(parent)}.{live_edge}"
            saved_edge = self._saved_edge(parent, live_edge, node if node is not None else -1)
        made = isinstance(event, events.Created)
        overwrote = "" if at is None or made or mine is None else self._overwrote(number, mine, at - 1)
        since = 0 if at is None or now is None else now - at
        return Provenance(
            event.key, journal.source, journal.uid, edge, saved_edge, overwrote, since,
            at is not None and mine is not None and mine.initialised > at, made,
        )  # fmt: skip

    def _saved_edge(self, parent: int, live_edge: str, node: int) -> str:
        """The name in the file of the edge by which a node was matched, if the live edge has another; else ""."""
        if self.saved.parent[node] == parent and self.saved.edge[node] == live_edge:
            return ""
        names = self._names.get(parent)
        if names is None:
            names = self._names[parent] = {}
            for name, child in self.facts.graph.nodes[parent].children:
                names.setdefault(child, set()).add(name)
        stored = names.get(node, set())
        return "" if live_edge in stored else min(stored, default="")

    def _overwrote(self, number: int, mine: Any, before: int) -> str:
        """What the value was that a restore overwrote; the cell had been written ``before`` times."""
        for other in self.facts.others.get(number, ()):
            if other.writes == before:
                return f"restore {other.uid}"
        if self.facts.journal.mode == "eager":
            return "written value" if before else "initialiser"
        if before == 0:
            return "nothing"
        if mine.initialised == before:
            return "initialiser"
        return "" if mine.initialised > before else "written value"

    def _by_others(self, given: list[Given], now: int | None, mine: Any) -> Provenance | None:
        if mine is None or now is None:
            return None
        if given:
            last = given[-1]
            after = mine.initialised > last.writes
            return Provenance(last.key, last.source, last.uid, writes_since=now - last.writes, initialised_since=after)
        born = mine.initialised > 0 or self.facts.journal.mode == "eager"
        return Provenance(writes_since=now - mine.initialised, initialised_since=born)

    # -- live values that the file has not --------------------------------------------------------------------------------

    def _live_rows(self) -> None:
        facts = self.facts
        paired = {bound: node for node, bound in enumerate(facts.bound) if bound is not None and bound >= 0}
        for number, live in enumerate(facts.live):
            for value in live.values:
                if (number, value.name) in self._told:
                    continue
                node = paired.get(number)
                state, by = State.MISSING, None
                if live.known is not None and live.known in self.decisions.initialised:
                    state = State.INITIALISED
                if live.reached > facts.journal.uid:
                    state, by = State.SUPERSEDED, live.reached
                row = Row(state, None, facts.path(number), None, value.name, self._live_stop(number, paired), by=by)
                self._add(row._replace(provenance=self.provenance(number, value, node, None)), node, number)

    def _live_stop(self, number: int, paired: dict[int, int]) -> Stop | None:
        facts, parent = self.facts, self.facts.parent
        number = climb(number, parent, lambda n: not n or not parent[n] or parent[n] in paired, self._live_tops)
        return Stop(facts.path(facts.parent[number]), facts.edge[number]) if number else None


def compatible(wanted: tuple[int | None, ...] | None, given: tuple[int | None, ...] | None) -> bool:
    """True if a value of the shape ``given`` may stand where ``wanted`` is asked for (None: any size)."""
    if wanted is None or given is None:
        return True
    return len(wanted) == len(given) and all(w is None or w == g for w, g in zip(wanted, given, strict=True))
