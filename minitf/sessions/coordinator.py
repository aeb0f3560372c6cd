"""``train.Coordinator``: threads that stop together, because the work is done or because one of them has failed.

    coordinator = tf.compat.v1.train.Coordinator()

    def work():
        with coordinator.stop_on_exception():
            while not coordinator.should_stop():
                ...

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    coordinator.join(threads)                 # raises what went wrong in one of them
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minitf.core.locks import left_open
from minitf.errors import OutOfRangeError

_log = logging.getLogger("minitf")
_POLL = 0.02  # seconds between two looks at a thread, while nobody has requested a stop


class Coordinator:
    """Tells threads to stop, waits for them, and hands on the first exception of any of them.

    ``clean_stop_exception_types``: exceptions that mean the end of the work and no failure, by default OutOfRangeError.
    """

    def __init__(self, clean_stop_exception_types: Iterable[type[BaseException]] | None = None):
        clean = (OutOfRangeError,) if clean_stop_exception_types is None else clean_stop_exception_types
        self._clean = tuple(clean)
        self._lock = left_open(threading.Lock())
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._joined = False
        self._threads: set[threading.Thread] = set()

    # -- stopping --------------------------------------------------------------------------------------------------------

    def request_stop(self, ex: Any = None) -> None:
        """Tells the threads to stop. ``ex``, an exception or what ``sys.exc_info()`` gives, is raised by ``join``.

        Only the first exception counts, and none that comes after a stop was requested. After ``join`` it is raised at once.
        """
        failure = ex[1] if isinstance(ex, tuple) else ex
        if isinstance(failure, self._clean):
            failure = None
        with self._lock:
            if self._joined and failure is not None:
                raise failure
            if self._stop.is_set():
                return
            if failure is not None:
                _log.info("Coordinator: a thread failed with %s: %s", type(failure).__name__, failure)
                self._failure = failure
            self._stop.set()

    def clear_stop(self) -> None:
        """Forgets the request to stop, and the exception: the coordinator can be used again."""
        with self._lock:
            self._joined = False
            self._failure = None
            self._stop.clear()

    def should_stop(self) -> bool:
        """True once a stop was requested."""
        return self._stop.is_set()

    @contextmanager
    def stop_on_exception(self) -> Iterator[None]:
        """Whatever is raised inside requests a stop, and ends the block without an exception."""
        try:
            yield
        except BaseException:
            self.request_stop(sys.exc_info())

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        """Waits, at most so many seconds, and says whether a stop was requested."""
        return self._stop.wait(timeout)

    # -- waiting ---------------------------------------------------------------------------------------------------------

    def register_thread(self, thread: threading.Thread) -> None:
        """Adds a thread for which ``join`` waits."""
        with self._lock:
            self._threads.add(thread)

    def join(self, threads: Iterable[threading.Thread] | None = None, stop_grace_period_secs: float = 120,
             ignore_live_threads: bool = False) -> None:  # fmt: skip
        """Waits for these threads and the registered ones, and raises the exception of the one that failed first.

        Once a stop is requested they have ``stop_grace_period_secs`` to end. Raises RuntimeError for those that do not, unless
        ``ignore_live_threads``.
        """
        with self._lock:
            known = self._threads | set(threads or ())
        waiting = [t for t in known if t.is_alive() and t is not threading.current_thread()]  # nobody waits for himself
        for thread in waiting:
            while thread.is_alive() and not self._stop.is_set():
                thread.join(_POLL)
        end = time.monotonic() + stop_grace_period_secs
        for thread in waiting:
            thread.join(max(0.0, end - time.monotonic()))
        late = sorted(thread.name for thread in known if thread.is_alive())
        with self._lock:
            self._joined = True
            self._threads = set()
            if self._failure is not None:
                raise self._failure
        if late:
            text = f"Coordinator stopped with threads still running: {' '.join(late)}"
            if not ignore_live_threads:
                raise RuntimeError(
                    f"{text}. They had {stop_grace_period_secs} seconds; let them ask should_stop() more often, or give them "
                    "more time."
                )
            _log.info("%s", text)

    @property
    def joined(self) -> bool:
        """True once ``join`` has ended."""
        return self._joined

    def raise_requested_exception(self) -> None:
        """Raises the exception with which a stop was requested, if there is one."""
        with self._lock:
            if self._failure is not None:
                raise self._failure


class LooperThread(threading.Thread):
    """A daemon thread that calls ``target`` again and again until its coordinator stops; an exception stops that.

    ``timer_interval_secs``: seconds from one call to the next; None: without a pause. A subclass may have ``run_loop`` instead
    of a target, and ``start_loop`` and ``stop_loop``. Raises ValueError if ``coord`` is no Coordinator, or for arguments
    without a target.
    """

    def __init__(self, coord: Coordinator, timer_interval_secs: float | None, target: Callable[..., Any] | None = None,
                 args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None):  # fmt: skip
        if not isinstance(coord, Coordinator):
            raise ValueError(f"LooperThread: the first argument must be a Coordinator, not {coord!r}.")
        if target is None and (args or kwargs):
            raise ValueError("LooperThread: args and kwargs are for a target, but there is none.")
        super().__init__(daemon=True)
        self._coord = coord
        self._interval = timer_interval_secs
        self._call = target
        self._call_args = tuple(args or ())
        self._call_kwargs = dict(kwargs or {})
        coord.register_thread(self)

    @staticmethod
    def loop(coord: Coordinator, timer_interval_secs: float | None, target: Callable[..., Any],
             args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None) -> LooperThread:  # fmt: skip
        """Makes a looper and starts it."""
        looper = LooperThread(coord, timer_interval_secs, target, args, kwargs)
        looper.start()
        return looper

    def run(self) -> None:
        """What the thread does."""
        with self._coord.stop_on_exception():
            self.start_loop()
            if self._interval is None:
                while not self._coord.should_stop():
                    self.run_loop()
            else:
                due = time.monotonic()
                while not self._coord.wait_for_stop(max(0.0, due - time.monotonic())):
                    due += self._interval
                    self.run_loop()
            self.stop_loop()

    def start_loop(self) -> None:
        """Called when the thread starts."""

    def stop_loop(self) -> None:
        """Called when the thread ends, unless it failed."""

    def run_loop(self) -> None:
        """Called again and again."""
        if self._call is not None:
            self._call(*self._call_args, **self._call_kwargs)
