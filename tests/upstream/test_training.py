"""Models with optimizers: what is stored of them, training that is interrupted and goes on, and slots that wait."""

from pathlib import Path

import numpy as np
import pytest

import minitf as tf
from tests.upstream.conftest import Loop, Net, Node

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def keys(path):
    return sorted(name.removesuffix(VALUE) for name, _ in tf.train.list_variables(path) if not name.startswith("_"))


def state(world, net, optimizer):
    return [world.value(v) for v in [*net.variables, *optimizer.variables()]]


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testNamingWithOptimizer",
    "util_with_v1_optimizers_test.CheckpointingTests.testNamingWithOptimizer",
)
def test_what_is_stored_of_a_model_with_its_optimizer(world, adam, here):
    net, stranger, optimizer, step = Net(), Net(), adam(), tf.Variable(0, dtype=tf.int64, name="step")
    net.step(optimizer, step)
    stranger.step(optimizer)  # the same optimizer also trains a model that the checkpoint does not reach
    root = tf.train.Checkpoint(model=net, optimizer=optimizer, step=step)
    world.init()
    path = root.save(here)

    weights = ["model/named/bias", "model/named/kernel", "model/second/kernel"]
    own = ["beta1_power", "beta2_power"] + (["iter"] if adam is not tf.train.AdamOptimizer else [])
    slots = [f"{w}/.OPTIMIZER_SLOT/optimizer/{s}" for w in weights for s in "mv"]
    assert keys(path) == sorted(["save_counter", "step", *weights, *slots, *(f"optimizer/{name}" for name in own)])

    nodes = tf.train.object_metadata(path).nodes
    children = {c.local_name: nodes[c.node_id] for c in nodes[0].children}
    assert list(children) == ["model", "optimizer", "step", "save_counter"]
    [value] = children["step"].attributes
    assert (value.full_name, value.checkpoint_key) == ("step", f"step{VALUE}")
    layers = {c.local_name: nodes[c.node_id] for c in children["model"].children}
    [kernel] = [c.node_id for c in layers["second"].children if c.local_name == "kernel"]
    assert nodes[kernel].attributes[0].full_name == "net/dense_1/kernel"
    assert sorted(c.local_name for c in children["optimizer"].children) == own
    references = children["optimizer"].slot_variables
    assert len(references) == 6
    [m] = [s for s in references if (s.original_variable_node_id, s.slot_name) == (kernel, "m")]
    assert nodes[m.slot_variable_node_id].attributes[0].checkpoint_key == f"{weights[2]}/.OPTIMIZER_SLOT/optimizer/m{VALUE}"
    assert nodes[m.slot_variable_node_id].attributes[0].full_name == "net/dense_1/kernel/Adam"


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testSaveRestore", "util_with_v1_optimizers_test.CheckpointingTests.testSaveRestore"
)
def test_values_come_back_at_once_and_into_a_model_that_is_built_later(world, adam, here):
    net, optimizer = Net(), adam(0.1)
    root = tf.train.Checkpoint(model=net, optimizer=optimizer)
    loop = Loop(world, lambda: net.step(optimizer))
    world.init()
    loop.take(2)
    root.save_counter
    world.init(root.save_counter)
    world.assign(net.named.bias, [42.0])
    world.assign(optimizer.get_slot(net.named.bias, "m"), [1.5])
    expected = state(world, net, optimizer)
    path = root.save(here)

    world.assign(net.named.bias, [43.0])
    world.assign(root.save_counter, 0)
    world.assign(optimizer.get_slot(net.named.bias, "m"), [-2.0])
    world.run(root.restore(path).assert_consumed().assert_existing_objects_matched().assert_nontrivial_match())
    assert (state(world, net, optimizer), world.value(root.save_counter)) == (expected, 1)
    if world.name == "graph":
        return  # a graph has no restoring on creation

    net, optimizer = Net(), adam(0.0)
    fresh = tf.train.Checkpoint(model=net, optimizer=optimizer)
    status = fresh.restore(path).assert_nontrivial_match().assert_existing_objects_matched()
    with pytest.raises(AssertionError):
        status.assert_consumed()
    net.build((None, 1))
    assert world.value(fresh.save_counter) == 1
    assert world.value(net.named.bias) == [42.0]
    assert world.value(optimizer.get_slot(net.named.bias, "m")) == [1.5]  # before the optimizer has done anything
    status.assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="beta1_power"):
        status.assert_consumed()
    before = [slot.numpy() for slot in optimizer.variables()]
    optimizer._create_slots(net.trainable_variables)  # what the first step would make
    assert len(before) < len(optimizer.variables())
    status.assert_consumed().assert_existing_objects_matched()
    assert state(world, net, optimizer) == expected


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testDeferredRestorationUsageEager",
    "util_with_v1_optimizers_test.CheckpointingTests.testDeferredRestorationUsageEager",
)
def test_an_eager_program_that_is_started_three_times(eager, adam, tmp_path):
    for start in range(3):
        net, optimizer, step = Net(), adam(0.01), tf.Variable(0, dtype=tf.int64)
        root = tf.train.Checkpoint(model=net, optimizer=optimizer, step=step)
        root.restore(tf.train.latest_checkpoint(tmp_path))
        for _ in range(10):
            net.step(optimizer, step)
        assert root.save(tmp_path / "run") == str(tmp_path / f"run-{start + 1}")
        assert (int(step), int(root.save_counter)) == (10 * start + 10, start + 1)


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testUsageGraph", "util_with_v1_optimizers_test.CheckpointingTests.testUsageGraph"
)
def test_a_graph_program_that_is_started_three_times(adam, tmp_path):
    for start in range(3):
        with tf.Graph().as_default() as graph:
            net, optimizer, step = Net(), adam(0.01), tf.train.get_or_create_global_step()
            root = tf.train.Checkpoint(model=net, optimizer=optimizer, step=step)
            operation = net.step(optimizer, step)
            newest = tf.train.latest_checkpoint(tmp_path)
            with tf.Session(graph=graph) as session:
                status = root.restore(newest)
                status.initialize_or_restore(session=session)
                if newest is None:
                    for question in (status.assert_consumed, status.assert_existing_objects_matched):
                        with pytest.raises(AssertionError):
                            question()
                else:
                    status.assert_consumed().assert_existing_objects_matched()
                for _ in range(10):
                    session.run(operation)
                assert root.save(tmp_path / "run", session=session) == str(tmp_path / f"run-{start + 1}")
                assert session.run([step, root.save_counter]) == [10 * start + 10, start + 1]


