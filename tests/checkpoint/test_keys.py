"""Keys, and the object graph that is stored beside the values."""

import numpy as np
import pytest

import minitf as tf
from minitf.saved import OBJECT_GRAPH_KEY
from tests.checkpoint.conftest import Node

Saver = tf.train.CheckpointableSaver
V = "/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.fixture
def keys_of(world, tmp_path):
    """The keys under which the values of a tree are saved."""

    def keys_of(root):
        world.init()
        path = Saver(root).save(str(tmp_path / "keys"))
        return [name for name, _ in tf.train.list_variables(path) if name != OBJECT_GRAPH_KEY]

    return keys_of


@pytest.fixture
def nodes_of(world, tmp_path):
    """The stored nodes of a tree."""

    def nodes_of(root):
        world.init()
        return tf.train.object_metadata(Saver(root).save(str(tmp_path / "nodes"))).nodes

    return nodes_of


@pytest.mark.behaviour("S109", "S118")
@pytest.mark.upstream("util_test.CheckpointingTests.testNumberedPath")
def test_a_key_is_the_path_of_local_names_and_the_attribute(world, keys_of, tmp_path):
    assert keys_of(Node(a=tf.Variable(1.0), x=Node(y=[tf.Variable(2.0)]))) == [f"a{V}", f"x/y/0{V}"]
    checkpoint = tf.train.Checkpoint()
    checkpoint.save_counter
    assert keys_of(checkpoint) == [f"save_counter{V}"]
    path = Saver(checkpoint).save(str(tmp_path / "c"))
    assert tf.train.load_checkpoint(path).get_variable_to_dtype_map()[f"save_counter{V}"] == tf.int64


@pytest.mark.behaviour("S110", "S124")
def test_a_lone_variable_may_be_the_root_and_its_path_is_empty(world, keys_of, tmp_path):
    variable = tf.Variable(1.0)
    assert keys_of(variable) == [V]
    path = Saver(variable).save(str(tmp_path / "lone"))
    world.assign(variable, 5.0)
    world.run(Saver(variable).restore(path).assert_consumed())
    assert world.value(variable) == 1.0


@pytest.mark.behaviour("S111", "S112")
@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a/b/c", "a.Sb.Sc"), ("d/.S", "d.S..S"), ("a.b", "a..b"), (".ATTRIBUTES", "..ATTRIBUTES"), ("", ""), ("ü ö", "ü ö"),
        (".OPTIMIZER_SLOT", "..OPTIMIZER_SLOT"), ("..S/", "....S.S"),
    ],
)  # fmt: skip
@pytest.mark.upstream(
    "util_test.CheckpointingTests.testVariableNameEscaping",
    "util_test.CheckpointingTests.testLocalNameValidation",
)
def test_names_are_escaped_in_keys_only(world, keys_of, nodes_of, name, escaped):
    root = Node()
    tf.train.track(root, tf.Variable(1.0), name)
    assert keys_of(root) == [f"{escaped}{V}"]
    assert nodes_of(root)[0].children[0].local_name == name


@pytest.mark.behaviour("S112")
def test_an_attribute_with_a_slash_does_not_collide_with_a_path(world, keys_of):
    root = Node(x=Node(y=tf.Variable(1.0)))
    tf.train.track(root, tf.Variable(2.0), "x/y")
    assert keys_of(root) == [f"x.Sy{V}", f"x/y{V}"]


@pytest.mark.behaviour("S113")
def test_the_shortest_path_names_a_value_and_among_equals_the_first_edge(world, keys_of):
    shared = tf.Variable(1.0)
    assert keys_of(Node(a=Node(b=shared), z=shared)) == [f"z{V}"]
    assert keys_of(Node(z=Node(v=shared), a=Node(v=shared))) == [f"z/v{V}"]


@pytest.mark.behaviour("S114", "S25")
def test_the_keywords_of_a_checkpoint_are_ordered_by_name(world, keys_of):
    shared = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(z=Node(v=shared), a=Node(v=shared))
    assert list(tf.train.children(checkpoint)) == ["a", "z"]
    assert keys_of(checkpoint) == [f"a/v{V}"]


class Pair(tf.train.AutoTrackable):
    """Saves two tensors under names of its own."""

    def __init__(self, home_value=0.0):
        self.one = tf.train.NoDependency(tf.Variable(home_value))
        self.two = tf.train.NoDependency(tf.Variable([home_value]))

    def _serialize_to_tensors(self):
        return {"one": self.one.read_value(), "t.w/o": self.two.read_value()}

    def _restore_from_tensors(self, restored):
        done = [self.one.assign(restored["one"], read_value=False), self.two.assign(restored["t.w/o"], read_value=False)]
        return tf.group(*done)


@pytest.mark.behaviour("S115")
def test_an_object_may_save_several_values_under_names_that_are_escaped_twice(world, keys_of, nodes_of, tmp_path):
    root = Node(p=Pair(3.0))
    assert keys_of(root) == ["p/.ATTRIBUTES/one", "p/.ATTRIBUTES/t....w..So"]
    assert [(a.name, a.checkpoint_key) for a in nodes_of(root)[1].attributes] == [
        ("one", "p/.ATTRIBUTES/one"), ("t..w.So", "p/.ATTRIBUTES/t....w..So"),
    ]  # fmt: skip
    path = Saver(root).save(str(tmp_path / "pair"))
    fresh = Node(p=Pair())
    status = Saver(fresh).restore(path)
    world.run(status.assert_consumed())
    assert (world.value(fresh.p.one), world.value(fresh.p.two)) == (3.0, [3.0])


