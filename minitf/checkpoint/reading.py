"""Looking into a checkpoint without any objects: its keys, shapes, dtypes, values and object graph.

    tf.train.list_variables("run")            # [("net/w/.ATTRIBUTES/VARIABLE_VALUE", [3, 4]), ...]
    reader = tf.train.load_checkpoint("run/ckpt-7")
    reader.get_tensor("net/w/.ATTRIBUTES/VARIABLE_VALUE")
    reader.get_slice("table/.ATTRIBUTES/VARIABLE_VALUE", [1000, 0], [20, -1])      # rows 1000 to 1019

All formats and both kinds of checkpoint (object-based, name-based) are read alike. Damage of any kind is a ``DataLossError``,
where TensorFlow's reader raises a plain ``OpError``, ``IndexError`` or ``ValueError``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minitf.checkpoint.opening import open_checkpoint
from minitf.checkpoint.state_functions import latest_checkpoint
from minitf.core.dtypes import DType
from minitf.core.spec import Spec
from minitf.errors import NotFoundError
from minitf.saved import OBJECT_GRAPH_KEY, Lazy, Reader, SavedGraph, specs_of
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import is_directory
from minitf.storage.messages import decode_graph
from minitf.storage.protos import message


class CheckpointReader:
    """An open checkpoint. No file stays open between calls."""

    def __init__(self, filepattern: Any, lazy: Lazy = False):
        self._reader: Reader = open_checkpoint(filepattern, lazy)

    @property
    def source(self) -> str:
        """Where the values come from."""
        return self._reader.source

    def has_tensor(self, tensor_str: Any) -> bool:
        """True if the checkpoint has a value under this key."""
        return _key(tensor_str) in self._reader

    def get_tensor(self, tensor_str: Any) -> Any:
        """The value as an array; of rank 0, as a NumPy scalar or ``bytes``. Strings are ``bytes``.

        Raises NotFoundError for an unknown key, DataLossError for damage.
        """
        value = self._reader.read(_key(tensor_str))
        return value[()] if value.ndim == 0 else value

    def get_slice(self, tensor_str: Any, begin: Sequence[int], size: Sequence[int], *, verify: bool = True) -> Any:
        """A region of a value as an array: ``size`` elements from ``begin`` on in each dimension, -1: up to the end.

        Of a partitioned tensor only the pieces that the region touches are read. A checksum covers a whole piece, so all of it
        is read and compared; ``verify=False`` reads the rows of the region alone, and trusts them. (V1 and archives are always
        verified.) Raises NotFoundError, DataLossError, InvalidArgumentError for a region that is not inside the value, and
        TypeError for what is no integer.
        """
        reader: Any = self._reader
        return reader.read_slice(_key(tensor_str), begin, size, verify)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shape, as a list, for each key."""
        return {key: _sizes(spec) for key, spec in specs_of(self._reader).items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """The dtype for each key."""
        return {key: spec.dtype for key, spec in specs_of(self._reader).items()}

    def debug_string(self) -> bytes:
        """One line for each key, as TensorFlow writes it: ``key (DT_FLOAT) [2,3]``."""
        lines = [
            f"{key} ({_enum_name(spec.dtype)}) [{','.join(map(str, _sizes(spec)))}]\n"
            for key, spec in specs_of(self._reader).items()
        ]
        return "".join(lines).encode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        return f"<reader of checkpoint {self.source!r}>"


def _enum_name(dtype: DType) -> str:
    """The dtype's name in TensorFlow's enum."""
    return f"DT_{_ENUM_NAMES.get(dtype.name, dtype.name.upper())}"


_ENUM_NAMES = {"float16": "HALF", "float32": "FLOAT", "float64": "DOUBLE"}


def _sizes(spec: Spec) -> list[int]:
    """A shape as TensorFlow gives it here; what is stored is complete."""
    return list(spec.shape)  # type: ignore[arg-type]


def _key(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        raise TypeError(f"A key of a checkpoint is a str or bytes, not {value!r}.")
    return value


def NewCheckpointReader(filepattern: Any, *, lazy: Lazy = False) -> CheckpointReader:
    """Opens a checkpoint by its prefix. Raises NotFoundError if there is none, DataLossError if it is damaged.

    ``lazy``: large values of the V2 format are verified and mapped from their files, not read. While one of them lives,
    nobody may shorten its file or write into it, or the program is killed by SIGBUS; see ``TensorBundle``.
    """
    return CheckpointReader(filepattern, lazy)


def load_checkpoint(ckpt_dir_or_file: Any, *, lazy: Lazy = False) -> CheckpointReader:
    """Opens a checkpoint by its prefix, or the newest one of a directory. ``lazy`` as for ``NewCheckpointReader``.

    Raises ValueError for a directory without a checkpoint, NotFoundError and DataLossError as ``NewCheckpointReader``.
    """
    return CheckpointReader(newest_of(ckpt_dir_or_file, "load_checkpoint"), lazy)


def newest_of(ckpt_dir_or_file: Any, what: str) -> str:
    """The prefix itself, or the newest one of a directory. Raises ValueError for a directory without a checkpoint."""
    path = os.fsdecode(ckpt_dir_or_file)
    if not path or not is_directory(ANYWHERE, path):
        return path
    newest = latest_checkpoint(path)
    if newest is None:
        raise ValueError(f"{what}: no checkpoint in the directory {path!r}: it has no state file that names one.")
    return newest


def load_variable(ckpt_dir_or_file: Any, name: str) -> Any:
    """One value; a ``:0`` at the end of the name is dropped.

    Raises as ``load_checkpoint``, and NotFoundError for an unknown name.
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """All (key, shape), sorted by key. Raises as ``load_checkpoint``."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


# -- object graphs -------------------------------------------------------------------------------------------------------


def _graph_bytes(checkpoint: Any) -> tuple[Any, str]:
    """The stored object graph of a path or of an open checkpoint, and where it comes from."""
    reader = checkpoint if isinstance(checkpoint, Reader) else open_checkpoint(checkpoint)
    if OBJECT_GRAPH_KEY not in reader:
        raise ValueError(
            f"The checkpoint {reader.source!r} is not object-based: it has no object graph (no key {OBJECT_GRAPH_KEY!r}). It "
            f"was written by a name-based saver; tf.train.list_variables shows its names."
        )
    value = reader.read(OBJECT_GRAPH_KEY)
    return value.item() if value.shape == () else value, reader.source


def object_metadata(save_path: Any) -> Any:
    """The object graph of a checkpoint as TensorFlow's message ``TrackableObjectGraph``.

    ``nodes[i].children`` have ``local_name`` and ``node_id``, ``.attributes`` have ``name``, ``full_name`` and
    ``checkpoint_key``, ``.slot_variables`` have ``original_variable_node_id``, ``slot_name`` and ``slot_variable_node_id``.
    Node 0 is the root.

    Raises NotFoundError if there is no checkpoint, ValueError if it is name-based (S125), DataLossError for damage.
    """
    data, source = _graph_bytes(save_path)
    decode_graph(data, source=source)  # node numbers and names are checked there
    return message("TrackableObjectGraph").FromString(data)


def saved_graph(checkpoint: Any) -> SavedGraph:
    """The object graph of a path or of an open checkpoint as plain data. Raises as ``object_metadata``."""
    data, source = _graph_bytes(checkpoint)
    return decode_graph(data, source=source)


def key_of_name(checkpoint: Any) -> dict[str, str]:
    """The key for each variable name that an object-based checkpoint records (the name-based saver's names, without ``:0``).

    Raises NotFoundError if the checkpoint is name-based.
    """
    try:
        graph = saved_graph(checkpoint)
    except ValueError as error:
        raise NotFoundError(str(error)) from None
    return {value.full_name: value.key for node in graph.nodes for value in node.values if value.full_name}
