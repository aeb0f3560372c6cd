"""Objects that come late, in another order, twice or under changed names; and many checkpoints of one program."""

import os

import numpy as np
import pytest

import minitf as tf
from tests.upstream.conftest import Net, Node

Saver = tf.train.CheckpointableSaver


@pytest.fixture
def initial(world):
    """Variables that have got their first values (graph: initialised)."""

    def initial(value, **more):
        variable = tf.Variable(value, **more)
        world.init(variable)
        return variable

    return initial


@pytest.mark.upstream("util_test.InterfaceTests.testAddVariable")
def test_variables_added_through_an_object(world, here):
    root = tf.train.Checkpoint(thing=tf.train.AutoTrackable())
    add = tf.train.add_variable
    with tf.variable_scope("outer"):
        constant = add(root.thing, "constant", initializer=[1, 2], dtype=tf.int64)
        called = add(root.thing, "called", shape=[1], initializer=lambda shape, dtype: tf.ones(shape, dtype))
        by_class = add(root.thing, "by_class", shape=[2], initializer=tf.keras.initializers.Ones)
        with tf.name_scope("inner"):
            deeper = add(root.thing, "deeper", shape=[], initializer=lambda shape, dtype: tf.zeros(shape, dtype))
        with pytest.raises(ValueError, match="do not specify shape"):
            add(root.thing, "twice_told", shape=[1], initializer=0)
        with pytest.raises(ValueError, match="already declared as a dependency"):
            add(root.thing, "called", shape=[1])
    assert [v.dtype for v in (constant, called, by_class, deeper)] == [tf.int64, tf.float32, tf.float32, tf.float32]
    other = tf.train.AutoTrackable()
    root.other = other
    same = add(other, "called", shape=[1], initializer=lambda shape, dtype: tf.zeros(shape, dtype))  # no clash: another object
    assert called.name.endswith("called:0")
    world.init()
    assert [world.value(v) for v in (constant, called, by_class, deeper, same)] == [[1, 2], [1.0], [1.0, 1.0], 0.0, [0.0]]
    stored = [name.split("/.")[0] for name, _ in tf.train.list_variables(root.write(here))][1:]
    assert stored == ["other/called", *(f"thing/{name}" for name in ("by_class", "called", "constant", "deeper"))]


@pytest.mark.upstream("util_test.CheckpointingTests.testLateDependencyTracking")
def test_an_object_and_then_its_variable_come_after_the_restore(world, initial, here):
    class Late(Node):
        def add(self, value):
            self.dep = Node()
            self.dep.var = initial(value)

    source = Late()
    source.add(123.0)
    path = Saver(source).save(here)
    late = Late()
    status = Saver(late).restore(path).assert_existing_objects_matched()
    with pytest.raises(AssertionError):
        status.assert_consumed()
    late.add(0.0)
    status.assert_consumed().assert_existing_objects_matched()
    world.run(status)
    assert world.value(late.dep.var) == 123.0


@pytest.mark.upstream("util_test.CheckpointingTests.testDepAfterVar")
def test_a_variable_is_there_before_its_owner_is_attached(world, initial, here):
    path = Saver(Node(dep=Node(var=initial(123.0)))).save(here)
    root = Node()
    status = Saver(root).restore(path)
    owner = Node(var=initial(0.0))
    root.dep = owner
    world.run(status.assert_consumed().assert_existing_objects_matched())
    assert world.value(owner.var) == 123.0


@pytest.mark.upstream("util_test.CheckpointingTests.testOverlappingRestores")
@pytest.mark.parametrize("first", [0, 1])
def test_one_object_under_two_roots_that_both_wait(world, initial, here, first):
    source = Node(dep=Node(var=initial(0.0)))
    paths = []
    for number, value in enumerate((12.0, 13.0)):
        world.assign(source.dep.var, value)
        paths.append(Saver(source).save(here, number))

    roots, statuses = [Node(), Node()], [None, None]
    for number in (first, 1 - first):
        statuses[number] = Saver(roots[number]).restore(paths[number])
    shared = Node()
    roots[0].dep = shared
    shared.var = initial(0.0)
    statuses[0].assert_consumed()
    world.run(statuses[0])
    assert world.value(shared.var) == 12.0
    roots[1].dep = shared
    statuses[1].assert_consumed()
    world.run(statuses[1])
    assert world.value(shared.var) == (13.0 if first == 0 else 12.0)  # the value of the restore that was called later
    statuses[0].assert_consumed()


