"""Tuples in attributes: real tuples with edges."""

import copy
import json
import pickle
import typing
from collections import namedtuple

import pytest

import minitf as tf
from minitf.objects.containers import ListWrapper, TupleWrapper

Point = namedtuple("Point", "x y")


class Typed(typing.NamedTuple):
    layers: typing.Any
    variables: typing.Any = 0


class Doubling(Point):
    """A changed constructor and a property."""

    def __new__(cls, x, y=1):
        return super().__new__(cls, x, y * 2)

    @property
    def total(self):
        return self.y + 1


class Other(Point):
    """It cannot be built from its fields."""

    def __new__(cls, only):
        return super().__new__(cls, only, 1)


class Labelled(tuple):  # noqa: SLOT001
    """A plain subclass with an attribute of its own."""

    def __new__(cls, elements, label="none"):
        self = super().__new__(cls, elements)
        self.label = label
        return self


def edges(obj):
    return list(tf.train.children(obj))


@pytest.fixture
def v(mode):
    return lambda value=0.0: tf.Variable(value)


@pytest.mark.behaviour("S53")
def test_a_tuple_with_something_trackable_is_wrapped_and_is_a_tuple(v, node):
    a = v()
    net = node(t=(a, 2, [v()]))
    assert type(net.t) is TupleWrapper
    assert isinstance(net.t, tuple)
    assert edges(net) == ["t"]
    assert edges(net.t) == ["0", "2"]
    assert net.t[0] is a
    assert type(net.t[2]) is ListWrapper
    assert list(tf.train.children(tf.train.children(net)["t"])) == ["0", "2"]
    assert tf.train.children(net)["t"] == net.t  # the edge points to the tuple's stand-in
    assert list(tf.train.children(net)["t"]) == list(net.t)


@pytest.mark.behaviour("S53")
@pytest.mark.parametrize("plain", [(), (1, 2), ((1, "s"), None), Point(1, 2)])
def test_a_tuple_of_plain_values_is_left_alone(node, plain):
    net = node(t=plain)
    assert net.t is plain
    assert edges(net) == []


@pytest.mark.behaviour("S53")
def test_what_makes_a_tuple_worth_wrapping(v, node):
    a = v()
    for value in [([],), ({},), ((a,), 3), (1, (2, [3]))]:
        assert type(node(t=value).t) is TupleWrapper
    net = node(t=(tf.train.NoDependency(a), tf.train.NoDependency([1]), 3))
    assert net.t[0] is a
    assert type(net.t[1]) is list
    assert edges(net.t) == []
    assert edges(net) == ["t"]
    inner = node(t=((a,), 3)).t
    assert edges(inner) == ["0"]
    assert edges(inner[0]) == ["0"]


@pytest.mark.behaviour("S53")
@pytest.mark.upstream(
    "data_structures_test_2x.TupleTests.testJSONSerialization",
    "data_structures_test_2x.TupleTests.testSlicing",
    "data_structures_test_2x.TupleTests.testHash",
)
def test_a_wrapper_is_used_like_a_tuple(node):
    net = node(t=([1], 2))
    t = net.t
    assert t == ([1], 2)
    assert ([1], 2) == t
    assert t != ([1],)
    assert t < ([2],)
    for result, expected in [
        (t[1:], (2,)),
        (t[:0], ()),
        (t + (3,), ([1], 2, 3)),
        ((0,) + t, (0, [1], 2)),
        (t * 2, ([1], 2, [1], 2)),
    ]:
        assert result == expected
        assert type(result) is tuple
    first, second = t
    assert (first, second) == ([1], 2)
    assert json.dumps({"t": t}) == '{"t": [[1], 2]}'
    assert "%s and %s" % t == "ListWrapper([1]) and 2"  # noqa: UP031  (takes only real tuples)
    before = t
    t += (3,)
    assert t == ([1], 2, 3)
    assert net.t is before
    assert net.t == ([1], 2)
    t = net.t
    t *= 2
    assert type(t) is tuple
    assert hash(node(t=(tf.train.NoDependency(5), 6)).t) == hash((5, 6))
    with pytest.raises(TypeError, match="item assignment"):
        net.t[0] = 1
    with pytest.raises(AttributeError):
        net.t.append(1)
    match net.t:
        case ([one], two):
            assert (one, two) == (1, 2)


@pytest.mark.behaviour("S55")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testNamedTuple")
def test_a_named_tuple_has_edges_by_field_and_then_by_index(v, node):
    net = node(t=Point([v()], v()), u=Point(x=1, y=v()))
    assert isinstance(net.t, Point)
    assert edges(net.t) == ["x", "y", "0", "1"]
    assert edges(net.u) == ["y", "1"]
    assert net.u.x == 1
    assert type(net.u._replace(x=5)) is Point
    assert net.u._replace(x=5).x == 5
    assert net.u._asdict() == {"x": 1, "y": net.u.y}
    assert type(Point._make(net.u)) is Point
    assert type(type(net.u)(1, 2)) is Point
    assert repr(node(t=Point([], 1)).t) == "Point(x=ListWrapper([]), y=1)"


