"""Running a body under a scheduler, again and again, and gathering what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Protocol

from minitf.core.runtime import load
from minitf.core.schedule import Scheduler
from minitf.explore.errors import ExplorationError, NondeterminismError, RedundantError, TokenError
from minitf.explore.orders import Replay
from minitf.explore.outcomes import frozen
from minitf.explore.recording import Chronicle, Moment, Recorder, hash_of
from minitf.explore.report import signature
from minitf.runtimes.session import as_in_a_new_process

Choices = tuple[int, ...]


class World(Protocol):
    """What a body gets: graphs, sessions, disks and tasks whose choices are the scheduler's (``minitf.testing.world``)."""

    def final(self) -> Any:
        """The state to compare if the body returns None."""

    def close(self) -> None:
        """Takes away what the world has made."""


Body = Callable[[Any], Any]
MakeWorld = Callable[[Scheduler], World]


def default_world() -> MakeWorld:
    """The world of the test kit."""
    return load("minitf.testing.world").World  # type: ignore[no-any-return]


@dataclass
class Found:
    """What some executions gave: choices by final state, and by kind of failure (error, choices, how many)."""

    executions: int = 0
    outcomes: dict[Any, Choices] = field(default_factory=dict)
    failures: dict[tuple[str, str], tuple[BaseException | None, Choices, int]] = field(default_factory=dict)

    def add(self, other: Found) -> None:
        """Takes in what later executions gave."""
        self.executions += other.executions
        for state, choices in other.outcomes.items():
            self.outcomes.setdefault(state, choices)
        for kind, (error, choices, count) in other.failures.items():
            first = self.failures.get(kind, (error, choices, 0))
            self.failures[kind] = (first[0], first[1], first[2] + count)


def run(body: Body, scheduler: Scheduler, most: int, make_world: MakeWorld, *, twice: bool = False,
        until: Callable[[Found], bool] | None = None) -> Found:  # fmt: skip
    """Runs a body until the scheduler has enough, ``most`` times at most, or ``until`` says so (asked after a failure).

    ``twice``: each execution is run again with the same choices, and must do the same. Raises NondeterminismError, TokenError.
    """
    recorder: Recorder = Chronicle(scheduler) if twice else Recorder(scheduler)
    found = Found()
    outcomes = found.outcomes
    while found.executions < most and recorder.start():
        error: BaseException | None = None
        world = make_world(recorder)
        try:
            try:
                state = _outcome(body, world)
                if state is None:
                    state = world.final()
            finally:
                world.close()
        except ExplorationError:
            raise
        except Exception as raised:
            error = raised
        try:
            recorder.end(error)
        except RedundantError:
            continue
        found.executions += 1
        if twice:
            assert isinstance(recorder, Chronicle)
            _must_repeat(body, recorder, error, None if error is not None else frozen(state), make_world)
        if error is None:
            kind = type(state)
            if kind is not int and kind is not str:
                state = frozen(state)
            if state not in outcomes:
                outcomes[state] = tuple(recorder.choices)
        else:
            failure = signature(error)
            first = found.failures.get(failure)
            if first is None:
                found.failures[failure] = (error, tuple(recorder.choices), 1)
                if until is not None and until(found):
                    break
            else:
                found.failures[failure] = (first[0], first[1], first[2] + 1)
    return found


def _outcome(body: Body, world: World) -> Any:
    """What a body returns: in a context of its own, where names are numbered from the beginning."""
    with as_in_a_new_process():
        return copy_context().run(body, world)


@dataclass
class Execution:
    """One execution of given choices: its error or its final state, and what was done."""

    error: BaseException | None
    state: Any
    choices: Choices
    moments: tuple[Moment, ...]
    unused: int

    @property
    def program(self) -> int:
        """The hash of what was done."""
        return hash_of(self.moments)

    def verdict(self) -> Any:
        """What two executions of the same choices must have in common."""
        return (self.moments, signature(self.error) if self.error is not None else self.state)


def execute(body: Body, choices: Choices, make_world: MakeWorld,
            tell: Callable[[Moment], Any] | None = None) -> Execution:  # fmt: skip
    """Runs a body once; ``tell`` hears of each choice. Raises TokenError if the choices do not fit it."""
    replay = Replay(choices)
    chronicle = Chronicle(replay, tell)
    error: BaseException | None = None
    state = None
    chronicle.start()
    world = make_world(chronicle)
    try:
        try:
            state = _outcome(body, world)
            state = frozen(world.final() if state is None else state)
        finally:
            world.close()
    except ExplorationError:
        raise
    except Exception as raised:
        error = raised
    chronicle.end(error)
    return Execution(error, state, tuple(chronicle.choices), tuple(chronicle.moments), replay.unused)


def must_be_deterministic(body: Body, choices: Choices, make_world: MakeWorld) -> Execution:
    """Runs a body twice with the same choices. Raises NondeterminismError with the first difference."""
    try:
        first, second = execute(body, choices, make_world), execute(body, choices, make_world)
    except TokenError as error:
        raise NondeterminismError(f"The same choices were not there again. {error}") from error
    compare(first.verdict(), second.verdict())
    return first


def _must_repeat(body: Body, chronicle: Chronicle, error: BaseException | None, state: Any, make_world: MakeWorld) -> None:
    again = execute(body, tuple(chronicle.choices), make_world)
    compare((tuple(chronicle.moments), signature(error) if error is not None else state), again.verdict())


def compare(first: Any, second: Any) -> None:
    """Raises NondeterminismError unless two verdicts are equal."""
    if first == second:
        return
    for number, (one, other) in enumerate(zip(first[0], second[0], strict=False), 1):
        if one != other:
            raise NondeterminismError(
                f"With the same choices the body did something else at choice {number} ({one.round}): first "
                f"{list(one.ready)} were ready, then {list(other.ready)}. {_ADVICE}"
            )
    if len(first[0]) != len(second[0]):
        raise NondeterminismError(
            f"With the same choices the body took {len(first[0])} steps, then {len(second[0])}. {_ADVICE}"
        )
    raise NondeterminismError(f"With the same choices the body ended in {first[1]!r}, then in {second[1]!r}. {_ADVICE}")


_ADVICE = (
    "Something that no scheduler controls decides: chance without a seed, the time, the order of a set, a thread, or something "
    "that outlives an execution. Make it anew from the world in each execution."
)