def restarted(tmp_path, world_of, adam, prepare=lambda net: None):
    """Three starts of one program for both modes, with a manager that keeps one checkpoint; gives its counters."""
    for start in range(3):
        with world_of().scope() as world:
            net, optimizer, step = Net(), adam(0.01), tf.Variable(0, dtype=tf.int64)
            prepare(net)
            root = tf.train.Checkpoint(model=net, optimizer=optimizer, step=step)
            manager = tf.train.CheckpointManager(root, tmp_path, max_to_keep=1)
            status = root.restore(manager.latest_checkpoint)
            loop = Loop(world, lambda: net.step(optimizer, step))  # noqa: B023
            status.initialize_or_restore()
            loop.take(10)
            manager.save()
            if start:
                status.assert_consumed().assert_existing_objects_matched()
            yield world.value(step), world.value(root.save_counter), sorted(p.name for p in tmp_path.glob("*.index"))


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testAgnosticUsage", "util_with_v1_optimizers_test.CheckpointingTests.testAgnosticUsage"
)
def test_one_program_for_both_modes(world, adam, tmp_path):
    rounds = list(restarted(tmp_path, type(world), adam))
    assert rounds == [(10 * n, n, [f"ckpt-{n}.index"]) for n in (1, 2, 3)]


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testWithDefun", "util_with_v1_optimizers_test.CheckpointingTests.testWithDefun"
)
def test_a_model_with_a_compiled_call(world, adam, tmp_path):
    traced = []

    def prepare(net):
        plain = net.call
        net.call = tf.function(lambda x: traced.append(x) or plain(x))

    rounds = list(restarted(tmp_path, type(world), adam, prepare))
    assert 3 <= len(traced) < 10  # traced once or twice in each round (the first trace makes the variables)
    assert rounds == [(10 * n, n, [f"ckpt-{n}.index"]) for n in (1, 2, 3)]


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testAnonymousVarsInInit",
    "util_with_v1_optimizers_test.CheckpointingTests.testAnonymousVarsInInit",
)
def test_variables_without_names_that_a_list_holds_too(world, adam, here):
    class Anonymous(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.w, self.b = tf.Variable(0.0), tf.Variable(0.0)
            self.both = [self.w, self.b]

        def call(self, x):
            return x * self.w + self.b

    net, optimizer = Anonymous(), adam(0.1)
    root = tf.train.Checkpoint(model=net, optimizer=optimizer)
    loop = Loop(world, lambda: optimizer.minimize(lambda: (1.0 - net(tf.constant(1.0))) ** 2))
    world.init()
    paths = []
    for _ in range(2):
        paths.append(root.save(here))
        loop.take()
    stored = keys(root.save(here))
    assert [k for k in stored if k.startswith("model") and "SLOT" not in k] == ["model/b", "model/w"]
    assert len([k for k in stored if "SLOT" in k]) == 4
    values = [tf.train.load_variable(path, f"model/w{VALUE}") for path in paths]
    assert values[0] == 0.0
    assert values[1] > 0.0


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testDeferredSlotRestoration",
    "util_with_v1_optimizers_test.CheckpointingTests.testDeferredSlotRestoration",
)
def test_a_slot_of_an_earlier_checkpoint_and_a_variable_of_a_later_one(world, adam, here):
    source = Node(optimizer=adam(0.1), var=tf.Variable(12.0, name="v"))
    with_variable = Node(var=source.var)
    loop = Loop(world, lambda: source.optimizer.minimize(lambda: source.var * 1.0))
    world.init()
    without_slots = tf.train.CheckpointableSaver(with_variable).save(here, 1)
    loop.take()
    world.assign(source.var, 13.0)
    world.assign(source.optimizer.get_slot(source.var, "m"), 14.0)
    slots = tf.train.CheckpointableSaver(source).save(here, 2)

    root = Node()
    saver = tf.train.CheckpointableSaver(root)
    slot_status, variable_status = saver.restore(slots), saver.restore(without_slots)
    with pytest.raises(AssertionError):
        variable_status.assert_consumed()
    root.var = tf.Variable(0.0, name="v")
    variable_status.assert_consumed().assert_existing_objects_matched()
    world.run(variable_status)
    assert world.value(root.var) == 12.0
    root.optimizer = optimizer = adam(0.1)
    with pytest.raises(AssertionError):
        slot_status.assert_consumed()
    loop = Loop(world, lambda: optimizer.minimize(lambda: root.var * 0.0))
    if world.name == "eager":
        assert world.value(optimizer.get_slot(root.var, "m")) == 14.0
        loop.take()
    slot_status.assert_consumed()
    if world.name == "graph":
        slot_status.run_restore_ops()
        variable_status.run_restore_ops()
        assert world.value(optimizer.get_slot(root.var, "m")) == 14.0
        assert world.value(root.var) == 12.0


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testManySavesGraph", "util_with_v1_optimizers_test.CheckpointingTests.testManySavesGraph"
)
def test_a_second_save_adds_no_operation(graph, adam, here):
    root = Node(var=tf.Variable(0.0), optimizer=adam())
    root.optimizer.minimize(lambda: root.var * 1.0)
    graph.init()
    saver = tf.train.CheckpointableSaver(root)
    saver.save(here, 1)
    before = graph.graph.get_operations()
    saver.save(here, 2)
    assert graph.graph.get_operations() == before


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testManyRestoresGraph",
    "util_with_v1_optimizers_test.CheckpointingTests.testManyRestoresGraph",
)
def test_a_second_restore_adds_no_operation(graph, adam, here):
    root = Node(var=tf.Variable(0.0), optimizer=adam())
    root.optimizer.minimize(lambda: root.var * 1.0)
    graph.init()
    saver = tf.train.CheckpointableSaver(root)
    path = saver.save(here)
    saver.restore(path)
    before = graph.graph.get_operations()
    saver.restore(path).assert_consumed().run_restore_ops()
    assert graph.graph.get_operations() == before


