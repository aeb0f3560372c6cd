"""The same report for any number of workers, and for exploration in units."""

import random
import sys

import pytest
from programs import ACCESSES, body_of

from minitf import explore
from minitf.errors import UnavailableError
from minitf.explore import ANYTHING, splitting, strategies, writes
from minitf.explore.exhaustive import Exhaustive
from minitf.explore.running import default_world, run

WORLD = default_world()
LARGE = ((ANYTHING,) * 3, (ANYTHING,) * 3, (writes("x"),))  # 140 orders


def failing(body):
    def fails_sometimes(world):
        state = body(world)
        assert state[0] % 3, "divisible by 3"
        return state

    return fails_sometimes


def told(report):
    failures = sorted((f.token, f.count, str(f.error)) for f in report.failures)
    return report.executions, report.classes, report.complete, report.outcomes, failures, report.notes


def test_units_together_are_the_whole(monkeypatch):
    """No class is missing or in two units, wherever the cuts are, and whether or not a step raises."""
    chosen = random.SystemRandom()
    for _ in range(60):
        sizes = [chosen.randrange(1, 4) for _ in range(chosen.randrange(2, 4))]
        program = tuple(tuple(chosen.choice(ACCESSES) for _ in range(size)) for size in sizes)
        task = chosen.randrange(len(program))
        raising = chosen.choice([None, (task, chosen.randrange(len(program[task])))])
        body = body_of(program, raising)
        whole = run(body, Exhaustive(), 10**6, WORLD)
        monkeypatch.setattr(splitting, "UNITS", chosen.choice([2, 3, 8, 20, 48]))
        found, complete = strategies._in_units(body, strategies.Settings(), WORLD, 10**6)
        assert complete
        assert found.executions == whole.executions, (program, raising)
        assert found.outcomes.keys() == whole.outcomes.keys(), (program, raising)
        assert found.failures.keys() == whole.failures.keys(), (program, raising)


def test_choices_inside_steps_are_not_cut(monkeypatch):
    def body(world):
        log = []

        def task(name):
            yield writes(name)
            log.append((name, world.choose(1, 2)))
            yield writes("log")
            log.append(name)

        first = world.choose("a", "b")
        world.tasks(task(first), task("c"))
        return sorted(map(str, log))

    whole = explore.check(body)
    monkeypatch.setattr(strategies, "SMALL", 3)
    cut = explore.check(body)
    assert (cut.executions, cut.complete) == (whole.executions, True)
    assert cut.outcomes.keys() == whole.outcomes.keys()


@pytest.mark.parametrize("limit", [None, 60])
def test_any_number_of_workers_gives_the_same(monkeypatch, limit):
    monkeypatch.setattr(strategies, "SMALL", 20)
    body = failing(body_of(LARGE))
    reports = [told(explore.check(body, workers=workers, max_executions=limit)) for workers in (1, 2)]
    assert reports[0] == reports[1]
    assert reports[0][2] == (limit is None)
    for strategy in ("random", "pct", "bounded"):
        options = {"strategy": strategy, "max_executions": 700, "seed": 5}
        assert told(explore.check(body, workers=1, **options)) == told(explore.check(body, workers=2, **options))


def test_a_dask_cluster_serves_as_it_is(monkeypatch):
    joblib = pytest.importorskip("joblib")
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(strategies, "SMALL", 20)
    body = body_of(LARGE)
    here = explore.check(body)
    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config(backend="dask"):
        there = explore.check(body, workers=2)
    assert told(there) == told(here)
    assert there.complete


def test_without_joblib_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(UnavailableError, match="needs joblib"):
        explore.check(body_of(LARGE), "random", workers=2)
