"""Every call to the file system fails once, in turn: the old checkpoint stays, nothing is left over, the error is typed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading

import numpy as np
import pytest

from minitf import errors
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.detect import open_checkpoint
from minitf.storage.files import Disk
from minitf.storage.formats import FORMATS
from minitf.storage.state_file import CheckpointState, write_state

CALLS = [name for name in vars(Disk) if not name.startswith("_")]
FAULTS = {
    "no space": (OSError(errno.ENOSPC, "no space left"), errors.ResourceExhaustedError),
    "input/output error": (OSError(errno.EIO, "input/output error"), errors.UnknownError),
    "refused": (PermissionError(errno.EACCES, "refused"), errors.PermissionDeniedError),
    "interrupted": (InterruptedError(errno.EINTR, "interrupted"), errors.UnavailableError),
    "too many files": (OSError(errno.EMFILE, "too many open files"), errors.ResourceExhaustedError),
}


class FaultyDisk(Disk):
    """The real disk; call number ``fail_at`` raises ``error``. Writes and reads take a few bytes at a time. Counts handles."""

    def __init__(self, fail_at=-1, error=None):
        self.made = 0
        self.fail_at = fail_at
        self.error = error
        self.failed = ""
        self.open_handles = set()


def _counted(name):
    def call(self, *arguments):
        self.made += 1
        if self.made == self.fail_at:
            self.failed = name
            if name in ("close", "unlock"):  # as the system does: it fails, and the handle is gone
                getattr(Disk, name)(self, *arguments)
                self.open_handles.discard(arguments[0])
            raise self.error
        if name == "write":
            arguments = (arguments[0], memoryview(arguments[1])[:1000], arguments[2])
        if name == "read":
            arguments = (arguments[0], arguments[1][:1000], arguments[2])
        found = getattr(Disk, name)(self, *arguments)
        if name in ("create", "open"):
            self.open_handles.add(found)
        if name == "close":
            self.open_handles.discard(arguments[0])
        return found

    return call


for _name in CALLS:
    setattr(FaultyDisk, _name, _counted(_name))


def tensors(seed):
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=300), "s": np.array([b"x" * seed], object), "b": np.float32(seed)}


def found_at(path, kind):
    reader = kind().open(str(path))
    return {key: reader.read(key).tolist() for key in reader.keys()}


def attempt(act, *arguments, **more):
    """The typed error of an action, None if there was none; any other error goes on."""
    try:
        act(*arguments, **more)
    except errors.OpError as error:
        return error
    return None


def read_into(values, storage, path):
    values.append(storage.open(path).read("a"))


def plain(found):
    return {key: np.asarray(value).tolist() for key, value in found.items()}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("over", [False, True])
def test_a_save_that_fails_changes_nothing(tmp_path, name, over, fault):
    kind = FORMATS[name]
    error, wanted = FAULTS[fault]
    clean = FaultyDisk()
    kind(disk=clean).write(str(tmp_path / "count" / "p"), tensors(1))
    kind(disk=clean).write(str(tmp_path / "count" / "p"), tensors(2))
    assert not clean.open_handles
    committed = 0
    for fail_at in range(1, clean.made):
        folder = tmp_path / f"{fail_at}"
        if over:
            kind().write(str(folder / "p"), tensors(1))
        else:
            folder.mkdir()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        disk = FaultyDisk(fail_at, error)
        raised = attempt(kind(disk=disk).write, str(folder / "p"), tensors(2))
        if raised is not None:
            assert type(raised) is wanted
            assert str(folder) in str(raised)
        if not disk.failed:
            break
        assert not disk.open_handles, disk.failed
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        if raised is None or (disk.failed == "sync_directory" and after != before):
            committed += (disk.failed, fault) != ("write", "interrupted")  # which is tried again
            assert found_at(folder / "p", kind) == plain(tensors(2))
            if disk.failed != "remove":  # of an old file, after the commit
                assert len(after) <= 2 * len(before) + 3
        else:
            assert after == before, disk.failed
    assert committed < 8


@pytest.mark.parametrize("name", FORMATS)
def test_reading_through_faults(tmp_path, name):
    kind = FORMATS[name]
    kind().write(str(tmp_path / "p"), tensors(1))
    whole = FaultyDisk()
    assert kind(disk=whole).open(str(tmp_path / "p")).read("a").tolist() == tensors(1)["a"].tolist()
    for fail_at in range(1, whole.made + 1):
        for error, wanted in FAULTS.values():
            disk = FaultyDisk(fail_at, error)
            value = []
            raised = attempt(read_into, value, kind(disk=disk), str(tmp_path / "p"))
            if raised is None:
                assert isinstance(error, InterruptedError)  # then it is tried again
                assert value[0].tolist() == tensors(1)["a"].tolist()
            else:
                assert type(raised) is wanted
            assert not disk.open_handles


def test_merging_through_faults(tmp_path):
    for fail_at in range(1, 200):
        folder = tmp_path / str(fail_at)
        for n in range(2):
            TensorBundle(durable=False).write(folder / f"in{n}", {f"k{n}": np.arange(3 + n)})
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        disk = FaultyDisk(fail_at, FAULTS["no space"][0])
        try:
            merge([folder / "in0", folder / "in1"], folder / "out", delete_inputs=False, disk=disk)
        except errors.ResourceExhaustedError:
            after = {path.name: path.read_bytes() for path in folder.iterdir()}
            assert after == before or (disk.failed == "sync_directory" and "out.index" in after)
        else:
            assert TensorBundle().open(folder / "out").keys() == ["k0", "k1"]
        assert not disk.open_handles
        if not disk.failed:
            return
    raise AssertionError("the merge never ended")


@pytest.mark.parametrize("error", [errno.EXDEV, errno.EPERM])
def test_where_files_cannot_have_two_names_merging_copies(tmp_path, error):
    class NoLinks(Disk):
        def link(self, old, new):
            raise OSError(error, "no links here")

    for n in range(2):
        TensorBundle(durable=False).write(tmp_path / f"in{n}", {f"k{n}": np.arange(3 + n)})
    merge([tmp_path / "in0", tmp_path / "in1"], tmp_path / "out", disk=NoLinks())
    assert TensorBundle().open(tmp_path / "out").read("k1").tolist() == [0, 1, 2, 3]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.data-00000-of-00002",
        "out.data-00001-of-00002",
        "out.index",
    ]


def test_the_state_file_through_faults(tmp_path):
    write_state(tmp_path, CheckpointState(str(tmp_path / "a"), [str(tmp_path / "a")]))
    before = (tmp_path / "checkpoint").read_bytes()
    for fail_at in range(1, 20):
        disk = FaultyDisk(fail_at, FAULTS["no space"][0])
        state = CheckpointState(str(tmp_path / "b"), [str(tmp_path / "b")])
        if attempt(write_state, tmp_path, state, disk=disk) is not None:
            assert not disk.open_handles
            if disk.failed != "sync_directory":
                assert (tmp_path / "checkpoint").read_bytes() == before
            assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
        if not disk.failed:
            return
    raise AssertionError("the write never ended")


def test_what_the_system_refuses(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(errors.FailedPreconditionError, match="file"):
        TensorBundle().write(tmp_path / "file" / "p", tensors(1))
    with pytest.raises(errors.InvalidArgumentError, match="no path"):
        TensorBundle().write(str(tmp_path / "a\0b"), tensors(1))
    with pytest.raises(errors.InvalidArgumentError):
        TensorBundle().write(tmp_path / ("x" * 300), tensors(1))
    for bad in (3, None, 1.5, np.ones(2)):
        with pytest.raises(TypeError):
            TensorBundle().write(bad, tensors(1))
        with pytest.raises(TypeError):
            TensorBundle().open(bad)
    TensorBundle().write(os.fsencode(tmp_path / "bytes"), tensors(1))
    assert TensorBundle().exists(tmp_path / "bytes")


@contextlib.contextmanager
def no_root_in(place):
    """Whoever runs the test, without the rights of root, whom no directory refuses anything."""
    os.chmod(place, 0o777)
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", FORMATS)
def test_a_directory_that_may_not_be_written(name):
    kind = FORMATS[name]
    with tempfile.TemporaryDirectory() as place:  # once before, to import what another user may not be able to read
        kind().write(os.path.join(place, "p"), tensors(1))
        assert found_at(os.path.join(place, "p"), kind) == plain(tensors(1))
        write_state(place, CheckpointState(os.path.join(place, "p")))
    with tempfile.TemporaryDirectory() as place, no_root_in(place):
        folder = os.path.join(place, "locked")
        kind().write(os.path.join(folder, "p"), tensors(1))
        os.chmod(folder, 0o500)
        try:
            before = sorted(os.listdir(folder))
            for prefix in ("p", "q", "deeper/p"):
                with pytest.raises(errors.PermissionDeniedError, match="locked"):
                    kind().write(os.path.join(folder, prefix), tensors(2))
            with pytest.raises(errors.PermissionDeniedError, match="locked"):
                kind().remove(os.path.join(folder, "p"))
            with pytest.raises(errors.PermissionDeniedError, match="locked"):
                write_state(folder, CheckpointState(os.path.join(folder, "p")))
            assert sorted(os.listdir(folder)) == before
            assert found_at(os.path.join(folder, "p"), kind) == plain(tensors(1))
            os.chmod(folder, 0o000)
            with pytest.raises(errors.PermissionDeniedError, match="locked"):
                kind().open(os.path.join(folder, "p"))
        finally:
            os.chmod(folder, 0o700)


FULL = """
import resource, sys
import numpy as np
from minitf import errors
from minitf.storage.formats import FORMATS

