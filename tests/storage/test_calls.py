"""What each kind of write asks of the file system, call by call: the order is what survives a power cut."""

from __future__ import annotations

import errno
import os
import re

import numpy as np
import pytest

from minitf import errors
from minitf.errors import InternalError, InvalidArgumentError, OpError
from minitf.storage import files
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.formats import format_named
from minitf.storage.state_file import CheckpointState, write_state
from minitf.storage.v1 import TensorSlices
from minitf.storage.values import Partitioned
from minitf.testing.disk import RecordingDisk

ONE = {"a": np.zeros(1)}


class Told(RecordingDisk):
    """Notes every call that changes something, takes a lock or opens a file; temporary names without their random end."""

    def __init__(self, *arguments, links=True):
        super().__init__(*arguments)
        self.told, self.names_of, self.links = [], {}, links

    def since(self):
        out, self.told = self.told, []
        return out

    def lock(self, directory):
        self.told.append(f"lock {directory}")
        return -5

    def unlock(self, handle):
        self.told.append(f"unlock {handle}")

    def link(self, old, new):
        if not self.links:
            raise OSError(errno.EXDEV, "no links")
        super().link(old, new)


def _telling(name, say):
    def call(self, *arguments):
        found = getattr(RecordingDisk, name)(self, *arguments)
        if name in ("create", "open"):
            self.names_of[found] = arguments[0]
        text = re.sub(r"\.tmp-[0-9a-f]{16}", "~", say(self, *arguments))
        self.told.append(text)
        if name == "close":
            del self.names_of[arguments[0]]
        return found

    return call


for _name, _say in {
    "create": lambda disk, path: f"create {path}",
    "open": lambda disk, path: f"open {path}",
    "write": lambda disk, handle, data, offset: f"write {disk.names_of[handle]} {len(data)} at {offset}",
    "reserve": lambda disk, handle, size: f"reserve {disk.names_of[handle]} {size}",
    "sync": lambda disk, handle: f"sync {disk.names_of[handle]}",
    "close": lambda disk, handle: f"close {disk.names_of[handle]}",
    "replace": lambda disk, old, new: f"rename {old} {new}",
    "remove": lambda disk, path: f"remove {path}",
    "make_directory": lambda disk, path: f"make {path}",
    "remove_directory": lambda disk, path: f"remove directory {path}",
    "sync_directory": lambda disk, path: f"sync {path}/",
}.items():
    setattr(Told, _name, _telling(_name, _say))


def written(name, *sizes):
    """A new file under a temporary name."""
    offsets = [sum(sizes[:n]) for n in range(len(sizes))]
    writes = [f"write {name}~ {size} at {offset}" for size, offset in zip(sizes, offsets, strict=True)]
    return [f"create {name}~", *writes, f"sync {name}~", f"close {name}~"]


def renamed(*names):
    return [f"rename {name}~ {name}" for name in names]


def undurable(calls):
    return [call for call in calls if not call.startswith("sync ")]


def both(durable, calls):
    return calls if durable else undurable(calls)


@pytest.fixture(params=[True, False], ids=["durable", "not durable"])
def durable(request):
    return request.param


FIRST = [
    *written("d/e/p.data-00000-of-00001", 8), *written("d/e/p.index", 121), *renamed("d/e/p.data-00000-of-00001"), "sync d/e/",
    *renamed("d/e/p.index"), "sync d/e/",
]  # fmt: skip


