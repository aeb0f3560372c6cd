"""A timeline as the player needs it: what there is to draw, and for each drawn thing a *track* of its states.

A track is a list of [step, state]: from that step on it has the state, until the next. So any step can be shown at once,
forward and backward alike. Everything has its place from the first step on, though it may not be there yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minitf.core.spec import shape_text
from minitf.explain.layout import Box, folded, nested
from minitf.explain.outline import folded_rows, outline
from minitf.timeline import DEEP, Event, Source, Timeline, short_key, short_name, short_path

VALUES = 10  # of one object that are told in its row
LIMIT = 300  # nodes that are shown at once; beyond, scopes and subtrees are folded

ABSENT, LOOSE, ATTACHED = range(3)  # states of a row of live objects
UNREAD, UNREACHED, WAITING, MATCHED, BUILT, RESTORED, UNUSED = range(7)  # states of a row of a checkpoint
NOT_BUILT, OPERATION, WANTED, RAN = range(4)  # states of an operation


def book(timelines: Sequence[Timeline], title: str, positions: Sequence[Sequence[int]] | None = None,
         arrivals: Sequence[Any] = ()) -> dict[str, Any]:  # fmt: skip
    """All that the page shows, as plain data. Several timelines stand side by side.

    ``positions``: for each position of the slider the step of each timeline (0: nothing yet); by default every step of the one.
    """
    sources: dict[Source, int] = {}
    for timeline in timelines:
        for source in timeline.sources:
            sources.setdefault(source, len(sources))
    return {
        "title": title,
        "lanes": [lane(t, [sources[s] for s in t.sources]) for t in timelines],
        "positions": [list(p) for p in positions or [[i + 1] for i in range(len(timelines[0]))]],
        "sources": [{"name": s.name, "first": s.first, "text": s.text} for s in sources],
        "arrivals": list(arrivals),
    }


def lane(timeline: Timeline, sources: Sequence[int]) -> dict[str, Any]:
    """One timeline. Steps count from 1; at step 0 nothing has happened. ``sources``: the page's numbers of its sources."""
    numbered = list(enumerate(timeline.events, 1))
    steps = []
    for e in timeline.events:
        source, line = (-1, -1) if e.place is None else (sources[e.place[0]], e.place[1])
        steps.append([e.kind, e.text or e.kind, e.runtime, e.actor, source, line, _focus(e)])
    return {
        "title": timeline.title,
        "steps": steps,
        **Objects(numbered).drawn(),
        "graphs": graphs(numbered),
        "files": [[step, e.data["path"], e.data["what"], e.data["size"]] for step, e in numbered if e.kind == "file"],
    }


def _focus(event: Event) -> list[Any]:
    """What a step is about: [live objects], [restore, node] or none, [graph, operation] or none."""
    data = event.data
    names = ("object", "child", "parent", "bound") if event.kind not in ("restore", "save") else ()
    objects = [data[n] for n in names if isinstance(data.get(n), int) and (n != "parent" or event.kind in ("edge", "slot"))]
    objects += [*data.get("reads", ()), *data.get("writes", ())]
    node = [data["restore"], data["node"]] if "restore" in data and isinstance(data.get("node"), int) else None
    operation = [data["graph"], data["operation"]] if "graph" in data and "operation" in data else None
    return [list(dict.fromkeys(objects)), node, operation]


class Track(list[list[Any]]):
    """[step, state] pairs; the last of one step counts."""

    def to(self, step: int, state: Any) -> None:
        """From ``step`` on it is ``state``."""
        if self and self[-1][1] == state:
            return
        if self and self[-1][0] == step:
            self.pop()
        self.append([step, state])


