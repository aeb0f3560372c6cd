"""Monitored sessions: hooks around runs, endings, threads, and what happens when a session is lost."""

import threading

import numpy as np
import pytest

import minitf.compat.v1 as tf


@pytest.fixture
def graph():
    with tf.Graph().as_default() as made:
        yield made


def counter():
    """The global step, and an operation that increments it."""
    step = tf.train.get_or_create_global_step()
    return step, step.assign_add(1)


class Noting(tf.train.SessionRunHook):
    """Writes down its calls; ``trouble`` is raised at the call of that name, once."""

    def __init__(self, trouble=None):
        self.calls, self.sessions, self.trouble = [], [], dict(trouble or {})

    def note(self, call):
        self.calls.append(call)
        if call in self.trouble:
            raise self.trouble.pop(call)

    def begin(self):
        self.note("begin")

    def after_create_session(self, session, coord):
        self.sessions.append(session)
        self.note("after_create_session")

    def before_run(self, run_context):
        self.note("before_run")

    def after_run(self, run_context, run_values):
        assert run_values == (None, tf.RunOptions(), tf.RunMetadata())
        self.note("after_run")

    def end(self, session):
        self.note("end")


def test_the_order_of_calls(graph):
    _, train = counter()
    hook = Noting()
    with tf.train.MonitoredSession(hooks=[hook, tf.train.StopAtStepHook(last_step=2)]) as session:
        assert hook.calls == ["begin", "after_create_session"]
        while not session.should_stop():
            session.run(train)
        with pytest.raises(RuntimeError, match="Run called even after should_stop"):
            session.run(train)
    assert hook.calls == ["begin", "after_create_session", *["before_run", "after_run"] * 2, "end"]
    assert repr(session).endswith("(closed)>")


def test_hooks_fetch_and_feed_besides(graph):
    x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])

    fetches, twice = {"sum": x + y, "y": (y,)}, x * 2.0

    class Asking(tf.train.SessionRunHook):
        def before_run(self, run_context):
            self.original = run_context.original_args
            return tf.train.SessionRunArgs([x, {"twice": twice}], {x: 5.0})

        def after_run(self, run_context, run_values):
            self.results = run_values.results

    hook = Asking()
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        assert session.run(fetches, {y: 2.0}) == {"sum": 7.0, "y": (2.0,)}
        assert hook.original == (fetches, {y: 2.0}, None)
        assert hook.results == [5.0, {"twice": 10.0}]
        with pytest.raises(RuntimeError, match=r"fed by a SessionRunHook and user.*Placeholder:0"):
            session.run(fetches, {x: 1.0, y: 2.0})


@pytest.mark.parametrize("end", [tf.errors.OutOfRangeError("the end"), StopIteration()])
def test_the_end_of_the_input_is_no_error(graph, end):
    _, train = counter()
    hook = Noting({"after_run": end})
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        session.run(train)
        pytest.fail("not reached")
    assert hook.calls[-1] == "end"
    assert not graph.finalized


def test_other_errors_close_the_session_without_an_end(graph):
    _, train = counter()
    hook = Noting({"before_run": ZeroDivisionError()})
    with pytest.raises(ZeroDivisionError), tf.train.MonitoredSession(hooks=[hook]) as session:
        session.run(train)
    assert "end" not in hook.calls
    assert session.should_stop()
    assert session.graph is None
    for use in (session.close, lambda: session.run(train), lambda: session.run_step_fn(lambda step_context: None)):
        with pytest.raises(RuntimeError, match="already closed"):
            use()
    with pytest.raises(RuntimeError, match="closed"):
        hook.sessions[0].run(train)


def test_a_graph_can_be_added_to_before_and_after_but_not_between(graph):
    step, train = counter()

    class Adds(tf.train.SessionRunHook):
        def begin(self):
            self.more = tf.constant(41) + 1

        def before_run(self, run_context):
            with pytest.raises(RuntimeError, match="finalized"):
                tf.constant(1)
            return tf.train.SessionRunArgs(self.more)

        def after_run(self, run_context, run_values):
            assert run_values.results == 42

    with tf.train.MonitoredSession(hooks=[Adds()]) as session:
        session.run(train)
        count = len(graph.get_operations())
        for add in (lambda: tf.Variable(1), lambda: step + 1, lambda: tf.gradients(step, [step]), lambda: tf.train.Saver()):
            with pytest.raises((RuntimeError, ValueError), match="finalized|gradient|integer"):
                add()
        assert len(graph.get_operations()) == count
    assert tf.constant(1) is not None


