"""Finds the causes: first those that single rows show, then those of the edges at which the walk stopped (stops.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property

from minitf.explain.paths import climb
from minitf.explain.why.causes import Cause, Place, Why
from minitf.explain.why.facts import GONE, Facts, SavedTree
from minitf.explain.why.likeness import Look, Looks, live_looks, saved_looks
from minitf.explain.why.rows import Row, State
from minitf.explain.why.states import States, compatible
from minitf.explain.why.words import in_words
from minitf.journal import Ran

FIRST = {
    Why.OTHER_HOME, Why.OTHER_GRAPH, Why.OTHER_SESSION, Why.NEVER_RUN, Why.OTHER_ROOT, Why.OTHER_CHECKPOINT, Why.NAME_BASED,
    Why.NO_CHECKPOINT, Why.SHAPE, Why.DTYPE, Why.REORDERED, Why.FAILED,
}  # fmt: skip
LAST = {Why.STRAY, Why.NOT_MADE_YET, Why.ABSENT, Why.ADDED, Why.NO_COUNTER, Why.MERGED}
GROUPED_BY_NAMES = {Why.RENAMED, Why.SUPERSEDED}


class Findings:
    """The causes found so far: for each row at most one, the first that was found."""

    def __init__(self, states: States) -> None:
        self.states = states
        self.facts: Facts = states.facts
        self.saved: SavedTree = states.saved
        self.rows: list[Row] = states.rows
        self._of_row: list[int | None] = [None] * len(self.rows)  # numbers of kinds and names, which may be many and long
        self._numbers: dict[tuple[Why, tuple[str, ...]], int] = {}
        self._places: list[dict[Place, None]] = []
        self.tops: dict[int, int] = {}  # by node below one whose object is gone: the topmost of these
        self._looks = Looks()
        self.node_of = {b: n for n, b in reversed(list(enumerate(self.facts.bound))) if b is not None and b >= 0}
        self.rows_of_node: dict[int, list[int]] = defaultdict(list)
        self.rows_of_object: dict[int, list[int]] = defaultdict(list)
        for row, (node, number) in enumerate(zip(states.nodes, states.objects, strict=True)):
            if node is not None and self.rows[row].saved is not None:
                self.rows_of_node[node].append(row)
            if number is not None:
                self.rows_of_object[number].append(row)

    @cached_property
    def saved_looks(self) -> dict[int, Look]:
        """How the nodes of the checkpoint look."""
        return saved_looks(self._looks, self.saved, self.facts)

    @cached_property
    def live_looks(self) -> dict[int, Look]:
        """How the live objects look."""
        return live_looks(self._looks, self.facts)

    def has(self, row: int) -> bool:
        """Whether a row's cause is known."""
        return self._of_row[row] is not None

    def has_any(self, kind: Why) -> bool:
        """Whether a cause of this kind was found."""
        return any(key[0] is kind for key in self._numbers)

    def note(
        self, kind: Why, places: Sequence[Place], rows: Iterable[int], names: tuple[str, ...] = (), state: State | None = None
    ) -> None:
        """Notes a cause for those of the rows that have none yet; with ``state`` they get that state."""
        number = self._numbers.setdefault((kind, names), len(self._places))
        if number == len(self._places):
            self._places.append({})
        self._places[number].update(dict.fromkeys(places))
        for row in rows:
            if self._of_row[row] is None:
                self._of_row[row] = number
                if state is not None:
                    self.rows[row] = self.rows[row]._replace(state=state)

    def place_of(self, row: int, detail: str = "") -> Place:
        """The place of one row."""
        return Place(self.rows[row].saved, self.rows[row].live, detail)

    def causes(self) -> list[Cause]:
        """The causes, grouped, the telling ones first; the rows get theirs."""
        groups: dict[tuple[Why, tuple[str, ...]], list[tuple[int, tuple[str, ...]]]] = defaultdict(list)
        for (kind, names), number in self._numbers.items():
            groups[kind, names if kind in GROUPED_BY_NAMES else ()].append((number, names))
        counts: dict[int | None, list[int]] = defaultdict(lambda: [0, 0])
        for row, of_row in zip(self.rows, self._of_row, strict=True):
            counts[of_row][row.saved is None] += 1
        out: dict[int, Cause] = {}
        found: list[Cause] = []
        for (kind, _), members in groups.items():
            places = tuple(dict.fromkeys(place for number, _ in members for place in self._places[number]))
            saved, live = (sum(counts[number][side] for number, _ in members) for side in (0, 1))
            if not places:
                continue
            first = places[0]
            path = first.saved or first.live or "(root)"
            other = (first.live or "") if first.saved else ""
            names = members[0][1] if len(members) == 1 else tuple(dict.fromkeys(name for _, names in members for name in names))
            other = other if other != path else ""
            cause = in_words(Cause(kind, path, other, places, saved + live, max(saved, live), names))
            found.append(cause)
            out.update((number, cause) for number, _ in members)
        for at, of_row in enumerate(self._of_row):
            if of_row is not None and of_row in out:
                self.rows[at] = self.rows[at]._replace(cause=out[of_row])
        found.sort(key=lambda c: (0 if c.kind in FIRST else 2 if c.kind in LAST else 1, -c.values))
        return found


