"""Programs that fork while another thread is in the middle of something: the child can do the same."""

import os
import signal
import threading

import pytest

import minitf as tf
from minitf.core import forks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


class Slow(tf.train.AutoTrackable):
    """An object whose restore waits in the middle."""

    def __init__(self):
        self.here, self.go_on = threading.Event(), threading.Event()
        self.v = tf.Variable(0.0)

    def _serialize_to_tensors(self):
        return {"x": tf.constant(1.0)}

    def _restore_from_tensors(self, tensors):
        self.here.set()
        assert self.go_on.wait(60)


def in_child(act):
    """What ``act`` gives in a child; nothing if it takes more than 20 seconds."""
    into, out = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
        try:
            os.write(out, act().encode())
        finally:
            os._exit(0)
    os.close(out)
    with open(into, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def restoring(tmp_path):
    """A root whose restore waits in another thread, and a function that begins it."""
    with tf.using(tf.Eager()):
        root = Slow()
        path = tf.train.CheckpointableSaver(root).save(str(tmp_path / "x"))
        root.v.assign(5.0)
        thread = threading.Thread(target=lambda: tf.train.CheckpointableSaver(root).restore(path).expect_partial())
        thread.start()
        assert root.here.wait(60)

        def again():
            new = tf.train.AutoTrackable()
            new.v = tf.Variable(3.0)
            tf.train.CheckpointableSaver(new).restore(path).expect_partial()
            new.w = tf.Variable(1.0)
            return f"{float(new.v)} {float(root.v)}"

        yield root, again
        root.go_on.set()
        thread.join()


def test_a_fork_waits_until_a_restore_is_over(restoring):
    root, again = restoring
    threading.Timer(0.3, root.go_on.set).start()
    assert in_child(again) == "0.0 0.0"  # the parent's restore is whole in the child
    assert again() == "0.0 0.0"


def test_a_fork_does_not_wait_for_ever(restoring, monkeypatch):
    root, again = restoring
    monkeypatch.setattr(forks, "PATIENCE", 0.2)
    assert in_child(again).startswith("0.0 ")
    assert not root.go_on.is_set()
    root.go_on.set()
    assert again() == "0.0 0.0"


def test_a_thread_that_restores_may_fork_itself(tmp_path):
    with tf.using(tf.Eager()):

        class Forks(tf.train.AutoTrackable):
            def _serialize_to_tensors(self):
                return {"x": tf.constant(1.0)}

            def _restore_from_tensors(self, tensors):
                self.answer = in_child(lambda: str(float(tf.Variable(2.0) + 1.0)))

        root = Forks()
        path = tf.train.CheckpointableSaver(root).save(str(tmp_path / "x"))
        tf.train.CheckpointableSaver(root).restore(path)
        assert root.answer == "3.0"
        root.v = tf.Variable(1.0)
        assert tf.train.children(root) == {"v": root.v}
