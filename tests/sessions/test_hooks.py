"""The usual hooks, with a clock of the test's own where time counts."""

import logging

import numpy as np
import pytest

import minitf.compat.v1 as tf


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now, self.slept = 100.0, []

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)


@pytest.fixture
def train():
    """An operation that increments the global step of a new graph."""
    with tf.Graph().as_default():
        yield tf.train.get_or_create_global_step().assign_add(1)


@pytest.fixture
def lines(caplog):
    """What is logged from here on."""
    caplog.set_level(logging.INFO, "minitf")
    return lambda: [record.getMessage() for record in caplog.records]


def run(train, hook, times, between=lambda number: None):
    """Runs with a hook; gives how often it was allowed to."""
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        for number in range(times):
            if session.should_stop():
                return number
            session.run(train)
            between(number)
    return times


# -- timers ------------------------------------------------------------------------------------------------------------------


def test_a_timer_of_steps():
    timer = tf.train.SecondOrStepTimer(every_steps=3)
    due = []
    for step in (5, 6, 7, 8, 8, 9, 20):
        if timer.should_trigger_for_step(step):
            due.append((step, timer.update_last_triggered_step(step)[1]))
    assert due == [(5, None), (8, 3), (20, 12)]
    assert timer.last_triggered_step() == 20
    timer.reset()
    assert timer.last_triggered_step() is None
    assert timer.should_trigger_for_step(20)


def test_a_timer_of_seconds():
    clock = Clock()
    timer = tf.train.SecondOrStepTimer(every_secs=10.0, clock=clock)
    assert timer.update_last_triggered_step(1) == (None, None)
    clock.now += 9.5
    assert not timer.should_trigger_for_step(2)
    clock.now += 0.5
    assert timer.should_trigger_for_step(2)
    assert not timer.should_trigger_for_step(1)  # never twice at one step
    assert timer.update_last_triggered_step(4) == (10.0, 3)


@pytest.mark.parametrize("arguments", [(), (1, 1)])
def test_a_timer_has_one_measure(arguments):
    with pytest.raises(ValueError, match="every_secs and every_steps|every_secs or every_steps"):
        tf.train.SecondOrStepTimer(*arguments)


# -- stopping ----------------------------------------------------------------------------------------------------------------


def test_stopping_at_a_step(train, tmp_path):
    assert run(train, tf.train.StopAtStepHook(last_step=4), 99) == 4
    hook = tf.train.StopAtStepHook(num_steps=4)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[hook]) as session:
        while not session.should_stop():
            session.run(train)
    hook = tf.train.StopAtStepHook(num_steps=4)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[hook]) as session:
        while not session.should_stop():
            step = session.run(train)
    assert step == 8


def test_where_to_stop_is_said_once():
    with pytest.raises(ValueError, match="One of num_steps or last_step must"):
        tf.train.StopAtStepHook()
    with pytest.raises(ValueError, match="Only one of num_steps or last_step can"):
        tf.train.StopAtStepHook(num_steps=1, last_step=1)


def test_several_steps_in_one_run(train):
    with tf.control_dependencies([train]):
        two = tf.train.get_global_step().assign_add(1)
    assert run(two, tf.train.StopAtStepHook(last_step=5), 99) == 3


@pytest.mark.parametrize("hook", [
    lambda: tf.train.StopAtStepHook(1), lambda: tf.train.StepCounterHook(), lambda: tf.train.GlobalStepWaiterHook(1),
    lambda: tf.train.CheckpointSaverHook("nowhere", save_steps=1),
])  # fmt: skip
def test_hooks_that_need_a_global_step_say_so(hook):
    made = hook()
    with tf.Graph().as_default(), pytest.raises(RuntimeError, match=f"created to use {type(made).__name__}. Call"):
        tf.train.MonitoredSession(hooks=[made])


def test_a_loss_that_is_no_number(train, lines):
    with tf.control_dependencies([train]):
        loss = tf.log(3.5 - tf.cast(tf.train.get_global_step().read_value(), tf.float32))
    assert run(loss, tf.train.NanTensorHook(loss, fail_on_nan_loss=False), 99) == 4
    with pytest.raises(tf.train.NanLossDuringTrainingError, match=r"NaN loss during training\."):
        run(loss, tf.train.NanTensorHook(loss), 99)
    assert lines().count("Model diverged with loss = NaN.") == 2


@pytest.mark.parametrize("until", [0, 1, 3])
def test_waiting_for_a_step(until):
    clock = Clock()
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        train = step.assign_add(1)
        hook = tf.train.GlobalStepWaiterHook(until, clock=clock)
        session = tf.train.SingularMonitoredSession(hooks=[hook])
        clock.sleep = lambda seconds: (clock.slept.append(seconds), session.raw_session().run(train))
        assert session.run(step) == until
        assert clock.slept == [0.5] * until
        session.run(train)
        assert len(clock.slept) == until
        session.close()


