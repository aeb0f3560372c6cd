"""CheckpointManager (N of the restore semantics)."""

import contextlib
import logging
import os
import threading

import pytest

import minitf as tf
from minitf.storage.anywhere import Anywhere
from minitf.storage.bundle import TensorBundle


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now=10000.0):
        self.now = now

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def start(mode, *variables):
    """Initialises a graph's variables, these only."""
    if mode.name == "graph":
        mode.session.run([v.initializer for v in variables])


def value(mode, x):
    return mode.session.run(x) if mode.name == "graph" else x.numpy()


def checkpoint(mode, v=1.0):
    group = tf.train.Checkpoint(v=tf.Variable(v))
    start(mode, group.v)
    return group


@pytest.fixture
def group(mode):
    """A checkpoint with one variable; the test runs inside its mode, in a graph with a default session."""
    with mode.scope():
        yield checkpoint(mode)


def names(paths):
    return [os.path.basename(path) for path in paths]


def files(directory):
    return sorted(p.name.removesuffix(".index") for p in directory.glob("*.index"))


# -- making one ------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S280")
def test_max_to_keep_is_required_and_positive_or_none(group, tmp_path):
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="max_to_keep"):
            tf.train.CheckpointManager(group, tmp_path, max_to_keep=wrong)
    with pytest.raises(TypeError):
        tf.train.CheckpointManager(group, tmp_path)


@pytest.mark.behaviour("S280")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testCheckpointManagerFSpathDirectory")
def test_the_directory_is_made_by_the_first_save(group, tmp_path):
    manager = tf.train.CheckpointManager(group, tmp_path / "a" / "b", max_to_keep=1)
    assert not (tmp_path / "a").exists()
    assert (manager.latest_checkpoint, manager.checkpoints, manager.directory) == (None, [], str(tmp_path / "a" / "b"))
    assert manager.save() == str(tmp_path / "a" / "b" / "ckpt-1")


@pytest.mark.behaviour("S281")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testCustomCheckpointPrefix")
def test_checkpoints_are_numbered_by_the_save_counter(mode, group, tmp_path):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=None)
    assert manager.checkpoint is group
    assert names([manager.save(), manager.save()]) == ["ckpt-1", "ckpt-2"]
    assert value(mode, group.save_counter) == 2
    other = tf.train.CheckpointManager(group, tmp_path, max_to_keep=None, checkpoint_name="mine")
    assert other.save() == str(tmp_path / "mine-3")


@pytest.mark.behaviour("S282")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testCustomNumbering")
def test_a_number_of_ones_own_is_used_and_the_counter_counts_all_the_same(mode, group, tmp_path):
    number = tf.Variable(7)
    start(mode, number)
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=None)
    numbers = [32, number, number + 4, 0]
    assert names([manager.save(checkpoint_number=n) for n in numbers]) == ["ckpt-32", "ckpt-7", "ckpt-11", "ckpt-0"]
    assert names(manager.checkpoints) == ["ckpt-32", "ckpt-7", "ckpt-11", "ckpt-0"]
    assert value(mode, group.save_counter) == 4
    assert value(mode, number) == 7
    with pytest.raises(TypeError):
        manager.save(checkpoint_number=2.5)


# -- keeping and deleting ----------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S283")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testDeletion")
def test_the_oldest_are_deleted_after_each_save(group, tmp_path):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=3)
    for _ in range(4):
        manager.save()
    assert names(manager.checkpoints) == files(tmp_path) == ["ckpt-2", "ckpt-3", "ckpt-4"]
    assert manager.latest_checkpoint == tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "ckpt-4")
    assert sorted(p.name for p in tmp_path.glob("ckpt-1*")) == []


@pytest.mark.behaviour("S283", "S285")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testKeepAll")
def test_none_keeps_all_and_a_later_limit_sweeps_at_its_first_save(group, tmp_path):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=None)
    for _ in range(4):
        manager.save()
    later = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2)
    assert names(later.checkpoints) == files(tmp_path) == ["ckpt-1", "ckpt-2", "ckpt-3", "ckpt-4"]
    later.save()
    assert names(later.checkpoints) == files(tmp_path) == ["ckpt-4", "ckpt-5"]


