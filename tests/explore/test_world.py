"""The world of an execution: tasks, sessions, disks, crashes."""

import contextvars
import functools
import os
from contextlib import closing

import pytest

import minitf as tf
from minitf import explore
from minitf.explore import reads, writes
from minitf.testing.operations import access_of
from minitf.testing.tasks import announces
from minitf.testing.world import World


def test_without_a_scheduler_everything_is_program_order():
    world = World()
    log = []

    def task(name, steps):
        for step in range(steps):
            log.append((name, step))
            yield
        return name

    assert world.tasks(task("a", 2), functools.partial(task, "b", 1), lambda: "c", lambda: task("d", 1)) == ["a", "b", "c", "d"]
    assert log == [("a", 0), ("a", 1), ("b", 0), ("d", 0)]
    assert world.choose(1, 2) == 1
    world.close()


def test_each_task_has_a_context_of_its_own():
    here = contextvars.ContextVar("here", default="outside")

    def body(world):
        seen = []

        def task(name):
            here.set(name)
            yield
            with tf.Graph().as_default() as graph:
                yield
                seen.append((here.get() == name, tf.get_default_graph() is graph))
            yield

        world.tasks(task("a"), task("b"))
        return seen, here.get(), tf.executing_eagerly()

    report = explore.check(body)
    assert list(report.outcomes) == [(((True, True), (True, True)), "outside", True)]
    assert report.complete


def test_a_yield_as_first_statement_announces_the_first_step():
    def first():
        """A docstring is no statement."""
        yield writes("x")

    def second():
        here = 1
        yield here

    def with_cell():
        yield reads(
            "x",
            first,
        )
        second()

    def loop():
        for _ in range(2):
            yield

    def one_line():
        first(); yield  # noqa: E702

    assert [announces(f.__code__) for f in (first, second, with_cell, loop, one_line)] == [True, False, True, False, False]


def test_what_a_yield_may_say():
    def body(world):
        def task():
            yield "x"

        world.tasks(task)

    with pytest.raises(TypeError, match=r"Task 'task' yielded 'x'.*reads\('x'\) \| writes\('y'\)"):
        explore.check(body).assert_no_failures()
    with pytest.raises(TypeError, match="the same in each"):
        reads(object())
    assert reads(tf.Variable(1.0, name="v")) is reads("v")
    assert repr(reads("a", "b") | writes("c")) == "reads('a', 'b') | writes('c')"


def test_an_error_ends_the_other_tasks_and_clears_up():
    log = []

    def careful():
        log.append("begun")
        try:
            yield
            log.append("not reached")
        finally:
            log.append("cleared")

    def careless():
        raise ValueError("no")

    with closing(World(explore.Replay([1]))) as world, pytest.raises(ValueError, match="no"):
        world.tasks(careful, careless)
    assert log == []
    with closing(World(explore.Replay([0, 1]))) as world, pytest.raises(ValueError, match="no"):
        world.tasks(lambda: careful(), careless)
    assert log == ["begun", "cleared"]


def test_operations_of_a_run_come_in_every_order_that_the_graph_allows():
    def body(world):
        with world.graph().as_default():
            v = tf.Variable(1.0, name="v")
            w = tf.Variable(0.0, name="w")
            twice, more = v.assign(v * 2.0), v.assign_add(10.0)
            other = w.assign(3.0)
            session = world.session()
            session.run([v.initializer, w.initializer])
            session.run([twice, more, other])
            return session.run([v, w])

    report = explore.check(body)
    assert report.complete
    assert report.outcomes.keys() == {(12.0, 3.0), (22.0, 3.0), (2.0, 3.0)}
    assert report.outcomes.keys() == explore.check(body, reduction=False).outcomes.keys()


def test_control_dependencies_leave_one_order():
    def body(world):
        with world.graph().as_default():
            v = tf.Variable(1.0)
            with tf.control_dependencies([v.initializer]):
                add = v.assign_add(1.0)
            session = world.session()
            session.run(add)

    report = explore.check(body)
    assert (report.classes, len(report.outcomes)) == (1, 1)
    [((name, value),)] = next(iter(report.outcomes))
    assert (name, value) == ("Variable", 2.0)


