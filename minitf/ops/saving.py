"""Ops that write a checkpoint, or read a value of one, when they are run: not when a function is traced or a graph is built."""

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


@op(stateful=True)
def read_saved(*, read, spec):
    """Calls ``read()``, which gives a value of this dtype and shape."""
    return read()


@read_saved.infer
def _(*, read, spec):
    return spec
