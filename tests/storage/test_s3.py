"""A real S3 server on the loopback, started here: what goes over the wire is counted, and none of it goes anywhere else."""

import json
import shutil
import socket
import threading
import uuid

import numpy as np
import pytest

import minitf as tf
from minitf.cli import main
from minitf.errors import NotFoundError, OpError, UnimplementedError
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.formats import FORMATS, format_named

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("s3fs")
pytest.importorskip("moto")
pytest.importorskip("flask_cors")


class Counting:
    """A WSGI application around the server's: notes each request (method, object, bytes of the answer)."""

    def __init__(self, application):
        self.application = application
        self.requests = []
        self.fail_at, self.way = 0, ""

    def fail(self, fail_at, way):
        """From now on request number ``fail_at`` is refused, or is carried out while its answer is lost."""
        self.requests.clear()
        self.fail_at, self.way = fail_at, way

    def __call__(self, environ, start_response):
        if len(self.requests) + 1 == self.fail_at:
            self.requests.append((environ["REQUEST_METHOD"], self.way, 0))
            if self.way == "answer lost":
                for _ in self.application(environ, lambda *arguments: lambda data: None):
                    pass
            else:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("403 Forbidden" if self.way == "refused" else "500 Internal Server Error", [("Content-Length", "0")])
            return [b""]
        answered = {}

        def start(status, headers, *more):
            answered.update((name.lower(), value) for name, value in headers)
            return start_response(status, headers, *more)

        answer = self.application(environ, start)
        name = environ["PATH_INFO"].rpartition("/")[2]
        self.requests.append((environ["REQUEST_METHOD"], name, int(answered.get("content-length", 0))))
        return answer

    def fetched(self, end):
        """The sizes of the answers to requests for the content of objects whose names end so."""
        return [size for method, name, size in self.requests if method == "GET" and name.endswith(end)]


@pytest.fixture(scope="module")
def server():
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    counting = Counting(DomainDispatcherApplication(create_backend_app))
    running = make_server("127.0.0.1", 0, counting, threaded=True)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running, counting
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def requests(server, monkeypatch, tmp_path):
    """The counter. In its test S3 is this server, and a connection to any other machine fails."""
    running, counting = server
    for name, value in {
        "AWS_ACCESS_KEY_ID": "of-no-use-elsewhere", "AWS_SECRET_ACCESS_KEY": "of-no-use-elsewhere",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://127.0.0.1:{running.port}"})
    connect = socket.socket.connect

    def only_here(self, address):
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", f"a connection to {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_here)
    counting.requests.clear()
    return counting


@pytest.fixture
def place(requests):
    """A directory in a new bucket."""
    bucket = f"bucket-{uuid.uuid4().hex}"
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}/run"


class Model(tf.Module):
    """Two variables."""

    def __init__(self, factor):
        super().__init__()
        self.w = tf.Variable(np.arange(6, dtype=np.float32) * factor)
        self.large = tf.Variable(np.full(500_000, factor, np.float32))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_read_overwritten_and_removed(place, name):
    storage, prefix = format_named(name), f"{place}/ckpt"
    assert not storage.exists(prefix)
    for number in (1, 2):
        storage.write(prefix, {"a": np.full(4, number), "s": np.array([b"x", b"yy"], object)})
        reader = storage.open(prefix)
        assert reader.read("a").tolist() == [number] * 4
        assert reader.read("s").tolist() == [b"x", b"yy"]
    storage.remove(prefix)
    with pytest.raises(NotFoundError):
        storage.open(prefix)
    assert ANYWHERE.names(place.rpartition("/")[0]) == []


def test_save_and_restore_in_both_modes(place, mode):
    with mode.scope():
        model = Model(3)
        mode.value(model.w)
        path = tf.CheckpointableSaver(model).save(f"{place}/ckpt", 7)
        assert tf.train.latest_checkpoint(place) == path == f"{place}/ckpt-7"
        other = Model(0)
        status = tf.CheckpointableSaver(other).restore(path)
        status.assert_consumed()
        status.initialize_or_restore()
        found = tf.get_default_session().run(other.w) if mode.name == "graph" else other.w.numpy()
        assert found.tolist() == [0, 3, 6, 9, 12, 15]


