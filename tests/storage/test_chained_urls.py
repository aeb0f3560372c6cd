"""Checkpoints in archives, wherever those are, and behind other chained URLs of fsspec."""

from __future__ import annotations

import bz2
import gc
import gzip
import json
import lzma
import os
import tarfile
import threading
import uuid
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint.reading import list_variables, load_checkpoint
from minitf.cli import main
from minitf.environment import gfile
from minitf.errors import AbortedError, DataLossError, InvalidArgumentError, NotFoundError, UnimplementedError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.archives import ArchiveDisk
from minitf.storage.archives.disk import KEPT
from minitf.storage.archives.tars import _opened, _unpacked
from minitf.storage.bundle import TensorBundle
from minitf.storage.detect import open_checkpoint
from minitf.storage.file_view import FileView
from minitf.storage.files import Disk, names_in
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.remote import RemoteDisk, place
from minitf.storage.state_file import latest_checkpoint, read_state

fsspec = pytest.importorskip("fsspec")

KEY = "w/.ATTRIBUTES/VARIABLE_VALUE"
PACKINGS = ("zip", "deflated", "tar", "tar.gz", "tar.bz2", "tar.xz")


class Root(tf.Module):
    def __init__(self, value):
        super().__init__()
        self.w = tf.Variable(np.full(5, value, np.float32))


def run(directory: Path, *values: float) -> Path:
    """A directory ``run`` with checkpoints of a manager, in a directory."""
    root = Root(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(root=root), str(directory / "run"), max_to_keep=None)
    for value in values:
        root.w.assign(np.full(5, value, np.float32))
        manager.save()
    return directory


def pack(source: Path, archive: Path, packing: str) -> str:
    """Packs all of a directory; gives the protocol."""
    if packing in ("zip", "deflated"):
        method = zipfile.ZIP_STORED if packing == "zip" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(archive, "w", method) as out:
            for path in sorted(source.rglob("*")):
                out.write(path, path.relative_to(source))
        return "zip"
    with tarfile.open(archive, f"w:{packing[4:]}") as out:
        out.add(source, ".")  # as tar itself does: names that begin with "./"
    return "tar"


def url_of(archive: Path, where: str) -> str:
    """Puts an archive somewhere, and gives what stands behind "::" there."""
    if where == "path":
        return str(archive)
    if where == "file":
        return f"file://{archive}"
    name = f"memory://bucket-{uuid.uuid4().hex}/{archive.name}"
    if where in ("memory", "cached"):
        fsspec.filesystem("memory").pipe_file(name, archive.read_bytes())
        return name if where == "memory" else f"simplecache::{name}"
    outer = archive.with_suffix(".outer.zip")
    with zipfile.ZipFile(outer, "w") as out:
        out.write(archive, "inside/x")
    return f"zip://inside/x::{outer}"


@pytest.fixture
def archived(tmp_path):
    """Makes an archive; gives a function that makes URLs of places inside of it."""

    def make(source: Path, packing: str = "zip", where: str = "path"):
        archive = tmp_path / f"archive.{packing}"
        protocol = pack(source, archive, packing)
        tail = url_of(archive, where)
        return lambda inner: f"{protocol}://{inner}::{tail}"

    return make


def open_files() -> set[str]:
    gc.collect()
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return {name for name in found if name.startswith("/") and not name.startswith(("/dev", "/proc"))}


# Reading ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["path", "file", "memory", "cached", "nested"])
@pytest.mark.parametrize("packing", PACKINGS)
def test_everything_that_reads(tmp_path, archived, packing, where):
    at = archived(run(tmp_path / "source", 1.0, 2.0), packing, where)
    before = open_files()
    assert tf.train.latest_checkpoint(at("run")) == latest_checkpoint(at("run")) == at("run/ckpt-2")
    assert tf.train.latest_checkpoint(at("/run/")) == at("/run/ckpt-2")
    assert load_checkpoint(at("run")).get_tensor(KEY).tolist() == [2] * 5
    assert (KEY, [5]) in list_variables(at("run/ckpt-1"))
    assert tf.train.checkpoint_exists(at("run/ckpt-1"))
    assert not tf.train.checkpoint_exists(at("run/ckpt-3"))
    assert len(tf.train.get_checkpoint_mtimes([at("run/ckpt-1"), at("run/ckpt-9")])) == 1
    assert open_checkpoint(at("run/ckpt-1.index")).prefix == at("run/ckpt-1")
    assert open_checkpoint(at("run/ckpt-1.data-00000-of-00001")).prefix == at("run/ckpt-1")
    assert open_checkpoint(at("run/checkpoint")).prefix == at("run/ckpt-2")
    assert read_state(at("run")).all_model_checkpoint_paths == [at("run/ckpt-1"), at("run/ckpt-2")]
    assert gfile.glob(at("r*/ckpt-?.index")) == [at("run/ckpt-1.index"), at("run/ckpt-2.index")]
    assert gfile.listdir(at("")) == ["run"]
    assert open_files() == before


