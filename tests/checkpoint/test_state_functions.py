"""The state file and the functions around it (M of the restore semantics)."""

import logging
import os
import pathlib
import shutil

import pytest

import minitf.compat.v1 as tf


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self, now=1000.0):
        self.now, self.slept = now, []

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def write(prefix, value=1.0, **options):
    """A checkpoint that is listed in no state file."""
    return tf.train.Saver([tf.Variable(value, name="v")], **options).save(None, str(prefix), write_state=False)


def state_text(directory):
    return (pathlib.Path(directory) / "checkpoint").read_text()


# -- writing and reading the state -----------------------------------------------------------------------------------------


@pytest.mark.behaviour("S278")
@pytest.mark.upstream("checkpoint_management_test.CheckpointStateTest.testFSPath")
def test_the_state_file_is_text_with_the_newest_first(tmp_path):
    paths = [str(tmp_path / name) for name in ("m-1", "m-2")]
    tf.train.update_checkpoint_state(tmp_path, paths[1], paths, None, [1.5, 2.0], 0.25)
    assert state_text(tmp_path).splitlines() == [
        f'model_checkpoint_path: "{tmp_path}/m-2"',
        f'all_model_checkpoint_paths: "{tmp_path}/m-1"',
        f'all_model_checkpoint_paths: "{tmp_path}/m-2"',
        "all_model_checkpoint_timestamps: 1.5",
        "all_model_checkpoint_timestamps: 2.0",
        "last_preserved_timestamp: 0.25",
    ]
    state = tf.train.get_checkpoint_state(tmp_path)
    assert (state.model_checkpoint_path, state.all_model_checkpoint_paths) == (paths[1], paths)
    assert (state.all_model_checkpoint_timestamps, state.last_preserved_timestamp) == ([1.5, 2.0], 0.25)


@pytest.mark.behaviour("S278")
@pytest.mark.upstream("checkpoint_management_test.CheckpointStateTest.testAllModelCheckpointPaths")
def test_the_newest_is_added_to_the_list_if_it_is_missing(tmp_path):
    given = [str(tmp_path / "m-1")]
    tf.train.update_checkpoint_state(str(tmp_path), str(tmp_path / "m-2"), given)
    assert tf.train.get_checkpoint_state(tmp_path).all_model_checkpoint_paths == [*given, str(tmp_path / "m-2")]
    assert len(given) == 1, "the caller's list is not changed"


def test_time_stamps_go_with_paths(tmp_path):
    with pytest.raises(ValueError, match="timestamps"):
        tf.train.update_checkpoint_state(tmp_path, "m-1", ["m-1"], all_model_checkpoint_timestamps=[1.0, 2.0])
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.behaviour("S275", "S278")
@pytest.mark.upstream("checkpoint_management_test.CheckpointStateTest.testUpdateCheckpointState")
def test_absolute_and_relative_paths_come_back_as_they_were_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("train")
    outside = str(tmp_path / "model-0")
    tf.train.update_checkpoint_state("train", "train/model-2", [outside, "train/model-1"])
    assert state_text("train").splitlines() == [
        'model_checkpoint_path: "model-2"',
        f'all_model_checkpoint_paths: "{outside}"',
        'all_model_checkpoint_paths: "model-1"',
        'all_model_checkpoint_paths: "model-2"',
    ]
    state = tf.train.get_checkpoint_state("train")
    assert state.model_checkpoint_path == "train/model-2"
    assert state.all_model_checkpoint_paths == [outside, "train/model-1", "train/model-2"]


