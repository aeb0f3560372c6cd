"""Bad files and bad objects, in both modes: a typed error that names the file (and key), and nothing has been assigned."""

import os

import pytest

import minitf as tf
from tests.checkpoint.conftest import Node


def damaged(path, how):
    """Damages the checkpoint at ``path``; gives the path to restore from."""
    index, data = f"{path}.index", f"{path}.data-00000-of-00001"
    if how == "directory":
        return os.path.dirname(path)
    if how == "junk index":
        with open(index, "wb") as file:
            file.write(b"junk" * 50)
    elif how == "cut index":
        os.truncate(index, os.path.getsize(index) - 7)
    elif how == "altered index":
        flip(index, 3)
    elif how == "missing index":
        os.remove(index)
    elif how == "missing data":
        os.remove(data)
    elif how == "cut data":
        os.truncate(data, 3)
    elif how == "altered data":
        flip(data, 1)
    return path


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


HOW = ["directory", "junk index", "cut index", "altered index", "missing index", "missing data", "cut data", "altered data"]


@pytest.mark.behaviour("S294", "S296")
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", ["CheckpointableSaver", "Checkpoint"])
def test_damage_is_a_typed_error_and_assigns_nothing(world, save, how, kind):
    path = damaged(save(a=5.0, b=6.0), how)
    root = Node(a=tf.Variable(1.0), b=tf.Variable(2.0))
    world.init()

    def restore():
        saver = tf.train.CheckpointableSaver(root) if kind == "CheckpointableSaver" else tf.train.Checkpoint(root)
        world.run(saver.restore(path))

    with pytest.raises(tf.errors.OpError) as caught:
        restore()
    assert isinstance(caught.value, tf.errors.NotFoundError if "missing" in how else tf.errors.DataLossError)
    assert os.path.basename(path) in str(caught.value), "the message names the file"
    assert [world.value(v) for v in (root.a, root.b)] == [1.0, 2.0]


@pytest.mark.behaviour("S298", mode="eager")
@pytest.mark.behaviour("S299", mode="graph")
def test_another_shape_is_named_with_path_key_and_file(world, save):
    path = save(net={"a": 5.0, "b": [1.0, 2.0]})
    root = Node(net=Node(a=tf.Variable(1.0), b=tf.Variable([0.0, 0.0, 0.0])))
    world.init()
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)) as caught:
        world.run(tf.train.CheckpointableSaver(root).restore(path))
    for part in ("net/b/.ATTRIBUTES/VARIABLE_VALUE", "(2,)", "(3,)", os.path.basename(path)):
        assert part in str(caught.value)
    assert world.value(root.net.a) == 1.0
    assert world.value(root.net.b) == [0, 0, 0]


@pytest.mark.behaviour("S300")
def test_another_dtype_is_named_with_key_and_file(world, save):
    path = save(net={"a": 5.0, "b": 6.0})
    root = Node(net=Node(a=tf.Variable(1.0), b=tf.Variable(1, dtype=tf.int32)))
    world.init()
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        world.run(tf.train.CheckpointableSaver(root).restore(path))
    for part in ("net/b/.ATTRIBUTES/VARIABLE_VALUE", "float32", "int32", os.path.basename(path)):
        assert part in str(caught.value)
    assert world.value(root.net.a) == 1.0


@pytest.mark.parametrize("program", ["saved_model.pb", "saved_model.pbtxt"])
def test_the_directory_of_a_saved_model_stands_for_its_values(tmp_path, program, monkeypatch):
    saved = tf.train.Checkpoint(v=tf.Variable(3.0))
    saved.write(str(tmp_path / "export" / "variables" / "variables"))
    fresh = tf.train.Checkpoint(v=tf.Variable(0.0))
    for restore in (fresh.restore, fresh.read):  # without its program it is any directory
        with pytest.raises(tf.errors.DataLossError, match="is a directory, not a checkpoint"):
            restore(str(tmp_path / "export"))
    (tmp_path / "export" / program).touch()
    fresh.restore(tmp_path / "export").expect_partial()
    assert float(fresh.v) == 3.0
    with pytest.raises(tf.errors.DataLossError, match="is a directory, not a checkpoint"):
        fresh.read(str(tmp_path / "export"))  # as in TensorFlow
    monkeypatch.chdir(tmp_path / "export")
    with pytest.raises(tf.errors.NotFoundError):
        fresh.restore("")
    (tmp_path / "export" / "variables" / "variables.index").unlink()
    with pytest.raises(tf.errors.NotFoundError, match=r"variables\.index' does not exist"):
        fresh.restore(str(tmp_path / "export"))
