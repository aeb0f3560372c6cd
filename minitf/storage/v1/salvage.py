"""What a damaged V1 checkpoint still tells: files without their ends, and of a sharded one those that can be opened.

Each file begins with a list of its own tensors, without which nothing says what is in it.
"""

from __future__ import annotations

from minitf.errors import DataLossError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle.scan import table_of
from minitf.storage.bundle.table import Read, Table
from minitf.storage.files import Disk
from minitf.storage.paths import path_of
from minitf.storage.v1.reader import SlicesReader
from minitf.storage.v1.slices import TensorSlices


def open_damaged(prefix: str, disk: Disk = ANYWHERE) -> tuple[SlicesReader, list[str]]:
    """A reader of those files of which the beginning holds, and what is wrong with them and with the others.

    What a reader lists and has not is an error when it is read. Raises DataLossError if no file can be opened.
    """
    prefix = path_of(prefix)
    some: list[str] = []
    problems: dict[str, None] = {}  # each once: files are opened again with every one that is added

    def table(read: Read, size: int, path: str) -> Table:
        try:
            return Table(read, size, path)
        except DataLossError as error:
            found = [str(error)]
            out = table_of(read, size, path, found)
            if not out.handles:
                raise
            problems.update(dict.fromkeys(found))
            return out

    for path in TensorSlices(disk=disk).files(prefix):
        try:
            SlicesReader(disk, prefix, [*some, path], table)  # with the others: they may contradict each other
        except DataLossError as error:
            problems[str(error)] = None
        else:
            some.append(path)
    if not some:
        raise DataLossError(next(iter(problems), f"open: failed to find any matching files for {prefix!r}."))
    return SlicesReader(disk, prefix, some, table), list(problems)
