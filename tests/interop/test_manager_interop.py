"""One program run by TensorFlow and by minitf: what a CheckpointManager keeps, lists and deletes, in both modes."""

import json
import pathlib

import pytest

import minitf as tf

pytestmark = pytest.mark.interop

PROGRAM = '''
class Clock:
    now, option = 10000.0, {}
    def time(self): return self.now
    def sleep(self, seconds): self.now += seconds

def program(tf, clock, directory, start):
    """start(variables) initialises variables; evaluate with int()."""
    out = []
    def names(paths): return [pathlib.Path(p).name for p in paths]
    def look(where, manager):
        path = pathlib.Path(where)
        out.append([sorted(p.name for p in path.glob("*.index")), names(manager.checkpoints)])
        out.append(manager.latest_checkpoint and names([manager.latest_checkpoint]))
        out.append((path / "checkpoint").read_text() if (path / "checkpoint").exists() else None)
    def saved(path): out.append(path and names([path]))

    group = tf.train.Checkpoint(v=tf.Variable(1.0), step=tf.Variable(0))
    start([group.v, group.step])
    where = directory + "/few"
    manager = tf.train.CheckpointManager(group, where, max_to_keep=2, **clock.option)
    look(where, manager)
    for number in (None, None, None, 32, 7, 0, 7):
        clock.now += 10.0
        saved(manager.save(checkpoint_number=number))
        look(where, manager)
    manager = tf.train.CheckpointManager(group, where, max_to_keep=1, **clock.option)
    look(where, manager)
    saved(manager.save())
    look(where, manager)

    where = directory + "/hours"
    options = {"max_to_keep": 2, "keep_checkpoint_every_n_hours": 1.0, "checkpoint_name": "h", **clock.option}
    manager = tf.train.CheckpointManager(group, where, **options)
    for _ in range(9):
        saved(manager.save())
        clock.now += 1500.0
    look(where, manager)
    clock.now += 100.0
    manager = tf.train.CheckpointManager(group, where, max_to_keep=1, keep_checkpoint_every_n_hours=0.1, **clock.option)
    saved(manager.save())
    look(where, manager)
    clock.now -= 50000.0
    manager = tf.train.CheckpointManager(group, where, max_to_keep=1, **clock.option)
    look(where, manager)
    for _ in range(3):
        clock.now += 1.0
        saved(manager.save())
    look(where, manager)

    where = directory + "/steps"
    options = {"max_to_keep": None, "step_counter": group.step, "checkpoint_interval": 3, **clock.option}
    manager = tf.train.CheckpointManager(group, where, **options)
    for check in (True, True, False, False, True, True, True, True):
        saved(manager.save(check_interval=check))
        assign(group.step.assign_add(1))
    look(where, manager)
    manager = tf.train.CheckpointManager(group, where, **options)
    saved(manager.restore_or_initialize())
    saved(manager.save())
    return json.loads(json.dumps(out))
'''

THEIRS = (
    """
import json, pathlib, sys, tensorflow as tf
from unittest import mock
from tensorflow.python.checkpoint import checkpoint_management as module
"""
    + PROGRAM
    + """
clock, assign, start = Clock(), lambda value: None, lambda variables: None
with mock.patch.object(module, "time", clock):
    if sys.argv[2] == "graph":
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            assign, start = session.run, lambda variables: session.run([v.initializer for v in variables])
            print(json.dumps(program(tf, clock, sys.argv[1], start)))
    else:
        print(json.dumps(program(tf, clock, sys.argv[1], start)))
"""
)


def test_managers_keep_list_and_delete_alike(oracle, mode, tmp_path):
    space = {"json": json, "pathlib": pathlib, "assign": lambda value: None}
    exec(PROGRAM, space)
    clock = space["Clock"]()
    clock.option = {"clock": clock}
    start = lambda variables: None
    with mode.scope():
        if mode.name == "graph":
            space["assign"] = mode.session.run
            start = lambda variables: mode.session.run([v.initializer for v in variables])
        ours = space["program"](tf, clock, str(tmp_path / "here"), start)
    theirs = oracle(THEIRS, tmp_path / "there", mode.name)
    for number, (our, their) in enumerate(zip(ours, theirs, strict=True)):
        assert our == their, f"result {number}"
