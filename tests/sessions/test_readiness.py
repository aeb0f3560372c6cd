"""How a session becomes ready: restored or initialised, then local variables, then the question what is missing."""

import logging

import pytest

import minitf.compat.v1 as tf
from minitf.core import runtime


class Clock:
    """A clock that goes on when somebody sleeps, and calls what is due then."""

    def __init__(self):
        self.now, self.slept, self.then = 0.0, [], None

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        if self.then is not None:
            self.then()


@pytest.fixture
def graph():
    with tf.Graph().as_default() as made:
        yield made


def weights():
    """Two global variables and a local one that depends on them."""
    w, b = tf.get_variable("w", initializer=1.0), tf.get_variable("b", initializer=2.0)
    return w, b, tf.get_local_variable("seen", initializer=lambda: w.initialized_value() * 10.0)


def saved(directory, value):
    with tf.Graph().as_default(), tf.Session() as session:
        w, b, _ = weights()
        session.run([w.assign(value), b.assign(-value)])
        return tf.train.Saver([w, b]).save(session, str(directory / "model"), global_step=3)


# -- session managers --------------------------------------------------------------------------------------------------------


def test_without_a_checkpoint_the_init_op_is_run(graph, tmp_path):
    w, _, _ = weights()
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables(tf.global_variables()))
    session = manager.prepare_session("", tf.global_variables_initializer(), tf.train.Saver(), str(tmp_path / "none"))
    assert session.run(w) == 1.0


def test_with_a_checkpoint_it_is_not(graph, tmp_path):
    saved(tmp_path, 5.0)
    w, b, seen = weights()
    saver, called = tf.train.Saver([w, b]), []
    manager = tf.train.SessionManager(tf.local_variables_initializer(), tf.report_uninitialized_variables())
    session = manager.prepare_session("", tf.global_variables_initializer(), saver, tmp_path, init_fn=called.append)
    assert session.run([w, b, seen]) == [5.0, -5.0, 50.0]  # the local variable begins with what was restored
    assert not called
    assert [path.rpartition("/")[2] for path in saver.last_checkpoints] == ["model-3"]


def test_what_has_no_value_is_named_with_what_was_tried(graph, tmp_path):
    saved(tmp_path, 5.0)
    w, _, _ = weights()
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables())
    with pytest.raises(RuntimeError, match=r"not ready after init_op w/Assign and init_fn None.* not initialized: b, seen"):
        manager.prepare_session("", w.initializer)
    with pytest.raises(RuntimeError, match=r"not ready after restoring .*: b, seen"):
        manager.prepare_session("", w.initializer, tf.train.Saver([w]), tmp_path)
    with pytest.raises(RuntimeError, match=r"no checkpoint to restore, and no init_op.*init_op=tf\.compat\.v1"):
        manager.prepare_session("")


def test_a_variable_may_be_missed_by_an_error_instead_of_a_name(graph):
    w, _, _ = weights()
    asks_by_reading = tf.train.SessionManager(ready_op=w.read_value())
    with pytest.raises(RuntimeError, match="not ready after.*Variable 'w' has no value"):
        asks_by_reading.prepare_session("", tf.no_op())
    broken = tf.train.SessionManager(ready_op=tf.py_function(_fail, [], tf.string))
    with pytest.raises(tf.errors.FailedPreconditionError, match="door is shut"):
        broken.prepare_session("", tf.no_op())


def _fail():
    raise tf.errors.FailedPreconditionError("the door is shut")


@pytest.mark.parametrize("ready", [lambda: tf.no_op(), lambda: tf.constant([3, 4])])
def test_a_ready_op_without_strings_need_only_run(graph, ready):
    manager = tf.train.SessionManager(ready_op=ready())
    assert isinstance(manager.prepare_session("", tf.no_op()), tf.Session)


def test_a_single_name_need_not_be_a_vector(graph):
    manager = tf.train.SessionManager(ready_op=tf.constant("w"))
    with pytest.raises(RuntimeError, match="not initialized: w"):
        manager.prepare_session("", tf.no_op())


def test_a_session_that_does_not_become_ready_is_closed(graph):
    weights()
    made = []
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables())
    with pytest.raises(RuntimeError, match="not ready"):
        manager.prepare_session("", init_fn=made.append)
    with pytest.raises(RuntimeError, match="closed"):
        made[0].run(tf.no_op())


