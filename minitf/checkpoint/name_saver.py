"""``train.Saver``: the name-based saver of TensorFlow 1.x. A value's key is its variable's name, or a name of your own.

    saver = tf.compat.v1.train.Saver(max_to_keep=3)                  # all variables of the graph
    path = saver.save(session, "run/model", global_step=step)        # "run/model-1000"
    saver.restore(session, path)

It also numbers, lists and deletes: the newest ``max_to_keep`` checkpoints stay, the state file lists them, and one for every
``keep_checkpoint_every_n_hours`` is kept for good. For the keys of objects instead of names see ``train.Checkpoint``.
"""

from __future__ import annotations

import logging
import math
import numbers
import operator
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minitf.checkpoint.frozen import FrozenSaver
from minitf.checkpoint.named_values import NamedValues
from minitf.checkpoint.numbering import integer_of
from minitf.checkpoint.state_functions import (
    V1,
    V2,
    Clock,
    checkpoint_exists,
    get_checkpoint_mtimes,
    remove_checkpoint,
    write_checkpoint_state,
)
from minitf.core.around import around
from minitf.errors import OpError
from minitf.objects.variable_table import home_here
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.files import find, is_directory
from minitf.storage.paths import is_url, name_of, parent_of, path_of, with_ending
from minitf.storage.state_file import STATE_FILE
from minitf.storage.v1 import TensorSlices
from minitf.storage.v1.names import pattern_of, shard_path

_log = logging.getLogger("minitf")


@dataclass(frozen=True)
class SaverDef:
    """How a saver was made. ``V1`` and ``V2`` are the file formats for ``write_version``.

    The names of operations are empty, as in TensorFlow's eager mode: here the saver reads and writes files, and no operation
    does.
    """

    LEGACY = 0
    V1 = V1
    V2 = V2

    max_to_keep: int = 5
    sharded: bool = False
    keep_checkpoint_every_n_hours: float = 10000.0
    version: int = V2
    filename_tensor_name: str = ""
    save_tensor_name: str = ""
    restore_op_name: str = ""


