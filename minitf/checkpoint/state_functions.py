"""Which checkpoints a directory has: the functions around the state file, with TensorFlow's names and rules.

    path = tf.train.latest_checkpoint("run")          # "run/ckpt-7", or None
    for path in tf.train.checkpoints_iterator("run"): # waits for new ones
        evaluate(path)

A checkpoint is named by its prefix. A sharded one of the old V1 format is named by a pattern, ``run/model-?????-of-00002``.
"""

from __future__ import annotations

import contextlib
import glob
import logging
import numbers
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from minitf.errors import NotFoundError, OpError
from minitf.storage import state_file
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.names import index_path
from minitf.storage.files import TEMPORARY, find, is_directory, typed
from minitf.storage.npz import Npz
from minitf.storage.paths import is_url, join_path, parts_of, path_of, relative_to
from minitf.storage.safetensors import Safetensors
from minitf.storage.state_file import CheckpointState
from minitf.storage.v1 import TensorSlices

V1, V2 = 1, 2  # the two file formats, as SaverDef numbers them

_log = logging.getLogger("minitf")


class Clock(Protocol):
    """Where time comes from: the module ``time``, or a test's own."""

    def time(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float, /) -> None:
        """Returns after so many seconds."""


# -- the state file ------------------------------------------------------------------------------------------------------


