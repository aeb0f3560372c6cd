"""Programs with monitored sessions: what is called when, how they end, how they come back."""

import tempfile
import threading

from .tools import model, outcome, recorder


def order_of_hooks(tf, np):
    log = []
    with tf.Graph().as_default() as graph:
        v, _step, train = model(tf)
        hooks = [recorder(tf, log, "a"), recorder(tf, log, "b", lambda: v), tf.train.StopAtStepHook(num_steps=2)]
        with tf.train.MonitoredSession(hooks=hooks) as session:
            log.append(["made", session.graph is graph, session.should_stop(), tf.get_default_session() is None])
            while not session.should_stop():
                log.append(["ran", int(session.run(train))])
            log.append(outcome(lambda: session.run(train)))
        log.append(["closed", graph.finalized, session.should_stop(), session.graph is None])
        log.append(outcome(session.close))
    return log


def order_in_training(tf, np):
    log, directory = [], tempfile.mkdtemp()
    for _ in range(2):
        with tf.Graph().as_default():
            v, step, train = model(tf)
            hooks = [recorder(tf, log, "all"), tf.train.StopAtStepHook(num_steps=2)]
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=directory, hooks=hooks, chief_only_hooks=[recorder(tf, log, "chief")], save_checkpoint_steps=2
            ) as session:
                log.append(["begins with", float(session.run(v)), int(session.run(step))])
                while not session.should_stop():
                    session.run(train)
    return log


def endings(tf, np):
    found = {}
    errors = {
        "OutOfRangeError": tf.errors.OutOfRangeError(None, None, "the end"), "StopIteration": StopIteration("the end"),
        "ValueError": ValueError("no"), "InvalidArgumentError": tf.errors.InvalidArgumentError(None, None, "no"),
    }  # fmt: skip
    for name, error in errors.items():
        for call in ("before_run", "after_run", "end", "body"):
            log = []
            with tf.Graph().as_default() as graph:
                _v, _step, train = model(tf)

                def work(log=log, train=train, call=call, error=error):
                    hooks = [recorder(tf, log, fail=[(call, 0 if call == "end" else 1, error)])]
                    with tf.train.MonitoredSession(hooks=hooks) as session:
                        for _ in range(3):
                            session.run(train)
                            if call == "body":
                                raise error
                    return "quiet"

                found[f"{name} in {call}"] = [outcome(work), log, graph.finalized]
    return found


def recoveries(tf, np):
    found = {}
    for kind in ("AbortedError", "UnavailableError"):
        for call in ("after_create_session", "before_run", "after_run"):
            for kept in (False, True):
                for whole in (tf.train.MonitoredSession, tf.train.SingularMonitoredSession):
                    log = []
                    error = getattr(tf.errors, kind)(None, None, "lost")
                    with tf.Graph().as_default():
                        v, _step, train = model(tf)
                        directory = tempfile.mkdtemp() if kept else None
                        hooks = [recorder(tf, log, fetches=lambda v=v: v, fail=[(call, 0 if "create" in call else 3, error)])]
                        scaffold = tf.train.Scaffold()
                        if kept:
                            hooks.append(tf.train.CheckpointSaverHook(directory, save_steps=2, scaffold=scaffold))
                        hooks.append(tf.train.StopAtStepHook(last_step=5))

                        def work(whole=whole, scaffold=scaffold, directory=directory, hooks=hooks, train=train, log=log, v=v):
                            creator = tf.train.ChiefSessionCreator(scaffold, checkpoint_dir=directory)
                            if whole is tf.train.MonitoredSession:
                                session = whole(creator, hooks=hooks)
                            else:
                                session = whole(hooks=hooks, scaffold=scaffold, checkpoint_dir=directory)
                            with session:
                                while not session.should_stop():
                                    log.append(int(session.run(train)))
                                return float(session.run_step_fn(lambda step_context: step_context.session.run(v)))

                        result = outcome(work)
                        log = [entry for entry in log if not isinstance(entry, list) or entry[1] != "after_run"] + [
                            entry[:2] for entry in log if isinstance(entry, list) and entry[1] == "after_run"
                        ]  # what a fetched variable gives beside its own assignment is no promise of TensorFlow's
                        found[f"{kind} in {call} {kept} {whole.__name__}"] = [result, log]
    return found