class Objects:
    """The live objects, the checkpoints, the matches between them, and the variables with where their values come from."""

    def __init__(self, numbered: Sequence[tuple[int, Event]]):
        self.numbered = numbered
        self.born: dict[int, int] = {}
        self.what: dict[int, dict[str, Any]] = {}
        self.edges: dict[tuple[int, str, int], Track] = {}
        self._under: dict[tuple[int, str], list[Track]] = {}  # the same by parent and name
        self.roots: dict[int, None] = {}
        self.restores: dict[int, tuple[int, dict[str, Any]]] = {}
        self.nodes: dict[tuple[int, int], Track] = {}
        self.keys: dict[tuple[int, str], int] = {}
        self.edge_of: dict[tuple[int, int], str] = {}
        self.matches: list[list[Any]] = []
        self.values: dict[tuple[int, int], list[list[Any]]] = {}
        for step, event in numbered:
            read = getattr(self, "_" + event.kind.replace(" ", "_"), None)
            if read is not None:
                read(step, event.data)

    # -- reading -------------------------------------------------------------------------------------------------------

    def _object(self, step: int, data: Any) -> None:
        self.born.setdefault(data["object"], step)
        self.what[data["object"]] = data

    def _edge(self, step: int, data: Any) -> None:
        self._edge_gone(step, data)
        self._edge_at(data["parent"], data["name"], data["child"]).to(step, ATTACHED)

    def _edge_at(self, parent: int, name: str, child: int) -> Track:
        track = self.edges.get((parent, name, child))
        if track is None:
            track = self.edges[parent, name, child] = Track()
            self._under.setdefault((parent, name), []).append(track)
        return track

    def _edge_gone(self, step: int, data: Any) -> None:
        for track in self._under.get((data["parent"], data["name"]), ()):
            if track[-1][1] == ATTACHED:
                track.to(step, ABSENT)

    def _slot(self, step: int, data: Any) -> None:
        name = f"{data['name']} of {self.what.get(data['variable'], {}).get('name', '?')}"
        self._edge_at(data["parent"], name, data["child"]).to(step, ATTACHED)

    def _restore(self, step: int, data: Any) -> None:
        self.restores[data["restore"]] = (step, data)
        for node, saved in enumerate(data["nodes"]):
            self.nodes[data["restore"], node] = Track([[0, UNREAD], [step, UNREACHED]])
            for _, key, *_ in saved["values"]:
                self.keys[data["restore"], key] = node

    def _to(self, step: int, data: Any, state: int) -> None:
        track = self.nodes.get((data["restore"], data["node"]))
        if track is not None:
            track.to(step, state)

    def _match(self, step: int, data: Any) -> None:
        if data["parent"] < 0 and data["object"] is not None:
            self.roots[data["object"]] = None
        self._to(step, data, MATCHED)
        self.edge_of[data["restore"], data["node"]] = data["name"]
        if data["object"] is not None:
            self.matches.append([data["restore"], data["node"], data["object"], step, -1])

    def _waiting(self, step: int, data: Any) -> None:
        track = self.nodes.get((data["restore"], data["node"]))
        if track is not None and track[-1][1] == UNREACHED:
            track.to(step, WAITING)

    def _restore_op(self, step: int, data: Any) -> None:
        self._to(step, data, BUILT)

    def _restored(self, step: int, data: Any) -> None:
        self._to(step, data, RESTORED)

    def _not_used(self, step: int, data: Any) -> None:
        self._to(step, data, UNUSED)

    def _failed(self, step: int, data: Any) -> None:
        undone = {number + 1 for number in data["undone"]}
        for match in self.matches:
            if match[3] in undone and match[0] == data["restore"]:
                match[4] = step
        for number in undone:
            event = self.numbered[number - 1][1]
            if event.kind in ("match", "waiting", "restore op", "restored", "not used"):
                self._to(step, event.data, UNREACHED)

    def _value(self, step: int, data: Any) -> None:
        if data["cause"] == "restore" and "key" in data:
            node = self.keys.get((data["restore"], data["key"]))
            if node is not None:
                self.nodes[data["restore"], node].to(step, RESTORED)
        entry = [step, data["value"]["text"], self._provenance(step, data), data["cause"]]
        self.values.setdefault((data["object"], data["session"] or 0), []).append(entry)

    def _provenance(self, step: int, data: Any) -> str:
        cause = data["cause"]
        if cause == "restore":
            restore, key = data["restore"], data.get("key", "?")
            source = self.restores[restore][1]["source"] if restore in self.restores else "a checkpoint"
            node = self.keys.get((restore, key), -1)
            why = "" if (restore, node) not in self.edge_of else f", because edge {self.edge_of[restore, node]} matched"
            return f"from {short_key(key)} of {source} by restore {restore}{why}"
        event = self.numbered[step - 1][1]
        line = "" if event.place is None else f" (line {event.place[1]})"
        if cause == "earlier":
            return "it had it before the recording"
        known = {"initial value": "its initial value", "initialiser": "its initialiser ran"}
        return known.get(cause, "assigned by the program") + line

    # -- drawing -------------------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """What the page needs."""
        rows, places = self._live()
        return {
            "live": rows,
            "liveFold": folded_rows(self._outline, LIMIT),
            "saved": [self._saved(number) for number in self.restores],
            "matches": self.matches,
            "places": places,
            "values": [self._cell(number, session, places) for number, session in sorted(self.values)],
        }

    def _cell(self, number: int, session: int, places: Mapping[int, str]) -> dict[str, Any]:
        track = self.values[number, session]
        return {
            "object": number, "session": session, "name": places.get(number, ""), "what": self._spec(number), "track": track
        }  # fmt: skip

    def _spec(self, number: int) -> str:
        what = self.what.get(number, {})
        return f"{what.get('dtype', '')} {shape_text(what.get('shape'))}"

    def _live(self) -> tuple[list[list[Any]], dict[int, str]]:
        edges: dict[int, list[tuple[str, int]]] = {}
        for parent, name, child in self.edges:
            edges.setdefault(parent, []).append((name, child))
        self._outline = outline(list(self.born), edges, self.roots)
        drawn, places = [], dict[int, str]()
        chains: dict[int, list[str]] = {}  # by row, the last names of its path
        for number, row in enumerate(self._outline):
            what = self.what.get(row.node, {})
            track = Track([[0, ABSENT]])
            if row.refers < 0:
                track.to(self.born.get(row.node, 0), LOOSE if row.parent >= 0 else ATTACHED)
            if row.parent >= 0:
                for step, state in self.edges[self._outline[row.parent].node, row.name, row.node]:
                    track.to(step, state if state or row.refers >= 0 else LOOSE)
            name = row.name or ("(root)" if row.node in self.roots else what.get("name") or f"({what.get('type', '?')})")
            if row.refers < 0:
                chain = [] if row.parent < 0 else chains[row.parent]
                chains[number] = [*chain[-DEEP:], name]
                whole = row.depth <= DEEP
                places[row.node] = ".".join(chains[number]) if whole else short_path("…", chains[number])
            kind = what.get("type", "?") if what.get("type") != "Variable" else self._spec(row.node)
            drawn.append([name, kind, row.depth, row.parent, row.refers, row.cycle, row.node, track])
        return drawn, places

    def _saved(self, restore: int) -> dict[str, Any]:
        step, data = self.restores[restore]
        nodes = data["nodes"]
        edges: dict[int, list[tuple[str, int]]] = {}
        for node, saved in enumerate(nodes):
            edges[node] = [(name, child) for name, child in saved["children"]]
        names = {row.node: row for row in outline(range(len(nodes)), edges, [0])}
        for node, saved in enumerate(nodes):
            for variable, name, slot in saved["slots"]:
                edges[node].append((f"{name} of {short_name(names[variable].name)}", slot))
        rows = outline(range(len(nodes)), edges, [0])
        drawn = []
        for row in rows:
            values = nodes[row.node]["values"]
            told = [f"{dtype} {shape_text(shape)}" if dtype else name for name, _, dtype, shape in values[:VALUES]]
            kind = ", ".join([*told, f"and {len(values) - VALUES} more"] if len(values) > VALUES else told)
            track = self.nodes[restore, row.node]
            drawn.append([row.name or "(root)", kind, row.depth, row.parent, row.refers, row.cycle, row.node, track])
        return {"restore": restore, "source": data["source"], "from": step, "rows": drawn, "fold": folded_rows(rows, LIMIT)}


