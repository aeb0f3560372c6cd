"""Name-based files restored through the object-based savers (K of the restore semantics).

``CheckpointableSaver`` waits until its status is told to run, in both modes; ``Checkpoint`` does as TensorFlow 2: in eager mode
it assigns at once and when objects are attached, in a graph when it is run.
"""

import numpy as np
import pytest

import minitf as tf

SAVED = {"v": 3.0, "w": [1.0, 2.0], "unused": 7}


@pytest.fixture
def path(tmp_path):
    """What a program with these names saved."""
    variables = [tf.Variable(value, name=name) for name, value in SAVED.items()]
    return tf.train.Saver(variables).save(None, str(tmp_path / "named"))


def start(mode, *variables):
    if mode.name == "graph":
        mode.session.run([v.initializer for v in variables])


def value(mode, x):
    return np.asarray(mode.session.run(x) if mode.name == "graph" else x.numpy()).tolist()


@pytest.fixture
def root(path, mode):
    """A root with v at the top and w one level below, under other local names; the test runs in its mode."""
    with mode.scope():
        root = tf.train.AutoTrackable()
        root.first = tf.Variable(0.0, name="v")
        root.inner = tf.train.AutoTrackable()
        root.inner.second = tf.Variable([0.0, 0.0], name="w")
        start(mode, root.first, root.inner.second)
        yield root


def values(mode, root):
    return [value(mode, root.first), value(mode, root.inner.second)]


BEFORE, AFTER = [0.0, [0.0, 0.0]], [3.0, [1.0, 2.0]]


# -- both savers ------------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S224", "S190")
@pytest.mark.parametrize("saver", [tf.train.CheckpointableSaver, lambda root: tf.train.Checkpoint(root=root)])
def test_a_file_without_an_object_graph_gives_a_status_of_its_own(root, path, saver, caplog):
    status = saver(root).restore(path)
    assert type(status) is tf.train.NameBasedSaverStatus
    assert "name-based" in caplog.text
    assert status.expect_partial() is status


@pytest.mark.behaviour("S229", "S230", "S191")
def test_the_three_assertions_are_one_and_names_that_nobody_uses_do_not_matter(mode, root, path):
    status = tf.train.CheckpointableSaver(root).restore(path)
    assertions = (status.assert_consumed, status.assert_existing_objects_matched, status.assert_nontrivial_match)
    for assertion in assertions:
        with pytest.raises(AssertionError, match="run_restore_ops"):
            assertion()
    assert status.run_restore_ops() is None
    for assertion in assertions:
        assert assertion() is status  # although "unused" was not used
    assert values(mode, root) == AFTER


@pytest.mark.behaviour("S238")
def test_initialize_or_restore_is_the_same_as_run_restore_ops(mode, root, path):
    tf.train.CheckpointableSaver(root).restore(path).initialize_or_restore()
    assert values(mode, root) == AFTER


@pytest.mark.parametrize(
    "name, initial, error",
    [("missing", 1.0, tf.errors.NotFoundError), ("v", [1.0], None), ("w", [1, 2], tf.errors.InvalidArgumentError)],
)
def test_a_missing_name_or_another_shape_or_dtype_restores_nothing(path, mode, name, initial, error):
    with mode.scope():
        root = tf.train.AutoTrackable()
        root.fine, root.wrong = tf.Variable(0, name="unused"), tf.Variable(initial, name=name)
        start(mode, root.fine, root.wrong)
        status = tf.train.CheckpointableSaver(root).restore(path)
        of_shape = {"eager": ValueError, "graph": tf.errors.InvalidArgumentError}[mode.name]
        with pytest.raises(error or of_shape):
            status.run_restore_ops()
        assert [value(mode, root.fine), value(mode, root.wrong)] == [0, initial]
        with pytest.raises(AssertionError):
            status.assert_consumed()