def test_recovering_says_whether_it_did(graph, tmp_path, caplog):
    caplog.set_level(logging.INFO, "minitf")
    saved(tmp_path, 5.0)
    w, b, _ = weights()
    manager = tf.train.SessionManager(tf.no_op(), tf.report_uninitialized_variables(tf.global_variables()))
    assert manager.recover_session("", tf.train.Saver(), str(tmp_path / "none"))[1] is False
    session, restored = manager.recover_session("", tf.train.Saver([w, b]), tmp_path)
    assert restored is True
    assert session.run(w) == 5.0
    session, restored = manager.recover_session("", tf.train.Saver([w]), tmp_path)
    assert restored is False
    assert "did not make the session ready. Variables not initialized: b" in caplog.text
    assert session.run(w) == 5.0  # the rest is left to the caller


def test_a_lost_newest_checkpoint_gives_way_to_the_one_before(graph, tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=1.0)
        saver = tf.train.Saver()
        for number in (1, 2):
            session.run(w.assign(float(number)))
            saver.save(session, str(tmp_path / "m"), global_step=number)
    (tmp_path / "m-2.index").unlink()
    w = tf.get_variable("w", initializer=1.0)
    manager = tf.train.SessionManager()
    assert manager.prepare_session("", saver=tf.train.Saver(), checkpoint_dir=tmp_path).run(w) == 1.0
    (tmp_path / "m-1.index").unlink()
    with pytest.raises(ValueError, match="m-2.*not a valid checkpoint"):
        manager.prepare_session("", w.initializer, saver=tf.train.Saver(), checkpoint_dir=tmp_path)


def test_a_checkpoint_may_be_named(graph, tmp_path):
    path = saved(tmp_path, 5.0)
    w, b, _ = weights()
    saver, manager = tf.train.Saver([w, b]), tf.train.SessionManager()
    assert manager.prepare_session("", saver=saver, checkpoint_filename_with_path=path).run(b) == -5.0
    with tf.train.SingularMonitoredSession(
        scaffold=tf.train.Scaffold(saver=saver), checkpoint_filename_with_path=path
    ) as session:
        assert session.run(b) == -5.0
    with pytest.raises(ValueError, match="can not restore both checkpoint_dir and checkpoint_filename_with_path"):
        manager.recover_session("", saver, tmp_path, path)
    with pytest.raises(ValueError, match="model-4"):
        manager.prepare_session("", saver=saver, checkpoint_filename_with_path=path.replace("3", "4"))


def test_local_initialisers_wait_for_what_they_need(graph, tmp_path):
    saved(tmp_path, 5.0)
    w, b, _ = weights()
    needs = tf.report_uninitialized_variables(tf.global_variables())
    manager = tf.train.SessionManager(
        tf.local_variables_initializer(), ready_for_local_init_op=needs, recovery_wait_secs=9, clock=Clock()
    )
    with pytest.raises(RuntimeError, match="not ready for local_init_op after init_op w/Assign.*initialized: b"):
        manager.prepare_session("", w.initializer)
    assert manager.recover_session("", tf.train.Saver([w]), tmp_path)[1] is False
    assert manager.recover_session("", tf.train.Saver([w, b]), tmp_path)[1] is True
    with pytest.raises(tf.errors.DeadlineExceededError, match="initialized: w, b"):
        manager.wait_for_session("", max_wait_secs=5)
    with pytest.raises(ValueError, match="no local_init_op"):
        tf.train.SessionManager(ready_for_local_init_op=needs)


def test_waiting_for_a_checkpoint(graph, tmp_path):
    w, b, _ = weights()
    clock = Clock()
    clock.then = lambda: len(clock.slept) == 3 and saved(tmp_path, 7.0)
    manager = tf.train.SessionManager(recovery_wait_secs=10, clock=clock)
    options = {"saver": tf.train.Saver([w, b]), "checkpoint_dir": tmp_path, "wait_for_checkpoint": True}
    session = manager.prepare_session("", w.initializer, max_wait_secs=15, **options)
    assert (session.run(w), clock.slept) == (1.0, [10, 10])  # too late, so it was initialised
    session = manager.prepare_session("", w.initializer, max_wait_secs=15, **options)
    assert (session.run(w), clock.slept) == (7.0, [10, 10, 10])


def test_waiting_for_a_session_that_nobody_makes_ready(graph):
    weights()
    clock = Clock()
    manager = tf.train.SessionManager(ready_op=tf.report_uninitialized_variables(), recovery_wait_secs=10, clock=clock)
    with pytest.raises(tf.errors.DeadlineExceededError, match="not ready after waiting 25 secs.*not initialized: w, b, seen"):
        manager.wait_for_session("", max_wait_secs=25)
    assert clock.slept == [10, 10]
    local = tf.train.SessionManager(tf.group(tf.global_variables_initializer(), tf.no_op()), clock=clock)
    assert local.wait_for_session("", max_wait_secs=None).graph is graph


