"""The file systems behind URLs, one call at a time, and which disk a path or a handle goes to."""

from __future__ import annotations

import datetime as dt
import errno
import importlib.util
import os
import stat
import uuid

import pytest

from minitf.core.around import wrapped
from minitf.errors import InvalidArgumentError, UnimplementedError
from minitf.storage import anywhere
from minitf.storage.anywhere import ARCHIVE_HANDLES, MOUNTED_HANDLES, Anywhere, mount, unmount
from minitf.storage.archives import ArchiveDisk
from minitf.storage.files import Disk, typed
from minitf.storage.paths import is_url
from minitf.storage.remote import RemoteDisk, _seconds, oserrors, place
from minitf.testing.disk import RecordingDisk

fsspec = pytest.importorskip("fsspec")


def test_what_a_url_is():
    for path in ("s3://b/k", "memory://x", "simplecache::s3://b", "a+b.c-d::x1://y", "A9://"):
        assert is_url(path)
    for path in ("/a/b", "C:\\x", "a:/b", "9p://x", "://x", "a b://c", "x/y://z", "c:/x://y", "s3::://x", "s3:://x"):
        assert not is_url(path)


@pytest.fixture
def root():
    url = f"memory://bucket-{uuid.uuid4().hex}"
    RemoteDisk().make_directory(url)
    return url


def put(disk, path, data):
    handle = disk.create(path)
    disk.write(handle, data, 0)
    disk.close(handle)


def test_a_file_is_there_once_it_is_closed(root):
    disk, path = RemoteDisk(), f"{root}/a"
    handle = disk.create(path)
    assert handle < -1
    assert disk.write(handle, b"0123456789", 0) == 10
    assert disk.write(handle, b"XY", 4) == 2
    assert disk.size(handle) == 10
    disk.reserve(handle, 1 << 60)
    with pytest.raises(FileNotFoundError):
        disk.stat(path)
    disk.close(handle)
    assert disk.stat(path).st_size == 10
    with pytest.raises(FileExistsError) as caught:
        disk.create(path)
    assert (caught.value.errno, caught.value.filename) == (errno.EEXIST, path)
    reading, other = disk.open(path), disk.open(path)
    assert reading != other
    assert disk.size(reading) == 10
    buffer = bytearray(4)
    assert (disk.read(reading, buffer, 3), bytes(buffer)) == (4, b"3XY6")
    assert (disk.read(reading, buffer, 9), bytes(buffer[:1])) == (1, b"9")
    assert (disk.read(reading, buffer, 10), disk.read(reading, buffer, 99), disk.read(reading, bytearray(), 0)) == (0, 0, 0)
    assert disk.map(reading) is None
    disk.close(reading)
    with pytest.raises(KeyError):
        disk.read(reading, buffer, 0)
    with pytest.raises(KeyError):
        disk.close(reading)
    assert disk.read(other, buffer, 0) == 4


def test_names_behind_a_url(root):
    disk = RemoteDisk()
    for name in ("b", "a", "d/x"):
        put(disk, f"{root}/{name}", name.encode())
    assert sorted(disk.names(root)) == ["a", "b", "d"]
    disk.replace(f"{root}/a", f"{root}/c")
    assert sorted(disk.names(root)) == ["b", "c", "d"]
    disk.remove(f"{root}/b")
    assert sorted(disk.names(root)) == ["c", "d"]
    with pytest.raises(OSError, match="not empty|d"):
        disk.remove_directory(f"{root}/d")
    disk.remove(f"{root}/d/x")
    disk.make_directory(f"{root}/e")
    disk.remove_directory(f"{root}/e")
    assert "e" not in disk.names(root)
    with pytest.raises(OSError, match="not supported") as caught:
        disk.link(f"{root}/c", f"{root}/z")
    assert (caught.value.errno, caught.value.filename) == (errno.EOPNOTSUPP, f"{root}/c")
    for act in (disk.remove, disk.stat, disk.open, disk.names):
        with pytest.raises(FileNotFoundError) as caught:
            act(f"{root}/none")
        assert caught.value.errno == errno.ENOENT


def test_what_tells_one_version_from_the_next(root):
    disk, path = RemoteDisk(), f"{root}/a"
    put(disk, path, b"1")
    first = disk.stat(path)
    assert stat.S_ISREG(first.st_mode)
    assert first.st_mode & 0o777 == 0o666
    assert first.st_size == 1
    assert first.st_mtime > 0
    assert disk.stat(path).st_ino == first.st_ino
    disk.remove(path)
    put(disk, path, b"1")
    assert disk.stat(path).st_ino != first.st_ino
    folder = disk.stat(root)
    assert stat.S_ISDIR(folder.st_mode)
    assert folder.st_size == 0