def test_a_bundle(durable):
    disk = Told()
    storage = TensorBundle(durable, disk=disk)
    storage.write("d/e/p", ONE)
    assert disk.since() == both(durable, ["make d", "sync /", "make d/e", "sync d/", "lock d/e", *FIRST, "unlock -5"])
    storage.write("d/e/p", ONE)
    assert disk.since() == both(durable, [
        "lock d/e", *written("d/e/p.data-00000-of-00002", 8), *written("d/e/p.data-00001-of-00002"),
        *written("d/e/p.index", 121),
        *renamed("d/e/p.data-00000-of-00002", "d/e/p.data-00001-of-00002"), "sync d/e/", *renamed("d/e/p.index"), "sync d/e/",
        "remove d/e/p.data-00000-of-00001", "unlock -5",
    ])  # fmt: skip
    disk._new("d/e/p.data-00000-of-00005.tmp-00", b"left by a killed writer")
    disk._new("d/e/q.data-00000-of-00005.tmp-00", b"another's")
    storage.write("d/e/p", ONE)
    assert disk.since()[-4:] == [
        "remove d/e/p.data-00000-of-00005.tmp-00", "remove d/e/p.data-00000-of-00002",
        "remove d/e/p.data-00001-of-00002", "unlock -5",
    ]  # fmt: skip
    assert storage.exists("d/e/p")
    disk._new("d/e/p.index.tmp-00", b"left by a killed writer")
    storage.remove("d/e/p")
    gone = ["p.index", "p.data-00000-of-00001", "p.index.tmp-00"]
    index, *others = (f"remove d/e/{name}" for name in gone)
    assert disk.since() == both(durable, ["lock d/e", index, "sync d/e/", *others, "unlock -5"])
    storage.remove("d/e/p")
    assert disk.since() == ["lock d/e", "unlock -5"]
    assert not storage.exists("d/e/p")
    storage.remove("nowhere/p")
    assert disk.since() == []
    storage.write("d/e/p", ONE)
    assert disk.since() == both(durable, ["lock d/e", *FIRST, "unlock -5"])


def test_data_files_of_another_count_are_not_in_the_way():
    """Without an index nobody uses them; with one, the least count that it does not use is taken."""
    disk = Told()
    for name in ("p.data-00000-of-00001", "p.data-00000-of-00003"):
        disk._new(name, b"")
    storage = TensorBundle(disk=disk, durable=False)
    storage.write("p", ONE)
    assert disk.since()[-2:] == ["remove p.data-00000-of-00003", "unlock -5"]
    for n, name in enumerate(("p.data-00000-of-00002", "p.data-00000-of-00003")):
        disk._new(name, b"")
        storage.write("p", ONE)
        assert sorted(disk.entries)[0] == ("p.data-00000-of-00003", "p.data-00000-of-00001")[n]


def test_small_values_are_written_together_and_large_ones_alone():
    disk = Told()
    mib = 1 << 20
    TensorBundle(disk=disk, durable=False).write(
        "p", {"a": np.zeros(3, np.uint8), "b": np.zeros(5, np.uint8), "c": np.zeros(mib, np.uint8), "d": np.zeros(7, np.uint8)}
    )
    calls = [call for call in disk.since() if "data" in call]
    assert calls == [
        "create p.data-00000-of-00001~", f"reserve p.data-00000-of-00001~ {mib + 15}", "write p.data-00000-of-00001~ 8 at 0",
        f"write p.data-00000-of-00001~ 7 at {mib + 8}", f"write p.data-00000-of-00001~ {mib} at 8",
        "close p.data-00000-of-00001~",
        *renamed("p.data-00000-of-00001"),
    ]  # fmt: skip
    TensorBundle(disk=disk, durable=False).write("q", {"c": np.zeros((1 << 16) - 1, np.uint8)})
    assert not any(call.startswith("reserve") for call in disk.since())


def test_a_failure_takes_back_what_was_made():
    class Full(Told):
        def replace(self, old, new):
            if new.endswith(".index"):
                raise OSError(errno.EIO, "no")
            super().replace(old, new)

    disk = Full()
    storage = TensorBundle(disk=disk, durable=False)
    with pytest.raises(Exception, match="rename: p.index"):
        storage.write("p", ONE)
    assert disk.since()[-3:] == ["remove p.index~", "remove p.data-00000-of-00001", "unlock -5"]
    assert disk.state() == {}


