"""``List``, ``Mapping`` and ``UniqueNameTracker``."""

import copy
import pickle

import pytest

import minitf as tf


def edges(obj):
    return list(tf.train.children(obj))


@pytest.fixture
def v(mode):
    return lambda value=0.0, **more: tf.Variable(value, **more)


@pytest.mark.behaviour("S56", "S38")
@pytest.mark.upstream("data_structures_test.ListTests.testSlicing", "data_structures_test.ListTests.testIMul")
def test_a_list_of_trackable_objects_that_grows(v, node):
    a, b = v(), v()
    items = tf.train.List([a])
    items.append([b])
    items += (node(),)
    items.extend([a])
    assert edges(items) == ["0", "1", "2", "3"]
    assert len(items) == 4
    assert items[1] == [b]
    assert items[:1] == [a]
    assert type(items[:1]) is list
    items = tf.train.List((a,))
    items *= 2
    assert edges(items) == ["0", "1"]
    assert items[1] is a


@pytest.mark.behaviour("S56")
@pytest.mark.upstream(
    "data_structures_test.ListTests.testNotCheckpointable",
    "data_structures_test.ListTests.testNoPop",
    "data_structures_test.ListTests.testIMul_zero",
)
def test_a_list_refuses_what_is_not_trackable(v):
    with pytest.raises(ValueError, match="Only trackable objects"):
        tf.train.List([3])
    items = tf.train.List([v()])
    with pytest.raises(ValueError, match="Only trackable objects"):
        items.append("text")
    with pytest.raises(ValueError, match="only supports append"):
        items *= 0
    assert not hasattr(items, "pop")
    with pytest.raises(TypeError):
        items[0] = v()
    assert edges(items) == ["0"]
    inner = v()
    items.append(tf.train.NoDependency(inner))
    assert items[1] is inner
    assert edges(items) == ["0"]


@pytest.mark.behaviour("S61")
@pytest.mark.upstream(
    "data_structures_test.ListTests.testHash",
    "data_structures_test.ListTests.testMul",
    "data_structures_test.ListTests.testRMul",
)
def test_lists_compare_and_hash_by_identity_and_add_like_lists(node):
    a, b = node(), node()
    first, second = tf.train.List([a]), tf.train.List([a])
    assert first == first
    assert first != second
    assert len({first, second, first}) == 2
    assert first + [b] == [a, b]
    assert [b] + first == [b, a]
    assert first * 2 == 2 * first == [a, a]
    assert node(items=[a]).items == [a]
    assert repr(tf.train.List()) == "List([])"
    assert repr(tf.train.Mapping()) == "Mapping({})"
    assert a in first
    assert first.index(a) == 0


@pytest.mark.behaviour("S61")
@pytest.mark.upstream("data_structures_test.ListTests.testCopy")
def test_copies_grow_on_their_own(node):
    items = tf.train.List([node()])
    twin, deep = items.copy(), copy.deepcopy(items)
    twin.append(node())
    assert len(items) == 1
    assert twin[0] is items[0]
    assert deep[0] is not items[0]
    assert edges(deep) == ["0"]
    assert tf.train.children(deep)["0"] is deep[0]
    mapping = tf.train.Mapping(a=node())
    twin, deep = mapping.copy(), copy.deepcopy(mapping)
    twin["b"] = node()
    assert list(mapping) == ["a"]
    assert tf.train.children(deep)["a"] is deep["a"]
    assert deep["a"] is not mapping["a"]
    back = pickle.loads(pickle.dumps(tf.train.List([tf.Variable(4.0)])))
    assert float(back[0]) == 4.0
    assert tf.train.children(back)["0"] is back[0]


@pytest.mark.behaviour("S56")
@pytest.mark.upstream(
    "data_structures_test.MappingTests.testNoOverwrite",
    "data_structures_test.MappingTests.testNonStringKeys",
    "data_structures_test.MappingTests.testHashing",
)
def test_a_mapping_grows_and_refuses_the_rest(v):
    a, b = v(), v()
    mapping = tf.train.Mapping({"x": a}, y=[b])
    assert edges(mapping) == ["x", "y"]
    mapping["x"] = a
    with pytest.raises(ValueError, match="can only grow.*'x'"):
        mapping["x"] = b
    with pytest.raises(ValueError, match="can only grow"):
        mapping.update(x=b)
    assert tf.train.children(mapping)["x"] is a
    with pytest.raises(TypeError, match="string keys"):
        mapping[1] = b
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del mapping["x"]
    with pytest.raises(ValueError, match="Only trackable objects"):
        mapping["z"] = 3
    assert list(mapping) == ["x", "y"]
    assert len(mapping) == 2
    assert mapping["x"] is a
    assert len({mapping, mapping}) == 1
    assert mapping != tf.train.Mapping(x=a)


@pytest.mark.upstream("data_structures_test.ListTests.testNonLayerVariables")
def test_variables_and_layers_of_containers(v, node):
    class Layer(tf.Module):
        trainable_weights = property(lambda self: self.trainable_variables)
        non_trainable_weights = property(lambda self: self.non_trainable_variables)
        losses = ("loss",)
        updates = ("update",)

    layer = Layer()
    layer.w, layer.b = v(1.0), v(2.0, trainable=False)
    own = v(3.0)
    for container in (
        tf.train.List([own, layer, [layer]]),
        node(x=[own, layer, [layer], 5]).x,
        node(x={"b": own, "a": layer}).x,
    ):
        assert container.layers == [layer]
        assert container.losses == ["loss"]
        assert container.updates == ["update"]
        assert container.trainable_variables[0] is layer.w
        assert container.trainable_variables[-1] is own
        assert any(x is layer.b for x in container.non_trainable_variables)
        assert len(container.variables) == len(container.weights)
        container.trainable = False
        assert container.trainable_weights == []
        assert any(x is own for x in container.non_trainable_weights)
    assert own.trainable


@pytest.mark.upstream("other.containers_test")
def test_unique_names(v):
    tracker = tf.train.UniqueNameTracker()
    a, b, c, d = (v() for _ in range(4))
    assert tracker.track(a, "x") is a
    tracker.track(b, "x")
    tracker.track(c, "x_1")
    tracker.track(d, "y")
    assert edges(tracker) == ["x", "x_1", "x_1_1", "y"]
    assert tf.train.children(tracker)["x_1"] is b
    assert [x is y for x, y in zip(tracker.variables, (a, b, c, d), strict=True)] == [True] * 4
    with pytest.raises(ValueError, match="trackable"):
        tracker.track(3, "z")
