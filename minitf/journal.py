"""What a restore decided, as plain data in order.

A restoration appends one event for each decision. Events name live objects by small numbers (in order of appearance in this
restoration), nodes of the checkpoint by their number, keys and names as text; they hold no object. Assertions, explanations,
timelines and pictures are computed from these events. Of a restore of thousands of variables most events are never asked for:
they are kept in columns and made when somebody looks (``Later``).

``Step`` events divide the journal: each ``restore()``, attachment or run begins one. Their ``at`` grows process-wide, so the
journals of several restores can be merged in the order of time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from minitf.core.around import told, untold

clock = itertools.count(1).__next__


class Step(NamedTuple):
    """Something happened that may lead to decisions: ``restore``, ``attach``, ``slot``, ``create``, ``run`` or ``initialise``.

    ``object`` and ``name``: the parent and the edge (or slot) that appeared.
    """

    at: int
    what: str
    object: int | None = None
    name: str = ""


class Seen(NamedTuple):
    """A live object got its number. ``kind`` is its class, ``name`` a variable's name."""

    object: int
    kind: str
    name: str


class Bound(NamedTuple):
    """An object was paired with a node, reached from node ``parent`` by the edge ``name`` (the root: parent -1)."""

    object: int
    node: int
    parent: int
    name: str


class Conflict(NamedTuple):
    """An object stood where node ``node`` belongs, but the node is paired with object ``bound`` already."""

    object: int
    node: int
    bound: int
    parent: int
    name: str


class Waiting(NamedTuple):
    """Object ``object`` (paired with node ``parent``) has no ``name`` yet: node ``node`` waits for it there."""

    object: int
    parent: int
    name: str
    node: int


class Covered(NamedTuple):
    """A newer restore waits at the same place for everything that this one waits for there, so it is no longer kept for it."""

    object: int
    name: str
    node: int
    by: int


class Assigned(NamedTuple):
    """A variable got the stored value (eager).

    ``writes``: how often its cell had been written then, this time included; None for an object that restores itself.
    """

    object: int
    node: int
    key: str
    writes: int | None


class OpBuilt(NamedTuple):
    """A restore operation of a graph stands ready; ``reused`` if an earlier restore of the saver had added it."""

    object: int
    node: int
    key: str
    op: str
    reused: bool


class Created(NamedTuple):
    """A variable was made with the stored value as its first value: its cell has not been written since it exists."""

    object: int
    node: int
    key: str


class PythonRestored(NamedTuple):
    """A Python state object took its stored string."""

    object: int
    node: int
    key: str


class Superseded(NamedTuple):
    """A value was not used because a newer restore, ``by``, has reached the object."""

    object: int
    node: int
    by: int


class MatchedTwice(NamedTuple):
    """A value was not used because this restore has given the object the value of another node."""

    object: int
    node: int


class UnusedValue(NamedTuple):
    """The object has no place for the stored value ``value`` of its node."""

    object: int
    node: int
    value: str


class SlotWaiting(NamedTuple):
    """A stored slot variable waits for ``what``: ``variable``, ``optimizer`` or ``slot`` (which the program will make)."""

    optimizer: int
    variable: int
    slot: str
    node: int
    what: str


class SlotMade(NamedTuple):
    """A slot variable was made because the checkpoint has it."""

    object: int
    node: int
    slot: str


class Ran(NamedTuple):
    """``ops`` restore operations were run in a session.

    ``session`` is the small number of the session. ``writes``: how often the cells of the variables had been written then, this
    time included, by the names of the operations (None for objects that restore themselves); or one number: all operations
    built so far were run, and it holds for every variable. Empty for a run that was repeated later in the session.
    """

    ops: int
    session: int
    writes: int | dict[str, int | None]


class Initialised(NamedTuple):
    """The initialiser of a variable was run, because this restore does not cover it."""

    object: int


class Failed(NamedTuple):
    """The step ended with an error; what it had begun was taken back.

    ``why``: ``shape``, ``dtype``, ``home`` (a variable lives in another graph or mode than the restore works in), or ``""``.
    """

    error: str
    why: str = ""


KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Step, Seen, Bound, Conflict, Waiting, Covered, Assigned, OpBuilt, Created, PythonRestored, Superseded, MatchedTwice,
        UnusedValue, SlotWaiting, SlotMade, Ran, Initialised, Failed,
    )
}  # fmt: skip


class Later:
    """Many events in one entry of ``Journal.raw``. ``make`` gives them as bare tuples, as often as it is called."""

    __slots__ = ("count", "make")

    def __init__(self, count: int, make: Callable[[], Iterable[tuple[Any, ...]]]):
        self.count = count
        self.make = make


