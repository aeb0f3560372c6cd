"""The op with which a compiled function writes a checkpoint: when it is called, not when it is traced."""

import os

from minitf.core.op import Text, op


@op(stateful=True)
def write_checkpoint(path: Text, *, write):
    """Calls ``write(path)`` and gives the path."""
    write(os.fsdecode(path.item()))
    return path


@write_checkpoint.infer
def _(path, *, write):
    return path