@pytest.mark.upstream("util_test.CheckpointingTests.testAmbiguousLoad")
def test_a_shared_object_is_split_in_two(world, initial, here):
    shared = Node(var=initial(2.0))
    path = Saver(Node(one=Node(dep=shared), two=Node(dep=shared))).save(here)
    root = Node(one=Node(), two=Node())
    status = Saver(root).restore(path)
    root.one.dep, root.two.dep = Node(), Node()
    root.one.dep.var, root.two.dep.var = initial(0.0), initial(0.0)
    for question in (status.assert_consumed, status.assert_existing_objects_matched):
        with pytest.raises(AssertionError):
            question()


@pytest.mark.upstream("util_test.CheckpointingTests.testObjectsCombined")
def test_two_stored_objects_become_one(world, initial, here):
    path = Saver(Node(one=Node(a=initial(1.0), b=initial(2.0)), two=Node(a=initial(3.0), b=initial(4.0)))).save(here)
    both = Node()
    root = Node(one=both, two=both)
    status = Saver(root).restore(path)
    both.a, both.b = initial(0.0), initial(0.0)
    status.assert_consumed().assert_existing_objects_matched()
    world.run(status)
    found = world.value(both.a), world.value(both.b)
    assert found in [(1.0, 2.0), (3.0, 4.0)]  # both from one object; which one is not promised


@pytest.mark.upstream("util_test.CheckpointingTests.testDependencyLoop")
@pytest.mark.parametrize("deferred", [True, False], ids=["deferred", "at once"])
def test_two_objects_refer_to_each_other(world, initial, here, deferred):
    def pair():
        one, two = Node(), Node()
        one.other, two.other = two, one
        return one, two

    one, two = pair()
    one.v, two.v = initial([3.0]), initial([4.0])
    path = Saver(one).save(here)
    one, two = pair()
    if deferred:
        one = Node()
        status = Saver(one).restore(path)
        two = Node()
        one.other = two
        two.other = one
        with pytest.raises(AssertionError):
            status.assert_consumed()
        one.v, two.v = initial([0.0]), initial([0.0])
    else:
        one.v, two.v = initial([0.0]), initial([0.0])
        status = Saver(one).restore(path)
    world.run(status.assert_consumed().assert_existing_objects_matched())
    assert (world.value(one.v), world.value(two.v)) == ([3.0], [4.0])


@pytest.mark.upstream("util_test.CheckpointingTests.testRestoreOnAssign")
def test_a_variable_that_was_changed_by_hand_is_restored_when_it_is_attached(world, initial, here):
    path = Saver(Node(v1=initial(1.0), v2=initial(2.0))).save(here)
    root = Node(v1=initial(0.0))
    status = Saver(root).restore(path)
    late = initial(10.0)
    world.assign(late, 11.0)
    world.run(status)
    assert world.value(root.v1) == 1.0
    root.v2 = late
    world.run(status.assert_consumed())
    assert world.value(root.v2) == 2.0


@pytest.mark.upstream("util_test.CheckpointingTests.testCustomNumbering")
def test_write_with_a_number_of_ones_own_in_the_prefix(world, initial, tmp_path):
    root = tf.train.Checkpoint(step=initial(0, dtype=tf.int64))
    for number in range(5):
        world.assign(root.step, number)
        prefix = str(tmp_path / f"ckpt-{world.value(root.step):03d}")
        assert root.write(prefix) == prefix
    assert sorted(p.name for p in tmp_path.glob("*.index")) == [f"ckpt-00{n}.index" for n in range(5)]
    assert list(tf.train.children(root)) == ["step"]


@pytest.mark.upstream("util_test.CheckpointingTests.testCheckpointState")
def test_ten_saves_leave_ten_checkpoints_and_one_state_file(world, initial, tmp_path):
    root = tf.train.Checkpoint(var=initial(0.0))
    for _ in range(10):
        root.save(tmp_path / "ckpt")
    files = os.listdir(tmp_path)
    assert sorted(f for f in files if f.endswith(".index")) == sorted(f"ckpt-{n}.index" for n in range(1, 11))
    assert len(files) == 21
    assert "checkpoint" in files