@pytest.mark.behaviour("S284")
def test_a_number_that_is_used_again_becomes_the_newest(group, tmp_path):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2)
    for number in (1, 2, 1, 3):
        manager.save(checkpoint_number=number)
    assert names(manager.checkpoints) == files(tmp_path) == ["ckpt-1", "ckpt-3"]


@pytest.mark.behaviour("S285", "S278")
def test_a_new_manager_goes_on_where_the_last_one_ended(group, tmp_path):
    clock = Clock()
    first = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2, clock=clock)
    for _ in range(3):
        clock.now += 10
        first.save()
    text = (tmp_path / "checkpoint").read_text().splitlines()
    assert text == [
        'model_checkpoint_path: "ckpt-3"',
        'all_model_checkpoint_paths: "ckpt-2"',
        'all_model_checkpoint_paths: "ckpt-3"',
        "all_model_checkpoint_timestamps: 10020.0",
        "all_model_checkpoint_timestamps: 10030.0",
        "last_preserved_timestamp: 9999.0",
    ]
    second = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2, clock=clock)
    assert (second.checkpoints, second.latest_checkpoint) == (first.checkpoints, first.latest_checkpoint)
    assert second.restore_or_initialize() == first.latest_checkpoint
    assert names([second.save()]) == ["ckpt-4"]
    assert files(tmp_path) == ["ckpt-3", "ckpt-4"]


@pytest.mark.behaviour("S286")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testContinueFromUnmanaged")
def test_plain_checkpoints_are_known_as_the_latest_but_never_managed(group, tmp_path):
    for _ in range(2):
        group.save(str(tmp_path / "plain"))
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    assert (manager.checkpoints, names([manager.latest_checkpoint])) == ([], ["plain-2"])
    manager.save()
    manager.save()
    assert files(tmp_path) == ["ckpt-4", "plain-1", "plain-2"]
    assert names(manager.checkpoints) == ["ckpt-4"]


@pytest.mark.behaviour("S287", "S285")
def test_one_for_every_n_hours_stays_for_good(group, tmp_path):
    clock = Clock()
    options = {"max_to_keep": 1, "keep_checkpoint_every_n_hours": 1.0, "clock": clock}
    manager = tf.train.CheckpointManager(group, tmp_path, **options)
    for _ in range(5):
        manager.save()
        clock.now += 1800.0
    # The clock of preservation starts one second before the manager: ckpt-3, written an hour later, stays, and then ckpt-5
    # would.
    assert files(tmp_path) == ["ckpt-3", "ckpt-5"]
    assert names(manager.checkpoints) == ["ckpt-5"]
    assert "last_preserved_timestamp: 13600.0" in (tmp_path / "checkpoint").read_text()
    again = tf.train.CheckpointManager(manager.checkpoint, tmp_path, max_to_keep=1, clock=clock)  # without the hours
    again.save()
    assert files(tmp_path) == ["ckpt-3", "ckpt-6"]  # what was preserved stays, whatever a later manager is told


@pytest.mark.behaviour("S288")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testClockReset")
def test_if_the_clock_was_set_back_old_checkpoints_are_left_alone(group, tmp_path, caplog):
    clock = Clock()
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1, keep_checkpoint_every_n_hours=1.0, clock=clock)
    for _ in range(3):
        manager.save()
        clock.now += 3600.0
    before = files(tmp_path)
    assert before == ["ckpt-2", "ckpt-3"]
    clock.now = 5000.0
    with caplog.at_level(logging.WARNING):
        manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1, clock=clock)
    assert "seconds behind" in caplog.text
    assert (manager.checkpoints, names([manager.latest_checkpoint])) == ([], ["ckpt-3"])
    manager.save()
    clock.now += 1.0
    manager.save()
    assert files(tmp_path) == [*before, "ckpt-5"]


def test_what_lies_outside_of_the_directory_is_never_deleted(group, tmp_path):
    precious = group.save(str(tmp_path / "elsewhere" / "precious"))
    directory = tmp_path / "run"
    directory.mkdir()
    tf.train.update_checkpoint_state(directory, precious, all_model_checkpoint_timestamps=[2e9], last_preserved_timestamp=1.0)
    manager = tf.train.CheckpointManager(group, directory, max_to_keep=1)
    assert (manager.checkpoints, manager.latest_checkpoint) == ([], precious)
    for _ in range(3):
        manager.save()
    assert tf.train.checkpoint_exists(precious)