@pytest.mark.parametrize("packing", PACKINGS)
def test_restore_in_both_modes(mode, tmp_path, archived, packing):
    at = archived(run(tmp_path / "source", 1.0, 2.0), packing)
    before = open_files()
    with mode.scope():
        root = Root(7.0)
        status = tf.train.Checkpoint(root=root).restore(at("run/ckpt-1"))
        status.assert_consumed()
        status.initialize_or_restore()
        found = tf.get_default_session().run(root.w) if mode.name == "graph" else root.w.numpy()
        assert found.tolist() == [1] * 5
    assert open_files() == before


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("packing", ["zip", "deflated", "tar.gz"])
def test_every_format_is_read(tmp_path, archived, name, packing):
    values = {"a": np.arange(1000, dtype=np.float32), "s": np.array([b"x", b"yy"], object), "z": np.zeros((0, 2))}
    format_named(name).write(str(tmp_path / "source" / "ckpt"), values)
    at = archived(tmp_path / "source", packing)
    reader = open_checkpoint(at("ckpt"))
    assert sorted(reader.keys()) == sorted(values)
    assert all(np.array_equal(reader.read(key), value) for key, value in values.items())
    assert reader.read_slice("a", [10], [3]).tolist() == [10, 11, 12]


def test_sharded_v1_files_and_saved_models(tmp_path, archived):
    v1 = FORMATS["tf-v1"]()
    pattern = v1.write_shards(str(tmp_path / "source" / "old"), [{"a": np.ones(2)}, {"b": np.zeros(2)}])
    TensorBundle().write(str(tmp_path / "source" / "model" / "variables" / "variables"), {"a": np.ones(3)})
    (tmp_path / "source" / "model" / "saved_model.pb").write_bytes(b"")
    at = archived(tmp_path / "source")
    assert open_checkpoint(at(Path(pattern).name)).keys() == ["a", "b"]
    assert open_checkpoint(at("old")).keys() == open_checkpoint(at("old-00000-of-00002")).keys() == ["a", "b"]
    assert open_checkpoint(at("model")).prefix == at("model/variables/variables")


def test_the_root_of_an_archive(tmp_path, archived):
    at = archived(run(tmp_path / "source", 1.0, 2.0) / "run", where="memory")
    for root in (at(""), at("/"), at("").replace("zip://", "zip", 1)):
        assert tf.train.latest_checkpoint(root) in (at("ckpt-2"), at("/ckpt-2"))
    assert names_in(ANYWHERE, at("")) == sorted(os.listdir(tmp_path / "source" / "run"))


def test_a_manager_finds_what_is_there_and_writes_nothing(tmp_path, archived):
    at = archived(run(tmp_path / "source", 1.0, 2.0))
    archive = tmp_path / "archive.zip"
    before = archive.read_bytes()
    root = Root(0.0)
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(root=root), at("run"), max_to_keep=1)
    assert manager.checkpoints == [at("run/ckpt-1"), at("run/ckpt-2")]
    assert manager.restore_or_initialize() == manager.latest_checkpoint == at("run/ckpt-2")
    assert root.w.numpy().tolist() == [2] * 5
    said = r"^zip://run/ckpt-3.*nothing in an archive can be written.*Save to a directory"
    with pytest.raises(UnimplementedError, match=said):
        manager.save()
    assert archive.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["archive.zip", "source"]


