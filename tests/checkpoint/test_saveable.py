"""SaveableObject: several tensors, own restore, in both savers and both modes."""

import numpy as np
import pytest

import minitf as tf


class Mirrored(tf.train.SaveableObject):
    """Saves one variable and its double, and restores into both."""

    def __init__(self, primary, mirror, name):
        self.primary, self.mirror = primary, mirror
        specs = [
            tf.train.SaveSpec(lambda: primary.read_value(), "", name, dtype=tf.float32, device=""),
            tf.train.SaveSpec(lambda: primary.read_value() * 2.0, "", name + "-twice", dtype=tf.float32, device=""),
        ]
        super().__init__(primary, specs, name)

    def restore(self, restored_tensors, restored_shapes):
        once, twice = restored_tensors
        return tf.group(self.primary.assign(once), self.mirror.assign(twice))


class Owner(tf.train.Trackable):
    def __init__(self):
        self.primary, self.mirror = tf.Variable(15.0, name="primary"), tf.Variable(15.0, name="mirror")
        self.name = "owner"

    def _gather_saveables_for_checkpoint(self):
        return {"VALUE": lambda name="owner": Mirrored(self.primary, self.mirror, name)}


@pytest.mark.behaviour("S115")
def test_in_an_object_based_checkpoint(mode, tmp_path):
    with mode.scope():
        root = tf.train.AutoTrackable()
        owner = root.owner = Owner()
        mode.value(owner.primary)
        mode.value(owner.mirror)
        mode.value(owner.primary.assign(42.0))
        saver = tf.train.CheckpointableSaver(root)
        path = saver.save(str(tmp_path / "m"))
        names = [name for name, _ in tf.train.list_variables(path)]
        assert names == ["_CHECKPOINTABLE_OBJECT_GRAPH", "owner/.ATTRIBUTES/VALUE", "owner/.ATTRIBUTES/VALUE-twice"]
        mode.value(owner.primary.assign(43.0))
        saver.restore(path).assert_consumed().run_restore_ops()
        assert (mode.value(owner.primary), mode.value(owner.mirror)) == (42.0, 84.0)


@pytest.mark.behaviour("S115")
@pytest.mark.parametrize("give", [lambda owner: owner, lambda owner: Mirrored(owner.primary, owner.mirror, "owner")])
def test_in_a_name_based_checkpoint(mode, tmp_path, give):
    with mode.scope():
        owner, session = Owner(), getattr(mode, "session", None)
        mode.value(owner.primary)
        mode.value(owner.mirror)
        saver = tf.train.Saver([give(owner)])
        mode.value(owner.primary.assign(42.0))
        path = saver.save(session, str(tmp_path / "m"))
        assert tf.train.list_variables(path) == [("owner", []), ("owner-twice", [])]
        mode.value(owner.primary.assign(43.0))
        saver.restore(session, path)
        assert (mode.value(owner.primary), mode.value(owner.mirror)) == (42.0, 84.0)


def test_tensors_stand_in_the_order_of_their_specs(tmp_path):
    owner = Owner()
    backwards = Mirrored(owner.primary, owner.mirror, "owner")
    backwards.specs.reverse()
    path = tf.train.Saver([tf.Variable(7.0, name="owner-a"), backwards]).save(None, str(tmp_path / "m"))
    assert np.fromfile(path + ".data-00000-of-00001", np.float32).tolist() == [30.0, 15.0, 7.0]


def test_what_a_spec_needs():
    with pytest.raises(AssertionError, match="dtype"):
        tf.train.SaveSpec(lambda: tf.constant(1.0), "", "a")
    with pytest.raises(NotImplementedError, match="whole"):
        tf.train.SaveSpec(tf.constant(1.0), "2 0,1", "a")
    with pytest.raises(ValueError, match="restore"):
        tf.train.SaveableObject(None, [], "a").restore([], None)
    assert tf.train.SaveSpec(tf.constant(1), "", "a").dtype is tf.int32