def test_a_checkpoint_that_cannot_be_deleted_does_not_fail_the_save(group, tmp_path, caplog):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    manager.save()
    data = next(tmp_path.glob("ckpt-1.data*"))
    data.unlink()
    data.mkdir()
    assert names([manager.save()]) == ["ckpt-2"]
    assert "could not be deleted" in caplog.text
    assert names(manager.checkpoints) == ["ckpt-2"]


# -- intervals ---------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S289")
def test_an_interval_needs_a_counter(group, tmp_path):
    with pytest.raises(ValueError, match="step_counter"):
        tf.train.CheckpointManager(group, tmp_path, max_to_keep=1, checkpoint_interval=2)


def steps(mode, manager, counter, count, **options):
    """What ``count`` saves give, one a step."""
    out = []
    for _ in range(count):
        path = manager.save(**options)
        out.append(path and os.path.basename(path))
        value(mode, counter.assign_add(1))
    return out


@pytest.mark.behaviour("S289")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testCheckpointInterval")
def test_nothing_is_saved_before_the_interval_is_over(mode, group, tmp_path):
    step = tf.Variable(0)
    start(mode, step)
    options = {"max_to_keep": None, "step_counter": step, "checkpoint_interval": 2}
    manager = tf.train.CheckpointManager(group, tmp_path, **options)
    assert manager.checkpoint_interval == 2
    assert steps(mode, manager, step, 6) == ["ckpt-1", None, "ckpt-2", None, "ckpt-3", None]
    assert names([manager.save(check_interval=False)]) == ["ckpt-4"]
    assert manager.save(check_interval=False) is None  # the same step again
    assert manager.save() is None


@pytest.mark.behaviour("S289")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testCheckpointIntervalWithLastCheckpointStep")
def test_the_interval_may_begin_elsewhere(mode, group, tmp_path):
    step = tf.Variable(1)
    start(mode, step)
    options = {"max_to_keep": None, "step_counter": step, "checkpoint_interval": 2, "last_checkpoint_step": 1}
    manager = tf.train.CheckpointManager(group, tmp_path, **options)
    assert steps(mode, manager, step, 4) == [None, None, "ckpt-1", None]


@pytest.mark.behaviour("S289", "S290")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testCheckpointIntervalWithRestore")
def test_a_restored_step_counts_as_saved(tmp_path):
    group = tf.train.Checkpoint(step=tf.Variable(0))
    options = {"max_to_keep": None, "step_counter": group.step, "checkpoint_interval": 3}
    tf.train.CheckpointManager(group, tmp_path, **options).save()
    group.step.assign(2)
    manager = tf.train.CheckpointManager(group, tmp_path, **options)
    assert names([manager.restore_or_initialize()]) == ["ckpt-1"]
    assert (int(group.step), manager.save()) == (0, None)
    group.step.assign(2)
    assert manager.save() is None
    group.step.assign(3)
    assert names([manager.save()]) == ["ckpt-2"]


@pytest.mark.behaviour("S289", "S290")
def test_after_a_restore_the_step_of_that_moment_counts_as_saved(mode, group, tmp_path):
    step = tf.Variable(4)
    start(mode, step)
    options = {"max_to_keep": None, "step_counter": step, "checkpoint_interval": 3}
    tf.train.CheckpointManager(group, tmp_path, **options).save()
    manager = tf.train.CheckpointManager(group, tmp_path, **options)
    manager.restore_or_initialize()
    assert steps(mode, manager, step, 5) == [None, None, None, "ckpt-2", None]


def test_a_failed_save_is_tried_again_in_the_same_step(mode, group, tmp_path):
    step = tf.Variable(5)
    start(mode, step)
    directory = tmp_path / "run"
    directory.write_text("a file in the way")
    manager = tf.train.CheckpointManager(group, directory, max_to_keep=None, step_counter=step, checkpoint_interval=2)
    with pytest.raises(tf.errors.OpError):
        manager.save()
    directory.unlink()
    assert names([manager.save()]) == ["ckpt-2"]  # the number 1 is used up