def step_functions(tf, np):
    found = {}
    with tf.Graph().as_default():
        _v, _step, train = model(tf)
        log = []
        with tf.train.MonitoredSession(hooks=[recorder(tf, log)]) as session:

            def once(step_context):
                found["raw"] = [type(step_context.session).__name__, int(step_context.session.run(train))]
                return int(step_context.run_with_hooks(train))

            found["value"] = session.run_step_fn(once)
            found["calls"] = list(log)
            found["no argument"] = outcome(lambda: session.run_step_fn(lambda: 1))
            found["another name"] = outcome(lambda: session.run_step_fn(lambda context: 1))

            class Steps:
                def step(self, step_context):
                    return 5

            found["method"] = session.run_step_fn(Steps().step)
            found["end"] = outcome(lambda: session.run_step_fn(lambda step_context: step_context.request_stop()))
            found["still"] = session.should_stop()

            def ends(step_context):
                step_context.run_with_hooks(train)
                step_context.request_stop()

            session.run_step_fn(ends)
            found["not reached"] = True
        found["last"] = log[-1]
    with tf.Graph().as_default():
        _v, _step, train = model(tf)
        log, error = [], tf.errors.AbortedError(None, None, "lost")
        with tf.train.MonitoredSession(hooks=[recorder(tf, log, fail=[("before_run", 2, error)])]) as session:
            for _ in range(3):
                log.append(int(session.run_step_fn(lambda step_context: step_context.run_with_hooks(train))))
        found["recovered"] = log
    return found


def threads_of_a_session(tf, np):
    found = {}
    errors = {"ValueError": ValueError("no"), "AbortedError": tf.errors.AbortedError(None, None, "lost"), "none": None}
    for name, error in errors.items():
        for whole in ("MonitoredSession", "SingularMonitoredSession"):
            log, left = [], [error]

            class Starts(tf.train.SessionRunHook):
                def after_create_session(self, session, coord, log=log, left=left):
                    log.append("created")
                    problem, left[0] = left[0], None

                    def work():
                        with coord.stop_on_exception():
                            if problem is not None:
                                raise problem
                            coord.wait_for_stop()
                            log.append("stopped")

                    thread = threading.Thread(target=work)
                    thread.start()
                    coord.register_thread(thread)
                    if problem is not None:
                        thread.join()

            with tf.Graph().as_default():
                _v, _step, train = model(tf)
                session = getattr(tf.train, whole)(hooks=[Starts()])
                log.append(outcome(session.should_stop))
                log.append(outcome(lambda session=session, train=train: int(session.run(train))))
                log.append(outcome(session.should_stop))
                log.append(outcome(session.close))
                log.append(session.should_stop())
            found[f"{name} {whole}"] = log

    class Runner:
        name = "runner"

        def create_threads(self, session, coord=None, daemon=False, start=False):
            found["runner"] = [type(session).__name__, type(coord).__name__, daemon, start]
            return []

    with tf.Graph().as_default():
        model(tf)
        tf.add_to_collection("queue_runners", Runner())
        with tf.train.MonitoredSession():
            pass
    return found


def options_of_runs(tf, np):
    seen = []

    class Asks(tf.train.SessionRunHook):
        def __init__(self, **wanted):
            self.wanted = tf.RunOptions(**wanted)

        def before_run(self, run_context):
            return tf.train.SessionRunArgs(None, options=self.wanted)

        def after_run(self, run_context, run_values):
            o = run_values.options
            seen.append([o.timeout_in_ms, o.output_partition_graphs, o.report_tensor_allocations_upon_oom])
            seen.append(type(run_values.run_metadata).__name__)

    with tf.Graph().as_default():
        _v, _step, train = model(tf)
        hooks = [Asks(timeout_in_ms=50000, report_tensor_allocations_upon_oom=True), Asks(timeout_in_ms=70000)]
        config = tf.ConfigProto(allow_soft_placement=True)
        with tf.train.MonitoredTrainingSession(hooks=hooks, config=config) as session:
            session.run(train)
            given = tf.RunOptions(timeout_in_ms=60000, output_partition_graphs=True)
            session.run(train, options=given, run_metadata=tf.RunMetadata())
            seen.append(given.timeout_in_ms)
            session.run(train, options=tf.RunOptions(timeout_in_ms=90000))
    return seen


PROGRAMS = [order_of_hooks, order_in_training, endings, recoveries, step_functions, threads_of_a_session, options_of_runs]
