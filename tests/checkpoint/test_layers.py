"""Whole layers are paired at once, and nobody can tell: the same events, values and uids as one by one."""

import gc
import weakref

import numpy as np
import pytest

import minitf as tf
from minitf.checkpoint import layers as rooms
from minitf.checkpoint.matching import ByName
from minitf.journal import Later
from minitf.objects.edges import tracking
from tests.checkpoint.conftest import WORLDS, Node

Saver = tf.train.CheckpointableSaver


class Odd(tf.Variable):
    """A variable of a class of its own."""


def model(start, layers=6, width=4):
    """Layers of variables in a list, with something else between them."""
    root = Node(layers=[Node() for _ in range(layers)], head=[tf.Variable(float(start + i)) for i in range(40)])
    for i, layer in enumerate(root.layers):
        for j in range(width):
            value = np.full(2, start + 10 * i + j, np.float32)
            setattr(layer, f"w{j}", (Odd if (i, j) == (1, 1) else tf.Variable)(value, name=f"w{i}{j}"))
    return root


def more(root):
    root.layers[2].more = tf.Variable(1.0)


def other_order(root):
    names = {f"w{j}": getattr(root.layers[2], f"w{j}") for j in (3, 0, 2, 1)}
    root.layers = [*root.layers[:2], Node(**names), *root.layers[3:]]


def missing(root):
    del root.layers[3].w1


def shared(root):
    root.layers[3].w1 = root.layers[0].w0


def twice(root):
    root.layers[3].w2 = root.layers[3].w1


def no_variable(root):
    root.layers[4].w0 = Node(v=tf.Variable(1.0))


def with_edges(root):
    tf.train.track(root.layers[4].w0, tf.Variable(1.0), "below")


def in_conflict(root):
    root.again = root.layers[1]
    root.layers = [root.layers[0], Node(w0=tf.Variable([0.0, 0.0])), *root.layers[2:]]


def trained(root):
    root.optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
    variables = [layer.w0 for layer in root.layers[1:3]]
    root.optimizer.apply_gradients([(tf.zeros_like(v), v) for v in variables])


CHANGES = (None, more, other_order, missing, shared, twice, no_variable, with_edges, in_conflict, trained)


def restored(kind, path, change, newer, restore=lambda root, path: Saver(root).restore(path)):
    """What a restore leaves behind."""
    tf.reset_default_graph()  # the names of slots are numbered
    with WORLDS[kind]().scope() as world:
        root = model(0)
        if change is not None:
            change(root)
        world.init()
        if newer:
            Saver(root.layers[5]).restore(newer).expect_partial()
        status = restore(root, path).expect_partial()
        world.run(status)
        journal = [event._replace(at=0) if hasattr(event, "at") else event for event in status.journal]
        seen = [weakref.ref(obj) for obj in tf.train.children(root).values()]
        below = [v for layer in root.layers for v in tf.train.children(layer).values()]
        uids = [tracking(v).update_uid == status._restoration.uid for v in below]
        values = [world.value(v) for v in below if hasattr(v, "handle")]
        waiting = [sorted(map(str, tracking(layer).watchers or ())) for layer in root.layers]
        texts = str(status), str(status.explain())
        assert all(ref() is not None for ref in seen)
        return journal, uids, values, waiting, [text.split("(restore")[0] for text in texts]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    root = model(100)
    trained(root)
    root.again = root.layers[1]
    return Saver(root).save(tmp_path_factory.mktemp("layers") / "x")


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: getattr(change, "__name__", "as saved"))
def test_layers_at_once_are_as_one_by_one(path, kind, change, monkeypatch):
    at_once = restored(kind, path, change, None)
    monkeypatch.setattr("minitf.checkpoint.match.pair_layers", lambda match, at: (1, False))
    assert restored(kind, path, change, None) == at_once


def beside_the_root(root, path):
    """A checkpoint whose root has edges that are not its own: the counter, and an object that was given with it."""
    return tf.train.Checkpoint(root=root, beside=tf.Variable(0.0)).restore(path)


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: getattr(change, "__name__", "as saved"))
def test_below_a_root_with_more_edges_as_well(tmp_path, kind, change, monkeypatch):
    root = model(100)
    trained(root)
    root.again = root.layers[1]
    path = tf.train.Checkpoint(root=root, beside=tf.Variable(7.0)).save(tmp_path / "x")
    at_once = restored(kind, path, change, None, beside_the_root)
    counted = []
    monkeypatch.setattr("minitf.checkpoint.match.pair_layers", lambda match, at: counted.append(at) or (1, False))
    assert restored(kind, path, change, None, beside_the_root) == at_once
    assert counted