def test_single_files(durable):
    for name, suffix in (("safetensors", ".safetensors"), ("npz", ".npz")):
        disk = Told()
        storage = format_named(name, durable=durable, disk=disk)
        for start in (["make d", "sync /"], []):
            storage.write("d/p", ONE)
            calls = [call for call in disk.since() if not call.startswith("write ")]
            new = [f"create d/p{suffix}~", f"sync d/p{suffix}~", f"close d/p{suffix}~", *renamed(f"d/p{suffix}"), "sync d/"]
            assert calls == both(durable, [*start, "lock d", *new, "unlock -5"])
        disk._new(f"d/p{suffix}.tmp-0", b"")
        disk._new(f"d/q{suffix}.tmp-0", b"")
        storage.write(f"d/p{suffix}", ONE)
        assert disk.since()[:2] == ["lock d", f"remove d/p{suffix}.tmp-0"]
        assert storage.exists("d/p")
        storage.remove("d/p")
        storage.remove("d/p")
        assert disk.since() == [f"remove d/p{suffix}"]
        assert not storage.exists("d/p")


def test_v1(durable):
    disk = Told()
    storage = TensorSlices(durable, disk=disk)
    storage.write("d/p", ONE)
    calls = [call for call in disk.since() if not call.startswith("write ")]
    new = ["create d/p~", "sync d/p~", "close d/p~", *renamed("d/p"), "sync d/"]
    assert calls == both(durable, ["make d", "sync /", "lock d", *new, "unlock -5"])
    disk._new("d/p.tmp-0", b"")
    disk._new("d/p-00001-of-00002.tmp-0", b"")
    disk._new("d/q.tmp-0", b"")
    pattern = storage.write_shards("d/p", [ONE, {"b": np.zeros(2)}])
    assert pattern == "d/p-?????-of-00002"
    names = ["d/p-00000-of-00002", "d/p-00001-of-00002"]
    assert [call for call in disk.since() if not call.startswith("write ")] == both(durable, [
        "lock d", "remove d/p-00001-of-00002.tmp-0", "remove d/p.tmp-0",
        *(call for name in names for call in (*written(name), *renamed(name), "sync d/")), "unlock -5",
    ])  # fmt: skip
    assert storage.files(pattern) == names
    assert storage.write_shards("d/one", [ONE]) == "d/one"
    disk.since()
    storage.remove(pattern)
    assert disk.since() == [f"remove {name}" for name in names]
    assert storage.exists("d/p")
    assert not storage.exists(pattern)


def test_state_files(durable):
    disk = Told()
    write_state("d", CheckpointState("d/p", ["d/p"]), durable=durable, disk=disk)
    text = b'model_checkpoint_path: "p"\nall_model_checkpoint_paths: "p"\n'
    assert disk.since() == both(
        durable,
        ["make d", "sync /", "lock d", *written("d/checkpoint", len(text)), *renamed("d/checkpoint"), "sync d/", "unlock -5"],
    )
    assert disk.state() == {"d/checkpoint": text}
    for name in ("d/checkpoint.tmp-0", "d/checkpoint2.tmp-0", "d/other.tmp-0"):
        disk._new(name, b"")
    write_state("d", CheckpointState("d/p", ["d/p"]), durable=durable, disk=disk)
    assert disk.since()[:2] == ["lock d", "remove d/checkpoint.tmp-0"]
    write_state("d", CheckpointState("d/p"), "other", durable=durable, disk=disk)
    assert disk.since()[:2] == ["lock d", "remove d/other.tmp-0"]


# Merging ------------------------------------------------------------------------------------------------------------


def inputs(disk):
    storage = TensorBundle(False, disk=disk)
    storage.write("i/1/p", ONE)
    storage.write("i/2/p", {"b": np.ones(2)})
    disk.since()
    return ["i/1/p", "i/2/p"]