@pytest.mark.parametrize(
    "refused",
    [
        lambda: tf.train.SessionManager().prepare_session("grpc://somewhere", tf.no_op()),
        lambda: tf.train.SessionManager().recover_session("local"),
        lambda: tf.train.SessionManager().wait_for_session("local"),
        lambda: tf.train.ChiefSessionCreator(master="local"),
        lambda: tf.train.WorkerSessionCreator(master="local"),
        lambda: tf.train.SingularMonitoredSession(master="local"),
        lambda: tf.train.MonitoredTrainingSession("local"),
        lambda: tf.train.MonitoredTrainingSession(summary_dir="here"),
        lambda: tf.train.MonitoredTrainingSession(save_summaries_steps=5),
        lambda: tf.train.MonitoredTrainingSession(save_summaries_secs=5),
        lambda: tf.train.MonitoredTrainingSession(save_graph_def=True),
        lambda: tf.train.StepCounterHook(output_dir="here"),
        lambda: tf.train.CheckpointSaverHook("here", save_steps=1, save_graph_def=True),
    ],
)
def test_what_minitf_has_not_is_refused(graph, refused):
    with pytest.raises(NotImplementedError, match=r"Leave \w+ out"):
        refused()
    assert not graph.get_operations() or [o.type for o in graph.get_operations()] == ["no_op"]


def test_summaries_may_be_declined(graph):
    with tf.train.MonitoredTrainingSession(save_summaries_steps=None, save_summaries_secs=0) as session:
        assert not session.should_stop()


# -- scaffolds ---------------------------------------------------------------------------------------------------------------


def test_a_scaffold_makes_what_is_missing_once(graph):
    weights()
    first, second = tf.train.Scaffold().finalize(), tf.train.Scaffold().finalize()
    count = len(graph.get_operations())
    for name in ("init_op", "ready_op", "ready_for_local_init_op", "local_init_op", "saver"):
        assert getattr(first, name) is getattr(second, name) is not None
    assert first.summary_op is first.init_fn is first.init_feed_dict is first.local_init_feed_dict is None
    assert graph.finalized
    assert len(graph.get_operations()) == count
    assert graph.get_collection(tf.GraphKeys.SAVERS) == [first.saver]
    assert first.saver.saver_def.sharded


def test_a_scaffold_without_variables_has_nothing_to_save(graph, tmp_path):
    saver = tf.train.Scaffold().finalize().saver
    with tf.Session() as session:
        assert saver.save(session, str(tmp_path / "m")) is None


def test_the_saver_of_a_scaffold_may_choose_its_variables_last(graph):
    saver = tf.train.Saver(defer_build=True)
    weights()
    scaffold = tf.train.Scaffold(saver=saver).finalize()
    assert scaffold.saver is saver
    assert "b, w" in repr(saver)


def test_an_operation_in_the_collections_is_taken(graph):
    w, _, _ = weights()
    own = tf.group(w.assign(42.0), name="own")
    graph.add_to_collection(tf.GraphKeys.INIT_OP, own)
    scaffold = tf.train.Scaffold(ready_op=tf.no_op(), ready_for_local_init_op=tf.no_op())
    with tf.train.SingularMonitoredSession(scaffold=scaffold) as session:
        assert session.run(w) == 42.0
    graph.add_to_collection(tf.GraphKeys.INIT_OP, own)
    with pytest.raises(RuntimeError, match=r"more than one item in the collection 'init_op'.*Scaffold\(init_op="):
        tf.train.Scaffold().finalize()


def test_a_scaffold_takes_over_what_another_has(graph):
    w, _, seen = weights()
    log, summary = [], tf.constant("a summary")
    first = tf.train.Scaffold(
        tf.global_variables_initializer(), init_fn=lambda scaffold, session: log.append((scaffold, session.run(w))),
        summary_op=summary,
    )  # fmt: skip
    second = tf.train.Scaffold(copy_from_scaffold=first, local_init_op=seen.assign(3.0))
    with tf.train.SingularMonitoredSession(scaffold=second) as session:
        assert session.run(seen) == 3.0
    assert log == [(second, 1.0)]
    assert second.init_op is first.init_op
    assert second.summary_op is summary
    with pytest.raises(TypeError, match="not a Scaffold instance"):
        tf.train.Scaffold(copy_from_scaffold="first")


