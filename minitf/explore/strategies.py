"""The strategies by name: which schedulers each runs, and what its report says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minitf.core.schedule import Scheduler
from minitf.explore.classes import ClassCounter
from minitf.explore.exhaustive import Exhaustive
from minitf.explore.orders import Bounded, Pct, Random
from minitf.explore.report import Report
from minitf.explore.running import Body, Found, MakeWorld, execute, run

MOST = 100_000
MOST_AT_RANDOM = 1_000
BLOCK = 500
"""Executions at random come in blocks of this size, each with its own seed, so that any number of workers gives the same."""


@dataclass(frozen=True)
class Settings:
    """The arguments of ``check`` that strategies look at."""

    max_executions: int | None = None
    seed: int = 0
    workers: int = 1
    deviations: int | None = None
    depth: int = 3
    max_failures: int | None = None
    reduction: bool = True
    twice: bool = False

    def enough(self, found: Found) -> bool:
        """True when there are as many failures as were asked for."""
        return self.max_failures is not None and len(found.failures) >= self.max_failures


Result = tuple[Report, Found]


def exhaustive(body: Body, settings: Settings, make_world: MakeWorld) -> Result:
    """One execution of each class."""
    most = settings.max_executions or MOST
    scheduler = Exhaustive(settings.reduction)
    counter = None if settings.reduction else ClassCounter(scheduler)
    found = run(body, counter or scheduler, most, make_world, twice=settings.twice, until=settings.enough)
    report = Report("exhaustive" if settings.reduction else "exhaustive without reduction")
    report.classes = scheduler.classes if counter is None else counter.classes
    report.complete = scheduler.complete
    return report, found


def bounded(body: Body, settings: Settings, make_world: MakeWorld) -> Result:
    """Few deviations from program order first."""
    most = settings.max_executions or MOST
    scheduler = Bounded(settings.deviations, most)
    counter = ClassCounter(scheduler)
    found = run(body, counter, most, make_world, twice=settings.twice, until=settings.enough)
    report = Report("bounded", classes=counter.classes, complete=scheduler.complete, bound=scheduler.bound)
    if not found.failures:
        limit = "in any order" if report.complete else f"with at most {scheduler.bound} deviations from program order"
        report.notes.append(f"no failure {limit}" if scheduler.bound >= 0 else "nothing was tried")
    elif scheduler.bound >= 0 and not report.complete:
        report.notes.append(f"everything with at most {scheduler.bound} deviations from program order was tried")
    return report, found


def at_random(body: Body, settings: Settings, make_world: MakeWorld) -> Result:
    """Every choice drawn evenly."""

    def block(number: int, count: int) -> Scheduler:
        return Random(f"{settings.seed} {number}", count)

    found, classes, _ = _in_blocks(body, settings, make_world, block)
    return Report(f"random (seed {settings.seed})", classes=classes), found


def pct(body: Body, settings: Settings, make_world: MakeWorld) -> Result:
    """Priorities drawn at random, with the probability that the method promises."""
    first = execute(body, (), make_world)
    steps = max(1, sum(moment.step for moment in first.moments))

    def block(number: int, count: int) -> Scheduler:
        return Pct(f"{settings.seed} {number}", count, settings.depth, steps=steps)

    found, classes, schedulers = _in_blocks(body, settings, make_world, block)
    p = min(s.probability for s in schedulers)
    n, k = max(s.tasks for s in schedulers), max(s.steps for s in schedulers)
    report = Report(f"pct (seed {settings.seed})", classes=classes)
    report.notes.append(
        f"one execution finds a given bug of depth {settings.depth} with a probability of at least {p:.3g} "
        f"(1 / (n k^(d-1)) with n = {n} tasks, k = {k} steps, d = {settings.depth}); all {found.executions:,} with at least "
        f"{1 - (1 - p) ** found.executions:.3g}"
    )
    return report, found


def _in_blocks(body: Body, settings: Settings, make_world: MakeWorld,
               block: Callable[[int, int], Any]) -> tuple[Found, int, list[Any]]:  # fmt: skip
    most = settings.max_executions or MOST_AT_RANDOM
    total, seen, schedulers = Found(), set[int](), []
    for number in range(-(-most // BLOCK)):
        scheduler = block(number, min(BLOCK, most - number * BLOCK))
        counter = ClassCounter(scheduler)
        found = run(body, counter, BLOCK, make_world, twice=settings.twice, until=settings.enough)
        schedulers.append(scheduler)
        seen |= counter.seen
        total.add(found)
        if settings.enough(total):
            break
    return total, len(seen), schedulers


def given_scheduler(scheduler: Scheduler, body: Body, settings: Settings, make_world: MakeWorld) -> Result:
    """A scheduler of the caller's. It may have an attribute ``complete``."""
    counter = ClassCounter(scheduler)
    found = run(body, counter, settings.max_executions or MOST, make_world, twice=settings.twice, until=settings.enough)
    complete = bool(getattr(scheduler, "complete", False))
    return Report(type(scheduler).__name__, classes=counter.classes, complete=complete), found


STRATEGIES: dict[str, Callable[[Body, Settings, MakeWorld], Result]] = {
    "exhaustive": exhaustive,
    "bounded": bounded,
    "random": at_random,
    "pct": pct,
}
