"""What storages of one file have in common: the name ``prefix`` + suffix, and writing it in one step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from minitf.errors import DataLossError, NotFoundError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.carried import CarriedReader
from minitf.storage.files import (
    Disk,
    discard_left,
    fill_temporary,
    is_directory,
    is_file,
    make_directories,
    put_in_place,
    typed,
    while_locked,
)
from minitf.storage.paths import parent_of, parts_of, path_of, with_ending
from minitf.storage.same_file import opened_whole


class SingleFile:
    """A storage whose checkpoint is the file ``prefix`` + ``suffix``; the path of the file itself is taken, too."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    on_disk: ClassVar[bool] = True

    def __init__(self, durable: bool = True, *, disk: Disk = ANYWHERE):
        self.durable = durable
        self._disk = disk

    def __repr__(self) -> str:
        return f"{type(self).__name__}(durable={self.durable})"

    def path(self, prefix: str) -> str:
        """The file of a prefix."""
        prefix = path_of(prefix)
        return prefix if parts_of(prefix).path.endswith(self.suffix) else with_ending(prefix, self.suffix)

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Writes a checkpoint; on an error what stood there before is still there. Raises typed errors."""
        path = self.path(prefix)
        directory = parent_of(path)
        prepared = self._prepare(tensors)
        make_directories(self._disk, directory, self.durable)

        def write() -> None:
            discard_left(self._disk, [path])
            temporary = fill_temporary(self._disk, path, lambda handle: self._fill(handle, prepared), self.durable)
            put_in_place(self._disk, temporary, path, self.durable)

        while_locked(self._disk, directory, write)

    def open(self, prefix: str) -> CarriedReader:
        """Opens a checkpoint: reads the list of its values. Raises NotFoundError, DataLossError."""
        path = self.path(prefix)
        if not is_file(self._disk, path):
            if prefix and is_directory(self._disk, path_of(prefix)):
                raise DataLossError(f"open: {prefix!r} is a directory, not a checkpoint.")
            raise NotFoundError(f"open: no checkpoint {prefix!r}: {path!r} does not exist.")
        return opened_whole(lambda: self._reader(path))

    def exists(self, prefix: str) -> bool:
        """True if the file is there."""
        return is_file(self._disk, self.path(prefix))

    def remove(self, prefix: str) -> None:
        """Deletes the file; that it is missing is no error."""
        path = self.path(prefix)
        if is_file(self._disk, path):
            with typed("remove", path):
                self._disk.remove(path)

    def _prepare(self, tensors: Mapping[str, Any]) -> Any:
        """Checks everything that can be wrong with the values before a file is touched."""
        raise NotImplementedError

    def _fill(self, handle: int, prepared: Any) -> None:
        """Writes the file."""
        raise NotImplementedError

    def _reader(self, path: str) -> CarriedReader:
        raise NotImplementedError
