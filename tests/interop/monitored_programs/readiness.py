"""Programs that make sessions ready: session managers, scaffolds."""

import importlib
import os
import tempfile

from .tools import model, outcome, recorder


def preparing(tf, np):
    found = {}
    directory = tempfile.mkdtemp()
    with tf.Graph().as_default():
        v, step, train = model(tf)
        saver = tf.train.Saver()
        init, ready = tf.global_variables_initializer(), tf.report_uninitialized_variables()
        log = []
        plain = tf.train.SessionManager()
        asking = tf.train.SessionManager(ready_op=ready)
        local = tf.train.SessionManager(local_init_op=init, ready_op=ready)
        waiting = tf.train.SessionManager(local_init_op=tf.no_op(), ready_for_local_init_op=ready, ready_op=ready)
        first = lambda session: float(session.run(v))

        def text(act):
            try:
                return act()
            except Exception as error:
                return [type(error).__name__, str(error).partition("Variables not initialized: ")[2].rstrip(".")]

        found["nothing"] = text(lambda: plain.prepare_session(""))
        found["init_op"] = first(plain.prepare_session("", init))
        found["init_fn"] = outcome(lambda: asking.prepare_session("", init_fn=lambda s: log.append("called")))
        found["init_fn that does it"] = first(asking.prepare_session("", init_fn=lambda s: s.run(init)))
        found["order"] = first(plain.prepare_session("", init, init_fn=lambda s: log.append(first(s))))
        found["log"] = log
        found["not ready"] = text(lambda: asking.prepare_session("", tf.no_op()))
        found["only v"] = text(lambda: asking.prepare_session("", v.initializer))
        found["local"] = first(local.prepare_session(""))
        found["not ready for local"] = text(lambda: waiting.prepare_session("", tf.no_op()))
        found["fed"] = outcome(
            lambda: first(
                plain.prepare_session("", init, init_feed_dict={v.initial_value if hasattr(v, "initial_value") else v: 9.0})
            )
        )
        found["no saver"] = first(plain.prepare_session("", init, checkpoint_dir=directory))
        found["empty"] = first(plain.prepare_session("", init, saver=saver, checkpoint_dir=directory))
        found["no dir"] = first(plain.prepare_session("", init, saver=saver, checkpoint_dir=directory + "/none"))
        found["recover nothing"] = asking.recover_session("", saver, directory)[1]
        session = plain.prepare_session("", init)
        session.run([train, train])
        session.run(train)
        path = saver.save(session, directory + "/m", global_step=step)
        found["restored"] = first(
            plain.prepare_session("", init, saver=saver, checkpoint_dir=directory, init_fn=lambda s: log.append("wrong"))
        )
        found["restored without init_op"] = first(plain.prepare_session("", saver=saver, checkpoint_dir=directory))
        found["by path"] = first(plain.prepare_session("", init, saver=saver, checkpoint_filename_with_path=path))
        found["both"] = outcome(
            lambda: plain.prepare_session("", init, saver=saver, checkpoint_dir=directory, checkpoint_filename_with_path=path)
        )
        found["no such path"] = outcome(
            lambda: plain.prepare_session("", init, saver=saver, checkpoint_filename_with_path=path + "0")
        )
        session, was = asking.recover_session("", saver, directory)
        found["recovered"] = [was, first(session)]
        found["last"] = [os.path.basename(p) for p in saver.last_checkpoints]
        partly = tf.train.Saver([v])
        partly.save(session, directory + "/part/m")
        session, was = asking.recover_session("", partly, directory + "/part")
        found["recovered a part"] = [was, first(session)]
        found["prepared a part"] = text(
            lambda: asking.prepare_session("", init, saver=partly, checkpoint_dir=directory + "/part")
        )
        found["restored, local besides"] = first(local.prepare_session("", saver=saver, checkpoint_dir=directory))
        found["two questions"] = outcome(lambda: tf.train.SessionManager(ready_for_local_init_op=ready))
        found["log again"] = log
    return found


def waiting(tf, np):
    found = {}
    with tf.Graph().as_default():
        c = tf.constant(7)
        ready = tf.report_uninitialized_variables([])
        found["no variables"] = int(tf.train.SessionManager(ready_op=ready).wait_for_session("", max_wait_secs=0).run(c))
    with tf.Graph().as_default():
        v, _step, _train = model(tf)
        ready, init = tf.report_uninitialized_variables(), tf.global_variables_initializer()
        make = lambda **options: tf.train.SessionManager(recovery_wait_secs=0.05, **options)
        found["never"] = outcome(lambda: make(ready_op=ready).wait_for_session("", max_wait_secs=0.12))
        found["local"] = float(make(ready_op=ready, local_init_op=init).wait_for_session("", max_wait_secs=0.1).run(v))
        found["not asked"] = outcome(lambda: make().wait_for_session("", max_wait_secs=0.1).run(v))
        directory = tempfile.mkdtemp()
        options = {"saver": tf.train.Saver(), "checkpoint_dir": directory, "wait_for_checkpoint": True, "max_wait_secs": 0.1}
        found["no checkpoint comes"] = float(make().prepare_session("", init, **options).run(v))
        found["worker"] = outcome(lambda: tf.train.MonitoredSession(tf.train.WorkerSessionCreator(max_wait_secs=0)))
    with tf.Graph().as_default():
        c = tf.constant(3)
        with tf.train.MonitoredTrainingSession(is_chief=False, chief_only_hooks=[recorder(tf, found, "chief")]) as session:
            found["worker without variables"] = int(session.run(c))
    return found


