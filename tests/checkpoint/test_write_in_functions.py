"""Where a ``write`` inside a compiled function puts its files: wherever one outside would."""

import uuid

import pytest

import minitf as tf


def written(prefix):
    """Writes to a tensor that is no constant, and reads what is there."""
    checkpoint = tf.train.Checkpoint(v=tf.Variable(3.0))
    path = tf.function(lambda start, name: checkpoint.write(tf.strings.join([start, name])))
    *start, name = prefix.rpartition("/")
    assert path(tf.constant("".join(start)), tf.constant(name)).numpy() == prefix.encode()
    later = tf.train.Checkpoint(v=tf.Variable(0.0))
    later.read(prefix).assert_consumed()
    return float(later.v)


def test_the_prefix_may_be_the_url_of_a_store():
    """Which has no directories, so nothing has to be there."""
    fsspec = pytest.importorskip("fsspec")
    bucket = f"memory://bucket-{uuid.uuid4().hex}"
    assert written(f"{bucket}/run/new/ckpt") == 3.0
    assert fsspec.filesystem("memory").exists(f"{bucket}/run/new/ckpt.index")


def test_the_prefix_may_be_the_url_of_a_file(tmp_path):
    assert written(f"file://{tmp_path}/ckpt") == 3.0
    assert (tmp_path / "ckpt.index").is_file()


@pytest.mark.parametrize("start", ["file://", "local://", ""])
def test_a_directory_on_this_machine_must_exist(tmp_path, start):
    with pytest.raises(tf.errors.NotFoundError, match="the directory does not exist"):
        written(f"{start}{tmp_path}/nowhere/ckpt")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_to_is_said_as_outside():
    pytest.importorskip("fsspec")
    with pytest.raises(tf.errors.InvalidArgumentError, match="Protocol not known: no-such-protocol"):
        written("no-such-protocol://run/ckpt")