kind = FORMATS[sys.argv[2]]
kind().write(sys.argv[1], {"a": np.zeros(10)})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    kind().write(sys.argv[1], {"a": np.ones(1_000_000)})
except errors.OutOfRangeError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="no limits for processes")
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_grows_beyond_what_the_system_allows(tmp_path, name):
    """As on a full disk, but from the system itself: some bytes are taken, and then no more."""
    done = subprocess.run([sys.executable, "-c", FULL, tmp_path / "p", name], check=True, capture_output=True, text=True)
    assert "p" in done.stdout
    assert found_at(tmp_path / "p", FORMATS[name]) == {"a": [0.0] * 10}
    assert not [path for path in tmp_path.iterdir() if ".tmp-" in path.name]


# Processes that save at the same time (test_kills.py has those that are killed) ---------------------------------------

SAVER = """
import sys
import numpy as np
from minitf.storage.bundle import TensorBundle
storage = TensorBundle(durable=False)
for n in range(int(sys.argv[3])):
    value = int(sys.argv[2]) * 1000 + n
    storage.write(sys.argv[1], {"a": np.full(2000, value), "b": np.full(7, value)})
"""


def test_two_processes_save_to_one_prefix_while_a_third_reads(tmp_path):
    """They take turns; whoever reads sees one of them, whole, or is told that it was replaced meanwhile."""
    prefix = str(tmp_path / "p-1")
    TensorBundle(durable=False).write(prefix, {"a": np.zeros(2000, int), "b": np.zeros(7, int)})
    children = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(SAVER), prefix, str(n), "60"], env=os.environ) for n in (1, 2)
    ]
    seen = set()
    replaced = 0
    while any(child.poll() is None for child in children):
        try:
            a, b = TensorBundle().open(prefix).read_many(["a", "b"])
        except errors.AbortedError:
            replaced += 1
            continue
        assert len({*a.tolist(), *b.tolist()}) == 1
        seen.add(int(a[0]))
    assert [child.returncode for child in children] == [0, 0]
    assert len(seen) > 3
    assert open_checkpoint(prefix).read("a")[0] % 1000 == 59
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names in (
        ["p-1.data-00000-of-00001", "p-1.index"],
        ["p-1.data-00000-of-00002", "p-1.data-00001-of-00002", "p-1.index"],
    )