@pytest.mark.upstream(
    "util_test.CheckpointingTests.testMultipleGraphsNonSlotVariables",
    "util_with_v1_optimizers_test.CheckpointingTests.testMultipleGraphsNonSlotVariables",
)
def test_one_optimizer_in_two_graphs(adam, here):
    optimizer = adam(0.001)

    def power():
        return tf.train.children(optimizer)["beta1_power"]

    def build():
        root = Node(var=tf.Variable(2.0, name="v"), optimizer=optimizer)
        return tf.train.CheckpointableSaver(root), root, optimizer.minimize(root.var * 1.0)

    with tf.Graph().as_default(), tf.Session() as session:
        saver, root, _ = build()
        saver.restore(None).initialize_or_restore()
        session.run(power().assign(12.0))
        first = saver.save(here, 1)
        session.run(power().assign(13.0))
        saver.restore(first).assert_consumed().run_restore_ops()
        assert session.run(power()) == 12.0
        session.run(power().assign(14.0))

        with tf.Graph().as_default(), tf.Session() as other_session:
            other_saver, other, _ = build()
            with pytest.raises(tf.errors.FailedPreconditionError):
                other_session.run(power())  # it is a variable of its own
            other_saver.restore(None).initialize_or_restore()
            other_session.run(power().assign(22.0))
            second = other_saver.save(here, 2)
            other_session.run([other.var.assign(-1.0), power().assign(23.0)])
            other_saver.restore(second).assert_consumed().run_restore_ops()
            assert other_session.run([other.var, power()]) == [2.0, 22.0]

        assert session.run([root.var, power()]) == [2.0, 14.0]
        saver.restore(first).run_restore_ops()
        assert session.run(power()) == 12.0


