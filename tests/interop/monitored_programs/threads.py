"""Programs with coordinators."""

import threading

from .tools import outcome


def coordinators(tf, np):
    found = {}
    make = tf.train.Coordinator

    def failing(coord, error):
        with coord.stop_on_exception():
            raise error

    def joined(error, **options):
        coord = make(**options)
        thread = threading.Thread(target=failing, args=(coord, error))
        thread.start()
        outcome_ = outcome(lambda: coord.join([thread]))
        return [outcome_, coord.should_stop(), coord.joined, outcome(coord.raise_requested_exception)]

    found["fails"] = joined(ValueError("no"))
    found["clean"] = joined(tf.errors.OutOfRangeError(None, None, "the end"))
    found["clean of its own"] = joined(ValueError("the end"), clean_stop_exception_types=(ValueError,))
    found["none is clean"] = joined(tf.errors.OutOfRangeError(None, None, "the end"), clean_stop_exception_types=[])
    coord = make()
    coord.join([])
    found["joined"] = [coord.joined, coord.should_stop()]

    def late():
        try:
            raise KeyError("late")
        except KeyError as error:
            coord.request_stop(error)

    found["after join"] = outcome(late)
    coord.clear_stop()
    found["cleared"] = [
        coord.joined,
        coord.should_stop(),
        outcome(late),
        coord.should_stop(),
        outcome(coord.raise_requested_exception),
    ]
    coord.clear_stop()
    found["first counts"] = []
    for error in (ValueError("first"), KeyError("second")):
        thread = threading.Thread(target=failing, args=(coord, error))
        thread.start()
        thread.join()
    found["first counts"] = outcome(lambda: coord.join())
    coord = make()
    found["timeout"] = coord.wait_for_stop(0.01)
    release = threading.Event()
    thread = threading.Thread(target=release.wait)
    thread.start()
    coord.register_thread(thread)
    coord.request_stop()
    found["straggler"] = outcome(lambda: coord.join(stop_grace_period_secs=0.05))
    coord = make()
    coord.request_stop()
    found["ignored"] = outcome(lambda: coord.join([thread], stop_grace_period_secs=0.05, ignore_live_threads=True))
    release.set()
    thread.join()
    coord, calls = make(), []

    def tick():
        calls.append(1)
        if len(calls) == 3:
            coord.request_stop()

    tf.train.LooperThread.loop(coord, None, tick)
    coord.join()
    found["looper"] = len(calls)
    coord, calls = make(), []
    tf.train.LooperThread.loop(coord, 0.01, tick)
    coord.join()
    found["timed looper"] = len(calls)
    found["no coordinator"] = outcome(lambda: tf.train.LooperThread(3, 1))
    found["no target"] = outcome(lambda: tf.train.LooperThread(make(), 1, args=(1,)))
    return found


PROGRAMS = [coordinators]