def test_a_bucket_that_is_not_there_is_not_made(requests):
    for url in (f"s3://bucket-{uuid.uuid4().hex}/run", f"simplecache::s3://bucket-{uuid.uuid4().hex}/run"):
        manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(1.0)), url, max_to_keep=1)
        with pytest.raises(NotFoundError, match=r"The specified bucket (does not|doesn't) exist"):
            manager.save()
        assert not fsspec.filesystem("s3").exists(url.rpartition("s3://")[2].partition("/")[0])


def test_a_restore_before_the_objects_exist(place):
    path = tf.train.Checkpoint(root=Model(2)).write(f"{place}/ckpt")
    root = tf.Module()
    status = tf.train.Checkpoint(root=root).read(path, lazy=True)  # what cannot be mapped is read
    root.w, root.large = tf.Variable(np.zeros(6, np.float32)), tf.Variable(np.zeros(500_000, np.float32))
    status.assert_consumed()
    assert root.w.numpy()[-1] == 10
    assert (root.large.numpy() == 2).all()


def test_a_manager_keeps_the_newest(place):
    checkpoint = tf.train.Checkpoint(root=Model(1))
    manager = tf.train.CheckpointManager(checkpoint, place, max_to_keep=2)
    paths = [manager.save() for _ in range(3)]
    assert manager.checkpoints == paths[1:]
    names = sorted(ANYWHERE.names(place))
    assert names == ["checkpoint", *(f"ckpt-{n}.{end}" for n in (2, 3) for end in ("data-00000-of-00001", "index"))]
    again = tf.train.CheckpointManager(checkpoint, place, max_to_keep=2)
    assert again.restore_or_initialize() == paths[-1]


def test_a_newest_checkpoint_that_lacks_a_file_gives_way(place):
    checkpoint = tf.train.Checkpoint(root=Model(1))
    manager = tf.train.CheckpointManager(checkpoint, place, max_to_keep=5)
    _, second, _ = [manager.save() for _ in range(3)]
    ANYWHERE.remove(f"{manager.latest_checkpoint}.data-00000-of-00001")
    assert tf.train.latest_checkpoint(place) == second


def test_the_command_with_urls(place, tmp_path, capsys):
    tf.train.Checkpoint(root=Model(2)).write(f"{place}/a")
    local = str(tmp_path / "local")
    for arguments in (
        ["ls", f"{place}/a"],
        ["ls", f"{place}/a.index"],
        ["show", f"{place}/a", "w/.ATTRIBUTES/VARIABLE_VALUE"],
        ["get", f"{place}/a", "w/.ATTRIBUTES/VARIABLE_VALUE", "-o", f"{local}.npy"],
        ["verify", f"{place}/a"],
        ["convert", f"{place}/a", f"{place}/b", "--to", "safetensors"],
        ["convert", f"{place}/b", local, "--to", "npz"],
        ["diff", f"{place}/a", local],
    ):
        assert main(arguments) == 0, (arguments, capsys.readouterr())
    assert np.load(f"{local}.npy").tolist() == [0, 2, 4, 6, 8, 10]
    capsys.readouterr()
    assert main(["ls", f"{place}/b.safetensors", "--json"]) == 0
    assert [value["key"][0] for value in json.loads(capsys.readouterr().out)["values"]] == ["l", "w"]
    assert main(["verify", f"{place}/nothing"]) == 1


@pytest.mark.parametrize("packing", ["zip", "tar"])
def test_a_checkpoint_in_an_archive(place, requests, tmp_path, packing):
    for number in (1, 2):  # the archive is replaced, and seen anew
        path = tf.train.Checkpoint(root=Model(number)).save(str(tmp_path / str(number) / "run" / "ckpt"))
        archive = shutil.make_archive(str(tmp_path / "archive"), packing, tmp_path / str(number))
        url = f"{place}/archive.{packing}"
        fsspec.filesystem("s3").put_file(archive, url)
        inside = f"{packing}://run::{url}"
        requests.requests.clear()
        found = tf.train.latest_checkpoint(inside)
        assert found == f"{packing}://run/{path.rpartition('/')[2]}::{url}"
        model = Model(0)
        del model.large
        tf.train.Checkpoint(root=model).restore(found).expect_partial()
        assert model.w.numpy().tolist() == [0, number, 2 * number, 3 * number, 4 * number, 5 * number]
        if packing == "tar":
            assert sum(requests.fetched(packing)) < 500_000  # not the large value, whose bytes stand there as they are
    assert main(["verify", found]) == 0
    with pytest.raises(UnimplementedError, match="nothing in an archive"):
        tf.train.Checkpoint(root=Model(3)).save(f"{packing}://run/ckpt::{url}")


