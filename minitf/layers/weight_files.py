"""Writing and reading a model's weights: checkpoints whose root is the model, as ``save_weights`` of Keras 2 writes them."""

from __future__ import annotations

import os
from typing import Any

from minitf.checkpoint.checkpoint import Checkpoint
from minitf.checkpoint.saver import directory_of
from minitf.checkpoint.state_functions import write_checkpoint_state
from minitf.storage.bundle import TensorBundle


def save_weights(model: Any, filepath: Any, overwrite: bool, save_format: str | None, options: Any) -> None:
    """Writes the checkpoint ``filepath`` and makes it the latest of its directory."""
    prefix = os.fspath(filepath)
    if save_format not in (None, "tf", "tensorflow") or prefix.endswith((".h5", ".keras", ".hdf5")):
        raise ValueError(
            f"save_weights({prefix!r}, save_format={save_format!r}): minitf writes TensorFlow checkpoints only. Leave out the "
            f"ending and the format."
        )
    if not model.built:
        raise ValueError(f"save_weights: model {model.name!r} has no weights yet: call it on data, or build it, first.")
    if not overwrite and TensorBundle().exists(prefix):
        raise FileExistsError(f"save_weights: {prefix!r} exists. Pass overwrite=True to replace it.")
    checkpoint = Checkpoint(root=model)
    checkpoint.write(prefix, options)
    checkpoint.sync()  # with enable_async, too: the state file shall not name what is not there yet
    write_checkpoint_state(directory_of(prefix), prefix)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool, by_name: bool, options: Any) -> Any:
    """Restores the checkpoint ``filepath`` into the model; gives the status."""
    if by_name or skip_mismatch:
        raise NotImplementedError(
            "load_weights matches by structure: by_name and skip_mismatch are for HDF5 files, which minitf does not read."
        )
    status = Checkpoint(root=model).read(os.fspath(filepath), options)
    stream(model, status)
    status.assert_nontrivial_match()
    return status


def stream(model: Any, status: Any) -> None:
    """Gives weights their values as soon as they are there: in a graph, those that the model makes later too."""
    from minitf.checkpoint.frozen import streaming_restore

    streaming_restore(status, None)