# -- telling -----------------------------------------------------------------------------------------------------------------


def test_logging_every_few_runs(train, lines):
    x = tf.constant([0.5, 1e-9], name="x")
    run(train, tf.train.LoggingTensorHook({"b": "x", "a": x, "step": tf.train.get_global_step()}, every_n_iter=2), 5)
    told = [line.partition(" (")[0] for line in lines() if "a = " in line]
    assert [line.rpartition(" ")[0] for line in told] == ["a = [0.5 0. ], b = [0.5 0. ], step ="] * 3
    assert np.get_printoptions()["suppress"] is False


def test_what_is_not_logged_is_not_computed(train):
    computed = []
    x = tf.py_function(lambda: computed.append(1) or 7.0, [], tf.float32)
    run(train, tf.train.LoggingTensorHook({"x": x}, every_n_iter=2), 5)
    assert len(computed) == 3


def test_logging_every_few_seconds(train, lines):
    clock = Clock()

    def later(number):
        clock.now += 4.0

    run(train, tf.train.LoggingTensorHook([tf.constant(7, name="c").name], every_n_secs=8.0, clock=clock), 6, later)
    assert [line for line in lines() if line.startswith("c:0")] == ["c:0 = 7", "c:0 = 7 (8.000 sec)", "c:0 = 7 (8.000 sec)"]


def test_logging_at_the_end_in_words_of_ones_own(train, lines):
    hook = tf.train.LoggingTensorHook({"c": tf.constant(7)}, at_end=True, formatter=lambda values: f"<{values['c']}>")
    run(train, hook, 3)
    assert [line for line in lines() if "<" in line] == ["<7>"]


def test_tensors_must_be_in_the_graph(train):
    tf.split(tf.constant([1.0, 2.0]), 2, name="two")
    for given, error, text in (
        (["nobody"], KeyError, "no operation named 'nobody'"),
        (["two"], ValueError, "ambiguous.*2 outputs.*'two:0'"),
        ([3], ValueError, "Cannot convert 3"),
        ([tf.Graph()], ValueError, "Cannot convert"),
    ):
        with pytest.raises(error, match=text):
            tf.train.LoggingTensorHook(given, every_n_iter=1).begin()
    for options in ({}, {"every_n_iter": 1, "every_n_secs": 1}, {"every_n_iter": 0}, {"every_n_iter": -1, "at_end": True}):
        with pytest.raises(ValueError, match="every_n_iter"):
            tf.train.LoggingTensorHook(["two:1"], **options)


def test_steps_in_a_second(train, lines):
    clock = Clock()

    def later(number):
        clock.now += 0.5

    run(train, tf.train.StepCounterHook(every_n_steps=4, clock=clock), 10, later)
    assert [line for line in lines() if "/sec" in line] == ["global_step/sec: 2", "global_step/sec: 2"]
    run(train, tf.train.StepCounterHook(None, every_n_secs=2.0, clock=clock), 6, later)
    assert [line for line in lines() if "/sec" in line] == ["global_step/sec: 2"] * 3


def test_steps_in_no_time(train, lines):
    run(train, tf.train.StepCounterHook(every_n_steps=1, clock=Clock()), 2)
    assert [line for line in lines() if "/sec" in line] == ["global_step/sec: inf"]


def test_a_step_that_stands_still(train, lines):
    run(tf.constant(1), tf.train.StepCounterHook(), 9)
    assert len([line for line in lines() if "has not been increased" in line]) == 5  # that is enough
    with pytest.raises(ValueError, match="exactly one"):
        tf.train.StepCounterHook(1, 1)


# -- saving ------------------------------------------------------------------------------------------------------------------


class Listening(tf.train.CheckpointSaverListener):
    def __init__(self, stop_at=None):
        self.heard, self.stop_at = [], stop_at

    def begin(self):
        self.heard.append("begin")

    def before_save(self, session, global_step_value):
        self.heard.append(f"before {global_step_value}")

    def after_save(self, session, global_step_value):
        self.heard.append(f"after {global_step_value}")
        return global_step_value == self.stop_at

    def end(self, session, global_step_value):
        self.heard.append(f"end {global_step_value}")


def in_training(directory, train, listener, times, **options):
    scaffold = tf.train.Scaffold()
    hook = tf.train.CheckpointSaverHook(directory, scaffold=scaffold, listeners=[listener], **options)
    with tf.train.SingularMonitoredSession(hooks=[hook], scaffold=scaffold) as session:
        for number in range(times):
            if session.should_stop():
                return number
            session.run(train)
    return times


