"""Programs with the usual hooks."""

import os
import tempfile
import threading

from .tools import Lines, model, outcome, recorder


def stops_at_steps(tf, np):
    found = {}
    for options in ({"num_steps": 3}, {"last_step": 3}, {"last_step": 0}, {"num_steps": 0}):
        directory = tempfile.mkdtemp()
        for turn in range(2):
            with tf.Graph().as_default():
                _v, _step, train = model(tf)
                with tf.train.MonitoredTrainingSession(
                    checkpoint_dir=directory, hooks=[tf.train.StopAtStepHook(**options)]
                ) as session:
                    count = 0
                    while not session.should_stop():
                        session.run(train)
                        count += 1
                found[f"{options} {turn}"] = count
    found["neither"] = outcome(lambda: tf.train.StopAtStepHook())
    found["both"] = outcome(lambda: tf.train.StopAtStepHook(1, 2))
    with tf.Graph().as_default():
        found["no step"] = outcome(lambda: tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(1)]))
    return found


def saves(tf, np):
    found = {}

    def listener(log, stop_at=None):
        class Listener(tf.train.CheckpointSaverListener):
            def begin(self):
                log.append(["begin", tf.get_default_graph().finalized])

            def before_save(self, session, global_step_value):
                log.append(["before", int(global_step_value)])

            def after_save(self, session, global_step_value):
                log.append(["after", int(global_step_value)])
                return int(global_step_value) == stop_at

            def end(self, session, global_step_value):
                log.append(["end", int(global_step_value)])

        return Listener()

    for steps, runs, stop_at in ((2, 5, None), (3, 3, None), (1, 4, 2), (100, 2, None), (1, 3, 0)):
        log, directory = [], tempfile.mkdtemp() + "/deep/er"
        with tf.Graph().as_default():
            _v, _step, train = model(tf)
            tf.train.Saver().build()
            tf.add_to_collection("savers", tf.train.Saver(max_to_keep=2))
            hook = tf.train.CheckpointSaverHook(
                directory, save_steps=steps, listeners=[listener(log, stop_at)], checkpoint_basename="m"
            )
            with tf.train.MonitoredSession(hooks=[hook]) as session:
                for _ in range(runs):
                    if not session.should_stop():
                        session.run(train)
        kept = sorted(n for n in os.listdir(directory) if n.endswith(".index"))
        state = tf.train.get_checkpoint_state(directory)
        found[f"{steps} {runs} {stop_at}"] = [
            log,
            kept,
            os.path.basename(state.model_checkpoint_path),
            len(state.all_model_checkpoint_paths),
        ]
    with tf.Graph().as_default():
        _v, _step, train = model(tf)
        make = tf.train.CheckpointSaverHook
        found["both"] = outcome(lambda: make("d", save_steps=1, saver=tf.train.Saver(), scaffold=tf.train.Scaffold()))
        found["neither"] = outcome(lambda: make("d"))
        found["secs and steps"] = outcome(lambda: make("d", 1, 1))
        found["in training"] = outcome(
            lambda: tf.train.MonitoredTrainingSession(
                checkpoint_dir=tempfile.mkdtemp(), save_checkpoint_secs=1, save_checkpoint_steps=1
            )
        )
    with tf.Graph().as_default():
        tf.get_variable("v", initializer=0.0)
        found["no step"] = outcome(
            lambda: tf.train.MonitoredSession(hooks=[tf.train.CheckpointSaverHook(tempfile.mkdtemp(), save_steps=1)])
        )
    for options in (
        {"save_checkpoint_secs": None},
        {"save_checkpoint_steps": 0},
        {"save_checkpoint_secs": 0, "save_checkpoint_steps": 2},
        {},
    ):
        directory = tempfile.mkdtemp()
        with tf.Graph().as_default():
            _v, _step, train = model(tf)

            def work(directory=directory, options=options, train=train):
                with tf.train.MonitoredTrainingSession(checkpoint_dir=directory, **options) as session:
                    for _ in range(3):
                        session.run(train)
                return sorted(n for n in os.listdir(directory) if n.endswith(".index"))

            found[f"{options}"] = outcome(work)
    return found