@pytest.mark.upstream(
    "util_test.CheckpointingTests.test_initialize_if_not_restoring",
    "util_with_v1_optimizers_test.CheckpointingTests.test_initialize_if_not_restoring",
)
def test_what_a_checkpoint_lacks_is_initialised_and_what_another_gave_is_left_alone(world, adam, here):
    def build(world):
        net, optimizer, step = Net(), adam(0.1), tf.Variable(0, dtype=tf.int64)
        alone = tf.train.Checkpoint(optimizer=optimizer)
        small = tf.train.Checkpoint(model=net, step=step)
        return net, optimizer, step, alone, small, Loop(world, lambda: net.step(optimizer, step))

    net, optimizer, step, alone, small, loop = build(world)
    for group in (alone, small):
        group.save_counter
    world.init()
    loop.take(3)
    weights, powers = small.save(here), alone.save(f"{here}-optimizer")
    trained = world.value(net.second.kernel)
    power = world.value(tf.train.children(optimizer)["beta1_power"])

    with type(world)().scope() as world:
        net, optimizer, step, alone, small, loop = build(world)
        everything = tf.train.Checkpoint(model=net, step=step, optimizer=optimizer)
        if world.name == "eager":
            loop.take()  # now the optimizer's variables exist, as in the graph
        status = everything.restore(weights)
        status.initialize_or_restore()
        for question in (status.assert_consumed, status.assert_existing_objects_matched):
            with pytest.raises(AssertionError):
                question()
        assert world.value(net.second.kernel) == trained
        assert world.value(step) == 3
        loop.take()  # nothing is left without a value

        later = alone.restore(powers).assert_consumed()
        later.initialize_or_restore()
        assert world.value(tf.train.children(optimizer)["beta1_power"]) == power
        status.initialize_or_restore()  # the earlier status leaves alone what the later one gave
        assert world.value(tf.train.children(optimizer)["beta1_power"]) == power
        none = everything.restore(None)
        with pytest.raises(AssertionError):
            none.assert_consumed()
        newest = alone.restore(powers)
        newest.initialize_or_restore()
        none.initialize_or_restore()
        assert world.value(tf.train.children(optimizer)["beta1_power"]) == power