@pytest.mark.behaviour("S160", mode="eager")
def test_restores_by_name_and_by_object_are_ordered_alike(path, tmp_path):
    other = tf.train.AutoTrackable()
    other.late = tf.Variable(5.0)
    by_object = tf.train.Checkpoint(root=other).write(str(tmp_path / "objects"))
    for first, second, expected in [(path, by_object, 5.0), (by_object, path, 3.0)]:
        root = tf.train.Checkpoint()
        root.read(first)
        root.read(second)
        root.late = tf.Variable(0.0, name="v")
        assert float(root.late) == expected


# -- CheckpointableSaver: nothing before the run ------------------------------------------------------------------------------


@pytest.mark.behaviour("S225", "S234")
def test_nothing_is_read_or_assigned_before_the_run(mode, root, path, monkeypatch):
    from minitf.storage.bundle import BundleReader

    read = []
    original = BundleReader.read_many
    monkeypatch.setattr(BundleReader, "read_many", lambda self, keys: read.extend(keys) or original(self, read[-len(keys) :]))
    status = tf.train.CheckpointableSaver(root).restore(path)
    assert (values(mode, root), read) == (BEFORE, [])
    with pytest.raises(AssertionError):
        status.assert_consumed()
    status.run_restore_ops()
    assert values(mode, root) == AFTER
    status.assert_consumed()


@pytest.mark.behaviour("S225", "S236")
def test_objects_attached_before_the_run_take_part_and_later_ones_do_not(mode, root, path):
    inner = root.inner
    del root.inner
    status = tf.train.CheckpointableSaver(root).restore(path)
    root.inner = inner
    assert values(mode, root) == BEFORE  # nothing waits
    status.run_restore_ops()
    assert values(mode, root) == AFTER
    root.late = tf.Variable(0, name="unused")
    start(mode, root.late)
    assert value(mode, root.late) == 0
    with pytest.raises(AssertionError):
        status.assert_consumed()


def test_a_status_may_be_run_again(mode, root, path):
    status = tf.train.CheckpointableSaver(root).restore(path)
    status.run_restore_ops()
    start(mode, root.first)
    value(mode, root.first.assign(9.0))
    status.run_restore_ops()
    assert values(mode, root) == AFTER