def telling(tf, np):
    found = {}
    with tf.Graph().as_default():
        _v, _step, train = model(tf)
        c, d = tf.constant(1.5, name="c"), tf.constant([1e-9, 2.0], name="d")
        hooks = [
            tf.train.LoggingTensorHook({"z": c, "a": "d", "n": "d:0"}, every_n_iter=2),
            tf.train.LoggingTensorHook(["c:0", "d:0"], at_end=True),
            tf.train.LoggingTensorHook(["c"], every_n_iter=3, formatter=lambda values: f"formatted {sorted(values)}"),
        ]
        with Lines(tf) as lines:
            with tf.train.MonitoredSession(hooks=hooks) as session:
                for _ in range(4):
                    session.run(train)
        found["lines"] = [line.split(" (")[0] for line in lines if " = " in line or "formatted" in line]
        make = tf.train.LoggingTensorHook
        found["errors"] = [outcome(lambda: make(["c"])), outcome(lambda: make(["c"], 1, 1)), outcome(lambda: make(["c"], 0)),
                           outcome(lambda: make(["c"], -1, at_end=True))]  # fmt: skip
        tf.split(d, 2, name="two")
        found["unknown"] = outcome(lambda: make(["nobody"], 1).begin())
        found["ambiguous"] = outcome(lambda: make(["two"], 1).begin())
        found["one of two"] = outcome(lambda: make(["two:1"], 1).begin())
    with tf.Graph().as_default():
        found["elsewhere"] = outcome(lambda: make([c], 1).begin())
    with tf.Graph().as_default():
        _v, _step, train = model(tf)
        with Lines(tf) as lines:
            with tf.train.MonitoredSession(hooks=[tf.train.StepCounterHook(every_n_steps=2)]) as session:
                for _ in range(5):
                    session.run(train)
        found["steps per second"] = len([line for line in lines if line.startswith("global_step/sec: ")])
        found["counter"] = [outcome(lambda: tf.train.StepCounterHook(1, 1)), outcome(lambda: tf.train.StepCounterHook(None))]
    return found


def losses(tf, np):
    found = {}
    for fail in (True, False):
        with tf.Graph().as_default():
            v, _step, train = model(tf)
            loss = tf.log(2.5 - v)
            log = []

            def work(fail=fail, loss=loss, train=train, log=log):
                with tf.train.MonitoredSession(hooks=[recorder(tf, log), tf.train.NanTensorHook(loss, fail)]) as session:
                    count = 0
                    while not session.should_stop() and count < 9:
                        session.run(train)
                        count += 1
                return count

            try:
                found[str(fail)] = work() in (3, 4)  # the loss may be read before or after the step
            except tf.train.NanLossDuringTrainingError as error:
                found[str(fail)] = str(error)
            found[f"{fail} end"] = log[-1]
    return found


def feeds(tf, np):
    found = {}
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
        z = x * 10.0 + y
        numbers = iter(range(100))
        with tf.train.MonitoredSession(hooks=[tf.train.FeedFnHook(lambda: {x: float(next(numbers))})]) as session:
            found["fed"] = [float(session.run(z, {y: 5.0})), float(session.run(z, {y: 6.0}))]
            found["twice"] = outcome(lambda: session.run(z, {x: 1.0, y: 1.0}))
            found["still"] = float(session.run(z, {y: 7.0}))
        with tf.train.MonitoredSession(
            hooks=[tf.train.FeedFnHook(lambda: {x: 1.0}), tf.train.FeedFnHook(lambda: {x: 1.0, y: 2.0})]
        ) as session:
            found["two hooks"] = outcome(lambda: session.run(z))
        final = tf.train.FinalOpsHook({"z": z, "both": [x, y]}, {x: 1.0, y: 2.0})
        found["before"] = final.final_ops_values
        with tf.train.MonitoredSession(hooks=[final]) as session:
            session.run(z, {x: 0.0, y: 0.0})
        found["final"] = [float(final.final_ops_values["z"]), [float(f) for f in final.final_ops_values["both"]]]
        nothing = tf.train.FinalOpsHook(None)
        with tf.train.MonitoredSession(hooks=[nothing]):
            pass
        found["none"] = nothing.final_ops_values
    with tf.Graph().as_default():
        v, step, train = model(tf)
        with tf.train.MonitoredSession(hooks=[tf.train.GlobalStepWaiterHook(0)]) as session:
            found["waited"] = int(session.run(train))
        got = tf.train.SingularMonitoredSession(hooks=[tf.train.GlobalStepWaiterHook(2)])
        others = threading.Timer(0.1, lambda: [got.raw_session().run(train) for _ in range(2)])
        others.start()
        found["waited for others"] = int(got.run(step)) >= 2
        others.join()
        fetched = got.run({"a": [v, step], "b": (train,)})
        found["structure"] = [sorted(fetched), type(fetched["a"]).__name__, type(fetched["b"]).__name__]
        got.close()
    return found


def timers(tf, np):
    make = tf.train.SecondOrStepTimer
    timer, found = make(every_steps=3), []
    for step in (0, 0, 1, 2, 3, 3, 4, 7, 6, 10):
        due = bool(timer.should_trigger_for_step(step))
        found.append([due, timer.last_triggered_step(), timer.update_last_triggered_step(step)[1] if due else None])
    timer.reset()
    found.append([timer.last_triggered_step(), timer.should_trigger_for_step(10)])
    slow = make(every_secs=1000.0)
    found.append(
        [
            slow.should_trigger_for_step(1),
            slow.update_last_triggered_step(1),
            slow.should_trigger_for_step(1),
            slow.should_trigger_for_step(2),
        ]
    )
    found.append([outcome(lambda: make()), outcome(lambda: make(1, 1))])
    return found


PROGRAMS = [stops_at_steps, saves, telling, losses, feeds, timers]
