"""Ctrl-C that waits, and changes between which nothing comes."""

import signal
import threading

import numpy as np
import pytest

from minitf.core.at_once import at_once
from minitf.core.interrupts import InterruptsHeld
from minitf.core.overwriting import overwriting
from minitf.core.state import Cell
from minitf.core.unverified import Unverified, UnverifiedCell, take_over_all


@pytest.fixture(autouse=True)
def the_usual_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN)
    signal.signal(signal.SIGINT, before)


def interrupted_inside(done):
    with InterruptsHeld():
        for i in range(3):
            signal.raise_signal(signal.SIGINT)
            done.append(i)
        with InterruptsHeld():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        done.append("outer")


def test_interrupts_wait_however_many_come():
    done = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_inside(done)
    assert done == [0, 1, 2, "inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def failing_inside(interrupted):
    with InterruptsHeld():
        if interrupted:
            signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError


def test_without_an_interrupt_nothing_is_heard_and_errors_come_out():
    with InterruptsHeld():
        pass
    with pytest.raises(ZeroDivisionError):
        failing_inside(False)
    with pytest.raises(KeyboardInterrupt) as caught:
        failing_inside(True)
    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_an_ignored_interrupt_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with InterruptsHeld():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.raise_signal(signal.SIGINT)


def test_other_threads_hear_of_no_signals_anyway():
    errors = []

    def work():
        try:
            with InterruptsHeld():
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not errors


def test_steps_behind_an_error_are_not_done():
    done = []
    with pytest.raises(IndexError):
        at_once((done.append, 1), ([].pop,), (done.append, 2))
    assert done == [1]


def test_all_kinds_of_cells_take_over_their_values():
    class Own(Cell):
        """A class of somebody's own, which hears of each write."""

        __slots__ = ("heard",)

        def write(self, value):
            self.heard = value
            super().write(value)

    plain, given, late, own, busy, turned = (kind(None, np.zeros((2, 2))) for kind in (Cell, Cell, Cell, Own, Cell, Cell))
    take_over_all([late], [Unverified(np.zeros((2, 2)), lambda: None)])
    assert type(late) is UnverifiedCell
    values = [np.full((2, 2), float(i)) for i in range(5)] + [np.arange(4.0).reshape(2, 2).T]
    checked = []
    values[1] = Unverified(values[1], lambda: checked.append(1))
    with overwriting([busy]):
        take_over_all([plain, given, late, own, busy, turned], values)
    assert not checked
    assert [cell.writes for cell in (plain, given, late, own, busy, turned)] == [1, 1, 2, 1, 1, 1]
    assert (type(given), type(late), type(busy)) == (UnverifiedCell, Cell, Cell)
    assert [int(cell.value[0, 0]) for cell in (plain, given, late, own, busy)] == [0, 1, 2, 3, 4]
    assert checked == [1]
    assert own.heard is values[3]
    assert turned.value.flags.c_contiguous
    assert turned.value.tolist() == values[5].tolist()