def test_threads_save_to_one_directory(tmp_path):
    storage = TensorBundle(durable=False)

    def save(number):
        for n in range(10):
            storage.write(tmp_path / f"p-{number % 2}", {"a": np.full(500, number), "b": np.full(5, number * 10 + n)})

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for stem in ("p-0", "p-1"):
        a, b = TensorBundle().open(tmp_path / stem).read_many(["a", "b"])
        assert b[0] == a[0] * 10 + 9
    assert not [path for path in tmp_path.iterdir() if ".tmp-" in path.name]


def test_a_reader_is_told_when_its_checkpoint_was_replaced(tmp_path):
    TensorBundle().write(tmp_path / "p", tensors(1))
    reader = TensorBundle().open(tmp_path / "p")
    TensorBundle().write(tmp_path / "p", tensors(2))
    with pytest.raises(errors.AbortedError, match="open it again"):
        reader.read("a")
    assert TensorBundle().open(tmp_path / "p").read("b") == 2


def test_a_parsed_index_is_used_again_only_for_the_same_file(tmp_path):
    TensorBundle().write(tmp_path / "p", tensors(1))
    first = TensorBundle().open(tmp_path / "p")
    assert TensorBundle().open(tmp_path / "p").index is first.index
    TensorBundle().write(tmp_path / "p", tensors(1))
    assert TensorBundle().open(tmp_path / "p").index is not first.index
    status = os.stat(tmp_path / "p.index")
    os.utime(tmp_path / "p.index", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    second = TensorBundle().open(tmp_path / "p")
    assert TensorBundle().open(tmp_path / "p").index is second.index


@pytest.mark.parametrize("letter", ["x", "ä", "中"])
@pytest.mark.parametrize("name", FORMATS)
def test_names_as_long_as_they_may_be(tmp_path, name, letter):
    """Then a temporary name has no room for all of the final one; what killed saves have left is found all the same."""
    kind = FORMATS[name]
    ending = {"tf-v2": ".data-00000-of-00001", "tf-v1": "", "npz": ".npz", "safetensors": ".safetensors"}[name]
    stem = letter * ((255 - len(ending)) // len(letter.encode()))
    for seed in (1, 2):
        kind().write(tmp_path / stem, tensors(seed))
        assert found_at(tmp_path / stem, kind) == plain(tensors(seed))
    final = {path.name for path in tmp_path.iterdir()}

    class Killed(Disk):
        def replace(self, old, new):
            raise SystemExit

        def remove(self, path):
            raise SystemExit

    with pytest.raises(SystemExit):
        kind(disk=Killed()).write(tmp_path / stem, tensors(3))
    left = {path.name for path in tmp_path.iterdir()} - final
    assert left
    assert all(len(os.fsencode(name)) <= 255 and ".tmp-" in name for name in left)
    assert found_at(tmp_path / stem, kind) == plain(tensors(2))
    kind().write(tmp_path / stem, tensors(4))
    assert not [path for path in tmp_path.iterdir() if ".tmp-" in path.name]
    with pytest.raises(errors.InvalidArgumentError):
        kind().write(tmp_path / (stem + "yyy"), tensors(1))


@pytest.mark.parametrize("name", FORMATS)
def test_names_that_are_no_text(tmp_path, name):
    prefix = os.fsencode(tmp_path) + b"/a\xff\xfe"
    FORMATS[name]().write(prefix, tensors(1))
    assert found_at(os.fsdecode(prefix), FORMATS[name]) == plain(tensors(1))
    with pytest.raises(errors.InvalidArgumentError, match="not Unicode text, which a state file demands"):
        write_state(tmp_path, CheckpointState(os.fsdecode(prefix)))
    assert not (tmp_path / "checkpoint").exists()


def test_links_and_modes(tmp_path):
    """A linked directory is that directory; a linked index is replaced, and what it led to stays; umask says the modes."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    TensorBundle().write(tmp_path / "link" / "p", tensors(1))
    assert found_at(tmp_path / "real" / "p", TensorBundle) == plain(tensors(1))
    (tmp_path / "real" / "p.index").rename(tmp_path / "elsewhere")
    (tmp_path / "real" / "p.index").symlink_to("../elsewhere")
    (tmp_path / "real" / "q.index").hardlink_to(tmp_path / "elsewhere")
    (tmp_path / "real" / "q.data-00000-of-00001").hardlink_to(tmp_path / "real" / "p.data-00000-of-00001")
    assert found_at(tmp_path / "real" / "p", TensorBundle) == plain(tensors(1))
    TensorBundle().write(tmp_path / "link" / "p", tensors(2))
    assert found_at(tmp_path / "real" / "p", TensorBundle) == plain(tensors(2))
    assert found_at(tmp_path / "real" / "q", TensorBundle) == plain(tensors(1))
    assert not (tmp_path / "real" / "p.index").is_symlink()
    before = os.umask(0o027)
    try:
        TensorBundle().write(tmp_path / "new" / "p", tensors(1))
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new").iterdir()} == {0o640}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("name", FORMATS)
def test_a_directory_that_disappears(tmp_path, name):
    kind, fail_at = FORMATS[name], 0

    class Gone(FaultyDisk):
        """Before one call somebody deletes the directory."""

    def gone(call):
        def made(self, *arguments):
            self.made += 1
            if self.made == fail_at:
                shutil.rmtree(tmp_path / str(fail_at))
            return getattr(Disk, call)(self, *arguments)

        return made

    for call in CALLS:
        setattr(Gone, call, gone(call))
    while True:
        fail_at += 1
        prefix = tmp_path / str(fail_at) / "p"
        kind().write(prefix, tensors(1))
        disk = Gone()
        raised = attempt(kind(disk=disk).write, prefix, tensors(2))
        assert raised is None or isinstance(raised, errors.NotFoundError)
        if disk.made < fail_at:
            return
        kind().write(prefix, tensors(3))
        assert found_at(prefix, kind) == plain(tensors(3))


def test_a_save_while_another_thread_removes_the_prefix(tmp_path):
    """The one waits for the other: of the new set no file goes."""
    path = tmp_path / "p"
    writing = threading.Thread(target=lambda: TensorBundle(durable=False).write(path, tensors(2)))

    class Slow(Disk):
        def remove(self, name):
            super().remove(name)
            if not writing.ident:
                writing.start()
                writing.join(0.2)

    TensorBundle(durable=False).write(path, tensors(1))
    TensorBundle(durable=False, disk=Slow()).remove(path)
    writing.join()
    assert found_at(path, TensorBundle) == plain(tensors(2))


def test_a_parsed_index_is_not_used_for_what_was_written_here_whatever_the_system_tells(tmp_path):
    class Coarse(Disk):
        """All files of one size look the same, as where inodes are used again and the clock of the file system stands still."""

        def stat(self, path):
            found = super().stat(path)
            return os.stat_result((found.st_mode, 1, 1, 1, 0, 0, found.st_size, 0, 0, 0))

    storage = TensorBundle(disk=Coarse())
    for again in ("written over", "removed"):
        for value in (1, 2, 3):
            storage.write(tmp_path / "p", {"a": np.full(4, value)})
            assert storage.open(tmp_path / "p").read("a").tolist() == [value] * 4
            if again == "removed":
                storage.remove(tmp_path / "p")


def test_a_merge_over_names_that_an_interrupted_one_has_left(tmp_path):
    """Renaming does nothing where both names are of one file; no temporary name is left for all that."""
    for n in range(2):
        TensorBundle(durable=False).write(tmp_path / f"in{n}", {f"k{n}": np.arange(3 + n)})
        (tmp_path / f"out.data-0000{n}-of-00002").hardlink_to(tmp_path / f"in{n}.data-00000-of-00001")
    merge([tmp_path / "in0", tmp_path / "in1"], tmp_path / "out")
    assert len(list(tmp_path.iterdir())) == 3


class Interrupted(Disk):
    """Ctrl-C comes just before or just behind the rename of an index."""

    def __init__(self, behind):
        self.behind = behind

    def replace(self, old, new):
        if not new.endswith(".index") or self.behind:
            super().replace(old, new)
        if new.endswith(".index"):
            raise KeyboardInterrupt


@pytest.mark.parametrize("behind", [False, True])
def test_an_interrupt_at_the_commit_leaves_the_old_set_or_the_new(tmp_path, behind):
    path = tmp_path / "p"
    TensorBundle(durable=False).write(path, tensors(1))
    with pytest.raises(KeyboardInterrupt):
        TensorBundle(durable=False, disk=Interrupted(behind)).write(path, tensors(2))
    assert found_at(path, TensorBundle) == plain(tensors(2 if behind else 1))
    assert not list(tmp_path.glob("*.tmp-*"))
    TensorBundle(durable=False).write(path, tensors(3))
    assert found_at(path, TensorBundle) == plain(tensors(3))
    assert len({file.name.rpartition("-of-")[2] for file in tmp_path.glob("p.data*")}) == 1


@pytest.mark.parametrize("behind", [False, True])
def test_an_interrupt_at_the_commit_of_a_merge(tmp_path, behind):
    for name in "ab":
        TensorBundle(durable=False).write(tmp_path / name, {name: np.arange(3)})
    with pytest.raises(KeyboardInterrupt):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out", disk=Interrupted(behind))
    assert [TensorBundle().open(tmp_path / name).read(name).tolist() for name in "ab"] == [[0, 1, 2]] * 2
    if behind:
        assert found_at(tmp_path / "out", TensorBundle) == {"a": [0, 1, 2], "b": [0, 1, 2]}
    else:
        assert not list(tmp_path.glob("out*"))