class Facts:
    """A file system that knows what it is told."""

    def __init__(self, **facts):
        self.facts = {"type": "file", "size": 3} | facts

    forgotten = 0

    def invalidate_cache(self):
        type(self).forgotten += 1

    def exists(self, name):
        return False

    def mkdir(self, name, create_parents):
        self.made = name, create_parents

    def ls(self, name, detail):
        return ["d/a", "d/b/", "d/a::b"]

    def info(self, name):
        return self.facts


@pytest.mark.parametrize("mark", ["ETag", "etag", "md5Hash", "generation", "mtime", "created", "LastModified"])
def test_marks_of_versions(monkeypatch, mark):
    found = []
    for value in (None, 1.5, 2.5):
        facts = Facts(**{mark: value})
        monkeypatch.setattr("minitf.storage.remote.place", lambda url, facts=facts: (facts, url))
        found.append(RemoteDisk().stat("x").st_ino)
    assert len(set(found)) == 3
    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (Facts(size=None), url))
    assert RemoteDisk().stat("x").st_size == 0
    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (Facts(type="directory", size=9), url))
    assert RemoteDisk().stat("x").st_size == 0


@pytest.mark.parametrize("mark", ["ETag", "etag", "md5Hash", "generation", "mtime", "created", "LastModified", "ino", "size"])
def test_marks_of_what_stands_behind(monkeypatch, mark):
    """A file in a list of references, or in an archive, is another one when that is."""

    def numbers(path, **facts):
        found = []
        for value in (None, 15, 25):
            behind = Facts(**facts, **{mark: value})
            monkeypatch.setattr("minitf.storage.remote.place", lambda url, f=behind: (f if url == "http://z" else Facts(), url))
            found.append(RemoteDisk().stat(path).st_ino)
        return len(set(found))

    assert numbers("reference://x::http://z") == numbers("reference://x::zip://y::http://z") == 3
    assert numbers("reference://x::http://z", type="directory") == numbers("dir://x::http://y") == 1


def test_what_stands_behind_may_not_be_there(monkeypatch):
    class Gone(Facts):
        def info(self, name):
            raise FileNotFoundError(name)

    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (Gone() if url == "http://z" else Facts(), url))
    assert RemoteDisk().stat("dir://x::http://z").st_size == 3


def test_what_a_client_remembers_is_not_believed(monkeypatch):
    """Another program may have changed what is there."""
    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (Facts(), url))
    disk = RemoteDisk()
    for ask in (disk.stat, disk.names, lambda path: disk._open[disk.create(path)].spool.close()):
        before = Facts.forgotten
        ask("d")
        assert Facts.forgotten == before + 1
    assert disk.names("d") == ["a", "b"]  # and no "a::b", which no URL can have


def test_each_link_of_a_chain_is_one_over_another(monkeypatch, tmp_path):
    class Only(fsspec.AbstractFileSystem):
        def __init__(self, fo, **options):
            super().__init__()
            self.fo = fo

    monkeypatch.chdir(tmp_path)
    fsspec.register_implementation("onlyfo", Only, clobber=True)
    assert place("onlyfo://a::memory://b")[0].fo == "/b"
    for url, path in (
        ("simplecache::dir://a::memory://b", "/b"), ("dir://a::b", f"{tmp_path}/b"), ("dir://a::memory", f"{tmp_path}/memory"),
        ("dir://a::", str(tmp_path)), ("dir://a::/b/c", "/b/c"),
    ):  # fmt: skip
        system, name = place(url)
        assert (getattr(system, "fs", system).path if "cache" in url else system.path, name) == (path, "a")
    assert isinstance(place("simplecache://x::memory://b")[0].fs, type(fsspec.filesystem("memory")))
    for url in ("memory::memory://b", "simplecache::memory://a::memory://b", "memory://a::b", "dir://a::memory://b::memory://c"):
        with pytest.raises(InvalidArgumentError, match="^.*: '::' chains file systems, and memory is not one over another"):
            place(url)
    for url, protocol in (("a::b://x", "a"), ("simplecache::none://b", "none"), ("dir::none::memory://b", "none")):
        with pytest.raises(InvalidArgumentError, match=f"^{url}: Protocol not known: {protocol}"):
            place(url)
    for url in ("simplecache::zip://a", "dir://b::tar://a", "libarchive://a"):
        with pytest.raises(InvalidArgumentError, match=r"names no archive. That stands behind '::', as in \w+://a::path"):
            place(url)
    if importlib.util.find_spec("libarchive") is None:
        with pytest.raises(UnimplementedError, match=r"^libarchive://a::memory://b: .*pip install 'minitf\[remote\]'"):
            place("libarchive://a::memory://b")


