"""A file of settings is written where the old one stands. A crash between the two calls leaves neither.

Written beside it, synced, and renamed over it, it is the old one or the new one at every moment.
"""

from minitf.storage.anywhere import ANYWHERE
from minitf.storage.files import read_whole, replace_file, write_fully

ERROR = "AssertionError: the settings are gone"
DEVIATIONS = 1


def in_place(path, content):
    ANYWHERE.remove(path)
    handle = ANYWHERE.create(path)
    write_fully(ANYWHERE, handle, content, 0)
    ANYWHERE.sync(handle)
    ANYWHERE.close(handle)


def program(world, write):
    path = world.directory() + "/settings"
    replace_file(ANYWHERE, path, [b"old"], True)
    with world.crash():
        write(path, b"new")
    found = bytes(read_whole(ANYWHERE, path)) if "settings" in ANYWHERE.names(path.rpartition("/")[0]) else b""
    assert found in (b"old", b"new"), "the settings are gone"


def broken(world):
    program(world, in_place)


def mended(world):
    program(world, lambda path, content: replace_file(ANYWHERE, path, [content], True))
