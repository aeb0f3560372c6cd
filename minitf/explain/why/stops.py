"""Causes of stops: edges that only the checkpoint has, or only the program."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from minitf.explain.why.causes import Place, Why
from minitf.explain.why.facts import Facts, Hidden
from minitf.explain.why.finding import Findings
from minitf.explain.why.likeness import Candidate, overlap, pairs, stem
from minitf.explain.why.optimizers import is_optimizer, of_other_making, with_other_slots, with_other_state
from minitf.explain.why.rows import State
from minitf.explain.why.stopped import COUNTER_NAME, LIVE_ONLY, WAITING, Meeting, Stops


def find_in_stops(findings: Findings) -> None:
    """Explains every stop."""
    stops = Stops(findings)
    for finder in FINDERS:
        finder(stops)


def _meetings(stops: Stops) -> Iterator[Meeting]:
    yield from list(stops.meetings.values())


def _replaced(stops: Stops) -> None:
    """A live object stands where another one was restored: at the same time (split), or before (replaced)."""
    facts, decisions = stops.facts, stops.findings.states.decisions
    for meeting in _meetings(stops):
        children = facts.graph.children(meeting.node)
        for name, missing in list(meeting.live.items()):
            node = children.get(name)
            if node is None or facts.bound[node] is None:
                continue
            known = facts.live[missing.number].known
            if known is not None and known in {obj for obj, _ in decisions.conflicts.get(node, ())}:
                other = facts.bound[node]
                detail = facts.path(other) if other is not None and other >= 0 else ""
                stops.explain(Why.SPLIT, meeting, None, name, detail=detail, state=State.TWICE)
            else:
                rows, path = missing.rows, facts.path(missing.number)
                meeting.live.pop(name)
                dead = "dead" if facts.bound[node] == -2 else ""
                place = Place(stops.saved.path(node), path, dead)
                stops.findings.note(Why.REPLACED, [place], rows, state=State.REPLACED)


def _failed(stops: Stops) -> None:
    """An attachment that ended with an error."""
    failed = stops.findings.states.decisions.failed
    kinds = {"shape": Why.SHAPE, "dtype": Why.DTYPE, "home": Why.OTHER_HOME}
    for meeting in _meetings(stops):
        for name in list(meeting.saved):
            why = failed.get((stops.known(meeting.number), name))
            if why is not None:
                state = State.DIFFERS if why[0] in ("shape", "dtype") else None
                stops.explain(kinds.get(why[0], Why.FAILED), meeting, name, None, detail=why[1], state=state)


def _in_attributes(stops: Stops) -> None:
    """The object has an attribute of the name, but no edge."""
    kinds = {"untracked": Why.UNTRACKED, "wrapper": Why.WRAPPED, "plain": Why.PLAIN_VALUE}
    for meeting in _meetings(stops):
        for name in list(meeting.saved):
            attribute = stops.facts.attributes.get((meeting.number, name))
            if attribute is not None:
                path = f"{stops.facts.path(meeting.number)}.{name}"
                missing = meeting.saved.pop(name)
                inner = f"{attribute.kind}{f' ({attribute.inner})' if attribute.inner else ''}"
                place = Place(stops.saved.path(missing.number), path, inner)
                stops.findings.note(kinds[attribute.what], [place], missing.rows)


def _hidden(stops: Stops) -> None:
    """Another attribute holds, without an edge, an object with the edges that the checkpoint has here."""
    facts = stops.facts
    for meeting in _meetings(stops):
        hidden = facts.hidden.get(meeting.number)
        if not hidden:
            continue
        like: dict[int, list[Hidden]] = {}  # several edges may lead to one node
        for name, missing in list(meeting.saved.items()):
            if missing.number not in like:
                wanted = facts.graph.children(missing.number)
                like[missing.number] = [one for one in hidden if overlap(wanted, one.edges) >= 0.5]
            if len(like[missing.number]) == 1:
                [(attribute, what, _)] = like[missing.number]
                path = f"{facts.path(meeting.number)}.{attribute}"
                inner = f"{what.kind}{f' ({what.inner})' if what.inner else ''}"
                meeting.saved.pop(name)
                kind = Why.WRAPPED if what.what == "wrapper" else Why.UNTRACKED
                stops.findings.note(kind, [Place(stops.saved.path(missing.number), path, inner)], missing.rows)


def _list_or_dict(stops: Stops) -> None:
    """Numbered edges on one side and named ones on the other."""
    for meeting in _meetings(stops):
        if not meeting.saved or not meeting.live or len(meeting.saved) < len(stops.facts.graph.children(meeting.node)):
            continue
        saved, live = (all(name.isdigit() for name in side) for side in (meeting.saved, meeting.live))
        if saved != live:
            kind = Why.DICT_FOR_LIST if saved else Why.LIST_FOR_DICT
            rows = stops.take(meeting.node)
            kind_of_live = stops.facts.live[meeting.number].kind
            place = Place(stops.saved.path(meeting.node), stops.facts.path(meeting.number), kind_of_live)
            stops.findings.note(kind, [place], rows)


def _roots(stops: Stops) -> None:
    """The checkpoint was written from an object above the root, or below it."""
    meeting = stops.meetings.get(0)
    facts, saved = stops.facts, stops.saved
    if meeting is None or not meeting.saved or not meeting.live:
        return
    stored, live = set(facts.graph.children(0)) - {COUNTER_NAME}, set(facts.children(0)) - {COUNTER_NAME}
    if not stored or not live or stored & live:
        return
    best: tuple[float, str, int] = (0.49, "", 0)
    for node in [n for n in saved.order[1:] if _depth(saved.parent, n) <= 2]:
        best = max(best, (overlap(facts.graph.children(node), live), "below", -node))
    for number in [n for n in range(1, facts.tree) if _depth(facts.parent, n) <= 2]:
        best = max(best, (overlap(facts.children(number), stored), "above", -number))
    if not best[1]:
        return
    rows = stops.take(0)
    place = Place(saved.path(-best[2]), "(root)") if best[1] == "below" else Place("(root)", facts.path(-best[2]))
    stops.findings.note(Why.OTHER_ROOT, [place], rows, (best[1],))


def _depth(parent: list[int], number: int) -> int:
    depth = 0
    while number > 0 and depth < 3:
        number, depth = parent[number], depth + 1
    return depth


def _counters(stops: Stops) -> None:
    """Names that end with a counter, as many on both sides, but shifted."""
    facts = stops.facts
    for meeting in _meetings(stops):
        missing: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for side, edges in enumerate((meeting.saved, meeting.live)):
            for name in edges:
                if stem(name):
                    missing[stem(name)][side].add(name)
        shifted = {base for base, (of_saved, of_live) in missing.items() if of_saved and of_live}
        if not shifted:
            continue
        stored: dict[str, list[tuple[str, int]]] = defaultdict(list)
        live: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for names, edges_of in ((stored, facts.graph.children(meeting.node)), (live, facts.children(meeting.number))):
            for name, number in edges_of.items():
                if stem(name) in shifted:
                    names[stem(name)].append((name, number))
        for base in shifted:
            if len(stored[base]) == len(live[base]):
                _shifted(stops, meeting, stored[base], live[base])


def _shifted(stops: Stops, meeting: Meeting, stored: list[tuple[str, int]], live: list[tuple[str, int]]) -> None:
    findings, facts, saved = stops.findings, stops.facts, stops.saved
    if not any(_fit(stops, node, number) for (_, node), (_, number) in zip(stored, live, strict=True)):
        return
    rows: list[int] = []
    places = []
    for (old, node), (new, number) in zip(stored, live, strict=True):
        places.append(Place(saved.path(node), facts.path(number)))
        for side, name in ((meeting.saved, old), (meeting.live, new)):
            gone = side.pop(name, None)
            rows += [] if gone is None else gone.rows
        rows += [row for below in saved.below(node) for row in findings.rows_of_node[below]]
    findings.note(Why.COUNTER, places, rows)


def _fit(stops: Stops, node: int, number: int) -> bool:
    """Nothing below the two speaks against their being the same object."""
    a, b = stops.findings.saved_looks.get(node), stops.findings.live_looks.get(number)
    return a is not None and b is not None and (a.forms == b.forms or not b.size or a.names == b.names)


def _renamed(stops: Stops) -> None:
    """Edges that lead to objects which look alike."""
    findings = stops.findings
    for meeting in _meetings(stops):
        if not meeting.saved or not meeting.live:
            continue
        saved = [
            Candidate(m.name, m.number, findings.saved_looks[m.number])
            for m in meeting.saved.values()
            if m.number in findings.saved_looks and m.name != COUNTER_NAME
        ]
        live = [
            Candidate(m.name, m.number, findings.live_looks[m.number]) for m in meeting.live.values() if m.name != COUNTER_NAME
        ]
        for a, b in pairs(saved, live):
            stops.explain(Why.RENAMED, meeting, a.name, b.name, (a.name, b.name))


def _moved(stops: Stops) -> None:
    """Objects that look exactly alike and hang elsewhere, each the only one of its look."""
    findings, facts, saved = stops.findings, stops.facts, stops.saved
    nodes: dict[int, list[int]] = defaultdict(list)
    objects: dict[int, list[int]] = defaultdict(list)
    tops: dict[int, tuple[Meeting, str, bool]] = {}
    for meeting in _meetings(stops):
        ways = Counter(missing.number for missing in meeting.saved.values())
        told: set[int] = set()
        for name, missing in meeting.saved.items():
            if missing.number in told:
                continue
            told.add(missing.number)
            for node in saved.below(missing.number):  # to which several edges lead, that is not the only one
                nodes[findings.saved_looks[node].exact] += [node] * min(ways[missing.number], 2)
                tops[node] = meeting, name, True
        for name, missing in meeting.live.items():
            for number in facts.below(missing.number):
                if number < facts.tree:
                    objects[findings.live_looks[number].exact].append(number)
                    tops[-number] = meeting, name, False
    for look, found in nodes.items():
        there = objects.get(look, ())
        if len(found) != 1 or len(there) != 1:
            continue
        [node], [number] = found, there
        of_node, of_object = tops[node], tops[-number]
        is_top = of_node[0].saved.get(of_node[1]), of_object[0].live.get(of_object[1])
        if is_top[0] is None or is_top[1] is None:
            continue
        if is_top[0].number != node and is_top[1].number != number:
            continue  # only what is below something that has moved
        size = findings.saved_looks[node].size
        if size < 2 and (saved.edge[node] != facts.edge[number] or not findings.saved_looks[node].rank):
            continue
        rows = is_top[0].rows + is_top[1].rows
        of_node[0].saved.pop(of_node[1])
        of_object[0].live.pop(of_object[1])
        findings.note(Why.MOVED, [Place(saved.path(node), facts.path(number))], rows)


def _leftover(stops: Stops) -> None:
    """What has no counterpart on the other side at all."""
    facts, findings = stops.facts, stops.findings
    root = stops.meetings.get(0)
    if root is not None and _nothing_in_common(stops, root):
        names = (*sorted(root.saved), "/", *sorted(root.live))
        findings.note(Why.OTHER_CHECKPOINT, [Place("(root)", "(root)")], stops.take(0), names)
    for meeting in _meetings(stops):
        fresh = _unfinished(facts, meeting)
        optimizers: dict[int, bool] = {}  # by node: whether there is one at or below it
        for name, missing in list(meeting.saved.items()):
            if name == COUNTER_NAME and meeting.node == 0:
                stops.explain(Why.NO_COUNTER, meeting, name, None)
            elif fresh is not None:
                node = findings.node_of.get(fresh, meeting.node)
                place = Place(stops.saved.path(node), facts.path(fresh), facts.live[fresh].kind)
                findings.note(Why.NOT_MADE_YET, [place], meeting.saved.pop(name).rows)
            else:
                if missing.number not in optimizers:
                    optimizers[missing.number] = any(is_optimizer(stops, node) for node in stops.saved.below(missing.number))
                stops.explain(Why.NO_OPTIMIZER if optimizers[missing.number] else Why.ABSENT, meeting, name, None)
        for name in list(meeting.live):
            kind = Why.NO_COUNTER if name == COUNTER_NAME and meeting.node == 0 else Why.ADDED
            stops.explain(kind, meeting, None, name)
    for row, told in enumerate(findings.rows):
        if findings.has(row):
            continue
        if told.state is State.WAITING_SLOT:
            _slot(stops, row)
        elif told.state in LIVE_ONLY:
            number = findings.states.objects[row]
            other = number is not None and number in findings.node_of and number < facts.tree
            findings.note(Why.OTHER_KIND if other else Why.ADDED, [findings.place_of(row)], [row])
        elif told.state in WAITING:
            findings.note(Why.ABSENT, [findings.place_of(row)], [row])


def _unfinished(facts: Facts, meeting: Meeting) -> int | None:
    """The object that has yet to make what the checkpoint has here: this one, or one around it that is not built; or None."""
    number = meeting.number
    live = facts.live[number]
    if not live.values and not live.children and not facts.slots.get(number) and not meeting.live:
        return number
    while facts.live[number].built is None and number:
        number = facts.parent[number]
    return number if facts.live[number].built is False else None


def _nothing_in_common(stops: Stops, root: Meeting) -> bool:
    """Only the root was matched, and both sides have other edges."""
    saved, live = set(root.saved) - {COUNTER_NAME}, set(root.live) - {COUNTER_NAME}
    children = set(stops.facts.graph.children(0)) - {COUNTER_NAME}
    return bool(saved and live) and saved == children and not stops.findings.has_any(Why.RENAMED)


def _slot(stops: Stops, row: int) -> None:
    """A slot that the program has yet to make."""
    node = stops.findings.states.nodes[row]
    assert node is not None
    owner = stops.saved.slot_of[node][0]
    bound = stops.facts.bound[owner]
    live = stops.facts.path(bound) if bound is not None and bound >= 0 else None
    kind = stops.facts.live[bound].kind if bound is not None and bound >= 0 else ""
    stops.findings.note(Why.NOT_MADE_YET, [Place(stops.saved.path(owner), live, kind)], [row])


FINDERS = (
    _replaced, _failed, _in_attributes, _list_or_dict, of_other_making, with_other_slots, with_other_state, _roots, _counters,
    _renamed, _moved, _hidden, _leftover,
)  # fmt: skip