@pytest.mark.upstream(
    "util_test.CheckpointCompatibilityTests.testSaveGraphLoadEager",
    "util_with_v1_optimizers_test.CheckpointCompatibilityTests.testSaveGraphLoadEager",
)
@pytest.mark.upstream(
    "util_test.CheckpointCompatibilityTests.testSaveEagerLoadGraph",
    "util_with_v1_optimizers_test.CheckpointCompatibilityTests.testSaveEagerLoadGraph",
)
def test_a_file_of_one_mode_is_restored_in_the_other(world, adam, here):
    from tests.checkpoint.conftest import EagerWorld, GraphWorld

    def build(world):
        net, optimizer = Net(), adam(0.1)
        loop = Loop(world, lambda: net.step(optimizer))
        world.init()
        loop.take()
        return net, optimizer, tf.train.Checkpoint(model=net, optimizer=optimizer)

    net, optimizer, root = build(world)
    path = root.save(here)
    expected = state(world, net, optimizer)
    other = GraphWorld() if world.name == "eager" else EagerWorld()
    with tf.using(tf.Eager()), other.scope():
        net, optimizer, root = build(other)
        other.run(root.restore(path).assert_consumed().assert_existing_objects_matched())
        assert state(other, net, optimizer) == expected
        assert other.value(root.save_counter) == 1


@pytest.mark.upstream("util_test.InterfaceTests.testObjectMetadata")
def test_the_stored_object_graph_is_read_on_its_own(world, here):
    root = Node(dense=tf.keras.layers.Dense(1))
    root.dense(tf.ones([1, 1]))
    world.init()
    path = tf.train.Checkpoint(net=root).save(here)
    metadata = tf.train.object_metadata(path)
    names = [value.full_name for node in metadata.nodes for value in node.attributes]
    assert {"dense/bias", "dense/kernel"} <= set(names)
    assert Path(path + ".index").exists()


@pytest.mark.upstream("util_test.CheckpointingTests.testFreezing")
def test_what_a_frozen_saver_writes(world, here):
    root = tf.train.Checkpoint(v=tf.Variable(0, dtype=tf.int64), slot=Node(w=tf.Variable([1.0, 2.0])))
    root.save_counter
    world.init()
    saver = tf.train.frozen_saver(root)
    world.assign(root.save_counter, 12)
    path = saver.save(here)
    world.assign(root.slot.w, [0.0, 0.0])
    world.assign(root.save_counter, 1)
    tf.train.frozen_saver(root).restore(path)
    assert (world.value(root.slot.w), world.value(root.save_counter)) == ([1.0, 2.0], 12)

    fresh = tf.train.Checkpoint()
    status = fresh.restore(path)
    fresh.slot = Node()
    fresh.slot.w = tf.Variable([0.0, 0.0])
    fresh.v = tf.Variable(7, dtype=tf.int64)
    world.run(status.assert_consumed())
    found = [world.value(v) for v in (fresh.slot.w, fresh.v, fresh.save_counter)]
    np.testing.assert_equal(found, [[1.0, 2.0], 0, 12])
