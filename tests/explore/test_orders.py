"""Schedulers that try some orders: what each promises."""

import itertools
import math
from contextlib import closing

import pytest
from programs import body_of

from minitf import explore
from minitf.explore import ANYTHING, writes
from minitf.explore.orders import Bounded, Pct, Random, Replay
from minitf.explore.recording import Recorder
from minitf.explore.running import default_world, run

WORLD = default_world()
FREE = ((ANYTHING,) * 3, (ANYTHING,) * 2)  # 10 orders


def schedules(scheduler, program=FREE, most=10**6):
    """The choices of all executions."""
    out = []
    recorder = Recorder(scheduler)
    while len(out) < most and recorder.start():
        with closing(WORLD(recorder)) as world:
            body_of(program)(world)
        recorder.end()
        out.append(tuple(recorder.choices))
    return out


def deviations(choices):
    return sum(map(bool, choices))


def test_bounded_goes_from_few_deviations_to_many_and_tries_each_schedule_once():
    scheduler = Bounded()
    tried = schedules(scheduler)
    assert len(tried) == len(set(tried)) == math.comb(5, 2)
    assert list(map(deviations, tried)) == sorted(map(deviations, tried))
    assert scheduler.complete
    assert scheduler.bound == max(map(deviations, tried))


@pytest.mark.parametrize("most", range(3))
def test_bounded_stops_at_its_bound_and_says_so(most):
    scheduler = Bounded(most)
    tried = schedules(scheduler)
    every = schedules(Bounded())
    assert sorted(tried) == sorted(c for c in every if deviations(c) <= most)
    assert scheduler.bound == most
    assert scheduler.complete == (len(tried) == len(every))


def test_bounded_claims_only_levels_that_it_finished():
    every = schedules(Bounded())
    for count in range(1, len(every) + 1):
        scheduler = Bounded()
        assert schedules(scheduler, most=count) == every[:count]
        finished = [k for k in range(-1, 9) if all(c in every[:count] for c in every if deviations(c) <= k)]
        assert scheduler.bound <= max(finished)
        assert scheduler.bound >= max(finished, default=-1) - 1 or scheduler.complete
    report = explore.check(body_of(FREE), strategy="bounded", deviations=1)
    assert report.bound == 1
    assert not report.complete
    assert "no failure with at most 1 deviations from program order" in str(report)


def test_bounded_without_room_does_not_claim_more():
    scheduler = Bounded(room=1)
    schedules(scheduler)
    assert not scheduler.complete
    assert scheduler.bound <= 1


def test_replay_repeats_a_schedule_and_refuses_one_that_does_not_fit():
    for choices in schedules(Bounded()):
        assert schedules(Replay(choices)) == [choices]
    with pytest.raises(explore.TokenError, match="number 2, but at 'tasks 1' there are only"):
        schedules(Replay((2,)))


def test_random_orders_come_from_the_seed_and_reach_everything():
    assert schedules(Random(1, 50)) == schedules(Random(1, 50)) != schedules(Random(2, 50))
    assert set(schedules(Random(3, 500))) == set(schedules(Bounded()))
    report = explore.check(body_of(FREE), strategy="random", seed=3)
    assert (report.executions, report.classes, report.complete) == (1000, 10, False)
    assert report.outcomes == explore.check(body_of(FREE), strategy="random", seed=3).outcomes


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_pct_finds_bugs_of_its_depth_as_often_as_it_promises(depth):
    """The bug: one task's last step before the first of another, and so on along a chain that takes ``depth`` of them."""

    def body(world):
        log = []

        def task(name, steps):
            for step in range(steps):
                log.append((name, step))
                yield

        world.tasks(task("a", 2), task("b", 2), task("c", 2))
        at = {entry: place for place, entry in enumerate(log)}
        chain = [("c", 0), ("b", 1), ("c", 1)][: depth + 1] if depth < 3 else [("c", 0), ("a", 0), ("c", 1), ("a", 1)]
        assert not all(at[one] < at[other] for one, other in itertools.pairwise(chain)), "the bug"

    report = explore.check(body, strategy="pct", depth=depth, max_executions=1000, seed=depth)
    [failure] = report.failures
    scheduler = Pct("x", 1, depth, 3, 9)
    assert failure.count / 1000 >= scheduler.probability
    assert f"d = {depth}" in report.notes[0]
    assert "n = 3 tasks, k = 9 steps" in report.notes[0]


def test_pct_draws_alternatives_too():
    def body(world):
        return world.choose(1, 2, 3)

    assert set(explore.check(body, strategy="pct").outcomes) == {1, 2, 3}


def test_a_scheduler_of_ones_own():
    class Last:
        complete = False

        def __init__(self):
            self.left = 1

        def start(self):
            self.left -= 1
            return self.left >= 0

        def choose(self, ready, event):
            return len(ready) - 1

        def end(self, error=None):
            pass

    def body(world):
        log = []
        world.tasks(*(lambda n=n: log.append(n) for n in range(3)))
        return log

    report = explore.check(body, strategy=Last())
    assert list(report.outcomes) == [(2, 1, 0)]
    assert report.strategy == "Last"
    with pytest.raises(ValueError, match="'exhaustive', 'bounded', 'random', 'pct'"):
        explore.check(body, strategy="luck")


def test_redundant_work_is_seen_by_all_strategies():
    independent = ((writes("x"),) * 2, (writes("y"),) * 2)
    for strategy in ("bounded", "random", "pct"):
        assert explore.check(body_of(independent), strategy=strategy).classes == 1
    assert run(body_of(FREE), Random(0, 7), 10, WORLD).executions == 7
