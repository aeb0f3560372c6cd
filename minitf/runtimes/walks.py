"""The walk back over a tape's notes as a plan.

A training step takes the same notes each time: the same ops on tensors of the same dtypes and shapes, wired in the same way.
Walking back over them op by op, as ``autodiff.walk_back`` does, asks each time what was settled the first time: which rule,
which gradients are wanted, what must be summed to which shape. So the eager runtime keeps what it has walked ``OFTEN`` times as
a plan: it walks once more, over notes whose tensors are placeholders of a graph, and compiles the operations that the rules
append.

Whether notes are the same is what ``look`` tells, a function written for the notes that were walked. It compares op, wiring and
attributes of each note, and dtype and shape of what comes from outside (the others follow from these), and gives the arrays
that the plan is fed::

    def look(notes, target, seed):
        op, numbers, inputs, attrs, out, several = notes[3]
        if op is not o3 or numbers != w3 or attrs: return None
        v0 = inputs[0]._v
        if v0.shape != s0 or v0.dtype is not d0: return None
        ...
        return [v0, v1, v2]

The plan holds the arrays that it is fed until it is done, where the walk drops each note after its use. That is why only walks
over few elements, whose time is all overhead, are kept so (``MOST_ELEMENTS``); so is no walk with an op whose attributes hold
more than plain values, such as functions. The values are those of the walk, bit for bit: plans promise that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from minitf.core.dtypes import DType
from minitf.core.spec import Spec
from minitf.core.state import Store
from minitf.core.tape import Note, Outline
from minitf.core.tensor import EagerTensor, SymbolicTensor
from minitf.ops.sources import placeholder
from minitf.ops.state import read_variable
from minitf.runtimes.graph import Graph
from minitf.runtimes.plan import Plan, needed

OFTEN = 3
"""Walks of one kind after which a plan is made."""
MOST_NOTES = 1000
MOST_ELEMENTS = 1 << 18
MOST_KINDS = 4
"""Plans for notes of the same ops, which differ in wiring, attributes or shapes."""
MOST_SERIES = 500
"""Series of ops that are remembered."""


class Walk(Protocol):
    """A way back over ``notes``, from ``starts`` to the tensors with ``numbers``.

    A start is the number of a target, the target, and the gradient to start from (None for ones).
    """

    notes: list[Note | None]
    numbers: list[int]
    starts: list[tuple[int, Any, Any]]

    def walk(self) -> list[Any]:
        """The gradients by ``numbers``, None where there is none."""

    def over(self, notes: list[Note | None], starts: list[tuple[int, Any, Any]]) -> list[Any]:
        """The same walk over other notes."""


class Walks:
    """The plans of one runtime, by the ops of their notes; ``latest``: the plan used last for so many notes."""

    def __init__(self, store: Store):
        self.store = store
        self.series: dict[Any, _Series] = {}
        self.latest: dict[int, WalkPlan] = {}

    def walk(self, walk: Walk) -> list[Any]:
        """The gradients: by a plan if these notes were walked often, else step by step."""
        notes, starts = walk.notes, walk.starts
        if len(starts) != 1:
            return walk.walk()
        (start, target, seed), numbers = starts[0], walk.numbers
        plan = self.latest.get(len(notes))
        if plan is not None and plan.start == start and plan.numbers == numbers:
            fed = plan.look(notes, target, seed)
            if fed is not None:
                return plan.run(fed)
        if len(notes) > MOST_NOTES:
            return walk.walk()
        key = tuple([note if note is None else note[0] for note in notes])
        series = self.series.get(key)
        if series is None:
            if len(self.series) >= MOST_SERIES:
                self.series.clear()
                self.latest.clear()
            series = self.series.setdefault(key, _Series())
        for plan in series.plans:
            if plan.start == start and plan.numbers == numbers:
                fed = plan.look(notes, target, seed)
                if fed is not None:
                    self.latest[len(notes)] = plan
                    return plan.run(fed)
        if len(series.plans) < MOST_KINDS:
            series.walked += 1
            if series.walked > OFTEN:
                series.walked = 0
                made = planned(walk, self.store)
                series.plans = (made, *series.plans) if made is not None else (*series.plans, *[_NEVER] * MOST_KINDS)
        return walk.walk()


class _Series:
    __slots__ = ("plans", "walked")

    def __init__(self) -> None:
        self.walked = 0
        self.plans: tuple[WalkPlan, ...] = ()


class WalkPlan:
    """One kind of walk: ``look`` gives the arrays that ``run`` takes, or None for notes of another kind."""

    __slots__ = ("_places", "_plan", "look", "numbers", "start")

    def __init__(self, start: int, numbers: list[int], look: Callable[..., Any], plan: Plan | None, places: list[int | None]):
        self.start, self.numbers = start, numbers
        self.look = look
        self._plan = plan
        self._places = places

    def run(self, fed: Sequence[Any]) -> list[Any]:
        """The gradients by ``numbers``."""
        assert self._plan is not None
        found: list[Any] = []
        values = self._plan(fed)
        for place in self._places:
            if place is None:
                found.append(None)
            else:
                tensor = EagerTensor()
                tensor._v = values[place]
                tensor._node = None
                found.append(tensor)
        return found


_NEVER = WalkPlan(-1, [], lambda *_: None, None, [])


def planned(walk: Walk, store: Store) -> WalkPlan | None:
    """The plan of a walk, or None if it cannot be one."""
    writer = _Looking()
    start, target, seed = walk.starts[0]
    graph = Graph()
    with graph.as_default():
        try:
            stand_ins = [writer.stand_in(number, note) for number, note in enumerate(walk.notes)]
            found = walk.over(stand_ins, [(start, *writer.ends(target, seed))])
        except Exception:  # a rule that needs to see values; then each walk tells what is wrong, if anything is
            return None
    if writer.elements > MOST_ELEMENTS:
        return None
    fetches = list({id(g): g for g in found if g is not None}.values())
    used = {id(o) for o in needed(fetches, set())}
    plan = Plan(fetches, writer.feeds(used), store, {}, inside=True)
    order = {id(g): i for i, g in enumerate(fetches)}
    places = [None if g is None else order[id(g)] for g in found]
    return WalkPlan(start, walk.numbers, writer.compiled(used), plan, places)


class _Refused(Exception):
    """These notes get no plan."""


class _Looking:
    """Makes the placeholders, and writes ``look``."""

    def __init__(self) -> None:
        self.lines = ["def look(notes, target, seed):", "  try:"]
        self.space: dict[str, Any] = {"EagerTensor": EagerTensor}
        self.fed: list[tuple[SymbolicTensor, str]] = []  # placeholders with what they are fed, in look's words
        self.known: dict[int, Spec] = {}  # of what the notes before compute, by number, if it is known from its inputs
        self.by_number: dict[int, SymbolicTensor] = {}
        self.words: dict[int, str] = {}  # where by_number's come from
        self.leaves: set[int] = set()  # what is watched
        self.elements = 0

    def stand_in(self, number: int, note: Note | None) -> Note | None:
        """The note with placeholders for its tensors."""
        if note is None:
            self._check(f"notes[{number}] is not None")
            self.leaves.add(number)
            return None
        op, numbers, inputs, attrs, out, several = note
        unlike = f"op is not {self._bind(op, 'o')} or numbers != {self._bind(numbers, 'w')}"
        self.lines.append(f"    op, numbers, inputs, attrs, out, several = notes[{number}]")
        if op is read_variable:
            self._check(unlike)
            return note
        if op.stateful or not all(_plain(v) for v in attrs.values()):
            raise _Refused
        unlike += f" or attrs != {self._bind(dict(attrs), 'a')}" if attrs else " or attrs"
        self._check(f"{unlike} or several != {several}" if several else unlike)  # there are as many inputs as numbers
        arguments = [
            self._place(x, n, f"inputs[{i}]") for i, (n, x) in enumerate(zip(numbers, inputs, strict=True))
        ]
        specs = op.specs_of(tuple(arguments), op.complete(attrs))
        numbers_out = range(number + 1 - (several or 1), number + 1)
        for n, spec in zip(numbers_out, specs if several else (specs,), strict=True):
            if spec.complete:
                self.known[n] = spec
        if out is None:
            kept = None
        elif several:
            kept = tuple([self._place(t, n, f"out[{i}]") for i, (n, t) in enumerate(zip(numbers_out, out, strict=True))])
        else:
            kept = self._place(out, number, "out")
        return op, numbers, tuple(arguments), attrs, kept, several

    def ends(self, target: Any, seed: Any) -> tuple[Any, Any]:
        """Placeholders for the target and for the gradient to start from."""
        self._check("seed is not None" if seed is None else "seed is None")
        end = self._place(target, -1, "target")
        return end, None if seed is None else self._place(seed, -1, "seed")

    def _place(self, value: Any, number: int, words: str) -> Any:
        if value is None:
            self._check(f"{words} is not None")
            return None
        if type(value) is Outline:
            spec, shape, dtype = value.spec, f"{words}.sizes", f"{words}.np_dtype"
        elif type(value) is EagerTensor and value._v.dtype.kind in "fiucb":
            self.elements += value._v.size
            name = f"v{len(self.lines)}"
            self.lines.append(f"    {name} = {words}._v")
            spec, shape, dtype, words = value.spec, f"{name}.shape", f"{name}.dtype", name
        else:
            raise _Refused
        known = self.by_number.get(number)
        if self.known.get(number) != spec:
            self._check(f"{shape} != {self._bind(spec.shape, 's')} or {dtype} is not {self._bind(spec.dtype.np, 'd')}")
        if type(value) is Outline:
            # Nobody reads its values, but an operation of its shape may have it as input: an array without memory stands in.
            shape_known: Any = spec.shape
            words = self._bind(np.broadcast_to(np.zeros((), spec.dtype.np), shape_known), "e")
        elif known is not None:
            if number in self.leaves:  # a variable that is read twice may have been assigned in between
                self._check(f"{words} is not {self.words[number]}")
            return known
        stand_in = placeholder(dtype=spec.dtype, shape=spec.shape)
        if type(value) is EagerTensor and number >= 0:
            self.by_number[number] = stand_in
            self.words[number] = words
        self.fed.append((stand_in, words))
        return stand_in

    def _check(self, condition: str) -> None:
        self.lines.append(f"    if {condition}: return None")

    def _bind(self, value: Any, letter: str) -> str:
        name = f"{letter}{len(self.space)}"
        self.space[name] = value
        return name

    def feeds(self, used: set[int]) -> list[SymbolicTensor]:
        """The placeholders that the plan needs (``used``: ids of its operations)."""
        return [t for t, _ in self.fed if id(t.op) in used]

    def compiled(self, used: set[int]) -> Callable[..., Any]:
        """The function ``look``."""
        self.lines += [
            f"    return [{', '.join(words for t, words in self.fed if id(t.op) in used)}]",
            "  except (AttributeError, TypeError):",  # an outline where there was a tensor, no note where there was one
            "    return None",
        ]
        exec(compile("\n".join(self.lines), "<look>", "exec"), self.space)  # made from the notes' own structure
        return self.space["look"]  # type: ignore[no-any-return]


def _plain(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_plain, value))
    if type(value) is slice:
        return _plain((value.start, value.stop, value.step))
    if type(value) is float:
        return value != 0.0  # 0.0 and -0.0 are equal, what they give is not
    return value is None or value is ... or type(value) in (int, bool, str) or isinstance(value, DType)