GONE = [
    call
    for n in (1, 2)
    for call in (
        f"lock i/{n}",
        f"remove i/{n}/p.index",
        f"sync i/{n}/",
        f"remove i/{n}/p.data-00000-of-00001",
        "unlock -5",
        f"remove directory i/{n}",
    )
]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("delete", [True, False])
def test_merging(durable, links, delete):
    disk = Told(links=links)
    merge(inputs(disk), "d/m", durable=durable, delete_inputs=delete, disk=disk)
    data = ["d/m.data-00000-of-00002", "d/m.data-00001-of-00002"]
    copied = [
        [f"open i/{n}/p.data-00000-of-00001", *written(data[n - 1], 8 * n), f"close i/{n}/p.data-00000-of-00001"]
        for n in (1, 2)
    ]
    if links:
        copied = [[], []]
    found = [call for call in disk.since() if not call.startswith("write d/m.index")]  # which comes in pieces
    assert found[:4] == ["open i/1/p.index", "close i/1/p.index", "open i/2/p.index", "close i/2/p.index"]
    assert found[4:] == both(durable, [
        "make d", "sync /", "lock d", *copied[0], *renamed(data[0]), *copied[1], *renamed(data[1]), *written("d/m.index"),
        "sync d/", *renamed("d/m.index"), "sync d/", "unlock -5",
        *(GONE if delete else []),
    ])  # fmt: skip
    reader = TensorBundle(disk=disk).open("d/m")
    assert {key: reader.read(key).tolist() for key in reader.keys()} == {"a": [0], "b": [1, 1]}
    assert ("i/1/p.index" in disk.state()) != delete


def test_merges_that_cannot_be():
    disk = Told()
    paths = inputs(disk)
    TensorBundle(False, disk=disk).write("i/3/p", {"a": np.zeros(2)})
    TensorBundle(False, disk=disk, big_endian=True).write("i/4/p", {"z": np.zeros(2)})
    pieces = [Partitioned((2,), [(((n, 1),), np.full(1, n))]) for n in (0, 1)]
    TensorBundle(False, disk=disk).write("i/5/p", {"w": pieces[0]})
    TensorBundle(False, disk=disk).write("i/6/p", {"w": pieces[1], "x": np.zeros(3)})
    TensorBundle(False, disk=disk).write("i/7/p", {"w": np.zeros(2)})
    TensorBundle(False, disk=disk).write("i/8/p", {"w": pieces[0]})
    for number, start, size in ((9, 0, 3), (10, 2, 2)):
        TensorBundle(False, disk=disk).write(f"i/{number}/p", {"w": Partitioned((4,), [(((start, size),), np.zeros(size))])})
    before = disk.state()
    for given, target, kind, said in (
        ([], "m", InvalidArgumentError, "there is nothing to merge into 'm'"),
        ([*paths, "i/0/p"], "m", InvalidArgumentError, "the input 'i/0/p' is missing: "),
        (paths, "i/2/p", InvalidArgumentError, "'i/2/p' is one of the inputs; give the result another name"),
        ([paths[0], "i/3/p"], "m", InvalidArgumentError, "Duplicate tensor: the key 'a' comes again from 'i/3/p'"),
        ([paths[0], "i/4/p"], "m", InvalidArgumentError, "'i/4/p' and 'i/1/p' differ in byte order or version"),
        (["i/5/p", "i/7/p"], "m", InternalError, "'w' comes in pieces, and then whole from 'i/7/p'"),
        (["i/7/p", "i/5/p"], "m", InvalidArgumentError, "Duplicate tensor: the key 'w' comes again from 'i/5/p'"),
        (["i/5/p", "i/8/p"], "m", InvalidArgumentError, "Duplicate tensor: the piece 0,1 of 'w' comes again from 'i/8/p'"),
        (["i/9/p", "i/10/p"], "m", InvalidArgumentError, "the pieces 0,3 and 2,2 of 'w' overlap"),
    ):
        with pytest.raises(kind, match=f"^merge: {re.escape(said)}"):
            merge(given, target, disk=disk)
        assert disk.state() == before
    merge([*paths, "i/0/p"], "m", allow_missing=True, delete_inputs=False, disk=disk)
    assert TensorBundle(disk=disk).open("m").keys() == ["a", "b"]
    merge(["i/5/p", "i/6/p"], "n", disk=disk)
    reader = TensorBundle(disk=disk).open("n")
    assert (reader.read("w").tolist(), reader.read("x").tolist()) == ([0, 1], [0, 0, 0])
    assert "i/5" not in disk.directories
    merge(["m", "i/7/p"], "m2", disk=disk)  # in the directory of the result nothing but the inputs goes
    assert "" in disk.directories
    merge(["m2"], "n", disk=disk)  # over another
    assert sorted(name for name in disk.state() if name.startswith("n.")) == [
        *(f"n.data-{number:05}-of-00003" for number in range(3)), "n.index",
    ]  # fmt: skip
    assert TensorBundle(disk=disk).open("n").keys() == ["a", "b", "w"]
    storage = TensorBundle(False, disk=disk)
    storage.write_shards("k", [ONE, {"c": np.zeros(1)}])
    storage.write_shards("l", [{"x": np.zeros(3)}, {"y": np.zeros(3)}])
    merge(["k"], "l", disk=disk)  # the names of the old data files are not taken until they are gone
    assert sorted(name for name in disk.state() if name.startswith("l.")) == [
        *(f"l.data-{number:05}-of-00003" for number in range(2)), "l.index",
    ]  # fmt: skip


