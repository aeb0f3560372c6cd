"""Programs that TensorFlow and minitf run alike: what tensors print, nested structures, Jacobians, traces, open shapes."""

import pytest

pytestmark = pytest.mark.interop

TEXTS = """
def program(tf, np):
    out = []
    values = [
        1.5, 3, True, b"a", "\\u00e9", 1 + 2j, [1, 2], [[1.5, 2], [3, 4]], ["a", "b"], [[b"x\\xff"]],
        np.zeros((0, 3), np.float32),
        np.arange(24.0).reshape(2, 3, 4), np.arange(2000.0), float("nan"), float("-inf"), -0.0, np.float64(1 / 3),
        np.float32(1 / 3), 1e30, np.float32([1 / 3, 1e-30]), np.int64(-7), [[True, False]], np.complex64([1j]),
    ]
    for value in values:
        t = tf.constant(value)
        v = tf.Variable(t, name="v")
        out += [repr(t), str(t), f"{t}", "%s" % t, str([t]), repr(v), str(v)]
    for dtype in (tf.float16, tf.bfloat16, tf.int8, tf.uint64, tf.complex64):
        for t in (tf.cast([1, 2], dtype), tf.cast(3, dtype)):
            out += [repr(t), str(t), f"{t}", repr(dtype), str(dtype)]
    out += [f"{tf.constant(1.5):.2f}", f"{tf.constant(7):03d}"]
    with tf.Graph().as_default():
        for t in (tf.constant([1.0]), tf.compat.v1.placeholder(tf.int32, [None, 3]), tf.compat.v1.placeholder(tf.float32)):
            out += [repr(t), str(t), f"{t}", str([t])]
        v = tf.Variable([1.0, 2.0])
        out += [repr(v), str(v)]
    out += [str(tf.TensorShape([None, 2])), repr(tf.TensorShape(None)), repr(tf.TensorSpec([2], tf.int32, name="a"))]
    for name in "float16 float32 float64 bfloat16 int8 int64 uint16 uint64 bool complex64 string qint8".split():
        try:
            out.append([str(x) for x in tf.as_dtype(name).limits])
        except ValueError:
            out.append("ValueError")
    return out
"""

NEST = """
def program(tf, np):
    import collections
    P, Q = collections.namedtuple("P", "a b"), collections.namedtuple("Q", "a b")
    P2 = collections.namedtuple("P", "a b")
    structures = [
        1, [1, 2], (1, 2), {"b": 1, "a": [2, 3]}, P(1, [2]), None, "ab", [], {}, [[], ()], collections.OrderedDict(b=1, a=2),
        {"a": (1, {"c": 2})}, Q(1, [2]), P2(1, [2]), [1, [2]], (1, [2]), {"a": 2, "b": 1}, {"a": 2, "c": 1}, [[[1], 2], 3],
        collections.defaultdict(list, {"b": 1, "a": 2}), (((),),), [None],
    ]
    out = []
    def call(function, *arguments, **more):
        try:
            out.append(repr(function(*arguments, **more)))
        except Exception as error:
            out.append(type(error).__name__)
    nest = tf.nest
    for one in structures:
        call(nest.is_nested, one)
        call(nest.flatten, one)
        call(nest.map_structure, lambda x: (x,), one)
        for other in structures:
            for check in (True, False):
                call(nest.assert_same_structure, one, other, check_types=check)
                call(nest.map_structure, lambda x, y: (x, y), one, other, check_types=check)
        for leaves in ([10], [10, 20], (10, 20), [10, 20, 30], 5, "ab", [], [[1], 2]):
            call(nest.pack_sequence_as, one, leaves)
    call(nest.map_structure, 3, [1])
    call(nest.map_structure, lambda: 1)
    call(nest.flatten, {1: 2, "a": 3})
    return out
"""

