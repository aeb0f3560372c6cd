"""What ``gradients`` repeats of a rule is what the rule would have appended: the same operations, order and names."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf
import minitf.ops
from minitf.core.op import REGISTRY
from minitf.core.state import Handle
from minitf.core.tensor import SymbolicTensor
from minitf.errors import ShapeError
from minitf.runtimes.gradients import WayBack
from minitf.runtimes.graph import Graph
from minitf.testing.ops import draw_call, drawable

minitf.ops.load_all()
DIFFERENTIABLE = sorted(name for name, op in REGISTRY.items() if drawable(op) and op.differentiable)
ALIKE = 4


class Ways(list):
    """Ways back that were made, and a switch: while ``asking``, every rule is asked every time."""

    asking = False


@pytest.fixture
def ways(monkeypatch):
    return switch(monkeypatch)


def switch(monkeypatch):
    made = Ways()

    def way_back(graph, *arguments):
        made.append(WayBack(graph, *arguments))
        made[-1]._foreign = made.asking
        return made[-1]

    monkeypatch.setattr(Graph, "way_back", way_back)
    return made


def both(ways, build):
    """The same graph built by repeating and by asking; gives the patterns that were used."""
    graphs = []
    for ways.asking in (True, False):
        with tf.Graph().as_default() as graph:
            build()
        graphs.append(described(graph))
    asked, repeated = graphs
    assert repeated == asked
    return [p for w in ways for p in w.patterns.values() if p[1]]


def described(graph):
    return [
        (o.number, o.name, o.type, [plain(a) for a in o.arguments], {name: plain(v) for name, v in o.attrs.items()},
         [c.name for c in o.control_inputs], [t.spec for t in o.outputs])
        for o in graph.get_operations()
    ]  # fmt: skip


def plain(value):
    if isinstance(value, (SymbolicTensor, Handle)):
        return value.name
    return (value.tolist(), value.dtype) if isinstance(value, (np.ndarray, np.generic)) else value


def hidden(array):
    return tf.identity(tf.constant(array))


def of_any_size(array):
    return tf.placeholder(array.dtype, [None] * array.ndim)


def applied(op, arrays, attrs, make=hidden):
    """The op, several times on different tensors, and its gradients."""
    tensors = []
    for _ in range(ALIKE):
        inputs = [a if a is None else make(a) for a in arrays]
        y = op(*inputs, **attrs)
        tensors.append(([i for i in inputs if i is not None], y if isinstance(y, tuple) else (y,)))
    ys = [y for _, outputs in tensors for y in outputs if y.dtype.is_floating]
    xs = [x for inputs, _ in tensors for x in inputs if x.dtype.is_floating]
    if ys and xs:
        tf.gradients(ys, xs)
        tf.gradients(ys, xs[1:], [tf.ones_like(y) for y in ys])


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_of_every_op(name, ways):
    op = REGISTRY[name]
    for seed in range(3):
        arrays, attrs = draw_call(op, seed, wanted=(tf.float32, tf.int32, tf.bool))
        for make in (hidden, tf.constant):
            both(ways, partial(applied, op, arrays, attrs, make))


def test_of_sizes_that_are_not_known(ways):
    for name in DIFFERENTIABLE:
        op = REGISTRY[name]
        arrays, attrs = draw_call(op, 0, wanted=(tf.float32, tf.int32, tf.bool))
        try:
            with tf.Graph().as_default():
                applied(op, arrays, attrs, of_any_size)
        except (ValueError, ShapeError):  # it needs to know more
            continue
        both(ways, partial(applied, op, arrays, attrs, of_any_size))


def test_nearly_every_rule_is_repeated(ways):
    asked = []
    for name in DIFFERENTIABLE:
        op = REGISTRY[name]
        arrays, attrs = draw_call(op, 0, wanted=(tf.float32, tf.int32, tf.bool))
        ways.clear()
        if not both(ways, partial(applied, op, arrays, attrs)) and any(len(w.between) > 1 for w in ways):
            asked.append(name)
    assert set(asked) == {"leaky_relu", "leaky_relu_grad", "strided_slice_grad"}  # whose attributes are compared by identity


# -- programs ------------------------------------------------------------------------------------------------------------

STEPS = {
    "tanh": lambda x, y: tf.tanh(x),
    "identity": lambda x, y: tf.identity(x),
    "double": lambda x, y: x * 2.0,
    "add": lambda x, y: x + y,
    "multiply": lambda x, y: x * y,
    "square": lambda x, y: x * x,
    "maximum": lambda x, y: tf.maximum(x, y),
    "halves": lambda x, y: tf.concat([tf.tanh(t) for t in tf.split(x, 2)], 0) + y,
    "one half": lambda x, y: tf.tile(tf.split(x, 2)[1], [2, 1]),
    "constants": lambda x, y: tf.matmul(x, tf.constant(np.eye(2, dtype=np.float32))),
    "reshape": lambda x, y: tf.reshape(tf.reshape(x, [4]), [2, 2]),
    "sum": lambda x, y: y - tf.reduce_sum(x, 0, keepdims=True),
    "stop": lambda x, y: tf.stop_gradient(x) * y,
}
step = st.tuples(st.sampled_from(sorted(STEPS)), st.integers(1, 4), st.integers(1, 4))


@given(
    layer=st.lists(step, min_size=1, max_size=6), depth=st.integers(3, 6), xs=st.sets(st.integers(0, 9), min_size=1),
    stopped=st.sets(st.integers(0, 9), max_size=2), ys=st.integers(1, 3), controlled=st.booleans(), taken=st.booleans(),
)  # fmt: skip
def test_of_programs(layer, depth, xs, stopped, ys, controlled, taken):
    def build():
        if taken:
            for name in ("gradients/multiply_3", "gradients/add_2", "gradients/Const_5"):
                tf.identity(1.0, name=name)
        v = tf.Variable(np.ones((2, 2), np.float32))
        tensors = [tf.placeholder(tf.float32, (2, 2)), v.read_value()]
        for _ in range(depth):
            for name, i, j in layer:
                tensors.append(STEPS[name](tensors[-min(i, len(tensors))], tensors[-min(j, len(tensors))]))
        sources = [tensors[i] for i in xs if i < len(tensors)] + [v]
        with tf.control_dependencies([tensors[0]] if controlled else None):
            tf.gradients(tensors[-ys:], sources, stop_gradients=[tensors[i] for i in stopped if i < len(tensors)])

    with pytest.MonkeyPatch.context() as patch:
        both(switch(patch), build)
