"""Restoring Keras' optimizers up to 2.10: when slots, the count of steps and the settings get their saved values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
from minitf.optimizers import legacy
from minitf.train import AutoTrackable, CheckpointableSaver


def step(root, name="var"):
    variable = getattr(root, name)
    root.optimizer.minimize(lambda: variable * variable * 0.0, [variable])


def trained():
    root = AutoTrackable()
    root.var = tf.Variable(13.0, name="var")
    root.optimizer = legacy.Adam(0.25, beta_1=0.5)
    step(root)
    root.optimizer.get_slot(root.var, "m").assign(14.0)
    return root


@pytest.fixture
def path(tmp_path):
    """A checkpoint of a variable (13) with Adam after one step: slot m 14, learning rate 0.25, beta_1 0.5."""
    return CheckpointableSaver(trained()).save(tmp_path / "legacy")


def keys(path):
    return [name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for name, _ in tf.train.list_variables(path) if name[0] != "_"]


def restored(root, path):
    return CheckpointableSaver(root).restore(path)


def slot(root, name="m"):
    return float(root.optimizer.get_slot(root.var, name))


HYPERS = ["beta_1", "beta_2", "decay", "learning_rate"]


class TestSaving:
    def test_the_keys(self, path):
        own = [f"optimizer/{name}" for name in ("iter", *HYPERS)]
        assert keys(path) == sorted([*own, "var", *(f"var/.OPTIMIZER_SLOT/optimizer/{s}" for s in "mv")])

    def test_before_the_first_use_there_is_nothing(self, tmp_path):
        root = AutoTrackable()
        root.var, root.optimizer = tf.Variable(1.0), legacy.Adam()
        assert keys(CheckpointableSaver(root).save(tmp_path / "new")) == ["var"]

    def test_settings_alone(self, tmp_path):
        root = AutoTrackable()
        root.optimizer = legacy.Adam()
        root.optimizer.lr  # reading makes the settings, not the count of steps
        assert keys(CheckpointableSaver(root).save(tmp_path / "read")) == [f"optimizer/{name}" for name in HYPERS]


class TestEager:
    @pytest.mark.behaviour("S133", "S141")
    def test_optimizer_first(self, path):
        root = AutoTrackable()
        status = restored(root, path)
        root.optimizer = legacy.Adam(0.1)
        assert root.optimizer.get_slot_names() == []
        root.var = tf.Variable(0.0)
        assert (float(root.var), slot(root)) == (13.0, 14.0)
        assert root.optimizer.get_slot_names() == ["m", "v"]
        with pytest.raises(AssertionError, match="learning_rate"):
            status.assert_consumed()
        status.assert_existing_objects_matched()
        step(root)
        status.assert_consumed()
        assert root.optimizer.iterations.numpy() == 2
        assert [float(getattr(root.optimizer, h)) for h in ("lr", "beta_1")] == [0.25, 0.5]
        assert slot(root) == 7.0  # the restored beta_1 had its part in the step

    @pytest.mark.behaviour("S134")
    def test_variable_first(self, path):
        root = AutoTrackable()
        restored(root, path)
        root.var = tf.Variable(0.0)
        root.optimizer = legacy.Adam(0.1)
        assert slot(root) == 14.0

    @pytest.mark.behaviour("S135")
    def test_after_some_steps_everything_is_overwritten(self, path):
        root = trained()
        for _ in range(3):
            step(root)
        root.optimizer.lr = 7.0
        before = root.optimizer.weights[:]
        restored(root, path).assert_consumed()
        assert root.optimizer.weights == before
        assert (root.optimizer.iterations.numpy(), float(root.optimizer.lr), slot(root)) == (1, 0.25, 14.0)

    def test_a_setting_is_restored_when_it_is_read(self, path):
        root = AutoTrackable()
        root.var, root.optimizer = tf.Variable(0.0), legacy.Adam(0.1)
        status = restored(root, path)
        root.optimizer.lr = 0.3  # still a number: the saved one comes when it becomes a variable
        assert float(root.optimizer.lr) == 0.25
        root.optimizer.lr = 0.3
        assert float(root.optimizer.lr) == np.float32(0.3)
        with pytest.raises(AssertionError, match="iter"):
            status.assert_consumed()
        assert root.optimizer.iterations.numpy() == 1
        status.assert_consumed()

    def test_a_variable_that_comes_after_steps_of_others(self, path):
        root = AutoTrackable()
        status = restored(root, path)
        root.optimizer, root.other = legacy.Adam(0.1), tf.Variable(1.0)
        step(root, "other")
        step(root, "other")
        with pytest.raises(AssertionError):
            status.assert_consumed()
        root.var = tf.Variable(0.0)
        assert slot(root) == 14.0
        assert "8 of 8 values restored" in str(status.explain())
        assert root.optimizer.iterations.numpy() == 3

    def test_a_variable_of_the_callers_is_restored_itself(self, path):
        root, rate = AutoTrackable(), tf.Variable(0.5)
        restored(root, path)
        root.optimizer = legacy.Adam(rate)
        assert rate.numpy() == 0.25

    def test_a_schedule_leaves_the_saved_rate_unused(self, path):
        root = AutoTrackable()
        root.var = tf.Variable(0.0)
        root.optimizer = legacy.Adam(tf.keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
        status = restored(root, path)
        step(root)
        status.assert_existing_objects_matched()
        with pytest.raises(AssertionError, match="learning_rate"):
            status.assert_consumed()

    @pytest.mark.behaviour("S143")
    @pytest.mark.parametrize("order", [("var", "optimizer"), ("optimizer", "var")])
    def test_the_later_of_two_waiting_checkpoints_decides(self, path, tmp_path, order):
        later = trained()
        later.var.assign(23.0)
        later.optimizer.lr = 0.125
        later.optimizer.get_slot(later.var, "m").assign(24.0)
        later = CheckpointableSaver(later).save(tmp_path / "later")
        root = AutoTrackable()
        restored(root, path)
        restored(root, later)
        for name in order:
            setattr(root, name, tf.Variable(0.0) if name == "var" else legacy.Adam(0.1))
        assert (float(root.var), slot(root), float(root.optimizer.lr)) == (23.0, 24.0, 0.125)

    @pytest.mark.behaviour("S146")
    def test_a_slot_of_another_shape_changes_nothing(self, path, tmp_path):
        root = trained()
        root.optimizer.add_slot(root.var, "odd", shape=[2])
        saved = CheckpointableSaver(root).save(tmp_path / "odd")
        root = AutoTrackable()
        root.var, root.optimizer = tf.Variable(1.0), legacy.Adam()
        with pytest.raises(ValueError, match="odd"):
            restored(root, saved)
        assert (float(root.var), root.optimizer.get_slot_names(), root.optimizer.weights) == (1.0, [], [])

    @pytest.mark.behaviour("S145")
    def test_slots_wait_while_the_making_of_variables_is_hooked(self, path):
        root = AutoTrackable()
        root.optimizer = legacy.Adam()
        status = restored(root, path)
        with tf.variable_creator_scope(lambda next_creator, **kwargs: next_creator(**kwargs)):
            root.var = tf.Variable(0.0)
        assert root.optimizer.get_slot_names() == []
        step(root)
        status.assert_consumed()
        assert slot(root) == 7.0

    def test_explanations_know_what_the_first_step_makes(self, path):
        root = AutoTrackable()
        status = restored(root, path)
        root.optimizer, root.var = legacy.Adam(), tf.Variable(0.0)
        assert "5 values: (root).optimizer (Adam) has made nothing yet that could be restored" in str(status.explain())
        step(root)
        assert "has made nothing" not in str(status.explain())

    def test_explanations_know_the_slots(self, path):
        root = AutoTrackable()
        root.optimizer, root.var = legacy.SGD(), tf.Variable(0.0)
        status = restored(root, path)
        step(root)
        assert "is another optimizer (SGD): its state is momentum, but the checkpoint has m, v" in str(status.explain())


class TestGraph:
    @pytest.mark.behaviour("S139", "S141")
    def test_slots_and_settings_wait_until_training_makes_them(self, path):
        with tf.Graph().as_default(), tf.Session() as session:
            root = AutoTrackable()
            status = restored(root, path)
            root.var = tf.Variable(0.0, name="var")
            root.optimizer = legacy.Adam(0.1)
            assert root.optimizer.get_slot_names() == []
            with pytest.raises(AssertionError):
                status.assert_consumed()
            train = root.optimizer.minimize(lambda: root.var * 0.0, [root.var])
            status.assert_consumed()
            status.run_restore_ops()
            optimizer = root.optimizer
            wanted = [root.var, optimizer.get_slot(root.var, "m"), optimizer.iterations, optimizer.lr]
            assert session.run(wanted) == [13.0, 14.0, 1, 0.25]
            session.run(train)
            assert session.run(wanted[1:3]) == [7.0, 2]

    def test_everything_exists(self, path):
        with tf.Graph().as_default(), tf.Session() as session:
            root = AutoTrackable()
            root.var, root.optimizer = tf.Variable(0.0), legacy.Adam(0.1)
            root.optimizer.minimize(lambda: root.var * 0.0, [root.var])
            restored(root, path).assert_consumed().run_restore_ops()
            assert session.run([root.var, root.optimizer.get_slot(root.var, "m"), root.optimizer.beta_1]) == [13, 14, 0.5]

    @pytest.mark.behaviour("S140")
    def test_the_slot_exists_and_the_variable_comes_later(self, path):
        with tf.Graph().as_default(), tf.Session() as session:
            root, var = AutoTrackable(), tf.Variable(0.0)
            root.optimizer = legacy.Adam(0.1)
            root.optimizer.minimize(lambda: var * 0.0, [var])
            status = restored(root, path)
            root.var = var
            status.run_restore_ops()
            assert session.run([var, root.optimizer.get_slot(var, "m")]) == [13.0, 14.0]


SHAPES = {"var": [0.0, 0.0], "other": 0.0}
EVENTS = ["restore", "var", "optimizer", "other", "read", "step", "step other"]


@given(st.permutations(EVENTS), st.sampled_from(["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"]))
def test_the_order_does_not_matter(tmp_path_factory, order, kind):
    """Whenever things appear, in the end the saved values are there, and went before what steps made of them."""
    make = lambda: getattr(legacy, kind)(**({"momentum": 0.5} if kind in ("SGD", "RMSprop") else {}))
    saved = AutoTrackable()
    saved.var, saved.other, saved.optimizer = tf.Variable([1.0, 2.0]), tf.Variable(3.0), make()
    loss = lambda root, *names: lambda: sum((tf.reduce_sum(getattr(root, n) ** 2.0) for n in names), tf.constant(0.0))
    for _ in range(2):
        saved.optimizer.minimize(loss(saved, "var", "other"), [saved.var, saved.other])
    saved.optimizer.lr = 0.125
    path = CheckpointableSaver(saved).save(tmp_path_factory.mktemp("order") / "ckpt")
    root, status, steps = AutoTrackable(), None, []

    def step(root, name):
        root.optimizer.minimize(loss(root, name), [getattr(root, name)])

    for event in order:
        name = "other" if event in ("other", "step other") else "var"
        if event == "restore":
            status, steps = restored(root, path), []  # what was there is overwritten
        elif event == "optimizer":
            root.optimizer = make()
        elif event == name:
            setattr(root, name, tf.Variable(SHAPES[name]))
        elif event == "read" and hasattr(root, "optimizer"):
            root.optimizer.lr
        elif hasattr(root, "optimizer") and hasattr(root, name):
            step(root, name)
            steps.append(name)
    for name in SHAPES:  # whatever is missing is made by one more step
        step(root, name)
    steps += SHAPES
    status.assert_consumed()
    same = AutoTrackable()
    same.var, same.other, same.optimizer = tf.Variable(SHAPES["var"]), tf.Variable(SHAPES["other"]), make()
    restored(same, path)
    for name in steps:
        step(same, name)
    assert root.optimizer.iterations.numpy() == 2 + len(steps)
    assert float(root.optimizer.lr) == 0.125
    for name in SHAPES:
        mine, other = getattr(root, name), getattr(same, name)
        np.testing.assert_array_equal(mine.numpy(), other.numpy())
        for slot_name in root.optimizer.get_slot_names():
            np.testing.assert_array_equal(root.optimizer.get_slot(mine, slot_name), same.optimizer.get_slot(other, slot_name))
