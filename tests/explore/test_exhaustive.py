"""One execution for each class: the claim, against every order tried one by one."""

import functools
import itertools
import random

import pytest
from programs import ACCESSES, body_of, classes_of, programs

from minitf import explore
from minitf.explore import ANYTHING, NOTHING, reads, writes
from minitf.explore.classes import ClassCounter
from minitf.explore.exhaustive import Exhaustive
from minitf.explore.running import default_world, run

WORLD = default_world()


def both(program, raising=None):
    """What the reduced exploration gives, and what every order gives."""
    body = body_of(program, raising)
    reduced, every = Exhaustive(), Exhaustive(reduction=False)
    counter = ClassCounter(every)
    return (reduced, run(body, reduced, 10**6, WORLD)), (counter, run(body, counter, 10**6, WORLD))


def check(program):
    (reduced, found), (counter, brute) = both(program)
    assert reduced.complete
    assert reduced.classes == found.executions == counter.classes, program
    assert reduced.redundant == 0, program
    assert found.outcomes.keys() == brute.outcomes.keys(), program
    assert counter.classes <= brute.executions


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_all_programs_of_up_to_four_steps(steps):
    for program in programs(steps):
        check(program)


@pytest.mark.parametrize("steps", [5, 6])
def test_some_programs_of_five_and_six_steps(steps):
    """Other ones each time; every_program.py, beside this file, takes all of them."""
    chosen = random.SystemRandom()
    for _ in range(300):
        flat = [chosen.choice(ACCESSES) for _ in range(steps)]
        cuts = sorted({0, steps, *(chosen.randrange(1, steps) for _ in range(chosen.randrange(4)))})
        check(tuple(tuple(flat[a:b]) for a, b in itertools.pairwise(cuts)))


def test_the_count_of_classes_by_hand_is_the_same():
    for steps in (2, 3):
        for program in programs(steps):
            assert both(program)[0][0].classes == classes_of(program)


def test_a_step_that_raises_conflicts_with_all():
    """Every error that some order gives is found, and every state that a later failure can see."""
    chosen = random.SystemRandom()
    for _ in range(150):
        sizes = [chosen.randrange(1, 3) for _ in range(chosen.randrange(2, 4))]
        program = tuple(tuple(chosen.choice(ACCESSES) for _ in range(size)) for size in sizes)
        task = chosen.randrange(len(program))
        raising = task, chosen.randrange(len(program[task]))
        (reduced, found), (counter, brute) = both(program, raising)
        assert reduced.complete
        assert reduced.classes == counter.classes, (program, raising)
        assert found.failures.keys() == brute.failures.keys(), (program, raising)
        assert found.outcomes.keys() == brute.outcomes.keys(), (program, raising)


def test_independent_steps_need_one_execution_and_conflicting_ones_all():
    a, b = writes("a"), writes("b")

    def tasks(*accesses):
        return lambda world: world.tasks(*(iter_task(access) for access in accesses)) and 0

    def iter_task(access):
        yield access
        yield access
        yield access

    assert explore.check(tasks(a, b, NOTHING)).classes == 1
    assert explore.check(tasks(a, reads("a"))).classes == 20
    assert explore.check(tasks(reads("a"), reads("a"))).classes == 1
    assert explore.check(tasks(ANYTHING, NOTHING)).classes == 20


def test_alternatives_multiply_and_orders_inside_steps_are_explored():
    def body(world):
        log = []

        def chooser():
            yield writes("log")
            log.append(world.choose("a", "b", "c"))

        def nested():
            yield writes("log")
            world.tasks(functools.partial(log.append, 1), functools.partial(log.append, 2))

        world.tasks(chooser, nested)
        return tuple(log)

    report = explore.check(body)
    assert report.complete
    assert report.classes == len(report.outcomes) == 3 * 2 * 2
    assert report.outcomes.keys() == explore.check(body, reduction=False).outcomes.keys()


def test_a_body_that_ready_steps_do_not_repeat_in_is_told():
    calls = itertools.count()

    def body(world):
        world.tasks(*([lambda: None] * (2 + next(calls) % 2)))
        return 0

    with pytest.raises(explore.NondeterminismError, match=r"choice 1 \(tasks 1\).*3 were|did something else|\['<lambda>"):
        explore.check(body)
    with pytest.raises(explore.NondeterminismError, match="earlier execution"):
        explore.check(body, verify="none")
