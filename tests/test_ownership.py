"""Nobody can write into what minitf holds, and minitf writes into nothing that it was given.

Random programs hand arrays in and get arrays out. One run scribbles over every array as soon as it has crossed the border; the
other leaves them alone. Both must see the same values, and the arrays handed in must not have been changed by minitf.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minitf as tf

SHAPE = (2, 3)
VIEWS = {
    "identity": tf.identity,
    "reshape": lambda t: tf.reshape(tf.reshape(t, [3, 2]), [2, 3]),
    "transpose": lambda t: tf.transpose(tf.transpose(t)),
    "slice": lambda t: t[::-1],
    "row": lambda t: tf.stack([t[0], t[1]]),
    "broadcast": lambda t: tf.broadcast_to(t, SHAPE),
    "cast": lambda t: tf.cast(t, tf.float32),
    "concat": lambda t: tf.concat([t], 0),
    "squeeze": lambda t: tf.squeeze(tf.expand_dims(t, 0), 0),
    "where": lambda t: tf.where(t > 0.0, t, t),
    "stop": tf.stop_gradient,
    "add": lambda t: t + 1.0,
}
step = st.one_of(
    st.tuples(st.just("in"), st.integers(0, 9)),
    st.tuples(st.just("view"), st.sampled_from(sorted(VIEWS)), st.integers(0, 20)),
    st.tuples(st.sampled_from(["assign", "assign_add"]), st.integers(0, 1), st.integers(0, 20)),
    st.tuples(st.just("assign array"), st.integers(0, 1), st.integers(0, 9)),
    st.tuples(st.just("read"), st.integers(0, 1)),
    st.tuples(st.just("out"), st.integers(0, 20)),
    st.tuples(st.just("variable out"), st.integers(0, 1)),
    st.tuples(st.just("gradient"), st.integers(0, 1), st.integers(0, 20)),
)
programs = st.lists(step, min_size=3, max_size=25)


class Border:
    """Where arrays are handed in and out; it scribbles over them, or does not."""

    def __init__(self, scribble):
        self.scribble = scribble
        self.seen = []
        self.given = []

    def fresh(self, n):
        return np.arange(6, dtype=np.float32).reshape(SHAPE) + n

    def handed_in(self, array):
        before = array.copy()
        if self.scribble:
            array[...] = -1000.0
            before[...] = -1000.0
        self.given.append((array, before))

    def handed_out(self, array):
        self.seen.append(array.copy())
        if self.scribble:
            array[...] = 1000.0

    def check(self):
        for array, expected in self.given:
            assert np.array_equal(array, expected), "an array that was handed in has been written to"


def eager(program, border):
    variables = [tf.Variable(border.fresh(i)) for i in range(2)]
    tensors = [tf.constant(border.fresh(5))]
    for what, *args in program:
        if what == "in":
            array = border.fresh(args[0])
            tensors.append(tf.constant(array))
            tensors.append(tf.convert_to_tensor(array))
            border.handed_in(array)
        elif what == "view":
            tensors.append(VIEWS[args[0]](tensors[args[1] % len(tensors)]))
        elif what in ("assign", "assign_add"):
            getattr(variables[args[0]], what)(tensors[args[1] % len(tensors)])
        elif what == "assign array":
            array = border.fresh(args[1])
            variables[args[0]].assign(array)
            border.handed_in(array)
        elif what == "read":
            tensors.append(variables[args[0]].read_value())
        elif what == "out":
            border.handed_out(tensors[args[0] % len(tensors)].numpy())
            border.handed_out(np.asarray(tensors[args[0] % len(tensors)]))
        elif what == "variable out":
            border.handed_out(variables[args[0]].numpy())
        elif what == "gradient":
            with tf.GradientTape() as tape:
                y = variables[args[0]] * tensors[args[1] % len(tensors)]
            gradient = tape.gradient(y, variables[args[0]])
            border.handed_out(gradient.numpy())
            tensors.append(gradient)
    border.seen += [t.numpy() for t in tensors] + [v.numpy() for v in variables]


def graph(program, border):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, SHAPE)
        variables = [tf.Variable(border.fresh(i)) for i in range(2)]
        array = border.fresh(5)
        tensors = [tf.constant(array), x]
        border.handed_in(array)
        session.run(tf.global_variables_initializer())
        for what, *args in program:
            fed = border.fresh(3)
            if what == "view":
                tensors.append(VIEWS[args[0]](tensors[args[1] % len(tensors)]))
            elif what in ("assign", "assign_add"):
                border.handed_out(session.run(getattr(variables[args[0]], what)(tensors[args[1] % len(tensors)]), {x: fed}))
            elif what == "assign array":
                border.handed_out(session.run(variables[args[0]].assign(x), {x: fed}))
            elif what == "read":
                tensors.append(variables[args[0]].read_value())
            elif what in ("out", "gradient"):
                t = tensors[args[-1] % len(tensors)]
                for value in session.run([t, t, tf.identity(t)], {x: fed}):
                    border.handed_out(value)
            elif what == "variable out":
                border.handed_out(session.run(variables[args[0]]))
            border.handed_in(fed)
        border.seen += session.run([tensors, variables], {x: border.fresh(3)})[0] + session.run(variables)


@pytest.mark.parametrize("runtime", [eager, graph])
@given(program=programs)
def test_writing_into_arrays_that_crossed_the_border_changes_nothing(runtime, program):
    quiet, loud = Border(scribble=False), Border(scribble=True)
    runtime(program, quiet)
    runtime(program, loud)
    quiet.check()
    loud.check()
    assert len(quiet.seen) == len(loud.seen)
    for a, b in zip(quiet.seen, loud.seen, strict=True):
        assert np.array_equal(a, b)


def test_optimizers_do_not_write_into_values_that_were_read():
    v = tf.Variable(np.ones(SHAPE, np.float32))
    for optimizer in (
        tf.train.GradientDescentOptimizer(0.1), tf.train.MomentumOptimizer(0.1, 0.9), tf.train.AdagradOptimizer(0.1),
        tf.train.RMSPropOptimizer(0.1), tf.train.AdamOptimizer(0.1),
    ):  # fmt: skip
        optimizer.minimize(lambda: tf.reduce_sum(v * v))
        held = [v.read_value()] + [optimizer.get_slot(v, name).read_value() for name in optimizer.get_slot_names()]
        before = [t.numpy() for t in held]
        optimizer.minimize(lambda: tf.reduce_sum(v * v))
        for tensor, expected in zip(held, before, strict=True):
            assert np.array_equal(tensor.numpy(), expected)


def test_a_restored_variable_is_not_the_files_buffer(tmp_path):
    source = tf.train.Checkpoint(v=tf.Variable([1.0, 2.0]), w=tf.Variable([3.0, 4.0]))
    path = source.write(str(tmp_path / "c"))
    one, other = tf.train.Checkpoint(v=tf.Variable([0.0, 0.0])), tf.train.Checkpoint(v=tf.Variable([0.0, 0.0]))
    one.read(path).expect_partial()
    other.read(path).expect_partial()
    one.v.assign_add([1.0, 1.0])
    value = tf.train.load_variable(path, "v/.ATTRIBUTES/VARIABLE_VALUE")
    value[...] = 99
    assert other.v.numpy().tolist() == [1, 2]
    assert tf.train.load_variable(path, "v/.ATTRIBUTES/VARIABLE_VALUE").tolist() == [1, 2]
