"""Lists, dicts and tuples in the attributes of models and other objects."""

import copy

import numpy as np
import pytest

import minitf as tf
from tests.upstream.conftest import Node

Dense = tf.keras.layers.Dense
CONTAINERS = ("data_structures_test.ListTests", "data_structures_test.MappingTests")


def edges(obj):
    return list(tf.train.children(obj))


class HasList(tf.keras.Model):
    """Layers in a list that grows in every way, and variables in another."""

    def __init__(self):
        super().__init__()
        self.stack = [Dense(3)]
        self.stack.append(Dense(4))
        self.stack.extend([Dense(5), tf.keras.Sequential([Dense(6), Dense(7)])])
        self.stack += [Dense(8), Dense(9)]
        self.own = [tf.Variable(1.0, name="own")]

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x * self.own[0]


class HasMapping(tf.keras.Model):
    """The same with a mapping."""

    def __init__(self):
        super().__init__()
        self.stack = tf.train.Mapping(output=Dense(7))
        self.stack["middle"] = tf.train.List([Dense(3), Dense(4)])

    def call(self, x):
        for layer in self.stack["middle"]:
            x = layer(x)
        return self.stack["output"](x)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(HasList, marks=pytest.mark.upstream("data_structures_test.ListTests.testTracking")),
        pytest.param(HasMapping, marks=pytest.mark.upstream("data_structures_test.MappingTests.testTracking")),
    ],
)
def test_layers_in_containers_are_saved_and_loaded(world, tmp_path, kind):
    model, x = kind(), tf.ones([32, 2])
    model(x)
    world.init()
    if kind is HasList:
        assert edges(model.stack) == [str(i) for i in range(6)]
        assert len(model.layers) == 6
        assert model.variables[-1] is model.own[0]
        assert len(model.trainable_variables) == 15
    else:
        assert edges(model.stack) == ["output", "middle"]
        assert edges(model.stack["middle"]) == ["0", "1"]
        assert len(model.layers) == 3
    expected = [world.value(v) for v in model.variables]
    model.save_weights(tmp_path / "weights")
    for variable in model.variables:
        world.assign(variable, np.zeros(variable.shape.as_list(), "float32"))
    world.run(model.load_weights(tmp_path / "weights").assert_consumed())
    assert [world.value(v) for v in model.variables] == expected


class Reporting(tf.keras.layers.Layer):
    """A layer with a loss and an update."""

    def __init__(self):
        super().__init__()
        self.seen = tf.Variable(0.0, trainable=False)
        self.updates = []

    def call(self, x):
        self.add_loss(tf.reduce_sum(x))
        self.updates.append(self.seen.assign_add(1.0, read_value=False))
        return x


@pytest.mark.upstream("data_structures_test.ListTests.testLossesForwarded")
def test_a_container_passes_on_the_losses_of_its_layers(world):
    root = Node(layers=[Reporting(), [Reporting()]])
    root.layers[0](tf.ones([2]))
    root.layers[1][0](tf.ones([3]))
    assert [world.value(loss) for loss in root.layers.losses] == [2.0, 3.0]
    assert [world.value(loss) for loss in tf.train.List([root.layers[0]]).losses] == [2.0]


@pytest.mark.upstream("data_structures_test.ListTests.testUpdatesForwarded")
def test_a_container_passes_on_the_updates_of_its_layers(graph):
    layer = Reporting()
    root = Node(layers=[layer])
    layer(tf.ones([2]))
    graph.init()
    assert list(root.layers.updates) == list(layer.updates)
    graph.session.run(root.layers.updates)
    assert graph.value(layer.seen) == 1.0


@pytest.mark.upstream("data_structures_test.ListTests.testCallNotImplemented")
def test_a_list_of_layers_is_no_layer():
    with pytest.raises(TypeError, match="not callable"):
        tf.train.List([Dense(1)])(1.0)


@pytest.mark.upstream("data_structures_test.ListTests.testTensorConversion")
def test_a_list_of_numbers_becomes_a_tensor(world):
    root = Node(numbers=[1.0, 2.0])
    assert world.value(tf.convert_to_tensor(root.numbers) + 0.0) == [1.0, 2.0]
    assert world.value(tf.stack(root.numbers)) == [1.0, 2.0]