FEW = 32  # events that are sooner made than put off


def _of_variable(
    at: int, parent: int, name: str, number: int, kind: str, variable: str, node: int, above: int, key: str, writes: int
) -> tuple[tuple[Any, ...], ...]:
    return (
        ("Step", at, "attach", parent, name),
        ("Seen", number, kind, variable),
        ("Bound", number, node, above, name),
        ("Assigned", number, node, key, writes),
    )


def _of_layer(
    at: int, parent: int, name: str, number: int, kind: str, node: int, above: int, edges: tuple[str, ...], first: int
) -> tuple[tuple[Any, ...], ...]:
    return (
        ("Step", at, "attach", parent, name),
        ("Seen", number, kind, ""),
        ("Bound", number, node, above, name),
        *[("Waiting", number, node, edge, below) for below, edge in enumerate(edges, first)],
    )


VARIABLE, LAYER = "variable arrived", "layer arrived"  # what an entry that stands for several events begins with
_SEVERAL: dict[str, Callable[..., tuple[tuple[Any, ...], ...]]] = {VARIABLE: _of_variable, LAYER: _of_layer}


class Journal:
    """The events of one restoration, in order. Iterate over it, or index it.

    ``uid`` orders restores, ``source`` is the checkpoint, ``nodes`` the number of its nodes.

    ``raw`` are the events as bare tuples ``(name of the class, *fields)``: what the restoration appends to, because it costs
    least. Tuples of texts and numbers are nothing that Python's cycle collector has to look at again and again. Entries may be
    ``Later``, or stand for what comes of one arrival; whoever reads takes ``bare``.
    """

    __slots__ = ("_late", "mode", "nodes", "raw", "source", "uid")

    def __init__(self, uid: int, source: str, nodes: int, mode: str) -> None:
        self.uid = uid
        self.source = source
        self.nodes = nodes
        self.mode = mode
        self.raw: list[Any] = []
        self._late = False  # whether there may be entries among them that stand for several

    def later(self, count: int, make: Callable[[], Iterable[tuple[Any, ...]]]) -> None:
        """Appends the ``count`` events that ``make`` gives, when somebody looks at them. It may refer to no live object."""
        if count <= FEW or type(self.raw) is not list:  # somebody listens
            self.raw.extend(make())
        else:
            self._late = True
            self.raw.append(Later(count, make))

    def arrived(self, entry: tuple[Any, ...]) -> None:
        """Appends what comes of the arrival of one object, as one entry.

        ``entry`` is ``VARIABLE`` and the arguments of ``_of_variable``: ``Step``, ``Seen``, ``Bound`` and ``Assigned``; or
        ``LAYER`` and those of ``_of_layer``: ``Step``, ``Seen``, ``Bound``, and ``Waiting`` for each edge.
        """
        if type(self.raw) is list:
            self._late = True
            self.raw.append(entry)
        else:  # somebody listens
            self.raw.extend(_SEVERAL[entry[0]](*entry[1:]))

    @property
    def bare(self) -> list[tuple[Any, ...]]:
        """All events so far as bare tuples."""
        out: list[tuple[Any, ...]] = []
        for entry in list(self.raw):
            if type(entry) is Later:
                out += entry.make()
            elif entry[0] in _SEVERAL:
                out += _SEVERAL[entry[0]](*entry[1:])
            else:
                out.append(entry)
        return out

    def tell(self, added: Callable[[list[Any]], None], deleted: Callable[[int], None] | None = None) -> None:
        """From here on ``added`` hears of new events, ``deleted`` from which place on some are taken back.

        To be called before the first event.
        """
        self.raw = told(self.raw, added, deleted)

    def untell(self, added: Callable[[list[Any]], None]) -> None:
        """From here on they do not."""
        self.raw = untold(self.raw, added)

    def __len__(self) -> int:
        return len(self.bare) if self._late else len(self.raw)

    def __iter__(self) -> Iterator[Any]:
        for kind, *fields in self.bare:
            yield KINDS[kind](*fields)

    def __getitem__(self, index: int) -> Any:
        kind, *fields = (self.bare if self._late else self.raw)[index]
        return KINDS[kind](*fields)

    def of(self, *kinds: type) -> Iterator[Any]:
        """The events of these kinds, in order."""
        wanted = {kind.__name__: kind for kind in kinds}
        for event in self.bare:
            if event[0] in wanted:
                yield wanted[event[0]](*event[1:])

    def __repr__(self) -> str:
        return f"<journal of restore {self.uid} from {self.source!r}: {len(self)} events>"
