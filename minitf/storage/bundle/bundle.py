"""A V2 checkpoint as a set of files that changes in one step.

The rename of ``prefix.index`` is the commit. Before it, all data stands on the disk under names that the old index does
not use: over a checkpoint in one data file, ``-of-00001``, the new one is written as two, ``-of-00002``, of which the second is
empty, and the next one as one again. After it, the old data files go. So the disk holds the old checkpoint or the new one,
whole, at every moment, for TensorFlow's readers as well.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any

from minitf.saved import Lazy
from minitf.storage import jobs
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle.entries import Header
from minitf.storage.bundle.image import IndexImage
from minitf.storage.bundle.index import forget, load_index
from minitf.storage.bundle.lazy import reader_for
from minitf.storage.bundle.names import data_path, files_of, index_path
from minitf.storage.bundle.reader import BundleReader
from minitf.storage.bundle.writer import Layout, Plan, Tensors, check_shards, in_parts, lay_out, write_data
from minitf.storage.files import (
    Disk,
    commit,
    discard,
    fill_temporary,
    is_directory,
    is_file,
    make_directories,
    typed,
    while_locked,
    write_temporary,
)
from minitf.storage.paths import parent_of, path_of

_NO_VALUES = Plan()
MUCH = 1 << 23  # data files of so many bytes are written at the same time


class TensorBundle:
    """TensorFlow's V2 format as a ``Storage``.

    ``durable=False`` skips fsync, as TensorFlow does: faster, and after a power cut the checkpoint may be lost (a
    crash of the program alone never loses one). ``big_endian`` writes numbers in the other byte order. ``shards`` is the number
    of data files, over which whole tensors are spread: two are written faster than one where there is much to write.

    ``lazy`` opens checkpoints so that values of 64 KiB and more are mapped from their files instead of read: they cost no
    memory until they are looked at, and writing to them leaves the files alone. It says when their checksums are compared:

    * ``True``: when they are mapped, so that damage is known now, as without ``lazy``.
    * ``"first use"``: for a variable when its value is first needed, be it read, computed with or saved. DataLossError, naming
      file, key and offset, comes then, and again each time until something else is assigned. Restoring takes no time, however
      large the values are. What is read from a reader is verified as with ``True``.
    * ``"unverified"``: never.

    While a mapped value lives, nobody may shorten its file or write into it: the program would be killed by SIGBUS, or see
    other values. minitf never does (it makes new files); other programs may, and network file systems cannot promise it.
    """

    name = "tf-v2"
    on_disk = True

    def __init__(
        self, durable: bool = True, *, shards: int = 1, big_endian: bool = False, lazy: Lazy = False, disk: Disk = ANYWHERE
    ):
        if shards < 1:
            raise ValueError(f"TensorBundle(shards={shards}): there is at least one data file.")
        self.durable = durable
        self.shards = shards
        self.big_endian = big_endian
        self._reader = reader_for(lazy)
        self._disk = disk
        self._plans: list[Plan] = []  # of the last save: the next one is often of the same tensors
        self._images: list[IndexImage] = []

    def __repr__(self) -> str:
        return f"TensorBundle(durable={self.durable})"

    def write(self, prefix: str, tensors: Mapping[str, Any]) -> None:
        """Writes a checkpoint; on an error what stood under the prefix before is still there, whole.

        Values are arrays, NumPy scalars, object arrays of bytes or str, ``Typed`` or ``Partitioned``. Missing directories are
        made. Raises InvalidArgumentError, AlreadyExistsError for a key that comes twice, and PermissionDeniedError,
        ResourceExhaustedError and their like for what the file system refuses.
        """
        self.write_shards(prefix, [tensors] if self.shards == 1 else in_parts(tensors, self.shards))

    def write_shards(self, prefix: str, shards: Sequence[Tensors]) -> None:
        """Writes a checkpoint of several data files, each given as a mapping or as (key, value) pairs.

        The pieces of a partitioned tensor may be spread: its key may then come in several files, and several times in
        one. Raises as ``write``.
        """
        prefix = path_of(prefix)
        plans = self._plans  # looked at once: another thread may save, too
        last = plans if len(plans) == len(shards) else [None] * len(shards)
        layouts = [lay_out(tensors, self.big_endian, plan) for tensors, plan in zip(shards, last, strict=True)]
        check_shards(layouts)
        self._plans = [layout.plan for layout in layouts]
        directory = parent_of(prefix)
        make_directories(self._disk, directory, self.durable)
        while_locked(self._disk, directory, functools.partial(self._write, prefix, directory, layouts))

    def _write(self, prefix: str, directory: str, layouts: Sequence[Layout]) -> None:
        disk = self._disk
        present, left = files_of(disk, prefix)  # with the lock held, nobody is using a temporary name of this prefix
        count = free_count(disk, prefix, max(1, len(layouts)), present)
        layouts = [*layouts, *(Layout(_NO_VALUES) for _ in range(count - len(layouts)))]
        paths = [data_path(prefix, shard, count) for shard in range(count)]
        pending: list[str] = []  # files that a failure must not leave behind
        try:
            temporaries = self._write_data(paths, layouts, pending)
            index = write_temporary(
                disk, index_path(prefix), [self._index(Header(count, self.big_endian), layouts)], self.durable
            )
            pending.append(index)
            for temporary, path in zip(temporaries, paths, strict=True):
                pending.append(path)
                with typed("rename", path):
                    disk.replace(temporary, path)
            self._sync(directory)
            commit(disk, index, index_path(prefix), pending)
        except BaseException:
            discard(disk, pending)
            raise
        finally:
            forget(disk, prefix)
        self._sync(directory)
        discard(disk, [*left, *(path for path in present if path not in paths)])

    def _write_data(self, paths: Sequence[str], layouts: Sequence[Layout], pending: list[str]) -> list[str]:
        """Writes the data files under temporary names, which go into ``pending``; large ones at the same time."""

        def write(job: tuple[str, Layout]) -> str:
            path, layout = job
            fill = functools.partial(write_data, self._disk, layout, self.durable)
            name = fill_temporary(self._disk, path, fill, self.durable)
            pending.append(name)
            return name

        large = sum(sum(layout.plan.sizes) >= MUCH for layout in layouts) >= 2
        return jobs.run(list(zip(paths, layouts, strict=True)), write, len(paths) if large else 1)

    def _index(self, header: Header, layouts: Sequence[Layout]) -> bytearray:
        for image in self._images:
            if image.fits(header, layouts):
                return image.bytes_for(layouts)
        image = IndexImage(header, layouts)
        self._images = [image, *self._images[:1]]  # two, because overwriting alternates between two headers
        return image.data

    def _sync(self, directory: str) -> None:
        if self.durable:
            with typed("sync directory", directory or os.curdir):
                self._disk.sync_directory(directory)

    def open(self, prefix: str) -> BundleReader:
        """Opens a checkpoint; its index is read and verified now, values when they are asked for.

        Raises NotFoundError, saying what was looked for, if there is none, and DataLossError if its index is damaged or the
        path is a directory.
        """
        prefix = path_of(prefix)
        index, identity = load_index(self._disk, prefix)
        return self._reader(self._disk, prefix, index, identity)

    def exists(self, prefix: str) -> bool:
        """True if an index stands under the prefix."""
        return is_file(self._disk, index_path(path_of(prefix)))

    def remove(self, prefix: str) -> None:
        """Deletes the files of a checkpoint, the index first, so that no half of it can be opened, and what saves have left.

        With ``durable`` the index is gone from the disk before the first data file goes.
        """
        prefix = path_of(prefix)
        directory = parent_of(prefix)
        if is_directory(self._disk, directory):  # with its lock: else data of a save that comes between would go
            while_locked(self._disk, directory, functools.partial(self._remove, prefix))

    def _remove(self, prefix: str) -> None:
        with typed("remove", prefix):
            data, left = files_of(self._disk, prefix)
            if self._removed(index_path(prefix)):  # else it might come back after a power cut, beside data of the next save
                self._sync(parent_of(prefix))
            for path in (*data, *left):
                self._removed(path)

    def _removed(self, path: str) -> bool:
        """Deletes a file; False if there was none."""
        try:
            self._disk.remove(path)
        except FileNotFoundError:
            return False
        return True


def free_count(disk: Disk, prefix: str, least: int, present: Mapping[str, tuple[int, int]]) -> int:
    """How many data files a new checkpoint should have, so that none has the name of one that the old index uses."""
    if is_file(disk, index_path(prefix)):
        taken = {shards for _, shards in present.values()}
        while least in taken:
            least += 1
    return least
