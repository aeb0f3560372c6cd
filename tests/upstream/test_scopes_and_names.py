"""Function templates in checkpoints, and files that were written by names."""

import itertools

import numpy as np
import pytest

import minitf as tf
from tests.upstream.conftest import Loop, Net, Node

_numbers = itertools.count()


def zeros(shape, dtype=None, **_):
    return tf.zeros(shape)


def get(name):
    return tf.get_variable(name, [1], initializer=zeros)


class Scope(tf.train.AutoTrackable):
    """An object that has the variables of its scope captured."""

    def __call__(self):
        with tf.variable_scope("Scope") as self.variable_scope, tf.capture_dependencies(template=self):
            return tf.get_variable("inside", shape=[1], initializer=zeros)


@pytest.mark.upstream(
    "util_test.TemplateTests.test_checkpointable_save_restore",
    "util_with_v1_optimizers_test.TemplateTests.test_checkpointable_save_restore",
)
def test_a_template_is_restored_when_it_is_called(world, adam, here):
    def build():
        scope = Scope()
        with tf.variable_scope("deep"):
            deep = get("w")
        return get("v"), get("v2"), deep, scope(), scope

    def program():
        template, optimizer = tf.make_template(f"template{next(_numbers)}", build), adam(0.0)
        return tf.train.Checkpoint(template=template, optimizer=optimizer), template, optimizer

    root, template, optimizer = program()
    v, v2, deep, inside, _ = template()
    assert set(tf.train.children(template)) == {"v", "v2", "deep/w", "Scope"}
    loop = Loop(world, lambda: optimizer.minimize(lambda: tf.reduce_sum(v + v2)))
    world.init()
    loop.take()
    for variable, value in ((v, 12.0), (v2, 13.0), (deep, 14.0), (inside, 15.0)):
        world.assign(variable, [value])
    world.assign(optimizer.get_slot(v, "m"), [16.0])
    path = root.save(here)
    stored = {name.split("/.ATT")[0] for name, _ in tf.train.list_variables(path)}
    assert {"template/v", "template/v2", "template/deep.Sw", "template/Scope/inside"} <= stored
    assert "template/v/.OPTIMIZER_SLOT/optimizer/m" in stored

    root, template, optimizer = program()
    status = root.restore(path)
    v, v2, deep, inside, _ = template()
    loop = Loop(world, lambda: optimizer.minimize(lambda: tf.reduce_sum(v + v2)))
    if world.name == "eager":
        loop.take()  # the slots of a template's variables are made by the first step
    world.run(status.assert_consumed())
    loop.take(1 if world.name == "graph" else 0)
    found = [world.value(x) for x in (v, v2, deep, inside)]
    assert found == [[12.0], [13.0], [14.0], [15.0]]  # the learning rate is 0
    np.testing.assert_allclose(world.value(optimizer.get_slot(v, "m")), [0.9 * 16 + 0.1], rtol=1e-6)


@pytest.mark.upstream("util_test.TemplateTests.test_checkpointable_save_restore_nested")
def test_templates_inside_a_template_are_objects_of_their_own(world, here):
    def outer():
        one, two = tf.make_template("i1", lambda: get("v")), tf.make_template("i2", lambda: get("v"))
        return one, two, one(), two(), two()

    def program():
        template = tf.make_template(f"outer{next(_numbers)}", outer)
        return tf.train.Checkpoint(template=template), template

    root, template = program()
    one, two, first, second, again = template()
    assert second is again
    assert tf.train.children(template) == {"i1": one, "i2": two}
    assert tf.train.children(one) == {"v": first}
    world.init()
    world.assign(first, [20.0])
    world.assign(second, [25.0])
    path = root.save(here)
    stored = [name.split("/.")[0] for name, _ in tf.train.list_variables(path)]
    assert stored[1:] == ["save_counter", "template/i1/v", "template/i2/v"]

    root, template = program()
    status = root.restore(path)
    _, _, first, second, _ = template()
    world.run(status.assert_consumed())
    assert (world.value(first), world.value(second)) == ([20.0], [25.0])


# -- files by names -------------------------------------------------------------------------------------------------------


@pytest.fixture
def by_names(world, adam, here):
    """``build(world)`` makes a model whose variables have been trained; the file holds another one's by their names."""

    def build(world):
        if world.name == "eager":
            tf.reset_default_graph()  # the same names again
        net, optimizer = Net(), adam(0.1)
        loop = Loop(world, lambda: net.step(optimizer))
        world.init()
        loop.take()
        return net, optimizer, loop

    net, optimizer, _ = build(world)
    world.assign(net.named.bias, [7.0])
    world.assign(optimizer.get_slot(net.named.bias, "m"), [8.0])
    saver = tf.train.Saver([*net.variables, *optimizer.variables()])
    return saver.save(getattr(world, "session", None), here), build


NAME_BASED = (
    "util_test.CheckpointCompatibilityTests.testLoadFromNameBasedSaver",
    "util_with_v1_optimizers_test.CheckpointCompatibilityTests.testLoadFromNameBasedSaver",
)


def everything(net, optimizer):
    return Node(model=net, optimizer=optimizer)


@pytest.mark.upstream(*NAME_BASED)
def test_a_file_by_names_is_restored_by_checkpoint(world, by_names):
    path, build = by_names
    with type(world)().scope() as world:
        net, optimizer, _ = build(world)
        slot = optimizer.get_slot(net.named.bias, "m")
        root = tf.train.Checkpoint(root=everything(net, optimizer))
        before = world.value(net.named.bias)
        status = root.read(path)
        if world.name == "eager":
            assert (world.value(net.named.bias), world.value(slot)) == ([7.0], [8.0])
        else:
            assert world.value(net.named.bias) == before
            for question in (status.assert_consumed, status.assert_existing_objects_matched):
                with pytest.raises(AssertionError):
                    question()
            status.run_restore_ops()
            assert (world.value(net.named.bias), world.value(slot)) == ([7.0], [8.0])
            status.assert_consumed()
            root.read(path).run_restore_ops()  # a status of its own each time
        root = tf.train.Checkpoint(root=Node(model=net, missing=tf.Variable(1.0, name="missing")))
        world.init()
        status = root.read(path)
        if world.name == "graph":
            with pytest.raises(tf.errors.NotFoundError):
                status.run_restore_ops()
        for question in (status.assert_consumed, status.assert_existing_objects_matched):
            with pytest.raises(AssertionError):
                question()


@pytest.mark.upstream(*NAME_BASED)
def test_and_by_the_saver_of_objects_when_it_is_told_to_run(world, by_names):
    path, build = by_names
    with type(world)().scope() as world:
        net, optimizer, _ = build(world)
        slot = optimizer.get_slot(net.named.bias, "m")
        before = world.value(net.named.bias)
        status = tf.train.CheckpointableSaver(everything(net, optimizer)).restore(path)
        assert world.value(net.named.bias) == before
        with pytest.raises(AssertionError):
            status.assert_consumed()
        status.initialize_or_restore()
        assert (world.value(net.named.bias), world.value(slot)) == ([7.0], [8.0])
        world.assign(net.named.bias, [0.0])
        status.run_restore_ops()  # the same status again
        assert world.value(net.named.bias) == [7.0]