def find_in_rows(findings: Findings) -> None:
    """Causes that a row shows by itself."""
    facts, rows = findings.facts, findings.rows
    _foreign(findings)
    _reordered(findings)
    for number, row in enumerate(rows):
        if row.state is State.NOT_RUN:
            findings.note(_why_not_run(facts), [findings.place_of(number)], [number])
        elif row.state is State.SUPERSEDED:
            source = facts.sources.get(row.by or 0, "")
            names = (str(row.by), source)
            findings.note(Why.SUPERSEDED, [findings.place_of(number)], [number], names)
        elif row.state is State.TWICE:
            findings.note(Why.MERGED, [findings.place_of(number)], [number])
        elif row.state is State.UNUSED and findings.states.nodes[number] is None:
            findings.note(Why.STRAY, [findings.place_of(number)], [number])
        elif row.state is State.UNUSED:
            bound = findings.states.objects[number]
            kind = "" if bound is None else facts.live[bound].kind
            findings.note(Why.OTHER_KIND, [findings.place_of(number, kind)], [number])
        elif row.state is State.REPLACED:
            _replaced(findings, number)
        elif row.state is State.RESTORED and row.provenance is not None:
            told = row.provenance
            if told.initialised_since and told.restore == facts.journal.uid:
                findings.note(Why.INITIALISED_AFTER, [findings.place_of(number)], [number], state=State.INITIALISED)


def find_differing(findings: Findings) -> None:
    """Other shapes and dtypes, where nothing better was found."""
    facts = findings.facts
    for number, row in enumerate(findings.rows):
        bound = findings.states.objects[number]
        if row.state is not State.DIFFERS or findings.has(number) or bound is None or row.key is None:
            continue
        stored = facts.form_of(row.key)
        mine = next((v.form for v in facts.live[bound].values if v.name == row.value), None)
        if stored is None or mine is None:
            continue
        kind = Why.SHAPE if not compatible(mine.shape, stored.shape) else Why.DTYPE
        detail = f"{stored} in the checkpoint, {mine} in the program"
        findings.note(kind, [findings.place_of(number, detail)], [number])


def _why_not_run(facts: Facts) -> Why:
    runs = {run.session for run in facts.journal.of(Ran)}
    if facts.session == "other graph":
        return Why.OTHER_GRAPH
    if not runs:
        return Why.NEVER_RUN
    return Why.CAME_AFTER if facts.spoken in runs else Why.OTHER_SESSION


def _foreign(findings: Findings) -> None:
    """Variables of another graph or mode than the restore works in."""
    facts = findings.facts
    for number, live in enumerate(facts.live):
        if any(value.foreign for value in live.values):
            place, rows = Place(None, facts.path(number), live.kind), findings.rows_of_object[number]
            findings.note(Why.OTHER_HOME, [place], rows, state=State.FOREIGN)
    if facts.error and not any(v.foreign for live in facts.live for v in live.values):
        findings.note(Why.FAILED, [Place("(root)", None, facts.error)], [])


def _replaced(findings: Findings, number: int) -> None:
    """The object that was restored hangs in the tree no more: another one stands in its place, or none."""
    facts, states = findings.facts, findings.states
    node = states.nodes[number]
    assert node is not None
    parents = findings.saved.parent
    top = climb(node, parents, lambda n: parents[n] < 0 or (facts.bound[parents[n]] or 0) >= 0, findings.tops)
    parent, name = states.decisions.edges.get(top, (-1, ""))
    above = facts.bound[parent] if parent >= 0 else None
    there = facts.children(above).get(name) if above is not None and above >= 0 else None
    kind = Why.GONE if there is None else Why.REPLACED
    live = None if there is None else facts.path(there)
    dead = facts.bound[top] == GONE
    findings.note(kind, [Place(findings.saved.path(top), live, "dead" if dead else "")], [number])


# -- lists in another order ----------------------------------------------------------------------------------------------


def _reordered(findings: Findings) -> None:
    """Lists whose elements are those of the checkpoint in another order, as the variables' names (or all forms) show."""
    facts, saved = findings.facts, findings.saved
    for node, bound in enumerate(facts.bound):
        if bound is None or bound < 0:
            continue
        children = facts.graph.children(node)
        if len(children) < 2 or not all(name.isdigit() for name in children):
            continue
        live = facts.children(bound)
        both = [name for name in children if name in live]
        if len(both) < 2:
            continue
        stored = [_names_below(findings, children[name]) for name in both]
        now = [_names_of_live(findings, live[name]) for name in both]
        by_names = all(stored) and len(set(stored)) == len(both)
        if not by_names or sorted(map(sorted, stored)) != sorted(map(sorted, now)):
            if not any(_differs_below(findings, children[name]) for name in both):
                continue
            stored = [frozenset([str(findings.saved_looks[children[name]].exact)]) for name in both]
            now = [frozenset([str(findings.live_looks[live[name]].exact)]) for name in both]
            if sorted(map(sorted, stored)) != sorted(map(sorted, now)):
                continue
        wrong = [name for name, a, b in zip(both, stored, now, strict=True) if a != b]
        if wrong:
            place = Place(saved.path(node), facts.path(bound))
            rows = [row for name in wrong for row in _rows_below(findings, children[name])]
            findings.note(Why.REORDERED, [place], rows, tuple(wrong))


def _rows_below(findings: Findings, node: int) -> list[int]:
    return [row for below in findings.saved.below(node) for row in findings.rows_of_node[below]]


def _differs_below(findings: Findings, node: int) -> bool:
    return any(findings.rows[row].state is State.DIFFERS for row in _rows_below(findings, node))


def _names_below(findings: Findings, node: int) -> frozenset[str]:
    nodes = findings.saved.graph.nodes
    return frozenset(v.full_name for n in findings.saved.below(node) for v in nodes[n].values if v.full_name)


def _names_of_live(findings: Findings, number: int) -> frozenset[str]:
    live = findings.facts.live
    return frozenset(v.variable for n in findings.facts.below(number) for v in live[n].values if v.variable)
