"""Variables that a restore has reached carry one note about it together, until something happens to one of them alone."""

import threading

import pytest

import minitf as tf
from minitf.objects.edges import UNREACHED
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver
LAYERS = 12


class Layer(tf.Variable, tf.train.AutoTrackable):
    """A variable to whose attributes objects may be assigned."""


def layer(start, make=tf.Variable):
    return Node(a=make([start, start]), b=make([start + 1.0, start + 1.0]))


@pytest.fixture
def path(tmp_path):
    return Saver(Node(layers=[layer(10.0 * i) for i in range(LAYERS)])).save(tmp_path / "x")


@pytest.fixture(params=["late", "existing"])
def restored(request, path):
    """A root after a restore, whose variables came later or were there."""
    root = Node()
    if request.param == "late":
        status = Saver(root).restore(path)
        root.layers = []
        for _ in range(LAYERS):
            new = Node()
            root.layers.append(new)
            new.a, new.b = tf.Variable([0.0, 0.0]), tf.Variable([0.0, 0.0])
    else:
        root.layers = [layer(-1.0) for _ in range(LAYERS)]
        status = Saver(root).restore(path)
    status.assert_consumed()
    return root


def values(root):
    return [float(v[0]) for one in root.layers for v in (one.a, one.b)]


RIGHT = [10.0 * i + k for i in range(LAYERS) for k in (0.0, 1.0)]


def test_an_edge_of_one_variable_is_not_one_of_the_others(eager, restored, path):
    one, other = restored.layers[3].a, restored.layers[4].a
    more = tf.Variable(1.0)
    tf.train.track(one, more, "more")
    assert tf.train.children(one) == {"more": more}
    assert tf.train.children(other) == {}
    tf.train.track(other, one, "more")
    assert tf.train.children(one) == {"more": more}
    assert values(restored) == RIGHT
    assert {key for key, _ in tf.train.list_variables(Saver(restored).save(path + "2"))} > {
        f"layers/3/a/more/{'.ATTRIBUTES'}/VARIABLE_VALUE"
    }


def test_a_variable_that_gets_an_edge_was_still_reached(eager, restored, tmp_path):
    before = Node()
    older = Saver(Node(v=tf.Variable([7.0, 7.0]))).save(tmp_path / "older")
    first = Saver(before).restore(older)
    Saver(restored).restore(Saver(restored).save(tmp_path / "newer"))
    tf.train.track(restored.layers[0].a, tf.Variable(0.0), "more")
    before.v = restored.layers[0].a
    assert values(restored) == RIGHT  # the older restore comes too late, for the one as for the other
    del before.v
    del first
    again = Node()
    Saver(again).restore(older)
    again.v = restored.layers[0].a
    assert float(again.v[0]) == 7.0  # a newer one does not
    assert values(restored)[1:] == RIGHT[1:]


def test_a_restore_that_failed_has_reached_nothing(eager, restored, tmp_path):
    waiting = Node()
    between = Saver(waiting).restore(Saver(Node(v=tf.Variable([7.0, 7.0]), w=tf.Variable([8.0, 8.0]))).save(tmp_path / "b"))
    wrong = Node(layers=[layer(0.0) for _ in range(LAYERS)])
    wrong.layers[-1].b = tf.Variable([1.0, 2.0, 3.0])
    with pytest.raises(tf.errors.InvalidArgumentError):
        Saver(restored).restore(Saver(wrong).save(tmp_path / "wrong"))
    assert values(restored) == RIGHT
    tf.train.track(restored.layers[0].b, tf.Variable(0.0), "more")
    waiting.v, waiting.w = restored.layers[0].a, restored.layers[0].b
    assert values(restored) == [7.0, 8.0, *RIGHT[2:]]
    between.assert_nontrivial_match()


def test_variables_with_attributes_of_their_own(eager, path):
    fresh, inner = Layer(0.0), tf.Variable(0.0)
    fresh.inner = inner
    assert tf.train.children(fresh) == {"inner": inner}
    root = Node()
    Saver(root).restore(path).expect_partial()
    root.layers = []
    for _ in range(2):
        new = Node()
        root.layers.append(new)
        new.a, new.b = Layer([0.0, 0.0]), Layer([0.0, 0.0])
        new.a.inner = new.b
    assert values(root) == RIGHT[:4]
    for one in root.layers:
        assert tf.train.children(one.a) == {"inner": one.b}
        assert tf.train.children(one.b) == {}


def test_a_recorder_hears_of_edges_of_variables_that_were_there(eager, restored):
    with tf.record() as timeline:
        assert UNREACHED.watchers is None  # it would hear of whatever has one
        tf.train.track(restored.layers[0].a, tf.Variable(1.0, name="more"), "more")
    assert [e.data["name"] for e in timeline.of("edge")] == ["more"]


def test_threads_that_add_edges_while_variables_are_restored(eager, path):
    for _ in range(30):
        root = Node(layers=[layer(-1.0) for _ in range(LAYERS)])
        variables = [v for one in root.layers for v in (one.a, one.b)]
        start = threading.Barrier(2)

        def add(variables=variables, start=start):
            start.wait()
            for v in variables:
                tf.train.track(v, v, "itself")

        thread = threading.Thread(target=add)
        thread.start()
        start.wait()
        Saver(root).restore(path)
        thread.join()
        assert values(root) == RIGHT
        assert all(tf.train.children(v) == {"itself": v} for v in variables)
        status = Saver(root).restore(path)
        status.assert_existing_objects_matched()
