"""Slots and checkpoints: what is saved, and when a slot gets its saved value."""

import numpy as np
import pytest

import minitf as tf
from minitf.train import AdamOptimizer, AutoTrackable, CheckpointableSaver, MomentumOptimizer


def root_with_slots(value=13.0, m=14.0):
    root = AutoTrackable()
    root.var = tf.Variable(value, name="var")
    root.optimizer = AdamOptimizer(0.1)
    root.optimizer.minimize(lambda: root.var * 1.0)
    root.var.assign(value)
    root.optimizer.get_slot(root.var, "m").assign(m)
    return root


@pytest.fixture
def path(tmp_path):
    """A checkpoint of a variable (13) with an Adam optimizer (slot m 14, powers after one step)."""
    return CheckpointableSaver(root_with_slots()).save(tmp_path / "slots")


@pytest.fixture
def path_without_slots(tmp_path):
    root = AutoTrackable()
    root.var = tf.Variable(12.0)
    return CheckpointableSaver(root).save(tmp_path / "plain")


def keys(path):
    return [name for name, _ in tf.train.list_variables(path) if not name.startswith("_")]


def restored(root, path):
    return CheckpointableSaver(root).restore(path)


def slot(root, name="m"):
    return root.optimizer.get_slot(root.var, name)


class TestSaving:
    @pytest.mark.behaviour("S131")
    def test_a_slot_needs_variable_and_optimizer(self, tmp_path):
        root = root_with_slots()
        saved = keys(CheckpointableSaver(root).save(tmp_path / "both"))
        assert saved == sorted(
            f"{name}/.ATTRIBUTES/VARIABLE_VALUE"
            for name in (
                "var",
                "optimizer/beta1_power",
                "optimizer/beta2_power",
                *(f"var/.OPTIMIZER_SLOT/optimizer/{s}" for s in "mv"),
            )
        )
        only = AutoTrackable()
        only.var = root.var
        assert keys(CheckpointableSaver(only).save(tmp_path / "variable")) == ["var/.ATTRIBUTES/VARIABLE_VALUE"]
        only = AutoTrackable()
        only.optimizer = root.optimizer
        assert not any("SLOT" in k for k in keys(CheckpointableSaver(only).save(tmp_path / "optimizer")))

    @pytest.mark.behaviour("S131")
    def test_a_shared_optimizer_does_not_drag_in_slots_of_other_variables(self, tmp_path):
        root, other = root_with_slots(), tf.Variable(1.0)
        root.optimizer.minimize(lambda: other * 1.0)
        assert len(keys(CheckpointableSaver(root).save(tmp_path / "one"))) == 5

    @pytest.mark.behaviour("S132")
    def test_a_slot_that_is_also_an_edge_cannot_be_saved(self, tmp_path):
        root = root_with_slots()
        root.extra = slot(root)
        with pytest.raises(NotImplementedError):
            CheckpointableSaver(root).save(tmp_path / "twice")