@pytest.mark.behaviour("S115", "S188", "S176")
def test_saving_and_restoring_such_an_object_again_adds_nothing_to_a_graph(graph, tmp_path):
    root = Node(p=Pair(3.0))
    graph.init()
    saver = Saver(root)
    path = saver.save(str(tmp_path / "x"))
    saver.restore(path).run_restore_ops()
    size = graph.graph.version
    saver.save(str(tmp_path / "x"))
    saver.restore(path).run_restore_ops()
    assert graph.graph.version == size


@pytest.mark.behaviour("S117", "S125")
def test_the_object_graph_is_one_more_string_value(world, tmp_path):
    world_root = Node(a=tf.Variable(1.0))
    world.init()
    path = Saver(world_root).save(str(tmp_path / "x"))
    reader = tf.train.load_checkpoint(path)
    assert reader.get_variable_to_dtype_map()[OBJECT_GRAPH_KEY] == tf.string
    assert isinstance(reader.get_tensor(OBJECT_GRAPH_KEY), bytes)
    with tf.using(tf.Eager()):
        named = tf.train.Saver({"v": tf.Variable(1.0)}).save(None, str(tmp_path / "named"))
    with pytest.raises(ValueError, match="object-based"):
        tf.train.object_metadata(named)
    with pytest.raises(tf.errors.NotFoundError):
        tf.train.object_metadata(str(tmp_path / "missing"))


@pytest.mark.behaviour("S119", "S120")
def test_nodes_are_numbered_breadth_first_and_every_edge_is_stored(world, nodes_of):
    shared = Node()
    root = Node(b=Node(deep=Node()), a=shared, again=shared)
    shared.up = root
    edges = [[(c.local_name, c.node_id) for c in node.children] for node in nodes_of(root)]
    assert edges == [[("b", 1), ("a", 2), ("again", 2)], [("deep", 3)], [("up", 0)], []]


@pytest.mark.behaviour("S121")
def test_a_value_is_stored_with_its_attribute_its_key_and_the_variable_s_name(world, nodes_of):
    with tf.name_scope("scope"):
        root = Node(a=tf.Variable(1.0, name="mine"))
    [attribute] = nodes_of(root)[1].attributes
    assert (attribute.name, attribute.full_name, attribute.checkpoint_key) == ("VARIABLE_VALUE", "scope/mine", f"a{V}")


@pytest.mark.behaviour("S123")
def test_each_node_says_whether_something_below_it_has_a_value(world, nodes_of):
    loop = Node()
    loop.other = Node(back=loop)
    root = Node(full=Node(v=tf.Variable(1.0)), empty=Node(more=Node()), loop=loop)
    loop.other.v = tf.Variable(1.0)
    flags = [node.has_checkpoint_values.value for node in nodes_of(root)]
    assert flags == [True, True, False, True, True, False, True, True]


@pytest.mark.behaviour("S126")
def test_the_objects_of_a_root_are_listed_breadth_first(world):
    root = Node(x=Node(v=tf.Variable(1.0)), y=tf.Variable(2.0))
    root.z = root.x
    listed = tf.train.list_objects(root)
    assert [id(o) for o in listed] == [id(o) for o in (root, root.x, root.y, root.x.v)]


@pytest.mark.behaviour("S127", "S268")
def test_a_save_writes_what_is_reachable_and_its_values_at_that_moment(world, keys_of, tmp_path):
    root = Node(a=tf.Variable(1.0), b=tf.Variable(2.0))
    assert keys_of(root) == [f"a{V}", f"b{V}"]
    del root.b
    assert keys_of(root) == [f"a{V}"]
    world.assign(root.a, 7.0)
    saver = Saver(root)
    first = saver.save(str(tmp_path / "first"))
    world.assign(root.a, 8.0)
    second = saver.save(str(tmp_path / "second"))
    assert [float(tf.train.load_variable(p, f"a{V}")) for p in (first, second)] == [7.0, 8.0]


@pytest.mark.behaviour("S269")
@pytest.mark.parametrize(
    "value",
    [
        np.array([True, False]), np.array([b"a", b"", b"\x00\xff"], dtype=object), np.array([1 + 2j], np.complex64),
        np.array([1.5], np.float16), np.array([2**63], np.uint64), np.zeros((0, 3), np.float32),
        np.arange(24, dtype=np.int8).reshape(2, 3, 2, 2), np.array(b"text", dtype=object), np.array(3.0, np.float64),
    ],
    ids=lambda v: f"{v.dtype}{v.shape}",
)  # fmt: skip
def test_values_of_all_kinds_survive(world, tmp_path, value):
    root = Node(a=tf.Variable(value))
    world.init()
    path = Saver(root).save(str(tmp_path / "x"))
    fresh = Node(a=tf.Variable(np.full(value.shape, b"-" if value.dtype.kind == "O" else 0, value.dtype)))
    world.run(Saver(fresh).restore(path).assert_consumed())
    assert world.value(fresh.a) == value.tolist()
    assert np.array_equal(tf.train.load_variable(path, f"a{V}"), value)


@pytest.mark.behaviour("S311")
def test_an_error_while_listing_children_comes_out_of_save_unchanged(world, tmp_path):
    class Broken(Node):
        def _children(self):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        Saver(Node(x=Broken())).save(str(tmp_path / "x"))