@pytest.mark.upstream("util_test.CheckpointingTests.testCheckpointStateChangingVarList")
def test_a_variable_more_at_each_save(world, initial, tmp_path):
    root = tf.train.Checkpoint(var=initial(1.0))
    variables, paths = [], []
    for number in range(10):
        variables.append(initial(np.array(number + 1.0, np.float32)))
        setattr(root, f"var_{number}", variables[-1])
        paths.append(root.save(tmp_path / "ckpt"))
        assert tf.train.latest_checkpoint(tmp_path) == paths[-1]
    state = tf.train.get_checkpoint_state(tmp_path)
    assert (state.model_checkpoint_path, list(state.all_model_checkpoint_paths)) == (paths[9], [paths[9]])
    world.assign(root.save_counter, 0)

    def spoil():
        for variable in variables:
            world.assign(variable, -1.0)

    spoil()
    status = root.restore(paths[5])
    world.run(status)
    assert [world.value(v) for v in variables] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -1.0, -1.0, -1.0, -1.0]
    assert world.value(root.save_counter) == 6
    spoil()
    world.run(root.restore(paths[9]).assert_consumed())
    assert [world.value(v) for v in variables] == [float(n) for n in range(1, 11)]
    spoil()
    world.run(root.restore(paths[5]))  # in a graph, too, the smaller one works after the larger one
    assert [world.value(v) for v in variables[4:8]] == [5.0, 6.0, -1.0, -1.0]


@pytest.mark.upstream("util_test.CheckpointingTests.test_sequential")
def test_layers_are_added_to_a_stack_after_the_restore(world, here):
    def dense():
        return tf.keras.layers.Dense(4)

    model = tf.keras.Sequential()
    root = tf.train.Checkpoint(model=model)
    model.add(dense())
    second = dense()
    model.add(second)
    model(tf.ones([1, 3]))
    world.init()
    expected = [-1.0, -2.0, 3.0, 4.0]
    world.assign(second.bias, expected)
    path = root.save(here)

    model = tf.keras.Sequential()
    root = tf.train.Checkpoint(model=model)
    status = root.restore(path)
    model.add(dense())
    model(tf.ones([1, 3]))
    second = dense()
    model.add(second)
    model(tf.ones([1, 3]))
    world.run(status.assert_consumed())
    assert world.value(second.bias) == expected


@pytest.mark.upstream("util_test.CheckpointingTests.test_restore_after_adding_empty_checkpointable_data_structure")
def test_new_attributes_with_containers_without_variables(world, here):
    net = Net()
    net.build((None, 1))
    world.init()
    path = tf.train.Checkpoint(model=net).save(here)
    net = Net()
    net.new_dict, net.new_list = {"x": [1, 2]}, [[], {}]
    net.build((None, 1))
    status = tf.train.Checkpoint(model=net).restore(path)
    status.assert_existing_objects_matched().assert_consumed()


class Twice(tf.train.SaveableObject):
    """Saves one variable and restores into two."""

    def __init__(self, primary, mirror, name):
        self.primary, self.mirror = primary, mirror
        spec = tf.train.SaveSpec(lambda: primary.read_value(), "", name, dtype=primary.dtype)
        super().__init__(primary, [spec], name)

    def restore(self, restored_tensors, restored_shapes):
        [tensor] = restored_tensors
        return tf.group(self.primary.assign(tensor), self.mirror.assign(tensor))


class Mirrored(tf.train.Trackable):
    def __init__(self):
        self.primary, self.mirror = tf.Variable(15.0, name="primary"), tf.Variable(15.0, name="mirror")
        self.name = "mirrored"

    def _gather_saveables_for_checkpoint(self):
        return {"VALUE": lambda name="mirrored": Twice(self.primary, self.mirror, name)}


@pytest.mark.upstream("util_test.CheckpointingTests.testMoreComplexSaveableReturned")
def test_one_stored_value_for_two_variables(world, here):
    thing = Mirrored()
    world.init()
    root = tf.train.Checkpoint(thing=thing)
    world.assign(thing.primary, 42.0)
    path = root.save(here)
    assert "thing/.ATTRIBUTES/VALUE" in dict(tf.train.list_variables(path))
    world.assign(thing.primary, 43.0)
    world.assign(thing.mirror, 44.0)
    world.run(root.restore(path).assert_consumed())
    assert (world.value(thing.primary), world.value(thing.mirror)) == (42.0, 42.0)


@pytest.mark.upstream("util_test.CheckpointingTests.testMoreComplexSaveableReturnedWithGlobalName")
def test_the_same_object_in_the_saver_by_names(world, here):
    thing = Mirrored()
    world.init()
    session = getattr(world, "session", None)
    saver = tf.train.Saver([thing])
    world.assign(thing.primary, 42.0)
    path = saver.save(session, here)
    world.assign(thing.primary, 43.0)
    saver.restore(session, path)
    assert (world.value(thing.primary), world.value(thing.mirror)) == (42.0, 42.0)
