"""The same programs with monitored sessions under minitf and under TensorFlow: order of calls, values, classes of errors."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import minitf.compat.v1 as tf

HERE = str(Path(__file__).parent)
sys.path.insert(0, HERE)
try:
    from monitored_programs import NAMES
    from monitored_programs.faults import drawn
finally:
    sys.path.remove(HERE)

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def found(both):
    """What each program gave here and there."""
    return both(
        f"import sys\nsys.path.insert(0, {HERE!r})\nfrom monitored_programs import program\nsys.path.remove({HERE!r})",
        ".compat.v1",
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_same_happens(found, name):
    ours, theirs = found[0][name], found[1][name]
    assert not isinstance(theirs, str), theirs
    assert ours == theirs


def test_there_is_something_to_compare(found):
    assert len(NAMES) >= 18
    assert found[1].keys() == set(NAMES)


TRAIN = """
def train(tf, directory, last_step):
    with tf.Graph().as_default():
        step = tf.train.get_or_create_global_step()
        w = tf.get_variable("w", initializer=[0.0, 1.0])
        train_op = tf.train.AdamOptimizer(0.25).minimize(tf.reduce_sum((w - 3.0) ** 2.0), global_step=step)
        hooks = [tf.train.StopAtStepHook(last_step=last_step)]
        with tf.train.MonitoredTrainingSession(checkpoint_dir=directory, hooks=hooks, save_checkpoint_steps=2) as session:
            begins = [int(session.run(step)), session.run(w).tolist()]
            while not session.should_stop():
                session.run(train_op)
    return begins
"""


def test_they_go_on_from_one_another(oracle, tmp_path):
    space = {}
    exec(TRAIN, space)
    theirs = (
        f"{TRAIN}\nimport json, sys, tensorflow.compat.v1 as tf\nprint(json.dumps(train(tf, sys.argv[1], int(sys.argv[2]))))"
    )
    begins = [
        space["train"](tf, str(tmp_path / "run"), 3),
        oracle(theirs, tmp_path / "run", 6),
        space["train"](tf, str(tmp_path / "run"), 9),
    ]
    alone = [space["train"](tf, str(tmp_path / "alone"), last) for last in (3, 6, 9)]
    assert [step for step, _ in begins] == [step for step, _ in alone] == [0, 3, 6]
    np.testing.assert_allclose([w for _, w in begins], [w for _, w in alone], rtol=1e-6)
    last = [tf.train.load_checkpoint(tf.train.latest_checkpoint(tmp_path / where)) for where in ("run", "alone")]
    assert last[0].get_variable_to_shape_map() == last[1].get_variable_to_shape_map()
    for name in ("w", "w/Adam", "w/Adam_1", "beta1_power", "beta2_power", "global_step"):
        np.testing.assert_allclose(last[0].get_tensor(name), last[1].get_tensor(name), rtol=1e-6, err_msg=name)


def test_hooks_that_fail_at_random_moments(both):
    """New schedules each time; the first that differs is shown whole."""
    chance = random.Random()
    schedules = [drawn(chance) for _ in range(40)]
    text = f"""
import json, sys
sys.path.insert(0, {HERE!r})
from monitored_programs.faults import played
sys.path.remove({HERE!r})

def program(tf, np):
    return [played(tf, schedule) for schedule in json.loads({json.dumps(schedules)!r})]
"""
    ours, theirs = both(text, ".compat.v1")
    for schedule, here, there in zip(schedules, ours, theirs, strict=True):
        assert here == there, json.dumps(schedule)
    assert sum(call[1:2] == ["after_create_session"] for log in ours for call in log if isinstance(call, list)) > 50