def test_gradients_that_repeat_do_not_slip_into_a_finalized_graph(graph):
    x = tf.placeholder(tf.float32, [2])
    y = x
    for _ in range(5):
        y = tf.tanh(y)
    tf.gradients(y, [x], grad_ys=[x])
    graph.finalize()
    count = graph.version
    with pytest.raises(RuntimeError, match="finalized"):
        tf.gradients(y, [x], grad_ys=[x])
    assert graph.version == count


# -- lost sessions -----------------------------------------------------------------------------------------------------------

LOST = [tf.errors.AbortedError("lost"), tf.errors.UnavailableError("lost")]


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("call", ["after_create_session", "before_run", "after_run"])
def test_a_lost_session_is_replaced_by_one_that_is_restored(graph, tmp_path, lost, call):
    step, train = counter()
    w = tf.get_variable("w", initializer=10.0)
    with tf.control_dependencies([train]):
        both = w.assign_add(1.0)
    hook = Noting()
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[hook], save_checkpoint_steps=2) as session:
        for _ in range(3):
            session.run(both)
        if call == "after_create_session":
            hook.trouble = {"before_run": tf.errors.AbortedError("first"), call: lost}
        else:
            hook.trouble = {call: lost}
        # It goes on from the save of step 2; but the hook that saves has its turn before this one, and saves step 4.
        assert session.run(both) == (15.0 if call == "after_run" else 13.0)
        assert session.run(step) == (5 if call == "after_run" else 3)
        assert len(hook.sessions) == (3 if call == "after_create_session" else 2)
        with pytest.raises(RuntimeError, match="closed"):
            hook.sessions[0].run(step)
    assert hook.calls.count("begin") == hook.calls.count("end") == 1


def test_without_a_checkpoint_the_new_session_is_initialised(graph):
    step, train = counter()
    hook = Noting()
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        session.run(train)
        hook.trouble = {"before_run": LOST[0]}
        session.run(train)
        assert session.run(step) == 1


def test_a_lost_session_may_be_found_in_another_thread(graph, tmp_path):
    step, train = counter()
    hook = Noting()
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[hook], save_checkpoint_steps=1) as session:
        session.run(train)
        hook.trouble = {"before_run": LOST[0]}
        found = []
        thread = threading.Thread(target=lambda: found.append(session.run(train)))  # where no graph is current
        thread.start()
        thread.join()
        assert found == [2]
        assert session.run(step) == 2
    assert graph.finalized is False


def test_a_singular_session_is_not_replaced(graph):
    _, train = counter()
    hook = Noting({"after_run": LOST[0]})
    session = tf.train.SingularMonitoredSession(hooks=[hook])
    with pytest.raises(tf.errors.AbortedError):
        session.run(train)
    assert len(hook.sessions) == 1
    assert session.raw_session() is hook.sessions[0]
    session.close()
    assert session.raw_session() is None


def test_errors_of_a_new_session_are_not_hidden(graph):
    _, train = counter()
    tf.get_variable("w", initializer=1.0)
    first = [tf.global_variables_initializer(), tf.no_op()]
    scaffold = tf.train.Scaffold(init_op=tf.no_op(), init_fn=lambda scaffold, session: session.run(first.pop(0)))
    hook = Noting()
    session = tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold), [hook])
    hook.trouble = {"before_run": LOST[0]}
    with pytest.raises(RuntimeError, match="not ready.*: w|: global_step"):
        session.run(train)
    assert session.should_stop()
    session.close()


def test_a_step_function_is_called_again_with_the_new_session(graph, tmp_path):
    _, train = counter()
    hook = Noting()
    seen = []

    def two_steps(step_context):
        seen.append(step_context.session)
        step_context.session.run(train)
        return step_context.run_with_hooks(train)

    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[hook], save_checkpoint_steps=1) as session:
        assert session.run_step_fn(two_steps) == 2
        hook.trouble = {"before_run": LOST[0]}
        assert session.run_step_fn(two_steps) == 4
    assert seen == [hook.sessions[0], hook.sessions[0], hook.sessions[1]]  # TensorFlow would give the closed one again