def test_a_directory_is_made_without_its_parents(monkeypatch):
    facts = Facts()
    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (facts, "b/d"))
    RemoteDisk().make_directory("x://b/d")
    assert facts.made == ("b/d", False)


@pytest.mark.parametrize(
    "protocol", ["s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "obs", ("gs", "gcs"), "other"]
)
@pytest.mark.parametrize("cached", [False, True])
def test_no_bucket_is_made(monkeypatch, protocol, cached):
    """A name that is mistyped must not become one; where first names are directories, those are made."""
    facts = Facts()
    facts.protocol = protocol
    system = facts
    if cached:
        system = Facts()
        system.fs, system.protocol, system.mkdir = facts, "simplecache", facts.mkdir
    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (system, url))
    for name in ("bucket", "bucket/"):
        RemoteDisk().make_directory(name)
        assert hasattr(facts, "made") is (protocol == "other")
    RemoteDisk().make_directory("bucket/d")
    assert facts.made == ("bucket/d", False)


class NoRanges(Facts):
    """A server that knows no ranges: it always gives everything."""

    def __init__(self, data):
        super().__init__(size=8)
        self.data = data
        self.asked = []

    def cat_file(self, name, start, end):
        self.asked.append((start, end))
        return self.data


def test_a_server_that_knows_no_ranges(monkeypatch):
    """Everything comes, once for each time that a file is opened; of something that is neither, nothing is taken."""
    system = NoRanges(b"abcdefgh")
    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (system, url))
    disk = RemoteDisk()
    handle = disk.open("x")
    for start, stop in ((2, 5), (0, 8), (6, 8), (7, 9)):
        into = bytearray(stop - start)
        assert disk.read(handle, memoryview(into), start) == min(stop, 8) - start
        assert bytes(into[: 8 - start]) == b"abcdefgh"[start:stop]
    assert system.asked == [(2, 5)]
    assert disk.read(handle, memoryview(into), 8) == 0
    disk.close(handle)
    system.data = b"abcdef"  # not so many as there are, and not those that were asked for
    handle = disk.open("x")
    with pytest.raises(OSError, match="asked for 3 bytes, the server gave 6") as caught:
        disk.read(handle, memoryview(bytearray(3)), 2)
    assert caught.value.errno == errno.EIO
    disk.close(handle)


class StatusError(Exception):
    """As a client of HTTP raises it."""

    def __init__(self, status):
        super().__init__(f"status {status}")
        self.status = status


@pytest.mark.parametrize(
    "cause, number",
    [
        (StatusError(404), errno.ENOENT), (StatusError(403), errno.EACCES), (StatusError(401), errno.EACCES),
        (StatusError(500), errno.EIO), (StatusError(503), errno.EIO), (StatusError("odd"), errno.ENOENT), (None, errno.ENOENT),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), errno.ECONNREFUSED), (TimeoutError(), errno.ETIMEDOUT),
    ],
)  # fmt: skip
def test_what_is_not_found_for_another_reason_is_not_missing(cause, number):
    """Else a program begins anew because the network is down."""
    with pytest.raises(OSError) as caught, oserrors("http://x"):
        raise FileNotFoundError("http://x") from cause
    assert caught.value.errno == number
    assert caught.value.filename == "http://x"


def test_what_the_system_says_is_kept():
    with pytest.raises(FileNotFoundError) as caught, oserrors("x"):
        raise FileNotFoundError(errno.ENOENT, "no such file", "y") from StatusError(500)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, "y")


def test_what_a_file_system_cannot_do():
    said = "^write: http://x: the file system cannot do that"
    with pytest.raises(UnimplementedError, match=said), typed("write", "http://x"), oserrors("http://x"):
        raise NotImplementedError


