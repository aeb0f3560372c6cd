"""A timeline: what happened in a program, as plain data in order.

A recorder writes it (``minitf.record``), the player shows it step by step (``timeline.save_html(path)``), and it goes through
JSON unchanged. Events name objects by small numbers in order of appearance and hold none, so two runs of one program give equal
timelines. Anything that knows an order of events can make one::

    timeline = Timeline("two writers, one reader")
    timeline.add("note", "the reader opens the index", actor="reader")
    timeline.save_html("failure.html")

Kinds of events, with what their ``data`` holds. Readers show a kind that they do not know by its text. Numbers: ``object`` and
the like count live objects, ``node`` those of a checkpoint, ``restore`` restores, ``graph`` and ``session`` those, and
``operation`` the operations of a graph. ``value`` is what ``describe`` gives.

=============  ==========================================================================================================
object         a live object is there: object, type, name (a variable's), dtype, shape
edge           an edge points to an object: parent, name, child; ``edge gone``: parent, name
slot           an optimizer keeps a slot variable: parent, variable, name, child
value          a variable has a new value: object, session (or none: eager), value, cause (``initial value``, ``initialiser``,
               ``restore``, ``assignment``, ``earlier``: before the recording), restore, key; operation, graph when an
               operation of a graph did it
restore        a restore begins: restore, source, root (an object), nodes: for each node its children (name, node), values
               (name, key, dtype, shape), slots (variable, slot name, node)
match          an object is paired with a node: restore, object, node, parent, name; also ``conflict`` (bound: who has the node)
waiting        a node waits for an object: restore, object (that lacks it), name, node; slots: variable, what
covered        a newer restore waits for the same: restore, object, name, node, by
restored       an object has its stored value: restore, object, node, key, how (``assigned``, ``created``, ``python``)
restore op     the operation that will bring a value: restore, object, node, key, name, reused
not used       a stored value is left: restore, object, node, why (``superseded``, ``matched twice``, ``no place``)
run            restore operations were run (ops) or initialisers (objects): restore
failed         a restore step failed and was taken back: restore, error
op             an op ran in eager mode: op, reads, writes (objects)
operation      a graph has a new operation: graph, operation, name, op, inputs, control (operations), variables (objects)
session run    a session begins (phase ``begin``: fetches, feeds) or ends (phase ``end``) a run: session, graph
ran            an operation ran in a session: session, graph, operation, reads, writes (objects), value of its first output
save           a checkpoint was written: prefix, values: (key, dtype, shape)
file           a file was written or removed: path (relative to the program's folder where it is below), what, size
error          an error came out: type, message
note           anything else
=============  ==========================================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from minitf.core.runtime import load
from minitf.errors import InvalidArgumentError

if TYPE_CHECKING:
    import networkx as nx

FORMAT = "minitf timeline 1"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    * ``kind``: see the module's table; ``text``: the same as one sentence.
    * ``runtime``: ``eager``, ``graph``, or empty where neither did it.
    * ``actor``: who did it, where several do things: a thread, a process, a step of a schedule.
    * ``place``: (number of the source, line from 1) in the user's program, or None.
    * ``data``: plain data, the keys of which depend on the kind.
    """

    kind: str
    text: str = ""
    runtime: str = ""
    actor: str = ""
    place: tuple[int, int] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the user's program, or the part of it from line ``first`` on."""

    name: str
    text: str
    first: int = 1


