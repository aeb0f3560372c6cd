"""URLs: fsspec's file system in memory, and one that counts what is asked of it and has no directories, as object stores."""

import datetime as dt
import errno
import json
import uuid

import numpy as np
import pytest

import minitf as tf
from minitf.cli import main
from minitf.errors import AbortedError, DataLossError, InvalidArgumentError, NotFoundError, PermissionDeniedError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.detect import open_checkpoint
from minitf.storage.file_view import FileView
from minitf.storage.files import names_in
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.paths import is_url, parent_of, split_path
from minitf.storage.remote import RemoteDisk, _seconds, oserrors
from minitf.storage.state_file import latest_checkpoint

fsspec = pytest.importorskip("fsspec")
memory = pytest.importorskip("fsspec.implementations.memory")


class ObjectStore(memory.MemoryFileSystem):
    """Objects by name: directories are only what names have in common, and every range that is fetched is written down."""

    protocol = "objects"
    store = {}
    pseudo_dirs = [""]
    fetched = []
    refuse = None
    cachable = False

    @classmethod
    def _strip_protocol(cls, path):
        return memory.MemoryFileSystem._strip_protocol(path.replace("objects://", "memory://"))

    def mkdir(self, path, create_parents=True, **kwargs):
        pass

    def makedirs(self, path, exist_ok=False):
        pass

    def cat_file(self, path, start=None, end=None, **kwargs):
        if self.refuse:
            raise self.refuse
        data = super().cat_file(path, start, end, **kwargs)
        self.fetched.append((path.rpartition("/")[2], start, len(data)))
        return data


@pytest.fixture(params=["memory", "objects"])
def place(request):
    """A directory by URL that nobody else uses."""
    if "objects" not in fsspec.registry:
        fsspec.register_implementation("objects", ObjectStore, clobber=True)
    ObjectStore.fetched.clear()
    ObjectStore.refuse = None
    return f"{request.param}://bucket-{uuid.uuid4().hex}/run"


@pytest.fixture
def objects(place):
    if not place.startswith("objects"):
        pytest.skip("only the store that counts")
    return place


VALUES = {"a": np.arange(6, dtype=np.float32), "s": np.array([b"x", b"yy"], object), "z": np.zeros((0, 2))}


def same(reader, values):
    return list(reader.keys()) == sorted(values) and all(np.array_equal(reader.read(k), v) for k, v in values.items())


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_writes_reads_overwrites_and_removes(place, name):
    storage = format_named(name)
    prefix = f"{place}/ckpt"
    assert not storage.exists(prefix)
    with pytest.raises(NotFoundError):
        storage.open(prefix)
    storage.write(prefix, VALUES)
    assert same(storage.open(prefix), VALUES)
    other = {"b": np.ones(3)}
    storage.write(prefix, other)
    assert same(open_checkpoint(prefix), other)
    storage.remove(prefix)
    assert not storage.exists(prefix)
    assert names_in(ANYWHERE, place) == []


def test_no_temporary_file_is_left(place):
    TensorBundle().write(f"{place}/ckpt", VALUES)
    assert sorted(ANYWHERE.names(place)) == ["ckpt.data-00000-of-00001", "ckpt.index"]


class Root(tf.Module):
    def __init__(self, value):
        self.w = tf.Variable(value)


def test_saver_and_latest_checkpoint_in_both_modes(mode, place):
    with mode.scope():
        saved = Root([1.0, 2.0])
        mode.value(saved.w)
        path = tf.CheckpointableSaver(saved).save(f"{place}/ckpt", 3)
        assert path == f"{place}/ckpt-3" == tf.train.latest_checkpoint(place) == latest_checkpoint(place)
        other = Root([0.0, 0.0])
        status = tf.CheckpointableSaver(other).restore(path)
        status.assert_consumed()
        status.initialize_or_restore()
        found = tf.get_default_session().run(other.w) if mode.name == "graph" else other.w.numpy()
        assert found.tolist() == [1, 2]