def scaffolds(tf, np):
    found = {}
    with tf.Graph().as_default() as graph:
        model(tf)
        given = tf.train.Scaffold()
        names = (
            "init_op",
            "ready_op",
            "ready_for_local_init_op",
            "local_init_op",
            "summary_op",
            "saver",
            "init_fn",
            "init_feed_dict",
            "local_init_feed_dict",
        )
        found["before"] = [getattr(given, n) is None for n in names]
        found["same"] = given.finalize() is given
        found["after"] = [getattr(given, n) is None for n in names]
        found["collections"] = [
            len(tf.get_collection(k))
            for k in ("init_op", "ready_op", "ready_for_local_init_op", "local_init_op", "summary_op", "savers")
        ]
        found["finalized"] = [graph.finalized, outcome(lambda: tf.constant(1) is None)]
        again = tf.train.Scaffold().finalize()
        found["again"] = [getattr(again, n) is getattr(given, n) for n in names]
        sd = given.saver.saver_def
        found["saver_def"] = [sd.max_to_keep, sd.sharded, sd.version, sd.keep_checkpoint_every_n_hours]
    with tf.Graph().as_default():
        model(tf)
        found["no op"] = tf.train.Scaffold.get_or_default("x", "mine", lambda: None)
        found["made"] = tf.train.Scaffold.get_or_default("x", "mine", lambda: 5)
        found["kept"] = [tf.train.Scaffold.get_or_default("x", "mine", lambda: 6), tf.get_collection("mine")]
        tf.add_to_collection("mine", 7)
        found["two"] = outcome(lambda: tf.train.Scaffold.get_or_default("x", "mine", lambda: 8))
        tf.add_to_collection("savers", tf.train.Saver())
        tf.add_to_collection("savers", tf.train.Saver())
        found["two savers"] = outcome(lambda: tf.train.Scaffold().finalize())
    with tf.Graph().as_default():
        v, step, _train = model(tf)
        w = tf.get_local_variable("w", initializer=2.0) if hasattr(tf, "get_local_variable") else None
        x = tf.placeholder(tf.float32, [])
        log = []
        first = tf.train.Scaffold(
            init_op=tf.group(v.assign(x), step.initializer),
            init_feed_dict={x: 4.0},
            init_fn=lambda s, session: log.append([s is second, float(session.run(v))]),
        )
        second = tf.train.Scaffold(copy_from_scaffold=first, local_init_op=w.assign(v + x), local_init_feed_dict={x: 10.0})
        with tf.train.SingularMonitoredSession(scaffold=second) as session:
            found["fed"] = [float(session.run(v)), float(session.run(w)), log]
        found["no scaffold"] = outcome(lambda: tf.train.Scaffold(copy_from_scaffold=3))
    with tf.Graph().as_default():
        v, step, _train = model(tf)
        tf.get_variable("u", initializer=0.0)
        found["not all"] = outcome(
            lambda: tf.train.MonitoredSession(tf.train.ChiefSessionCreator(tf.train.Scaffold(init_op=v.initializer)))
        )
        found["finalized all the same"] = tf.get_default_graph().finalized
    with tf.Graph().as_default():
        v, step, _train = model(tf)
        all_is_well = tf.constant([], tf.string)
        own = tf.train.Scaffold(init_op=v.initializer, ready_op=all_is_well, ready_for_local_init_op=all_is_well)
        with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(own)) as session:
            found["its ready_op"] = [float(session.run(v)), outcome(lambda: session.run(step))]
    return found


def objects_in_a_scaffold(tf, np):
    found, directory = {}, tempfile.mkdtemp()
    objects = importlib.import_module(tf.__name__.partition(".")[0])
    for _ in range(2):
        with tf.Graph().as_default():
            v, step, train = model(tf)
            root = objects.train.Checkpoint(v=v, step=step)
            with tf.train.MonitoredTrainingSession(
                checkpoint_dir=directory, scaffold=tf.train.Scaffold(saver=root), save_checkpoint_steps=1
            ) as session:
                session.run(train)
                found.setdefault("values", []).append([float(session.run(v)), int(session.run(step))])
    path = tf.train.latest_checkpoint(directory)
    found["keys"] = sorted(name for name, _ in tf.train.list_variables(path))
    with tf.Graph().as_default(), tf.Session() as session:
        v, step, train = model(tf)
        tf.train.Checkpoint(v=v, step=step).restore(path).run_restore_ops()
        found["as objects"] = [float(session.run(v)), int(session.run(step))]
    return found


def graphs(tf, np):
    found = {}
    for before in (False, True):
        with tf.Graph().as_default() as graph:
            v, _step, train = model(tf)
            if before:
                tf.train.Scaffold().finalize()
            with tf.train.MonitoredSession() as session:
                additions = [lambda: tf.constant(1), lambda: tf.Variable(1), v.read_value, tf.global_variables_initializer]
                found[f"{before} inside"] = [graph.finalized, *(outcome(lambda add=add: add() is None) for add in additions)]
                session.run(train)
            found[f"{before} after"] = [graph.finalized, outcome(lambda: tf.constant(1) is None)]
    return found


PROGRAMS = [preparing, waiting, scaffolds, objects_in_a_scaffold, graphs]
