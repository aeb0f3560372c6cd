"""``check``, its report, and seeing a failure again."""

import itertools
import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from minitf import explore
from minitf import timeline as tf_timeline


def lost_update(world):
    box = [0]

    def add():
        seen = box[0]
        yield
        box[0] = seen + 1

    world.tasks(add, add)
    assert box[0] == 2, "an update was lost"
    return box[0]


def no_update_lost(world):
    box = [0]

    def add():
        box[0] += 1
        yield

    world.tasks(add, add)
    assert box[0] == 2, "an update was lost"
    return box[0]


def one_step_each(world):
    box = [0]
    world.tasks(*[lambda: box.append(1)] * 3)
    return len(box)


def test_a_report_tells_what_there_is():
    report = explore.check(lost_update)
    assert (report.executions, report.classes, report.complete) == (6, 6, True)
    assert list(report.outcomes) == [2]
    [failure] = report.failures
    assert (failure.count, failure.deviations) == (4, 1)
    assert [moment.taken for moment in failure.moments] == ["add[1].1", "add[2].1", "add[1].2", "add[2].2"]
    assert failure.moments[1].text == "seen = box[0]"
    steps = failure.timeline.of("step")
    assert [event.actor for event in steps] == ["add[1]", "add[2]", "add[1]", "add[2]"]
    assert steps[1].text == "add[2].1   seen = box[0]   (instead of add[1].2)"
    assert failure.timeline[-1].data["type"] == "AssertionError"
    assert tf_timeline.Timeline.from_json(failure.timeline.to_json()) == failure.timeline
    text = str(report)
    assert "6 executions, 6 classes (all there are), 1 outcome" in text
    assert "AssertionError: an update was lost" in text
    assert failure.token in text
    assert len(failure.script.splitlines()) <= 15
    with pytest.raises(AssertionError, match="an update was lost") as raised:
        report.assert_no_failures()
    assert raised.value.__cause__.report is report
    mended = explore.check(no_update_lost)
    assert mended.assert_no_failures().complete
    assert "no failure" in str(mended)


def test_a_failures_timeline_tells_what_the_runtimes_did_in_each_step(tmp_path):
    def body(world):
        v = tf.Variable(1.0)
        world.tasks(lambda: v.assign(2.0), lambda: v.assign(3.0))
        assert v.numpy() == 3.0, "the other came last"

    [failure] = explore.check(body).failures
    kinds = [event.kind for event in failure.timeline]
    first, second = (place for place, kind in enumerate(kinds) if kind == "step")
    assert "value" in kinds[first:second]
    assert "value" in kinds[second:]
    path = failure.timeline.save_html(tmp_path / "failure.html")
    assert "the other came last" in Path(path).read_text(encoding="utf-8")


def test_an_outcomes_token_leads_there():
    def body(world):
        log = []
        world.tasks(*(lambda n=n: log.append(n) for n in range(3)))
        return {"log": np.array(log), "first": log[0]}

    report = explore.check(body)
    assert len(report.outcomes) == 6
    for state, token in report.outcomes.items():
        assert explore.replay(body, token) == state == (("first", state[0][1]), ("log", state[1][1]))


def test_a_failure_comes_again_a_hundred_times_out_of_a_hundred():
    [failure] = explore.check(lost_update).failures
    for _ in range(100):
        with pytest.raises(AssertionError, match="an update was lost"):
            explore.replay(lost_update, failure.token)


def test_a_token_of_another_program_is_told():
    [failure] = explore.check(lost_update).failures
    with pytest.raises(explore.TokenError, match=r"another program: .*one_step_each took other steps"):
        explore.replay(one_step_each, failure.token)


def test_the_script_shows_the_failure(tmp_path):
    [failure] = explore.check(lost_update).failures
    done = subprocess.run([sys.executable, "-c", failure.script], capture_output=True, text=True)
    assert "AssertionError: an update was lost" in done.stderr, done.stderr
    program = """
        from minitf import explore

        def outer(first):
            def body(world):
                log = []
                world.tasks(lambda: log.append(1), lambda: log.append(2))
                assert log[0] == first, "the wrong one came first"
            return body

        report = explore.check(outer(1))
        print(report.failures[0].script)
        print("executions", report.executions)
    """
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}

    def output(*arguments):
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment)
        return done.stdout

    script, _, executions = output(file).partition("executions")
    assert executions == " 2\n"
    assert output("-c", script).endswith("executions 1\n")


