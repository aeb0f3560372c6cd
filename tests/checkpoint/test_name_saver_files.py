"""train.Saver: numbers, the state file, and which checkpoints are deleted when."""

import os

import numpy as np
import pytest

import minitf.compat.v1 as tf


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now=10000.0):
        self.now = now

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def v():
    return tf.Variable(1.0, name="v")


def indexes(directory):
    return sorted(p.name.removesuffix(".index") for p in directory.glob("*.index"))


def state(directory, name="checkpoint"):
    return (directory / name).read_text()


# -- numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S247")
@pytest.mark.parametrize("number, suffix", [(3, "-3"), (0, "-0"), (np.int64(9), "-9"), (-3, "--3"), (True, "-1"), (None, "")])
def test_a_number_is_put_behind_the_path(mode, tmp_path, number, suffix):
    with mode.scope():
        v = tf.Variable(1.0, name="v")
        mode.value(v)
        path = tf.train.Saver([v]).save(getattr(mode, "session", None), str(tmp_path / "m"), global_step=number)
        assert path == str(tmp_path / "m") + suffix


@pytest.mark.behaviour("S247")
def test_a_number_may_be_a_variable_or_a_tensor(mode, tmp_path):
    with mode.scope():
        v, zero = tf.Variable(1.0, name="v"), tf.Variable(np.int64(0), name="zero")
        n = tf.Variable(5, name="n")
        mode.value(v)
        saver, session = tf.train.Saver([v]), getattr(mode, "session", None)
        paths = [saver.save(session, str(tmp_path / "m"), global_step=step) for step in (n, zero, n + 1)]
        assert [os.path.basename(path) for path in paths] == ["m-5", "m-0", "m-6"]


def test_other_things_are_no_numbers(v, tmp_path):
    for wrong in (2.5, [1], tf.constant(2.5), tf.constant([1]), tf.Variable(1.5)):
        with pytest.raises(TypeError):
            tf.train.Saver([v]).save(None, str(tmp_path / "m"), global_step=wrong)


def test_a_number_may_be_padded(v, tmp_path):
    assert tf.train.Saver([v], pad_step_number=True).save(None, str(tmp_path / "m"), global_step=4).endswith("m-00000004")