@pytest.mark.behaviour("S233", mode="graph")
def test_in_a_graph_restore_adds_nothing_and_the_run_adds_its_operations(path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        root = tf.train.AutoTrackable()
        root.v = tf.Variable(0.0, name="v")
        count = len(graph.get_operations())
        status = tf.train.CheckpointableSaver(root).restore(path)
        assert len(graph.get_operations()) == count
        status.run_restore_ops(session)
        assert len(graph.get_operations()) > count
        assert session.run(root.v) == 3.0


@pytest.mark.behaviour("S237", mode="graph")
def test_in_a_graph_a_missing_name_fails_the_run(path):
    with tf.Graph().as_default(), tf.Session():
        root = tf.train.AutoTrackable()
        root.v, root.x = tf.Variable(0.0, name="v"), tf.Variable(0.0, name="x")
        status = tf.train.CheckpointableSaver(root).restore(path)
        with pytest.raises(tf.errors.NotFoundError, match="'x'"):
            status.run_restore_ops()
        with pytest.raises(tf.errors.NotFoundError, match="save_counter"):
            tf.train.Checkpoint(v=root.v).restore(path).run_restore_ops()


# -- Checkpoint in a graph
# ------------------------------------------------------------------------------------------------------


@pytest.mark.behaviour("S235", mode="graph")
def test_a_checkpoints_status_is_run_once(path):
    with tf.Graph().as_default(), tf.Session() as session:
        group = tf.train.Checkpoint(v=tf.Variable(0.0, name="v"))
        status = group.read(path)
        with pytest.raises(AssertionError):
            status.assert_consumed()
        status.run_restore_ops()
        assert session.run(group.v) == 3.0
        status.assert_consumed()
        with pytest.raises(ValueError, match="No variables"):
            status.run_restore_ops()
        with pytest.raises(ValueError, match="No variables"):
            tf.train.Checkpoint().read(path).run_restore_ops()


# -- Checkpoint in eager mode
# -----------------------------------------------------------------------------------------------------


def eager_root():
    root = tf.train.AutoTrackable()
    root.first = tf.Variable(0.0, name="v")
    root.inner = tf.train.AutoTrackable()
    root.inner.second = tf.Variable([0.0, 0.0], name="w")
    return root


@pytest.mark.behaviour("S226", mode="eager")
def test_existing_variables_are_assigned_inside_restore(path):
    root = eager_root()
    status = tf.train.Checkpoint(root=root).read(path)
    assert (float(root.first), root.inner.second.numpy().tolist()) == (3.0, [1.0, 2.0])
    status.assert_consumed()
    root.first.assign(9.0)
    status.run_restore_ops()
    status.initialize_or_restore()
    assert float(root.first) == 9.0


@pytest.mark.behaviour("S227", mode="eager")
def test_what_is_attached_later_is_looked_up_but_not_what_it_has_already(path):
    root = tf.train.AutoTrackable()
    tf.train.Checkpoint(root=root).read(path)
    root.first = tf.Variable(0.0, name="v")
    assert float(root.first) == 3.0
    inner = tf.train.AutoTrackable()
    inner.early = tf.Variable([0.0, 0.0], name="w")
    root.inner = inner
    inner.late = tf.Variable([0.0, 0.0], name="w")
    assert (inner.early.numpy().tolist(), inner.late.numpy().tolist()) == ([0.0, 0.0], [1.0, 2.0])


@pytest.mark.behaviour("S228", mode="eager")
def test_a_variable_whose_name_is_missing_keeps_its_value_and_is_named(path):
    root = eager_root()
    root.inner.extra = tf.Variable(5.0, name="extra")
    status = tf.train.Checkpoint(root=root).read(path)
    assert (float(root.inner.extra), float(root.first)) == (5.0, 3.0)
    for assertion in (status.assert_consumed, status.assert_existing_objects_matched, status.assert_nontrivial_match):
        with pytest.raises(AssertionError, match=r"inner\.extra"):
            assertion()


@pytest.mark.behaviour("S232", mode="eager")
def test_the_counter_of_a_checkpoint_is_excused(path):
    group = tf.train.Checkpoint(v=tf.Variable(0.0, name="v"))
    group.restore(path).assert_consumed()
    assert (float(group.v), int(group.save_counter)) == (3.0, 0)


@pytest.mark.behaviour("S239", mode="eager")
@pytest.mark.parametrize("saver", [tf.train.CheckpointableSaver, lambda root: tf.train.Checkpoint(root=root)])
def test_two_variables_of_one_name_both_get_the_value(path, saver):
    root = eager_root()
    root.twin = tf.Variable(0.0, name="v")
    saver(root).restore(path).run_restore_ops()
    assert (float(root.first), float(root.twin)) == (3.0, 3.0)


class State(tf.train.PythonState):
    """Python state with nothing in it."""

    def serialize(self):
        return ""

    def deserialize(self, string_value):
        raise AssertionError("nothing is restored by name here")


@pytest.mark.behaviour("S240", mode="eager")
@pytest.mark.parametrize("saver", [tf.train.CheckpointableSaver, lambda root: tf.train.Checkpoint(root=root)])
def test_python_state_is_reported(path, saver):
    root = eager_root()
    root.state = State()
    status = saver(root).restore(path)
    status.run_restore_ops()
    with pytest.raises(AssertionError, match="state"):
        status.assert_consumed()


@pytest.mark.behaviour("S241", mode="eager")
@pytest.mark.parametrize("initial, error", [([0.0], ValueError), (0, tf.errors.InvalidArgumentError)])
def test_another_shape_or_dtype_is_an_error_at_restore_or_at_attachment(path, initial, error):
    root = tf.train.AutoTrackable()
    root.first = tf.Variable(initial, name="v")
    with pytest.raises(error):
        tf.train.Checkpoint(root=root).read(path)
    late = tf.train.AutoTrackable()
    tf.train.Checkpoint(root=late).read(path)
    with pytest.raises(error):
        late.first = tf.Variable(initial, name="v")
