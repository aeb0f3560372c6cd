"""A file is written under another name and renamed, but not synced before: a power cut may leave an empty file.

``durable=True`` syncs the file before the rename, and the directory after it.
"""

from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import read_whole, replace_file

ERROR = "AssertionError: the file holds"
DEVIATIONS = 2  # the crash after the rename, and the write that is lost


def program(world, durable):
    path = world.directory() + "/file"
    replace_file(ANYWHERE, path, [b"old"], True)
    with world.crash():
        replace_file(ANYWHERE, path, [b"new"], durable)
        ANYWHERE.sync_directory(path.rpartition("/")[0])
    found = bytes(read_whole(ANYWHERE, path))
    assert found in (b"old", b"new"), f"the file holds {found!r}"


def broken(world):
    program(world, durable=False)


def mended(world):
    program(world, durable=True)
