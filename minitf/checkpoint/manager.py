"""``train.CheckpointManager``: numbers, keeps and deletes the checkpoints of one directory.

    manager = tf.train.CheckpointManager(checkpoint, "run", max_to_keep=3)
    checkpoint.restore(manager.latest_checkpoint)
    for batch in batches:
        train(batch)
        manager.save()                      # run/ckpt-1, run/ckpt-2, ...

What it knows (which checkpoints it manages, when they were written, when one was last preserved) is in the directory's state
file, so a new manager goes on where the last one ended. The state file is written before old checkpoints are deleted and again
after: whenever the program dies, the file names the newest checkpoint, and never one that is gone as the newest.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile
from typing import Any

from minitf.checkpoint.numbering import integer_of
from minitf.checkpoint.options import CheckpointOptions, options_of
from minitf.checkpoint.state_functions import Clock, get_checkpoint_state, latest_checkpoint, write_checkpoint_state
from minitf.core.locks import left_open
from minitf.errors import OpError
from minitf.storage.anywhere import start_of
from minitf.storage.bundle import TensorBundle
from minitf.storage.paths import join_path, name_of, path_of, with_ending
from minitf.storage.state_file import check_name, is_inside

_log = logging.getLogger("minitf")


class CheckpointManager:
    """Keeps the newest checkpoints of one ``Checkpoint`` in one directory; only one manager may be at work in it.

    * ``max_to_keep``: how many stay; None: all. They are counted and deleted right after a save.
    * ``keep_checkpoint_every_n_hours``: a checkpoint that is to be deleted stays for good, and is managed no longer, if it is
      at least so much newer than the last one that stayed in this way.
    * ``checkpoint_name``: the stem of the names, ``ckpt``.
    * ``step_counter``, ``checkpoint_interval``: ``save`` does nothing until the counter (a variable) is so many steps further;
      ``last_checkpoint_step`` is where that begins (None: the first ``save`` always saves).
    * ``init_fn``: what ``restore_or_initialize`` calls if there is nothing to restore.
    * ``clock``: where time comes from.

    Raises ValueError for a ``max_to_keep`` that is neither positive nor None, and for an interval without a counter. In a graph
    the default session is used.
    """

    def __init__(self, checkpoint: Any, directory: Any, max_to_keep: int | None,
                 keep_checkpoint_every_n_hours: float | None = None, checkpoint_name: str = "ckpt", step_counter: Any = None,
                 checkpoint_interval: int | None = None, init_fn: Callable[[], Any] | None = None,
                 last_checkpoint_step: int | None = None, *, clock: Clock = time):  # fmt: skip
        if max_to_keep is not None and max_to_keep <= 0:
            raise ValueError(f"CheckpointManager: max_to_keep must be a positive integer or None, not {max_to_keep}.")
        if checkpoint_interval is not None and step_counter is None:
            raise ValueError("CheckpointManager: checkpoint_interval needs a step_counter that says which step it is.")
        self._checkpoint = checkpoint
        self._directory = path_of(directory)
        self._prefix = join_path(self._directory, checkpoint_name)
        check_name(name_of(self._prefix))
        self._max_to_keep = max_to_keep
        self._keep_seconds = None if not keep_checkpoint_every_n_hours else keep_checkpoint_every_n_hours * 3600.0
        self._step_counter = step_counter
        self._interval = checkpoint_interval
        self._last_step = last_checkpoint_step
        self._init_fn = init_fn
        self._clock = clock
        self._managed: dict[str, float] = {}  # time of writing by path, oldest first
        self._saving = left_open(threading.RLock())  # threads that save take turns
        self._begun: dict[str, None] = {}  # paths of saves that have not come to their end
        self._doomed: dict[str, None] = {}  # paths that are to be deleted
        self._latest: str | None = None
        self._preserved = clock.time() - 1.0  # so that what is saved in this very second is newer
        self._recover()

    def _recover(self) -> None:
        """Takes over what an earlier manager of the directory has left in the state file."""
        state = get_checkpoint_state(self._directory)
        if state is None:
            return
        self._latest = latest_checkpoint(self._directory)
        now = self._clock.time()
        self._preserved = state.last_preserved_timestamp
        if now < self._preserved:
            _log.warning(
                "CheckpointManager: the clock is %.1f seconds behind the last time at which a checkpoint of %r was preserved. "
                "The checkpoints that are there are left alone.", self._preserved - now, self._directory,
            )  # fmt: skip
            self._preserved = now
        # Without time stamps (a plain Checkpoint.save wrote the state) the checkpoints are not ours: they are never deleted.
        for path, written in zip(state.all_model_checkpoint_paths, state.all_model_checkpoint_timestamps, strict=False):
            if min(written, now) > self._preserved and is_inside(self._directory, path):
                self._managed[path] = min(written, now)

    @property
    def directory(self) -> str:
        """The directory; it is made at the first save."""
        return self._directory

    @property
    def checkpoint(self) -> Any:
        """The ``Checkpoint`` that is saved."""
        return self._checkpoint

    @property
    def checkpoint_interval(self) -> int | None:
        """The least number of steps between two saves."""
        return self._interval

    @property
    def latest_checkpoint(self) -> str | None:
        """The newest checkpoint that the manager knows: its own, or the one that was there when it was made. None if none."""
        return self._latest

    @property
    def checkpoints(self) -> list[str]:
        """The managed checkpoints, oldest first. Those preserved for good are not among them."""
        return list(self._managed)

    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None) -> str | None:
        """Writes a checkpoint, deletes old ones, and gives its path; None if the interval says that it is too early.

        * ``checkpoint_number``: an integer, or a variable or tensor that has one; None: the checkpoint's save counter. The
          counter is incremented in any case.
        * ``check_interval=False``: saves before the interval is over, but not twice in one step.

        ``options`` are ``train.CheckpointOptions``; in the background the manager deletes and records when the checkpoint is
        whole. Raises as ``Checkpoint.save``.
        """
        with self._saving:
            return self._save(checkpoint_number, check_interval, options_of(options, "CheckpointManager.save"))

    def _save(self, checkpoint_number: Any, check_interval: bool, options: CheckpointOptions) -> str | None:
        step = None
        if self._interval is not None:
            step = integer_of(self._step_counter, None, "CheckpointManager.save: step_counter")
            if self._last_step is not None and (
                step == self._last_step or (check_interval and step < self._last_step + self._interval)
            ):
                return None
        number = self._checkpoint._count(None)
        if checkpoint_number is not None:
            number = integer_of(checkpoint_number, None, "CheckpointManager.save: checkpoint_number")
        path = with_ending(self._prefix, f"-{number:d}")
        self._begun.pop(path, None)
        self._begun[path] = None
        here = start_of(self._directory) if options.enable_async else ""
        record = partial(self._record, path, options.durable, here)
        self._checkpoint._write(path, None, "CheckpointManager.save", options, record)
        if self._interval is not None:
            self._last_step = step
        return path

    def _record(self, path: str, durable: bool, here: str) -> None:
        """Takes note of a checkpoint that is whole, and deletes old ones. ``here``: from where relative paths count."""
        self._settle(list(takewhile(path.__ne__, list(self._begun))), here)
        self._doomed.pop(path, None)
        self._managed.pop(path, None)  # a number that is used again becomes the newest
        self._managed[path] = self._clock.time()
        self._begun.pop(path, None)  # a save in the background before this one may have had the same number
        self._latest = path
        self._write_state(durable, here)
        self._sweep(durable, here)
        self._write_state(durable, here)

    def _settle(self, failed: list[str], here: str) -> None:
        """What saves that raised have left will be deleted; a checkpoint that is whole all the same is managed.

        That is so behind a request whose answer was lost, and if Ctrl-C came just behind the commit.
        """
        for path in failed:
            with _warning("it is not known what a failed save has left"):
                if TensorBundle().exists(os.path.join(here, path)):
                    self._managed.setdefault(path, self._clock.time())
                else:
                    self._doomed[path] = None
            self._begun.pop(path)

    def _sweep(self, durable: bool, here: str) -> None:
        """Deletes or preserves the oldest checkpoints beyond ``max_to_keep``, and deletes what could not be deleted before."""
        while self._max_to_keep is not None and len(self._managed) > self._max_to_keep:
            path, written = next(iter(self._managed.items()))
            if self._keep_seconds is not None and written - self._keep_seconds >= self._preserved:
                self._preserved = written
            else:
                self._doomed[path] = None
            self._managed.pop(path)
        for path in list(self._doomed):
            with _warning("an old checkpoint could not be deleted, which will be tried again"):
                TensorBundle(durable).remove(os.path.join(here, path))
                self._doomed.pop(path, None)

    def _write_state(self, durable: bool, here: str) -> None:
        assert self._latest is not None
        directory, newest, *listed = (os.path.join(here, path) for path in (self._directory, self._latest, *self._managed))
        write_checkpoint_state(
            directory, newest, listed, timestamps=list(self._managed.values()),
            last_preserved_timestamp=self._preserved, durable=durable,
        )  # fmt: skip

    def restore_or_initialize(self) -> str | None:
        """Restores the newest checkpoint and gives its path. If there is none, calls ``init_fn``, if there is one, and gives
        None.

        In a graph nothing is run: for that use ``checkpoint.restore(manager.latest_checkpoint)`` and its status.
        """
        self.sync()
        if self._latest is None:
            if self._init_fn is not None:
                self._init_fn()
            return None
        self._checkpoint.restore(self._latest)
        if self._interval is not None:
            self._last_step = integer_of(self._step_counter, None, "CheckpointManager.restore_or_initialize: step_counter")
        return self._latest

    def sync(self) -> None:
        """Returns when the last save in the background is complete. Raises what went wrong in it."""
        self._checkpoint.sync()

    def __repr__(self) -> str:
        return f"<manager of {len(self._managed)} checkpoints in {self._directory!r}, the newest {self._latest!r}>"


@contextlib.contextmanager
def _warning(what: str) -> Iterator[None]:
    """An error in deleting does not make a save fail, but is said."""
    try:
        yield
    except OpError as error:
        _log.warning("CheckpointManager: %s: %s", what, error)
