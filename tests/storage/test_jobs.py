"""Threads that share work: none is left behind, whatever happens, and one does it all where there are no others."""

import threading

import pytest

from minitf.storage import jobs


def threads():
    return set(threading.enumerate())


@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("at_once", [1, 2, 3, 20])
def test_results_come_in_the_order_of_the_jobs(count, at_once):
    before = threads()
    assert jobs.run(range(count), lambda job: job * job, at_once) == [job * job for job in range(count)]
    assert threads() <= before  # threads of earlier tests may end


def test_each_thread_takes_a_job():
    here = threading.Barrier(3)
    assert len(set(jobs.run(range(3), lambda job: (here.wait(10), threading.get_ident())[1], 3))) == 3


@pytest.mark.parametrize("at", [0, 1, 4])
def test_after_an_error_none_is_begun(at):
    done = []

    def one(job):
        if job == at:
            raise OSError("broken")
        done.append(job)

    before = threads()
    with pytest.raises(OSError, match="broken"):
        jobs.run(range(100), one, 2)
    assert threads() <= before  # threads of earlier tests may end
    assert at not in done
    done.clear()
    with pytest.raises(OSError, match="broken"):
        jobs.run(range(100), one, 1)
    assert done == list(range(at))


def test_where_no_thread_can_be_started_one_does_it_all(monkeypatch):
    """As when there are too many, and, from Python 3.12 on, when the main thread has ended."""

    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert jobs.run(range(5), lambda job: (job, threading.current_thread()), 3) == [
        (job, threading.main_thread()) for job in range(5)
    ]


@pytest.mark.parametrize("where", ["start", "started", "work", "join", "join twice"])
def test_an_interrupt_waits_for_the_other_threads(monkeypatch, where):
    """They use memory and files that the caller gives away afterwards."""
    left = {"join twice": 2}.get(where, 1)
    going, begun, finished = threading.Event(), threading.Event(), []

    def interrupt():
        nonlocal left
        if left:
            left -= 1
            begun.wait(0 if where == "start" else 10)
            threading.Timer(0.1, going.set).start()
            raise KeyboardInterrupt

    class Interrupted(threading.Thread):
        def start(self):
            if where == "start":
                interrupt()
            super().start()
            if where == "started":
                interrupt()

        def join(self, timeout=None):
            if where.startswith("join"):
                interrupt()
            super().join(timeout)

    def one(job):
        if threading.current_thread() is threading.main_thread():
            begun.wait(10)
            if where == "work":
                interrupt()
        else:
            begun.set()
            if not where.startswith("join"):
                going.wait(10)
            finished.append(job)
        return job

    with monkeypatch.context() as patched:
        patched.setattr(jobs.threading, "Thread", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            jobs.run([0, 1], one, 2)
    count = len(finished)
    assert (count == 0) == (where == "start")
    going.wait(10)
    assert len(finished) == count