def test_what_a_step_function_is_called_with(graph):
    counter()

    class Own:
        def step(self, step_context):
            return "own"

    with tf.train.MonitoredSession() as session:
        assert session.run_step_fn(Own().step) == "own"
        for wrong in (lambda: 1, lambda context: 1, lambda step_context, more: 1):
            with pytest.raises(ValueError, match="one `step_context` argument"):
                session.run_step_fn(wrong)
        with pytest.raises(StopIteration):
            session.run_step_fn(lambda step_context: step_context.request_stop())
    assert session.StepContext is tf.train.MonitoredSession.StepContext


# -- threads -----------------------------------------------------------------------------------------------------------------


class Beside(tf.train.SessionRunHook):
    """Runs a function in a thread beside each session."""

    def __init__(self, work):
        self.work, self.threads = work, []

    def after_create_session(self, session, coord):
        def guarded():
            with coord.stop_on_exception():
                self.work(session, coord)

        thread = threading.Thread(target=guarded)
        coord.register_thread(thread)
        self.threads.append(thread)
        thread.start()


def test_threads_end_with_the_session(graph):
    _, train = counter()
    beside = Beside(lambda session, coord: coord.wait_for_stop())
    with tf.train.MonitoredSession(hooks=[beside]) as session:
        session.run(train)
        assert beside.threads[0].is_alive()
    assert not beside.threads[0].is_alive()


def test_what_a_thread_raises_is_raised_by_closing(graph):
    counter()

    def fails(session, coord):
        raise KeyError("in a thread")

    beside = Beside(fails)
    session = tf.train.MonitoredSession(hooks=[beside])
    beside.threads[0].join()
    assert session.should_stop()
    with pytest.raises(KeyError, match="in a thread"):
        session.close()
    assert session.graph is None


def test_a_thread_that_finds_the_session_lost(graph, tmp_path):
    step, train = counter()
    errors = [tf.errors.UnavailableError("in a thread")]

    def once(session, coord):
        while not coord.should_stop():
            if errors and session.run(step) == 2:
                raise errors.pop()

    beside = Beside(once)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[beside], save_checkpoint_steps=1) as session:
        session.run(train)
        session.run(train)
        beside.threads[0].join()
        assert not session.should_stop()  # found out here
        assert len(beside.threads) == 2
        assert session.run(train) == 3


def test_a_thread_of_the_session_may_find_it_lost_in_its_own_run(graph, tmp_path):
    step, train = counter()
    hook = Noting()
    made, found = [], []

    def runs(session, coord):
        made.append(coord)
        if len(made) == 1:
            ready.wait()
            hook.trouble = {"before_run": tf.errors.AbortedError("lost")}
            found.append(monitored[0].run(train))

    ready, monitored, beside = threading.Event(), [], Beside(runs)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=tmp_path, hooks=[beside, hook], save_checkpoint_steps=1) as session:
        monitored.append(session)
        session.run(train)
        ready.set()
        beside.threads[0].join()
        assert found == [2]
        assert len(made) == 2
        assert session.run(step) == 2


def test_a_runs_error_gives_way_to_the_loss_that_caused_it(graph, tmp_path):
    _, train = counter()
    problems = [tf.errors.AbortedError("the cause")]

    def fails(session, coord):
        if problems:
            raise problems.pop()

    beside = Beside(fails)
    follows = Noting({"before_run": tf.errors.CancelledError("follows from it")})
    with tf.train.MonitoredSession(hooks=[beside, follows]) as session:
        beside.threads[0].join()
        assert session.run(train) == 1
    assert len(follows.sessions) == 2


def test_a_runs_own_error_says_more_than_a_threads(graph):
    _, train = counter()

    def fails(session, coord):
        raise KeyError("in a thread")

    beside = Beside(fails)
    session = tf.train.MonitoredSession(hooks=[beside, Noting({"before_run": ZeroDivisionError()})])
    beside.threads[0].join()
    with pytest.raises(ZeroDivisionError):
        session.run(train)
    with pytest.raises(KeyError):
        session.close()


def test_runners_in_the_graph_are_started(graph):
    counter()
    started = []

    class Runner:
        def create_threads(self, session, coord, daemon, start):
            started.append((session.graph is graph, type(coord).__name__, daemon, start))

    graph.add_to_collection(tf.GraphKeys.QUEUE_RUNNERS, Runner())
    with tf.train.MonitoredSession():
        assert started == [(True, "Coordinator", True, True)]