def test_nothing_is_fetched_where_nothing_is(monkeypatch):
    asked = []

    class Counting(Facts):
        def cat_file(self, name, start, end):
            asked.append((start, end))
            return b"x" * (end - start)

    monkeypatch.setattr("minitf.storage.remote.place", lambda url: (Counting(), url))
    disk = RemoteDisk()
    handle = disk.open("x")
    buffer = bytearray(5)
    assert [disk.read(handle, buffer, at) for at in (0, 2, 3, 9)] == [3, 1, 0, 0]
    assert disk.read(handle, memoryview(buffer)[:2], 0) == 2
    assert disk.read(handle, bytearray(), 1) == 0
    assert asked == [(0, 3), (2, 3), (0, 2)]


def test_times_of_files():
    when = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    for mark in ("mtime", "LastModified", "last_modified", "updated", "created"):
        assert _seconds({mark: 5}) == 5.0
        assert _seconds({mark: 2.5}) == 2.5
        assert _seconds({mark: when}) == when.timestamp()
    assert _seconds({"mtime": "text", "created": 7}) == 7.0
    assert _seconds({"mtime": 1, "created": 7}) == 1.0
    assert _seconds({"size": 3}) == 0.0


def test_errors_get_their_numbers():
    numbers = {
        FileNotFoundError: errno.ENOENT, FileExistsError: errno.EEXIST, PermissionError: errno.EACCES,
        NotADirectoryError: errno.ENOTDIR, IsADirectoryError: errno.EISDIR, TimeoutError: errno.ETIMEDOUT, OSError: errno.EIO,
        ConnectionResetError: errno.ECONNABORTED,
    }  # fmt: skip
    for kind, number in numbers.items():
        with pytest.raises(OSError, match="said") as caught, oserrors("p"):
            raise kind("said")
        assert (caught.value.errno, caught.value.filename, caught.value.strerror) == (number, "p", "said")
        with pytest.raises(OSError, match=".") as caught, oserrors("p"):
            raise kind
        assert caught.value.errno == number
        assert caught.value.strerror
    with pytest.raises(OSError, match="KeyError: 'x'") as caught, oserrors("p"):
        raise KeyError("x")
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, "p")
    original = OSError(errno.ENOSPC, "full")
    with pytest.raises(OSError, match="full") as caught, oserrors("p"):
        raise original
    assert caught.value is original
    with pytest.raises(InvalidArgumentError, match="ours"), oserrors("p"):
        raise InvalidArgumentError("ours")


def test_protocols_that_there_are_not(monkeypatch):
    with pytest.raises(InvalidArgumentError, match="^nonsense://x: "):
        place("nonsense://x")
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: (_ for _ in ()).throw(ImportError("Install s3fs")))
    with pytest.raises(UnimplementedError, match=r"^s3://b: Install s3fs\. URLs need pip install 'minitf\[remote\]' and the"):
        place("s3://b")


# Where a call goes --------------------------------------------------------------------------------------------------


class Side(Disk):
    """Notes the calls."""

    def __init__(self):
        self.calls = []


def _noting(name):
    def call(self, *arguments):
        self.calls.append((name, *arguments))
        return name

    return call


for _name in [name for name in vars(Disk) if not name.startswith("_")]:
    setattr(Side, _name, _noting(_name))


BY_PATH = {
    "stat": 1, "create": 1, "open": 1, "remove_directory": 1, "remove": 1, "names": 1, "make_directory": 1, "replace": 2,
    "may_be_replaced": 2, "sync_directory": 1,
}  # fmt: skip
BY_HANDLE = {"write": (b"x", 0), "read": (bytearray(1), 0), "reserve": (5,), "sync": (), "close": (), "size": (), "give_up": (),
             "begin_sync": (0, 5)}  # fmt: skip


@pytest.fixture
def sides(monkeypatch):
    local, remote, mounted = Side(), Side(), Side()
    monkeypatch.setattr(anywhere, "_LOCAL", local)
    disk = Anywhere()
    disk.__dict__["_remote"] = remote
    token = mount("mine://", lambda: mounted)
    yield disk, {"/p": local, "s3://p": remote, "mine://p": mounted}
    unmount(token)


