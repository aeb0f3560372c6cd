"""Every request to an object store goes wrong once, in each way: the set is the old or the new one, whole, and the error typed.

A request can be refused; be carried out while its answer is lost; be cut off by Ctrl-C and be carried out later, since fsspec
makes requests in a thread of its own; or be the first of many that fail, when the network is gone.
"""

import contextlib
import errno
import uuid

import numpy as np
import pytest

import minitf as tf
from minitf import errors
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.files import names_in
from minitf.storage.formats import FORMATS
from minitf.storage.remote import RemoteDisk
from minitf.storage.state_file import latest_checkpoint, read_state

fsspec = pytest.importorskip("fsspec")
memory = pytest.importorskip("fsspec.implementations.memory")

WAYS = ("refused", "answer lost", "interrupted", "interrupted, done later", "network gone")


class Store(memory.MemoryFileSystem):
    """Objects by name. Request number ``fail_at`` goes wrong."""

    protocol = "unsafe"
    store = {}
    pseudo_dirs = [""]
    cachable = False
    made = fail_at = 0
    way = ""
    failed = None
    late = []

    @classmethod
    def _strip_protocol(cls, path):
        return memory.MemoryFileSystem._strip_protocol(path.replace("unsafe://", "memory://"))

    @classmethod
    def begin(cls, fail_at=0, way=""):
        cls.made, cls.fail_at, cls.way, cls.failed = 0, fail_at, way, None
        cls.late.clear()

    @classmethod
    def end(cls):
        """The network is well again; what was under way arrives."""
        while cls.late:
            with contextlib.suppress(OSError):
                cls.late.pop(0)()
        cls.fail_at = 0

    def mkdir(self, path, create_parents=True, **kwargs):
        pass

    def open(self, path, mode="rb", **kwargs):
        assert mode == "wb"
        return Upload(self, path)


class Upload:
    """A file that appears when it is closed."""

    def __init__(self, store, path):
        self.store, self.path, self.parts = store, path, []

    def __enter__(self):
        return self

    def write(self, data):
        self.parts.append(bytes(data))

    def __exit__(self, kind, *rest):
        self.store.upload(self.path, b"".join(self.parts))


def _request(name, act):
    def request(self, *arguments, **more):
        Store.made += 1
        now = Store.made == Store.fail_at
        if not now and not (Store.way == "network gone" and 0 < Store.fail_at < Store.made):
            return act(self, *arguments, **more)
        Store.failed = Store.failed or name
        if Store.way == "refused":
            raise PermissionError("Access Denied")
        if Store.way == "network gone":
            raise RuntimeError("cannot connect")
        if Store.way in ("answer lost", "interrupted"):
            with contextlib.suppress(OSError):
                act(self, *arguments, **more)
        if Store.way == "answer lost":
            raise TimeoutError("no answer")
        if Store.way == "interrupted, done later":
            Store.late.append(lambda: act(self, *arguments, **more))
        raise KeyboardInterrupt

    return request


REQUESTS = ("info", "ls", "cp_file", "rm_file", "cat_file")
for _name in REQUESTS:
    setattr(Store, _name, _request(_name, getattr(memory.MemoryFileSystem, _name)))
Store.upload = _request("upload", lambda store, path, data: store.store.update({path: memory.MemoryFile(store, path, data)}))
Store.exists = lambda self, path: self.store.get(self._strip_protocol(path)) is not None
Store.isfile = Store.exists
Store.isdir = lambda self, path: False


@pytest.fixture
def place():
    if "unsafe" not in fsspec.registry:
        fsspec.register_implementation("unsafe", Store, clobber=True)
    Store.begin()
    Store.store.clear()
    yield f"unsafe://bucket-{uuid.uuid4().hex}/run"
    Store.begin()
    Store.store.clear()


def every_fault(prepare, act, way):
    """Runs ``act`` on what ``prepare`` makes, with one request after the other going wrong; yields behind each the error."""
    fail_at = 0
    while True:
        fail_at += 1
        Store.begin()
        Store.store.clear()
        prepare()
        Store.begin(fail_at, way)
        raised = None
        try:
            act()
        except (errors.OpError, KeyboardInterrupt) as error:
            raised = error
        failed = Store.failed
        Store.end()
        if failed is None:
            assert raised is None
            assert fail_at > 5
            return
        if isinstance(raised, KeyboardInterrupt):
            assert way.startswith("interrupted")
        yield raised
        assert not ANYWHERE._remote._open


def tensors(seed):
    return {"a": np.full(300, seed, np.float32), "s": np.array([b"x" * seed], object), "b": np.float32(seed)}


def found_at(prefix, kind):
    storage = kind()
    if not storage.exists(prefix):
        return None
    reader = storage.open(prefix)
    seed = int(reader.read("b"))
    assert all((reader.read(key) == value).all() for key, value in tensors(seed).items())
    return seed


def left_over(place):
    return [name for name in ANYWHERE.names(place) if ".tmp-" in name]


def three_files(**more):
    return TensorBundle(shards=3, **more)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("kind", [*FORMATS.values(), three_files])
def test_a_save_leaves_the_old_set_or_the_new(place, kind, over, way):
    prefix = f"{place}/ckpt"
    old = 1 if over else None
    prepare = lambda: kind().write(prefix, tensors(1)) if over else None
    seen = []
    for raised in every_fault(prepare, lambda: kind().write(prefix, tensors(2)), way):
        found = found_at(prefix, kind)
        assert found == 2 if raised is None else found in (old, 2)
        seen.append(found)
        kind().write(prefix, tensors(3))
        assert found_at(prefix, kind) == 3
        assert left_over(place) == []
        assert len({name.rpartition("-of-")[2] for name in ANYWHERE.names(place) if ".data-" in name}) <= 1
    assert seen[0] == old
    assert 2 in seen or way == "network gone"


