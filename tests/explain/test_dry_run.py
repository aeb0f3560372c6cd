"""``saver.explain(path)``: what a restore would do, without doing it."""

import pytest

import minitf as tf
from minitf.explain.why import State, Why
from tests.checkpoint.conftest import Node
from tests.explain.watch import everything_about

Saver = tf.train.CheckpointableSaver


def trained():
    """Something with slots, a list, a dict, Python state and a group of tensors."""
    v, optimizer = tf.Variable([1.0]), tf.train.AdamOptimizer(0.1)
    optimizer.apply_gradients([(tf.constant([1.0]), v)])
    return Node(v=v, optimizer=optimizer, l=[tf.Variable(1.0)], d={"k": tf.Variable(2.0)}, count=Count(), pair=Pair())


class Count(tf.train.PythonState):
    def serialize(self):
        return b"1"

    def deserialize(self, value):
        raise AssertionError("a dry run restores nothing")


class Pair(tf.Module):
    """Values by its own rule, which a dry run must not ask for: it adds operations to a graph."""

    calls = 0

    def __init__(self):
        self.a = tf.Variable(0.0)

    def _serialize_to_tensors(self):
        Pair.calls += 1
        return {"sum": self.a + 1.0}

    def _restore_from_tensors(self, tensors):
        raise AssertionError("a dry run restores nothing")


def test_a_dry_run_touches_nothing(world, tmp_path, save):
    with tf.using(tf.Eager()):
        path = Saver(trained()).save(str(tmp_path / "c"))
    root = Node(v=tf.Variable([0.0]), optimizer=tf.train.AdamOptimizer(0.1), l=[tf.Variable(0.0)], count=Count(), pair=Pair())
    world.init()
    waiting = Saver(root).restore(save(v=[3.0], late=1.0)).expect_partial()  # so that there is something to disturb
    calls, before = Pair.calls, everything_about(root, waiting, world)
    told = Saver(root).explain(path)
    for show in (str, type(told).to_json, type(told)._repr_html_, type(told).to_networkx):
        show(told)
    assert everything_about(root, waiting, world) == before
    assert Pair.calls == calls
    assert told.dry
    assert told.restore is None
    assert "(root).d.k" in {row.saved for row in told.rows if row.state is State.WAITING}
    root.d = {"k": tf.Variable(0.0)}  # nobody waits for it
    assert root.d["k"].handle.home.store_at_hand(None).cell(root.d["k"].handle).writes == 0


def test_it_foretells_what_the_restore_does(world, save):
    def make():
        return Node(a=tf.Variable(0.0), shared=Node(x=tf.Variable(0.0)), l=[tf.Variable(0.0)], more=tf.Variable(0.0))

    path = save(a=1.0, shared={"x": 2.0, "y": 3.0}, gone=4.0)
    root = make()
    foretold = Saver(root).explain(path)
    status = Saver(root).restore(path).expect_partial()
    world.run(status)
    told = status.explain()
    rows = [[(row.state, row.saved, row.live) for row in explanation.rows] for explanation in (foretold, told)]
    assert rows[0] == rows[1]
    assert [(c.kind, c.path, c.rows) for c in foretold.causes] == [(c.kind, c.path, c.rows) for c in told.causes]


def test_slots_that_would_be_made(eager, tmp_path):
    v, optimizer = tf.Variable([1.0]), tf.train.AdamOptimizer(0.1)
    optimizer.apply_gradients([(tf.constant([1.0]), v)])
    path = Saver(Node(v=v, optimizer=optimizer)).save(str(tmp_path / "c"))
    root = Node(v=tf.Variable([0.0]), optimizer=tf.train.AdamOptimizer(0.1))
    states = {row.saved: row.state for row in Saver(root).explain(path).rows}
    assert states["slot m of (root).v"] is State.RESTORED
    assert states["(root).optimizer.beta1_power"] is State.WAITING
    assert root.optimizer.get_slot_names() == []


def test_the_counter_that_a_checkpoint_will_have(world, tmp_path):
    with tf.using(tf.Eager()):
        path = tf.train.Checkpoint(v=tf.Variable(1.0)).save(str(tmp_path / "c"))
    checkpoint = tf.train.Checkpoint(v=tf.Variable(0.0))
    assert checkpoint.explain(path).complete
    assert "save_counter" not in tf.train.children(checkpoint)


def test_an_error_is_foretold(world, save):
    root = Node(a=tf.Variable([0.0]), b=tf.Variable(0.0))
    told = Saver(root).explain(save(a=1.0, b=2.0))
    assert told.fails
    assert told.causes[0].kind is Why.SHAPE
    assert "end with an error" in str(told).splitlines()[0]
    assert not Saver(Node(b=root.b)).explain(save(b=2.0)).fails


def test_a_name_based_file(world, tmp_path):
    with tf.using(tf.Eager()):
        path = tf.train.Saver({"a": tf.Variable(1.0), "c": tf.Variable([1, 2])}).save(None, str(tmp_path / "n"))
    told = Saver(Node(x=tf.Variable(0.0, name="a"), y=tf.Variable(0.0, name="b"))).explain(path)
    assert [(row.state, row.saved, row.live) for row in told.rows] == [
        (State.RESTORED, "a", "(root).x"), (State.MISSING, None, "(root).y"), (State.UNUSED, "c", None),
    ]  # fmt: skip
    assert told.causes[0].kind is Why.NAME_BASED


def test_no_path_and_no_file(world, tmp_path):
    assert Saver(Node()).explain(None).causes[0].kind is Why.NO_CHECKPOINT
    with pytest.raises(tf.errors.NotFoundError):
        Saver(Node()).explain(str(tmp_path / "nothing"))


def test_a_matcher_of_ones_own_is_asked(world, save):
    from minitf.checkpoint.matching import Renamed

    path = save(old={"x": 1.0})
    told = Saver(Node(new=Node(x=tf.Variable(0.0))), matcher=Renamed({"old": "new"})).explain(path)
    assert told.complete
    status = Saver(root := Node(new=Node(x=tf.Variable(0.0))), matcher=Renamed({"old": "new"})).restore(path)
    world.run(status)
    [row] = status.explain().rows
    assert (row.saved, row.live) == ("(root).old.x", "(root).new.x")
    assert row.provenance.edge == "(root).new.x"
    assert root is not None
