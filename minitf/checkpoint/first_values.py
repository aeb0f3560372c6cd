"""First values of variables from a checkpoint of another program: ``init_from_checkpoint`` and ``warm_start``.

    tf.compat.v1.train.init_from_checkpoint("pretrained/model", {"encoder/": "new/encoder/"})
    session.run(tf.global_variables_initializer())           # reads the encoder's values

Names and scopes are those of TensorFlow 1.x: keys of the checkpoint on the left, variables of the program on the right. In
a graph the initialisers are replaced by ones that read the checkpoint when they are run; an eager variable is assigned.
All variables are found and checked before the first is changed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from minitf.checkpoint.opening import open_checkpoint
from minitf.checkpoint.reading import newest_of
from minitf.checkpoint.source import as_kernels_have
from minitf.core.spec import compatible, shape_text
from minitf.errors import DTypeError, ShapeError
from minitf.objects.partitioned import PartitionedVariable, SaveSliceInfo
from minitf.objects.variable import Variable, is_variable
from minitf.objects.variable_table import home_here, variables_by_name
from minitf.ops.saving import read_saved
from minitf.saved import Reader

_log = logging.getLogger("minitf")


class Start(NamedTuple):
    """A variable, the key of its first value, and, of a piece, its place there."""

    variable: Variable
    key: str
    place: SaveSliceInfo | None


def init_from_checkpoint(ckpt_dir_or_file: Any, assignment_map: Any) -> None:
    """Takes the first values of variables from a checkpoint.

    ``assignment_map`` is a dict, or a list of pairs, from keys of the checkpoint to variables:

    * ``{"old/w": "new/w"}``: the variable with this name (without ``:0``), made by ``get_variable``
    * ``{"old/w": variable}``: a variable, a partitioned variable, or a list of its pieces
    * ``{"old/": "new/"}``: all variables in the scope ``new``, each from the key with the rest of its name; ``"/"`` stands for
      no scope

    In a graph the variables' initialisers read the file when they are run, so it must still be there; operations that were
    made of the old ones, such as an earlier ``global_variables_initializer()``, stay as they are. An eager variable is
    assigned.

    Raises ValueError for a name that is no variable, a key that the checkpoint lacks, a value of another shape, and for a
    directory without a checkpoint; TypeError for other maps, InvalidArgumentError for a value of another dtype, NotFoundError
    if there is no checkpoint. Then nothing has been changed.
    """
    path = newest_of(ckpt_dir_or_file, "init_from_checkpoint")
    reader = open_checkpoint(path)
    starts: list[Start] = []
    for key, given in assignment_map.items() if isinstance(assignment_map, Mapping) else assignment_map:
        if not isinstance(key, str):
            raise TypeError(f"init_from_checkpoint: keys of a checkpoint are strings, not {key!r}.")
        starts += _meant(reader, key, given)
    for start in starts:
        _check(reader, start)
    for start in starts:
        handle = start.variable.handle
        handle.home.start_with(handle, partial(_first_value, path, start))


def _meant(reader: Reader, key: str, given: Any) -> list[Start]:
    """What one entry of the map asks for."""
    if not isinstance(given, str):
        return _of_variable(reader, key, given)
    known = variables_by_name()
    if given in known:
        return _of_variable(reader, key, known[given])
    if not (key.endswith("/") and given.endswith("/")):
        raise ValueError(
            f"init_from_checkpoint: {given!r} is not the name of a variable, so {{{key!r}: {given!r}}} is no pair of names. A "
            "pair of scopes is written {'old_scope/': 'new_scope/'}."
        )
    scope = "" if given == "/" else given
    prefix = "" if key == "/" else key
    inside = sorted(name for name in known if name.startswith(scope))
    if not inside:
        _log.warning("init_from_checkpoint: no variable is in the scope %r.", given)
    return [start for name in inside for start in _of_variable(reader, prefix + name.removeprefix(scope), known[name])]


def _of_variable(reader: Reader, key: str, given: Any) -> list[Start]:
    if is_variable(given):
        found = [Start(given, key, None)]
    elif isinstance(given, (PartitionedVariable, list, tuple)) and all(map(is_variable, given)):
        found = [Start(piece, key, piece._save_slice) for piece in given]
    else:
        raise TypeError(f"init_from_checkpoint: {key!r} is to go to a variable or a name, not {given!r}.")
    if key not in reader:
        raise ValueError(
            f"init_from_checkpoint: the checkpoint {reader.source!r} has no {key!r} for variable {found[0].variable.name!r}. "
            "tf.train.list_variables shows its names."
        )
    return found


def _check(reader: Reader, start: Start) -> None:
    saved, own = reader.spec(start.key), start.variable.spec
    shape = own.shape if start.place is None else tuple(start.place.full_shape)
    if not compatible(shape, saved.shape):
        raise ShapeError(
            f"init_from_checkpoint: {start.key!r} has shape {shape_text(saved.shape)} in {reader.source}, but variable "
            f"{start.variable.name!r} has {shape_text(shape)}. Nothing was changed."
        )
    if saved.dtype is not own.dtype:
        raise DTypeError(
            f"init_from_checkpoint: {start.key!r} is {saved.dtype.name} in {reader.source}, but variable "
            f"{start.variable.name!r} is {own.dtype.name}. Nothing was changed."
        )


def _first_value(path: str, start: Start) -> Any:
    """The tensor that reads the value; inside a graph, when a session runs it."""
    read = partial(_read, path, start.key, start.place)
    return read_saved(read=read, spec=start.variable.spec, name="checkpoint_initializer")


def _read(path: str, key: str, place: SaveSliceInfo | None) -> Any:
    reader: Any = open_checkpoint(path)
    value = reader.read(key) if place is None else reader.read_slice(key, place.var_offset, place.var_shape)
    return as_kernels_have(value)


# -- warm start --------------------------------------------------------------------------------------------------------


def warm_start(ckpt_to_initialize_from: Any, vars_to_warm_start: Any = ".*", var_name_to_vocab_info: Any = None,
               var_name_to_prev_var_name: Mapping[str, str] | None = None) -> None:  # fmt: skip
    """``init_from_checkpoint`` for the variables of a graph that have a name in the checkpoint, or had another one there.

    * ``vars_to_warm_start``: a regular expression, which the names of trainable variables must begin with; a list of such, for
      all variables; a list of variables; None or an empty string: none
    * ``var_name_to_prev_var_name``: the keys of those variables that were called differently

    Raises NotImplementedError for vocabularies, TypeError and ValueError for other variables, for names that were not used, and
    as ``init_from_checkpoint``.
    """
    if var_name_to_vocab_info:
        raise NotImplementedError("warm_start: vocabularies are not supported. Map the rows of such variables yourself.")
    before = dict(var_name_to_prev_var_name or {})
    chosen: dict[str, list[Variable]] = {}
    for variable in _chosen(vars_to_warm_start):
        place = variable._save_slice
        chosen.setdefault(variable.handle.name if place is None else place.full_name, []).append(variable)
    unused = sorted(before.keys() - chosen.keys())
    if unused:
        raise ValueError(
            f"warm_start: var_name_to_prev_var_name has names that are not used: {', '.join(unused)}. The variables are: "
            f"{', '.join(chosen) or 'none'}."
        )
    whole = {name: found[0] if found[0]._save_slice is None else found for name, found in chosen.items()}
    init_from_checkpoint(ckpt_to_initialize_from, [(before.get(name, name), found) for name, found in whole.items()])


def _chosen(wanted: Any) -> Iterable[Variable]:
    home = home_here()
    if wanted is None or (isinstance(wanted, str) and not wanted):
        return []
    if isinstance(wanted, str):
        return _named(home.get_collection("trainable_variables"), [wanted])
    if not isinstance(wanted, (list, tuple)):
        raise ValueError(f"warm_start: vars_to_warm_start must be a string or a list, not {wanted!r}.")
    if all(isinstance(one, str) for one in wanted):
        return _named(home.get_collection("variables"), wanted)
    if all(map(is_variable, wanted)):
        return wanted
    raise ValueError("warm_start: a list of vars_to_warm_start must have strings only, or variables only.")


def _named(variables: Iterable[Any], patterns: Iterable[str]) -> list[Any]:
    found = [re.compile(pattern) for pattern in patterns]
    return [variable for variable in variables if any(pattern.match(variable.name) for pattern in found)]