def test_a_body_that_needs_nothing_is_written_into_its_script():
    exec_scope = {}
    exec("def body(world):\n    raise ValueError('always')\n", exec_scope)
    [failure] = explore.check(exec_scope["body"]).failures
    assert failure.script.splitlines()[0] == "# ValueError: always"


def test_the_shortest_schedule_is_reported():
    """Found at random with many deviations; the failure needs one: the third task first."""

    def body(world):
        log = []

        def task(name):
            for step in range(3):
                log.append((name, step))
                yield

        world.tasks(task("a"), task("b"), task("c"))
        assert log.index(("c", 0)) > log.index(("a", 2)), f"c came before the end of {'a'}"

    report = explore.check(body, strategy="random", max_executions=200)
    [failure] = report.failures
    assert failure.deviations == 1
    assert failure.choices in ((0, 0, 2), (0, 2), (2,))


def test_failures_are_told_apart_by_class_and_message():
    def body(world):
        which = world.choose("a", "b", "b", None)
        if which:
            raise {"a": ValueError, "b": KeyError}[which](which)

    report = explore.check(body)
    assert {(type(f.error), f.count) for f in report.failures} == {(ValueError, 1), (KeyError, 2)}
    assert len(explore.check(body, max_failures=1).failures) == 1
    assert not explore.check(body, max_failures=1).complete


def test_chance_that_no_scheduler_controls_is_found():
    def flipped(world):
        return random.SystemRandom().random()

    with pytest.raises(explore.NondeterminismError, match=r"ended in 0\.\d+, then in 0\.\d+"):
        explore.check(flipped)

    calls = itertools.count()

    def later(world):
        return world.choose(1, 2) == 2 and next(calls)

    assert explore.check(later).executions == 2
    with pytest.raises(explore.NondeterminismError):
        explore.check(later, verify="all")

    def sometimes(world):
        assert next(calls) % 7 != 5
        return 0

    with pytest.raises(explore.NondeterminismError, match="no failure"):
        explore.check(lambda world: world.choose(*range(9)) * 0 + sometimes(world))


def test_a_limit_is_not_complete():
    report = explore.check(lost_update, max_executions=3)
    assert (report.executions, report.complete) == (3, False)
    assert "not all there are" in str(report)


def test_the_database_replays_last_failures_first(tmp_path):
    mended = []

    def body(world):
        log = []
        world.tasks(lambda: log.append(1), lambda: log.append(2))
        assert mended or log[0] == 1, "the wrong one came first"

    first = explore.check(body, database=tmp_path)
    assert first.executions == 2
    second = explore.check(body, database=tmp_path)
    assert (second.strategy, second.executions) == ("last failures", 1)
    assert [f.token for f in second.failures] == [f.token for f in first.failures]
    mended.append(True)
    assert explore.check(body, database=tmp_path).strategy == "exhaustive"
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.json").write_text("damaged")
    explore.FailureDatabase(tmp_path).save("x", ["mt1-aaabf7y"])
    assert explore.FailureDatabase(tmp_path).load("x") == ["mt1-aaabf7y"]
    assert explore.FailureDatabase(tmp_path).load("y") == []


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(TypeError, match="Return numbers, strings, arrays"):
        explore.check(lambda world: object())


def test_variables_and_tensors_are_final_states():
    def body(world):
        v = tf.Variable([1.0, 2.0])
        return v, v.read_value() + 1.0, {"set": {1, 2}}, ValueError("told")

    state = ((1.0, 2.0), (2.0, 3.0), (("set", (1, 2)),), "ValueError: told")
    assert list(explore.check(body).outcomes) == [state]


@pytest.mark.parametrize("make", [tf.train.AdamOptimizer, tf.keras.optimizers.legacy.Adam, tf.keras.optimizers.Adam])
def test_names_are_numbered_from_the_beginning_in_each_execution(make):
    def step(optimizer, v):
        optimizer.apply_gradients([(tf.ones_like(v), v)])

    def body(world):
        v, optimizer = tf.Variable([1.0, 2.0]), make(0.1)
        world.tasks(lambda: step(optimizer, v), lambda: step(optimizer, v))
        variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
        return [variable.name for variable in variables]

    v, optimizer = tf.Variable([1.0, 2.0]), make(0.1)
    step(optimizer, v)
    before = tf.get_default_graph()
    report = explore.check(body)
    assert (report.failures, len(report.outcomes)) == ([], 1)
    assert tf.get_default_graph() is before
