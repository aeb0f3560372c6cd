"""tf.function: traced once for each signature, then run as a plan; the same results as without it."""

import numpy as np
import pytest

import minitf as tf


def test_traced_once_for_a_signature():
    calls = []

    @tf.function
    def double(x):
        calls.append(x)
        return x * 2.0

    assert double(tf.constant(3.0)) == 6.0
    assert double(tf.constant(4.0)) == 8.0
    assert double(np.float32(5.0)) == 10.0
    assert len(calls) == 1
    assert double(tf.constant([1.0, 2.0])).numpy().tolist() == [2, 4]
    assert len(calls) == 2 == double.experimental_get_tracing_count()
    assert "x: float32 (2,) instead of float32 ()" in double.explain_retracing()


def test_python_values_are_part_of_the_signature():
    @tf.function
    def power(x, n, flag=True):
        return x**n if flag else x

    assert power(tf.constant(3.0), 2.0) == 9.0
    assert power(tf.constant(3.0), 3.0) == 27.0
    assert power(tf.constant(3.0), n=2.0, flag=False) == 3.0
    assert power.experimental_get_tracing_count() == 3


def test_structures_and_none():
    @tf.function
    def f(pair, *rest, **named):
        a, b = pair["a"], pair["b"][0]
        return {"sum": a + b, "rest": [r * 2.0 for r in rest], "named": named["k"], "nothing": None}

    one = tf.constant(1.0)
    got = f({"a": one, "b": [one]}, one, one, k=one)
    assert got["sum"] == 2.0
    assert [float(r) for r in got["rest"]] == [2.0, 2.0]
    assert got["named"] == 1.0
    assert got["nothing"] is None


def test_variables_are_captured_and_updates_happen_in_order():
    v = tf.Variable(1.0)

    @tf.function
    def step(x):
        v.assign_add(x)
        before = v.read_value()
        v.assign_add(x)
        return before, v + 0.0

    assert [float(t) for t in step(tf.constant(10.0))] == [11.0, 21.0]
    assert [float(t) for t in step(tf.constant(10.0))] == [31.0, 41.0]
    assert step.experimental_get_tracing_count() == 1


def test_eager_tensors_are_captured():
    k = tf.constant([1.0, 2.0])
    f = tf.function(lambda x: x * k)
    assert f(tf.constant(3.0)).numpy().tolist() == [3, 6]


def test_variables_made_in_the_first_call_belong_outside():
    class Layer(tf.Module):
        v = None

        @tf.function
        def __call__(self, x):
            if self.v is None:
                self.v = tf.Variable(lambda: tf.ones([2]) * 3.0)
            return x * self.v

    one, other = Layer(), Layer()
    assert one(tf.constant(2.0)).numpy().tolist() == [6, 6]
    one.v.assign([1.0, 1.0])
    assert one(tf.constant(2.0)).numpy().tolist() == [2, 2]
    assert other(tf.constant(2.0)).numpy().tolist() == [6, 6]
    assert one.variables == (one.v,) or one.variables[0] is one.v


def test_a_new_variable_in_each_trace_is_an_error():
    made = []

    @tf.function
    def f(x):
        made.append(tf.Variable(1.0))
        return made[-1] * x

    for _ in range(2):
        with pytest.raises(ValueError, match="when it was traced again"):
            f(tf.constant(2.0))


def test_what_makes_variables_is_traced_twice():
    class Layer(tf.Module):
        v, traces = None, 0

        @tf.function
        def __call__(self, x):
            self.traces += 1
            if self.v is None:
                self.v = tf.Variable(2.0)
            return x * self.v

    layer = Layer()
    assert layer(tf.constant(3.0)) == 6.0
    assert layer.traces == layer.__call__.experimental_get_tracing_count() == 2
    assert "created variables" in layer.__call__.explain_retracing()
    layer(tf.constant(4.0))
    layer(tf.constant([4.0]))
    assert layer.traces == 3
    with tf.Graph().as_default(), tf.Session() as session:
        other = Layer()
        y = other(tf.constant(3.0))
        assert other.traces == 2
        assert len(tf.global_variables()) == 1
        session.run(tf.global_variables_initializer())
        assert session.run(y) == 6.0