class TestEager:
    @pytest.mark.behaviour("S133", "S141")
    def test_optimizer_first(self, path):
        root = AutoTrackable()
        status = restored(root, path)
        root.optimizer = AdamOptimizer(0.1)
        assert root.optimizer.get_slot_names() == []
        root.var = tf.Variable(0.0)
        assert (float(root.var), float(slot(root))) == (13.0, 14.0)
        assert root.optimizer.get_slot_names() == ["m", "v"]
        with pytest.raises(AssertionError, match="beta1_power"):
            status.assert_consumed()
        status.assert_existing_objects_matched()
        root.optimizer.minimize(lambda: root.var * 0.0)
        status.assert_consumed()
        np.testing.assert_allclose(float(root.optimizer._children()["beta1_power"]), 0.9**3, rtol=1e-6)

    @pytest.mark.behaviour("S134")
    def test_variable_first(self, path):
        root = AutoTrackable()
        restored(root, path)
        root.var = tf.Variable(0.0)
        root.optimizer = AdamOptimizer(0.1)
        assert float(slot(root)) == 14.0

    @pytest.mark.behaviour("S135")
    def test_both_exist(self, path):
        root = AutoTrackable()
        root.var, root.optimizer = tf.Variable(0.0), AdamOptimizer(0.1)
        restored(root, path)
        assert float(slot(root)) == 14.0
        root = root_with_slots(0.0, 0.0)
        before = slot(root)
        restored(root, path).assert_consumed()
        assert slot(root) is before
        assert float(before) == 14.0

    @pytest.mark.behaviour("S136")
    def test_the_checkpoint_names_the_slots(self, path):
        root = AutoTrackable()
        root.optimizer, root.var = MomentumOptimizer(0.1, 0.9), tf.Variable(0.0)
        restored(root, path)
        assert root.optimizer.get_slot_names() == ["m", "v"]

    def test_something_without_slots_in_the_optimizers_place(self, path):
        root = AutoTrackable()
        root.optimizer = AutoTrackable()
        restored(root, path)
        root.var = tf.Variable(0.0)
        assert float(root.var) == 13.0

    @pytest.mark.behaviour("S138")
    def test_a_slot_needs_a_match_for_both(self, path):
        root = AutoTrackable()
        status = restored(root, path)
        root.var = tf.Variable(0.0)
        status.assert_existing_objects_matched()
        with pytest.raises(AssertionError):
            status.assert_consumed()
        root = AutoTrackable()
        status = restored(root, path)
        root.optimizer = AdamOptimizer(0.1)
        with pytest.raises(AssertionError):
            status.assert_consumed()
        assert root.optimizer.get_slot_names() == []

    @pytest.mark.behaviour("S142")
    def test_an_earlier_checkpoint_still_supplies_the_slots(self, path, path_without_slots):
        root = AutoTrackable()
        with_slots, without = restored(root, path), restored(root, path_without_slots)
        with pytest.raises(AssertionError):
            without.assert_consumed()
        root.var = tf.Variable(0.0)
        assert float(root.var) == 12.0
        without.assert_consumed()
        root.optimizer = AdamOptimizer(0.1)
        assert (float(root.var), float(slot(root))) == (12.0, 14.0)
        with pytest.raises(AssertionError):
            with_slots.assert_consumed()
        root.optimizer.minimize(lambda: root.var * 0.0)
        with_slots.assert_consumed()

    @pytest.mark.behaviour("S143")
    @pytest.mark.parametrize("order", [("var", "optimizer"), ("optimizer", "var")])
    def test_the_later_of_two_waiting_checkpoints_decides(self, path, tmp_path, order):
        later = CheckpointableSaver(root_with_slots(23.0, 24.0)).save(tmp_path / "later")
        root = AutoTrackable()
        restored(root, path)
        restored(root, later)
        for name in order:
            setattr(root, name, tf.Variable(0.0) if name == "var" else AdamOptimizer(0.1))
        assert (float(root.var), float(slot(root))) == (23.0, 24.0)

    @pytest.mark.behaviour("S144")
    def test_slots_without_a_saved_value_stay(self, path_without_slots):
        root = root_with_slots()
        status = restored(root, path_without_slots)
        assert (float(root.var), float(slot(root))) == (12.0, 14.0)
        with pytest.raises(AssertionError):
            status.assert_existing_objects_matched()

    @pytest.mark.behaviour("S146")
    def test_a_slot_of_another_shape(self, path, tmp_path):
        root = root_with_slots()
        odd = MomentumOptimizer(0.1, 0.9)
        odd.add_slot(root.var, "momentum", [1.0, 2.0])
        root.optimizer = odd
        saved = CheckpointableSaver(root).save(tmp_path / "odd")
        root = AutoTrackable()
        root.var, root.optimizer = tf.Variable(0.0), MomentumOptimizer(0.1, 0.9)
        with pytest.raises(ValueError):
            restored(root, saved)

    @pytest.mark.behaviour("S148")
    def test_a_variable_under_two_names(self, tmp_path):
        root = root_with_slots()
        root.alias = root.var
        saved = CheckpointableSaver(root).save(tmp_path / "alias")
        assert len([k for k in keys(saved) if "SLOT" in k]) == 2
        root = root_with_slots(0.0, 0.0)
        root.alias = root.var
        restored(root, saved).assert_consumed()
        assert float(slot(root)) == 14.0

    @pytest.mark.behaviour("S141")
    def test_powers_are_made_with_their_saved_values(self, path):
        root = AutoTrackable()
        restored(root, path)
        root.optimizer = AdamOptimizer(0.1, beta1=0.5)
        v = tf.Variable(1.0)
        root.optimizer.minimize(lambda: v * 1.0)
        np.testing.assert_allclose(float(root.optimizer._children()["beta1_power"]), 0.9**2 * 0.5, rtol=1e-6)


