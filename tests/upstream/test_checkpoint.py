"""What TensorFlow 2 checks of ``Checkpoint``: roots, warnings, memory, paths, and objects with values of their own."""

import copy
import gc
import logging
import os
import weakref
from pathlib import Path

import pytest

import minitf as tf
from tests.upstream.conftest import Node

Checkpoint = tf.train.Checkpoint


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.testAssertConsumedNoCheckpoint")
def test_a_status_outlives_its_checkpoint(world, here):
    v = tf.Variable(4.0, name="v")
    world.init()
    path = Checkpoint(v=v).save(here)
    status = Checkpoint(v=v).restore(path)
    gc.collect()
    world.run(status.assert_consumed())
    del status


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.testDeepCopyCheckpoint")
def test_a_deep_copied_checkpoint_saves_its_own_variables(eager, here):
    original = Checkpoint(v=tf.Variable(1.0))
    twin = copy.deepcopy(original)
    original.v.assign(2.0)
    for number, (group, expected) in enumerate([(twin, 1.0), (original, 2.0)]):
        path = group.save(f"{here}{number}")
        group.v.assign(5.0)
        group.restore(path).assert_consumed()
        assert eager.value(group.v) == expected


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.testPartialRestoreWarningAttribute")
def test_a_value_that_meets_a_plain_object_is_warned_of(eager, here, caplog):
    path = Checkpoint(v1=tf.Variable(3.0), v2=tf.Variable(4.0)).save(here)
    root = Checkpoint(v1=Node(), v2=tf.Variable(0.0))
    with caplog.at_level(logging.WARNING, "minitf"):
        status = root.restore(path)
        del status, root
        gc.collect()
    [message] = caplog.messages
    assert "(root).v1" in message
    assert "(root).v2" not in message


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.testSilencePartialWarning")
def test_expect_partial_keeps_silent_and_keeps_nothing_alive(eager, here, caplog):
    path = Checkpoint(v1=tf.Variable(3.0), v2=tf.Variable(4.0)).save(here)
    with caplog.at_level(logging.WARNING, "minitf"):
        root = Checkpoint(v1=tf.Variable(0.0))
        gone = weakref.ref(root)
        root.restore(path).expect_partial()
        del root
        gc.collect()
    assert gone() is None
    assert caplog.messages == []


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.testAttributeException")
def test_assert_consumed_names_a_value_without_a_place(world, save):
    status = Checkpoint(v1=Node(), v2=tf.Variable(0.0)).read(save(v1=3.0, v2=4.0)).expect_partial()
    with pytest.raises(AssertionError, match=r"(?s)Unused attributes.*\(root\)\.v1.*VARIABLE_VALUE") as error:
        status.assert_consumed()
    assert "(root).v2" not in str(error.value)


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.testEmptyContainersIgnored")
def test_empty_containers_pass_every_assertion(world, here):
    root = tf.train.Checkpoint(a=[])
    path = root.save(here)
    other = tf.train.Checkpoint(b=[], c={})
    status = other.restore(path)
    status.assert_consumed().assert_existing_objects_matched().assert_nontrivial_match()


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_inititialize_with_data_structures")
def test_lists_and_dicts_as_keywords(world, here):
    def build(*values):
        v = [tf.Variable(value) for value in values]
        return Checkpoint(a=[v[0], v[1]], b={"a": v[2], "b": v[3]}), v

    root, _ = build(0.0, 1.0, 2.0, 3.0)
    world.init()
    path = root.save(here)
    root, variables = build(-3.0, -3.0, -3.0, -3.0)
    world.run(root.restore(path).assert_consumed())
    assert [world.value(v) for v in variables] == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_initialize_with_root_object")
def test_an_object_as_root_and_an_attribute_that_comes_later(world, here):
    net = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    world.init()
    net.extra = tf.Variable(4.0)
    world.init()
    path = Checkpoint(net).save(here)
    expected = [world.value(v) for v in net.layers[0].variables]
    net = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    status = Checkpoint(net).restore(path)
    net.extra = tf.Variable(0.0)
    world.run(status.assert_consumed())
    assert [world.value(v) for v in net.layers[0].variables] == expected
    assert world.value(net.extra) == 4.0


