"""The rows about exploring orders. The yardstick is the same program, run step by step by hand: 8 steps of two generators.

At 20,000 executions a second one takes 50 microseconds. The yardstick takes 0.6 on the machine where the goals were set.
"""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter
from typing import Any

from table import row
from timing import Candidate, repeated


def _task() -> Generator[None, None, None]:
    yield
    yield
    yield
    yield


def _by_hand() -> None:
    for task in (_task(), _task()):
        for _ in task:
            pass


def _body(world: Any) -> int:
    world.tasks(_task, _task)
    return 0


@row("explore 8 steps", peers=())
def explore_eight_steps(tf: Any) -> dict[str, Candidate]:
    """Seconds an execution: all 70 orders of two tasks of four steps, none of them independent; and orders at random."""
    from minitf.explore import Exhaustive, Random
    from minitf.explore.running import default_world, run

    world = default_world()
    assert run(_body, Exhaustive(), 1000, world).executions == 70

    def exhaustive(times: int) -> float:
        start = perf_counter()
        left = times
        while left > 0:
            left -= run(_body, Exhaustive(), min(left, 70), world).executions
        return perf_counter() - start

    def at_random(times: int) -> float:
        start = perf_counter()
        run(_body, Random(0, times), times, world)
        return perf_counter() - start

    return {"by hand": repeated(_by_hand), "exhaustive": exhaustive, "random": at_random}