@pytest.mark.parametrize("way", WAYS)
def test_a_merge_leaves_its_inputs_or_the_whole_result(place, way):
    inputs = [f"{place}/a", f"{place}/b"]

    def prepare():
        for number, prefix in enumerate(inputs):
            TensorBundle().write(prefix, {f"k{number}": np.full(5, number)})

    values = lambda prefix: {key: TensorBundle().open(prefix).read(key).tolist() for key in TensorBundle().open(prefix).keys()}
    for raised in every_fault(prepare, lambda: merge(inputs, f"{place}/all", delete_inputs=True), way):
        whole = TensorBundle().exists(f"{place}/all")
        if whole:
            assert values(f"{place}/all") == {"k0": [0] * 5, "k1": [1] * 5}
        else:
            assert raised is not None
            assert [values(prefix) for prefix in inputs] == [{"k0": [0] * 5}, {"k1": [1] * 5}]
            merge(inputs, f"{place}/all", delete_inputs=True)
            assert values(f"{place}/all") == {"k0": [0] * 5, "k1": [1] * 5}
            assert left_over(place) == []


class Root(tf.Module):
    def __init__(self, value):
        super().__init__()
        self.w = tf.Variable(value)


def restored(path):
    root = Root(0.0)
    tf.train.Checkpoint(root=root).read(path).assert_existing_objects_matched()
    return float(root.w.numpy())


@pytest.mark.parametrize("way", WAYS)
def test_a_managers_rotation(place, way):
    made = {}

    def prepare():
        made["root"] = Root(0.0)
        made["manager"] = tf.train.CheckpointManager(tf.train.Checkpoint(root=made["root"]), place, max_to_keep=2)
        for value in (1.0, 2.0, 3.0):
            made["root"].w.assign(value)
            made["manager"].save()
        made["root"].w.assign(4.0)

    for raised in every_fault(prepare, lambda: made["manager"].save(), way):
        newest = tf.train.latest_checkpoint(place)
        value = restored(newest)
        assert value == float(newest.rpartition("-")[2])
        assert value == 4 if raised is None else value in (3, 4)
        for path in made["manager"].checkpoints[-2:]:
            assert restored(path) == float(path.rpartition("-")[2])
        for _ in range(3):
            made["root"].w.assign(float(made["manager"].checkpoint.save_counter.numpy()) + 1)
            path = made["manager"].save()
            assert tf.train.latest_checkpoint(place) == path
            again = tf.train.CheckpointManager(tf.train.Checkpoint(root=Root(0.0)), place, max_to_keep=2)
            assert again.checkpoints == made["manager"].checkpoints
            assert all(restored(path) == float(path.rpartition("-")[2]) for path in again.checkpoints)
        wanted = ["checkpoint", *(f"{path}.{end}" for path in again.checkpoints for end in ("data-00000-of-00001", "index"))]
        assert sorted(ANYWHERE.names(place)) == [name.rpartition("/")[2] for name in wanted]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("background", [False, True])
def test_a_saver_and_its_state_file(place, background, way):
    made = {}

    def prepare():
        made["root"] = Root(1.0)
        storage = BackgroundStorage(TensorBundle()) if background else None
        made["saver"], made["storage"] = tf.CheckpointableSaver(made["root"], storage=storage), storage
        made["saver"].save(f"{place}/ckpt", 1)
        if background:
            storage.wait()
        made["root"].w.assign(2.0)

    def act():
        made["saver"].save(f"{place}/ckpt", 2)
        if background:
            made["storage"].wait()

    for raised in every_fault(prepare, act, way):
        newest = latest_checkpoint(place)
        value = restored(newest)
        assert value == float(newest.rpartition("-")[2])
        assert value == 2 if raised is None else value in (1, 2)
        assert read_state(place).model_checkpoint_path == newest
        act()
        assert restored(latest_checkpoint(place)) == 2
        assert left_over(place) == []


def test_a_save_succeeds_if_only_deletions_are_refused(place, monkeypatch):
    def refused(store, path):
        raise PermissionError("Access Denied")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "rm_file", refused)
        for number in (1, 2):
            TensorBundle().write(f"{place}/ckpt", tensors(number))
            assert found_at(f"{place}/ckpt", TensorBundle) == number
    assert left_over(place)
    TensorBundle().write(f"{place}/ckpt", tensors(3))
    assert left_over(place) == []


def test_a_file_that_cannot_be_finished_is_not_sent(place, monkeypatch):
    """The local disk is full while the file grows: nothing of it goes over the network."""

    def full(disk, handle, data, offset):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(RemoteDisk, "write", full)
    monkeypatch.setattr(Store, "upload", lambda *arguments: pytest.fail(f"sent: {arguments}"))
    with pytest.raises(errors.ResourceExhaustedError):
        TensorBundle().write(f"{place}/ckpt", tensors(1))
    assert not ANYWHERE._remote._open


@pytest.mark.parametrize("stem", ["ckpt[1]", "ck*", "a?b", "päth", "two words", "50%25"])
def test_names_that_look_like_patterns(place, stem):
    for number in (1, 2):
        TensorBundle().write(f"{place}/{stem}", tensors(number))
        assert found_at(f"{place}/{stem}", TensorBundle) == number
    assert len(ANYWHERE.names(place)) == 3
    TensorBundle().remove(f"{place}/{stem}")
    assert names_in(ANYWHERE, place) == []