def test_first_values_from_elsewhere_count_once(tmp_path):
    """``init_from_checkpoint`` changes initialisers: they are run in the first session, and not in one that is restored."""
    path = saved(tmp_path / "other", 7.0)
    for begins in (7.0, 9.0):
        with tf.Graph().as_default():
            step = tf.train.get_or_create_global_step()
            w = tf.get_variable("renamed", initializer=0.0)
            tf.train.init_from_checkpoint(path, {"w": "renamed"})
            train = tf.group(w.assign_add(1.0), step.assign_add(1))
            hooks = [tf.train.StopAtStepHook(num_steps=2)]
            with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path / "run", hooks=hooks) as session:
                assert session.run(w) == begins
                while not session.should_stop():
                    session.run(train)


def test_table_initialisers_are_run(graph):
    w, _, _ = weights()
    graph.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, w.assign_add(1.0).op)
    with tf.train.MonitoredSession() as session:
        assert session.run(w) == 2.0


def test_there_are_no_scaffolds_in_eager_mode():
    assert runtime.current().home.eager
    for make in (tf.train.MonitoredSession, tf.train.MonitoredTrainingSession, tf.train.Scaffold().finalize):
        with pytest.raises(RuntimeError, match="needs a graph and is not compatible with eager execution"):
            make()


def test_a_checkpoint_of_objects_in_a_scaffold(tmp_path):
    for turn in range(2):
        with tf.Graph().as_default():
            w, b, _ = weights()
            step = tf.train.get_or_create_global_step()
            numbers = tf.random.Generator.from_seed(3) if hasattr(tf.random, "Generator") else None
            root = tf.train.Checkpoint(net=tf.train.Checkpoint(w=w, b=b), step=step, numbers=numbers)
            scaffold = tf.train.Scaffold(saver=root)
            hooks = [tf.train.StopAtStepHook(num_steps=2)]
            train = tf.group(w.assign_add(1.0), step.assign_add(1))
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=tmp_path, scaffold=scaffold, hooks=hooks, save_checkpoint_steps=1
            ) as session:
                assert session.run([w, step]) == [1.0 + 2 * turn, 2 * turn]
                while not session.should_stop():
                    session.run(train)
    w, b, step = tf.Variable(0.0), tf.Variable(0.0), tf.Variable(0, dtype=tf.int64)
    tf.train.Checkpoint(net=tf.train.Checkpoint(w=w, b=b), step=step).restore(tf.train.latest_checkpoint(tmp_path))
    assert [w.numpy(), b.numpy(), step.numpy()] == [5.0, 2.0, 4]
    with pytest.raises(NotImplementedError, match="reshape"):
        tf.train.Saver(tf.train.frozen_saver(root), reshape=True)


def test_a_session_goes_on_from_an_eager_program(tmp_path):
    w, step = tf.Variable(8.0), tf.Variable(3, dtype=tf.int64)
    tf.train.CheckpointManager(tf.train.Checkpoint(net=tf.train.Checkpoint(w=w), step=step), tmp_path, max_to_keep=2).save()
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        w = tf.get_variable("another_name", initializer=0.0)
        scaffold = tf.train.Scaffold(saver=tf.train.Checkpoint(net=tf.train.Checkpoint(w=w), step=step))
        with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, scaffold=scaffold) as session:
            assert session.run([w, step]) == [8.0, 3]
    assert tf.train.latest_checkpoint(tmp_path).endswith("model.ckpt-3")
    assert len(list(tmp_path.glob("ckpt-1.*"))) == 2  # it is listed still, and would leave in its turn


def test_a_saver_says_how_it_was_made(graph):
    weights()
    saver = tf.train.Saver(max_to_keep=3, sharded=True)
    made = saver.saver_def
    assert (made.max_to_keep, made.sharded, made.version, made.keep_checkpoint_every_n_hours) == (3, True, made.V2, 10000.0)
    assert (made.filename_tensor_name, made.save_tensor_name, made.restore_op_name) == ("", "", "")
    assert saver.to_proto() == saver.as_saver_def() == made
    with pytest.raises(NotImplementedError, match="export_scope"):
        saver.to_proto("scope")
    for make in (tf.train.Saver.from_proto, lambda definition: tf.train.Saver(saver_def=definition)):
        with pytest.raises(NotImplementedError, match="not of what"):
            make(made)