# -- restoring -----------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S290")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testRestoreOrInitialize")
def test_restore_or_initialize(mode, group, tmp_path):
    calls = []
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2, init_fn=lambda: calls.append("init"))
    assert manager.restore_or_initialize() is None
    assert calls == ["init"]
    path = manager.save()
    value(mode, group.v.assign(9.0))
    assert manager.restore_or_initialize() == path
    assert calls == ["init"]
    assert value(mode, group.v) == {"eager": 1.0, "graph": 9.0}[mode.name]  # in a graph nothing is run
    assert tf.train.CheckpointManager(group, tmp_path / "other", max_to_keep=1).restore_or_initialize() is None


@pytest.mark.behaviour("S291")
def test_latest_checkpoint_is_the_managers_own_memory(group, tmp_path):
    group.save(str(tmp_path / "plain"))
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2)
    group.save(str(tmp_path / "plain"))
    assert names([manager.latest_checkpoint]) == ["plain-1"]
    assert names([tf.train.latest_checkpoint(tmp_path)]) == ["plain-2"]


def test_a_newest_checkpoint_that_is_not_whole_gives_way_to_the_one_before(group, tmp_path):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=3)
    manager.save()
    torn = manager.save()
    with open(torn + ".index", "wb") as file:
        file.write(b"torn")
    again = tf.train.CheckpointManager(group, tmp_path, max_to_keep=3)
    assert names([again.latest_checkpoint]) == ["ckpt-1"]
    assert names(again.checkpoints) == ["ckpt-1", "ckpt-2"]


@pytest.mark.behaviour("S292")
def test_a_graph_uses_the_default_session_and_does_not_grow(tmp_path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        group, number = tf.train.Checkpoint(v=tf.Variable(1.0)), tf.Variable(11)
        session.run([group.v.initializer, number.initializer])
        more = number + 1
        manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2)
        manager.save()  # initialises the counter that it makes
        assert session.run(group.save_counter) == 1
        count = len(graph.get_operations())
        assert names([manager.save(), manager.save(number), manager.save(more)]) == ["ckpt-2", "ckpt-11", "ckpt-12"]
        assert len(graph.get_operations()) == count
        session.run(group.v.assign(5.0))
        assert names([manager.restore_or_initialize()]) == ["ckpt-12"]
        assert session.run(group.v) == 5.0  # nothing was run
    with graph.as_default(), pytest.raises(RuntimeError, match="session"):
        manager.save()


# -- crashes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S293")
def test_the_state_file_is_written_before_and_after_deleting(group, tmp_path, monkeypatch):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    manager.save()
    seen = []
    unlink = os.unlink

    def watched(path, *arguments, **options):
        if os.path.basename(path).startswith("ckpt-1."):
            state = tf.train.get_checkpoint_state(tmp_path)
            seen.append((os.path.basename(path), names(state.all_model_checkpoint_paths), names([state.model_checkpoint_path])))
        return unlink(path, *arguments, **options)

    monkeypatch.setattr(os, "unlink", watched)
    manager.save()
    during = (["ckpt-1", "ckpt-2"], ["ckpt-2"])
    assert seen == [("ckpt-1.index", *during), ("ckpt-1.data-00000-of-00001", *during)]
    assert names(tf.train.get_checkpoint_state(tmp_path).all_model_checkpoint_paths) == ["ckpt-2"]


@pytest.mark.behaviour("S293")
def test_a_crash_while_deleting_loses_nothing(mode, group, tmp_path, monkeypatch):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    manager.save()
    value(mode, group.v.assign(2.0))

    class Crash(BaseException):
        pass

    def crash(path, *arguments, **options):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", crash)
        with pytest.raises(Crash):
            manager.save()
    again = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    assert names([again.latest_checkpoint]) == ["ckpt-2"]
    value(mode, group.v.assign(0.0))
    group.restore(again.latest_checkpoint).run_restore_ops()
    assert value(mode, group.v) == 2.0
    again.save()
    assert files(tmp_path) == ["ckpt-3"]  # the left-over of the crash goes in its turn


