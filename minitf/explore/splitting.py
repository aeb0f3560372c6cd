"""Cutting the exhaustive exploration into units that can be explored apart.

A unit is the beginning of executions: which choice each of the first points takes, and what sleeps there. At these points every
choice that is awake is taken, each in a unit of its own, and those before it sleep in it; so no class is in two units.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minitf.explore.running import Body, MakeWorld, run
from minitf.explore.steps import ANYTHING, Access, is_step

UNITS = 48
"""So many units there are at least, unless the program is too small."""
DEEPEST = 40


@dataclass(frozen=True)
class Frozen:
    """The choice at one point, and what sleeps there (nothing, where it is one of alternatives)."""

    index: int
    sleep: dict[Any, Access] = field(default_factory=dict)


Unit = tuple[Frozen, ...]


class _Look:
    """One execution: the choices of a unit, then program order. ``points``: what was ready there, and behind it."""

    complete = False

    def __init__(self, unit: Unit):
        self._unit = unit
        self.points: list[tuple[str | None, list[tuple[Any, Access]], Any]] = []  # round, (key, access) each, the step taken

    def start(self) -> bool:
        return True

    def choose(self, ready: Sequence[Any], event: str) -> int:
        depth = len(self.points)
        index = self._unit[depth].index if depth < len(self._unit) else 0
        steps = is_step(ready[0])
        known = [(r.key, r.access) for r in ready] if steps else [(number, ANYTHING) for number in range(len(ready))]
        self.points.append((event if steps else None, known, ready[index]))
        return index

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""


def units_of(body: Body, make_world: MakeWorld) -> list[Unit]:
    """The units, in the order of the program."""
    todo: deque[Unit] = deque([()])
    done: list[Unit] = []
    while todo and len(todo) + len(done) < UNITS:
        unit = todo.popleft()
        shorter = _continued(body, unit, make_world) if len(unit) < DEEPEST else None
        if shorter is None:
            done.append(unit)
        else:
            todo.extend(shorter)
    return sorted((*done, *todo), key=lambda unit: [frozen.index for frozen in unit])


def _continued(body: Body, unit: Unit, make_world: MakeWorld) -> list[Unit] | None:
    """The unit cut into units that are one choice longer; None if that cannot be done."""
    look = _looked(body, unit, make_world)
    if len(look.points) <= len(unit):
        return None  # the executions end here
    event, ready, _ = look.points[len(unit)]
    if event is None:
        return [(*unit, Frozen(index)) for index in range(len(ready))]
    sleep = _sleep_behind(unit, look, event)
    out: list[Unit] = []
    for index, (key, access) in enumerate(ready):
        if key in sleep:
            continue
        longer = (*unit, Frozen(index, dict(sleep)))
        beyond = _looked(body, longer, make_world).points[len(unit) :]
        last = all(other != event for other, _, _ in beyond[1:])
        raised = last and bool(beyond[0][2].raised)
        if len(ready) > 1 and not raised and (len(beyond) < 2 or beyond[1][0] != event):
            return None  # there are choices inside the step, so more than one execution would have to tell whether it raises
        out.append(longer)
        sleep[key] = ANYTHING if raised else access
    return out


def _sleep_behind(unit: Unit, look: _Look, event: str) -> dict[Any, Access]:
    """What sleeps at the next point of a round: what slept at the last one, but for what the step taken there has woken."""
    for frozen, (other, ready, _) in reversed(list(zip(unit, look.points, strict=False))):
        if other == event:
            taken = ready[frozen.index][1]
            return {key: access for key, access in frozen.sleep.items() if not access.conflicts(taken)}
    return {}


def _looked(body: Body, unit: Unit, make_world: MakeWorld) -> _Look:
    look = _Look(unit)
    run(body, look, 1, make_world)
    return look