def tree(root_value, extra_value):
    return Node(v=tf.Variable(root_value)), Node(w=tf.Variable(extra_value))


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_initialize_with_root_object_and_kwargs")
def test_a_root_with_keywords_is_loaded_in_three_arrangements(world, here):
    net, extra = tree(1.0, 2.0)
    net.late = Node(z=tf.Variable(3.0))
    world.init()
    path = Checkpoint(net, extra=extra).save(here)

    net, extra = tree(0.0, 0.0)  # the same arrangement
    status = Checkpoint(net, extra=extra).restore(path)
    net.late = Node(z=tf.Variable(0.0))
    world.run(status.assert_consumed())
    assert [world.value(v) for v in (net.v, extra.w, net.late.z)] == [1.0, 2.0, 3.0]

    net, extra = tree(0.0, 0.0)  # all as attributes of the root
    net.extra, net.late = extra, Node(z=tf.Variable(0.0))
    world.run(Checkpoint(net).restore(path).assert_existing_objects_matched())
    assert [world.value(v) for v in (net.v, extra.w, net.late.z)] == [1.0, 2.0, 3.0]

    _, extra = tree(0.0, 0.0)  # all as keywords
    v, late = tf.Variable(0.0), Node(z=tf.Variable(0.0))
    world.run(Checkpoint(v=v, extra=extra, late=late).restore(path).assert_existing_objects_matched())
    assert [world.value(x) for x in (v, extra.w, late.z)] == [1.0, 2.0, 3.0]

    with pytest.raises(ValueError, match="extra"):
        Checkpoint(net, extra=Node())


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_root_arg")
def test_files_of_two_roots_are_restored_crosswise(world, here):
    one, two = tree(1.0, 2.0), tree(3.0, 4.0)
    world.init()
    groups = [Checkpoint(one[0], n=one[1]), Checkpoint(root=two[0], m=two[1])]
    paths = [group.save(f"{here}{number}") for number, group in enumerate(groups)]
    world.run(groups[0].restore(paths[1]).expect_partial())
    assert [world.value(v) for v in (one[0].v, one[1].w)] == [3.0, 2.0]  # m is not n
    world.run(groups[1].restore(paths[0]).expect_partial())
    assert [world.value(v) for v in (two[0].v, two[1].w)] == [1.0, 4.0]


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_weakref_root")
def test_a_weak_reference_as_root(world, here):
    root = Node(v=tf.Variable(1.0))
    world.init()
    group = Checkpoint(root=weakref.ref(root))
    path = group.save(here)
    world.assign(root.v, 5.0)
    world.run(group.restore(path).assert_consumed())
    assert world.value(root.v) == 1.0
    gone = weakref.ref(root)
    del root
    gc.collect()
    assert gone() is None


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_deferred_dependency_avoids_reference_cycles")
def test_objects_with_waiting_requests_are_freed_at_once(world, save):
    path = save(x={"a": 1.0, "b": 2.0}, y=3.0)
    gc.collect()
    gc.disable()
    try:
        root = Node(x=Node())
        gone = [weakref.ref(root), weakref.ref(root.x)]
        Checkpoint(root=root).read(path).expect_partial()
        del root
        assert [ref() for ref in gone] == [None, None]
    finally:
        gc.enable()


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_ckpt_files_closed_after_restoration")
def test_no_file_stays_open_after_a_deferred_restore(world, save, tmp_path):
    path = save(a=1.0, b=2.0)
    root = Checkpoint(a=tf.Variable(0.0))
    status = root.read(path)
    root.b = tf.Variable(0.0)
    world.run(status.assert_consumed())
    mine = Path("/proc/self/fd")
    if not mine.is_dir():
        pytest.skip("the open files of a process are listed on Linux only")
    targets = [os.readlink(mine / number) for number in os.listdir(mine) if os.path.islink(mine / number)]
    assert [t for t in targets if t.startswith(str(tmp_path))] == []


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_defer_objects_with_values_only")
def test_only_nodes_with_values_wait(world, save):
    path = save(a=Node(deep=Node()), b={"deep": {"v": 1.0}}, c=2.0)
    root = Checkpoint()
    status = root.read(path)
    waiting = sorted({e.name for e in status.journal if type(e).__name__ == "Waiting"})
    assert waiting == ["b", "c"]


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_restore_incompatible_shape")
def test_another_shape_is_refused_with_both_shapes(world, save):
    path = save(v=[1.0, 2.0, 3.0])
    root = Checkpoint(v=tf.Variable([0.0, 0.0]))
    wrong = ValueError if world.name == "eager" else tf.errors.InvalidArgumentError
    with pytest.raises(wrong, match=r"(?s)(2.*3|3.*2)"):
        root.read(path).run_restore_ops()


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_save_restore_fspath")
@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_read_write_fspath")
def test_path_objects(world, tmp_path):
    v, w = tf.Variable([0.0, 1.0]), tf.Variable([2.0])
    world.init()
    group = Checkpoint(v=v, w=w)
    for write, read in ((group.save, group.restore), (group.write, group.read)):
        path = write(tmp_path / "ckpt" / write.__name__)
        assert isinstance(path, str)
        world.assign(v, [-1.0, -1.0])
        world.run(read(Path(path)).assert_consumed())
        assert world.value(v) == [0.0, 1.0]