class Failing(Told):
    """A call fails with this number."""

    def __init__(self, name, number):
        super().__init__()

        def fail(*arguments):
            raise OSError(number, os.strerror(number))

        self.__dict__[name] = fail


def test_what_failed_is_said_with_its_place():
    for number in (errno.EIO, errno.ENOSPC):
        disk = Failing("link", number)
        with pytest.raises(OpError, match=r"^take over: i/1/p\.data-00000-of-00001: "):
            merge(inputs(disk), "d/m", disk=disk)
        assert sorted({name.split("/")[0] for name in disk.state()}) == ["i"]
    for number in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
        disk = Failing("link", number)
        merge(inputs(disk), "d/m", disk=disk)
        assert TensorBundle(disk=disk).open("d/m").keys() == ["a", "b"]
    for prefix, place in (("d/m", "d"), ("m", ".")):
        disk = Told()
        paths = inputs(disk)
        disk.make_directory("d")
        disk.sync_directory = Failing("x", errno.EIO).__dict__["x"]
        with pytest.raises(OpError, match=f"^sync directory: {re.escape(place)}: "):
            merge(paths, prefix, disk=disk)
        with pytest.raises(OpError, match=f"^sync directory: {re.escape(place)}: "):
            TensorBundle(disk=disk).write(prefix, ONE)


# One call at a time -------------------------------------------------------------------------------------------------


def test_errors_of_the_system_get_their_classes():
    """What tf.io.gfile.GFile(path, "w") of TensorFlow 2.21 raises if fopen fails with each number that Linux has."""
    numbers = {
        errors.NotFoundError: "ENODEV ENOENT ENXIO ESRCH",
        errors.UnavailableError: "EAGAIN ECONNABORTED ECONNREFUSED ECONNRESET EHOSTDOWN EHOSTUNREACH EINTR ENETDOWN ENETRESET "
        "ENETUNREACH ENOLCK ENOLINK ENONET",
        errors.ResourceExhaustedError: "EDQUOT EMFILE EMLINK ENFILE ENOBUFS ENODATA ENOMEM ENOSPC ENOSR EUSERS",
        errors.FailedPreconditionError: "EADDRINUSE EBADF EBUSY ECHILD EISCONN EISDIR ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY EPIPE "
        "ESHUTDOWN ETXTBSY",
        errors.UnimplementedError: "EAFNOSUPPORT ENOSYS ENOTSUP EPFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT EXDEV",
        errors.InvalidArgumentError: "E2BIG EDESTADDRREQ EDOM EFAULT EILSEQ EINVAL ENAMETOOLONG ENOPROTOOPT ENOSTR ENOTSOCK "
        "ENOTTY EPROTOTYPE ESPIPE",
        errors.OutOfRangeError: "EFBIG EOVERFLOW ERANGE", errors.AlreadyExistsError: "EADDRNOTAVAIL EALREADY EEXIST",
        errors.PermissionDeniedError: "EACCES EPERM EROFS", errors.DeadlineExceededError: "ETIME ETIMEDOUT",
        errors.AbortedError: "EDEADLK ESTALE", errors.CancelledError: "ECANCELED",
    }  # fmt: skip
    known = {getattr(errno, name): kind for kind, names in numbers.items() for name in names.split() if hasattr(errno, name)}
    for number in errno.errorcode:
        found = files.typed_error(OSError(number, "why"), "did", "path")
        assert (type(found), found.message) == (known.get(number, errors.UnknownError), "did: path: why.")
    found = files.typed_error(OSError("only text"), "did", "path")
    assert (type(found), found.message) == (errors.UnknownError, "did: path: only text.")
    with pytest.raises(errors.InvalidArgumentError, match=r"^open: 'a\\x00b' is no path: "), files.typed("open", "a\0b"):
        os.stat("a\0b")
    for error in (ValueError("another"), errors.InvalidArgumentError("null of ours")):
        with pytest.raises(type(error), match=f"^{error}$"), files.typed("open", "a"):
            raise error