@pytest.fixture
def no_second_try(requests, monkeypatch):
    """The client does not repeat a request, so that each failure is seen."""
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    settings = {**fsspec.config.conf["s3"], "config_kwargs": {"retries": {"total_max_attempts": 1, "mode": "standard"}}}
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    yield
    requests.fail(0, "")


@pytest.mark.parametrize("way", ["refused", "answer lost"])
def test_whichever_request_fails_the_set_is_the_old_or_the_new(place, requests, no_second_try, way):
    values = lambda n: {"a": np.full(40, n), "n": np.int64(n)}
    storage, found = TensorBundle(shards=2), set()
    for fail_at in range(1, 200):
        prefix = f"{place}/{fail_at}/ckpt"  # a new one, so that the requests are the same each time
        storage.write(prefix, values(0))
        requests.fail(fail_at, way)
        raised = None
        try:
            storage.write(prefix, values(fail_at))
        except OpError as error:
            raised = error
        failed = len(requests.requests) >= fail_at
        requests.fail(0, "")
        reader = storage.open(prefix)
        assert set(reader.read("a").tolist()) == {int(reader.read("n"))}
        assert int(reader.read("n")) in ((0, fail_at) if raised else (fail_at,))
        found.add((bool(raised), int(reader.read("n")) > 0))
        storage.write(prefix, values(0))
        assert not any(".tmp-" in name for name in ANYWHERE.names(f"{place}/{fail_at}"))
        assert len({name.rpartition("-of-")[2] for name in ANYWHERE.names(f"{place}/{fail_at}") if ".data-" in name}) == 1
        if not failed:
            break
    assert fail_at > 20
    assert {(True, False), (False, True)} <= found
    assert ((True, True) in found) == (way == "answer lost")  # committed, and said to have failed


@pytest.mark.parametrize("way", ["refused", "answer lost"])
def test_whichever_request_fails_a_managers_newest_is_whole(place, requests, no_second_try, way):
    model = Model(1)
    del model.large
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(root=model), place, max_to_keep=2)
    manager.save()
    for fail_at in range(1, 200, 3):  # test_remote_faults.py has each
        requests.fail(0, "")
        model.w.assign(np.full(6, fail_at, np.float32))
        manager.save()
        model.w.assign(np.full(6, -fail_at, np.float32))
        requests.fail(fail_at, way)
        raised = None
        try:
            manager.save()
        except OpError as error:
            raised = error
        failed = len(requests.requests) >= fail_at
        requests.fail(0, "")
        found = tf.train.load_variable(tf.train.latest_checkpoint(place), "w/.ATTRIBUTES/VARIABLE_VALUE")
        assert set(found.tolist()) <= ({fail_at, -fail_at} if raised else {-fail_at})
        if not failed:
            break
    assert fail_at > 20
    manager.save()
    manager.save()
    assert len(ANYWHERE.names(place)) == 5


def test_one_value_costs_one_range(place, requests):
    values = {name: np.full(50_000, n, np.float32) for n, name in enumerate("abcd")}
    TensorBundle().write(f"{place}/ckpt", values)
    requests.requests.clear()
    reader = TensorBundle().open(f"{place}/ckpt")
    assert [size < 1000 for size in requests.fetched(".index")] == [True]
    assert (reader.read("c") == 2).all()
    assert requests.fetched("-00001") == [200_000]
    requests.requests.clear()
    assert reader.read_slice("b", [10], [5], verify=False).tolist() == [1] * 5
    assert requests.fetched("-00001") == [20]


def test_a_large_value_costs_its_bytes_and_no_more(place, requests):
    values = {name: np.full(1_000_000, n, np.float32) for n, name in enumerate("ab")}
    TensorBundle().write(f"{place}/ckpt", values)
    reader = TensorBundle().open(f"{place}/ckpt")
    requests.requests.clear()
    assert (reader.read("b") == 1).all()
    assert sum(requests.fetched("-00001")) == 4_000_000
    assert len(requests.fetched("-00001")) <= 8


def test_small_neighbours_come_together(place, requests):
    TensorBundle().write(f"{place}/ckpt", {f"k{n:03}": np.full(8, n, np.float32) for n in range(300)})
    reader = TensorBundle().open(f"{place}/ckpt")
    requests.requests.clear()
    found = reader.read_many(reader.keys())
    assert [value[0] for value in found] == list(range(300))
    assert requests.fetched("-00001") == [9600]
