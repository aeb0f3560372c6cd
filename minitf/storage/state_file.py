"""The state file ``checkpoint``: which checkpoints a directory has, newest last.

It is a text-format protobuf message and carries no checksum, so nothing that it says is believed without a look at the
directory, and a path in it may not lead out of the directory unless the caller says so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from minitf.errors import InvalidArgumentError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import Disk, discard_left, find, make_directories, read_whole, replace_file, while_locked
from minitf.storage.formats import format_at
from minitf.storage.paths import is_url, join_path, lies_in, normal, parent_of, path_of, relative_to
from minitf.storage.protos import message
from minitf.storage.whole import problem_with

STATE_FILE = "checkpoint"
TOLD = 10  # checkpoints that cannot be used of which the log says why
LONGEST = 1 << 26  # bytes of a state file: a hundred thousand checkpoints take a fraction

_log = logging.getLogger("minitf")


@dataclass
class CheckpointState:
    """What the state file says. Paths are usable as they are: absolute, or relative to where the program runs."""

    model_checkpoint_path: str = ""
    all_model_checkpoint_paths: list[str] = field(default_factory=list)
    all_model_checkpoint_timestamps: list[float] = field(default_factory=list)
    last_preserved_timestamp: float = 0.0

    def __str__(self) -> str:
        """As the text of a state file; numbers are written as short as they can be."""
        return str(message("CheckpointState")(**vars(self)))


def state_path(directory: str, latest_filename: str | None = None) -> str:
    """Where the state file of a directory is."""
    return join_path(path_of(directory), STATE_FILE if latest_filename is None else path_of(latest_filename))


def is_inside(directory: str, path: str) -> bool:
    """True if a path lies in the directory or below: as it is written, or behind links, where the directory has two names.

    A URL never lies in a local directory, not even in ``""``, to which it can be joined and stay what it is.
    """
    directory = path_of(directory)
    if is_url(path) != is_url(directory):
        return False
    if lies_in(directory, path):
        return True
    if is_url(path):
        return False
    parent, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(parent), name).startswith(os.path.join(os.path.realpath(directory or os.curdir), ""))


def read_state(
    directory: str, latest_filename: str | None = None, *, allow_outside: bool = False, disk: Disk = ANYWHERE
) -> CheckpointState | None:
    """The state of a directory; None if it has none, or, with a warning in the log, if the file is damaged.

    Stored paths that are not absolute are joined to the directory. Paths that lead out of the directory are left out, with a
    warning, unless ``allow_outside``; if the newest does, the result is None. Raises ValueError if the file names no
    checkpoint at all.
    """
    state = _parsed(directory, latest_filename, disk)
    if state is None or allow_outside:
        return state
    path = state_path(directory, latest_filename)
    kept, refused = [], []
    for number, named in enumerate(state.all_model_checkpoint_paths):
        if is_inside(directory, named):
            kept.append(number)
        else:
            refused.append(named)
    if not is_inside(directory, state.model_checkpoint_path):
        refused.append(state.model_checkpoint_path)
    if refused:
        _log.warning("%s: paths outside of the directory are ignored (allow_outside=True takes them): %s", path, refused)
        if refused[-1] == state.model_checkpoint_path:
            return None
        if len(state.all_model_checkpoint_timestamps) == len(state.all_model_checkpoint_paths):
            state.all_model_checkpoint_timestamps = [state.all_model_checkpoint_timestamps[n] for n in kept]
        state.all_model_checkpoint_paths = [state.all_model_checkpoint_paths[n] for n in kept]
    return state


def _parsed(directory: str, latest_filename: str | None, disk: Disk) -> CheckpointState | None:
    from google.protobuf import text_format

    directory = path_of(directory)
    path = state_path(directory, latest_filename)
    found = find(disk, path)
    if found is None:
        return None
    if found.st_size > LONGEST:
        _log.warning("%s: not a valid state file: it has %s bytes", path, found.st_size)
        return None
    stored = message("CheckpointState")()
    try:
        text_format.Merge(read_whole(disk, path).decode("utf-8"), stored)
    except (text_format.ParseError, UnicodeDecodeError, ValueError, RecursionError, Warning) as error:  # an odd escape warns
        _log.warning("%s: not a valid state file: %s", path, error)
        return None
    if not stored.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state: {path} names no model_checkpoint_path. Delete the file, or save again.")
    if len(stored.all_model_checkpoint_timestamps) not in (0, len(stored.all_model_checkpoint_paths)):
        _log.warning("%s: %s time stamps for %s paths are ignored", path, len(stored.all_model_checkpoint_timestamps),
                     len(stored.all_model_checkpoint_paths))  # fmt: skip
        del stored.all_model_checkpoint_timestamps[:]
    return CheckpointState(
        join_path(directory, stored.model_checkpoint_path),
        [join_path(directory, p) for p in stored.all_model_checkpoint_paths],
        list(stored.all_model_checkpoint_timestamps),
        stored.last_preserved_timestamp,
    )


def write_state(
    directory: str,
    state: CheckpointState,
    latest_filename: str | None = None,
    *,
    relative: bool = True,
    durable: bool = True,
    disk: Disk = ANYWHERE,
) -> None:
    """Replaces the state file in one step; what a killed process left of one goes.

    Paths are stored relative to the directory; with ``relative=False`` those that are absolute stay so (as TensorFlow's
    name-based Saver does). Raises RuntimeError if the newest checkpoint has the state file's own path, ValueError if
    time stamps and paths do not pair, InvalidArgumentError for a path that is not Unicode text.
    """
    from google.protobuf import text_format

    directory = path_of(directory)
    path = state_path(directory, latest_filename)
    if normal(path_of(state.model_checkpoint_path)) == normal(path):
        raise RuntimeError(
            f"write_state: checkpoint {state.model_checkpoint_path!r} is the state file's own path. Save under another name."
        )
    paths, times = state.all_model_checkpoint_paths, state.all_model_checkpoint_timestamps
    if times and len(times) != len(paths):
        raise ValueError(f"write_state: {len(times)} time stamps for {len(paths)} checkpoints; give one for each, or none.")
    newest, *listed = (stored_path(directory, p, relative) for p in [state.model_checkpoint_path, *paths])
    for named in [newest, *listed]:
        check_name(named)
    stored = message("CheckpointState")(
        model_checkpoint_path=newest,
        all_model_checkpoint_paths=listed,
        all_model_checkpoint_timestamps=times,
        last_preserved_timestamp=state.last_preserved_timestamp,
    )
    text = text_format.MessageToString(stored, as_utf8=True)
    make_directories(disk, directory, durable)

    def write() -> None:
        discard_left(disk, [path])
        replace_file(disk, path, [text.encode("utf-8")], durable)

    while_locked(disk, parent_of(path), write)


def check_name(name: str) -> None:
    """Raises InvalidArgumentError for a checkpoint that no state file can name."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"save: {name!r} is not Unicode text, which a state file demands: {error}. Choose another name, or use write(), "
            "which records nothing."
        ) from None


