"""Threads that stop together."""

import sys
import threading
import time

import pytest

import minitf.compat.v1 as tf


def start(coordinator, work):
    def guarded():
        with coordinator.stop_on_exception():
            work()

    thread = threading.Thread(target=guarded)
    thread.start()
    return thread


def raiser(error):
    def work():
        raise error

    return work


def test_one_fails_all_stop():
    coordinator, counted = tf.train.Coordinator(), []

    def count():
        while not coordinator.should_stop():
            time.sleep(0.001)
        counted.append(1)

    others = [start(coordinator, count) for _ in range(3)]
    with pytest.raises(KeyError, match="first"):
        coordinator.join([*others, start(coordinator, raiser(KeyError("first")))])
    assert counted == [1, 1, 1]
    assert coordinator.joined
    with pytest.raises(KeyError, match="first"):
        coordinator.raise_requested_exception()


def test_the_end_of_the_input_is_no_failure():
    for clean, error in (((), tf.errors.OutOfRangeError("end")), ([StopIteration], StopIteration())):
        coordinator = tf.train.Coordinator(clean) if clean else tf.train.Coordinator()
        coordinator.join([start(coordinator, raiser(error))])
        assert coordinator.should_stop()
        coordinator.raise_requested_exception()


def test_only_the_first_counts_and_it_may_come_as_it_is_or_as_exc_info():
    coordinator = tf.train.Coordinator()
    try:
        raise KeyError("first")
    except KeyError:
        coordinator.request_stop(sys.exc_info())
    coordinator.request_stop(ValueError("second"))
    with pytest.raises(KeyError, match="first"):
        coordinator.join()
    with pytest.raises(ValueError, match="late"):
        coordinator.request_stop(ValueError("late"))  # nobody would raise it otherwise
    coordinator.clear_stop()
    assert not coordinator.should_stop()
    assert not coordinator.joined
    coordinator.request_stop()
    coordinator.request_stop(ValueError("after a request"))
    coordinator.join()


def test_threads_that_do_not_stop():
    release = threading.Event()
    coordinator = tf.train.Coordinator()
    thread = threading.Thread(target=release.wait, name="lazy")
    thread.start()
    coordinator.register_thread(thread)
    coordinator.request_stop()
    with pytest.raises(RuntimeError, match=r"still running: lazy.*0\.02 seconds"):
        coordinator.join(stop_grace_period_secs=0.02)
    coordinator.clear_stop()
    coordinator.request_stop()
    coordinator.join([thread], stop_grace_period_secs=0.02, ignore_live_threads=True)
    release.set()
    thread.join()


def test_a_failure_says_more_than_a_straggler():
    release = threading.Event()
    coordinator = tf.train.Coordinator()
    thread = threading.Thread(target=release.wait)
    thread.start()
    coordinator.request_stop(KeyError("why"))
    with pytest.raises(KeyError, match="why"):
        coordinator.join([thread], stop_grace_period_secs=0.01)
    release.set()
    thread.join()


def test_a_thread_does_not_wait_for_itself_or_for_one_that_was_never_started():
    coordinator, told = tf.train.Coordinator(), []
    coordinator.register_thread(threading.Thread())

    def work():
        coordinator.request_stop()
        coordinator.join(ignore_live_threads=True)
        told.append(coordinator.joined)

    thread = threading.Thread(target=work)
    coordinator.register_thread(thread)
    thread.start()
    thread.join()
    assert told == [True]


def test_waiting_for_a_stop():
    coordinator = tf.train.Coordinator()
    assert coordinator.wait_for_stop(0.001) is False
    threading.Timer(0.01, coordinator.request_stop).start()
    assert coordinator.wait_for_stop() is True


def test_join_without_a_stop_ends_when_the_threads_do():
    coordinator = tf.train.Coordinator()
    thread = start(coordinator, lambda: time.sleep(0.05))
    coordinator.join([thread], stop_grace_period_secs=0)  # there is no hurry before somebody requests a stop
    assert not coordinator.should_stop()
    assert not thread.is_alive()


@pytest.mark.parametrize("interval", [None, 0.001])
def test_a_looper_runs_until_it_is_stopped(interval):
    coordinator, calls = tf.train.Coordinator(), []

    def call(word, more):
        calls.append(word + more)
        if len(calls) == 5:
            coordinator.request_stop()

    looper = tf.train.LooperThread.loop(coordinator, interval, call, args=("a",), kwargs={"more": "b"})
    coordinator.join()  # it has registered itself
    assert calls == ["ab"] * 5
    assert looper.daemon


def test_a_looper_of_ones_own_and_its_failure():
    told = []

    class Looper(tf.train.LooperThread):
        def start_loop(self):
            told.append("start")

        def run_loop(self):
            told.append("run")
            if len(told) == 3:
                raise OSError("broken")

        def stop_loop(self):
            told.append("stop")

    coordinator = tf.train.Coordinator()
    Looper(coordinator, None).start()
    with pytest.raises(OSError, match="broken"):
        coordinator.join()
    assert told == ["start", "run", "run"]
    with pytest.raises(ValueError, match="must be a Coordinator"):
        tf.train.LooperThread("coordinator", 1.0)
    with pytest.raises(ValueError, match="for a target"):
        tf.train.LooperThread(coordinator, 1.0, args=(1,))


def test_a_looper_that_ends_by_itself_says_so():
    coordinator, ended = tf.train.Coordinator(), []

    class Looper(tf.train.LooperThread):
        def run_loop(self):
            coordinator.request_stop()

        def stop_loop(self):
            ended.append(True)

    Looper(coordinator, 0.001).start()
    coordinator.join()
    assert ended == [True]