def generate_checkpoint_state_proto(
    save_dir: Any,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> CheckpointState:
    """A state with its paths as they are stored: absolute ones as they are, others relative to ``save_dir``.

    A path that is not absolute is relative to where the program runs if ``save_dir`` is so too, and to ``save_dir`` if that is
    absolute. The newest checkpoint is put at the end of the list unless it is there. Raises ValueError if there are
    time stamps and not one for each path, TypeError for what is no path and no number.
    """
    directory, newest = path_of(save_dir), path_of(model_checkpoint_path)
    paths = [path_of(path) for path in all_model_checkpoint_paths or []]
    if not paths or paths[-1] != newest:
        paths.append(newest)
    times = list(all_model_checkpoint_timestamps or [])
    preserved = last_preserved_timestamp or 0.0
    if not all(isinstance(time, numbers.Real) for time in [*times, preserved]):
        raise TypeError(f"Checkpoint timestamps must be numbers, seconds since 1970, not {times}, {preserved!r}.")
    if times and len(times) != len(paths):
        raise ValueError(
            f"Checkpoint timestamps must match checkpoint paths, but there are {len(times)} for {len(paths)}: {paths}."
        )
    if not os.path.isabs(directory):
        newest, *paths = (p if os.path.isabs(p) else relative_to(directory, p) for p in [newest, *paths])
    return CheckpointState(newest, paths, list(map(float, times)), float(preserved))


def update_checkpoint_state(
    save_dir: Any,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the state file of a directory, in one step. Paths are taken as by ``generate_checkpoint_state_proto``.

    Raises RuntimeError if the newest checkpoint has the state file's own path (S279), ValueError as there and for an empty
    path, NotFoundError if there is no such directory.
    """
    directory = path_of(save_dir)
    if not path_of(model_checkpoint_path):
        raise ValueError("update_checkpoint_state: the path of the newest checkpoint is empty, so nobody could read the file.")
    if not is_directory(ANYWHERE, directory) and not is_url(directory):
        raise NotFoundError(f"update_checkpoint_state: there is no directory {directory!r}; it is made by the first save.")
    state = generate_checkpoint_state_proto(
        directory, model_checkpoint_path, all_model_checkpoint_paths, all_model_checkpoint_timestamps, last_preserved_timestamp
    )
    state.model_checkpoint_path = _usable(directory, state.model_checkpoint_path)
    state.all_model_checkpoint_paths = [_usable(directory, path) for path in state.all_model_checkpoint_paths]
    state_file.write_state(directory, state, latest_filename, relative=False)


def _usable(directory: str, stored: str) -> str:
    """A stored path as one that works from where the program runs; it is relative if it was."""
    if os.path.isabs(stored):
        return stored
    path = join_path(directory, stored)
    return path if is_url(path) else os.path.relpath(path)


def write_checkpoint_state(
    directory: str,
    newest: str,
    paths: Sequence[str] = (),
    latest_filename: str | None = None,
    timestamps: Sequence[float] = (),
    last_preserved_timestamp: float = 0.0,
    *,
    relative: bool = True,
    durable: bool = True,
) -> None:
    """Writes the state file; paths are absolute or relative to where the program runs.

    ``relative`` stores all of them relative to the directory (as Checkpoint and CheckpointManager do), otherwise absolute ones
    stay. ``durable=False`` skips fsync.
    """
    listed = list(paths) if paths and paths[-1] == newest else [*paths, newest]
    state = CheckpointState(newest, listed, list(timestamps), last_preserved_timestamp)
    state_file.write_state(directory, state, latest_filename, relative=relative, durable=durable)


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> CheckpointState | None:
    """What the state file of a directory says, with stored relative paths joined to the directory.

    None if there is no such file, or (with a warning in the log) if it cannot be read. Raises ValueError if it names no
    checkpoint at all (S274).
    """
    try:
        return state_file.read_state(checkpoint_dir, latest_filename, allow_outside=True)
    except OpError as error:
        _log.warning("%s: checkpoint state ignored: %s", state_file.state_path(checkpoint_dir, latest_filename), error)
        return None


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The prefix of the newest checkpoint of a directory, or None if there is none.

    Only checkpoints that are whole count: if the newest was interrupted or lost a file, the one before it is given, with a
    warning in the log. Raises ValueError for an empty state file (S274).
    """
    try:
        return state_file.latest_checkpoint(checkpoint_dir, latest_filename, allow_outside=True)
    except OpError as error:
        _log.warning("%s: checkpoint state ignored: %s", state_file.state_path(checkpoint_dir, latest_filename), error)
        return None


# -- files ---------------------------------------------------------------------------------------------------------------


def files_of_v1(prefix: str) -> list[str]:
    """The files of a V1 checkpoint, sorted: the one with exactly this name, or those of a sharded one's pattern."""
    return TensorSlices().files(prefix)


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """True if there is a checkpoint with this prefix, in whatever format.

    Nothing is opened: as in TensorFlow it is enough that an index stands there, or anything with exactly this name (which is
    what a checkpoint of the old format looks like from outside; a directory is such a thing, too). The prefix may be a pattern:
    ``*`` and ``?`` stand for other characters, ``[ab]`` for one of several. A checkpoint whose own name has these signs exists
    as well, which TensorFlow denies.
    """
    prefix = path_of(checkpoint_prefix)
    return bool(_standing(prefix)) or any(kind().exists(prefix) for kind in (Safetensors, Npz))


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[Any]) -> list[float]:
    """When the checkpoints were last written, in seconds since 1970. Those that do not exist are left out.

    What exists is said by ``checkpoint_exists``; of several files that fit a pattern the first one's time counts.
    """
    out = []
    for found in map(_standing, map(path_of, checkpoint_prefixes)):
        if found:
            with contextlib.suppress(OSError):  # gone in between
                out.append(ANYWHERE.stat(found[0]).st_mtime)
    return out


def _standing(prefix: str) -> list[str]:
    """What there is under a prefix: its index, or what has this very name, or what it fits as a pattern, sorted."""
    start, inner, tail = parts_of(prefix)
    indices, others = index_path(prefix), f"{start}{inner.rstrip('/')}{tail}" or prefix
    for path in (indices, others):
        if find(ANYWHERE, path) is not None:
            return [path]
    if is_url(prefix):
        return files_of_v1(prefix)
    return _fitting(indices) or _fitting(others)


def _fitting(pattern: str) -> list[str]:
    """Local files and directories that fit a pattern. A backslash takes its meaning from a sign."""
    theirs = re.sub(r"\\(.)", lambda found: glob.escape(found[1]), pattern.replace("[^", "[!"))
    found = glob.glob(theirs, include_hidden=True)
    return sorted(path for path in found if os.path.exists(path) and TEMPORARY not in os.path.basename(path))


def remove_checkpoint(checkpoint_prefix: Any, checkpoint_format_version: int = V2, meta_graph_suffix: str = "meta") -> None:
    """Deletes the files of a checkpoint; missing ones are no error.

    The prefix is a name and no pattern (TensorFlow deletes whatever fits it, so that ``a[1]`` takes ``a1`` along); only the
    pattern of a sharded V1 checkpoint stands for its files.

    ``checkpoint_format_version``: 2 (``SaverDef.V2``) or 1. A meta graph beside it (TensorFlow writes one) is deleted too.
    """
    prefix = path_of(checkpoint_prefix)
    if checkpoint_format_version == V2:
        TensorBundle().remove(prefix)
        others = []
    else:
        others = files_of_v1(prefix)
    start, inner, tail = parts_of(prefix)
    stem = re.sub(r"-[\d?]+-of-\d+$", "", inner)
    for path in [*others, f"{start}{stem}.{meta_graph_suffix}{tail}"]:
        try:
            with typed("remove", path):
                ANYWHERE.remove(path)
        except NotFoundError:
            continue


# -- waiting -------------------------------------------------------------------------------------------------------------


def checkpoints_iterator(
    checkpoint_dir: Any,
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
    *,
    clock: Clock = time,
) -> Iterator[str]:
    """Gives the newest checkpoint of a directory, and then each newer one when it appears; it looks once a second.

    * ``min_interval_secs``: the least time between two; checkpoints in between are skipped.
    * ``timeout``: how long to wait for one; then ``timeout_fn`` is asked, and if it is not there or says True, the iterator
      ends.
    """
    last = None
    while True:
        new = _wait_for_new(checkpoint_dir, last, timeout, clock)
        if new is not None:
            start = clock.time()
            last = new
            yield new
            rest = start + min_interval_secs - clock.time()
            if rest > 0:
                clock.sleep(rest)
        elif timeout_fn is None:
            return
        if timeout_fn is not None and timeout_fn():
            return


def _wait_for_new(directory: Any, last: str | None, timeout: float | None, clock: Clock, pause: float = 1.0) -> str | None:
    stop = None if timeout is None else clock.time() + timeout
    while True:
        newest = latest_checkpoint(directory)
        if newest is not None and newest != last:
            return newest
        if stop is not None and clock.time() + pause > stop:
            return None
        clock.sleep(pause)
