"""``CheckpointOptions``: saves in the background, callbacks, restores without slot variables."""

import inspect
import os
import threading
from functools import partial

import pytest

import minitf as tf

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
IN_BACKGROUND = tf.train.CheckpointOptions(enable_async=True)


def _signature(function):
    try:
        return inspect.signature(function)
    except ValueError:  # as some of those that are written in C
        return None


@pytest.fixture
def prefix(tmp_path):
    return str(tmp_path / "run" / "ckpt")


def test_defaults_and_the_older_name():
    options = tf.train.CheckpointOptions()
    assert (options.enable_async, options.experimental_skip_slot_variables) == (False, False)
    assert options.experimental_write_callbacks is options.experimental_io_device is None
    assert tf.train.CheckpointOptions(experimental_enable_async_checkpoint=True).enable_async
    assert options.durable
    assert repr(options) == "CheckpointOptions()"
    assert repr(tf.train.CheckpointOptions(durable=False)) == "CheckpointOptions(durable=False)"
    assert repr(tf.train.CheckpointOptions("/job:localhost")) == "CheckpointOptions(experimental_io_device='/job:localhost')"


def test_wrong_options(prefix):
    with pytest.raises(TypeError, match="cannot be called"):
        tf.train.CheckpointOptions(experimental_write_callbacks=[3])
    with pytest.raises(ValueError, match="asks for 2 arguments"):
        tf.train.CheckpointOptions(experimental_write_callbacks=[lambda path, more: None])
    for untold in (vars, iter, set().add, str):  # TensorFlow raises ValueError, too
        if _signature(untold) is None:
            with pytest.raises(ValueError, match=r"does not tell how many arguments .* takes.*lambda path"):
                tf.train.CheckpointOptions(experimental_write_callbacks=[untold])
    assert _signature(vars) is None
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(checkpoint, os.path.dirname(prefix), 1)
    for call in (checkpoint.save, checkpoint.write, checkpoint.restore, checkpoint.read):
        with pytest.raises(TypeError, match="CheckpointOptions"):
            call(prefix, options={"enable_async": True})
    with pytest.raises(TypeError, match="CheckpointOptions"):
        manager.save(options=3)
    assert not os.path.exists(os.path.dirname(prefix))
    assert int(checkpoint.save_counter.numpy()) == 0


class Whole(tf.train.experimental.ShardingCallback):
    description = "One file."

    def __call__(self, shardable_tensors):
        return [{one.checkpoint_key: {one.slice_spec: one.tensor} for one in shardable_tensors}]


@pytest.mark.parametrize("in_background", [False, True])
@pytest.mark.parametrize("callback", [None, Whole()])
def test_a_save_that_is_not_durable_syncs_nothing(prefix, monkeypatch, in_background, callback):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(handle))
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(checkpoint, os.path.dirname(prefix), 1)
    for durable in (False, True, False):
        options = tf.train.CheckpointOptions(
            durable=durable, enable_async=in_background, experimental_sharding_callback=callback
        )
        for save in (partial(checkpoint.write, prefix), partial(checkpoint.save, prefix), manager.save):
            synced.clear()
            path = save(options=options)
            checkpoint.sync()
            assert bool(synced) == durable
            checkpoint.v.assign(0.0)
            checkpoint.read(path).assert_consumed()
            assert float(checkpoint.v) == 1.0


# -- callbacks ---------------------------------------------------------------------------------------------------------------


def test_callbacks_come_when_the_checkpoint_is_whole_and_before_the_state_file(prefix):
    heard = []

    def files(path):
        heard.append((path, sorted(os.listdir(os.path.dirname(path)))))

    options = tf.train.CheckpointOptions(
        experimental_write_callbacks=[lambda: heard.append("none"), files, lambda path=3: heard.append(path), heard.append]
    )
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    path = checkpoint.save(prefix, options)
    written = ["ckpt-1.data-00000-of-00001", "ckpt-1.index"]
    assert heard == ["none", (path, written), path, path]
    del heard[:]
    path = checkpoint.write(prefix, options)
    assert [heard[0], heard[1][0], *heard[2:]] == ["none", path, path, path]


