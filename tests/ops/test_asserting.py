"""Assertions about tensors: they hold or fail as TensorFlow's do, now, in a graph's run, and in a traced function."""

import numpy as np
import pytest

import minitf as tf

# Expressions that TensorFlow is asked too; ``d`` is tf.debugging.
EXPRESSIONS = """
d.assert_equal([1, 2], [1, 2])
d.assert_equal([1, 2], [1, 3])
d.assert_equal([1, 2], 1)
d.assert_equal([1, 2], [1, 2, 3])
d.assert_equal(tf.zeros([0]), 1.0)
d.assert_equal(['a'], ['a'])
d.assert_none_equal([1, 2], [3, 2])
d.assert_none_equal([1, 2], [3, 4])
d.assert_less(1, 1)
d.assert_less([0, 1], [1, 2])
d.assert_less_equal(1, 1)
d.assert_less_equal(2.0, 1.0)
d.assert_greater([2, 3], 1)
d.assert_greater(np.nan, 1.0)
d.assert_greater_equal(1, 2)
d.assert_positive([0, 1])
d.assert_positive([0.5, 1])
d.assert_negative(-1)
d.assert_negative(0)
d.assert_non_negative(-1)
d.assert_non_negative(0)
d.assert_non_positive(1)
d.assert_non_positive(tf.constant([-1, 0]))
d.assert_near(1.0, 1.1)
d.assert_near(1.0, 1.0 + 1e-6)
d.assert_near(1.0, 1.1, atol=0.2)
d.assert_near([1.0, 100.0], [1.0, 101.0], rtol=0.02)
d.assert_near(1.0, 1.1, rtol=0.01)
d.assert_near(tf.constant(1, tf.float64), 1 + 1e-9)
d.assert_rank([1, 2], 1)
d.assert_rank([1, 2], 2)
d.assert_rank([1, 2], [1])
d.assert_rank([1, 2], 'a')
d.assert_rank(tf.zeros([2, 3]), tf.constant(2))
d.assert_rank_at_least([1, 2], 2)
d.assert_rank_at_least(tf.zeros([2, 3]), 1)
d.assert_rank_in([1, 2], [0, 2])
d.assert_rank_in([1, 2], (1, 2))
d.assert_scalar(1.0)
d.assert_scalar([1.0])
d.assert_shapes([(tf.ones([2, 3]), ('N', 'Q')), (tf.ones([3]), ('N',))])
d.assert_shapes([(tf.ones([2, 3]), ('N', 'Q')), (tf.ones([2]), ('N',))])
d.assert_shapes([(tf.ones([2, 3]), ('N',))])
d.assert_shapes([(tf.ones([2, 3]), (2, 4))])
d.assert_shapes([(tf.ones([2, 3]), ('...', 3))])
d.assert_shapes([(tf.ones([2, 3]), (2, '...'))])
d.assert_shapes([(tf.ones([2, 3]), ('*', 4))])
d.assert_shapes([(tf.ones([2, 3]), ('...', 3, '...'))])
d.assert_shapes([(tf.ones([2, 3]), 'N3')])
d.assert_shapes([(tf.ones([2, 3]), 'NN')])
d.assert_shapes([(tf.ones([2, 2]), 'NN')])
d.assert_shapes([(tf.ones([2, 3]), (None, 3))])
d.assert_shapes([(tf.ones([2, 3]), ('.', 4))])
d.assert_shapes([(tf.constant(1), ())])
d.assert_type(tf.constant(1), tf.float32)
d.assert_type(tf.constant(1), tf.int32)
d.assert_integer(tf.constant(1.0))
d.assert_integer(tf.constant([1], tf.int64))
d.assert_proper_iterable(1)
d.assert_proper_iterable([1])
d.assert_proper_iterable(tf.constant([1]))
d.assert_proper_iterable('ab')
d.assert_same_float_dtype([tf.constant(1.0), tf.constant(1.0)])
d.assert_same_float_dtype([tf.constant(1.0), tf.constant(1.0, tf.float64)])
d.assert_same_float_dtype([tf.constant(1)])
d.is_numeric_tensor(tf.constant('a'))
d.is_numeric_tensor(tf.constant(1))
d.check_numerics(tf.constant([1.0]), 'said')
d.check_numerics(tf.constant([1.0, np.nan]), 'said')
d.check_numerics(tf.constant([np.inf, 1.0], tf.float64), 'said')
d.check_numerics(tf.constant([1]), 'said')
d.assert_all_finite(tf.constant([-np.inf, np.nan]), 'said')
d.Assert(tf.constant(False), [tf.constant(1)])
""".strip().splitlines()

