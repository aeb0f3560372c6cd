"""Which saved object belongs to which live one."""

import gc
import logging

import pytest

import minitf as tf
from minitf.checkpoint.matching import Renamed
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver


def restored(world, root, path):
    """Restores and makes it take effect."""
    world.init()
    status = Saver(root).restore(path)
    world.run(status)
    return status


def twice(*names):
    """A Node that one object with a variable hangs on under several names."""
    one = Node(v=tf.Variable(5.0))
    return Node(**dict.fromkeys(names, one))


@pytest.mark.behaviour("S88", "S90")
def test_only_edge_names_are_compared(world, save):
    path = save(lambda: Node(one=tf.Variable(1.0, name="two"), two=tf.Variable(2.0, name="one")))
    root = Node(one=tf.Variable(0.0, name="one"), second=tf.Variable(0.0, name="two"))
    status = restored(world, root, path)
    assert (world.value(root.one), world.value(root.second)) == (1.0, 0.0)
    with pytest.raises(AssertionError, match=r"\(root\)\.second"):
        status.assert_existing_objects_matched()


@pytest.mark.behaviour("S89")
def test_any_object_can_be_the_root_and_a_shifted_level_matches_nothing(world, save):
    path = save(x={"a": 1.0})
    too_few, too_many = Node(a=tf.Variable(0.0)), Node(y=Node(x=Node(a=tf.Variable(0.0))))
    restored(world, too_few, path)
    restored(world, too_many, path)
    assert [world.value(v) for v in (too_few.a, too_many.y.x.a)] == [0.0, 0.0]
    same = Node(x=Node(a=tf.Variable(0.0)))
    restored(world, same, path).assert_consumed()
    assert world.value(same.x.a) == 1.0


@pytest.mark.behaviour("S91", "S195")
def test_live_objects_without_counterpart_keep_their_values_and_an_empty_root_matches(world, save):
    path = save(a=1.0)
    root = Node(b=tf.Variable(7.0))
    status = restored(world, root, path)
    assert world.value(root.b) == 7.0
    Saver(Node()).restore(path).assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="1 Python objects"):
        status.assert_existing_objects_matched()


@pytest.mark.behaviour("S93", "S94", "S101")
def test_the_shallower_path_wins_a_shared_node(world, save):
    def make():
        one = Node(v=tf.Variable(5.0))
        return Node(a=Node(far=one), b=one)

    path = save(make)
    deep, shallow = Node(v=tf.Variable(0.0)), Node(v=tf.Variable(0.0))
    root = Node(a=Node(far=deep), b=shallow)
    status = restored(world, root, path)
    assert (world.value(shallow.v), world.value(deep.v)) == (5.0, 0.0)
    for question in (status.assert_existing_objects_matched, status.assert_consumed):
        with pytest.raises(AssertionError, match=r"\(root\)\.a\.far\.v"):
            question()


@pytest.mark.behaviour("S95", "S96")
@pytest.mark.parametrize("late", [False, True], ids=["walking", "attaching"])
def test_a_second_object_for_a_shared_node_is_always_warned_of(world, save, late, caplog):
    path = save(lambda: twice("a", "b"))
    root = Node() if late else Node(a=Node(), b=Node())
    with caplog.at_level(logging.WARNING, "minitf"):
        status = Saver(root).restore(path).expect_partial()
        if late:
            root.a, root.b = Node(), Node()
    assert ["inconsistent references" in m for m in caplog.messages] == [True]
    assert [type(e).__name__ for e in status.journal].count("Conflict") == 1


@pytest.mark.behaviour("S97")
def test_no_parent_waits_for_a_node_that_is_matched(world, save):
    def make():
        one = tf.Variable(5.0)
        return Node(x=Node(v=one), y=Node(v=one))

    path = save(make)
    root = Node(x=Node(v=tf.Variable(0.0)), y=Node())
    status = restored(world, root, path)
    late = tf.Variable(1.0)
    world.init(late)
    root.y.v = late
    world.run(status)
    assert world.value(late) == 1.0
    with pytest.raises(AssertionError):
        status.assert_existing_objects_matched()


@pytest.mark.behaviour("S98")
def test_sharing_on_both_sides_is_silent(world, save, caplog):
    def make():
        one = Node(v=tf.Variable(5.0))
        return Node(x=one, y=Node(z=one))

    path = save(make)
    mine = Node(v=tf.Variable(0.0))
    root = Node(x=mine, y=Node())
    with caplog.at_level(logging.WARNING, "minitf"):
        status = Saver(root).restore(path)
        root.y.z = mine
    world.run(status.assert_consumed())
    assert world.value(mine.v) == 5.0
    assert caplog.messages == []


@pytest.mark.behaviour("S99")
def test_two_nodes_may_meet_one_object_and_the_first_gives_the_value(world, save):
    path = save(x={"v": 1.0, "only_x": 2.0}, y={"v": 3.0, "only_y": 4.0})
    both = Node(v=tf.Variable(0.0), only_x=tf.Variable(0.0), only_y=tf.Variable(0.0))
    root = Node(y=both, x=both)
    status = restored(world, root, path)
    status.assert_consumed()
    assert [world.value(v) for v in (both.v, both.only_x, both.only_y)] == [1.0, 2.0, 4.0]
    late = Node()
    status = Saver(late).restore(path)
    late.y = both
    late.x = both
    world.run(status.assert_consumed())
    assert world.value(both.v) == 3.0


