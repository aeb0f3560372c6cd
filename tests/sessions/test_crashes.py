"""A process that trains is killed; another goes on from its last checkpoint, and ends with the very same values."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import minitf.compat.v1 as tf

TRAIN = """
import json, os, signal, sys, time
import minitf.compat.v1 as tf

directory, last, dies_at, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])

with tf.Graph().as_default():
    step = tf.train.get_or_create_global_step()
    w = tf.get_variable("w", initializer=[1.0, -2.0, 3.0])
    noise = tf.cast(step.read_value() % 7, tf.float32) * 0.125
    loss = tf.reduce_sum((w - [0.5, 0.25, noise]) ** 2.0)
    train = tf.train.AdamOptimizer(0.05).minimize(loss, global_step=step)

    class Dies(tf.train.SessionRunHook):
        def after_run(self, run_context, run_values):
            time.sleep(pause)
            if run_context.session.run(step) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    hooks = [tf.train.StopAtStepHook(last_step=last), Dies()]
    with tf.train.MonitoredTrainingSession(checkpoint_dir=directory, hooks=hooks, save_checkpoint_steps=3) as session:
        begins, first = session.run([step, w])
        print(json.dumps([int(begins), first.tolist()]), flush=True)
        while not session.should_stop():
            session.run(train)
"""


def trained(directory, last, dies_at=-1, pause=0.0, **options):
    command = [sys.executable, "-c", TRAIN, str(directory), str(last), str(dies_at), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def begun(process):
    """What the process began with, and how it ended."""
    out, _ = process.communicate(timeout=120)
    return json.loads(out.splitlines()[0]) if out else None, process.returncode


def values(directory):
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(directory))
    return {key: reader.get_tensor(key).tobytes() for key in reader.get_variable_to_shape_map()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The values after 14 steps, of a training that nobody killed."""
    directory = tmp_path_factory.mktemp("whole")
    assert begun(trained(directory, 14)) == ([0, [1.0, -2.0, 3.0]], 0)
    return values(directory)


@pytest.mark.parametrize("dies_at", [3, 8])
def test_it_goes_on_from_the_last_checkpoint(tmp_path, uninterrupted, dies_at):
    _, code = begun(trained(tmp_path, 14, dies_at))
    assert code == -signal.SIGKILL
    last = tf.train.latest_checkpoint(tmp_path)
    saved = dies_at // 3 * 3  # the hook that saves has its turn before the one that kills
    assert last.endswith(f"model.ckpt-{saved}")
    w = tf.train.load_variable(last, "w")
    (step, first), code = begun(trained(tmp_path, 14))
    assert (step, code) == (saved, 0)
    assert np.array_equal(np.float32(first), w)
    assert values(tmp_path) == uninterrupted  # with Adam's slots, bit for bit


def test_killed_at_any_moment(tmp_path, uninterrupted):
    """Killed again and again from outside, wherever it is; it always begins with the newest whole checkpoint."""
    chance, steps = random.Random(), [0]
    for _ in range(4):
        process = trained(tmp_path, 14, pause=0.02)
        first = process.stdout.readline()  # it is ready, and has saved what it began with
        time.sleep(chance.uniform(0.0, 0.15))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        steps.append(json.loads(first)[0])
        assert steps[-1] >= steps[-2]
        newest = tf.train.latest_checkpoint(tmp_path)
        assert tf.train.load_variable(newest, "global_step") == int(newest.rpartition("-")[2])
    (step, _), code = begun(trained(tmp_path, 14))
    assert (step, code) == (int(newest.rpartition("-")[2]), 0)
    assert values(tmp_path) == uninterrupted