@pytest.mark.behaviour("S55")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testNamedTupleConflictingAttributes")
def test_fields_named_like_properties_of_the_wrapper_win(v, node):
    net = node(t=Typed(layers=[v()], variables=3))
    assert net.t.layers is net.t[0]
    assert net.t.variables == 3
    assert edges(net.t) == ["layers", "0"]


@pytest.mark.behaviour("S55")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testNamedSubclassing")
def test_a_named_tuple_is_rebuilt_by_its_constructor(v, node):
    net = node(t=Doubling(v(), 3))
    assert net.t.y == 12  # once by the caller, once by the wrapping, as in TensorFlow
    assert net.t.total == 13
    assert edges(net.t) == ["x", "0"]


@pytest.mark.behaviour("S55")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testNamedtupleSubclassWithCustomNew")
def test_a_named_tuple_that_cannot_be_rebuilt_cannot_be_saved(v, node):
    a = v()
    net = node(t=Other(a))
    assert net.t.x is a
    assert net.t.y == 1
    with pytest.raises(ValueError, match=r"Other.*cannot be built again from its fields \(x, y\)"):
        tf.train.children(net.t)
    with pytest.raises(ValueError, match="cannot be built again"):
        tf.train.children(tf.train.children(net)["t"])


@pytest.mark.behaviour("S53")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testUnnamedSubclassing")
def test_subclasses_of_tuple_keep_their_class_and_attributes(v, node):
    net = node(t=Labelled([v(), 1]))
    assert isinstance(net.t, Labelled)
    assert net.t.label == "none"
    assert edges(net.t) == ["0"]


def test_a_subclass_that_cannot_be_rebuilt_says_so_at_once(v, node):
    class Two(tuple):  # noqa: SLOT001
        def __new__(cls, first, second):
            return super().__new__(cls, (first, second))

    with pytest.raises(TypeError, match="second"):
        node(t=Two(v(), 1))


def test_what_edges_to_a_tuple_point_to(node):
    net = node(t=([1], 2))
    edges = tf.train.children(net)["t"]
    assert edges[1] == 2
    assert len(edges) == 2
    assert edges == net.t
    assert edges == tf.train.children(node(t=net.t))["t"]
    assert repr(edges) == "TupleWrapper((ListWrapper([1]), 2))"
    assert hash(tf.train.children(node(t=(tf.train.NoDependency(1),)))["t"]) == hash((1,))


@pytest.mark.behaviour("S53", "S100")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testLoopAssignedModule")
def test_a_tuple_may_contain_its_owner(node):
    net = node()
    net.t = (net, 1)
    assert tf.train.children(net.t)["0"] is net


@pytest.mark.behaviour("S11")
def test_one_tuple_in_two_places_is_one_object(v, node):
    net = node(a=(v(),))
    net.b = net.a
    assert net.b is net.a
    assert tf.train.children(net)["a"] is tf.train.children(net)["b"]
    tf.train.track(net, net.a, "c")
    tf.train.track(net, net.a, "c")  # the same object again
    assert tf.train.children(net)["c"] is tf.train.children(net)["a"]


@pytest.mark.behaviour("S53", "S61")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testCopy", "data_structures_test_2x.TupleTests.testPickle")
def test_copies(node):
    net = node(t=(tf.Variable(1.0), [2]), n=Point([1], 2))
    shallow, deep = copy.copy(net.t), copy.deepcopy(net.t)
    assert shallow[1] is net.t[1]
    assert shallow[0] is net.t[0]
    assert deep[1] == [2]
    assert deep[1] is not net.t[1]
    assert edges(shallow) == edges(deep) == ["0", "1"]
    assert tf.train.children(deep)["0"] is deep[0]
    twin = copy.deepcopy(net)
    assert isinstance(twin.n, Point)
    for name, child in tf.train.children(twin).items():
        assert child == getattr(twin, name)
        assert tf.train.children(child) == tf.train.children(getattr(twin, name))
    assert tf.train.children(tf.train.children(twin)["t"])["0"] is twin.t[0]
    for back in (pickle.loads(pickle.dumps(net.n)), pickle.loads(pickle.dumps(net)).n):
        assert back == Point([1], 2)
        assert isinstance(back, Point)
        assert edges(back) == ["x", "0"]


@pytest.mark.behaviour("S61")
def test_deep_copies_of_loops(node):
    net = node()
    net.t = (net, 1)
    twin = copy.deepcopy(net)
    assert twin.t[0] is twin
    assert tf.train.children(twin.t)["0"] is twin
    tail = copy.deepcopy(net.t)
    assert tail[0].t is tail
    assert tail[0] is not net


@pytest.mark.behaviour("S53")
@pytest.mark.upstream("data_structures_test_2x.TupleTests.testNonLayerVariables")
def test_variables_inside(node):
    net = node(t=(tf.Variable(1.0), [tf.Variable(2.0)], tf.Variable(3.0, trainable=False)))
    assert [float(x) for x in net.t.variables] == [2.0, 1.0, 3.0]
    net.t.trainable = False
    assert net.t.trainable_variables == []
    assert [float(x) for x in net.t.variables] == [2.0, 1.0, 3.0]