class Timeline(Sequence[Event]):
    """Events in order, and the program's sources. Equal timelines have equal JSON."""

    def __init__(self, title: str = "", events: Sequence[Event] = (), sources: Sequence[Source] = ()):
        self.title = title
        self.events = list(events)
        self.sources = list(sources)

    def add(self, kind: str, text: str = "", *, runtime: str = "", actor: str = "", place: tuple[int, int] | None = None,
            **data: Any) -> Event:  # fmt: skip
        """Appends an event and gives it. ``data`` must be what JSON can hold; arrays go through ``describe``."""
        event = Event(kind, text, runtime, actor, place, data)
        self.events.append(event)
        return event

    def of(self, *kinds: str) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]

    # -- as a sequence -------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __getitem__(self, index: Any) -> Any:
        return self.events[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeline) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    # -- as JSON -------------------------------------------------------------------------------------------------------

    def to_json(self, indent: int | None = None) -> str:
        """The timeline as text that ``from_json`` reads. Raises TypeError or ValueError for data that is not JSON's."""
        events = []
        for e in self.events:
            rest = {"text": e.text, "runtime": e.runtime, "actor": e.actor, "place": e.place, "data": e.data}
            events.append({"kind": e.kind, **{name: value for name, value in rest.items() if value}})
        sources = [{"name": s.name, "text": s.text, "first": s.first} for s in self.sources]
        whole = {"format": FORMAT, "title": self.title, "sources": sources, "events": events}
        return json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Timeline:
        """A timeline from ``to_json``. Raises InvalidArgumentError for any other text."""
        try:
            whole = json.loads(text)
            if whole["format"] != FORMAT:
                raise InvalidArgumentError(
                    f"Timeline.from_json: the format is {whole['format']!r}, and this minitf reads {FORMAT!r}."
                )
            sources = [Source(s["name"], s["text"], s["first"]) for s in whole["sources"]]
            events = [
                Event(e["kind"], e.get("text", ""), e.get("runtime", ""), e.get("actor", ""), _place(e), e.get("data", {}))
                for e in whole["events"]
            ]
            return cls(whole["title"], events, sources)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidArgumentError(
                f"Timeline.from_json: this is no timeline ({type(error).__name__}: {error}). Give it the text that "
                f"Timeline.to_json wrote."
            ) from error

    # -- to look at ----------------------------------------------------------------------------------------------------

    def to_networkx(self, what: str, step: int | None = None) -> nx.DiGraph[Any]:
        """``operations``, ``objects``, ``checkpoint`` or ``match`` at a step (by default at the end) as a networkx DiGraph.

        ``minitf.explain.pictures`` draws it as SVG, DOT or Mermaid. Raises ValueError for another ``what``.
        """
        return load("minitf.explain.networks").to_networkx(self, what, step)  # type: ignore[no-any-return]

    def save_html(self, path: Any) -> str:
        """Writes the player: one file that needs nothing else, to step through the events in a browser. Gives the path."""
        return load("minitf.explain.player").save(self, path)  # type: ignore[no-any-return]  # the player stands above

    def _repr_html_(self) -> str:
        return load("minitf.explain.player").embedded(self)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        width = len(str(len(self.events)))
        lines = []
        for step, e in enumerate(self.events, 1):
            where = "" if e.place is None else f"{self.sources[e.place[0]].name}:{e.place[1]}"
            who = f"[{e.actor}] " if e.actor else ""
            lines.append(f"{step:>{width}}  {where:<16} {e.runtime:<5}  {who}{e.text or e.kind}")
        return "\n".join(([self.title] if self.title else []) + lines)

    def __repr__(self) -> str:
        return f"<timeline {self.title!r}: {len(self.events)} events>"


def _place(event: Mapping[str, Any]) -> tuple[int, int] | None:
    place = event.get("place")
    return None if place is None else (int(place[0]), int(place[1]))


def describe(value: Any) -> dict[str, Any]:
    """An array or NumPy scalar as plain data: dtype, shape, and ``text``: all of a small one, the range of a large one."""
    import numpy as np

    array = np.asarray(value)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "text": _in_words(array)}


LONG = 120  # letters that a key is shown with


def short_key(key: str) -> str:
    """A key for people: a variable's value goes by the path of its variable, a long one by its end."""
    key = key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
    return key if len(key) <= LONG else f"…{key[-LONG:]}"


DEEP = 12  # names that a path is shown with,
NAME = 200  # and letters that a name is


def short_name(name: str) -> str:
    """A name for people: of a long one the last letters. One name of a file may stand in any number of texts."""
    return name if len(name) <= NAME else f"…{name[-NAME:]}"


def short_path(top: str, names: Sequence[str]) -> str:
    """A path for people, from ``top`` down: of a long one the last names."""
    last = list(map(short_name, names[-DEEP:]))
    return ".".join([top if len(names) <= DEEP else "…", *last])


SMALL = 8  # elements that are shown one by one


def _in_words(array: Any) -> str:
    import numpy as np

    if array.dtype.kind in "OSU":
        items = [repr(v) for v in array.reshape(-1)[:3]]
        return ", ".join(items)[:60] + (" …" if array.size > 3 or len(", ".join(items)) > 60 else "")
    if array.size == 0:
        return "empty"
    if array.size <= SMALL:
        return np.array2string(array, precision=4, separator=", ", floatmode="maxprec", max_line_width=200).replace("\n", " ")
    if array.dtype.kind == "b":
        return f"{int(array.sum())} of {array.size} true"
    if array.dtype.kind == "c":
        return f"{array.size} complex numbers"
    numbers = array.astype(np.float64)
    with np.errstate(all="ignore"):
        return f"{numbers.min():.4g} … {numbers.max():.4g}, mean {numbers.mean():.4g}"