@pytest.mark.upstream("data_structures_test.ListTests.testNesting")
def test_variables_of_layers_two_containers_deep(world):
    inner = tf.train.List()
    outer = tf.train.List([inner])
    inner.append(Dense(1))
    inner[0](tf.ones([2, 3]))
    assert len(outer.variables) == 2
    assert [v.shape.as_list() for v in outer.variables] == [[3, 1], [1]]
    assert outer.layers == [inner[0]]
    assert edges(outer) == ["0"]


@pytest.mark.upstream("data_structures_test.ListWrapperTest.testLayerCollectionWithExternalMutation")
@pytest.mark.upstream("data_structures_test.MappingTests.testLayerCollectionWithExternalMutation")
def test_layers_put_in_from_outside_are_listed():
    plain_list, plain_dict = [], {}
    root = Node(items=plain_list, table=plain_dict)
    first, second = Dense(1), Dense(2)
    plain_list.extend([first, second])
    plain_dict.update(a=first, b=second)
    assert root.items.layers == [first, second]
    assert root.table.layers == [first, second]


@pytest.mark.upstream("data_structures_test.ListWrapperTest.testSort", "data_structures_test.ListWrapperTest.testDelItem")
@pytest.mark.upstream(
    "data_structures_test.ListWrapperTest.testDelSlice", "tracking_test.InterfaceTests.testMutationDirtiesList"
)
@pytest.mark.upstream("data_structures_test_2x.ListWrapperTest.testIMulNegative")
@pytest.mark.parametrize(
    "change, left",
    [
        (lambda x: x.sort(), [[1], [2], [3]]),  # nothing moves, and it counts all the same
        (lambda x: x.__delitem__(0), [[2], [3]]),
        (lambda x: x.__delitem__(slice(2)), [[3]]),
        (lambda x: x.insert(0, [0]), [[0], [1], [2], [3]]),
        (lambda x: x.__imul__(-1), []),
    ],
    ids=["sort", "del", "del slice", "insert", "times -1"],
)
def test_what_makes_saving_fail(world, here, change, left):
    root = tf.train.Checkpoint(items=[[1], [2], [3]])
    root.write(here)
    change(root.items)
    assert root.items == left
    with pytest.raises(ValueError, match="replaced, deleted or moved"):
        root.write(here)


@pytest.mark.upstream("data_structures_test_2x.ListWrapperTest.testIMulPositive")
def test_a_list_times_two_is_restored(world, here):
    variable = tf.Variable(1.0)
    world.init()
    root = tf.train.Checkpoint(items=[variable])
    root.items *= 2
    assert edges(root.items) == ["0", "1"]
    path = root.write(here)
    world.assign(variable, 9.0)
    world.run(root.read(path).assert_consumed())
    assert world.value(variable) == 1.0


# -- dicts of models ------------------------------------------------------------------------------------------------------


def with_dict(value):
    model = tf.keras.Sequential([Dense(1)])
    model.build((None, 1))
    model.d = value
    return model


@pytest.mark.upstream("data_structures_test.MappingTests.testDictWrapperBadKeys")
def test_a_number_as_key_of_something_trackable(tmp_path):
    model = with_dict({})
    model.d[1] = Dense(1)
    with pytest.raises(ValueError, match="non-string key"):
        model.save_weights(tmp_path / "weights")


@pytest.mark.upstream("data_structures_test.MappingTests.testDictWrapperNoDependency")
def test_a_dict_without_dependency_takes_any_key(tmp_path):
    model = with_dict(tf.train.NoDependency({}))
    model.d[1] = [Dense(1)]
    model.d["a"] = Dense(2)
    assert "d" not in edges(model)
    assert len(model.layers) == 1
    model.save_weights(tmp_path / "weights")


@pytest.mark.upstream("data_structures_test.MappingTests.testNonStringKeyNotCheckpointableValue")
def test_a_number_as_key_of_what_is_not_tracked(tmp_path):
    layer = Dense(1)
    model = with_dict({"a": Dense(1)})
    model.d[1] = tf.train.NoDependency([layer])
    assert model.d[1] == [layer]
    model.save_weights(tmp_path / "weights")