def test_what_is_not_there():
    for name, path in (("npz", "d/x.npz"), ("safetensors", "d/x.safetensors")):
        with pytest.raises(errors.NotFoundError, match=f"^open: no checkpoint 'd/x': '{path}' does not exist"):
            format_named(name, disk=Told()).open("d/x")


def test_what_is_written_in_short_pieces_is_whole():
    disk = RecordingDisk(most=3)
    handle = disk.create("a")
    assert files.write_fully(disk, handle, b"0123456789", 2) == 12
    assert [(data, offset) for _, _, data, offset in disk.log[1:]] == [(b"012", 2), (b"345", 5), (b"678", 8), (b"9", 11)]
    assert files.write_fully(disk, handle, b"", 5) == 5
    buffer = bytearray(20)
    assert files.read_fully(disk, handle, memoryview(buffer), 0) == 12
    assert bytes(buffer) == b"\0\0" + b"0123456789" + bytes(8)


def test_calls_that_are_interrupted_are_made_again():
    class Interrupted(RecordingDisk):
        turns = 0

        def again(self):
            self.turns += 1
            if self.turns % 2:
                raise InterruptedError(errno.EINTR, "interrupted")

        def write(self, handle, data, offset):
            self.again()
            return super().write(handle, data, offset)

        def read(self, handle, into, offset):
            self.again()
            return super().read(handle, into[:4], offset)

    disk = Interrupted(most=4)
    handle = disk.create("a")
    assert files.write_fully(disk, handle, b"0123456789", 0) == 10
    buffer = bytearray(10)
    assert files.read_fully(disk, handle, memoryview(buffer), 0) == 10
    assert bytes(buffer) == b"0123456789"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no POSIX")
def test_the_local_file_system(tmp_path):
    """What each method of ``Disk`` does."""
    disk, path = files.Disk(), str(tmp_path / "a")
    handle = disk.create(path)
    assert (disk.write(handle, b"abcdef", 0), disk.write(handle, b"XY", 2)) == (6, 2)
    disk.sync(handle)
    assert disk.size(handle) == 6
    disk.close(handle)
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk.sync(handle)
    with pytest.raises(FileExistsError):
        disk.create(path)
    mask = os.umask(0)
    os.umask(mask)
    assert os.stat(path).st_mode & 0o777 == 0o666 & ~mask
    reading = disk.open(path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        disk.write(reading, b"x", 0)
    assert not os.get_inheritable(reading)
    buffer = bytearray(4)
    assert (disk.read(reading, buffer, 1), bytes(buffer)) == (4, b"bXYe")
    assert (disk.read(reading, buffer, 5), disk.read(reading, buffer, 6)) == (1, 0)
    pages = disk.map(reading)
    pages[0:1] = b"!"
    assert bytes(pages) == b"!bXYef"
    disk.close(reading)
    disk.link(path, path + "2")
    assert disk.stat(path + "2").st_ino == disk.stat(path).st_ino
    disk.replace(path + "2", path + "3")
    disk.make_directory(path + "d")
    assert sorted(disk.names(str(tmp_path))) == ["a", "a3", "ad"]
    assert (tmp_path / "a3").read_bytes() == b"abXYef"
    disk.sync_directory(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        disk.sync_directory(path + "none")
    disk.remove_directory(path + "d")
    disk.remove(path)
    assert disk.names(str(tmp_path)) == ["a3"]


def test_locks_are_those_of_the_directory(tmp_path):
    import fcntl

    disk = files.Disk()
    held = disk.lock(str(tmp_path))
    other = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not os.get_inheritable(held)
    copy = os.dup(held)  # as a forked child has one
    disk.unlock(held)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
    os.close(copy)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held)
