"""Saving in the background: a ``Storage`` around any other."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minitf.core.locks import left_open
from minitf.saved import Reader, Storage, Writer
from minitf.storage.anywhere import standing
from minitf.storage.paths import path_of
from minitf.storage.values import Partitioned, Typed


class BackgroundStorage:
    """Writes in a thread. ``write`` copies the values and returns; one write is under way at a time.

    An error of a write is raised by the next ``write``, ``open``, ``exists``, ``remove`` or by ``wait``, once. Everything but
    ``write`` waits first, so what was written can be seen. The process does not end before the last write has, unless it is
    killed (by ``os._exit`` or a signal without a handler, too), which leaves what any killed save leaves: the old checkpoint or
    the new one. When the process is about to end, writes are made at once. The state file of a save is written in the
    background too, after the checkpoint that it names: ``wait`` before asking for the latest one. A child behind a fork has
    no part in its parent's writes. A relative path counts from where the program was when ``write`` was called.
    """

    def __init__(self, storage: Storage):
        self._storage = storage
        self._begin()

    def _begin(self) -> None:
        self._lock = left_open(threading.Lock())  # one caller at a time
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._process = os.getpid()

    def _turn(self) -> threading.Lock:
        """What a caller must hold."""
        if self._process != os.getpid():  # behind a fork, where the parent's threads are not
            self._begin()
        return self._lock

    @property
    def name(self) -> str:
        """The name of the format."""
        return self._storage.name

    @property
    def on_disk(self) -> bool:
        """False if the storage around which this one is keeps no files."""
        return bool(getattr(self._storage, "on_disk", True))

    def __repr__(self) -> str:
        return f"BackgroundStorage({self._storage!r})"

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Starts writing a checkpoint with the values of now. Raises what the write before raised."""
        self.write_to(self._storage, prefix, tensors)

    def write_to(self, storage: Writer, prefix: str, tensors: Mapping[str, Any]) -> None:
        """As ``write``, but to another storage than the one around which this is."""
        if getattr(storage, "on_disk", False):
            prefix = standing(path_of(prefix))
        with self._turn():
            self._finish()
            copies = {key: _copied(value) for key, value in tensors.items()}
            self._start(self._run, storage, prefix, copies)

    def after(self, then: Callable[[], Any]) -> None:
        """Calls ``then`` in the background when the last write is complete, and not if it failed. Errors as of a write."""
        with self._turn():
            self._start(self._run_after, self._thread, then)

    def _start(self, run: Callable[..., None], *arguments: Any) -> None:
        """Runs it in a thread that is no daemon, so that the interpreter waits for it; in this one if it waits no more."""
        _pending.add(self)
        if not _ending:
            self._thread = threading.Thread(target=run, args=arguments, name="minitf-save", daemon=False)
            with contextlib.suppress(RuntimeError):  # an interpreter that is ending starts no more
                self._thread.start()
                return
        run(*arguments)
        self._finish()

    def _run_after(self, before: threading.Thread | None, then: Callable[[], Any]) -> None:
        if before is not None:
            before.join()
        if self._error is None:
            try:
                then()
            except BaseException as error:
                self._error = error

    def _run(self, storage: Writer, prefix: str, tensors: Mapping[str, Any]) -> None:
        try:
            storage.write(prefix, tensors)
        except BaseException as error:
            self._error = error

    def _finish(self) -> None:
        if self._thread is not None:
            with contextlib.suppress(RuntimeError):  # Ctrl-C came before it was started
                self._thread.join()
            self._thread = None
        _pending.discard(self)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def wait(self) -> None:
        """Returns when the last write is complete. Raises what it raised."""
        with self._turn():
            self._finish()

    def open(self, prefix: str) -> Reader:
        """Waits, then opens a checkpoint."""
        self.wait()
        return self._storage.open(prefix)

    def exists(self, prefix: str) -> bool:
        """Waits, then looks."""
        self.wait()
        return self._storage.exists(prefix)

    def remove(self, prefix: str) -> None:
        """Waits, then deletes."""
        self.wait()
        self._storage.remove(prefix)


_ending: list[bool] = []  # not empty when the interpreter waits for no thread any more
_pending: set[BackgroundStorage] = set()  # those whose last write nobody has waited for; kept alive for its error


def _report() -> None:
    """At the end of the process nobody is left to raise an error to; it must not go unsaid."""
    import logging

    for storage in list(_pending):
        try:
            storage.wait()
        except BaseException as error:
            logging.getLogger("minitf").error("the last background save failed: %s", error)


def _end() -> None:
    _ending.append(True)
    _report()


atexit.register(_end)


def _copied(value: Any) -> Any:
    if isinstance(value, Typed):
        return Typed(value.dtype, _copied(value.array))
    if isinstance(value, Partitioned):
        return Partitioned(value.shape, [(extents, _copied(piece)) for extents, piece in value.pieces])
    return np.array(value, order="C") if isinstance(value, (np.ndarray, list, tuple)) else value