@pytest.mark.upstream("data_structures_test.MappingTests.testNonAppendNotCheckpointable")
def test_plain_values_are_overwritten_and_deleted(tmp_path):
    model = with_dict({})
    model.d["a"] = [3]
    model.d[1] = 3
    model.d[1] = 2
    assert model.d[1] == 2
    del model.d[1]
    model.d[2] = tf.train.NoDependency(Node())
    model.d[2] = tf.train.NoDependency(Node())
    del model.d[2]
    model.save_weights(tmp_path / "weights")
    assert model.d == {"a": [3]}


@pytest.mark.upstream("data_structures_test.MappingTests.testPopNoSave")
def test_a_popped_layer(tmp_path):
    model = with_dict({"a": Dense(1)})
    model.d.pop("a")
    with pytest.raises(ValueError, match="modified outside the wrapper"):
        model.save_weights(tmp_path / "weights")


@pytest.mark.upstream("data_structures_test.MappingTests.testExternalModificationNoSave")
def test_a_dict_that_was_changed_outside(tmp_path):
    original = {}
    model = with_dict(original)
    original["a"] = Dense(1)
    with pytest.raises(ValueError, match="modified outside the wrapper"):
        model.save_weights(tmp_path / "weights")


@pytest.mark.upstream("data_structures_test.MappingTests.testIter")
def test_a_plain_dict_takes_the_wrappers_pairs():
    root = Node(d={1: 3, "a": [4]})
    plain = {1: 0}
    plain.update(root.d)
    assert plain == {1: 3, "a": [4]}
    assert list(root.d) == [1, "a"]
    assert dict(root.d.items()) == plain


# -- copies ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied, shared",
    [
        pytest.param(
            copy.copy,
            True,
            marks=pytest.mark.upstream(f"{CONTAINERS[1]}.testListShallowCopy", f"{CONTAINERS[1]}.testDictShallowCopy"),
        ),
        pytest.param(
            copy.deepcopy,
            False,
            marks=pytest.mark.upstream(f"{CONTAINERS[1]}.testListDeepCopy", f"{CONTAINERS[1]}.testDictDeepCopy"),
        ),
    ],
)
def test_copies_of_containers(world, copied, shared):
    root = Node(items=[Node(), [1]], table={"x": Node(), "y": [1]})
    for container, where, spoil in ((root.items, 1, lambda c: c.pop()), (root.table, "y", lambda c: c.pop("y"))):
        twin = copied(container)
        assert type(twin) is type(container)
        assert twin is not container
        assert (twin[where] is container[where]) is shared
        assert edges(twin) == edges(container)
        assert all((tf.train.children(twin)[name] is child) is shared for name, child in tf.train.children(container).items())
        spoil(container)
        edges(twin)  # the copy is not spoilt with it
        with pytest.raises(ValueError):
            edges(copied(container))


@pytest.mark.upstream("data_structures_test.MappingTests.testShallowCopyCheckpointable")
@pytest.mark.upstream("data_structures_test.MappingTests.testDeepCopyCheckpointable")
def test_copies_of_objects_with_containers():
    original = Node(a=[1.0], b={"k": Node()})
    original.c = original.b["k"]
    shallow, deep = copy.copy(original), copy.deepcopy(original)
    assert shallow.a is original.a
    assert tf.train.children(shallow) == tf.train.children(original)
    assert edges(deep) == ["a", "b", "c"]
    assert deep.a == [1.0]
    assert deep.a is not original.a
    assert tf.train.children(deep)["b"] is deep.b
    assert tf.train.children(deep.b)["k"] is deep.b["k"] is deep.c
    assert deep.c is not original.c


# -- objects ----------------------------------------------------------------------------------------------------------------


@pytest.mark.upstream("tracking_test.InterfaceTests.testNoDependency")
def test_a_constructor_that_tracks_nothing(world):
    class Quiet(tf.keras.Model):
        @tf.train.no_automatic_dependency_tracking
        def __init__(self):
            super().__init__()
            self.hidden = [Dense(1)]

    model = Quiet()
    assert edges(model) == []
    assert type(model.hidden) is list
    root, inner = Node(), Node()
    root.marked = tf.train.NoDependency(inner)
    assert root.marked is inner
    assert edges(root) == []