class Saver:
    """Saves and restores variables by name, and keeps the newest few checkpoints.

    * ``var_list``: a list of variables (saved under their names) or a dict of name and variable; ``SaveableObject`` works in
      both. A ``frozen_saver`` in its place: its objects, with their object graph. In a graph None means all variables of the
      graph; then ``defer_build=True`` lets ``build()`` choose them later.
    * ``reshape=True``: restores a value of another shape if it has as many elements.
    * ``max_to_keep``: how many checkpoints stay; None or 0 keeps all and lists only the newest.
    * ``keep_checkpoint_every_n_hours``: of those that would be deleted, one for so many hours stays for good; None or 0: all.
    * ``sharded``: as many data files as devices, that is one; V1 then has the number of shards in its path.
    * ``write_version``: ``SaverDef.V2`` or ``SaverDef.V1``. Both are always read.
    * ``pad_step_number``: numbers have eight digits. ``save_relative_paths``: the state file stores relative paths only.
    * ``allow_empty``: without variables, saving and restoring do nothing.
    * ``clock``: where time comes from.

    ``name``, ``restore_sequentially`` and ``filename`` are accepted and have no effect. Raises RuntimeError in eager mode
    without ``var_list``, ValueError for two values of one name, for a variable with two names and for no variables at all,
    TypeError for things that are no variables, for a ``max_to_keep`` that is no integer and for hours that are no number,
    NotImplementedError for ``saver_def``, ``builder``, and ``reshape`` of a frozen saver.
    """

    def __init__(self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5,
                 keep_checkpoint_every_n_hours: float = 10000.0, name: str | None = None, restore_sequentially: bool = False,
                 saver_def: Any = None, builder: Any = None, defer_build: bool = False, allow_empty: bool = False,
                 write_version: int = V2, pad_step_number: bool = False, save_relative_paths: bool = False,
                 filename: str | None = None, *, clock: Clock = time):  # fmt: skip
        if saver_def is not None or builder is not None:
            raise NotImplementedError(
                "Saver: a saver_def says how a saver was made but not of what, and minitf has no builders. Make the saver from "
                "its variables, for example Saver(variables, max_to_keep=saver_def.max_to_keep)."
            )
        if reshape and isinstance(var_list, FrozenSaver):
            raise NotImplementedError("Saver: reshape=True works for variables that are saved by name, not for a frozen_saver.")
        if defer_build and var_list:
            raise ValueError("Saver: building cannot be deferred if var_list is given. Leave one of the two out.")
        if write_version not in (V1, V2):
            raise ValueError(f"Saver: write_version must be SaverDef.V1 (1) or SaverDef.V2 (2), not {write_version!r}.")
        self._home = home_here()
        self._graph = self._home.graph_being_built()
        if self._graph is None and var_list is None:
            raise RuntimeError(
                "Saver: in eager mode var_list must be a list or dict of variables; there is no graph that has them."
            )
        self._var_list = var_list
        self._reshape = reshape
        self._allow_empty = allow_empty
        self._pad = pad_step_number
        self._relative = save_relative_paths
        self._clock = clock
        self._def = SaverDef(_how_many(max_to_keep), sharded, _hours(keep_checkpoint_every_n_hours), write_version)
        self._values: NamedValues | FrozenSaver | None = None
        self._bundle = TensorBundle()  # kept: what it remembers of the last save makes the next one quick
        self._last: list[tuple[str, float]] = []  # (path, when it was written), oldest first
        self._over: list[tuple[str, float]] = []  # no longer listed, to be deleted
        self._keep_after = clock.time() + self._def.keep_checkpoint_every_n_hours * 3600
        if self._graph is not None and not defer_build:
            self.build()

    # -- what is saved -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Chooses the variables and adds their restore operations to the graph. Raises RuntimeError in eager mode."""
        if self._graph is None:
            raise RuntimeError("Saver.build: nothing is built in eager mode; use save and restore.")
        if self._values is None:
            self._values = self._collect()
            self._values.build()
            self._keep_after = self._clock.time() + self._def.keep_checkpoint_every_n_hours * 3600

    def _collect(self) -> NamedValues | FrozenSaver:
        given = self._var_list
        if isinstance(given, FrozenSaver):
            return given
        if given is None:
            given = [*self._home.get_collection("variables"), *self._home.get_collection("saveable_objects")]
        values = NamedValues(self._home, given, distinct=self._graph is not None, reshape=self._reshape)
        if not values and not self._allow_empty:
            raise ValueError("Saver: there are no variables to save. Make them first, or pass allow_empty=True.")
        return values

    def _current(self, session: Any, doing: str) -> NamedValues | FrozenSaver:
        """The values; in eager mode the list is looked at anew each time. Checks the session of a graph."""
        if self._graph is None:
            return self._collect()
        if self._values is None:
            raise RuntimeError(f"Saver.{doing}: call build() first, because the saver was made with defer_build=True.")
        from minitf.runtimes.session import Session

        if not isinstance(session, Session):
            raise TypeError(f"Saver.{doing}: the first argument must be a Session, not {session!r}.")
        return self._values

    @property
    def saver_def(self) -> SaverDef:
        """How the saver was made."""
        return self._def

    def as_saver_def(self) -> SaverDef:
        """How the saver was made."""
        return self._def

    def to_proto(self, export_scope: str | None = None) -> SaverDef:
        """How the saver was made. Raises NotImplementedError for ``export_scope``."""
        if export_scope is not None:
            raise NotImplementedError("Saver.to_proto: minitf does not export scopes of a graph. Leave export_scope out.")
        return self._def

    @staticmethod
    def from_proto(saver_def: Any, import_scope: str | None = None) -> Saver:
        """Raises NotImplementedError: a ``saver_def`` has no variables."""
        return Saver(saver_def=saver_def, name=import_scope)

    # -- saving --------------------------------------------------------------------------------------------------------

    def save(self, sess: Any, save_path: Any, global_step: Any = None, latest_filename: str | None = None,
             meta_graph_suffix: str = "meta", write_meta_graph: bool = True, write_state: bool = True,
             strip_default_attrs: bool = False, save_debug_info: bool = False) -> str | None:  # fmt: skip
        """Writes a checkpoint and gives its path, which ``restore`` takes (None if there are no variables to save).

        * ``sess``: the session that has the values; ignored in eager mode.
        * ``global_step``: a number for the path (``save_path-7``): an integer, or a variable or tensor that has one.
        * ``latest_filename``: the name of the state file, ``checkpoint``. ``write_state=False`` neither lists nor deletes.

        The arguments about meta graphs are accepted: minitf has none. Raises TypeError unless ``sess`` is a session,
        FailedPreconditionError for a variable without a value, ValueError if the parent of the path's directory does not exist,
        for ``latest_filename`` with a directory in it, or if the checkpoint would have the state file's name.
        """
        values = self._current(sess, "save")
        state_name = latest_filename or STATE_FILE
        if os.path.dirname(state_name):
            raise ValueError(f"Saver.save: latest_filename must be a name without directories, not {state_name!r}.")
        prefix = path = path_of(save_path)
        if global_step is not None:
            number = integer_of(global_step, sess, "Saver.save(global_step=...)")
            path = with_ending(prefix, f"-{number:08d}" if self._pad else f"-{number:d}")
        elif name_of(path) == state_name and not self._def.sharded:
            raise ValueError(f"Saver.save: {path!r} collides with the state file of that name. Save under another name.")
        if not path:
            raise ValueError("Saver.save: the path is empty. Give a prefix for the files' names, such as 'run/model'.")
        if not values:
            return None
        directory = parent_of(prefix)
        _check_parent(prefix, directory)
        path = self._write(path, values.read(sess))
        if write_state:
            self._record(path)
            write_checkpoint_state(directory, path, self.last_checkpoints, state_name, relative=self._relative)
            self._delete_old(meta_graph_suffix)
        return path

    def _write(self, path: str, tensors: Mapping[str, Any]) -> str:
        """Writes the files; gives the path to restore from."""
        if self._def.version == V2:
            around("storage", self._bundle).write(path, tensors)
            return path
        one_of_one = self._def.sharded  # V1 files of a sharded saver are numbered, and their path is a pattern
        around("storage", TensorSlices()).write(shard_path(path, 0, 1) if one_of_one else path, tensors)
        return pattern_of(path, 1) if one_of_one else path

    def _record(self, path: str) -> None:
        if self._def.max_to_keep:
            self._last = [pair for pair in self._last if pair[0] != path]
            self._last.append((path, self._clock.time()))
            if len(self._last) > self._def.max_to_keep:
                self._over.append(self._last.pop(0))

    def _delete_old(self, meta_graph_suffix: str) -> None:
        """Deletes one checkpoint that is no longer listed, unless it is the one of these hours."""
        if not self._over:
            return
        path, written = self._over.pop(0)
        if written > self._keep_after:
            self._keep_after += self._def.keep_checkpoint_every_n_hours * 3600
            return
        try:
            remove_checkpoint(path, self._def.version, meta_graph_suffix)
        except OpError as error:
            _log.warning("Saver: an old checkpoint could not be deleted: %s", error)

    # -- restoring -----------------------------------------------------------------------------------------------------

    def restore(self, sess: Any, save_path: Any) -> None:
        """Gives the variables the values that they had when the checkpoint was written: all of them, or none if it fails.

        An object-based checkpoint is read through the variable names that it records. ``sess`` is ignored in eager mode.

        Raises ValueError if ``save_path`` is None or there is no checkpoint, NotFoundError for a name that the checkpoint
        lacks, InvalidArgumentError for a value of another dtype or shape (the latter is a ValueError too).
        """
        if self._graph is None or self._values is None or self._values:
            if save_path is None:
                raise ValueError("Saver.restore: the path is None. Was there no latest checkpoint?")
            path = path_of(save_path)
            if not checkpoint_exists(path):
                raise ValueError(f"Saver.restore: {path!r} is not a valid checkpoint: no such files.")
        values = self._current(sess, "restore")
        if values:
            values.restore(save_path, sess)

    # -- the list of checkpoints -----------------------------------------------------------------------------------------

    @property
    def last_checkpoints(self) -> list[str]:
        """The checkpoints that are not deleted yet, oldest first."""
        return [path for path, _ in self._last]

    def set_last_checkpoints(self, last_checkpoints: list[str]) -> None:
        """Sets the list; these checkpoints leave it in turn but are never deleted.

        Raises AssertionError unless it is a list.
        """
        if not isinstance(last_checkpoints, list):
            raise AssertionError(f"Saver.set_last_checkpoints takes a list of paths, not {last_checkpoints!r}.")
        self._last = [(path, math.inf) for path in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: list[tuple[str, float]]) -> None:
        """Sets the list of (path, time of writing). Raises AssertionError unless it is a list."""
        if not isinstance(last_checkpoints_with_time, list):
            raise AssertionError(f"Saver.set_last_checkpoints_with_time takes a list, not {last_checkpoints_with_time!r}.")
        self._last = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Takes over the checkpoints of an earlier process, with their files' times; those that do not exist are left out."""
        found = [(path, get_checkpoint_mtimes([path])) for path in checkpoint_paths]
        self.set_last_checkpoints_with_time([(path, times[0]) for path, times in found if times])

    def __repr__(self) -> str:
        return f"<name-based saver of {'the variables still to be chosen' if self._values is None else self._values}>"


def _how_many(max_to_keep: Any) -> int:
    if isinstance(max_to_keep, bool):
        raise TypeError(f"Saver: max_to_keep must be an integer or None, not {max_to_keep}.")
    return 0 if max_to_keep is None else operator.index(max_to_keep)


def _hours(given: Any) -> float:
    if given is not None and not isinstance(given, numbers.Real):
        raise TypeError(f"Saver: keep_checkpoint_every_n_hours must be a number or None, not {given!r}.")
    return float(given or 0.0)


def _check_parent(prefix: str, directory: str) -> None:
    """TensorFlow's rule: the directory itself is made, but its parent must be there (S253)."""
    if directory and not is_url(directory) and not is_directory(ANYWHERE, directory):  # stores of objects have no directories
        above = os.path.dirname(directory)
        if find(ANYWHERE, directory) is not None or (above and not is_directory(ANYWHERE, above)):
            raise ValueError(
                f"Saver.save: the parent directory of {prefix!r} doesn't exist, so it can't be saved. Make it first."
            )
