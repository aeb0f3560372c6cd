"""Several restores into the same objects: the time of the call orders them."""

import pytest

import minitf as tf
from minitf.journal import OpBuilt
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver


@pytest.mark.behaviour("S149")
def test_every_restore_takes_a_larger_uid(world, save):
    roots = [Node(a=tf.Variable(0.0)), Node(a=tf.Variable(0.0))]
    path = save(a=1.0)
    first = Saver(roots[0]).restore(path)
    none = Saver(roots[1]).restore(None)
    second = Saver(roots[1]).restore(path)
    assert first.journal.uid < none._uid < second.journal.uid


@pytest.mark.behaviour("S150")
def test_the_later_restore_wins_and_what_only_the_earlier_has_stays(eager, save):
    root = Node(a=tf.Variable(0.0), b=tf.Variable(0.0))
    Saver(root).restore(save(a=1.0, b=2.0))
    Saver(root).restore(save(a=3.0))
    assert (eager.value(root.a), eager.value(root.b)) == (3.0, 2.0)


@pytest.mark.behaviour("S151", "S152", "S155")
def test_of_waiting_restores_the_newest_gives_the_value_and_older_ones_what_it_lacks(world, save):
    root = Node()
    saver = Saver(root)
    statuses = [saver.restore(path) for path in (save(a=1.0, b=1.0, c=1.0), save(a=2.0, b=2.0), save(a=3.0))]
    root.c, root.b, root.a = (tf.Variable(0.0) for _ in range(3))
    for status in reversed(statuses):
        world.run(status)
    assert [world.value(v) for v in (root.a, root.b, root.c)] == [3.0, 2.0, 1.0]
    statuses[0].assert_consumed()
    assert [type(e).__name__ for e in statuses[0].journal].count("Superseded") == 2


@pytest.mark.behaviour("S153")
def test_an_object_of_a_newer_restore_keeps_its_value_where_an_older_one_waits(world, save):
    shared = Node(v=tf.Variable(0.0))
    one, two = Node(), Node(mine=shared)
    old = Saver(one).restore(save(x={"v": 1.0}))
    new = Saver(two).restore(save(mine={"v": 2.0}))
    world.run(new)
    one.x = shared
    world.run(old.assert_consumed())
    assert world.value(shared.v) == 2.0


@pytest.mark.behaviour("S154", "S105")
def test_an_older_restore_is_passed_on_to_children_of_an_object_it_may_not_assign(world, save):
    shared = Node(v=tf.Variable(0.0), now=Node(w=tf.Variable(0.0)))
    one, two = Node(), Node(mine=shared)
    old = Saver(one).restore(save(x={"v": 1.0, "now": {"w": 1.0}, "later": {"z": 1.0}}))
    world.run(Saver(two).restore(save(mine={"v": 2.0})))
    one.x = shared
    shared.later = Node()
    shared.later.z = tf.Variable(0.0)
    world.run(old.assert_consumed())
    assert [world.value(v) for v in (shared.v, shared.now.w, shared.later.z)] == [2.0, 1.0, 1.0]


@pytest.mark.behaviour("S156")
def test_a_second_restore_assigns_again_after_the_object_was_created(eager, save):
    path = save(a=1.0)
    root = Node()
    saver = Saver(root)
    saver.restore(path)
    root.a = tf.Variable(0.0)
    root.a.assign(7.0)
    saver.restore(path)
    assert eager.value(root.a) == 1.0


@pytest.mark.behaviour("S157")
def test_the_newer_status_gets_the_operation_of_an_object_that_appears(graph, save):
    root = Node()
    saver = Saver(root)
    old, new = saver.restore(save(a=1.0)), saver.restore(save(a=2.0))
    root.a = tf.Variable(0.0)
    assert [list(s.journal.of(OpBuilt)) != [] for s in (old, new)] == [False, True]
    graph.init()
    old.assert_consumed().run_restore_ops()
    assert graph.value(root.a) == 0.0
    new.assert_consumed().run_restore_ops()
    assert graph.value(root.a) == 2.0


@pytest.mark.behaviour("S158", "S178")
def test_for_existing_objects_the_status_that_is_run_last_decides(graph, save):
    root = Node(a=tf.Variable(0.0))
    saver = Saver(root)
    old, new = saver.restore(save(a=1.0)), saver.restore(save(a=2.0))
    new.run_restore_ops()
    assert graph.value(root.a) == 2.0
    old.run_restore_ops()
    assert graph.value(root.a) == 1.0


@pytest.mark.behaviour("S159")
def test_an_object_of_a_newer_restore_gets_no_operation_in_an_older_status(graph, save):
    shared = Node(v=tf.Variable(0.0))
    one, two = Node(), Node(mine=shared)
    old = Saver(one).restore(save(x={"v": 1.0}))
    Saver(two).restore(save(mine={"v": 2.0})).run_restore_ops()
    size = graph.graph.version
    one.x = shared
    assert graph.graph.version == size
    old.run_restore_ops()
    assert graph.value(shared.v) == 2.0


def test_requests_for_one_place_are_served_together_whatever_the_order_of_the_restores_savers(world, save):
    root = Node()
    one, two = Saver(root), tf.train.CheckpointableSaver(root)
    first = two.restore(save(x={"a": 1.0, "b": 1.0}))
    second = one.restore(save(x={"a": 2.0}))
    root.x = Node(a=tf.Variable(0.0), b=tf.Variable(0.0))
    world.run(second)
    world.run(first)
    assert (world.value(root.x.a), world.value(root.x.b)) == (2.0, 1.0)
