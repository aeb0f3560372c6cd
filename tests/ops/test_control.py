"""Control flow in both runtimes: the values, the gradients, and what runs."""

import io
import re

import numpy as np
import pytest

import minitf as tf
from minitf.ops import control, loops
from minitf.ops.printing import print as tf_print


def in_graph(build, feed=None):
    """What ``build(placeholder)`` gives in a graph fed with ``feed``."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, np.shape(feed)) if feed is not None else None
        out = build(x)
        start = tf.global_variables_initializer()
    with tf.Session(graph=graph) as session:
        session.run(start)
        return session.run(out, {x: feed} if feed is not None else None)


def power(x, n):
    return tf.reshape(loops.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * x), (0, tf.ones_like(x)))[1], [])


@pytest.mark.parametrize("x", [-2.0, 3.0])
def test_cond_takes_one_branch(x):
    def build(v):
        return control.cond(v > 0, lambda: v * 2, lambda: -v)

    expected = build(tf.constant(x)).numpy()
    assert expected == (6.0 if x > 0 else 2.0)
    assert in_graph(build, np.float32(x)) == expected


@pytest.mark.parametrize("x", [-2.0, 3.0])
def test_gradient_of_cond(x):
    def value(v):
        return control.cond(v > 0, lambda: v * v * v, lambda: -v)

    with tf.GradientTape() as tape:
        v = tf.constant(x)
        tape.watch(v)
        y = value(v)
    eager = tape.gradient(y, v).numpy()
    assert eager == (27.0 if x > 0 else -1.0)

    def build(v):
        first = tf.gradients(value(v), v)[0]
        return first, tf.gradients(first, v)[0]

    assert in_graph(build, np.float32(x)) == (eager, 18.0 if x > 0 else 0.0)


def test_only_the_branch_taken_runs():
    with tf.Graph().as_default() as graph:
        v = tf.Variable(1.0)
        p = tf.placeholder(tf.bool, ())
        out = control.cond(p, lambda: v.assign_add(10.0), lambda: v.assign_add(1.0))
        start = tf.global_variables_initializer()
    with tf.Session(graph=graph) as session:
        session.run(start)
        assert session.run(out, {p: True}) == 11.0
        assert session.run(out, {p: False}) == 12.0
        assert session.run(v) == 12.0


def test_a_variable_in_a_branch_has_a_gradient():
    with tf.Graph().as_default() as graph:
        v = tf.Variable(3.0)
        p = tf.placeholder(tf.bool, ())
        out = control.cond(p, lambda: v * v, lambda: v + 1.0)
        g = tf.gradients(out, v)[0]
        start = tf.global_variables_initializer()
    with tf.Session(graph=graph) as session:
        session.run(start)
        assert session.run(g, {p: True}) == 6.0
        assert session.run(g, {p: False}) == 1.0


def test_the_gradient_of_a_branch_with_effects_is_refused():
    with tf.Graph().as_default():
        v = tf.Variable(3.0)
        x = tf.placeholder(tf.float32, ())
        out = control.cond(x > 0, lambda: x * v.assign_add(1.0), lambda: x)
        with pytest.raises(ValueError, match="changes state"):
            tf.gradients(out, x)


def test_branches_must_agree():
    with tf.Graph().as_default():
        p = tf.placeholder(tf.bool, ())
        with pytest.raises(TypeError, match="same structure"):
            control.cond(p, lambda: tf.constant(1.0), lambda: tf.constant(1))
        with pytest.raises(TypeError, match="functions"):
            control.cond(p, tf.constant(1.0), tf.constant(2.0))


def test_cond_inside_a_function_and_inside_a_cond():
    v = tf.Variable(10.0)

    @tf.function
    def f(x):
        return control.cond(x > 0, lambda: control.cond(x > 1, lambda: x * v, lambda: x), lambda: -x)

    assert [f(tf.constant(x)).numpy() for x in (2.0, 0.5, -1.0)] == [20.0, 0.5, 1.0]
    with tf.GradientTape() as tape:
        y = f(tf.constant(2.0))
    assert tape.gradient(y, v).numpy() == 2.0


def test_case_and_switch_case():
    def build(x):
        return control.case([(x < 0, lambda: x * 0), (x > 10, lambda: x * 0 + 10)], default=lambda: x)

    for x, expected in ((-3.0, 0.0), (30.0, 10.0), (5.0, 5.0)):
        assert build(tf.constant(x)).numpy() == expected
        assert in_graph(build, np.float32(x)) == expected
    for index, expected in ((0, 1.0), (1, 2.0), (7, 2.0), (-1, 2.0)):
        functions = [lambda: tf.constant(1.0), lambda: tf.constant(2.0)]
        assert control.switch_case(tf.constant(index), functions).numpy() == expected
        assert in_graph(lambda x, f=functions: control.switch_case(tf.cast(x, tf.int32), f), np.float32(index)) == expected


def test_while_loop_in_both_runtimes():
    assert power(tf.constant(2.0), 5).numpy() == 32.0
    assert in_graph(lambda x: power(x, 5), np.float32(2.0)) == 32.0
    assert in_graph(lambda x: power(x, 0), np.float32(2.0)) == 1.0


def test_gradients_of_a_loop():
    with tf.GradientTape() as tape:
        x = tf.constant(2.0)
        tape.watch(x)
        y = power(x, 5)
    assert tape.gradient(y, x).numpy() == 80.0

    def build(x):
        first = tf.gradients(power(x, 5), x)[0]
        return first, tf.gradients(first, x)[0]

    assert in_graph(build, np.float32(2.0)) == (80.0, 160.0)


def test_a_loop_stops_after_maximum_iterations():
    def build(x):
        return loops.while_loop(lambda a: a > 0, lambda a: a + 1, [x], maximum_iterations=3)

    assert build(tf.constant(1.0))[0].numpy() == 4.0
    assert in_graph(build, np.float32(1.0)) == [4.0]


def test_a_loop_that_changes_a_shape_needs_an_invariant():
    def build(x, invariants):
        return loops.while_loop(
            lambda i, a: i < 3, lambda i, a: (i + 1, tf.concat([a, [x]], 0)), (0, tf.zeros([0])), shape_invariants=invariants
        )[1]

    with tf.Graph().as_default(), pytest.raises(ValueError, match="shape_invariants"):
        build(tf.constant(1.0), None)
    invariants = (tf.TensorShape([]), tf.TensorShape([None]))
    assert in_graph(lambda x: build(x, invariants), np.float32(7.0)).tolist() == [7.0, 7.0, 7.0]


def test_a_loop_body_must_keep_dtypes_and_count():
    with tf.Graph().as_default():
        with pytest.raises(TypeError, match="makes it float32"):
            loops.while_loop(lambda i: i < 3, lambda i: tf.cast(i, tf.float32), [0])
        with pytest.raises(ValueError, match="2 tensors for 1"):
            loops.while_loop(lambda i: i < 3, lambda i: (i, i), [0])
        with pytest.raises(TypeError, match="one bool"):
            loops.while_loop(lambda i: i, lambda i: i + 1, [0])


def test_a_loop_that_changes_a_variable():
    with tf.Graph().as_default() as graph:
        v = tf.Variable(1.0)

        def body(i):
            with tf.control_dependencies([v.assign(v * 2.0)]):
                return i + 1

        out = loops.while_loop(lambda i: i < 4, body, [0])
        start = tf.global_variables_initializer()
    with tf.Session(graph=graph) as session:
        session.run(start)
        session.run(out)
        assert session.run(v) == 16.0


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_loops_over_rows_in_both_runtimes(rows):
    x = np.arange(rows * 2, dtype=np.float32).reshape(rows, 2)

    def build(x):
        return [
            loops.map_fn(lambda r: r * r, x),
            loops.map_fn(lambda p: p[0] + tf.reduce_sum(p[1]), (tf.reduce_sum(x, 1), x), fn_output_signature=tf.float32),
            loops.scan(lambda a, r: a + r, x, initializer=tf.zeros([2])),
            loops.foldl(lambda a, r: a * 2 + r, x, initializer=tf.zeros([2])),
            loops.foldr(lambda a, r: a * 2 + r, x, initializer=tf.zeros([2])),
        ]

    fold = np.zeros(2)
    for r in x:
        fold = fold * 2 + r
    dlof = np.zeros(2)
    for r in x[::-1]:
        dlof = dlof * 2 + r
    expected = [x * x, x.sum(1) * 2, np.cumsum(x, 0), fold, dlof]
    for found in ([t.numpy() for t in build(tf.constant(x))], in_graph(build, x)):
        for k, (e, f) in enumerate(zip(expected, found, strict=True)):
            if rows or k > 1:  # eager map_fn of nothing does not know its rows' shape
                assert np.array_equal(e, f)


def test_scan_without_initializer_and_reversed():
    x = np.arange(4, dtype=np.float32)
    assert loops.scan(lambda a, r: a * 2 + r, x).numpy().tolist() == [0.0, 1.0, 4.0, 11.0]
    assert loops.scan(lambda a, r: a + r, x, reverse=True).numpy().tolist() == [6.0, 6.0, 5.0, 3.0]
    assert in_graph(lambda v: loops.scan(lambda a, r: a * 2 + r, v), x).tolist() == [0.0, 1.0, 4.0, 11.0]


def test_gradients_of_map_fn_and_scan():
    x = np.array([1.0, 2.0, 3.0], np.float32)

    def build(v):
        return tf.gradients(loops.map_fn(lambda r: r * r * r, v), v)[0], tf.gradients(loops.scan(lambda a, r: a * r, v), v)[0]

    mapped, scanned = in_graph(build, x)
    assert mapped.tolist() == [3.0, 12.0, 27.0]
    assert scanned.tolist() == [1 + 2 + 6, 1 + 3, 2]


def test_assert():
    control.Assert(True, [1])
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape("assertion failed: [[1 2 3], 7]")):
        control.Assert(False, [[1, 2, 3], 7], summarize=5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="assertion failed"):
        in_graph(lambda x: control.Assert(x > 5, [x]), np.float32(1.0))


def test_tuple_waits_for_all():
    with tf.Graph().as_default() as graph:
        v = tf.Variable(1.0)
        first, _ = control.tuple_([tf.constant(5.0), v.assign(7.0)])
    with tf.Session(graph=graph) as session:
        assert session.run(first) == 5.0
        assert session.run(v) == 7.0


def test_print_writes_as_tensorflow_does():
    out = io.StringIO()
    third = np.float32(1 / 3)
    tf_print(tf.constant([1.5, third, 0.1, 1e10]), "x", {"a": tf.constant([1, 2])}, ("q", 1.5), output_stream=out, summarize=-1)
    tf_print(tf.range(10), tf.constant([["a", "b"]]), tf.constant("a"), tf.constant([True]), output_stream=out)
    tf_print(
        tf.reshape(tf.range(6), [2, 3]), tf.zeros([0, 2]), tf.constant(1 / 3, tf.float64), sep=",", end="!\n", output_stream=out
    )
    assert out.getvalue() == (
        "[1.5 0.333333343 0.1 1e+10] x {'a': [1 2]} ('q', 1.5)\n"
        '[0 1 2 ... 7 8 9] [["a" "b"]] a [1]\n'
        "[[0 1 2]\n [3 4 5]],[],0.33333333333333331!\n"
    )


def test_print_in_a_graph(capsys):
    in_graph(lambda x: tf_print("x is", x), np.float32(2.5))
    assert capsys.readouterr().err == "x is 2.5\n"
