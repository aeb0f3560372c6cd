"""Trainings in which hooks fail at random moments: who is called, what comes of it, and what is saved."""

import os
import tempfile

from .tools import model, outcome, recorder

CALLS = ("begin", "after_create_session", "before_run", "after_run", "end")
KINDS = ("AbortedError", "UnavailableError", "OutOfRangeError", "CancelledError", "StopIteration", "ValueError")


def drawn(chance):
    """A schedule, as JSON: what fails when, and how the training is made."""

    def fault():
        call = chance.choice(CALLS[1:4] * 4 + CALLS)
        # Most losses are survived, so most errors are losses.
        return [call, chance.randrange(4 if "run" in call else 2), chance.choice(KINDS[:2] * 4 + KINDS)]

    return {
        "hooks": [[fault() for _ in range(chance.choice((0, 1, 1, 2, 3)))] for _ in range(chance.choice((1, 1, 2)))],
        "chief": [fault() for _ in range(chance.choice((0, 0, 1)))],
        "save_steps": chance.choice((None, 1, 2, 3)),
        "last": chance.randrange(1, 7),
        "starts": chance.choice((1, 2)),
        "whole": chance.choice(("training", "training", "monitored", "singular")),
        "step_fn": chance.random() < 0.25,
    }


def played(tf, schedule):
    """What happens in a schedule."""
    log, directory = [], tempfile.mkdtemp()

    def failing(name, faults):
        made = [[call, count, _error(tf, kind)] for call, count, kind in faults]
        return recorder(tf, log, name, fail=made)

    def session_with(hooks, chief):
        if schedule["whole"] == "training":
            steps = schedule["save_steps"]
            return tf.train.MonitoredTrainingSession(
                checkpoint_dir=directory if steps else None, hooks=hooks, chief_only_hooks=chief, save_checkpoint_steps=steps,
                save_checkpoint_secs=None,
            )  # fmt: skip
        if schedule["whole"] == "monitored":
            return tf.train.MonitoredSession(hooks=chief + hooks)
        return tf.train.SingularMonitoredSession(hooks=chief + hooks, checkpoint_dir=directory)

    def train():
        v, _step, train = model(tf)
        hooks = [failing(str(n), faults) for n, faults in enumerate(schedule["hooks"])]
        hooks.append(tf.train.StopAtStepHook(last_step=schedule["last"]))
        with session_with(hooks, [failing("chief", schedule["chief"])]) as session:
            begins = float(session.run_step_fn(lambda step_context: step_context.session.run(v)))
            log.append(["begins", begins])
            for _ in range(20):
                if session.should_stop():
                    break
                if schedule["step_fn"]:
                    done = session.run_step_fn(lambda step_context: step_context.run_with_hooks(train))
                else:
                    done = session.run(train)
                log.append(["done", int(done)])

    for _ in range(schedule["starts"]):
        with tf.Graph().as_default() as graph:
            log.append([outcome(train), graph.finalized])
    newest = tf.train.latest_checkpoint(directory)
    if newest is not None:
        log.append([os.path.basename(newest), float(tf.train.load_variable(newest, "v"))])
    return log


def _error(tf, kind):
    if kind == "StopIteration":
        return StopIteration()
    return ValueError("no") if kind == "ValueError" else getattr(tf.errors, kind)(None, None, "drawn")