def test_reduced_retracing_leaves_sizes_open():
    seen = []

    @tf.function(reduce_retracing=True)
    def f(x, y, flag=True):
        seen.append((str(x.shape), str(y["a"].shape)))
        return tf.reduce_sum(x) + tf.reduce_sum(y["a"])

    for sizes in ([1], [2], [3], [1]):
        assert f(tf.ones(sizes), {"a": tf.ones([3])}) == sizes[0] + 3
    f(tf.ones([2]), {"a": tf.ones([4])})
    f(tf.ones([7]), {"a": tf.ones([8])})
    assert f(tf.ones([1, 2]), {"a": tf.ones([8])}) == 10
    f(tf.ones([2, 2]), {"a": tf.ones([9])})
    assert seen == [("(1,)", "(3,)"), ("(None,)", "(3,)"), ("(None,)", "(None,)"), ("<unknown>", "(None,)")]
    f(tf.ones([1], tf.float64), {"a": tf.ones([1], tf.float64)})  # another dtype, another flag: nothing to relax
    f(tf.ones([5]), {"a": tf.ones([1])}, flag=False)
    assert seen[4:] == [("(1,)", "(1,)"), ("(5,)", "(1,)")]
    assert "x: float32 (None,) instead of float32 (1,)" in f.explain_retracing()


def test_a_method_reduces_its_retracing_too():
    class Layer(tf.Module):
        @tf.function(reduce_retracing=True)
        def __call__(self, x):
            return tf.reduce_sum(x)

    layer = Layer()
    assert [float(layer(tf.ones([n]))) for n in range(1, 9)] == list(range(1, 9))
    assert layer.__call__.experimental_get_tracing_count() == 2