def test_manager_keeps_and_deletes(place):
    root = Root(0.0)
    checkpoint = tf.train.Checkpoint(root=root)
    manager = tf.train.CheckpointManager(checkpoint, place, max_to_keep=2)
    paths = [manager.save() for _ in range(4)]
    assert manager.checkpoints == paths[2:]
    assert sum(name.endswith(".index") for name in ANYWHERE.names(place)) == 2
    again = tf.train.CheckpointManager(checkpoint, place, max_to_keep=2)
    assert again.latest_checkpoint == paths[-1]
    assert again.checkpoints == paths[2:]
    assert len(tf.train.get_checkpoint_mtimes(paths)) == 2


def test_name_based_saver(place):
    v = tf.Variable([1.0], name="v")
    saver = tf.train.Saver({"v": v})
    path = saver.save(None, f"{place}/model", global_step=1)
    v.assign([5.0])
    saver.restore(None, path)
    assert v.numpy().tolist() == [1]
    assert tf.train.load_variable(place, "v").tolist() == [1]
    tf.train.remove_checkpoint(path)
    assert not tf.train.checkpoint_exists(path)


def test_the_command(place, tmp_path, capsys):
    TensorBundle().write(str(tmp_path / "a"), VALUES)
    assert main(["convert", str(tmp_path / "a"), f"{place}/b", "--to", "npz"]) == 0
    assert main(["diff", str(tmp_path / "a"), f"{place}/b"]) == 0
    assert main(["verify", f"{place}/b"]) == 0
    capsys.readouterr()
    assert main(["ls", f"{place}/b.npz", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["values"]) == 3


def test_merge_copies_where_there_are_no_second_names(place):
    for name in "ab":
        TensorBundle().write(f"{place}/{name}", {name: np.arange(4)})
    merge([f"{place}/a", f"{place}/b"], f"{place}/all", delete_inputs=True)
    assert same(TensorBundle().open(f"{place}/all"), {"a": np.arange(4), "b": np.arange(4)})


def test_only_what_is_asked_for_is_fetched(objects):
    values = {name: np.full(300_000, n, np.float32) for n, name in enumerate("abc")}
    TensorBundle().write(f"{objects}/ckpt", values)
    reader = TensorBundle().open(f"{objects}/ckpt")
    ObjectStore.fetched.clear()
    assert (reader.read("b") == 1).all()
    assert {name for name, _, _ in ObjectStore.fetched} == {"ckpt.data-00000-of-00001"}
    assert sum(size for _, _, size in ObjectStore.fetched) == 1_200_000
    assert min(start for _, start, _ in ObjectStore.fetched) == 1_200_000
    ObjectStore.fetched.clear()
    reader.read_slice("c", [10], [5], verify=False)
    assert [(start, size) for _, start, size in ObjectStore.fetched] == [(2_400_040, 20)]


def test_a_set_that_is_replaced_is_noticed(place):
    storage = TensorBundle()
    storage.write(f"{place}/ckpt", {"a": np.arange(10)})
    reader = storage.open(f"{place}/ckpt")
    assert reader.unchanged()
    storage.write(f"{place}/ckpt", {"a": np.arange(20)})
    assert not reader.unchanged()
    with pytest.raises(AbortedError, match="replaced"):
        reader.read("a")


def test_damage_is_noticed(place):
    TensorBundle().write(f"{place}/ckpt", {"a": np.arange(10)})
    system, name = fsspec.core.url_to_fs(f"{place}/ckpt.data-00000-of-00001")
    content = bytearray(system.cat_file(name))
    content[5] ^= 1
    system.pipe_file(name, bytes(content))
    with pytest.raises(DataLossError, match="checksum"):
        TensorBundle().open(f"{place}/ckpt").read("a")


@pytest.mark.parametrize(
    "raised, kind",
    [(PermissionError("no"), PermissionDeniedError), (RuntimeError("the client is confused"), tf.errors.OpError)],
)
def test_errors_of_a_client_become_typed(objects, raised, kind):
    TensorBundle().write(f"{objects}/ckpt", {"a": np.arange(10)})
    reader = TensorBundle().open(f"{objects}/ckpt")
    ObjectStore.refuse = raised
    with pytest.raises(kind, match=str(raised)):
        reader.read("a")


def test_unknown_protocols_and_missing_packages_say_what_to_do():
    with pytest.raises(InvalidArgumentError, match="nosuch"):
        TensorBundle().open("nosuch://a/b")
    fsspec.register_implementation("needy", "a_package_that_is_not_there.Needy", errtxt="install needy", clobber=True)
    with pytest.raises(tf.errors.UnimplementedError, match="install needy"):
        TensorBundle().open("needy://a/b")


def test_a_file_view_of_a_url(place):
    Npz = FORMATS["npz"]
    Npz().write(f"{place}/x", {"a": np.arange(3)})
    handle = ANYWHERE.open(f"{place}/x.npz")
    try:
        assert np.load(FileView(ANYWHERE, handle))["a"].tolist() == [0, 1, 2]
    finally:
        ANYWHERE.close(handle)


def test_what_a_url_is_and_where_its_root_ends():
    assert is_url("s3://bucket/key")
    assert is_url("simplecache::s3://bucket/key")
    assert not is_url("/s3://bucket")
    assert not is_url("C:\\run")
    assert split_path("memory://ckpt") == ("memory://", "ckpt")
    assert split_path("memory://") == ("memory://", "")
    assert parent_of("memory://run/ckpt") == "memory://run"
    assert parent_of("a/b") == "a"


def test_a_prefix_at_the_root_of_a_file_system():
    storage = TensorBundle()
    storage.write("memory://at-the-root", VALUES)
    assert same(storage.open("memory://at-the-root"), VALUES)
    storage.remove("memory://at-the-root")


def test_a_file_system_that_can_rename_is_asked_to(tmp_path, monkeypatch):
    local = pytest.importorskip("fsspec.implementations.local")
    monkeypatch.setattr(local.LocalFileSystem, "cp_file", lambda *arguments: pytest.fail("copied"))
    disk = RemoteDisk()
    for data in (b"1", b"22"):
        handle = disk.create(f"file://{tmp_path}/new")
        disk.write(handle, data, 0)
        disk.close(handle)
        disk.replace(f"file://{tmp_path}/new", f"file://{tmp_path}/x")
        assert (tmp_path / "x").read_bytes() == data
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.interop
def test_tensorflow_reads_what_came_from_a_url(place, tmp_path, oracle):
    path = tf.CheckpointableSaver(Root([3.0, 4.0])).save(f"{place}/ckpt")
    system, _ = fsspec.core.url_to_fs(path)
    for name in ANYWHERE.names(place):
        (tmp_path / name).write_bytes(system.cat_file(fsspec.core.url_to_fs(f"{place}/{name}")[1]))
    script = """
        import json, sys
        import tensorflow as tf
        w = tf.Variable([0.0, 0.0])
        tf.train.Checkpoint(w=w).read(tf.train.latest_checkpoint(sys.argv[1])).assert_consumed()
        print(json.dumps(w.numpy().tolist()))
    """
    assert oracle(script, tmp_path) == [3.0, 4.0]


# The disk itself --------------------------------------------------------------------------------------------------------


def test_what_the_other_end_refuses(place):
    disk = RemoteDisk()
    TensorBundle().write(f"{place}/a", {"x": np.ones(2)})
    with pytest.raises(FileExistsError):
        disk.create(f"{place}/a.index")
    disk.make_directory(f"{place}/empty")
    disk.remove_directory(f"{place}/empty") if place.startswith("memory") else None
    assert "empty" not in disk.names(place)


def test_errors_of_clients_become_errors_of_the_system():
    for raised, number in (
        (FileNotFoundError("gone"), errno.ENOENT), (TimeoutError(), errno.ETIMEDOUT), (OSError("odd"), errno.EIO),
        (KeyError("token"), errno.EIO), (OSError(errno.EACCES, "no"), errno.EACCES),
    ):  # fmt: skip
        with pytest.raises(OSError) as caught, oserrors("x://a"):
            raise raised
        assert caught.value.errno == number
    with pytest.raises(DataLossError), oserrors("x://a"):
        raise DataLossError("ours")


def test_times_in_any_form():
    when = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert _seconds({"mtime": 5}) == 5.0
    assert _seconds({"mtime": "never", "LastModified": when}) == when.timestamp()
    assert _seconds({}) == 0.0


def test_lazy_values_by_url_are_read(place):
    TensorBundle().write(f"{place}/a", {"x": np.ones(2)})
    assert TensorBundle().open(f"{place}/a").read_lazily("x").tolist() == [1, 1]