ORACLE = """
import json
import numpy as np
import tensorflow as tf
d, out = tf.debugging, []
for text in EXPRESSIONS:
    try:
        result = eval(text)
        out.append(["fine", bool(result) if isinstance(result, bool) else None])
    except Exception as e:
        out.append(["error", [c.__name__ for c in type(e).__mro__]])
print(json.dumps(out))
""".replace("EXPRESSIONS", repr(EXPRESSIONS))


@pytest.fixture(scope="module")
def of_tensorflow(oracle):
    return dict(zip(EXPRESSIONS, oracle(ORACLE), strict=True))


@pytest.mark.interop
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_as_tensorflow(of_tensorflow, text):
    kind, said = of_tensorflow[text]
    names = {"tf": tf, "np": np, "d": tf.debugging}
    if kind == "fine":
        result = eval(text, names)
        assert (result if isinstance(result, bool) else None) == said
        return
    with pytest.raises(Exception) as caught:
        eval(text, names)
    assert said[0] in [c.__name__ for c in type(caught.value).__mro__]


class TestInGraphs:
    def test_an_assertion_is_an_operation(self):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.int32, [None])
            check = tf.debugging.assert_less(x, 3, message="too many")
            with tf.control_dependencies([check]):
                y = tf.identity(x)
            np.testing.assert_array_equal(session.run(y, {x: [1, 2]}), [1, 2])
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"too many Condition x < y .* at \[1\]: 5 and 3"):
                session.run(y, {x: [1, 5]})

    def test_what_is_known_fails_while_the_graph_is_built(self):
        with tf.Graph().as_default(), pytest.raises(tf.errors.InvalidArgumentError, match="x == y"):
            tf.debugging.assert_equal(tf.constant(1), tf.constant(2))

    @pytest.mark.parametrize(
        "check, good, bad",
        [
            (lambda x: tf.debugging.assert_rank(x, 1), [1.0], 1.0),
            (lambda x: tf.debugging.assert_rank_at_least(x, 1), [[1.0]], 1.0),
            (lambda x: tf.debugging.assert_rank_in(x, [0, 1]), 1.0, [[1.0]]),
            (lambda x: tf.debugging.assert_shapes([(x, ("N", "N"))]), [[1.0]], [[1.0, 2.0]]),
            (lambda x: tf.debugging.assert_shapes([(x, ("N", 2)), (tf.ones([2]), ("N",))]), np.ones((2, 2)), np.ones((1, 2))),
        ],
    )
    def test_ranks_and_shapes_that_only_a_run_knows(self, check, good, bad):
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, None)
            operation = check(x)
            session.run(operation, {x: good})
            with pytest.raises(tf.errors.InvalidArgumentError):
                session.run(operation, {x: bad})

    def test_a_traced_function_runs_them_by_itself(self):
        @tf.function
        def half(x):
            tf.debugging.assert_positive(x)
            return x / 2.0

        assert half(tf.constant(3.0)).numpy() == 1.5
        with pytest.raises(tf.errors.InvalidArgumentError, match="x > y"):
            half(tf.constant(-3.0))

    def test_numerics_are_checked_in_the_gradient_too(self, mode):
        with mode.scope():
            x = tf.Variable(0.0)
            with tf.GradientTape() as tape:
                y = tf.debugging.check_numerics(tf.sqrt(x.read_value()), "root")
                y = tf.sqrt(tf.debugging.check_numerics(y, "first"))
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"in gradient. first : Tensor had Inf values"):
                mode.value(tape.gradient(y, x))