@pytest.mark.upstream("checkpoint_test.CheckpointingTests.test_save_in_graph_but_no_session")
def test_writing_in_a_graph_without_a_session(tmp_path):
    with tf.Graph().as_default():
        with pytest.raises(RuntimeError, match="session"):
            Checkpoint(v=tf.Variable(1.0)).write(str(tmp_path / "ckpt"))
    assert list(tmp_path.iterdir()) == []


class Pair(tf.train.AutoTrackable):
    """Saves two values itself."""

    def __init__(self, one, two):
        self.one, self.two = tf.train.NoDependency(tf.Variable(one)), tf.train.NoDependency(tf.Variable(two))

    def _serialize_to_tensors(self):
        return {"one": self.one.read_value(), "two": self.two.read_value()}

    def _restore_from_tensors(self, restored_tensors):
        return tf.group(*(getattr(self, name).assign(value) for name, value in restored_tensors.items()))


@pytest.mark.upstream("checkpoint_test.SerializeToTensorTest.test_keys_and_metadata")
@pytest.mark.parametrize("as_root", [False, True], ids=["child", "root"])
def test_an_object_with_two_values(world, here, as_root):
    def group(one, two):
        pair = Pair(one, two)
        return pair, (Checkpoint(root=pair) if as_root else Checkpoint(pair=pair))

    pair, root = group(5.0, 6.0)
    world.init()
    path = root.write(here)
    names = [name for name, _ in tf.train.list_variables(path) if "OBJECT_GRAPH" not in name]
    assert names == [f"{'' if as_root else 'pair'}/.ATTRIBUTES/{name}" for name in ("one", "two")]
    nodes = tf.train.object_metadata(path).nodes
    [owner] = [node for node in nodes if node.attributes]
    assert [(a.name, a.checkpoint_key) for a in owner.attributes] == [(n.split("/")[-1], n) for n in names]
    pair, root = group(0.0, 0.0)
    world.run(root.read(path).assert_consumed())
    assert (world.value(pair.one), world.value(pair.two)) == (5.0, 6.0)


@pytest.mark.behaviour("S219", "S223")
def test_the_counter_beside_a_root_is_seen_by_statuses_that_are_older(world, tmp_path):
    net, extra = tree(1.0, 2.0)
    world.init()
    group = Checkpoint(net, extra=extra)
    written = group.write(str(tmp_path / "written"))
    status = group.restore(None)
    status.initialize_or_restore()
    assert world.value(group.save_counter) == 0  # made by restore, initialised by its status
    path = group.save(str(tmp_path / "saved"))
    net, extra = tree(0.0, 0.0)
    status = Checkpoint(net, extra=extra).restore(path)  # the Checkpoint is gone, its status is not
    world.run(status.assert_consumed())
    status = Checkpoint(net, extra=extra).restore(written)
    with pytest.raises(AssertionError, match="save_counter"):
        status.assert_existing_objects_matched()