# -- what a run may be given -----------------------------------------------------------------------------------------------


def test_options_take_up_what_hooks_ask_for(graph):
    _, train = counter()
    metadata, seen = tf.RunMetadata(), []

    class Asks(tf.train.SessionRunHook):
        def __init__(self, **wanted):
            self.wanted = tf.RunOptions(**wanted)

        def before_run(self, run_context):
            return tf.train.SessionRunArgs(None, options=self.wanted)

        def after_run(self, run_context, run_values):
            seen.append(run_values)

    hooks = [Asks(trace_level=3), Asks(trace_level=1, timeout_in_ms=5, experimental={"collective_graph_key": 7})]
    given = tf.RunOptions(timeout_in_ms=9, output_partition_graphs=True)
    with tf.train.MonitoredSession(hooks=hooks) as session:
        session.run(train, options=given, run_metadata=metadata)
        assert seen[0] is not seen[1]
        assert seen[0].run_metadata is metadata
        assert seen[1].options is given
        assert given == tf.RunOptions(
            trace_level=3, timeout_in_ms=9, output_partition_graphs=True, experimental={"collective_graph_key": 7}
        )
        session.run(train)
        assert seen[-1].options.timeout_in_ms == 5
        with pytest.raises(TypeError, match="run_metadata"):
            session.run(train, run_metadata=object())


@pytest.mark.parametrize("make", [
    lambda config: tf.train.MonitoredTrainingSession(config=config),
    lambda config: tf.train.SingularMonitoredSession(config=config),
    lambda config: tf.train.MonitoredSession(tf.train.ChiefSessionCreator(config=config)),
    lambda config: tf.train.SessionManager().prepare_session("", tf.no_op(), config=config),
    lambda config: tf.train.SessionManager().recover_session("", config=config)[0],
    lambda config: tf.train.MonitoredTrainingSession(is_chief=False, config=config),
])  # fmt: skip
def test_the_configuration_reaches_the_session(graph, make):
    c = tf.constant(1)
    with pytest.raises(TypeError, match=r"Session\(config=...\) must be a tf.compat.v1.ConfigProto"):
        make(config="fast")
    graph._unsafe_unfinalize()
    assert make(config=tf.ConfigProto(allow_soft_placement=True)).run(c) == 1


def test_who_is_no_chief_waits_and_saves_nothing(graph, tmp_path):
    c = tf.constant(5)
    everybody, chief = Noting(), Noting()
    with tf.train.MonitoredTrainingSession(
        is_chief=False, checkpoint_dir=tmp_path, hooks=[everybody], chief_only_hooks=[chief], save_checkpoint_steps=1
    ) as session:
        assert session.run(c) == 5
    assert everybody.calls[-1] == "end"
    assert chief.calls == list(tmp_path.iterdir()) == []
    with tf.Graph().as_default():
        counter()
        with pytest.raises(tf.errors.DeadlineExceededError, match="global_step"):
            tf.train.MonitoredTrainingSession(is_chief=False, max_wait_secs=0)


def test_the_hooks_of_the_chief_come_first(graph, tmp_path):
    _, train = counter()
    order = []

    class Says(tf.train.SessionRunHook):
        def __init__(self, word):
            self.word = word

        def begin(self):
            order.append((self.word, graph.get_collection("global_step_read_op_cache") != []))

    with tf.train.MonitoredTrainingSession(
        checkpoint_dir=tmp_path, hooks=[Says("all")], chief_only_hooks=[Says("chief")]
    ) as session:
        session.run(train)
    assert order == [("chief", False), ("all", True)]  # between them are those that count and save


def test_results_have_the_structure_of_the_fetches(graph):
    step, train = counter()
    c = tf.constant([1.0, 2.0], name="c")
    with tf.train.MonitoredSession(hooks=[tf.train.NanTensorHook(c[0])]) as session:
        assert session.run(train) == 1
        assert session.run([step, (c,)])[1][0].tolist() == [1.0, 2.0]
        assert session.run([]) == []
        assert session.run([step]) == [1]
        assert session.run([[step]]) == [[1]]
        assert isinstance(session.run({"c": c})["c"], np.ndarray)
        assert session.run("c:0").tolist() == [1.0, 2.0]
