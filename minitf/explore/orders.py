"""Schedulers that try some orders: few deviations first, at random, by random priorities, or one that is given.

Each ends (``start`` gives False) when it has tried what it wanted; ``complete`` says whether that was everything there is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from minitf.explore.errors import TokenError
from minitf.explore.steps import is_step, label


class Replay:
    """One execution: these choices (places among what is ready, where there was a choice), then program order."""

    complete = False

    def __init__(self, choices: Sequence[int]):
        self._choices = list(choices)
        self._next = 0
        self._started = False

    def start(self) -> bool:
        """True once."""
        started, self._started, self._next = self._started, True, 0
        return not started

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The choice that is given. Raises TokenError if there are fewer steps."""
        if len(ready) == 1:
            return 0
        place, self._next = self._next, self._next + 1
        index = self._choices[place] if place < len(self._choices) else 0
        if index >= len(ready):
            raise TokenError(
                f"The schedule does not fit the program: choice {place} takes number {index}, but at {event!r} there are only "
                f"{[label(r) for r in ready]}. The program has changed since the schedule was made."
            )
        return index

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""

    @property
    def unused(self) -> int:
        """How many of the choices were not needed: more than 0 means that the program is another one."""
        return max(0, len(self._choices) - self._next)


class Bounded:
    """Every schedule with at most ``most`` deviations from program order, those with few deviations first.

    A deviation is a choice of something else than the first that is ready. ``bound`` is the number of deviations up to which
    everything was tried (-1: nothing was); ``complete`` is True when there is nothing with more. ``room``: how many schedules
    can still be wanted at most, so that no more wait in memory.
    """

    def __init__(self, most: int | None = None, room: int = 1_000_000):
        self.bound = -1
        self._most = most
        self._room = room
        self._level: list[tuple[int, ...]] = [()]
        self._deeper: list[tuple[int, ...]] = []
        self._forgotten = False  # there was no room
        self._beyond = False  # there are schedules with more than ``most``
        self._prefix: tuple[int, ...] = ()
        self._counts: list[int] = []

    @property
    def complete(self) -> bool:
        """True if no schedule was left out."""
        return not (self._level or self._deeper or self._forgotten or self._beyond)

    def start(self) -> bool:
        """Begins the next schedule."""
        if not self._level:
            return False
        self._prefix, self._counts = self._level.pop(), []
        return True

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The choice of the schedule."""
        count = len(ready)
        if count == 1:
            return 0
        place = len(self._counts)
        self._counts.append(count)
        return self._prefix[place] if place < len(self._prefix) else 0

    def end(self, error: BaseException | None = None) -> None:
        """Notes the schedules with one deviation more, behind the last one."""
        prefix, start = self._prefix, len(self._prefix)
        if self._most is not None and self.bound + 1 >= self._most:
            self._beyond = self._beyond or len(self._counts) > start
        else:
            for place in range(start, len(self._counts)):
                if len(self._deeper) >= self._room:
                    self._forgotten = True
                    break
                head = prefix + (0,) * (place - start)
                self._deeper.extend((*head, choice) for choice in range(1, self._counts[place]))
        if not self._level:
            self.bound += 1
            self._level, self._deeper = ([] if self._forgotten else self._deeper[::-1]), []

    def __repr__(self) -> str:
        return f"<every schedule with at most {self.bound} deviations>"


class Random:
    """``count`` executions with every choice drawn evenly."""

    complete = False

    def __init__(self, seed: Any, count: int):
        self._random = random.Random(f"minitf explores at random, {seed}").random
        self._left = count

    def start(self) -> bool:
        """Begins an execution as long as there are any left."""
        self._left -= 1
        return self._left >= 0

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """Any."""
        count = len(ready)
        return 0 if count == 1 else int(self._random() * count)

    def end(self, error: BaseException | None = None) -> None:
        """Nothing to do."""


class Pct:
    """Probabilistic concurrency testing: ``count`` executions in which the ready step of the highest priority is taken.

    Priorities of tasks are drawn; at ``depth - 1`` moments, drawn among ``steps``, the task whose turn it is falls behind all
    others. An execution finds a bug that takes ``depth`` ordered steps with a probability of at least ``1 / (tasks * steps **
    (depth - 1))``: see "A randomized scheduler with probabilistic guarantees of finding bugs" (S. Burckhardt and others, ASPLOS
    2010). ``tasks`` and ``steps`` grow to the largest numbers that were seen. Alternatives are drawn evenly; the bound does
    not speak of them.
    """

    complete = False

    def __init__(self, seed: Any, count: int, depth: int = 3, tasks: int = 1, steps: int = 1):
        if depth < 1:
            raise ValueError(f"pct needs a depth of at least 1, not {depth}: how many steps must come in an order for the bug.")
        self._random = random.Random(f"minitf explores by priorities, {seed}")
        self._left = count
        self.depth = depth
        self.tasks = tasks
        self.steps = steps
        self._priorities: dict[Any, float] = {}
        self._changes: dict[int, int] = {}
        self._taken = 0

    def start(self) -> bool:
        """Begins an execution as long as there are any left: draws when priorities change."""
        self._left -= 1
        self._priorities.clear()
        self._changes = {int(self._random.random() * self.steps): number for number in range(self.depth - 1)}
        self._taken = 0
        return self._left >= 0

    def choose(self, ready: Sequence[Any], event: str) -> int:
        """The one of the highest priority."""
        if not is_step(ready[0]):
            return int(self._random.random() * len(ready))
        priorities = self._priorities
        keys = [(event, r.key) for r in ready]
        for key in keys:
            if key not in priorities:
                priorities[key] = 1.0 + self._random.random()
        best = max(range(len(keys)), key=lambda place: priorities[keys[place]])
        change = self._changes.get(self._taken)
        self._taken += 1
        if change is not None:
            priorities[keys[best]] = -float(change)
            best = max(range(len(keys)), key=lambda place: priorities[keys[place]])
        return best

    def end(self, error: BaseException | None = None) -> None:
        """Learns how large the program is."""
        self.tasks = max(self.tasks, len(self._priorities))
        self.steps = max(self.steps, self._taken)

    @property
    def probability(self) -> float:
        """At least so probable is it that one execution finds a given bug of this depth."""
        return float(1 / (self.tasks * self.steps ** (self.depth - 1)))
