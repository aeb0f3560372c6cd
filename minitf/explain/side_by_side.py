"""The same program in both runtimes, its two timelines lined up by what the events mean.

    print(minitf.side_by_side(program))

shows when each value arrives: in eager mode where the program says so, in a graph when a session runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from minitf.core.runtime import using
from minitf.core.structures import flatten, pack
from minitf.core.tensor import EagerTensor, Tensor
from minitf.explain.book import Objects, book
from minitf.explain.player import framed, page, write
from minitf.explain.recorder.recording import record
from minitf.objects.variable import Variable
from minitf.runtimes.eager import EAGER
from minitf.runtimes.graph import Graph
from minitf.runtimes.graph_home import GraphKeys
from minitf.runtimes.session import Session, as_in_a_new_process
from minitf.timeline import Event, Timeline

SHOWN = 40  # lines of the text


class Arrival(NamedTuple):
    """When one value is there: ``eager`` and ``graph`` are steps of the timelines (from 1), None: never.

    ``built``: the step at which the graph got the operation that brings it, if that is another step.
    """

    what: str
    eager: int | None
    built: int | None
    graph: int | None


class SideBySide:
    """What ``side_by_side`` gives: two timelines and how they belong together.

    * ``eager``, ``graph``: the timelines; ``arrivals``: when each value is there in either.
    * ``results``: what the program returned in eager mode, and its values after a run in the graph's session.
    """

    def __init__(self, eager: Timeline, graph: Timeline, results: tuple[Any, Any], title: str):
        self.eager = eager
        self.graph = graph
        self.results = results
        self.title = title
        self._meanings = [meanings(eager), meanings(graph)]
        self.arrivals = _arrivals(eager, graph, *self._meanings)

    def positions(self) -> list[tuple[int, int]]:
        """Steps of the two timelines, one pair after the other: events of one meaning come together where order allows."""
        left, right = self._meanings
        out: list[tuple[int, int]] = []
        a = b = 0
        for i, j, size in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
            out += [(step + 1, b) for step in range(a, i)]
            out += [(i, step + 1) for step in range(b, j)]
            out += [(i + k + 1, j + k + 1) for k in range(size)]
            a, b = i + size, j + size
        return out

    def _page(self) -> str:
        positions = self.positions()
        first: list[dict[int, int]] = [{}, {}]
        for number, pair in enumerate(positions, 1):
            for side in (0, 1):
                first[side].setdefault(pair[side], number)

        def cell(step: int | None, timeline: Timeline, side: int, built: int | None = None) -> list[Any]:
            if step is None:
                return ["never" if built is None else f"built at step {built}, never run", first[side].get(built or 0, 0)]
            place = timeline[step - 1].place
            line = "" if place is None else f", line {place[1]}"
            before = "" if built is None else f"built at step {built}, there "
            return [f"{before}at step {step}{line}", first[side][step]]

        rows = [[a.what, cell(a.eager, self.eager, 0), cell(a.graph, self.graph, 1, a.built)] for a in self.arrivals[:400]]
        return page(book([self.eager, self.graph], self.title, positions, rows))

    def save_html(self, path: Any) -> str:
        """Writes the player with both timelines beside each other; gives the path."""
        return write(self._page(), path)

    def _repr_html_(self) -> str:
        return framed(self._page(), self.title)

    def __str__(self) -> str:
        width = min(60, max([len("value"), *(len(a.what) for a in self.arrivals[:SHOWN])]))
        lines = [f"{self.title}: when each value is there", f"{'value':<{width}}  {'eager':<22}  graph"]
        for a in self.arrivals[:SHOWN]:
            lines.append(f"{a.what[:width]:<{width}}  {_when(a.eager, self.eager):<22}  {_when(a.graph, self.graph, a.built)}")
        if len(self.arrivals) > SHOWN:
            lines.append(f"and {len(self.arrivals) - SHOWN} more")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<side by side: {len(self.eager)} events in eager mode, {len(self.graph)} in a graph>"


def _when(step: int | None, timeline: Timeline, built: int | None = None) -> str:
    if step is None:
        return "never" if built is None else f"built at step {built}, never run"
    place = timeline[step - 1].place
    return f"step {step}{'' if place is None else f', line {place[1]}'}{'' if built is None else f' (built at step {built})'}"


def side_by_side(program: Callable[[], Any], title: str = "") -> SideBySide:
    """Runs ``program()`` in eager mode, then in a new graph with a session, and records both.

    At the end variables that have no value in the session yet are initialised, and what the program returns (tensors and
    variables, nested as you like) is run. Methods such as ``status.run_restore_ops()`` do nothing in eager mode, so one program
    serves both. Raises what the program raises.
    """
    if not callable(program):
        raise TypeError(f"side_by_side(program): give it a function without arguments, not {program!r}.")
    with as_in_a_new_process(), using(EAGER), record("eager") as eager:
        there = program()
    with Graph().as_default() as built, Session().as_default() as session, record("graph") as graph:
        result = program()
        empty = [v for v in built.get_collection(GraphKeys.GLOBAL_VARIABLES) if session.store.cell(v.handle).empty]
        if empty:
            session.run([v.initializer for v in empty])
        later = _run(session, result)
    name = title or getattr(program, "__name__", "program")
    return SideBySide(eager, graph, (_values(there), later), name)


def _run(session: Session, result: Any) -> Any:
    flat = flatten(result)
    wanted = [i for i, leaf in enumerate(flat) if isinstance(leaf, (Tensor, Variable))]
    values = dict(zip(wanted, session.run([flat[i] for i in wanted]), strict=True)) if wanted else {}
    return pack(result, [values.get(i, leaf) for i, leaf in enumerate(flat)])


def _values(result: Any) -> Any:
    return pack(result, [leaf.numpy() if isinstance(leaf, (EagerTensor, Variable)) else leaf for leaf in flatten(result)])


# -- what events mean ----------------------------------------------------------------------------------------------------


def meanings(timeline: Timeline) -> list[Hashable]:
    """For each event what it means in either runtime: places in the tree instead of numbers, results instead of their ops."""
    objects = Objects(list(enumerate(timeline.events, 1)))
    places = objects.drawn()["places"]
    seen: Counter[Hashable] = Counter()
    out: list[Hashable] = []
    for step, event in enumerate(timeline.events):
        meaning = _meaning(event, places)
        if meaning is None:
            meaning = ("only here", event.kind, event.runtime, step)
        else:
            seen[meaning] += 1
            meaning = (*meaning, seen[meaning])
        out.append(meaning)
    return out


def _meaning(event: Event, places: dict[int, str]) -> tuple[Hashable, ...] | None:
    data = event.data

    def place(number: Any) -> Hashable:
        found: Hashable = places.get(number, number)
        return found

    if event.kind == "object":
        return "object", place(data["object"])
    if event.kind in ("edge", "slot", "edge gone"):
        return event.kind, place(data["parent"]), data["name"], place(data.get("variable"))
    if event.kind == "value":
        first = data["cause"] in ("initial value", "initialiser")
        source = ("restore", data["restore"], data.get("key")) if data["cause"] == "restore" else (("later", "first")[first],)
        return "value", place(data["object"]), source
    if event.kind in ("match", "waiting", "conflict", "not used"):
        return event.kind, data["restore"], data["node"], data.get("name")
    if event.kind in ("restored", "restore op"):
        return "restored", data["restore"], data["node"], data["key"]
    if event.kind in ("op", "operation"):
        return "op", data["op"], event.place
    if event.kind == "restore":
        return "restore", data["restore"]
    if event.kind in ("save", "file"):
        return event.kind, data.get("prefix", data.get("path")), data.get("what")
    return None


def _arrivals(eager: Timeline, graph: Timeline, left: Sequence[Any], right: Sequence[Any]) -> list[Arrival]:
    """Values of variables first, then results of ops, in the order of the eager program, then what only the graph has."""
    there = {meaning: step for step, meaning in enumerate(left, 1)}
    later = {meaning: step for step, meaning in enumerate(right, 1)}
    ran: dict[tuple[int, int], int] = {}
    for step, event in enumerate(graph.events, 1):
        if event.kind == "ran":
            ran.setdefault((event.data["graph"], event.data["operation"]), step)
    values, results = [], []
    for meaning in [m for m in dict.fromkeys([*left, *right]) if m[0] == "value"]:
        _, place, source, count = meaning
        how = {"restore": f"the value of restore {source[1]}" if len(source) > 1 else "", "first": "its first value"}
        words = how.get(source[0], f"assignment {count}")
        built = _built(graph, later.get(meaning))
        values.append(Arrival(f"{place}: {words}", there.get(meaning), built, later.get(meaning)))
    for meaning in [m for m in left if m[0] == "op"]:
        step, built = there[meaning], later.get(meaning)
        if built is None:
            continue
        data = graph[built - 1].data
        where = "" if meaning[2] is None else f" in line {meaning[2][1]}"
        results.append(Arrival(f"{meaning[1]}{where}", step, built, ran.get((data["graph"], data["operation"]))))
    return values + results


def _built(graph: Timeline, step: int | None) -> int | None:
    if step is None or "operation" not in graph[step - 1].data:
        return None
    data = graph[step - 1].data
    key = (data["graph"], data["operation"])
    for i, event in enumerate(graph.events, 1):
        if event.kind == "operation" and (event.data["graph"], event.data["operation"]) == key:
            return i
    return None