@pytest.mark.behaviour("S99", "S102")
@pytest.mark.parametrize("deep", [False, True])
def test_the_first_of_two_nodes_decides_even_if_it_has_no_value(world, save, deep):
    path = save(lambda: Node(a=Node(x=Node()) if deep else Node(), b=tf.Variable(1.0)))
    both = tf.Variable(7.0)
    status = restored(world, Node(a=both, b=both), path)
    assert world.value(both) == 7.0
    status.expect_partial().assert_existing_objects_matched()


@pytest.mark.behaviour("S100")
@pytest.mark.parametrize("order", ["at once", "first", "second"])
def test_cycles_are_followed_once(world, save, order):
    def ring(one, two):
        a, b = Node(v=tf.Variable(one)), Node(v=tf.Variable(two))
        a.other, b.other = b, a
        return a, b

    path = save(lambda: Node(**dict(zip("ab", ring(1.0, 2.0), strict=True))))
    a, b = ring(0.0, 0.0)
    root = Node(a=a, b=b) if order == "at once" else Node()
    status = Saver(root).restore(path)
    if order == "first":
        root.a = a
    if order == "second":
        root.b = b
        root.a = a
    world.run(status)
    assert (world.value(a.v), world.value(b.v)) == (1.0, 2.0)
    root.b = b
    status.assert_consumed()


@pytest.mark.behaviour("S102")
def test_a_node_without_values_matches_a_variable_which_keeps_its_value(world, save):
    path = save(a=1.0, b=Node())
    root = Node(a=tf.Variable(0.0), b=tf.Variable(7.0))
    status = restored(world, root, path)
    status.assert_consumed().assert_existing_objects_matched().assert_nontrivial_match()
    assert world.value(root.b) == 7.0


@pytest.mark.behaviour("S103")
def test_a_value_without_a_place_is_unused_and_only_assert_consumed_says_so(world, save):
    root = Node(a=Node())
    status = Saver(root).restore(save(a=1.0))
    world.run(status.assert_existing_objects_matched())
    with pytest.raises(AssertionError, match=r"(?s)Unused attributes.*\(root\)\.a \(Node\): VARIABLE_VALUE"):
        status.assert_consumed()


@pytest.mark.behaviour("S104")
def test_a_node_is_unresolved_again_when_its_object_dies(world, save):
    root = Node()
    status = Saver(root).restore(save(x={"a": 1.0}))
    root.x = Node(a=tf.Variable(0.0))
    status.assert_consumed()
    del root.x
    gc.collect()
    with pytest.raises(AssertionError, match=r"\(root\)\.x"):
        status.assert_consumed()
    root.x = Node(a=tf.Variable(3.0))
    world.init()
    world.run(status)
    assert world.value(root.x.a) == 3.0


@pytest.mark.behaviour("S105")
def test_a_parent_with_two_owners_serves_what_was_asked_through_either(world, save):
    middle = Node()
    one, two = Node(m=middle), Node(m=middle)
    statuses = [Saver(one).restore(save(m={"a": 1.0})), Saver(two).restore(save(m={"b": 2.0}))]
    middle.a, middle.b = tf.Variable(0.0), tf.Variable(0.0)
    for status in statuses:
        world.run(status)
    assert (world.value(middle.a), world.value(middle.b)) == (1.0, 2.0)


@pytest.mark.behaviour("S106", "S179")
def test_matching_is_done_afresh_after_two_variables_exchanged_their_names(world, save):
    path = save(a=1.0, b=2.0)
    a, b = tf.Variable(0.0), tf.Variable(0.0)
    root = Node(a=a, b=b)
    saver = Saver(root)
    world.run(saver.restore(path))
    assert (world.value(a), world.value(b)) == (1.0, 2.0)
    root.a, root.b = b, a
    world.run(saver.restore(path).assert_consumed())
    assert (world.value(a), world.value(b)) == (2.0, 1.0)


@pytest.mark.behaviour("S107")
def test_restoring_the_same_path_again_undoes_hand_edits(world, save):
    path = save(a=1.0)
    root = Node(a=tf.Variable(0.0))
    saver = Saver(root)
    first = saver.restore(path)
    world.run(first)
    world.assign(root.a, 7.0)
    second = saver.restore(path)
    world.run(second)
    assert world.value(root.a) == 1.0
    assert first.journal.uid < second.journal.uid


@pytest.mark.behaviour("S108")
def test_a_checkpoint_inside_another_is_an_ordinary_node(world, tmp_path):
    inner = tf.train.Checkpoint(v=tf.Variable(1.0))
    world.init()
    inner.save(str(tmp_path / "inner"))
    outer = tf.train.Checkpoint(inner=inner)
    path = outer.save(str(tmp_path / "outer"))
    assert "inner/save_counter/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))
    fresh = tf.train.Checkpoint(v=tf.Variable(0.0))
    status = tf.train.Checkpoint(inner=fresh).restore(path)
    fresh.save_counter
    world.run(status.assert_consumed())
    assert (world.value(fresh.v), world.value(fresh.save_counter)) == (1.0, 1)


def test_a_matcher_of_ones_own_translates_names_also_for_what_comes_later(world, save):
    path = save(old={"w": 1.0}, plain=2.0)
    root = Node(new=Node(), plain=tf.Variable(0.0))
    status = Saver(root, matcher=Renamed({"old": "new", "old.w": "kernel"})).restore(path)
    root.new.kernel = tf.Variable(0.0)
    world.run(status.assert_consumed())
    assert (world.value(root.new.kernel), world.value(root.plain)) == (1.0, 2.0)
