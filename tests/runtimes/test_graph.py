"""Graphs: building, names, scopes, collections, control dependencies, and the mistakes that can be made."""

import copy
import itertools
import operator
import pickle

import networkx as nx
import numpy as np
import pytest

import minitf as tf
import minitf.compat.v1 as v1


@pytest.fixture
def graph():
    with tf.Graph().as_default() as g:
        yield g


def names(graph):
    return [o.name for o in graph.get_operations()]


def test_ops_are_appended_and_nothing_is_computed(graph):
    x = tf.constant([1.0, 2.0])
    y = x * 2.0 + 1.0
    assert y.shape == [2]
    assert y.dtype is tf.float32
    assert [o.type for o in graph.get_operations()] == ["const", "const", "multiply", "const", "add"]
    assert y.graph is graph
    assert y.op.inputs[0].op.type == "multiply"
    assert x.consumers() == [y.op.inputs[0].op]


def test_names_are_unique_and_scoped(graph):
    tf.constant(1, name="a")
    tf.constant(1, name="a")
    with tf.name_scope("s") as path:
        assert path == "s/"
        b = tf.constant(1, name="a")
    with tf.name_scope("s"):
        tf.constant(1, name="a")
    with tf.name_scope("s/"):
        tf.constant(1, name="a")
    tf.constant(1, name="A")
    assert names(graph) == ["a", "a_1", "s/a", "s_1/a", "s/a_1", "A_2"]
    assert b.name == "s/a:0"
    assert graph.get_tensor_by_name("s/a:0") is b
    assert graph.get_operation_by_name("s/a") is b.op
    with pytest.raises(KeyError, match="Did you mean 's/a'"):
        graph.get_operation_by_name("s/b")
    with pytest.raises(ValueError, match="operation:output"):
        graph.get_tensor_by_name("s/a")
    with pytest.raises(KeyError):
        graph.get_tensor_by_name("s/a:1")


@pytest.mark.parametrize("name", ["", " ", "-a", "a b", "ä"])
def test_bad_names(graph, name):
    with pytest.raises(ValueError):
        graph.unique_name(name)
    with pytest.raises(ValueError):
        tf.name_scope("a b").__enter__()


def test_a_nested_graph_has_its_own_scope(graph):
    with tf.name_scope("outer"), tf.Graph().as_default() as inner:
        tf.constant(1, name="x")
        with inner.as_default(), tf.name_scope("deep"), inner.as_default():
            tf.constant(1, name="x")
    assert names(inner) == ["x", "deep/x"]
    assert names(graph) == []


def test_a_tensor_of_a_graph_has_no_value(graph):
    x = tf.constant([1.0, 2.0])
    for what in (bool, len, iter, float, int):
        with pytest.raises(TypeError, match="session"):
            what(x)
    for what in (lambda: x.numpy(), lambda: np.asarray(x)):
        with pytest.raises(NotImplementedError, match=r"session\.run"):
            what()
    assert x == x
    assert (x == 1) is False
    assert len({x, x}) == 1
    for what in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            what(x)
        with pytest.raises(TypeError):
            what(graph)


def test_eager_values_do_not_slip_into_a_graph():
    t, v = tf.constant(1.0), tf.Variable(1.0)
    with tf.Graph().as_default():
        with pytest.raises(RuntimeError, match="eager tensor"):
            t + 1.0
        with pytest.raises(RuntimeError, match="eager"):
            v + 1.0
        with pytest.raises(RuntimeError, match="eager"):
            tf.Variable(t)


def test_two_graphs_do_not_mix(graph):
    x, v = tf.constant(1.0), tf.Variable(1.0)
    with tf.Graph().as_default():
        y = tf.constant(1.0)
        with pytest.raises(ValueError, match="another graph"):
            x + y
        with pytest.raises(ValueError, match="another graph"):
            v + y
        with pytest.raises(ValueError, match="another graph"), tf.control_dependencies([x]):
            pass
    assert names(graph).count("add") == 0


def test_a_graph_tensor_outside_its_graph():
    with tf.Graph().as_default() as g:
        x = tf.constant(1.0)
    with pytest.raises(TypeError, match="belongs to a graph"):
        x + x
    assert len(g.get_operations()) == 1


