"""Every order, but only one of those that differ by exchanging independent steps.

``Exhaustive`` is *optimal dynamic partial order reduction*: it runs an execution, looks for *races* in it (two neighbouring
steps, up to independent ones, that conflict and could have come the other way round) and notes for each the beginning of an
execution in which they do (a wakeup tree). Steps that were tried from a point sleep there until a conflicting step wakes
them. So of each class of equivalent executions exactly one is run.

What only one of is taken (alternatives: a crash or none) is tried one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minitf.explore.errors import NondeterminismError, RedundantError
from minitf.explore.steps import ANYTHING, Access, is_step, label
from minitf.explore.wakeup import Branch, Taken, insert, may_begin

_NOWHERE: frozenset[Any] = frozenset()


class _Fork:
    """A point at which one of several alternatives was taken."""

    __slots__ = ("count", "frozen", "index", "step")
    event = None
    asleep = False

    def __init__(self, count: int, index: int = 0, frozen: bool = False):
        self.count = count
        self.index = index
        self.frozen = frozen

    def next(self) -> bool:
        """Goes on to the next alternative; False if there is none."""
        self.index += 1
        return self.index < self.count and not self.frozen


class _Point:
    """A point at which one of the ready steps of a round was taken.

    * ``keys``, ``accesses`` and ``afters`` of what was ready; ``index`` is the one taken.
    * ``sleep``: accesses of steps that need not be tried here, by key; ``pending``: what is to be tried, the present first.
    * ``before``: the points of the steps that happen before the one taken, as bits.
    * ``frozen``: nothing else is to be tried here; ``asleep``: what is taken sleeps, so the execution does not count.
    """

    __slots__ = ("access", "accesses", "afters", "asleep", "before", "count", "event", "frozen", "index", "key", "keys",
                 "pending", "raised", "sleep", "step")  # fmt: skip

    def __init__(self, event: str, ready: Sequence[Any], sleep: dict[Any, Access], pending: list[Branch]):
        self.event = event
        self.keys = [r.key for r in ready]
        self.accesses = [r.access for r in ready]
        self.afters = [r.after for r in ready]
        self.count = len(ready)
        self.sleep = sleep
        self.pending = pending
        self.before = 0
        self.frozen = False
        self._take()
        self.step = ready[self.index]

    def _take(self) -> None:
        self.raised = False
        if self.pending:
            key = self.pending[0].key
            if key not in self.keys:
                raise NondeterminismError(
                    f"At {self.event!r} the step {key!r} was ready in an earlier execution, and now only {self.keys} are. "
                    + SAME
                )
            self.index = self.keys.index(key)
        else:
            sleep = self.sleep
            for index, key in enumerate(self.keys):
                if key not in sleep:
                    self.index = index
                    break
            else:
                self.index = 0
            self.pending.append(Branch(key, self.accesses[self.index]))
        self.key, self.access, self.asleep = key, self.accesses[self.index], key in self.sleep

    def next(self) -> bool:
        """Goes on to the next beginning that is to be tried; False if there is none."""
        del self.pending[0]
        if not self.pending or self.frozen:
            return False
        self.sleep[self.key] = ANYTHING if self.raised else self.access
        self._take()
        return True

    def following(self) -> tuple[dict[Any, Access], list[Branch]]:
        """What sleeps, and what is to be tried, after the step that is taken here."""
        access, sleep, children = self.access, self.sleep, self.pending[0].children
        if sleep:
            sleep = {k: a for k, a in sleep.items() if not a.conflicts(access)}
        return sleep or {}, [b.copy() for b in children] if children else []


SAME = "The body must do the same whenever the same steps are chosen."


class Exhaustive:
    """A scheduler that tries every class of orders once. ``prefix`` limits it to what begins so (``splitting``).

    ``classes`` counts the executions, ``redundant`` those that do not count because another one stands for them.
    """

    complete = False

    def __init__(self, reduction: bool = True, prefix: Sequence[Any] = ()):
        self.reduction = reduction
        self._prefix = prefix
        self.classes = 0
        self.redundant = 0
        self._path: list[Any] = []
        self._depth = 0
        self._fixed = 0  # so many points of the path are as in the last execution, the last of them with another choice

    def start(self) -> bool:
        """Begins the next class; False when all were tried."""
        self._depth = 0
        return not self.complete

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The place of the step to take."""
        depth = self._depth
        self._depth = depth + 1
        path = self._path
        if depth < self._fixed:
            known = path[depth]
            if known.count != len(ready):
                raise NondeterminismError(
                    f"At {event!r} there were {known.count} choices in an earlier execution, and now there are "
                    f"{[label(r) for r in ready]}. {SAME}"
                )
            known.step = ready[known.index]
            return known.index  # type: ignore[no-any-return]
        if depth < len(self._prefix):
            path.append(self._frozen(self._prefix[depth], ready, event))
            return path[-1].index  # type: ignore[no-any-return]
        if not self.reduction or not is_step(ready[0]):
            path.append(_Fork(len(ready)))
            return 0
        for last in reversed(path):
            if last.event == event:
                sleep, pending = last.following()
                break
        else:
            sleep, pending = {}, []
        point = _Point(event, ready, sleep, pending)
        path.append(point)
        return point.index

    def _frozen(self, given: Any, ready: Sequence[Any], event: str) -> _Fork | _Point:
        """A point of the prefix."""
        if given.index >= len(ready):
            raise NondeterminismError(f"At {event!r} there were more choices in an earlier execution. {SAME}")
        if not self.reduction or not is_step(ready[0]):
            return _Fork(len(ready), given.index, True)
        taken = ready[given.index]
        point = _Point(event, ready, dict(given.sleep), [Branch(taken.key, taken.access)])
        point.frozen = True
        return point

    def end(self, error: BaseException | None = None) -> None:
        """Notes what the execution has shown, and turns to the next.

        Raises RedundantError after an execution that another one stands for; only those that begin with a prefix can be.
        """
        path = self._path
        if self._depth < self._fixed:
            raise NondeterminismError(f"An execution ended after {self._depth} choices, an earlier one had more. {SAME}")
        if self.reduction:
            self._note_races()
        redundant = any(point.asleep for point in path)
        while path and not path[-1].next():
            path.pop()
        self._fixed = len(path)
        self.complete = not path
        if redundant:
            self.redundant += 1
            raise RedundantError
        self.classes += 1

    def _note_races(self) -> None:
        path = self._path
        places = range(max(self._fixed - 1, 0), len(path))
        raised = self._raised()
        for place in sorted({*places, *raised}) if raised else places:
            if path[place].event is not None:
                self._races_of(place)
        for point in [path[place] for place in raised]:
            for key, access in zip(point.keys, point.accesses, strict=True):
                if key != point.key:
                    self._try(point, [Taken(key, access, 1, 0)])

    def _raised(self) -> list[int]:
        """Places of the steps that raised, or that ended a round while others were ready. Such a step conflicts with all."""
        last = {point.event: place for place, point in enumerate(self._path) if point.event is not None}
        places = [place for place in last.values() if self._path[place].count > 1 or self._path[place].step.raised]
        for point in [self._path[place] for place in places]:
            point.raised = True
            point.access = point.pending[0].access = ANYTHING
        return places

    def _races_of(self, place: int) -> None:
        """Finds what the step at a place races with, and notes the other order."""
        path = self._path
        point = path[place]
        event, key, access, after = point.event, point.key, point.access, point.afters[point.index]
        before = 0
        races = []
        for i in range(place - 1, -1, -1):
            earlier = path[i]
            if before >> i & 1 or earlier.event != event:
                continue
            if earlier.key == key or earlier.key in after:
                before |= earlier.before | 1 << i
            elif earlier.access.conflicts(access):
                before |= earlier.before | 1 << i
                races.append(i)
        point.before = before
        for i in races:
            bit = 1 << i
            sequence = [
                Taken(p.key, p.access, 1 << k, p.before)
                for k, p in enumerate(path[i + 1 : place], i + 1)
                if p.event == event and not p.before & bit
            ]
            sequence.append(Taken(key, access, 1 << place, before))
            self._try(path[i], sequence)

    def _try(self, point: _Point, sequence: list[Taken]) -> None:
        if point.frozen:
            return
        for key, access in point.sleep.items():
            place = may_begin(key, access, sequence)
            # A step that sleeps and is not in the sequence stands for some that begin so. For the others a race tells, in an
            # execution that this exploration has seen, unless it was another unit's.
            if place is not None and (place < len(sequence) or not self._prefix):
                return
        insert(point.pending, sequence)
