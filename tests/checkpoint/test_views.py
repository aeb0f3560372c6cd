"""The object graph of a checkpoint and of live objects, and what of one has a place in the other."""

import gc
import weakref

import pytest

import minitf as tf


def tree():
    root = tf.Module()
    root.b, root.a = tf.Variable(1.0), tf.Variable(2.0)
    root.list = [tf.Variable(3.0), tf.Variable(4.0)]
    root.leaf = tf.Module()
    root.leaf.x, root.leaf.up = tf.Variable(5.0), root
    root.again = root.leaf
    return root


@pytest.fixture
def saved(tmp_path):
    return tf.train.CheckpointView(tf.train.Checkpoint(root=tree()).save(tmp_path / "c"))


def test_a_checkpoint_shows_its_edges(saved):
    assert saved.descendants() == list(range(9))
    top = {"b": 1, "a": 2, "list": 3, "leaf": 4, "again": 4, "root": 0, "save_counter": 5}
    assert [saved.children(n) for n in (0, 1, 3, 4)] == [top, {}, {"0": 6, "1": 7}, {"x": 8, "up": 0}]
    assert list(saved.children(0)) == list(top)


def test_what_has_a_place_in_a_checkpoint(saved):
    live = tree()
    del live.a
    live.leaf.y = tf.Module()
    live.leaf.y.z = tf.Variable(6.0)
    live.list.append(tf.Variable(7.0))
    matched, unmatched, extra = saved.diff(live)
    expected = {0: live, 1: live.b, 3: live.list, 4: live.leaf, 6: live.list[0], 7: live.list[1], 8: live.leaf.x}
    assert {n: id(obj) for n, obj in matched.items()} == {n: id(obj) for n, obj in expected.items()}
    assert list(matched) == sorted(matched) == list(saved.match(live))
    assert unmatched == [2, 5]
    assert [id(obj) for obj in extra] == [id(obj) for obj in (live.list[2], live.leaf.y, live.leaf.y.z)]


def test_a_node_is_matched_by_its_first_edge(tmp_path):
    module = tf.Module()
    module.a = tf.Module()
    module.b = module.a
    path = tf.train.Checkpoint(module=module).write(tmp_path / "c")
    other = tf.Module()
    other.b, other.a = tf.Module(), tf.Module()
    matched, unmatched, extra = tf.train.CheckpointView(path).diff(tf.train.Checkpoint(module=other))
    assert matched[2] is other.a
    assert (unmatched, [id(obj) for obj in extra]) == ([], [id(other.b)])


def test_slot_variables_hang_on_no_edge(tmp_path):
    v, optimizer = tf.Variable([1.0, 2.0]), tf.train.MomentumOptimizer(0.1, 0.9)
    optimizer.apply_gradients([(tf.constant([1.0, 1.0]), v)])
    checkpoint = tf.train.Checkpoint(v=v, o=optimizer)
    view = tf.train.CheckpointView(checkpoint.save(tmp_path / "c"))
    assert view.descendants() == [0, 1, 2, 3]
    assert [list(view.match(checkpoint)), *view.diff(checkpoint)[1:]] == [[0, 1, 2, 3], [], []]
    assert [id(obj) for obj in tf.train.TrackableView(checkpoint).descendants()] == [
        id(obj) for obj in (checkpoint, optimizer, v, checkpoint.save_counter)
    ]


def test_live_objects_as_a_view():
    root = tree()
    view = tf.train.TrackableView(root)
    assert view.root is root
    assert list(view.children(root)) == ["b", "a", "list", "leaf", "again"]
    assert tf.train.TrackableView.children(root.leaf)["up"] is root
    expected = [root, root.b, root.a, root.list, root.leaf, *root.list, root.leaf.x]
    assert [id(obj) for obj in view.descendants()] == [id(obj) for obj in expected]
    assert tf.train.TrackableView(weakref.ref(root)).root is root
    del root, expected
    gc.collect()
    with pytest.raises(AssertionError, match="gone"):
        view.descendants()


def test_what_cannot_be_viewed(saved, tmp_path):
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.CheckpointView(tmp_path / "no")
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=1.0)
        session.run(v.initializer)
        by_name = tf.train.Saver().save(session, str(tmp_path / "n"))
    with pytest.raises(ValueError, match="not object-based"):
        tf.train.CheckpointView(by_name)
    for number in (9, -1):
        with pytest.raises(IndexError, match="nodes 0 to 8"):
            saved.children(number)
    with pytest.raises(TypeError):
        saved.children("0")
    for wrong in (saved.match, saved.diff):
        with pytest.raises(ValueError, match="trackable"):
            wrong(3)
    with pytest.raises(TypeError, match="not trackable"):
        tf.train.TrackableView([tf.Variable(1.0)])
    with pytest.raises(TypeError, match="not trackable"):
        tf.train.TrackableView.children(3)
    with pytest.raises(ValueError, match="savedmodel"):
        tf.train.TrackableView.children(tree(), save_type="savedmodel")
    broken = tree()
    broken.list.insert(0, tf.Variable(0.0))
    with pytest.raises(ValueError, match="list"):
        saved.diff(broken)