def test_saving_every_few_steps(train, tmp_path):
    listener = Listening()
    in_training(tmp_path / "new" / "run", train, listener, 5, save_steps=2, checkpoint_basename="m")
    saves = [f"{what} {step}" for step in (0, 2, 4, 5) for what in ("before", "after")]
    assert listener.heard == ["begin", *saves, "end 5"]
    found = tf.train.get_checkpoint_state(tmp_path / "new" / "run").all_model_checkpoint_paths
    assert [path.rpartition("/")[2] for path in found] == ["m-0", "m-2", "m-4", "m-5"]


def test_saving_every_few_seconds(train, tmp_path):
    clock, listener = Clock(), Listening()
    with tf.control_dependencies([tf.py_function(lambda: setattr(clock, "now", clock.now + 3.0), [], [])]):
        slow = tf.train.get_global_step().assign_add(1)
    in_training(tmp_path, slow, listener, 5, save_secs=6.0, clock=clock)
    assert [heard for heard in listener.heard if "after" in heard] == ["after 0", "after 2", "after 4", "after 5"]


def test_the_last_step_is_not_saved_twice(train, tmp_path):
    listener = Listening()
    in_training(tmp_path, train, listener, 2, save_steps=2)
    assert listener.heard[-2:] == ["after 2", "end 2"]


def test_a_listener_may_stop_the_training(train, tmp_path):
    assert in_training(tmp_path, train, Listening(stop_at=2), 9, save_steps=1) == 2


def test_the_saver_may_be_in_the_graph(train, tmp_path):
    make = lambda: tf.train.CheckpointSaverHook(tmp_path, save_steps=1)
    scaffold = tf.train.Scaffold(saver=tf.train.Saver(max_to_keep=1))  # which is no one's but the scaffold's
    with pytest.raises(RuntimeError, match=r"no items in the collection of savers.*CheckpointSaverHook\(saver="):
        tf.train.SingularMonitoredSession(hooks=[make()], scaffold=scaffold)
    tf.get_default_graph()._unsafe_unfinalize()
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver(max_to_keep=2))
    run(train, make(), 3)
    assert len(list(tmp_path.glob("*.index"))) == 2
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver())
    with pytest.raises(RuntimeError, match="more than one item in the collection of savers"):
        tf.train.SingularMonitoredSession(hooks=[make()], scaffold=scaffold)


def test_a_saver_of_ones_own(train, tmp_path):
    saver = tf.train.Saver()
    run(train, tf.train.CheckpointSaverHook(tmp_path, save_steps=1, saver=saver), 2)
    assert len(saver.last_checkpoints) == 3
    with pytest.raises(ValueError, match="both saver and scaffold"):
        tf.train.CheckpointSaverHook(tmp_path, save_steps=1, saver=saver, scaffold=tf.train.Scaffold())


@pytest.mark.parametrize("options, saves", [
    ({"save_checkpoint_secs": None}, 0), ({"save_checkpoint_steps": 0}, 0), ({}, 2),
    ({"save_checkpoint_secs": None, "save_checkpoint_steps": 1}, 4), ({"save_checkpoint_secs": 3600}, 2),
])  # fmt: skip
def test_how_often_training_saves(train, tmp_path, options, saves):
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, log_step_count_steps=None, **options) as session:
        for _ in range(3):
            session.run(train)
    assert len(list(tmp_path.glob("*.index"))) == saves


# -- values in and out -------------------------------------------------------------------------------------------------------


def test_feeding_from_a_function():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [])
        numbers = iter([1.0, 2.0])
        with tf.train.MonitoredSession(hooks=[tf.train.FeedFnHook(lambda: {x: next(numbers)})]) as session:
            seen = [session.run(x), session.run(x)]
            session.run(x)  # the iterator ends, and with it the training
            pytest.fail("not reached")
        assert seen == [1.0, 2.0]


def test_final_operations(train, lines):
    x = tf.placeholder(tf.float32, [])
    hook = tf.train.FinalOpsHook({"x": x, "step": tf.train.get_global_step()}, {x: 4.0})
    assert hook.final_ops_values is None
    run(train, hook, 3)
    assert hook.final_ops_values == {"x": 4.0, "step": 3}

    hook = tf.train.FinalOpsHook(None)
    run(train, hook, 1)
    assert hook.final_ops_values is None

    def at_an_end():
        raise tf.errors.OutOfRangeError("no more")

    hook = tf.train.FinalOpsHook(tf.py_function(at_an_end, [], tf.float32))
    with pytest.raises(tf.errors.OutOfRangeError):
        run(train, hook, 3)
    assert any("Let them read variables only" in line for line in lines())