# -- paths ---------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S253")
def test_one_directory_is_made_but_not_its_parents(v, tmp_path):
    saver = tf.train.Saver([v])
    assert saver.save(None, str(tmp_path / "new" / "m"))
    with pytest.raises(ValueError, match="doesn't exist"):
        saver.save(None, str(tmp_path / "no" / "where" / "m"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="doesn't exist"):
        saver.save(None, str(tmp_path / "file" / "m"))


@pytest.mark.behaviour("S277")
@pytest.mark.upstream("checkpoint_management_test.LatestCheckpointWithRelativePaths.testNameCollision")
def test_the_state_files_name_is_free_only_with_a_number(v, tmp_path):
    saver = tf.train.Saver([v])
    with pytest.raises(ValueError, match="collides"):
        saver.save(None, str(tmp_path / "checkpoint"))
    assert saver.save(None, str(tmp_path / "checkpoint"), global_step=1) == str(tmp_path / "checkpoint-1")
    assert saver.save(None, str(tmp_path / "checkpoint"), latest_filename="other")
    with pytest.raises(ValueError, match="without directories"):
        saver.save(None, str(tmp_path / "m"), latest_filename="a/b")


def test_a_path_in_the_working_directory(v, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saver = tf.train.Saver([v])
    with pytest.raises(ValueError, match="empty"):
        saver.save(None, "")
    assert os.listdir() == []
    assert saver.save(None, "", global_step=1) == "-1"
    assert saver.save(None, "m", global_step=2) == "m-2"
    assert [tf.train.latest_checkpoint(here) for here in ("", ".", tmp_path)] == ["m-2", "./m-2", str(tmp_path / "m-2")]
    saver.restore(None, tf.train.latest_checkpoint(""))


def test_the_state_file_keeps_absolute_paths_and_makes_others_relative_to_itself(v, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tf.train.Saver([v]).save(None, str(tmp_path / "m"), global_step=1)
    assert state(tmp_path) == f'model_checkpoint_path: "{tmp_path}/m-1"\nall_model_checkpoint_paths: "{tmp_path}/m-1"\n'
    tf.train.Saver([v], save_relative_paths=True).save(None, str(tmp_path / "m"), global_step=2)
    assert state(tmp_path) == 'model_checkpoint_path: "m-2"\nall_model_checkpoint_paths: "m-2"\n'
    assert tf.train.Saver([v]).save(None, "sub/m", global_step=3) == "sub/m-3"
    assert state(tmp_path / "sub") == 'model_checkpoint_path: "m-3"\nall_model_checkpoint_paths: "m-3"\n'
    assert tf.train.latest_checkpoint("sub") == "sub/m-3"


def test_the_state_file_may_have_another_name_or_be_left_alone(v, tmp_path):
    saver = tf.train.Saver([v])
    saver.save(None, str(tmp_path / "m"), latest_filename="other")
    assert tf.train.latest_checkpoint(str(tmp_path)) is None
    assert tf.train.latest_checkpoint(str(tmp_path), "other") == str(tmp_path / "m")
    saver.save(None, str(tmp_path / "n"), write_state=False)
    assert saver.last_checkpoints == [str(tmp_path / "m")]
    assert tf.train.latest_checkpoint(str(tmp_path), "other") == str(tmp_path / "m")


# -- keeping and deleting --------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S264")
def test_the_newest_five_stay(v, tmp_path):
    saver = tf.train.Saver([v])
    for step in range(8):
        saver.save(None, str(tmp_path / "m"), global_step=step)
    kept = [f"m-{step}" for step in range(3, 8)]
    assert indexes(tmp_path) == kept
    assert [os.path.basename(p) for p in saver.last_checkpoints] == kept
    assert [os.path.basename(p) for p in tf.train.get_checkpoint_state(tmp_path).all_model_checkpoint_paths] == kept


def test_a_path_that_is_saved_again_becomes_the_newest(v, tmp_path):
    saver = tf.train.Saver([v], max_to_keep=2)
    for step in (2, 3, 2, 4):
        saver.save(None, str(tmp_path / "m"), global_step=step)
    assert [os.path.basename(p) for p in saver.last_checkpoints] == ["m-2", "m-4"]
    assert indexes(tmp_path) == ["m-2", "m-4"]


@pytest.mark.parametrize("everything", [0, None])
def test_all_may_stay_and_then_only_the_newest_is_listed(v, tmp_path, everything):
    saver = tf.train.Saver([v], max_to_keep=everything)
    for step in range(3):
        saver.save(None, str(tmp_path / "m"), global_step=step)
    assert saver.last_checkpoints == []
    assert indexes(tmp_path) == ["m-0", "m-1", "m-2"]
    assert tf.train.get_checkpoint_state(tmp_path).all_model_checkpoint_paths == [str(tmp_path / "m-2")]


def test_one_for_every_n_hours_stays_for_good(v, tmp_path):
    clock = Clock()
    saver = tf.train.Saver([v], max_to_keep=1, keep_checkpoint_every_n_hours=1.0, clock=clock)
    for step in range(8):
        clock.now += 1801.0  # a little more than half an hour
        saver.save(None, str(tmp_path / "m"), global_step=step)
    assert indexes(tmp_path) == ["m-1", "m-3", "m-5", "m-7"]
    assert [os.path.basename(p) for p in saver.last_checkpoints] == ["m-7"]


@pytest.mark.parametrize("sharded", [False, True])
def test_old_files_of_the_v1_format_go_too(v, tmp_path, sharded):
    saver = tf.train.Saver([v], max_to_keep=1, write_version=tf.train.SaverDef.V1, sharded=sharded)
    for step in range(3):
        (tmp_path / f"m-{step}.meta").write_text("a meta graph")
        saver.save(None, str(tmp_path / "m"), global_step=step)
    suffix = "-00000-of-00001" if sharded else ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint", f"m-2{suffix}", "m-2.meta"]


def test_a_checkpoint_that_cannot_be_deleted_does_not_fail_the_save(v, tmp_path, caplog):
    saver = tf.train.Saver([v], max_to_keep=1)
    saver.save(None, str(tmp_path / "m"), global_step=1)
    (tmp_path / "m-1.index").unlink()
    (tmp_path / "m-1.index").mkdir()
    (tmp_path / "m-1.meta").mkdir()
    assert saver.save(None, str(tmp_path / "m"), global_step=2)
    assert "could not be deleted" in caplog.text


def test_a_new_saver_takes_over_the_list_of_an_old_one(v, tmp_path):
    old = tf.train.Saver([v], max_to_keep=3)
    for step in range(3):
        old.save(None, str(tmp_path / "m"), global_step=step)
    new = tf.train.Saver([v], max_to_keep=3)
    new.recover_last_checkpoints([*tf.train.get_checkpoint_state(tmp_path).all_model_checkpoint_paths, str(tmp_path / "gone")])
    assert new.last_checkpoints == old.last_checkpoints
    new.save(None, str(tmp_path / "m"), global_step=3)
    assert indexes(tmp_path) == ["m-1", "m-2", "m-3"]


def test_a_list_without_times_is_never_deleted(v, tmp_path):
    tf.train.Saver([v]).save(None, str(tmp_path / "old"))
    saver = tf.train.Saver([v], max_to_keep=1)
    saver.set_last_checkpoints([str(tmp_path / "old")])
    saver.save(None, str(tmp_path / "new"))
    assert saver.last_checkpoints == [str(tmp_path / "new")]
    assert indexes(tmp_path) == ["new", "old"]
    for wrong in (("a",), None):
        with pytest.raises(AssertionError):
            saver.set_last_checkpoints(wrong)
        with pytest.raises(AssertionError):
            saver.set_last_checkpoints_with_time(wrong)


def test_a_directory_that_cannot_be_looked_up(tmp_path, monkeypatch):
    """That is not one that does not exist."""
    saver = tf.train.Saver({"v": tf.Variable(1.0)})

    def refused(path, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", refused)
        with pytest.raises(tf.errors.PermissionDeniedError, match=f"look up: {tmp_path}"):
            saver.save(None, str(tmp_path / "m"))
    assert saver.save(None, str(tmp_path / "m"))
