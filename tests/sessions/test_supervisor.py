"""The way before monitored sessions: a session that is made ready, and threads beside it."""

import logging
import threading
import time

import pytest

import minitf.compat.v1 as tf


@pytest.fixture
def train():
    """An operation that increments the global step of a new graph."""
    with tf.Graph().as_default():
        yield tf.train.get_or_create_global_step().assign_add(1)


def until(true, seconds=30.0):
    """Waits for something that a thread does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_it_restores_what_its_thread_has_saved(train, tmp_path):
    for begins in (0, 4):
        with tf.Graph().as_default() as graph:
            train = tf.train.get_or_create_global_step().assign_add(1)
            supervisor = tf.train.Supervisor(logdir=tmp_path / "new" / "run", save_model_secs=0.01, save_summaries_secs=None)
            assert graph.finalized
            with supervisor.managed_session() as session:
                assert session.run(supervisor.global_step) == begins
                for _ in range(4):
                    session.run(train)
                step = begins + 4
                until(lambda step=step: str(tf.train.latest_checkpoint(tmp_path / "new" / "run")).endswith(f"ckpt-{step}"))
                assert not supervisor.should_stop()
            assert supervisor.should_stop()
            with pytest.raises(RuntimeError, match="closed"):
                session.run(train)


def test_it_saves_at_once_but_not_at_the_end(train, tmp_path):
    supervisor = tf.train.Supervisor(logdir=str(tmp_path), checkpoint_basename="m")
    with supervisor.managed_session() as session:
        until(lambda: tf.train.latest_checkpoint(tmp_path) is not None)
        session.run(train)
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "m-0")
    assert supervisor.save_path == str(tmp_path / "m")


def test_pieces_are_taken_from_the_graph_or_made(train):
    graph = tf.get_default_graph()
    w = tf.get_local_variable("w", initializer=1.0)
    graph.add_to_collection(tf.GraphKeys.LOCAL_INIT_OP, w.assign(42.0))
    first = tf.train.Supervisor()
    second = tf.train.Supervisor(graph=graph, ready_op=None)
    for name in ("init_op", "saver", "global_step"):
        assert getattr(first, name) is getattr(second, name) is not None
    with first.managed_session() as session:
        assert session.run(w) == 42.0
    assert second.ready_op is first.ready_for_local_init_op is first.init_feed_dict is None
    assert (first.is_chief, first.save_model_secs, first.save_summaries_secs, first.save_path) == (True, 600, 120, None)
    assert isinstance(first.session_manager, tf.train.SessionManager)


def test_without_a_directory_no_thread_is_started(train, caplog):
    supervisor = tf.train.Supervisor()
    with supervisor.managed_session() as session:
        assert supervisor.start_standard_services(session) is None
    assert caplog.text.count("without a logdir there is nothing to save") == 2


def test_without_variables_there_is_no_saver():
    with tf.Graph().as_default():
        c = tf.constant(5)
        supervisor = tf.train.Supervisor(logdir="nowhere")
        assert supervisor.saver is supervisor.global_step is None
        assert tf.get_collection(tf.GraphKeys.SAVERS) == tf.get_collection(tf.GraphKeys.GLOBAL_STEP) == []
        with supervisor.managed_session() as session:
            assert session.run(c) == 5


def test_what_the_init_op_leaves_is_missed(train):
    w = tf.get_variable("w", initializer=1.0)
    step = tf.train.get_global_step()
    with pytest.raises(RuntimeError, match="not ready after.*: w"):
        tf.train.Supervisor(init_op=step.initializer).prepare_or_wait_for_session()
    done = []
    supervisor = tf.train.Supervisor(init_op=step.initializer, init_fn=lambda session: done.append(session.run(w.initializer)))
    assert supervisor.prepare_or_wait_for_session().run(w) == 1.0
    supervisor.stop()


@pytest.mark.parametrize("end", [tf.errors.OutOfRangeError("the end"), None])
def test_the_end_of_the_input_ends_it_quietly(train, end):
    with tf.train.Supervisor().managed_session() as session:
        session.run(train)
        if end is not None:
            raise end


def test_errors_of_the_block_and_of_threads_are_raised(train):
    with pytest.raises(ZeroDivisionError), tf.train.Supervisor().managed_session():
        raise ZeroDivisionError

    supervisor = tf.train.Supervisor()

    def fails():
        raise KeyError("in a thread")

    supervisor.prepare_or_wait_for_session()
    supervisor.loop(None, fails)
    supervisor.wait_for_stop()
    with pytest.raises(KeyError, match="in a thread"):
        supervisor.stop()


def test_threads_of_ones_own(train):
    supervisor, counted = tf.train.Supervisor(), []
    session = supervisor.prepare_or_wait_for_session(start_standard_services=False)

    def count(by, more):
        counted.append(session.run(train) * by + more)

    supervisor.loop(0.001, count, args=(10,), kwargs={"more": 1})
    until(lambda: len(counted) >= 3)
    with supervisor.stop_on_exception():
        raise tf.errors.OutOfRangeError("enough")
    supervisor.stop()
    assert counted[:3] == [11, 21, 31]
    again = supervisor.prepare_or_wait_for_session()  # it can begin anew
    assert not supervisor.should_stop()
    assert again.run(supervisor.global_step) == 0
    supervisor.request_stop()
    supervisor.stop()


def test_the_basic_loop_begins_anew_when_the_session_is_lost(train, tmp_path):
    supervisor = tf.train.Supervisor(logdir=tmp_path, save_model_secs=None)
    sessions, troubles = [], [tf.errors.AbortedError("lost"), None]

    def step(session, last, trouble_at):
        if session not in sessions:
            sessions.append(session)
        done = session.run(train)
        supervisor.saver.save(session, supervisor.save_path, global_step=done)
        if done == trouble_at:
            error = troubles.pop(0)
            if error is not None:
                raise error
        if done >= last:
            supervisor.request_stop()

    tf.train.basic_train_loop(supervisor, step, args=(5,), kwargs={"trouble_at": 3})
    assert len(sessions) == 2
    assert tf.train.latest_checkpoint(tmp_path).endswith("-5")
    troubles[:] = [tf.errors.UnavailableError("is no such loss")]
    with pytest.raises(tf.errors.UnavailableError):
        tf.train.basic_train_loop(supervisor, step, (9, 7))


def test_a_thread_that_does_not_end(train):
    supervisor = tf.train.Supervisor(stop_grace_secs=0.01)
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="lazy")
    thread.start()
    with pytest.raises(RuntimeError, match="still running: lazy"):
        supervisor.stop([thread])
    supervisor.stop([thread], ignore_live_threads=True)
    release.set()
    thread.join()


def test_runners_are_started(train):
    seen = []

    class Runner:
        def create_threads(self, session, coord, daemon, start):
            seen.append((coord, daemon, start))
            return [threading.current_thread()]

    supervisor = tf.train.Supervisor()
    tf.get_default_graph().add_to_collection(tf.GraphKeys.QUEUE_RUNNERS, Runner())
    with supervisor.managed_session() as session:
        assert seen == [(supervisor.coord, True, True)]
        assert supervisor.start_queue_runners(session, []) == []
        assert supervisor.start_queue_runners(session) == [threading.current_thread()]


def test_steps_in_a_second_are_told(train, tmp_path, caplog):
    caplog.set_level(logging.INFO, "minitf")
    supervisor = tf.train.Supervisor(logdir=tmp_path, save_model_secs=0, save_summaries_secs=0.005)
    with supervisor.managed_session(start_standard_services=False) as session:
        session.run(train)
        supervisor.start_standard_services(session)
        until(lambda: caplog.text.count("global_step/sec: 0\n") >= 2)  # none since it began to count
        session.run(train)
        until(lambda: caplog.text.count("global_step/sec: ") > caplog.text.count("global_step/sec: 0\n"))
    assert not list(tmp_path.iterdir())


def test_who_is_no_chief_waits_and_saves_nothing(train, tmp_path):
    supervisor = tf.train.Supervisor(is_chief=False, logdir=tmp_path, recovery_wait_secs=0.01)
    assert supervisor.save_path is supervisor.save_model_secs is supervisor.save_summaries_secs is None
    with pytest.raises(tf.errors.DeadlineExceededError):
        supervisor.prepare_or_wait_for_session(max_wait_secs=0.02)
    with pytest.raises(RuntimeError, match="Only chief supervisor can start standard services"):
        supervisor.start_standard_services(None)
    with tf.Graph().as_default():
        c = tf.constant(3)
        assert tf.train.Supervisor(is_chief=False).prepare_or_wait_for_session().run(c) == 3


def test_a_manager_of_ones_own(train):
    manager = tf.train.SessionManager()
    supervisor = tf.train.Supervisor(session_manager=manager, init_op=None, local_init_op=None)
    assert supervisor.session_manager is manager
    with pytest.raises(RuntimeError, match="no init_op"):
        supervisor.prepare_or_wait_for_session()


def test_what_is_refused(train):
    for given in ({"summary_op": tf.constant("s")}, {"summary_writer": object()}):
        with pytest.raises(NotImplementedError, match="minitf writes no summaries"):
            tf.train.Supervisor(**given)
    assert not tf.train.Supervisor(summary_op=None, summary_writer=None).should_stop()


def test_there_is_none_in_eager_mode():
    with pytest.raises(RuntimeError, match="Supervisor needs a graph"):
        tf.train.Supervisor()