@pytest.mark.upstream("tracking_test.InterfaceTests.testNestedLists")
def test_lists_in_lists(world, here):
    root = tf.train.Checkpoint(l=[])
    root.l.append([])
    root.l[0].append(tf.Variable(1.0))
    root.l.append(1)  # no edge
    root.l.append(tf.train.NoDependency([]))
    root.l[2].append(tf.Variable(2.0, name="unseen"))
    world.init()
    names = [name.split("/.")[0] for name, _ in tf.train.list_variables(root.write(here))]
    assert names[1:] == ["l/0/0"]
    root.l[1] = 2
    root.write(here)
    root.l[0][0] = tf.Variable(1.0)
    world.init()
    with pytest.raises(ValueError, match="replaced, deleted or moved"):
        root.write(here)


@pytest.mark.upstream("tracking_test.InterfaceTests.testDictionariesBasic")
def test_a_dict_of_a_model_with_a_list_inside(world, here):
    def build():
        net = tf.keras.Sequential([Dense(1, input_shape=(1,))])
        net.attribute = {"b": net.layers[0]}
        net.attribute["c"] = []
        net.attribute["c"].append(tf.Variable([3.0], name="three"))
        return net

    net = build()
    world.init()
    assert edges(net.attribute) == ["b", "c"]
    path = tf.train.Checkpoint(net=net).write(here)
    expected = world.value(net.layers[0].kernel)
    net = build()
    world.init()
    world.assign(net.attribute["c"][0], [0.0])
    world.run(tf.train.Checkpoint(net=net).read(path).assert_consumed())
    assert (world.value(net.attribute["b"].kernel), world.value(net.attribute["c"][0])) == (expected, [3.0])


@pytest.mark.upstream("tracking_test.InterfaceTests.testNoDepList")
def test_a_list_without_dependency_may_be_changed(world, here):
    root = tf.train.Checkpoint()
    root.l1 = tf.train.NoDependency([])
    root.l1.insert(1, 0)
    assert type(root.l1) is list
    root.write(here)
    root.l2 = []
    root.l2.insert(1, 0)  # plain elements: allowed, as in TensorFlow 2
    root.write(here)


@pytest.mark.upstream("tracking_test.InterfaceTests.testAssertions")
def test_wrapped_structures_compare_and_are_fetched_like_plain_ones(world):
    root = Node(a={"b": [1, 2], "c": (tf.constant(3), [tf.constant(4)])})
    assert root.a["b"] == [1, 2]
    assert {"b": [1, 2]} == {"b": root.a["b"]}
    if world.name == "graph":
        found = world.session.run(root.a["c"])
        assert tuple(found) == (3, [4])
        assert world.session.run({"x": root.a["c"]})["x"][1] == [4]
    doubled = tf.function(lambda s: [s[0] * 2, [s[1][0] * 2]])(root.a["c"])
    assert [world.value(doubled[0]), world.value(doubled[1][0])] == [6, 8]


@pytest.mark.upstream(
    "data_structures_test_2x.ListWrapperTest.testFunctionCaching", "data_structures_test_2x.MappingTests.testFunctionCaching"
)
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testFunctionCaching")
@pytest.mark.parametrize("make", [list, lambda x: {"only": x[0]}, lambda x: (x[0], [])], ids=["list", "dict", "tuple"])
def test_a_compiled_function_takes_a_wrapper_for_what_it_wraps(eager, make):
    traced = []

    @tf.function
    def double(structure):
        traced.append(1)
        only = structure["only"] if isinstance(structure, dict) else structure[0]
        return only * 2.0

    first, second = make([tf.constant(2.0)]), make([tf.constant(3.0)])
    assert float(double(first)) == 4.0
    assert float(double(Node(x=second).x)) == 6.0
    assert traced == [1]


@pytest.mark.upstream(
    "data_structures_test_2x.TupleTests.testIMul_zero", "data_structures_test_2x.TupleTests.testIMul",
    "data_structures_test_2x.TupleTests.testIAdd", "data_structures_test_2x.TupleTests.testMul",
    "data_structures_test_2x.TupleTests.testRMul",
)  # fmt: skip
def test_arithmetic_of_tuples_leaves_the_original():
    inner = Node()
    root = Node(t=(inner, 1))
    original = root.t
    zero = twice = longer = root.t
    zero *= 0
    twice *= 2
    longer += (3,)
    assert (zero, twice, longer) == ((), (inner, 1, inner, 1), (inner, 1, 3))
    assert root.t * 2 == 2 * root.t == twice
    assert root.t is original
    assert root.t == (inner, 1)


# -- Python values ------------------------------------------------------------------------------------------------------