@pytest.mark.parametrize("error", [OSError(5, "input/output error"), KeyboardInterrupt()])
def test_what_could_not_be_deleted_goes_with_the_next_save(group, tmp_path, monkeypatch, error):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    manager.save()

    def fails(disk, path):
        if ".data" in path:
            raise error
        os.unlink(path)

    with monkeypatch.context() as patched:
        patched.setattr(Anywhere, "remove", fails)
        with contextlib.suppress(KeyboardInterrupt):
            manager.save()
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "ckpt-2")
    assert (tmp_path / "ckpt-1.data-00000-of-00001").exists()
    manager.save()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "ckpt-3.data-00000-of-00001", "ckpt-3.index"]


def test_a_number_that_is_used_again_is_not_deleted_late(group, tmp_path, monkeypatch):
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=1)
    manager.save()

    def busy(storage, prefix):
        raise tf.errors.UnavailableError("busy")

    with monkeypatch.context() as patched:
        patched.setattr(TensorBundle, "remove", busy)
        manager.save()
    manager.save(checkpoint_number=1)
    assert manager.checkpoints == [str(tmp_path / "ckpt-1")] == [tf.train.latest_checkpoint(tmp_path)]
    assert files(tmp_path) == ["ckpt-1"]


def test_without_durability_nothing_is_synced(group, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: pytest.fail("synced"))
    manager = tf.train.CheckpointManager(group, tmp_path / "run", max_to_keep=1)
    for _ in range(3):
        manager.save(options=tf.train.CheckpointOptions(durable=False))
    assert files(tmp_path / "run") == ["ckpt-3"]


def test_a_number_that_is_used_again_in_the_background(tmp_path):
    """The second save is begun while the first is under way, or just behind it."""
    v = tf.Variable(0.0)
    group = tf.train.Checkpoint(v=v)
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2)
    asynchronous = tf.train.CheckpointOptions(enable_async=True)
    for value in range(1, 7):
        v.assign(value)
        manager.save(checkpoint_number=value // 3, options=asynchronous)
    group.sync()
    assert names(manager.checkpoints) == ["ckpt-1", "ckpt-2"] == files(tmp_path)
    assert names([manager.latest_checkpoint, tf.train.latest_checkpoint(tmp_path)]) == ["ckpt-2"] * 2
    for path, value in zip(manager.checkpoints, (5, 6), strict=True):
        group.restore(path)
        assert v.numpy() == value


@pytest.mark.parametrize("committed", [False, True])
def test_what_a_failed_save_has_left(group, tmp_path, monkeypatch, committed):
    """Data files of a set that did not become one go; a set that did is managed like any other."""
    manager = tf.train.CheckpointManager(group, tmp_path, max_to_keep=2)
    manager.save()

    def cut_off(disk, old, new):
        if committed or not new.endswith(".index"):
            os.replace(old, new)
        if new.endswith(".index"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Anywhere, "replace", cut_off)
        patched.setattr(Anywhere, "may_be_replaced", lambda *paths: True)  # as behind a URL
        with pytest.raises(KeyboardInterrupt):
            manager.save()
    assert manager.latest_checkpoint == str(tmp_path / "ckpt-1")
    assert len(list(tmp_path.glob("ckpt-2.*"))) == 2  # data, and the index under its own or a temporary name
    manager.save()
    assert names(manager.checkpoints) == (["ckpt-2", "ckpt-3"] if committed else ["ckpt-1", "ckpt-3"])
    assert sorted({path.name.split(".")[0] for path in tmp_path.glob("ckpt*")}) == names(manager.checkpoints)


def test_threads_that_save_with_one_manager_take_turns(tmp_path):
    manager = tf.train.CheckpointManager(tf.train.Checkpoint(v=tf.Variable(1.0)), tmp_path, max_to_keep=3)
    threads = [threading.Thread(target=lambda: [manager.save() for _ in range(10)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(manager.checkpoints) == ["ckpt-28", "ckpt-29", "ckpt-30"] == files(tmp_path)
    assert len(list(tmp_path.iterdir())) == 7
