"""file:// and local://: the local disk with all that it promises."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

import minitf as tf
from minitf.cli import main
from minitf.storage import file_urls
from minitf.storage.anywhere import ANYWHERE
from minitf.storage.bundle import TensorBundle
from minitf.storage.bundle.merge import merge
from minitf.storage.file_urls import is_local, local_path
from minitf.storage.formats import FORMATS


@pytest.fixture(autouse=True)
def without_fsspec(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)


@pytest.fixture(params=["file", "local"])
def url(request, tmp_path):
    return f"{request.param}://{tmp_path}"


def test_what_is_one(monkeypatch):
    urls = {"file:///a/b": "/a/b", "local://a": "a", "file://": ""}
    others = ["/a", "file:/a", "memory://a", "simplecache::file:///a", "profile://a"]
    assert {path: local_path(path) for path in (*urls, *others)} == urls | dict.fromkeys(others)
    with monkeypatch.context() as patched:
        patched.setattr(file_urls.os, "name", "nt")
        found = [local_path("file:///C:/a"), local_path("file:///?")]
    assert found == ["C:/a", "?"]


def test_what_is_on_this_machine():
    assert all(map(is_local, ["", "a", "/a/b", "file:///a", "local://a"]))
    assert not any(map(is_local, ["memory://a", "zip://a::/b.zip", "simplecache::file:///a"]))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_read_overwritten_and_removed(url, tmp_path, name):
    storage = FORMATS[name]()
    for number in (1, 2):
        storage.write(f"{url}/run/p", {"a": np.arange(number)})
        assert storage.exists(f"{url}/run/p")
        assert storage.open(f"{url}/run/p").read("a").size == storage.open(tmp_path / "run" / "p").read("a").size == number
    storage.remove(f"{url}/run/p")
    assert not list((tmp_path / "run").iterdir())


def test_a_manager_and_the_command(url, tmp_path, capsys):
    v = tf.Variable([1.0, 2.0])
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=v), f"{url}/run", max_to_keep=1)
    for _ in range(2):
        path = manager.save()
    assert path == manager.latest_checkpoint == tf.train.latest_checkpoint(f"{url}/run") == f"{url}/run/ckpt-2"
    assert len(list((tmp_path / "run").iterdir())) == 3
    v.assign([0.0, 0.0])
    tf.train.Checkpoint(v=v).restore(path).assert_existing_objects_matched()
    assert v.numpy().tolist() == [1.0, 2.0]
    assert main(["verify", f"{url}/run"]) == 0
    assert "all is well" in capsys.readouterr().out


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_durable_is_synced(url, tmp_path, monkeypatch, durable):
    synced, fsync = [], os.fsync

    def note(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}") if os.path.isdir("/proc/self/fd") else "")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    TensorBundle(durable).write(f"{url}/run/p", {"a": np.arange(3)})
    assert len(synced) == 5 * durable
    if durable and synced[0]:
        assert synced[0] == str(tmp_path)
        assert synced[-1] == str(tmp_path / "run")


SAVER = """
import sys
import numpy as np
from minitf.storage.bundle import TensorBundle
for n in range(40):
    TensorBundle(durable=False).write(sys.argv[1], {"a": np.full(2000, n)})
"""


def test_processes_take_turns_whatever_they_call_the_directory(url, tmp_path):
    """A save deletes the temporary files that it finds, which must not be another's that is under way."""
    prefixes = [f"{url}/p", f"{url}//./p", str(tmp_path / "p")]
    children = [subprocess.Popen([sys.executable, "-c", SAVER, prefix]) for prefix in prefixes]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert set(TensorBundle().open(f"{url}/p").read("a").tolist()) == {39}
    assert not list(tmp_path.glob("*.tmp-*"))


def test_a_lock_is_that_of_the_directory(url, tmp_path):
    pytest.importorskip("fcntl")
    assert ANYWHERE.place(url) == ANYWHERE.place(str(tmp_path))
    handle = ANYWHERE.lock(url)
    child = subprocess.Popen([sys.executable, "-c", SAVER, str(tmp_path / "q")])
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(2)
    ANYWHERE.unlock(handle)
    assert child.wait() == 0


def test_second_names(url, tmp_path):
    for n in (1, 2):
        TensorBundle().write(f"{url}/in/{n}", {f"k{n}": np.arange(n)})
    merge([f"{url}/in/1", tmp_path / "in" / "2"], f"{url}/out", delete_inputs=False)
    assert TensorBundle().open(f"{url}/out").keys() == ["k1", "k2"]
    assert (tmp_path / "out.data-00000-of-00002").stat().st_nlink == 2
    with pytest.raises(OSError, match="link") as caught:
        ANYWHERE.link("memory://x", f"{url}/y")
    assert caught.value.errno == errno.EXDEV
    ANYWHERE.make_directory(f"{url}/d")
    ANYWHERE.remove_directory(f"{url}/d")
    assert ANYWHERE.names(url) == os.listdir(tmp_path)


def test_values_are_mapped(url):
    TensorBundle().write(f"{url}/p", {"a": np.arange(100_000)})
    value = TensorBundle(lazy=True).open(f"{url}/p").read_lazily("a")
    assert value.base is not None
    assert value[-1] == 99_999