def test_paths_go_to_their_side(sides):
    disk, by_path = sides
    for path, side in by_path.items():
        for name, count in BY_PATH.items() if path != "/p" else list(BY_PATH.items())[1:]:
            given = (path,) * count
            found = getattr(disk, name)(*given)
            calls = [call for other in by_path.values() for call in other.calls]
            if name == "sync_directory" and path.startswith("s3"):  # what is there is there
                assert calls == []
            else:
                assert side.calls == calls == [(name, *given)]
                if name in ("create", "open", "stat", "names", "may_be_replaced"):
                    assert found == name
            side.calls.clear()
    assert disk.stat("/").st_mode == os.stat("/").st_mode  # which asks the system itself
    for path in list(by_path)[1:]:
        assert disk.lock(path) is None
    disk.link("/a", "s3://b")
    disk.link("/a", "/b")
    disk.link("s3://a", "/b")
    assert by_path["s3://p"].calls == [("link", "/a", "s3://b"), ("link", "s3://a", "/b")]
    assert by_path["/p"].calls == [("link", "/a", "/b")]


def test_handles_go_to_their_side(sides):
    disk, by_path = sides
    for handle, side in (
        (0, "/p"),
        (5, "/p"),
        (MOUNTED_HANDLES - 1, "/p"),
        (-1, "s3://p"),
        (-7, "s3://p"),
        (MOUNTED_HANDLES, "mine://p"),
    ):
        for name, more in BY_HANDLE.items():
            found = getattr(disk, name)(handle, *more)
            calls = [call for other in by_path.values() for call in other.calls]
            if name == "sync" and handle < 0:  # it is on the other end when it is closed
                assert calls == []
            else:
                assert by_path[side].calls == calls == [(name, handle, *more)]
                if name in ("write", "read", "size"):
                    assert found == name
            for other in by_path.values():
                other.calls.clear()
    assert disk.map(-3) is None
    assert disk.map(MOUNTED_HANDLES) is None


def test_a_mount_is_for_its_start_only(sides):
    disk, by_path = sides
    disk.stat("mine2://x")
    assert by_path["s3://p"].calls == [("stat", "mine2://x")]
    inner = Side()
    token = mount("other://", lambda: inner)
    disk.stat("mine://x")
    disk.stat("other://x")
    unmount(token)
    disk.stat("mine://y")
    assert inner.calls == [("stat", "other://x")]
    assert by_path["mine://p"].calls == [("stat", "mine://y")]
    assert by_path["s3://p"].calls[1:] == [("stat", "mine://x")]


def test_handles_of_local_files_are_the_systems():
    disk = Anywhere()
    assert disk._of(3) is disk._of(MOUNTED_HANDLES)  # nothing is mounted
    assert isinstance(disk._remote, RemoteDisk)
    assert disk._remote is disk._of(-2) is disk._side("s3://x")
    assert isinstance(RecordingDisk(), Disk)


def test_paths_and_handles_of_archives_are_those_of_one_disk(sides):
    disk, by_path = sides
    assert isinstance(disk._archives, ArchiveDisk)
    assert disk._archives is disk._side("zip://a::/b") is disk._side("simplecache::tar://a::s3://b")
    assert disk._archives is disk._of(ARCHIVE_HANDLES) is disk._of(ARCHIVE_HANDLES - 1)
    assert disk._of(ARCHIVE_HANDLES + 1) is disk._of(-1) is disk._side("dir://a::s3://b") is by_path["s3://p"]
    assert next(disk._archives._numbers) == ARCHIVE_HANDLES

def test_who_listens_is_told_of_the_disk_of_a_rename_and_of_a_removal(sides):
    disk, by_path = sides
    told = []
    with wrapped(lambda kind, part: told.append((kind, part)) or part):
        disk.replace("/a", "/b")
        disk.remove("s3://c")
        disk.stat("mine://p")
    assert told == [("disk", by_path["/p"]), ("disk", by_path["s3://p"])]


def test_a_file_is_mapped_whatever_its_number(tmp_path):
    (tmp_path / "a").write_bytes(b"text")
    disk, kept = Anywhere(), os.dup(0)
    handle = disk.open(str(tmp_path / "a"))
    try:
        os.dup2(handle, 0)  # as in a program that has closed its standard input
        assert disk.map(0)[:] == b"text"
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        disk.close(handle)


def test_the_place_of_a_directory_is_the_disks(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to("a")
    disk = Anywhere()
    assert disk.place(str(tmp_path / "a")) == disk.place(str(tmp_path / "b")) == Disk().place(str(tmp_path / "a"))
    assert disk.place(str(tmp_path / "a")) != disk.place(str(tmp_path))


def test_the_place_behind_a_url_is_the_others(sides):
    disk, by_path = sides
    assert disk.place("mine://x") == "place"
    assert by_path["mine://p"].calls == [("place", "mine://x")]
