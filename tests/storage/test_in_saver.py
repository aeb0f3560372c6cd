"""Every storage under CheckpointableSaver: both modes, the object graph, deferred restoring, and who finds the newest."""

import numpy as np
import pytest

import minitf as tf
from minitf.saved import OBJECT_GRAPH_KEY
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.memory import MemoryStorage
from minitf.storage.messages import decode_graph
from minitf.storage.npz import Npz
from minitf.storage.safetensors import Safetensors
from minitf.storage.v1 import TensorSlices

KINDS = {
    "tf-v2": TensorBundle,
    "tf-v1": TensorSlices,
    "npz": Npz,
    "safetensors": Safetensors,
    "memory": MemoryStorage,
    "background": lambda: BackgroundStorage(Npz()),
}
ENDINGS = {"tf-v2": ".index", "tf-v1": "", "npz": ".npz", "safetensors": ".safetensors"}
every_storage = pytest.mark.parametrize("storage", [make() for make in KINDS.values()], ids=KINDS)


class Net(tf.Module):
    def __init__(self, value):
        self.kernel = tf.Variable(np.full((2, 3), value, np.float32))
        self.steps = [tf.Variable(np.int64(value)), tf.Variable(value > 1)]


class Root(tf.Module):
    def __init__(self, value):
        self.net = Net(value)
        self.alias = self.net


@every_storage
def test_values_and_objects_come_back(mode, storage, tmp_path):
    with mode.scope():
        saved = Root(3.0)
        mode.value(saved.net.kernel)
        for variable in saved.net.steps:
            mode.value(variable)
        path = tf.CheckpointableSaver(saved, storage=storage).save(tmp_path / "ckpt", 7)
        other = Root(1.0)
        status = tf.CheckpointableSaver(other, storage=storage).restore(path)
        status.assert_consumed()
        status.initialize_or_restore()
        if mode.name == "graph":
            session = tf.get_default_session()
            found = session.run([other.net.kernel, *other.net.steps])
        else:
            found = [variable.numpy() for variable in [other.net.kernel, *other.net.steps]]
    assert (found[0] == 3).all()
    assert [int(found[1]), bool(found[2])] == [3, True]
    reader = storage.open(path)
    graph = decode_graph(reader.read(OBJECT_GRAPH_KEY).item())
    assert graph.children(0) == {"net": 1, "alias": 1}


@every_storage
def test_objects_made_later_get_their_values(storage, tmp_path):
    path = tf.CheckpointableSaver(Root(5.0), storage=storage).save(tmp_path / "ckpt")
    root = tf.Module()
    status = tf.CheckpointableSaver(root, storage=storage).restore(path)
    root.net = Net(0.0)
    assert (root.net.kernel.numpy() == 5).all()
    status.assert_existing_objects_matched()


@pytest.mark.parametrize("name", ENDINGS)
def test_latest_checkpoint_finds_it_and_a_saver_without_storage_reads_it(name, tmp_path):
    for number in (1, 2):
        tf.CheckpointableSaver(Root(float(number)), storage=KINDS[name]()).save(tmp_path / "ckpt", number)
    newest = tf.train.latest_checkpoint(tmp_path)
    assert newest == str(tmp_path / "ckpt-2")
    root = Root(0.0)
    tf.CheckpointableSaver(root).restore(newest).assert_consumed()
    assert (root.net.kernel.numpy() == 2).all()
    assert tf.train.checkpoint_exists(newest)
    file = tmp_path / f"ckpt-2{ENDINGS[name]}"
    content = bytearray(file.read_bytes())
    file.write_bytes(content[: len(content) // 2])
    assert tf.train.latest_checkpoint(tmp_path) is None  # the state file names no other


@pytest.mark.parametrize("name", ["npz", "safetensors"])
@pytest.mark.parametrize("prefix", ["m.index", "m.data-00000-of-00001", "m.meta", "m.npz", "m.safetensors", "[m]*?"])
def test_a_prefix_may_look_like_a_file_of_another_format(name, prefix, tmp_path):
    variable = tf.Variable(1.0)
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable), storage=KINDS[name]())
    path = saver.save(str(tmp_path / prefix))
    variable.assign(2.0)
    tf.train.CheckpointableSaver(tf.train.Checkpoint(v=variable)).restore(path).assert_consumed()
    assert variable.numpy() == 1.0


def test_memory_finds_its_own_newest_and_leaves_the_disk_alone(tmp_path):
    storage = MemoryStorage()
    saver = tf.CheckpointableSaver(Root(1.0), storage=storage)
    assert storage.latest_checkpoint(tmp_path) is None
    first = saver.save(tmp_path / "ckpt", 1)
    second = saver.save(tmp_path / "ckpt", 2)
    saver.save("elsewhere", 3)
    assert storage.latest_checkpoint(tmp_path) == second
    assert storage.latest_checkpoint() == "elsewhere-3"
    saver.save(tmp_path / "ckpt", 1)
    assert storage.latest_checkpoint(tmp_path) == first
    tf.CheckpointableSaver(Root(1.0), storage=BackgroundStorage(storage)).save(tmp_path / "ckpt", 4)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.interop
@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_tensorflow_restores_what_was_converted_from_an_archive(name, tmp_path, oracle):
    from minitf.cli import main

    path = tf.CheckpointableSaver(Root(4.0), storage=KINDS[name]()).save(tmp_path / "ckpt", 1)
    assert main(["convert", path, str(tmp_path / "bundle"), "--to", "tf-v2"]) == 0
    script = """
        import json, sys
        import tensorflow as tf
        root, net = tf.Module(), tf.Module()
        net.kernel, net.steps = tf.Variable(tf.zeros([2, 3])), [tf.Variable(0, dtype=tf.int64), tf.Variable(False)]
        root.net = root.alias = net
        tf.train.Checkpoint(net=net, alias=net).read(sys.argv[1]).assert_consumed()
        print(json.dumps([net.kernel.numpy().tolist(), int(net.steps[0].numpy()), bool(net.steps[1].numpy())]))
    """
    assert oracle(script, tmp_path / "bundle") == [[[4.0] * 3] * 2, 4, True]