def test_shapes_and_dtypes_are_checked_while_building(graph):
    with pytest.raises(ValueError, match="broadcast"):
        tf.constant([1.0, 2.0]) + tf.constant([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match=r"tf\.cast"):
        tf.constant(1) + tf.constant(1.0)
    assert "add" not in names(graph)


def test_finalize(graph):
    tf.constant(1)
    graph.finalize()
    assert graph.finalized
    with pytest.raises(RuntimeError, match="finalized"):
        tf.constant(2)
    assert len(graph.get_operations()) == 1


def test_nothing_gets_into_a_finalized_graph(graph):
    v, x = tf.Variable([1.0, 2.0], name="v"), tf.placeholder(tf.float32, [2])
    y = tf.tanh(v * x) * v
    double, optimizer = tf.function(lambda t: t * 2.0), v1.train.GradientDescentOptimizer(0.1)
    double(x), optimizer.minimize(tf.reduce_sum(y)), tf.gradients(y, [v], grad_ys=[x])
    root = tf.train.Checkpoint(v=v)
    saver = v1.train.Saver()
    graph.finalize()
    count = graph.version
    additions = {
        "constant": lambda: tf.constant(1), "placeholder": lambda: tf.placeholder(tf.float32),
        "variable": lambda: tf.Variable(1), "get_variable": lambda: tf.get_variable("w", [2]),
        "assignment": lambda: v.assign([1.0, 2.0]), "read": lambda: v.read_value(),
        "gradients": lambda: tf.gradients(y, [v], grad_ys=[x]), "minimize": lambda: optimizer.minimize(tf.reduce_sum(y)),
        "function": lambda: double(x), "new function": lambda: tf.function(lambda t: t * 3.0)(x), "group": lambda: tf.group(),
        "cond": lambda: tf.cond(x[0] > 1.0, lambda: 1.0, lambda: 2.0), "random": lambda: tf.random.normal([2]),
        "loop": lambda: tf.while_loop(lambda i: i < 3, lambda i: i + 1, [x[0]]), "saver": lambda: v1.train.Saver(),
        "python": lambda: tf.numpy_function(abs, [x], tf.float32), "initializer": lambda: tf.global_variables_initializer(),
        "frozen": lambda: tf.train.frozen_saver(root).build(),
    }  # fmt: skip
    for what, add in additions.items():
        with pytest.raises(RuntimeError, match="finalized"):
            add()
        assert graph.version == count, what
    with tf.Session() as session:  # what is there still works
        session.run(v.initializer)
        v.load([5.0, 6.0], session)
        assert session.run(v).tolist() == [5.0, 6.0]
        assert session.run(y, {x: [0.0, 0.0]}).tolist() == [0.0, 0.0]
        assert "v" in repr(saver)


def test_collections(graph):
    v = tf.Variable(1.0, name="v")
    w = tf.Variable(1.0, name="w", trainable=False)
    u = tf.Variable(1.0, name="u", collections=["mine"])
    assert tf.global_variables() == [v, w]
    assert tf.trainable_variables() == [v, u]
    assert graph.get_collection("mine") == [u]
    assert graph.get_collection("variables", scope="w") == [w]
    graph.add_to_collections(["a", "a", "b"], 1)
    assert (graph.get_collection("a"), graph.get_collection("b")) == ([1], [1])
    graph.get_collection("a").append(2)
    graph.get_collection_ref("b").append(2)
    assert (graph.get_collection("a"), graph.get_collection("b")) == ([1], [1, 2])
    graph.clear_collection("b")
    assert "b" not in graph.get_all_collection_keys()


def test_control_dependencies_are_recorded(graph):
    a = tf.no_op(name="a")
    with tf.control_dependencies([a]):
        b = tf.no_op(name="b")
        with tf.control_dependencies([b]):
            c = tf.constant(1, name="c")
        with tf.control_dependencies(None):
            d = tf.no_op(name="d")
        v = tf.Variable(1.0)
    assert b.control_inputs == (a,)
    assert c.op.control_inputs == (a, b)
    assert d.control_inputs == ()
    assert v.initializer.control_inputs == ()
    with pytest.raises(TypeError):
        tf.control_dependencies([1]).__enter__()


def test_to_networkx(graph):
    v = tf.Variable(1.0, name="v")
    with tf.control_dependencies([v.initializer]):
        y = tf.multiply(v, 2.0, name="y")
    out = graph.to_networkx()
    assert nx.is_directed_acyclic_graph(out)
    assert set(out) == set(names(graph))
    assert out.edges["v", "v/Assign"]["kind"] == "variable"
    assert out.edges["v/Assign", "y"]["kind"] == "control"
    assert out.nodes["y"]["type"] == "multiply"
    assert any(out.edges[e]["kind"] == "data" for e in out.in_edges("y"))
    assert y.op.type == "multiply"


def test_reset_default_graph():
    before = tf.get_default_graph()
    tf.reset_default_graph()
    assert tf.get_default_graph() is not before
    with tf.Graph().as_default(), pytest.raises(AssertionError):
        tf.reset_default_graph()


def test_placeholders_need_a_graph():
    with pytest.raises(RuntimeError, match="eager"):
        tf.placeholder(tf.float32)


def test_without_eager_execution_the_process_has_a_graph():
    v1 = tf.compat.v1
    v1.disable_eager_execution()
    try:
        v1.reset_default_graph()
        y = tf.constant(1.0) + tf.Variable(2.0)
        assert not tf.executing_eagerly()
        assert y.graph is v1.get_default_graph()
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            assert session.run(y) == 3.0
    finally:
        v1.enable_eager_execution()
        v1.reset_default_graph()
    assert tf.executing_eagerly()


OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "ge", "and_", "or_", "matmul")
OPERANDS = {
    "float": lambda: tf.constant([1.0, 2.0]), "int": lambda: tf.constant([1, 2]), "bool": lambda: tf.constant([True, False]),
    "half": lambda: tf.constant([1, 2], tf.bfloat16), "text": lambda: tf.constant(["a", "b"]),
    "variable": lambda: tf.Variable([1.0, 2.0]), "counter": lambda: tf.Variable([1, 2]),
}  # fmt: skip
OTHERS = [2, 2.5, True, 2**40, None, [1, 2], np.float32(2), np.int64(3), np.ones(2, np.float32), *OPERANDS.values()]