def graphs(numbered: Sequence[tuple[int, Event]]) -> list[dict[str, Any]]:
    """The graphs with their operations, in boxes by scope, and what each operation does at which step."""
    out: dict[int, dict[str, Any]] = {}
    tracks: dict[tuple[int, int], Track] = {}
    active: dict[int, list[int]] = {}
    for step, event in numbered:
        data = event.data
        if event.kind == "operation":
            graph = out.setdefault(data["graph"], {"graph": data["graph"], "names": [], "nodes": [], "edges": []})
            track = tracks[data["graph"], data["operation"]] = Track([[0, NOT_BUILT], [step, OPERATION]])
            graph["names"].append(data["name"])
            graph["nodes"].append([data["name"], data["op"], (data["outputs"] or [""])[0], track])
            graph["edges"] += [[number, data["operation"], "data"] for number in data["inputs"]]
            graph["edges"] += [[number, data["operation"], "control"] for number in data["control"]]
            if data["op"] == "variable":
                graph.setdefault("handles", {}).update(dict.fromkeys(data["variables"], data["operation"]))
            else:
                handles = graph.get("handles", {})
                graph["edges"] += [[handles[v], data["operation"], "variable"] for v in data["variables"] if v in handles]
        elif event.kind == "session run" and data["phase"] == "begin":
            for number in active.get(data["graph"], ()):
                tracks[data["graph"], number].to(step, OPERATION)
            active[data["graph"]] = data["operations"]
            for number in data["operations"]:
                tracks[data["graph"], number].to(step, WANTED)
        elif event.kind == "session run":
            for number in active.get(data["graph"], ()):  # constants are not noted one by one
                tracks[data["graph"], number].to(step, RAN)
        elif event.kind == "ran":
            tracks[data["graph"], data["operation"]].to(step, RAN)
    for graph in out.values():
        names = graph.pop("names")
        box = nested(names, [(a, b) for a, b, _ in graph["edges"]])
        graph["box"] = _boxed(box)
        graph["fold"] = folded(box, LIMIT)
        graph.pop("handles", None)
    return [out[number] for number in sorted(out)]


def _boxed(box: Box) -> dict[str, Any]:
    return {"name": box.name, "rows": [[_boxed(c) if isinstance(c, Box) else c for c in row] for row in box.rows]}