class TestGraph:
    @pytest.mark.behaviour("S139", "S141")
    def test_slots_wait_until_training_makes_them(self, path):
        with tf.Graph().as_default(), tf.Session() as session:
            root = AutoTrackable()
            status = restored(root, path)
            root.var = tf.Variable(0.0, name="var")
            root.optimizer = AdamOptimizer(0.1)
            assert slot(root) is None
            with pytest.raises(AssertionError):
                status.assert_consumed()
            root.optimizer.minimize(root.var * 0.0)
            status.assert_consumed()
            status.run_restore_ops()
            powers = root.optimizer._children()
            found = session.run([root.var, slot(root), powers["beta1_power"]])
            np.testing.assert_allclose(found, [13.0, 14.0, 0.81], rtol=1e-6)

    @pytest.mark.behaviour("S140")
    def test_the_slot_exists_and_the_variable_comes_later(self, path):
        with tf.Graph().as_default(), tf.Session() as session:
            root, var = AutoTrackable(), tf.Variable(0.0)
            root.optimizer = AdamOptimizer(0.1)
            root.optimizer.minimize(var * 0.0)
            status = restored(root, path)
            root.var = var
            status.run_restore_ops()
            assert session.run([var, slot(root)]) == [13.0, 14.0]

    @pytest.mark.behaviour("S142")
    def test_two_checkpoints_run_in_order(self, path, path_without_slots):
        with tf.Graph().as_default(), tf.Session() as session:
            root = AutoTrackable()
            root.var, root.optimizer = tf.Variable(0.0), AdamOptimizer(0.1)
            with_slots, without = restored(root, path), restored(root, path_without_slots)
            root.optimizer.minimize(root.var * 0.0)
            with_slots.run_restore_ops()
            without.run_restore_ops()
            assert session.run([root.var, slot(root)]) == [12.0, 14.0]

    @pytest.mark.behaviour("S147")
    def test_one_optimizer_in_two_graphs(self, tmp_path):
        optimizer, saved = AdamOptimizer(0.1), {}
        worlds = []
        for name in ("first", "second"):
            graph = tf.Graph()
            with graph.as_default(), tf.Session(graph=graph) as session:
                root = AutoTrackable()
                root.optimizer, root.var = optimizer, tf.Variable(1.0, name="x")
                assert dict(optimizer._children()) == {}
                step = optimizer.minimize(root.var * 1.0)
                restored(root, None).initialize_or_restore()
                for _ in range(len(worlds) + 1):
                    session.run(step)
                saved[name] = CheckpointableSaver(root).save(tmp_path / name)
                assert len(keys(saved[name])) == 5
                worlds.append((graph, root))
        for (graph, root), powers in zip(worlds, (0.9**2, 0.9**3), strict=True):
            with graph.as_default(), tf.Session(graph=graph) as session:
                name = "first" if powers == 0.9**2 else "second"
                restored(root, saved[name]).assert_consumed().run_restore_ops()
                found = session.run(optimizer._children()["beta1_power"])
                np.testing.assert_allclose(found, powers, rtol=1e-6)


WRITE = """
import json, sys
import tensorflow as tf
v1 = tf.compat.v1
folder = sys.argv[1]
def build(rule):
    w = tf.Variable([1.0, -2.0], name="w")
    optimizer = rule()
    return w, optimizer, lambda: tf.reduce_sum(w * w * w * 0.01 + w * w)
RULES = {
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True),
    "adam": lambda: v1.train.AdamOptimizer(0.1),
}
out = {}
for name, rule in RULES.items():
    w, optimizer, loss = build(rule)
    root = tf.train.Checkpoint(w=w, optimizer=optimizer)
    for step in range(8):
        if step == 4:
            root.write(f"{folder}/{name}-eager")
        optimizer.minimize(loss)
    out[f"{name}-eager"] = w.numpy().tolist()
    with tf.Graph().as_default(), v1.Session() as session:
        w, optimizer, loss = build(rule)
        step_op = optimizer.minimize(loss())
        root = v1.train.Checkpoint(w=w, optimizer=optimizer)
        session.run(v1.global_variables_initializer())
        for step in range(8):
            if step == 4:
                root.write(f"{folder}/{name}-graph")
            session.run(step_op)
        out[f"{name}-graph"] = session.run(w).tolist()
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def written_by_tensorflow(oracle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tensorflow")
    return folder, oracle(WRITE, folder)


OURS = {
    "momentum": lambda: MomentumOptimizer(0.1, 0.9),
    "adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True),
    "adam": lambda: AdamOptimizer(0.1),
}


@pytest.mark.interop
@pytest.mark.parametrize("written_in", ["eager", "graph"])
@pytest.mark.parametrize("name", OURS)
def test_training_goes_on_where_tensorflow_stopped(written_by_tensorflow, mode, name, written_in):
    """Four steps of TensorFlow, a checkpoint, four steps of minitf: the end is the one of eight steps of TensorFlow."""
    folder, ends = written_by_tensorflow
    with mode.scope():
        w = tf.Variable([0.0, 0.0], name="w")
        optimizer = OURS[name]()
        root = tf.train.Checkpoint(w=w, optimizer=optimizer)
        status = root.read(str(folder / f"{name}-{written_in}"))
        loss = lambda: tf.reduce_sum(w * w * w * 0.01 + w * w)
        if mode.name == "eager":
            mode.repeat(lambda: optimizer.minimize(loss), 4)
            status.assert_consumed()
        else:
            step = optimizer.minimize(loss())
            status.assert_consumed().run_restore_ops()
            for _ in range(4):
                mode.session.run(step)
            mode.started.update(v.handle for v in tf.global_variables())
        np.testing.assert_allclose(mode.value(w), ends[f"{name}-{written_in}"], rtol=2e-6)
