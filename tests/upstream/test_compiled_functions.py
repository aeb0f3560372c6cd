"""Writing checkpoints inside compiled functions."""

import pytest

import minitf as tf


def trained():
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0), w=tf.Variable([2.0, 3.0]))
    checkpoint.step = tf.Variable(0, dtype=tf.int64)
    return checkpoint


def fresh():
    later = tf.train.Checkpoint(v=tf.Variable(0.0), w=tf.Variable([0.0, 0.0]))
    later.step = tf.Variable(7, dtype=tf.int64)
    return later


@pytest.mark.behaviour("S266", mode="eager")
@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_write_checkpoint_path_str_from_function")
def test_a_function_writes_each_time_it_is_called(tmp_path):
    checkpoint, prefix = trained(), str(tmp_path / "new" / "ckpt")

    @tf.function
    def train_and_write():
        checkpoint.v.assign_add(10.0)
        path = checkpoint.write(prefix)
        checkpoint.v.assign_add(100.0)
        return path

    for expected in (11.0, 121.0):
        assert train_and_write().numpy() == prefix.encode()
        later = fresh()
        status = later.read(prefix)
        status.assert_consumed().run_restore_ops()
        assert [float(later.v), later.w.numpy().tolist(), int(later.step)] == [expected, [2.0, 3.0], 0]
    assert train_and_write.experimental_get_tracing_count() == 1


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_write_checkpoint_path_tensor_from_function")
def test_the_path_may_be_a_tensor(tmp_path):
    checkpoint = trained()
    write = tf.function(lambda path: checkpoint.write(path))
    for name in ("one", "two"):
        checkpoint.v.assign_add(1.0)
        path = write(tf.constant(str(tmp_path / name))).numpy().decode()
        later = fresh()
        later.read(path).assert_consumed()
        assert float(later.v) == float(checkpoint.v)
    assert write.experimental_get_tracing_count() == 1


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_write_checkpoint_path_tensor_does_not_exist_from_function")
def test_the_directory_of_a_tensor_must_exist(tmp_path):
    checkpoint = trained()
    write = tf.function(lambda path: checkpoint.write(path))
    with pytest.raises(tf.errors.NotFoundError, match="does not exist"):
        write(tf.constant(str(tmp_path / "nowhere" / "ckpt")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.behaviour("S266", mode="graph")
def test_in_a_graph_it_writes_when_it_is_run(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        checkpoint, prefix = trained(), str(tmp_path / "ckpt")
        written = tf.function(lambda: checkpoint.write(prefix))()
        session.run(tf.global_variables_initializer())
        assert list(tmp_path.iterdir()) == []
        assert session.run(written) == prefix.encode()
    later = fresh()
    later.read(prefix).assert_consumed()
    assert float(later.v) == 1.0