def outcome(compute, graph):
    """Dtype and value of what ``compute`` gives, or the kind of its error."""
    try:
        if not graph:
            result = compute()
            return result.dtype, np.asarray(result).tolist()
        with tf.Graph().as_default(), tf.Session() as session:
            result = compute()
            session.run(tf.global_variables_initializer())
            return result.dtype, np.asarray(session.run(result)).tolist()
    except (TypeError, ValueError, tf.errors.OpError) as error:
        return type(error)


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_do_in_a_graph_what_they_do_at_once(name):
    apply = getattr(operator, name)
    for make, other in itertools.product(OPERANDS.values(), OTHERS):
        there = other if callable(other) else lambda: other  # noqa: B023  (called in this round)
        for compute in (lambda: apply(make(), there()), lambda: apply(there(), make())):  # noqa: B023
            with np.errstate(all="ignore"):
                assert outcome(compute, True) == outcome(compute, False), (name, other)


@pytest.mark.parametrize("value", [np.ones(2, np.float32), np.float32(1)])
def test_an_array_leaves_an_operator_to_a_variable(value, graph):
    v = tf.Variable([1.0, 2.0])
    for result in (value + v, value - v, value * v, v + value):
        assert isinstance(result, tf.Tensor)
        assert result.dtype == tf.float32


def test_attributes_that_are_equal_but_not_the_same_are_told_apart(graph):
    x = tf.constant([[1.0, -2.0]])
    session = tf.Session()
    for slope in (0.0, -0.0, 0.5):
        values = session.run(tf.nn.leaky_relu(x, alpha=slope))
        assert np.signbit(values).tolist() == np.signbit([[1.0, -2.0 * slope]]).tolist()
    for keep in (False, True, False):
        for axis in (0, 1, (0,), (0, 1), None):
            expected = np.sum([[1, -2]], axis=axis, keepdims=keep)
            total = tf.reduce_sum(x, axis, keepdims=keep)
            assert total.shape == expected.shape
            np.testing.assert_array_equal(session.run(total), expected)
    for dtype in (tf.float64, tf.int32, tf.float64):
        assert session.run(tf.cast(x, dtype)).dtype == dtype.as_numpy_dtype
    with pytest.raises((TypeError, ValueError)):
        tf.reduce_sum(x, axis=2)
    with pytest.raises((TypeError, ValueError)):
        tf.reduce_sum(x, axis=2)