JACOBIANS = """
def program(tf, np):
    out = []
    for persistent in (True, False):
        for which in range(14):
            x, v, c = tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.Variable([[1.0, 2.0], [3.0, 4.0]]), tf.constant([1.0, 2.0, 3.0])
            with tf.GradientTape(persistent=persistent) as tape:
                tape.watch(x)
                y, z, s, e = tf.stack([x * x * 2, x**3], 1), tf.matmul(v, v, transpose_b=True), tf.reduce_sum(x, 1), x[:, :0]
            zero = tf.UnconnectedGradients.ZERO
            try:
                found = [
                    lambda: tape.batch_jacobian(y, x), lambda: tape.batch_jacobian(z, v), lambda: tape.batch_jacobian(s, x),
                    lambda: tape.batch_jacobian(y, c), lambda: tape.batch_jacobian(z, x),
                    lambda: tape.batch_jacobian(z, x, unconnected_gradients=zero), lambda: tape.batch_jacobian(e, x),
                    lambda: (tape.batch_jacobian(y, x), tape.batch_jacobian(y, x))[1],
                    lambda: (tape.gradient(y, x), tape.batch_jacobian(y, x))[1],
                    lambda: (tape.batch_jacobian(y, x), tape.gradient(y, x))[1],
                    lambda: (tape.jacobian(y, x), tape.gradient(y, x))[1],
                    lambda: (tape.jacobian(y, x), tape.jacobian(y, x))[1],
                    lambda: tape.jacobian(s, {"x": x})["x"], lambda: tape.jacobian(x[:0], x),
                ][which]()
                out.append(None if found is None else found.numpy().tolist())
            except Exception as error:
                out.append(type(error).__name__)
    return out
"""

FUNCTIONS = """
def program(tf, np):
    out = []
    def attempt(name, call):
        try:
            out.append([name, str(call())])
        except ValueError:
            out.append([name, "ValueError"])
    class Layer(tf.Module):
        def __init__(self):
            super().__init__()
            self.v, self.traces = None, []
        @tf.function(reduce_retracing=True)
        def __call__(self, x):
            self.traces.append(str(x.shape))
            if self.v is None:
                self.v = tf.Variable(2.0)
            return self.v * x
    for shapes in ([[1], [2], [3], [2, 2], [1]], [[2, 3], [4, 3], [4, 5], [1, 1], []], [[], [], [1]], [[0], [0], [1]]):
        layer = Layer()
        for shape in shapes:
            layer(tf.ones(shape))
        out.append([layer.traces, layer.__call__.experimental_get_tracing_count()])
    layer = Layer()
    layer.__call__.get_concrete_function(tf.TensorSpec([], tf.float32))
    out.append(layer.traces)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        layer = Layer()
        y = layer(tf.constant(3.0))
        session.run(tf.compat.v1.global_variables_initializer())
        out.append([float(session.run(y)), layer.traces])
    made = []
    @tf.function
    def new(x):
        made.append(x.shape)
        return tf.Variable(1.0) * x
    for _ in range(2):
        attempt("new", lambda: new(tf.constant(1.0)))
    def variables():
        v = tf.Variable([1.0], shape=tf.TensorShape(None))
        others = [tf.Variable([1.0], shape=[None]), tf.Variable([1.0], validate_shape=False)]
        out.append([str(x.shape) for x in (v, *others)])
        return v
    v = variables()
    attempt("assign", lambda: v.assign([[1.0, 2.0]]).numpy().tolist())
    attempt("assign", lambda: tf.Variable([1.0], shape=[None]).assign([[1.0]]))
    attempt("add", lambda: v.assign_add([[1.0, 1.0]]).numpy().tolist())
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(v * v)
    out.append(tape.gradient(y, v).numpy().tolist())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = variables()
        session.run(v.initializer)
        out.append(session.run(v.assign([[3.0]])).tolist())
        out.append(str((v + 1.0).shape))
    return out
"""


@pytest.mark.parametrize("program", [TEXTS, NEST, JACOBIANS, FUNCTIONS], ids=["texts", "nest", "jacobians", "functions"])
def test_the_same_in_both(both, program):
    mine, theirs = both(program)
    assert mine == theirs
