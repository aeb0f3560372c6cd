"""``check``: every order of a body, or some; and ``replay``: one of them again."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from minitf.core.schedule import Scheduler
from minitf.explore import script as scripts
from minitf.explore.database import FailureDatabase, database_of
from minitf.explore.errors import NondeterminismError, TokenError
from minitf.explore.report import Failure, Report, signature
from minitf.explore.running import (
    Body,
    Choices,
    Found,
    MakeWorld,
    compare,
    default_world,
    execute,
    must_be_deterministic,
)
from minitf.explore.shrinking import smallest
from minitf.explore.strategies import STRATEGIES, Settings, given_scheduler
from minitf.explore.telling import recorded, timeline_of
from minitf.explore.tokens import UNKNOWN, decode, encode

VERIFY = ("failures", "all", "none")
SHRUNK = 20
"""So many different failures, those that were met most often, are made as small as possible."""


def check(body: Body, strategy: str | Scheduler = "exhaustive", *, max_executions: int | None = None, seed: int = 0,
          workers: int = 1, deviations: int | None = None, depth: int = 3, max_failures: int | None = None,
          reduction: bool = True, verify: str = "failures", database: Any = None,
          world: Callable[[Scheduler], Any] | None = None) -> Report:  # fmt: skip
    """Runs ``body(world)`` in many orders and tells what came of it.

    The body is an ordinary function. What has more than one legal order in it goes through its ``world``
    (``minitf.testing.world.World``): tasks, runs of a session, crashes. It must make everything else anew in each execution,
    and must do the same whenever the same steps are chosen. It fails by raising; what it returns is its final state (numbers,
    strings, arrays, lists and dicts), and without that the values of all variables of the world's sessions are.

    * ``strategy``: ``"exhaustive"`` (one execution for each class of orders that differ by more than the order of independent
      steps), ``"bounded"`` (at most ``deviations`` from program order, fewer first), ``"random"``, ``"pct"`` (random
      priorities, for bugs that take ``depth`` ordered steps), or a scheduler.
    * ``max_executions``: by default 100,000; 1,000 for ``random`` and ``pct``.
    * ``seed``: of ``random`` and ``pct``; the same seed gives the same executions.
    * ``workers``: processes (joblib's, extra ``parallel``; a joblib backend such as dask serves as it is). The report is the
      same for any number of them.
    * ``max_failures``: stop after so many different failures; None: go on.
    * ``reduction``: False makes ``exhaustive`` try every order.
    * ``verify``: which executions are run twice to see that nothing else than the scheduler decides: those that ``"failures"``
      are reported from (and the first one), ``"all"``, or ``"none"``.
    * ``database``: a ``FailureDatabase`` or a directory in which the tokens of failures are kept and from which they are
      replayed first; False: none; by default what the variable MINITF_EXPLORE_DATABASE names (pytest's cache under pytest).
    * ``world``: what makes the world of an execution.

    Raises NondeterminismError if something else than the scheduler decides, ValueError for a strategy that there is not.
    """
    make_world = world or default_world()
    if verify not in VERIFY:
        raise ValueError(f"check(verify={verify!r}): there are {', '.join(map(repr, VERIFY))}.")
    wanted = os.environ.get(scripts.REPLAY)
    if wanted:
        return _only(body, wanted, make_world)
    if isinstance(strategy, str) and strategy not in STRATEGIES:
        raise ValueError(f"check(strategy={strategy!r}): there are {', '.join(map(repr, STRATEGIES))}, or give a scheduler.")
    kept = database_of(database)
    if kept is not None:
        report = _last_failures(body, kept, make_world)
        if report is not None:
            return report
    if verify != "none":
        must_be_deterministic(body, (), make_world)
    settings = Settings(max_executions, seed, workers, deviations, depth, max_failures, reduction, verify == "all")
    if isinstance(strategy, str):
        report, found = STRATEGIES[strategy](body, settings, make_world)
    else:
        report, found = given_scheduler(strategy, body, settings, make_world)
    _fill(report, found, body, make_world, verify != "none")
    if kept is not None:
        kept.save(scripts.name_of(body), [failure.token for failure in report.failures])
    return report


def _fill(report: Report, found: Found, body: Body, make_world: MakeWorld, verify: bool) -> None:
    report.executions = found.executions
    report.outcomes = {state: encode(choices) for state, choices in found.outcomes.items()}
    often = sorted(found.failures.items(), key=lambda item: -item[1][2])
    for number, (kind, (error, choices, count)) in enumerate(often):
        if verify:
            _must_fail_again(body, kind, error, choices, make_world)
        if number < SHRUNK:
            choices = smallest(body, choices, kind, make_world)
        report.failures.append(_told(body, choices, make_world, count, number < SHRUNK))


def _must_fail_again(body: Body, kind: tuple[str, str], error: BaseException | None, choices: Choices,
                     make_world: MakeWorld) -> None:  # fmt: skip
    try:
        again = execute(body, choices, make_world)
    except TokenError as other:
        raise NondeterminismError(f"The choices of a failure were not there again. {other}") from error
    if again.error is None or signature(again.error) != kind:
        compare(((), kind), ((), "no failure" if again.error is None else signature(again.error)))


def _told(body: Body, choices: Choices, make_world: MakeWorld, count: int = 1, record: bool = True) -> Failure:
    """The failure that these choices lead to, with everything that is told of it."""
    execution = execute(body, choices, make_world)
    error = execution.error
    if error is None:
        raise NondeterminismError("An execution failed, and with the same choices it did not fail again.")
    token, title = encode(choices, execution.program), f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    timeline = None
    if record:
        again, timeline = recorded(body, choices, make_world, title)
        if again.verdict() != execution.verdict():
            timeline = None  # who watches the recorder, say, sees something else
    if timeline is None:
        timeline = timeline_of(execution.moments, error, title)
    return Failure(token, error, choices, execution.moments, timeline, scripts.script_for(body, token, error), count)


def replay(body: Body, token: str, *, world: Callable[[Scheduler], Any] | None = None) -> Any:
    """Runs ``body(world)`` once, in the order of a token; raises what the body raises, else gives its final state.

    Raises TokenError for a damaged token, and for one that belongs to another program (also to an older state of this one).
    """
    choices, program = decode(token)
    execution = execute(body, tuple(choices), world or default_world())
    if execution.error is not None:
        raise execution.error
    if execution.unused or program not in (UNKNOWN, execution.program):
        raise TokenError(
            f"The token {token!r} belongs to another program: {scripts.name_of(body)} took other steps than were noted with "
            f"it. The program has changed since, and with this order it does not fail."
        )
    return execution.state


def _only(body: Body, token: str, make_world: MakeWorld) -> Report:
    """What ``check`` gives while a token is in the environment: that execution alone, or nothing if it is another program's."""
    report = Report("replay", notes=[f"only the order {token}"])
    try:
        replay(body, token, world=make_world)
    except TokenError as error:
        warnings.warn(f"Nothing was explored, because {scripts.REPLAY} asks for one order only. {error}", stacklevel=3)
        report.notes.append(str(error))
        return report
    except Exception:
        report.failures.append(_told(body, tuple(decode(token)[0]), make_world))
    report.executions = report.classes = 1
    return report


def _last_failures(body: Body, kept: FailureDatabase, make_world: MakeWorld) -> Report | None:
    """A report of the failures in the database that still are; forgets the others."""
    name = scripts.name_of(body)
    tokens = kept.load(name)
    report = Report("last failures", notes=["kept from an earlier exploration; mend them to go on"])
    for token in tokens:
        try:
            choices = tuple(decode(token)[0])
            execution = execute(body, choices, make_world)
        except TokenError:
            continue
        report.executions += 1
        if execution.error is not None:
            report.failures.append(_told(body, choices, make_world))
    if tokens:
        kept.save(name, [failure.token for failure in report.failures])
    report.classes = report.executions
    return report if report.failures else None