@pytest.mark.behaviour("S275")
@pytest.mark.upstream(
    "checkpoint_management_test.CheckpointStateTest.testUpdateCheckpointStateSaveRelativePaths",
    "checkpoint_management_test.CheckpointStateTest.testCheckPointCompletesRelativePaths",
)
def test_relative_to_an_absolute_directory_means_inside_it_wherever_the_program_runs(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    directory = tmp_path / "train"
    directory.mkdir()
    tf.train.update_checkpoint_state(directory, "m-1")
    assert state_text(directory).splitlines()[0] == 'model_checkpoint_path: "m-1"'
    assert tf.train.get_checkpoint_state(directory).model_checkpoint_path == str(directory / "m-1")


@pytest.mark.upstream(
    "checkpoint_management_test.CheckpointStateTest.testAbsPath",
    "checkpoint_management_test.CheckpointStateTest.testRelPath",
)
def test_a_state_can_be_made_without_writing_it():
    state = tf.train.generate_checkpoint_state_proto("train", "train/m-2", ["/abs/m-0", "train/m-1"], None, 3.0)
    assert state.model_checkpoint_path == "m-2"
    assert state.all_model_checkpoint_paths == ["/abs/m-0", "m-1", "m-2"]
    assert state.last_preserved_timestamp == 3.0
    assert tf.train.generate_checkpoint_state_proto("/dir", "m-2").all_model_checkpoint_paths == ["m-2"]


def test_times_are_floats():
    made = tf.train.generate_checkpoint_state_proto("run", "run/a", None, [1], -1)
    times = [*made.all_model_checkpoint_timestamps, made.last_preserved_timestamp]
    assert (times, {type(time) for time in times}) == ([1.0, -1.0], {float})
    with pytest.raises(TypeError, match="must be numbers"):
        tf.train.generate_checkpoint_state_proto("run", "run/a", None, None, "yesterday")


def test_what_cannot_be_a_state_is_refused_before_anything_is_written(tmp_path):
    tf.train.update_checkpoint_state(tmp_path, "m-1")
    before = (tmp_path / "checkpoint").read_text()
    for path, times, kind in (("", None, ValueError), (None, None, TypeError), (3, None, TypeError), ("m", ["x"], TypeError)):
        with pytest.raises(kind):
            tf.train.update_checkpoint_state(tmp_path, path, all_model_checkpoint_timestamps=times)
    with pytest.raises(TypeError):
        tf.train.update_checkpoint_state(tmp_path, "m", [None])
    with pytest.raises(tf.errors.NotFoundError, match="no directory"):
        tf.train.update_checkpoint_state(tmp_path / "none", "m")
    assert not (tmp_path / "none").exists()
    assert (tmp_path / "checkpoint").read_text() == before
    assert tf.train.latest_checkpoint(tmp_path, "") is None


@pytest.mark.parametrize("kind", ["checkpoint", "saver", "manager"])
def test_a_name_that_is_no_text_is_refused_before_anything_is_saved(tmp_path, kind):
    """A state file cannot name it, so latest_checkpoint would never find it."""
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    name = b"a\xff".decode("utf-8", "surrogateescape")
    save = {
        "checkpoint": lambda: checkpoint.save(tmp_path / name),
        "saver": lambda: tf.train.CheckpointableSaver(checkpoint).save(tmp_path / name, 1),
        "manager": lambda: tf.train.CheckpointManager(checkpoint, tmp_path, 1, checkpoint_name=name),
    }[kind]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not Unicode text"):
        save()
    assert list(tmp_path.iterdir()) == []
    assert checkpoint.save_counter.numpy() == 0
    path = checkpoint.write(tmp_path / name)
    checkpoint.v.assign(2.0)
    checkpoint.read(path)
    assert checkpoint.v.numpy() == 1


@pytest.mark.behaviour("S279")
def test_a_checkpoint_may_not_have_the_state_files_own_path(tmp_path):
    with pytest.raises(RuntimeError, match="state file"):
        tf.train.update_checkpoint_state(tmp_path, str(tmp_path / "checkpoint"))


@pytest.mark.behaviour("S274")
@pytest.mark.upstream("checkpoint_management_test.CheckpointStateTest.testCheckPointStateFailsWhenIncomplete")
def test_an_empty_state_file_is_an_error(tmp_path):
    (tmp_path / "checkpoint").write_text("")
    for function in (tf.train.get_checkpoint_state, tf.train.latest_checkpoint):
        with pytest.raises(ValueError, match="Invalid checkpoint state"):
            function(tmp_path)


@pytest.mark.behaviour("S273")
@pytest.mark.parametrize("text", ["nonsense", 'unknown: "x"', 'model_checkpoint_path: "m'])
def test_a_malformed_state_file_is_ignored_with_a_warning(tmp_path, caplog, text):
    (tmp_path / "checkpoint").write_text(text)
    assert tf.train.get_checkpoint_state(tmp_path) is None
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert tf.train.latest_checkpoint(tmp_path) is None


def test_directories_are_str_or_path_objects(tmp_path):
    assert tf.train.get_checkpoint_state(str(tmp_path)) is None
    assert tf.train.latest_checkpoint(tmp_path) is None
    for function in (tf.train.get_checkpoint_state, tf.train.latest_checkpoint):
        with pytest.raises(TypeError):
            function(None)


# -- the newest ------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S272")
@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testLatestCheckpointFSpathDirectory")
def test_the_latest_is_what_the_state_says_if_it_is_there(tmp_path):
    path = write(tmp_path / "m-1")
    tf.train.update_checkpoint_state(tmp_path, path)
    assert tf.train.latest_checkpoint(tmp_path) == path
    assert tf.train.latest_checkpoint(str(tmp_path)) == path


@pytest.mark.behaviour("S273")
def test_there_is_no_latest_without_directory_state_or_files(tmp_path, caplog):
    assert tf.train.latest_checkpoint(tmp_path / "none") is None
    assert tf.train.latest_checkpoint(tmp_path) is None
    assert not caplog.records
    tf.train.update_checkpoint_state(tmp_path, str(tmp_path / "gone"))
    assert tf.train.latest_checkpoint(tmp_path) is None
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


@pytest.mark.behaviour("S275")
@pytest.mark.upstream("checkpoint_management_test.LatestCheckpointWithRelativePaths.testRelativePath")
def test_a_moved_directory_and_a_relative_one_still_work(tmp_path, monkeypatch):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    saver = tf.train.Saver([tf.Variable(1.0, name="v")], save_relative_paths=True)
    saver.save(None, str(old / "m"), global_step=3)
    shutil.move(old, new)
    assert tf.train.latest_checkpoint(new) == str(new / "m-3")
    monkeypatch.chdir(new)
    assert tf.train.latest_checkpoint(".") == "./m-3"


@pytest.mark.behaviour("S276")
def test_another_state_file_may_be_asked_for(tmp_path):
    path = write(tmp_path / "m")
    tf.train.update_checkpoint_state(tmp_path, path, latest_filename="mine")
    assert tf.train.latest_checkpoint(tmp_path, "mine") == path
    assert tf.train.latest_checkpoint(tmp_path, "other") is None
    assert tf.train.latest_checkpoint(tmp_path) is None


def test_a_checkpoint_that_is_not_whole_gives_way_to_the_one_before(tmp_path, caplog):
    paths = [write(tmp_path / "m-1"), write(tmp_path / "m-2")]
    tf.train.update_checkpoint_state(tmp_path, paths[1], paths)
    next(tmp_path.glob("m-2.data*")).write_bytes(b"")
    assert tf.train.latest_checkpoint(tmp_path) == paths[0]
    assert "m-2" in caplog.text
    (tmp_path / "m-1.index").write_bytes(b"torn")
    assert tf.train.latest_checkpoint(tmp_path) is None


def test_old_formats_count_too(tmp_path):
    saver = tf.train.Saver([tf.Variable(1.0, name="v")], write_version=tf.train.SaverDef.V1, sharded=True)
    path = saver.save(None, str(tmp_path / "m"))
    assert path.endswith("m-?????-of-00001")
    assert tf.train.latest_checkpoint(tmp_path) == path


# -- files ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path):
    """A V2, a V1 and a sharded V1 checkpoint."""
    old = {"write_version": tf.train.SaverDef.V1}
    return [write(tmp_path / "two"), write(tmp_path / "one", **old), write(tmp_path / "shards", **old, sharded=True)]


@pytest.mark.upstream("checkpoint_management_test.SaverUtilsTest.testCheckpointExists")
def test_checkpoint_exists(three, tmp_path):
    assert [tf.train.checkpoint_exists(path) for path in three] == [True] * 3
    assert tf.train.checkpoint_exists(tmp_path / "two")
    for wrong in (str(tmp_path / "none"), "", three[0] + ".data"):
        assert not tf.train.checkpoint_exists(wrong)
    with pytest.raises(TypeError):
        tf.train.checkpoint_exists(None)


@pytest.mark.parametrize(
    "prefix, exists",
    [
        ("plain", True), ("sub", True), ("sub/", True), ("sub/..", True), ("plain/", True), ("an/", False), ("sub/none", False),
        ("an.index", True), ("an", True), ("dir", True), ("data", False), ("data.data-00000-of-00001", True),
        ("dangling", False), ("link", True), ("a?", True), ("?n", True), ("*/../an", True), ("[a-c]n", True), ("[!a]n", False),
        ("[^a]n", False), ("*den", True), ("none*", False), ("[", False), ("p[l", False),
        (r"\pl\a?n", True), (r"p\?ain", False),
        ("x*[y]", True), (r"x\*\[y]", True), ("left*", False),
    ],
)  # fmt: skip
def test_what_exists(tmp_path, prefix, exists):
    """As in TensorFlow (tests/interop/state_program.py), but for a checkpoint that has signs of patterns in its own name."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "dir.index").mkdir()
    for name in ("plain", "an.index", "data.data-00000-of-00001", ".hidden.index", "x*[y].index", "left.index.tmp-1a2b"):
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert tf.train.checkpoint_exists(f"{tmp_path}/{prefix}") is exists
    assert len(tf.train.get_checkpoint_mtimes([f"{tmp_path}/{prefix}"])) == exists


@pytest.mark.parametrize("form", ["Npz", "Safetensors"])
def test_other_formats_exist_too(tmp_path, form):
    import importlib

    storage = getattr(importlib.import_module(f"minitf.storage.{form.lower()}"), form)()
    tf.train.CheckpointableSaver(tf.Variable(1.0), storage=storage).save(tmp_path / "p")
    assert tf.train.checkpoint_exists(tmp_path / "p")
    assert not tf.train.checkpoint_exists(tmp_path / "q")


def test_of_several_that_fit_the_first_has_the_time(tmp_path):
    for second, name in enumerate(["c.index", "b.index", "a"], 100):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (second, second))
    assert tf.train.get_checkpoint_mtimes([f"{tmp_path}/?"]) == [101.0]


@pytest.mark.upstream("checkpoint_management_test.SaverUtilsTest.testGetCheckpointMtimes")
def test_get_checkpoint_mtimes_leaves_out_what_is_not_there(three, tmp_path):
    for second, path in enumerate(tmp_path.iterdir()):
        os.utime(path, (second, second))
    os.utime(three[0] + ".index", (100.5, 100.5))
    os.utime(three[1], (200.0, 200.0))
    os.utime(tmp_path / "shards-00000-of-00001", (300.0, 300.0))
    assert tf.train.get_checkpoint_mtimes([three[0], str(tmp_path / "none"), *three[1:]]) == [100.5, 200.0, 300.0]


@pytest.mark.upstream("checkpoint_management_test.SaverUtilsTest.testRemoveCheckpoint")
def test_remove_checkpoint(three, tmp_path):
    for name in ("two", "one", "shards"):
        (tmp_path / f"{name}.meta").write_text("a meta graph")
    (tmp_path / "two.other").write_text("something else")
    (tmp_path / "two2.index").write_text("another one")
    for path, version in zip(three, (tf.train.SaverDef.V2, tf.train.SaverDef.V1, tf.train.SaverDef.V1), strict=True):
        tf.train.remove_checkpoint(path, version)
        assert not tf.train.checkpoint_exists(path)
        tf.train.remove_checkpoint(path, version)  # nothing there: no error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["two.other", "two2.index"]


# -- waiting ------------------------------------------------------------------------------------------------------------------


def test_the_iterator_gives_each_newest_checkpoint_once(tmp_path):
    clock = Clock()
    paths = [write(tmp_path / f"m-{n}") for n in range(3)]
    tf.train.update_checkpoint_state(tmp_path, paths[0])
    found = tf.train.checkpoints_iterator(tmp_path, timeout=5, clock=clock)
    assert next(found) == paths[0]
    tf.train.update_checkpoint_state(tmp_path, paths[1])  # never seen: m-2 comes before anybody looks
    tf.train.update_checkpoint_state(tmp_path, paths[2])
    assert next(found) == paths[2]
    assert clock.slept == []
    assert list(found) == []
    assert clock.slept == [1.0] * 5


def test_the_iterator_keeps_an_interval(tmp_path):
    clock = Clock()
    tf.train.update_checkpoint_state(tmp_path, write(tmp_path / "m-1"))
    found = tf.train.checkpoints_iterator(tmp_path, min_interval_secs=10, timeout=0, clock=clock)
    next(found)
    clock.now += 4.0  # what the caller's work took
    assert next(found, None) is None
    assert clock.slept == [6.0]


def test_the_iterator_asks_whether_to_go_on(tmp_path):
    answers = iter([False, False, True])
    tf.train.update_checkpoint_state(tmp_path, write(tmp_path / "m-1"))
    found = tf.train.checkpoints_iterator(tmp_path, timeout=0, timeout_fn=lambda: next(answers), clock=Clock())
    assert list(found) == [str(tmp_path / "m-1")]
    assert next(answers, "all asked") == "all asked"


def test_the_iterator_ends_without_a_checkpoint(tmp_path):
    assert list(tf.train.checkpoints_iterator(tmp_path / "none", timeout=3, clock=Clock())) == []


@pytest.mark.behaviour("S263", "S265", "S275")
@pytest.mark.parametrize("kind", ["Checkpoint", "CheckpointableSaver"])
def test_object_based_savers_record_the_newest_only_and_relative_to_the_directory(tmp_path, kind):
    root = tf.train.AutoTrackable()
    root.v = tf.Variable(1.0)
    save = tf.train.Checkpoint(v=root.v).save if kind == "Checkpoint" else tf.train.CheckpointableSaver(root).save
    paths = [save(str(tmp_path / "run" / name)) for name in ("a", "b")]
    newest = os.path.basename(paths[1])
    assert state_text(tmp_path / "run") == f'model_checkpoint_path: "{newest}"\nall_model_checkpoint_paths: "{newest}"\n'
    assert [tf.train.checkpoint_exists(path) for path in paths] == [True, True]
    moved = tmp_path / "moved"
    shutil.move(tmp_path / "run", moved)
    assert tf.train.latest_checkpoint(moved) == str(moved / newest)
