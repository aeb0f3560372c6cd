"""Locks that an interrupt at any place leaves open."""

import sys
import threading

import numpy as np
import pytest

import minitf as tf
from minitf.core.locks import Guarded, left_open
from tests.storage.interrupts import Interrupt

KINDS = {
    "left open": lambda: left_open(threading.Lock()),
    "left open, by thread": lambda: left_open(threading.RLock()),
    "guarded": lambda: Guarded(threading.Lock()),
    "guarded, by thread": lambda: Guarded(threading.RLock()),
}


ENOUGH = 5 if sys.version_info < (3, 12) else 0  # newer ones follow a function only now and then


def free(lock):
    """Whether another thread can take it."""
    found = []

    def look():
        found.append(lock.acquire(blocking=False))
        if found[0]:
            lock.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


def twice(lock):
    for _ in range(2):
        with lock:
            str(lock)


@pytest.mark.parametrize("again", [None, 1, 2], ids=lambda again: f"again after {again}" if again else "once")
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_an_interrupt_at_any_place_leaves_it_open(make, again):
    lock = make()
    twice(lock)  # Python 3.13 follows a function from its second call on
    raised = 0
    for at in range(1, 20):
        interrupt = Interrupt(at, again, times=3, inside=("test_locks.py", "locks.py"))
        interrupt.call(lambda: twice(lock))
        assert free(lock), interrupt.where
        raised += interrupt.raised is not None
    assert raised > ENOUGH


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_it_keeps_others_out_and_lets_errors_out(make):
    lock, inside = make(), []
    with lock:
        assert not free(lock)
    assert free(lock)
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    assert free(lock)

    def work():
        for _ in range(200):
            with lock:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == []


def test_a_step_of_an_optimizer_leaves_no_lock():
    """Several variables whose locks have been asked for one by one, so that a step takes them one after the other."""
    variables = [tf.Variable(np.ones(3, np.float32)) for _ in range(3)]
    locks = [variable.handle.cell.lock for variable in variables]
    optimizer = tf.compat.v1.train.GradientDescentOptimizer(0.1)
    pairs = [(tf.ones(3), variable) for variable in variables]
    for _ in range(2):
        optimizer.apply_gradients(pairs)
    raised = 0
    for at in range(1, 60):
        interrupt = Interrupt(at, inside=("together.py", "locks.py"))
        interrupt.call(lambda: optimizer.apply_gradients(pairs))
        assert all(map(free, locks)), interrupt.where
        raised += interrupt.raised is not None
    assert raised > ENOUGH