def test_the_command(tmp_path, archived, capsys):
    at = archived(run(tmp_path / "source", 1.0, 2.0), "deflated")
    key, out = KEY, str(tmp_path / "out")
    for arguments in (
        ["ls", at("run")], ["ls", at("run/ckpt-1.index")], ["show", at("run/ckpt-1"), key],
        ["get", at("run/ckpt-1"), key, "-o", f"{out}.npy"], ["verify", at("run")],
        ["convert", at("run/ckpt-2"), out, "--to", "npz"], ["diff", at("run/ckpt-2"), out],
        ["salvage", at("run/ckpt-1"), f"{out}2"],
    ):  # fmt: skip
        assert main(arguments) == 0, (arguments, capsys.readouterr())
    assert np.load(f"{out}.npy").tolist() == [1] * 5
    assert main(["diff", at("run/ckpt-1"), at("run/ckpt-2")]) == 1
    capsys.readouterr()
    assert main(["ls", at("run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checkpoint"] == at("run/ckpt-2")
    before = (tmp_path / "archive.deflated").read_bytes()
    assert main(["convert", out, at("run/new"), "--to", "tf-v2"]) == 1
    assert "nothing in an archive can be written" in capsys.readouterr().err.replace("\n", " ")
    assert (tmp_path / "archive.deflated").read_bytes() == before


def test_what_is_missing_is_named(tmp_path, archived):
    at = archived(run(tmp_path / "source", 1.0))
    with pytest.raises(NotFoundError, match=r"no checkpoint 'zip://run/ckpt::.*there is 'zip://run/ckpt-1::\S+archive\.zip'\."):
        TensorBundle().open(at("run/ckpt"))
    with pytest.raises(NotFoundError, match=r"'zip://run/ckpt-1\.index\.index::\S+' does not exist. This is the index file"):
        TensorBundle().open(at("run/ckpt-1.index"))
    with pytest.raises(NotFoundError):
        open_checkpoint(f"zip://run/ckpt-1::{tmp_path}/none.zip")
    with pytest.raises(NotFoundError):
        open_checkpoint(at("run/ckpt-1.index/x"))
    with pytest.raises(InvalidArgumentError, match="is a directory, and no archive"):
        open_checkpoint(f"zip://run/ckpt-1::{tmp_path}")
    assert tf.train.latest_checkpoint(at("elsewhere")) is None
    assert tf.train.latest_checkpoint(f"tar://run::{tmp_path}/none.tar") is None


def test_local_names_with_colons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for prefix in ("a::b/ckpt", "zip::x/ckpt", f"file://{tmp_path}/c::d/ckpt"):
        path = tf.train.Checkpoint(root=Root(3.0)).save(prefix)
        assert path == f"{prefix}-1" == tf.train.latest_checkpoint(prefix.rpartition("/")[0])
    assert sorted(os.listdir(tmp_path)) == ["a::b", "c::d", "zip::x"]


def test_state_files_do_not_lead_out(tmp_path, archived):
    source = run(tmp_path / "source", 1.0)
    (source / "other").mkdir()
    for name in ("../run/ckpt-1", "x::memory://y/ckpt", "/run/ckpt-1", f"x::{tmp_path}/archive.zip"):
        (source / "other" / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')
        at = archived(source)
        assert latest_checkpoint(at("other")) is None
        assert read_state(at("other")) is None
    (source / "other" / "checkpoint").write_text('model_checkpoint_path: "../run/ckpt-1"\n')
    at = archived(source)
    found = latest_checkpoint(at("other"), allow_outside=True)
    assert found == at("other/../run/ckpt-1")
    assert load_checkpoint(found).has_tensor(KEY)


# Which version ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["path", "memory", "nested"])
@pytest.mark.parametrize("packing", ["zip", "deflated", "tar", "tar.gz"])
def test_an_archive_that_is_replaced_is_seen_anew(tmp_path, packing, where):
    archive, inside = tmp_path / "a", None
    for value in (1.0, 2.0, 3.0):
        protocol = pack(run(tmp_path / str(value), value), archive, packing)
        tail = url_of(archive, where)
        if where == "memory":
            inside = inside or tail
            fsspec.filesystem("memory").pipe_file(inside, archive.read_bytes())
            tail = inside
        os.utime(archive, ns=(int(value), int(value)))
        prefix = f"{protocol}://run/ckpt-1::{tail}"
        if value > 1:
            assert not reader.unchanged()  # noqa: F821
            with pytest.raises((AbortedError, DataLossError)):
                reader.read(KEY)  # noqa: F821
        reader = TensorBundle().open(prefix)
        assert reader.unchanged()
        assert reader.read(KEY).tolist() == [value] * 5


def test_files_of_one_archive_are_told_apart(tmp_path, archived):
    at = archived(run(tmp_path / "source", 1.0, 2.0))
    facts = [ANYWHERE.stat(at(name)) for name in ("run/ckpt-1.index", "run/ckpt-2.index", "run", "")]
    assert len({found.st_ino for found in facts[:3]}) == 3
    assert [found.st_mtime for found in facts] == [os.stat(tmp_path / "archive.zip").st_mtime] * 4
    assert ANYWHERE.place(at("run")) == ANYWHERE.place(at("/run/./"))
    os.utime(tmp_path / "archive.zip", ns=(0, os.stat(tmp_path / "archive.zip").st_mtime_ns + 1))
    assert ANYWHERE.stat(at("run/ckpt-1.index")).st_ino != facts[0].st_ino


class Counting(RemoteDisk):
    """Counts the bytes that are asked of a file system."""

    got = 0

    def read(self, handle, into, offset):
        done = super().read(handle, into, offset)
        Counting.got += done
        return done


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_only_what_is_asked_for_is_fetched(tmp_path, archived, packing, monkeypatch):
    values = {name: np.random.default_rng(n).random(1_000_000) for n, name in enumerate("abc")}
    TensorBundle().write(str(tmp_path / "source" / "ckpt"), values)
    at = archived(tmp_path / "source", packing, "memory")
    monkeypatch.setitem(ANYWHERE.__dict__, "_remote", Counting())
    Counting.got = 0
    reader = TensorBundle().open(at("ckpt"))
    assert reader.read_slice("b", [10], [5], verify=False).tolist() == values["b"][10:15].tolist()
    assert Counting.got < 500_000
    Counting.got = 0
    assert np.array_equal(reader.read("c"), values["c"])
    assert Counting.got < 8_100_000


def test_one_file_in_several_threads(tmp_path, archived):
    data = np.random.default_rng(1).integers(0, 9, 1_000_000, dtype=np.uint8)
    TensorBundle().write(str(tmp_path / "source" / "ckpt"), {"a": data})
    at = archived(tmp_path / "source", "deflated")
    handle, wrong = ANYWHERE.open(at("ckpt.data-00000-of-00001")), []

    def read(start):
        into = bytearray(1000)
        for at in range(start, 1_000_000, 200_000):
            if ANYWHERE.read(handle, into, at) != 1000 or into != data[at : at + 1000].tobytes():
                wrong.append(at)

    threads = [threading.Thread(target=read, args=(start,)) for start in (150_000, 50_000, 0, 90_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ANYWHERE.close(handle)
    assert wrong == []


# Other chains -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("form", ["simplecache::memory://{}/run", "dir://run::memory://{}"])
def test_chains_over_stores_are_written_overwritten_and_removed(name, form):
    storage, prefix = format_named(name), f"{form.format(uuid.uuid4().hex)}"
    start, inner, tail = prefix.partition("run")
    prefix = f"{start}{inner}/ckpt{tail}"
    if form.startswith("dir"):
        fsspec.filesystem("memory").makedirs(tail[2:])
    for number in (1, 2, 3):
        storage.write(prefix, {"a": np.full(3 + number, number)})
        assert open_checkpoint(prefix).read("a").tolist() == [number] * (3 + number)
    storage.remove(prefix)
    assert not storage.exists(prefix)
    assert names_in(ANYWHERE, f"{start}{inner}{tail}") == []


def test_a_manager_over_chains():
    base = uuid.uuid4().hex
    fsspec.filesystem("memory").makedirs(f"memory://{base}")
    for directory, first in (
        (f"dir://a/b::memory://{base}", f"dir://a/b/ckpt-1::memory://{base}"),
        (f"simplecache::memory://{base}/c", f"simplecache::memory://{base}/c/ckpt-1"),
    ):
        root = Root(1.0)
        checkpoint = tf.train.Checkpoint(root=root)
        manager = tf.train.CheckpointManager(checkpoint, directory, max_to_keep=2)
        paths = [manager.save() for _ in range(3)]
        assert paths[0] == first
        assert manager.checkpoints == paths[1:]
        assert tf.train.latest_checkpoint(directory) == paths[2]
        assert len(ANYWHERE.names(directory)) == 5
        again = tf.train.CheckpointManager(checkpoint, directory, max_to_keep=2)
        assert again.restore_or_initialize() == paths[2]
        saver = tf.train.Saver({"w": root.w})
        assert tf.train.load_variable(saver.save(None, paths[0]), "w").tolist() == [1] * 5
        tf.train.remove_checkpoint(paths[0])
        assert not tf.train.checkpoint_exists(paths[0])


@pytest.mark.parametrize("form", ["simplecache", "filecache"])
def test_a_cache_keeps_no_old_copy(form):
    url = f"memory://{uuid.uuid4().hex}/ckpt"
    for number in (1, 2):
        TensorBundle().write(url, {"a": np.full(9, number)})
        before = open_files()
        assert TensorBundle().open(f"{form}::{url}").read("a").tolist() == [number] * 9
        assert open_files() == before


def test_references_to_ranges(tmp_path):
    values = {"a": np.arange(9)}
    TensorBundle().write(str(tmp_path / "ckpt"), values)
    packed = b"".join((tmp_path / name).read_bytes() for name in ("ckpt.index", "ckpt.data-00000-of-00001"))
    length = (tmp_path / "ckpt.index").stat().st_size
    (tmp_path / "packed").write_bytes(packed)
    for number in (1, 2):  # the list of references is read anew
        name = f"run{number}/ckpt"
        references = {
            f"{name}.index": [f"file://{tmp_path}/packed", 0, length],
            f"{name}.data-00000-of-00001": [f"file://{tmp_path}/packed", length, len(packed) - length],
        }
        (tmp_path / "refs.json").write_text(json.dumps(references))
        url = f"reference://{name}::file://{tmp_path}/refs.json"
        assert TensorBundle().open(url).read("a").tolist() == list(range(9))
        assert sorted(ANYWHERE.names(f"reference://::file://{tmp_path}/refs.json")) == [f"run{number}"]
    with pytest.raises(tf.errors.OpError):
        TensorBundle().write(url, values)
    assert TensorBundle().open(url).read("a").tolist() == list(range(9))


def test_archives_of_other_kinds(tmp_path, archived):
    pytest.importorskip("libarchive")
    at = archived(run(tmp_path / "source", 1.0, 2.0), "deflated")
    directory = at("run").replace("zip://", "libarchive://", 1)
    prefix = tf.train.latest_checkpoint(directory)
    before = open_files()
    assert load_checkpoint(prefix).get_tensor(KEY).tolist() == [2] * 5
    assert open_files() == before
    with pytest.raises(UnimplementedError):
        TensorBundle().write(prefix, {"a": np.ones(1)})


@pytest.mark.parametrize(
    "url", ["memory://a::b/ckpt", "memory://run/ckpt::memory://x", "file2://a::b", "zip://ckpt", "tar://", "zip://a::none://b"]
)
def test_chains_that_are_none(url):
    with pytest.raises(InvalidArgumentError, match=r"^(memory|file2|zip|none|tar)"):
        TensorBundle().open(url)
    with pytest.raises(tf.errors.OpError):
        TensorBundle().write(url, {"a": np.ones(1)})
    assert not fsspec.filesystem("memory").exists("memory://a")


def test_a_file_system_of_a_chain_is_made_anew():
    plain, chained = "memory://x", "simplecache::memory://x"
    assert place(plain)[0] is place(plain)[0]
    assert place(chained)[0] is not place(chained)[0]


def test_names_that_no_url_can_have():
    base = f"memory://{uuid.uuid4().hex}"
    fsspec.filesystem("memory").pipe_file(f"{base}/a::b", b"")
    fsspec.filesystem("memory").pipe_file(f"{base}/ab", b"")
    assert ANYWHERE.names(base) == ["ab"]


# The disk of archives itself -----------------------------------------------------------------------------------------------


def test_what_cannot_be_done_in_an_archive(tmp_path, archived):
    at = archived(run(tmp_path / "source", 1.0))
    there, free = at("run/checkpoint"), at("run/new")
    disk, before = ArchiveDisk(Disk(), -5), (tmp_path / "archive.zip").read_bytes()
    for act in (
        lambda: disk.create(free), lambda: disk.replace(there, free), lambda: disk.link(there, free),
        lambda: disk.remove(there), lambda: disk.remove_directory(at("run")), lambda: disk.make_directory(free),
    ):  # fmt: skip
        with pytest.raises(UnimplementedError, match=r"^zip://run\S*: nothing in an archive can be written or deleted"):
            act()
    with pytest.raises(FileNotFoundError):
        disk.remove(free)
    with pytest.raises(IsADirectoryError):
        disk.open(at("run"))
    assert (tmp_path / "archive.zip").read_bytes() == before
    first, second = disk.open(there), disk.open(at("run/ckpt-1.index"))
    assert (first, second) == (-5, -6)
    assert disk.map(first) is None
    assert disk.size(first) == os.path.getsize(tmp_path / "source" / "run" / "checkpoint")
    for handle in (first, second):
        disk.close(handle)
    with pytest.raises(KeyError):
        disk.close(first)


class Looked(Disk):
    """Counts how often a file is opened; ``changing``: it is another one each time."""

    def __init__(self, changing=False):
        self.opened, self.changing = 0, changing

    def open(self, path):
        self.opened += 1
        return super().open(path)

    def stat(self, path):
        if self.changing:
            os.utime(path, ns=(0, self.opened + os.stat(path).st_mtime_ns + 1_000_000))
        return super().stat(path)


def test_what_is_in_an_archive_is_looked_up_once_while_it_is_the_same(tmp_path, archived):
    archives = []
    for number in range(KEPT + 1):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a").write_bytes(b"1")
        archives.append(tmp_path / f"{number}.zip")
        pack(tmp_path / str(number), archives[-1], "zip")
    outer = Looked()
    disk = ArchiveDisk(outer, -1)
    for _ in range(3):
        assert disk.stat(f"zip://a::{archives[0]}").st_size == 1
    assert outer.opened == 1
    for archive in archives[1:KEPT]:
        disk.names(f"zip://::{archive}")
    disk.stat(f"zip://a::{archives[0]}")
    disk.stat(f"zip://a::{archives[KEPT]}")  # now one too many: that goes which was asked for longest ago
    disk.stat(f"zip://a::{archives[0]}")
    assert outer.opened == KEPT + 1
    disk.stat(f"zip://a::{archives[1]}")
    assert outer.opened == KEPT + 2
    changing = Looked(changing=True)
    disk = ArchiveDisk(changing, -1)
    for _ in range(3):
        disk.stat(f"zip://a::{archives[0]}")
    assert changing.opened == 3
    meanwhile = Looked()
    disk = ArchiveDisk(meanwhile, -1)
    there = iter([archives[number] for number in (0, 1, 0, 0, 0)])  # another one while it is read, and then the first again
    meanwhile.stat = lambda path: os.stat(next(there))
    for _ in range(3):
        disk.stat(f"zip://a::{archives[0]}")
    assert meanwhile.opened == 2


def test_other_things_in_a_tar_archive(tmp_path):
    source = run(tmp_path / "source", 1.0)
    os.mkfifo(source / "run" / "pipe")
    pack(source, tmp_path / "a.tar", "tar")
    with tarfile.open(tmp_path / "a.tar", "a") as out:
        out.add(source / "run" / "pipe", "top")
    assert ANYWHERE.names(f"tar://::{tmp_path}/a.tar") == ["run"]
    assert ANYWHERE.names(f"tar://run::{tmp_path}/a.tar") == sorted(set(os.listdir(source / "run")) - {"pipe"})


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_what_packs_a_tar_archive_is_known_by_its_first_bytes(tmp_path, compress):
    (tmp_path / "a").write_bytes(compress(b"content"))
    disk = Disk()
    handle = disk.open(str(tmp_path / "a"))
    stream, packed = _opened(FileView(disk, handle), "a")
    assert (packed, stream.read()) == (compress is not bytes, b"content")
    disk.close(handle)


def test_a_packed_archive_that_became_shorter(tmp_path):
    data = gzip.compress(bytes(1000))
    (tmp_path / "a").write_bytes(data)
    info, disk = tarfile.TarInfo("x"), Disk()
    info.size, info.offset_data = 600, 512
    handle = disk.open(str(tmp_path / "a"))
    pieces = _unpacked(info, FileView(disk, handle), "tar://x::a")
    assert next(pieces) == bytes(488)
    with pytest.raises(DataLossError, match="^tar://x::a: it cannot be unpacked, or it is damaged: the file ends too early"):
        next(pieces)
    info.size = 400
    assert list(_unpacked(info, FileView(disk, handle), "tar://x::a")) == [bytes(400)]
    disk.close(handle)