def test_gradients_go_through():
    w = tf.Variable([1.0, 2.0])
    f = tf.function(lambda x: tf.reduce_sum(w * w * x))
    x = tf.constant([3.0, 4.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = f(x)
    assert tape.gradient(y, w).numpy().tolist() == [6, 16]
    assert tape.gradient(y, x).numpy().tolist() == [1, 4]

    @tf.function
    def inside(x):
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(w * w * x)
        return tape.gradient(y, w)

    assert inside(x).numpy().tolist() == [6, 16]


def test_functions_call_functions():
    v = tf.Variable(2.0)
    inner = tf.function(lambda x: x * v)
    outer = tf.function(lambda x: inner(x) + inner(x * 2.0))
    assert outer(tf.constant(1.0)) == 6.0


def test_in_a_graph_its_operations_are_part_of_the_graph():
    f = tf.function(lambda x, v: x * v)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        v = tf.Variable(3.0)
        y = f(tf.constant(2.0), v)
        session.run(v.initializer)
        assert session.run(y) == 6
        assert session.run(tf.gradients(y, v)) == [2.0]
        assert any(o.type == "multiply" for o in graph.get_operations())


def test_random_draws_differ_from_call_to_call_and_repeat_after_a_seed():
    def draw():
        tf.random.set_seed(1)
        f = tf.function(lambda: tf.random.uniform([3]))
        return f().numpy().tolist(), f().numpy().tolist()

    first, second = draw()
    assert first != second
    assert draw() == (first, second)


def test_input_signature():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def total(x):
        return tf.reduce_sum(x)

    assert total(tf.constant([1.0, 2.0])) == 3.0
    assert total([1.0, 2.0, 3.0]) == 6.0
    assert total.experimental_get_tracing_count() == 1
    with pytest.raises(TypeError, match="input_signature"):
        total(tf.constant(1.0))
    concrete = total.get_concrete_function()
    assert [t.spec.shape for t in concrete.inputs] == [(None,)]
    assert concrete(tf.constant([4.0, 5.0])) == 9.0


def test_the_trace_teaches_about_python_control_flow():
    @tf.function
    def f(x):
        return x if x > 0.0 else -x

    with pytest.raises(TypeError, match=r"tf\.cond"):
        f(tf.constant(1.0))


@pytest.mark.behaviour("S31", mode="both")
def test_a_function_is_an_edge_without_values(tmp_path):
    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.v = tf.Variable(1.0)
            self.f = tf.function(lambda x: x * self.v)

    net = Net()
    path = tf.train.Checkpoint(net=net).write(str(tmp_path / "c"))
    nodes = tf.train.object_metadata(path).nodes
    (net,) = [edge.node_id for edge in nodes[0].children if edge.local_name == "net"]
    edges = {edge.local_name: edge.node_id for edge in nodes[net].children}
    assert set(edges) == {"v", "f"}
    assert not nodes[edges["f"]].attributes


class TestConcreteFunctions:
    def traced(self):
        f = tf.function(lambda x, times=2, *, shift=None: x * float(times) if shift is None else x * float(times) + shift)
        by = tf.TensorSpec([], tf.float32, name="by")
        return f.get_concrete_function(tf.TensorSpec([None], tf.float32), times=3, shift=by)

    def test_arguments_that_are_no_tensors_may_be_left_out_but_not_changed(self):
        concrete = self.traced()
        x, one = tf.constant([1.0, 2.0]), tf.constant(1.0)
        assert concrete(x, shift=one).numpy().tolist() == [4.0, 7.0]
        assert concrete(x, 3, shift=one).numpy().tolist() == [4.0, 7.0]
        assert concrete(x=x, by=one).numpy().tolist() == [4.0, 7.0]  # by the names of the inputs
        with pytest.raises(TypeError, match="was traced with 3 and cannot be called with 4"):
            concrete(x, 4, shift=one)
        with pytest.raises(TypeError, match="another structure"):
            concrete([x], shift=one)
        with pytest.raises(TypeError, match="missing a required"):
            concrete(shift=one)
        with pytest.raises(tf.errors.InvalidArgumentError, match="'by' is int32, but it was traced with float32"):
            concrete(x, shift=tf.constant(1))
        with pytest.raises(tf.errors.InvalidArgumentError, match="'x' is float32"):
            concrete(one, shift=one)

    def test_its_signature_and_names(self):
        concrete = self.traced()
        args, kwargs = concrete.structured_input_signature
        assert args == (tf.TensorSpec([None], tf.float32, "x"), 3)
        assert kwargs == {"shift": tf.TensorSpec([], tf.float32, "by")}
        assert [t.name for t in concrete.inputs] == ["x:0", "by:0"]
        assert concrete.structured_outputs is concrete.outputs[0]
        assert "ConcreteFunction" in repr(concrete)

    def test_variables_that_are_gone_are_not_told(self):
        v, w = tf.Variable(1.0, name="v"), tf.Variable(2.0, name="w")
        concrete = tf.function(lambda x: x * v + w).get_concrete_function(tf.constant(1.0))
        assert [x.name for x in concrete.variables] == ["v:0", "w:0"]
        assert [x.name for x in concrete.captured_inputs] == ["v:0", "w:0"]


def test_gradients_may_be_arguments_of_a_function():
    """The updates wait for them by a control dependency."""
    v = tf.Variable([1.0, 2.0])
    for optimizer in (
        tf.compat.v1.train.GradientDescentOptimizer(1.0), tf.keras.optimizers.legacy.SGD(1.0), tf.keras.optimizers.SGD(1.0),
    ):  # fmt: skip
        optimizer.apply_gradients([(tf.zeros([2]), v)])
        step = tf.function(lambda g, optimizer=optimizer: optimizer.apply_gradients([(g, v)]))
        before = v.numpy()
        step(tf.constant([1.0, 3.0]))
        assert v.numpy().tolist() == (before - [1.0, 3.0]).tolist()


def test_equality_in_a_function_is_that_of_eager_code():
    variable = tf.Variable(2)

    @tf.function
    def compared(x):
        return x == 2, x != 2, 2 == x, variable == x, x == [1, 2], tf.cast(x == x, tf.int32)

    found = [one.numpy().tolist() for one in compared(tf.constant(2))]
    assert found == [True, False, True, True, [False, True], 1]


def test_equality_in_a_function_of_a_graph_is_identity():
    @tf.function
    def compared(x):
        assert (x == x) is True
        assert (x == 2) is False
        return x

    with tf.Graph().as_default():
        compared(tf.constant(2))
