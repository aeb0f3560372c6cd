"""Layers that come empty, and their variables one after the other: nobody can tell that nothing is made for what waits."""

import gc
import re

import pytest

import minitf as tf
from minitf.checkpoint.requests import Request
from minitf.objects.edges import tracking
from tests.checkpoint.conftest import WORLDS, Node
from tests.storage.interrupts import Interrupt

Saver = tf.train.CheckpointableSaver
ATTEMPTS_ONLY = "minitf.checkpoint.attempt.restored_alone"
NAMES = "abcd"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    with tf.using(tf.Eager()):
        return saved(tmp_path_factory.mktemp("arrival") / "x", 100.0)


def saved(prefix, start):
    root = Node(layers=[Node(**{n: tf.Variable([start + 10 * i + k] * 2) for k, n in enumerate(NAMES)}) for i in range(40)])
    root.optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
    slots = [root.layers[7].b, root.layers[8].c]
    root.optimizer.apply_gradients([(tf.zeros_like(v), v) for v in slots])
    return Saver(root).save(prefix)


def new_root():
    return Node(layers=[])


def variable(name, value=(0.0, 0.0)):
    return tf.Variable(value, name=name)


def layers_with(root, *names):
    """Comes empty, and then gets variables of these names."""
    layer = Node()
    root.layers.append(layer)
    for name in names:
        setattr(layer, name, variable(f"{name}{len(root.layers)}"))
    return layer


def wrong_ones(root, saver, path, world):
    layer = layers_with(root, "a")
    if world.name == "eager":
        for value in (1, [1.0, 2.0, 3.0]):
            with pytest.raises(tf.errors.InvalidArgumentError):
                layer.b = tf.Variable(value)
            assert "b" not in tf.train.children(layer)
    layer.b = variable("b")


def others_than_variables(root, saver, path, world):
    layer = layers_with(root, "a")
    layer.b = Node(v=variable("v"))
    layer.c = layer.a
    layer.d = None
    layer.more = variable("more")


def a_later_restore_of_all(root, saver, path, world):
    layer = layers_with(root, "a")
    yield saver.restore(path)
    layer.b = variable("b")
    layers_with(root, "a", "b")


def a_later_restore_of_a_layer(root, saver, path, world):
    layer = layers_with(root, "a")
    yield Saver(Node(layers=[layer])).restore(path)
    layer.c = variable("c")
    layer.b = variable("b")


def made_with_the_value(root, saver, path, world):
    layer = layers_with(root, "d")
    tf.train.add_variable(layer, "b", shape=[2])
    layer.a = variable("a")


def slots(root, saver, path, world):
    layers = [layers_with(root) for _ in range(10)]
    root.optimizer = tf.compat.v1.train.AdamOptimizer(0.1)
    for layer in reversed(layers):
        for name in NAMES:
            setattr(layer, name, variable(name))


WAYS = (
    wrong_ones, others_than_variables, a_later_restore_of_all, a_later_restore_of_a_layer, made_with_the_value, slots,
)  # fmt: skip


def left_behind(kind, path, way):
    """All that can be seen of two restores and a program that goes on in one of the ways."""
    tf.reset_default_graph()  # the names of slots are numbered
    with WORLDS[kind]().scope() as world:
        root = new_root()
        saver = Saver(root)
        statuses = [saver.restore(path)]
        statuses += way(root, saver, path, world) or ()
        world.init()
        for status in statuses:
            world.run(status.expect_partial())
        first = statuses[0]._restoration.uid
        objects = [*root.layers, *[v for layer in root.layers for v in tf.train.children(layer).values()]]
        return (
            [[comparable(event, first) for event in status.journal] for status in statuses],
            [re.sub(r"(restore|number) \d+", r"\1", str(status.explain())) for status in statuses],
            [world.value(obj) for obj in objects if hasattr(obj, "handle")],
            [max(tracking(obj).update_uid - first, -1) for obj in objects],
            [sorted(tracking(obj).watchers or ()) for obj in objects],
            [[(r.uid - first, r.node, r.parent) for r in tracking(obj).requests(n) or ()] for obj in objects for n in NAMES],
        )


def comparable(event, first):
    """Without what counts on from test to test: the clock and the number of the restore."""
    changes = {"at": 0} if hasattr(event, "at") else {"by": event.by - first} if hasattr(event, "by") else {}
    return event._replace(**changes)


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_waits_for_a_layer_is_as_in_attempts(path, kind, way, monkeypatch):
    short = left_behind(kind, path, way)
    monkeypatch.setattr(ATTEMPTS_ONLY, lambda *_: False)
    assert short == left_behind(kind, path, way)


def test_no_request_is_made_for_a_variable_that_nobody_asks_about(path, eager):
    gc.collect()
    before = sum(isinstance(obj, Request) for obj in gc.get_objects())
    root = new_root()
    status = Saver(root).restore(path).expect_partial()
    layers = [layers_with(root, "c", "a") for _ in range(30)]
    made = sum(isinstance(obj, Request) for obj in gc.get_objects()) - before
    assert made < 60  # for the layers that are still to come, and those variables that have slots
    assert layers[3].a.numpy().tolist() == [130.0, 130.0]
    assert tracking(layers[3]).watchers.keys() == {"b", "d"}
    assert [(r.node, r.uid) for r in tracking(layers[3]).requests("b")] == [(layers_node(status, 3) + 1, status.journal.uid)]


def layers_node(status, number):
    """The node of a layer's first variable."""
    return next(e.node for e in status.journal if type(e).__name__ == "Waiting" and e.name == "a" and e.parent == 3 + number)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # one that comes inside a finalizer
def test_whoever_interrupts_an_arrival_can_let_it_arrive_again(path, eager):
    """At every place: the edge is there and its variable restored, or there is no edge and the value still waits."""
    place, finished = 0, False
    while not finished:
        place += 1
        root = Node(layers=Node())
        status = Saver(root).restore(path).expect_partial()
        layer, v = Node(), variable("v")

        def arrive(root=root, layer=layer, v=v):
            setattr(root.layers, "0", layer)
            layer.a = v

        interrupt = Interrupt(place)
        interrupt.call(arrive)
        finished = interrupt.where is None
        for parent, name, child in ((root.layers, "0", layer), (layer, "a", v)):
            assert (name in tf.train.children(parent)) == (name in vars(parent)), interrupt.where
            setattr(parent, name, child)
        assert v.numpy().tolist() == [100.0, 100.0], interrupt.where
        status.assert_existing_objects_matched()
        if "checkpoint" in (interrupt.where or ""):
            assert "(root).layers.0.a" not in str(status.explain()).split("restored", 1)[1], interrupt.where
    assert place > 40


def test_nothing_is_restored_at_a_property_that_cannot_be_set(eager, tmp_path):
    class Guarded(Node):
        @property
        def fixed(self):
            return 1

    prefix = Saver(Node(fixed=tf.Variable([5.0, 5.0]))).save(tmp_path / "x")
    root, v = Guarded(), variable("v")
    Saver(root).restore(prefix)
    with pytest.raises(AttributeError):
        root.fixed = v
    assert v.numpy().tolist() == [0.0, 0.0]
    assert tf.train.children(root) == {}
    assert tracking(root).requests("fixed")
    tf.train.track(root, v, "fixed")
    assert v.numpy().tolist() == [5.0, 5.0]
