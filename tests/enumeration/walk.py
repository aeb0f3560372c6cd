"""Every state that programs reach, and from each every step, once, on all sides."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from enumeration.canonical import canonical
from enumeration.sides import Eager, InGraph, OfModel
from enumeration.steps import Step, possible

Program = tuple[Step, ...]


def models() -> tuple[OfModel, OfModel]:
    """The model in both modes."""
    return OfModel(False), OfModel(True)


def difference(program: Program, expected: tuple[OfModel, OfModel] | None = None) -> str | None:
    """What the engine and the model show differently after the last step, in one mode or the other.

    ``expected``: the model after the program, if it is there already.
    """
    for model, engine in zip(expected or at(program), (Eager, InGraph), strict=True):
        found = engine()
        try:
            found.run_all(program)
            one, other = model.seen(), found.seen()
            if one != other:
                return f"{engine.__name__}: the model shows {one}, minitf {other}"
            if program[-1][0] == "save":
                which = "A" if model.saves == 1 else "B"
                if model.content(which) != found.content(which):
                    return f"{engine.__name__}: the model saves {model.content(which)}, minitf {found.content(which)}"
        finally:
            found.close()
    return None


@dataclass
class Level:
    """What there is of one length: programs, how many of them differ (classes), states that no shorter program reaches."""

    length: int
    programs: int = 0
    classes: int = 0
    states: int = 0
    differences: list[tuple[Program, str]] = field(default_factory=list)


def levels(longest: int, compare: Callable[[Program, Any], str | None] | None = difference,
           told: Callable[[Level], None] = lambda level: None) -> Iterator[Level]:  # fmt: skip
    """Length by length. A class is a state, taken once, with one step from it; ``compare=None`` only counts."""
    known: dict[int, int] = {}  # the states' numbers
    first: list[Program] = []  # a shortest program for each
    following: list[list[int] | None] = []  # the states that its steps lead to
    start = canonical(models())
    known[start], counts = 0, {0: 1}  # counts: how many programs of the present length reach a state
    first.append(())
    following.append(None)
    fresh = [0]
    for length in range(1, longest + 1):
        level, new = Level(length), []
        for state in fresh:
            targets: list[int] = []
            program = first[state]
            shape, _ = at(program)
            for step in possible(shape):
                longer = (*program, step)
                sides = at(longer)
                form = canonical(sides)
                if form not in known:
                    known[form] = len(first)
                    first.append(longer)
                    following.append(None)
                    new.append(known[form])
                targets.append(known[form])
                level.classes += 1
                text = compare(longer, sides) if compare is not None else None
                if text is not None:
                    level.differences.append((longer, text))
                if level.classes % 500 == 0:
                    gc.collect()
                    told(level)
            following[state] = targets
        reached: dict[int, int] = {}
        for state, count in counts.items():
            for target in following[state] or ():
                reached[target] = reached.get(target, 0) + count
        counts, fresh = reached, new
        level.programs, level.states = sum(counts.values()), len(new)
        yield level


def at(program: Program) -> tuple[OfModel, OfModel]:
    """The model in both modes after a program."""
    sides = models()
    for side in sides:
        side.run_all(program)
    return sides


def every_program(length: int) -> Iterator[Program]:
    """All programs of a length, one by one, nothing merged."""
    if length == 0:
        yield ()
        return
    for program in every_program(length - 1):
        for step in possible(at(program)[0]):
            yield (*program, step)


def stands_for_all(length: int, told: Callable[[Program, str], Any]) -> tuple[int, set[int]]:
    """How many programs there are, and the states that they reach; each is run on all sides."""
    count, states = 0, set()
    for program in every_program(length):
        count += 1
        sides = at(program)
        states.add(canonical(sides))
        text = difference(program, sides)
        if text is not None:
            told(program, text)
        if count % 500 == 0:
            gc.collect()
    return count, states