def test_an_error_of_a_callback_leaves_the_state_file_as_it_was(prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    first = checkpoint.save(prefix)
    options = tf.train.CheckpointOptions(experimental_write_callbacks=[lambda: 1 / 0])
    with pytest.raises(ZeroDivisionError):
        checkpoint.save(prefix, options)
    assert tf.train.latest_checkpoint(os.path.dirname(prefix)) == first
    assert tf.train.checkpoint_exists(prefix + "-2")


# -- in the background -------------------------------------------------------------------------------------------------------


def test_a_save_in_the_background_has_the_values_of_the_call(prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    hold, threads = threading.Event(), []
    options = tf.train.CheckpointOptions(
        enable_async=True,
        experimental_write_callbacks=[lambda: threads.append(threading.current_thread()), lambda: hold.wait(60)],
    )
    first = checkpoint.save(prefix, options)  # it cannot be complete before ``hold`` is set
    checkpoint.v.assign(2.0)
    assert tf.train.latest_checkpoint(os.path.dirname(prefix)) is None
    hold.set()
    second = checkpoint.save(prefix, IN_BACKGROUND)
    checkpoint.v.assign(3.0)
    checkpoint.sync()
    assert len(threads) == 1
    assert threads != [threading.main_thread()]
    assert [tf.train.load_variable(path, "v" + VALUE) for path in (first, second)] == [1.0, 2.0]
    assert [tf.train.load_variable(path, "save_counter" + VALUE) for path in (first, second)] == [1, 2]
    assert tf.train.latest_checkpoint(os.path.dirname(prefix)) == second


@pytest.mark.parametrize("verb", ["restore", "read"])
def test_a_restore_waits_for_the_save_before(prefix, verb):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    path = checkpoint.save(prefix, IN_BACKGROUND)
    checkpoint.v.assign(2.0)
    getattr(checkpoint, verb)(path).assert_consumed()
    assert checkpoint.v.numpy() == 1.0


def test_a_save_in_the_foreground_comes_after_those_in_the_background(prefix):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    checkpoint.save(prefix, IN_BACKGROUND)
    second = checkpoint.save(prefix)
    assert tf.train.latest_checkpoint(os.path.dirname(prefix)) == second
    checkpoint.sync()
    assert tf.train.latest_checkpoint(os.path.dirname(prefix)) == second


@pytest.mark.parametrize("then", ["sync", "save", "write", "restore"])
def test_an_error_in_the_background_surfaces_at_the_next_call_once(tmp_path, then):
    (tmp_path / "file").write_text("")
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    good = checkpoint.save(str(tmp_path / "good"))
    checkpoint.save(str(tmp_path / "file" / "ckpt"), IN_BACKGROUND)
    calls = {
        "sync": checkpoint.sync, "save": lambda: checkpoint.save(str(tmp_path / "next")),
        "write": lambda: checkpoint.write(str(tmp_path / "next"), IN_BACKGROUND), "restore": lambda: checkpoint.restore(good),
    }  # fmt: skip
    with pytest.raises(tf.errors.OpError):
        calls[then]()
    checkpoint.sync()
    calls[then]()
    checkpoint.sync()


def test_a_manager_in_the_background_keeps_what_it_should(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    paths = [manager.save(options=IN_BACKGROUND) for _ in range(4)]
    manager.sync()
    assert manager.checkpoints == paths[2:]
    assert manager.latest_checkpoint == paths[3] == tf.train.latest_checkpoint(tmp_path)
    assert [tf.train.checkpoint_exists(path) for path in paths] == [False, False, True, True]
    checkpoint.v.assign(5.0)
    manager.save(options=IN_BACKGROUND)
    checkpoint.v.assign(6.0)
    assert manager.restore_or_initialize() == manager.latest_checkpoint
    assert checkpoint.v.numpy() == 5.0


def test_in_a_graph(prefix):
    with tf.Graph().as_default(), tf.Session() as session:
        checkpoint = tf.train.Checkpoint(v=tf.get_variable("v", initializer=1.0))
        session.run(checkpoint.v.initializer)
        path = checkpoint.save(prefix, IN_BACKGROUND)
        session.run(checkpoint.v.assign(2.0))
        checkpoint.restore(path).assert_consumed().run_restore_ops()
        assert session.run(checkpoint.v) == 1.0


# -- without slots -----------------------------------------------------------------------------------------------------------


def trained():
    checkpoint = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]), o=tf.train.MomentumOptimizer(0.5, 0.5))
    checkpoint.o.apply_gradients([(tf.constant([2.0, 4.0]), checkpoint.v)])
    return checkpoint


def test_slot_variables_can_be_left_alone(prefix):
    options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
    checkpoint = trained()
    path = checkpoint.save(prefix)
    slot = checkpoint.o.get_slot(checkpoint.v, "momentum")
    slot.assign([7.0, 7.0])
    checkpoint.v.assign([0.0, 0.0])
    status = checkpoint.restore(path, options)
    status.assert_consumed()
    assert (checkpoint.v.numpy().tolist(), slot.numpy().tolist()) == ([0.0, 0.0], [7.0, 7.0])

    late = tf.train.Checkpoint(v=tf.Variable([0.0, 0.0]), o=tf.train.MomentumOptimizer(0.5, 0.5))
    status = late.restore(path, options)
    late.o.apply_gradients([(tf.constant([0.0, 0.0]), late.v)])
    status.assert_consumed()
    assert (late.v.numpy().tolist(), late.o.get_slot(late.v, "momentum").numpy().tolist()) == ([0.0, 0.0], [0.0, 0.0])

    checkpoint.restore(path).assert_consumed()
    assert slot.numpy().tolist() == [2.0, 4.0]


def test_an_explanation_says_that_slot_variables_were_left_alone(mode, prefix):
    options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
    path = trained().save(prefix)
    with mode.scope():
        late = tf.train.Checkpoint(v=tf.Variable([0.0, 0.0]), o=tf.train.MomentumOptimizer(0.5, 0.5))
        status = late.restore(path, options)
        for slot in (None, "slot momentum of (root).v"):
            status.initialize_or_restore()
            told = status.explain()
            assert told.complete, told
            assert "2 of 3 values restored, 1 left alone on request (" in str(told)
            assert (len(told.lines), told.causes) == (1, [])
            [row] = [row for row in told.rows if row.saved == "slot momentum of (root).v"]
            assert (str(row.state), row.live) == ("left alone on request", slot)
            assert told.as_data()["counts"]["left alone on request"] == 1
            assert "left alone on request" in told.to_html()
            late.o.apply_gradients([(tf.constant([0.0, 0.0]), late.v)])
        without = tf.train.Checkpoint(v=tf.Variable([0.0, 0.0])).restore(path, options)
        without.initialize_or_restore()
        assert str(without.explain()).count("left alone on request") == 1
        assert not without.explain().complete  # the optimizer is missed
        plain = late.restore(path)
        plain.initialize_or_restore()
        assert "3 of 3 values restored" in str(plain.explain())


def test_slot_variables_that_the_file_has_not_are_not_left_alone_but_missing(prefix):
    options = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
    path = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).save(prefix)
    told = trained().restore(path, options).explain()
    assert told.causes
    assert "left alone" not in str(told)
