"""Checkpoints in files that are opened anew for each read: what was read at first, the list of values, must still fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from minitf.errors import AbortedError, OpError
from minitf.storage.bundle.index import Identity, identity_of
from minitf.storage.files import Disk, typed

T = TypeVar("T")
TRIES = 10  # of opening a file that is replaced again and again


class SameFile:
    """A file, open only inside ``with file.opened()``, that must be the same each time."""

    def __init__(self, disk: Disk, path: str):
        self.path = path
        self._disk = disk
        self._identity: Identity | None = None

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Opens the file, closes it at the end.

        Raises NotFoundError and its like, and AbortedError, whatever was read and whatever went wrong inside, if it is another
        file now than at the first time.
        """
        with ExitStack() as stack, self.kept_open(stack) as handle:
            yield handle

    @contextmanager
    def kept_open(self, stack: ExitStack) -> Iterator[int]:
        """``opened``, but closed when ``stack`` ends: behind the block the file can still be read, whatever replaces it."""
        if self._identity is None:
            self._identity = identity_of(self._disk, self.path)
        try:
            with typed("read", self.path):
                handle = self._disk.open(self.path)
                stack.callback(self._close, handle)
                yield handle
        except OpError as error:
            if self._replaced():
                raise self._aborted() from error
            raise
        if self._replaced():  # asked at the end: so it was the same all the time
            raise self._aborted()

    def _close(self, handle: int) -> None:
        with typed("read", self.path):
            self._disk.close(handle)

    def _replaced(self) -> bool:
        return identity_of(self._disk, self.path) != self._identity

    def _aborted(self) -> AbortedError:
        return AbortedError(
            f"read: checkpoint {self.path!r} was replaced, changed or removed since it was opened; open it again."
        )


def opened_whole(make: Callable[[], T]) -> T:
    """What ``make`` gives, which reads a file for the first time; once more if that was replaced meanwhile."""
    for _ in range(TRIES - 1):
        try:
            return make()
        except AbortedError:
            continue
    return make()