def stored_path(directory: str, path: str, relative: bool = True) -> str:
    """A checkpoint's path as it is written into the state file of a directory."""
    path = path_of(path)
    if os.path.isabs(path) and not relative:
        return path
    return relative_to(path_of(directory), path)


def latest_checkpoint(
    directory: str, latest_filename: str | None = None, *, allow_outside: bool = False, disk: Disk = ANYWHERE
) -> str | None:
    """The prefix of the newest checkpoint of a directory that is whole; None if there is none.

    Whole: the index parses, its checksums hold, and every data file that it uses is there with as many bytes as the entries
    need. If that is not the newest one of the state file, the log has a warning that says why. Raises ValueError for a state
    file that names no checkpoint.
    """
    state = _parsed(directory, latest_filename, disk)
    if state is None:
        return None
    refused: list[str] = []
    for prefix in _newest_first(state.model_checkpoint_path, state.all_model_checkpoint_paths):
        if not allow_outside and not is_inside(directory, prefix):
            refused.append(f"{prefix!r} is outside of the directory (allow_outside=True takes it)")
            continue
        if len(refused) >= TOLD and format_at(prefix, disk) is None:  # a text would look through the directory for each
            refused.append("")
            continue
        problem = problem_with(prefix, disk)
        if problem is None:
            if refused:
                _log.warning("latest_checkpoint: using %s, because %s", prefix, _told(refused))
            return prefix
        refused.append(problem)
    _log.error(
        "latest_checkpoint: %s names no checkpoint that is whole: %s",
        state_path(directory, latest_filename),
        _told(refused),
    )
    return None


def _told(problems: Sequence[str]) -> str:
    more = len(problems) - TOLD
    return "; ".join(problems[:TOLD]) + (f"; and {more} more" if more > 0 else "")


def newest_checkpoint(directory: str, latest_filename: str | None = None, *, disk: Disk = ANYWHERE) -> str | None:
    """The prefix that the state file names as the newest, whole or not: for who looks at damage.

    None, with a word in the log, if no state file makes sense or the path leads out of the directory. Raises ValueError for a
    state file that names no checkpoint.
    """
    state = _parsed(directory, latest_filename, disk)
    if state is None:
        return None
    newest = state.model_checkpoint_path
    if is_inside(directory, newest):
        return newest
    _log.error("%s: %r is outside of the directory", state_path(directory, latest_filename), newest)
    return None


def _newest_first(newest: str, paths: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([newest, *reversed(paths)]))
