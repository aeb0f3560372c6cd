"""The strategies by name: which schedulers each runs, and what its report says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minitf.core.schedule import Scheduler
from minitf.explore.classes import ClassCounter
from minitf.explore.exhaustive import Exhaustive
from minitf.explore.orders import Bounded, Pct, Random
from minitf.explore.parallel import mapped, portable
from minitf.explore.report import Report
from minitf.explore.running import Body, Found, MakeWorld, execute, run
from minitf.explore.splitting import Unit, units_of

MOST = 100_000
MOST_AT_RANDOM = 1_000
SMALL = 2_000
"""With more classes than this, the exhaustive exploration begins anew in units."""
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
    """One execution of each class. What is large is explored in units, for any number of workers."""
    most = settings.max_executions or MOST
    report = Report("exhaustive" if settings.reduction else "exhaustive without reduction")
    scheduler = Exhaustive(settings.reduction)
    counter = None if settings.reduction else ClassCounter(scheduler)
    first = min(most, SMALL) if settings.reduction else most
    found = run(body, counter or scheduler, first, make_world, twice=settings.twice, until=settings.enough)
    if found.executions == first < most and not scheduler.complete and not settings.enough(found):
        found, report.complete = _in_units(body, settings, make_world, most)
        report.classes = found.executions
    else:
        report.complete = scheduler.complete
        report.classes = scheduler.classes if counter is None else counter.classes
    return report, found


def _in_units(body: Body, settings: Settings, make_world: MakeWorld, most: int) -> tuple[Found, bool]:
    """Each unit may use an equal share of the executions; what some leave over goes to those that need more."""
    units = units_of(body, make_world)
    results: dict[int, tuple[Found, bool]] = {}
    share = 0
    while True:
        open_units = [number for number in range(len(units)) if number not in results or not results[number][1]]
        used = sum(found.executions for number, (found, _) in results.items() if number not in open_units)
        larger = (most - used) // len(open_units) if open_units else 0
        if larger <= share:
            break
        share = larger
        work = [(body, units[number], share, settings, make_world) for number in open_units]
        for number, result in zip(open_units, mapped(explored_unit, work, settings.workers), strict=True):
            results[number] = result
            if settings.enough(result[0]):
                break
        if any(settings.enough(found) for found, _ in results.values()):
            break
    total = Found()
    for number in sorted(results):
        total.add(results[number][0])
        if settings.enough(total):
            break
    return total, len(results) == len(units) and all(complete for _, complete in results.values())


def explored_unit(body: Body, unit: Unit, most: int, settings: Settings, make_world: MakeWorld) -> tuple[Found, bool]:
    """What a unit gives, and whether all of it was explored."""
    scheduler = Exhaustive(prefix=unit)
    found = run(body, scheduler, most, make_world, twice=settings.twice, until=settings.enough)
    return portable(found), scheduler.complete


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
    found, classes, _ = _in_blocks(body, settings, make_world, _random_block, ())
    return Report(f"random (seed {settings.seed})", classes=classes), found


def _random_block(seed: str, count: int) -> Random:
    return Random(seed, count)


def pct(body: Body, settings: Settings, make_world: MakeWorld) -> Result:
    """Priorities drawn at random, with the probability that the method promises."""
    first = execute(body, (), make_world)
    steps = max(1, sum(moment.step for moment in first.moments))
    found, classes, schedulers = _in_blocks(body, settings, make_world, _pct_block, (settings.depth, steps))
    p = min(s.probability for s in schedulers)
    n, k = max(s.tasks for s in schedulers), max(s.steps for s in schedulers)
    report = Report(f"pct (seed {settings.seed})", classes=classes)
    report.notes.append(
        f"one execution finds a given bug of depth {settings.depth} with a probability of at least {p:.3g} "
        f"(1 / (n k^(d-1)) with n = {n} tasks, k = {k} steps, d = {settings.depth}); all {found.executions:,} with at least "
        f"{1 - (1 - p) ** found.executions:.3g}"
    )
    return report, found


def _pct_block(seed: str, count: int, depth: int, steps: int) -> Pct:
    return Pct(seed, count, depth, steps=steps)


def _in_blocks(body: Body, settings: Settings, make_world: MakeWorld, block: Callable[..., Any],
               more: tuple[Any, ...]) -> tuple[Found, int, list[Any]]:  # fmt: skip
    most = settings.max_executions or MOST_AT_RANDOM
    work = [
        (body, block, (f"{settings.seed} {number}", min(BLOCK, most - number * BLOCK), *more), settings, make_world)
        for number in range(-(-most // BLOCK))
    ]
    total, seen, schedulers = Found(), set[int](), []
    for found, classes, scheduler in mapped(explored_block, work, settings.workers):
        total.add(found)
        seen |= classes
        schedulers.append(scheduler)
        if settings.enough(total):
            break
    return total, len(seen), schedulers


def explored_block(body: Body, block: Callable[..., Any], arguments: tuple[Any, ...], settings: Settings,
                   make_world: MakeWorld) -> tuple[Found, set[int], Any]:  # fmt: skip
    """What a block gives, the classes that it saw, and its scheduler as it is at the end."""
    scheduler = block(*arguments)
    counter = ClassCounter(scheduler)
    found = run(body, counter, BLOCK, make_world, twice=settings.twice, until=settings.enough)
    return portable(found), counter.seen, scheduler


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