def test_what_operations_touch():
    with tf.Graph().as_default():
        v = tf.Variable(1.0, name="v")
        assert access_of(v.assign(2.0).op) is access_of(v.initializer) is writes("v")
        assert access_of(v.read_value().op) is reads("v")
        assert access_of((v + 1.0).op) is explore.NOTHING
        assert access_of(tf.no_op()) is explore.NOTHING
        assert access_of(tf.random.uniform([]).op) is not access_of(tf.random.uniform([]).op)
        conditional = tf.cond(v > 0.0, lambda: v.assign(2.0), lambda: v.read_value())
        assert access_of(conditional.op) is writes("v")


def test_a_failing_operation_is_found_whatever_else_is_ready():
    def body(world):
        with world.graph().as_default():
            v = tf.Variable(1.0, name="v")
            w = tf.Variable(1.0, name="w")
            session = world.session()
            session.run([v.initializer, w.assign(v.initialized_value())])

    report, brute = explore.check(body), explore.check(body, reduction=False)
    assert {str(f.error) for f in report.failures} == {str(f.error) for f in brute.failures}
    assert report.outcomes.keys() == brute.outcomes.keys()


def test_nothing_of_a_world_survives():
    kept = []

    def body(world):
        kept.append((world.session(world.graph()), world.local_directory(), world.directory()))
        return os.path.isdir(kept[-1][1]), tf.io.gfile.exists(kept[-1][2]) if hasattr(tf, "io") else True

    assert list(explore.check(body).outcomes) == [(True, True)]
    session, local, _ = kept[0]
    assert not os.path.exists(local)
    with pytest.raises(RuntimeError, match="closed"):
        session.store


def net(value):
    module = tf.Module()
    module.v = tf.Variable(value)
    return module


def test_paths_of_the_worlds_disk_work_everywhere():
    def body(world):
        directory = world.directory()
        checkpoint = tf.train.Checkpoint(net=net(1.0))
        manager = tf.train.CheckpointManager(checkpoint, directory, max_to_keep=2)
        for _ in range(3):
            manager.save()
        path = tf.train.latest_checkpoint(directory)
        tf.train.Checkpoint(net=net(0.0)).restore(path).assert_consumed()
        saver = tf.train.Saver({"v": tf.Variable(1.0)})
        saver.save(None, directory + "/named")
        return path, sorted(world.disk.names(directory)), tf.train.list_variables(path)

    [(path, names, variables)] = explore.check(body).outcomes
    assert path == "world://directory-1/ckpt-3"
    assert "ckpt-2.index" in names
    assert "ckpt-1.index" not in names
    assert variables


def test_the_machine_may_crash_at_every_moment_of_a_save():
    def body(world):
        directory = world.directory()
        saver = tf.train.CheckpointableSaver(old := net(1.0))
        path = saver.save(directory + "/ckpt")
        old.v.assign(2.0)
        with world.crash() as crash:
            saver.save(directory + "/ckpt")
        restored = net(0.0)
        tf.train.CheckpointableSaver(restored).restore(path)
        assert tf.train.latest_checkpoint(directory) == path
        return bool(crash), float(restored.v.numpy())

    report = explore.check(body).assert_no_failures()
    assert report.complete
    assert report.outcomes.keys() == {(False, 2.0), (True, 1.0), (True, 2.0)}


def test_a_process_that_dies_leaves_what_it_wrote():
    def body(world):
        path = world.directory() + "/file"
        with world.crash(power=False):
            handle = world.disk.create(path)
            world.disk.write(handle, b"abc", 0)
            world.disk.close(handle)
        return {name: bytes(content) for name, content in world.disk.state().items()}

    found = {tuple(content for _, content in state) for state in explore.check(body).outcomes}
    assert found == {(), (b"",), (b"abc",)}


def test_crashes_and_orders_are_explored_together():
    def body(world):
        path, log = world.directory() + "/file", []

        def write():
            with world.crash(power=False) as crash:
                world.disk.close(world.disk.create(path))
            log.append("crashed" if crash else "written")

        world.tasks(write, lambda: log.append("other"))
        return log

    assert explore.check(body).outcomes.keys() == {
        ("written", "other"), ("crashed", "other"), ("other", "written"), ("other", "crashed"),
    }  # fmt: skip


def test_a_machine_crashes_once():
    def body(world):
        with world.crash(), world.crash():
            pass

    with pytest.raises(RuntimeError, match="Leave the outer block first"):
        explore.check(body).assert_no_failures()
