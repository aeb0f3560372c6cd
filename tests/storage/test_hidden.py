"""Two formats under one prefix: what was saved last is what is read, or the save says that it would not be."""

import itertools
import re

import numpy as np
import pytest

import minitf as tf
from minitf.errors import AlreadyExistsError
from minitf.storage.background import BackgroundStorage
from minitf.storage.bundle import TensorBundle
from minitf.storage.formats import FORMATS
from minitf.storage.npz import Npz


@pytest.mark.parametrize("first, second", list(itertools.permutations(FORMATS, 2)))
def test_what_was_saved_last_is_restored_or_the_save_is_refused(tmp_path, first, second):
    v = tf.Variable([1.0, 2.0])
    group = tf.train.Checkpoint(v=v)
    prefix = tf.train.CheckpointableSaver(group, storage=FORMATS[first]()).save(tmp_path / "m")
    v.assign([3.0, 4.0])
    saver = tf.train.CheckpointableSaver(group, storage=FORMATS[second]())
    order = list(FORMATS)
    if order.index(first) < order.index(second):
        files = sorted(path.name for path in tmp_path.iterdir())
        suffix = getattr(FORMATS[second], "suffix", "")
        own = f" or the path of the file itself, {str(tmp_path / 'm') + suffix!r}" if suffix else ""
        said = rf"a checkpoint \({first}\) stands under .* Remove it, or save under another name{re.escape(own)}\.$"
        with pytest.raises(AlreadyExistsError, match=said):
            saver.save(tmp_path / "m")
        assert sorted(path.name for path in tmp_path.iterdir()) == files
        wanted = [1.0, 2.0]
    else:
        saver.save(tmp_path / "m")
        wanted = [3.0, 4.0]
    v.assign([0.0, 0.0])
    tf.train.CheckpointableSaver(group).restore(prefix).assert_consumed()
    assert v.numpy().tolist() == wanted
    assert tf.train.latest_checkpoint(tmp_path) == prefix


@pytest.mark.parametrize("name", ["safetensors", "npz"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_path_of_a_file_is_never_hidden(tmp_path, name, wrapped):
    TensorBundle().write(tmp_path / "m", {"a": np.zeros(1)})
    storage = BackgroundStorage(FORMATS[name]()) if wrapped else FORMATS[name]()
    v = tf.Variable([5.0])
    saver = tf.train.CheckpointableSaver(tf.train.Checkpoint(v=v), storage=storage)
    with pytest.raises(AlreadyExistsError, match=f"the path of the file itself, '.*m.{name}'"):
        saver.save(tmp_path / "m")
    path = saver.save(tmp_path / f"m.{name}")
    v.assign([0.0])
    saver.restore(path)  # waits
    assert v.numpy() == [5.0]
    assert tf.train.latest_checkpoint(tmp_path) == path


def test_a_format_of_ones_own_is_not_asked_about(tmp_path):
    class Own(Npz):
        name = "own"

    TensorBundle().write(tmp_path / "m", {"a": np.zeros(1)})
    assert tf.train.CheckpointableSaver(tf.train.Checkpoint(v=tf.Variable(1)), storage=Own()).save(tmp_path / "m")