class Own(tf.train.Trackable):
    """Saves a text under ``name``."""

    def __init__(self, name):
        self.attribute = name

    def _gather_saveables_for_checkpoint(self):
        if not self.attribute:
            return {}
        return {self.attribute: lambda name: tf.train.PythonStringStateSaveable(name, lambda: "text", lambda text: None)}


@pytest.mark.upstream("base_test.InterfaceTests.testAssertConsumedFailsWithUsedPythonState")
@pytest.mark.upstream("python_state_test.PythonStateSavebleTests.testAssertConsumedFailsWithUsedPythonState")
def test_a_stored_text_that_the_object_has_no_place_for(world, here):
    path = tf.train.Checkpoint(v=Own("needed")).write(here)
    tf.train.Checkpoint(v=Own("needed")).read(path).assert_consumed()
    status = tf.train.Checkpoint(v=Own("")).read(path).expect_partial()
    with pytest.raises(AssertionError, match="(?s)Unused attributes.*needed"):
        status.assert_consumed()


@pytest.mark.upstream("base_test.InterfaceTests.testBuggyGetConfig")
def test_a_configuration_that_cannot_be_made_does_not_stop_saving(world, here):
    class Broken(tf.keras.layers.Layer):
        def get_config(self):
            raise ValueError("no configuration")

    layer = Broken()
    layer.a = tf.Variable(1.0)
    world.init()
    path = tf.train.Checkpoint(layer=layer).write(here)
    assert "layer/a/.ATTRIBUTES/VARIABLE_VALUE" in dict(tf.train.list_variables(path))


class Array(tf.train.PythonState):
    """An array as Python state."""

    def __init__(self, array):
        self.array = array

    def serialize(self):
        return self.array.tobytes()

    def deserialize(self, string_value):
        self.array = np.frombuffer(string_value)


@pytest.mark.upstream("python_state_test.NumpyStateTests.testWrapper")
def test_an_array_held_by_an_object(world, here):
    root = tf.train.Checkpoint(numpy=Array(np.ones([4])))
    path = root.save(here)
    root.numpy.array = root.numpy.array * 2.0
    world.run(root.restore(path).assert_consumed())
    assert root.numpy.array.tolist() == [1.0] * 4


@pytest.mark.upstream("python_state_test.NumpyStateTests.testNoGraphPollution")
def test_arrays_are_saved_and_restored_in_a_finished_graph(graph, here):
    state = tf.train.NumpyState()
    state.a = np.ones([2])
    root = tf.train.Checkpoint(state=state)
    path = root.save(here)
    root.restore(path)
    graph.graph.finalize()
    state.a = np.zeros([2])
    root.save(here)
    root.restore(path)
    assert state.a.tolist() == [1.0, 1.0]


@pytest.mark.upstream("checkpoint_management_test.CheckpointManagerTest.testSaveRestoreState")
def test_three_managers_one_after_the_other(world, tmp_path):
    class Clock:
        now = 3.0

        def time(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    clock, root = Clock(), tf.train.Checkpoint()
    options = {"max_to_keep": 2, "clock": clock}
    first = tf.train.CheckpointManager(root, tmp_path, **options)
    paths = [first.save()]
    clock.now = 4.0
    paths.append(first.save())
    state = tf.train.get_checkpoint_state(tmp_path)
    assert state.all_model_checkpoint_timestamps == [3.0, 4.0]
    assert state.last_preserved_timestamp == 2.0  # one second before the manager was made

    clock.now = 10.0
    second = tf.train.CheckpointManager(root, tmp_path, **options, keep_checkpoint_every_n_hours=3.0 / 3600.0)
    assert second.checkpoints == paths
    for later in (11.0, 12.0, 13.0):
        clock.now = later
        paths.append(second.save())
    assert second.checkpoints == paths[-2:]
    kept = [tf.train.checkpoint_exists(path) for path in paths]
    assert kept[0] is False
    assert sum(kept) == 3  # two managed ones, and one that is preserved for good
    preserved = tf.train.get_checkpoint_state(tmp_path).last_preserved_timestamp
    assert preserved > 2.0

    third = tf.train.CheckpointManager(root, tmp_path, **options)
    assert third.checkpoints == paths[-2:]
    third.save()
    assert tf.train.get_checkpoint_state(tmp_path).last_preserved_timestamp == preserved
    assert tf.train.checkpoint_exists(paths[kept.index(True)])