def test_a_root_of_variables_with_more_edges_is_no_layer(tmp_path):
    root = Node(a=tf.Variable(1.0), b=tf.Variable(2.0))
    path = tf.train.Checkpoint(root=root, beside=tf.Variable(3.0)).save(tmp_path / "x")
    again, beside = Node(a=tf.Variable(0.0), b=tf.Variable(0.0)), tf.Variable(0.0)
    checkpoint = tf.train.Checkpoint(root=again, beside=beside)
    checkpoint.restore(path).assert_consumed()
    assert [float(v) for v in (again.a, again.b, beside, checkpoint.save_counter)] == [1.0, 2.0, 3.0, 1.0]


def test_variables_that_are_paired_at_once_are_most(path, eager, monkeypatch):
    counts = []

    def counted(match, at):
        counts.append(rooms.pair_layers(match, at))
        return counts[-1]

    monkeypatch.setattr("minitf.checkpoint.match.pair_layers", counted)
    status = Saver(model(0)).restore(path).expect_partial()
    assert counts == [(1, True), (1, True), (1, True), (4, True)]  # the list; the layer that two edges lead to; the others
    assert [type(event) for event in status.journal.raw].count(Later) == 2
    assert len(status.journal) == len(list(status.journal)) == len(status.journal.bare)
    assert [status.journal[i] for i in range(-3, 9)] == [[*status.journal][i] for i in range(-3, 9)]
    assert repr(status.journal).endswith(f"{len(status.journal)} events>")


@pytest.mark.parametrize("wrong", [1, [1.0, 2.0, 3.0]], ids=["dtype", "shape"])
def test_an_error_takes_everything_back(path, eager, wrong, monkeypatch):
    """All or nothing, for layers that were paired at once and those that were not."""
    events = []
    for one_by_one in (False, True):
        root = model(0)
        uid = tracking(root.layers[0].w0).update_uid
        root.layers[4].w3 = tf.Variable(wrong)
        if one_by_one:
            monkeypatch.setattr("minitf.checkpoint.match.pair_layers", lambda match, at: (1, False))
        with tf.record() as timeline, pytest.raises(tf.errors.InvalidArgumentError, match="layers.4.w3"):
            Saver(root).restore(path)
        assert len(timeline.of("failed")) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"layers\.4\.w3") as error:
            Saver(root).restore(path)
        events.append(str(error.value))
        assert {tracking(v).update_uid for layer in root.layers for v in tf.train.children(layer).values()} == {uid}
        assert root.layers[0].w1.numpy().tolist() == [1.0, 1.0]
        assert {v.handle.cell.writes for layer in root.layers for v in tf.train.children(layer).values()} == {0}
        root.layers[4].w3 = tf.Variable([0.0, 0.0])
        Saver(root).restore(path).expect_partial()
        assert root.layers[4].w3.numpy().tolist() == [143.0, 143.0]
    assert events[0] == events[1]


def test_a_newer_restore_of_some_goes_first(tmp_path, eager, monkeypatch):
    """One that waits for a subtree has the lower uid than the one that reached some of its objects meanwhile."""
    old, new = Saver(Node(m=model(100))).save(tmp_path / "old"), Saver(model(200).layers[3]).save(tmp_path / "new")
    found = []
    for one_by_one in (False, True):
        if one_by_one:
            monkeypatch.setattr("minitf.checkpoint.match.pair_layers", lambda match, at: (1, False))
        root, late = Node(), model(0)
        status = Saver(root).restore(old)
        Saver(late.layers[3]).restore(new).assert_consumed()
        root.m = late
        events = [type(event).__name__ for event in status.journal]
        found.append((events, [v.numpy().tolist() for layer in late.layers for v in tf.train.children(layer).values()]))
        assert late.layers[3].w0.numpy().tolist() == [230.0, 230.0]
        assert late.layers[4].w0.numpy().tolist() == [140.0, 140.0]
    assert found[0] == found[1]
    assert found[0][0].count("Superseded") == 4


def test_the_journal_keeps_no_variable(path, eager):
    root = model(0)
    status = Saver(root).restore(path).expect_partial()
    gone = [weakref.ref(v) for v in root.head] + [weakref.ref(v.handle) for v in root.head]
    root.head = []
    gc.collect()
    assert [ref() for ref in gone] == [None] * 80
    assert len([event for event in status.journal if type(event).__name__ == "Assigned"]) == 64


def test_a_matcher_of_ones_own_is_asked_for_every_layer(path, eager):
    asked = []

    class Asked(ByName):
        def names(self, graph, node, live):
            asked.append(node)
            return super().names(graph, node, live)

    root = model(0)
    Saver(root, matcher=Asked()).restore(path).expect_partial()
    assert len(asked) == len(set(asked)) >= 9
    assert root.layers[5].w3.numpy().tolist() == [153.0, 153.0]
