"""Programs with supervisors."""

import tempfile

from .tools import model, outcome


def supervisors(tf, np):
    found, directory = {}, tempfile.mkdtemp()
    for turn in range(2):
        with tf.Graph().as_default() as graph:
            v, step, train = model(tf)
            # TensorFlow's thread cannot save where threads begin in eager mode: disable_eager_execution() would help.
            supervisor = tf.train.Supervisor(
                logdir=directory, save_model_secs=0, save_summaries_secs=None, checkpoint_basename="m"
            )
            found[f"made {turn}"] = [
                graph.finalized,
                len(tf.get_collection("savers")),
                supervisor.save_path == directory + "/m",
            ]
            with supervisor.managed_session() as session:
                found[f"begins {turn}"] = [float(session.run(v)), int(session.run(step)), supervisor.should_stop()]
                for _ in range(3):
                    session.run(train)
                supervisor.saver.save(session, supervisor.save_path, global_step=supervisor.global_step)
            found[f"after {turn}"] = [supervisor.should_stop(), outcome(lambda session=session, v=v: session.run(v) is None)]
    return found


def pieces_of_supervisors(tf, np):
    found = {}
    with tf.Graph().as_default():
        supervisor = tf.train.Supervisor()
        found["no variables"] = [supervisor.saver is None, supervisor.global_step is None, supervisor.save_path is None]
    with tf.Graph().as_default() as graph:
        model(tf)
        supervisor = tf.train.Supervisor()
        again = tf.train.Supervisor(graph=graph)
        names = ("init_op", "ready_op", "ready_for_local_init_op", "saver", "global_step", "init_feed_dict")
        found["made"] = [getattr(supervisor, name) is not None for name in names]
        found["same"] = [getattr(supervisor, name) is getattr(again, name) for name in names]
        found["settings"] = [supervisor.is_chief, supervisor.save_model_secs, supervisor.save_summaries_secs]
        found["no logdir"] = supervisor.start_standard_services(None) is None
    with tf.Graph().as_default():
        v, step, _train = model(tf)
        left_out = tf.train.Supervisor(init_op=step.initializer)
        found["left out"] = outcome(left_out.prepare_or_wait_for_session)
        helped = tf.train.Supervisor(init_op=step.initializer, init_fn=lambda session: session.run(v.initializer))
        found["helped"] = float(helped.prepare_or_wait_for_session().run(v))
        nothing = tf.train.Supervisor(init_op=None, local_init_op=None, ready_op=None)
        found["nothing"] = outcome(nothing.prepare_or_wait_for_session)
    with tf.Graph().as_default():
        model(tf)
        waits = tf.train.Supervisor(is_chief=False, recovery_wait_secs=0.02)
        found["waits"] = outcome(lambda: waits.prepare_or_wait_for_session(max_wait_secs=0.03))
        found["no chief"] = [outcome(lambda: waits.start_standard_services(None)), waits.save_model_secs, waits.save_path]
    return found


def endings_of_supervisors(tf, np):
    found = {}
    errors = {"ValueError": ValueError("no"), "OutOfRangeError": tf.errors.OutOfRangeError(None, None, "the end"),
              "AbortedError": tf.errors.AbortedError(None, None, "lost"), "StopIteration": StopIteration()}  # fmt: skip
    for name, error in errors.items():
        for where in ("block", "thread"):
            with tf.Graph().as_default():
                _v, _step, train = model(tf)
                supervisor = tf.train.Supervisor()

                def fails(error=error):
                    raise error

                def work(supervisor=supervisor, where=where, fails=fails, train=train):
                    with supervisor.managed_session() as session:
                        session.run(train)
                        if where == "block":
                            fails()
                        supervisor.loop(None, fails)
                        supervisor.wait_for_stop()
                    return "quiet"

                found[f"{name} in {where}"] = [outcome(work), supervisor.should_stop()]
    return found


def basic_loops(tf, np):
    found = {}
    for kind in ("AbortedError", "UnavailableError", "OutOfRangeError"):
        directory, log, troubles = tempfile.mkdtemp(), [], [getattr(tf.errors, kind)(None, None, "drawn")]
        with tf.Graph().as_default():
            _v, step, train = model(tf)
            supervisor = tf.train.Supervisor(logdir=directory, save_model_secs=0, save_summaries_secs=0)

            def one(session, last, supervisor=supervisor, log=log, troubles=troubles, train=train, step=step):
                log.append(int(session.run(train)))
                if log[-1] == 2:
                    supervisor.saver.save(session, supervisor.save_path, global_step=2)
                if log[-1] == 3 and troubles:
                    raise troubles.pop()
                if log[-1] == last:
                    supervisor.request_stop()

            log.append(outcome(lambda supervisor=supervisor, one=one: tf.train.basic_train_loop(supervisor, one, (5,))))
        found[kind] = log
    return found


PROGRAMS = [supervisors, pieces_of_supervisors, endings_of_supervisors, basic_loops]
