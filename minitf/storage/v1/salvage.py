"""What the whole files of a damaged sharded V1 checkpoint still tell. Each file has a list of its own tensors."""

from __future__ import annotations

from minitf.errors import DataLossError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import Disk
from minitf.storage.paths import path_of
from minitf.storage.v1.reader import SlicesReader
from minitf.storage.v1.slices import TensorSlices


def open_damaged(prefix: str, disk: Disk = ANYWHERE) -> tuple[SlicesReader, list[str]]:
    """A reader of those files that can be opened, and what is wrong with the others.

    Raises DataLossError if none can be opened.
    """
    prefix = path_of(prefix)
    whole: list[str] = []
    problems: list[str] = []
    for path in TensorSlices(disk=disk).files(prefix):
        try:
            SlicesReader(disk, prefix, [*whole, path])  # with the others: they may contradict each other
        except DataLossError as error:
            problems.append(str(error))
        else:
            whole.append(path)
    if not whole:
        raise DataLossError(problems[0] if problems else f"open: failed to find any matching files for {prefix!r}.")
    return SlicesReader(disk, prefix, whole), problems
