"""variable_scope and get_variable: names, sharing, defaults, getters, as in TensorFlow's compat.v1."""

import threading

import numpy as np
import pytest

import minitf.compat.v1 as tf


@pytest.fixture
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def ones(shape, dtype=tf.float32):
    return np.ones(shape, tf.as_dtype(dtype).as_numpy_dtype)


def get(name, shape=(1,), **options):
    return tf.get_variable(name, shape, initializer=ones, **options)


# -- names ---------------------------------------------------------------------------------------------------------------


def test_a_scope_prefixes_variables_and_operations(graph):
    with tf.variable_scope("a") as scope:
        assert get("v").name == "a/v:0"
        assert tf.Variable(1.0, name="w").name == "a/w:0"
        assert tf.constant(1.0, name="c").name == "a/c:0"
        assert (scope.name, scope.original_name_scope) == ("a", "a/")
        with tf.variable_scope("b"):
            assert get("v").name == "a/b/v:0"


def test_entering_a_name_again_makes_only_the_operations_names_unique(graph):
    for path in ("a/", "a_1/"):
        with tf.variable_scope("a", reuse=tf.AUTO_REUSE) as scope:
            assert get("v").name == "a/v:0"
            assert scope.original_name_scope == path
            assert tf.constant(1.0, name="c").name == path + "c:0"


def test_a_scope_object_is_entered_wherever_it_is_used(graph):
    with tf.variable_scope("o1") as first:
        pass
    with tf.variable_scope("o2"):
        with tf.variable_scope(first) as again:
            assert (again.name, again.original_name_scope) == ("o1", "o1/")
            assert get("v").name == "o1/v:0"
            assert tf.constant(1.0, name="c").name == "o2/o1/c:0"
        assert tf.get_variable_scope().name == "o2"


def test_a_default_name_is_made_unique_within_the_scope_around(graph):
    names = []
    for _ in range(3):
        with tf.variable_scope(None, default_name="d") as scope:
            names.append((scope.name, get("v").name, tf.constant(1.0, name="c").name))
    assert names == [("d", "d/v:0", "d/c:0"), ("d_1", "d_1/v:0", "d_1/c:0"), ("d_2", "d_2/v:0", "d_2/c:0")]
    for _ in range(2):  # leaving the outer scope starts its inner names anew
        with tf.variable_scope("a"):
            inner = []
            for _ in range(2):
                with tf.variable_scope(None, default_name="d") as scope:
                    inner.append(scope.name)
        assert inner == ["a/d", "a/d_1"]


def test_one_variable_scope_object_can_be_entered_twice(graph):
    again = tf.variable_scope(None, default_name="tw")
    for _ in range(2):
        with again as scope:
            assert scope.name == "tw"


def test_operations_keep_their_names_without_the_auxiliary_name_scope(graph):
    with tf.variable_scope("aux", auxiliary_name_scope=False) as scope:
        assert get("v").name == "aux/v:0"
        assert tf.constant(1.0, name="c").name == "c:0"
        assert scope.original_name_scope == ""


def test_a_name_scope_moves_ordinary_variables_only(graph):
    with tf.variable_scope("p"), tf.name_scope("ns"):
        assert get("k").name == "p/k:0"
        assert tf.Variable(1.0, name="k").name == "p/ns/k:0"


def test_the_empty_name_adds_a_slash(graph):
    with tf.variable_scope("p"), tf.variable_scope("") as scope:
        assert (scope.name, scope.original_name_scope, get("v").name) == ("p/", "", "p//v:0")


def test_a_name_taken_by_another_variable_is_made_unique(graph):
    tf.Variable(1.0, name="y")
    variable = get("y")
    assert variable.name == "y_1:0"
    tf.get_variable_scope().reuse_variables()
    assert tf.get_variable("y") is variable


def test_graphs_and_threads_have_scopes_of_their_own(graph):
    seen = []
    with tf.variable_scope("a"):
        with tf.Graph().as_default():
            assert tf.get_variable_scope().name == ""
            assert get("v").name == "v:0"

        def other():
            with graph.as_default():
                seen.append(tf.get_variable_scope().name)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        with graph.as_default():
            assert tf.get_variable_scope().name == "a"
    assert seen == [""]


def test_leaving_scopes_crosswise_is_noticed(graph):
    outer, inner = tf.variable_scope("outer"), tf.variable_scope("inner")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(RuntimeError, match="nesting"):
        outer.__exit__(None, None, None)


# -- sharing -------------------------------------------------------------------------------------------------------------


def test_without_reuse_a_name_is_new_and_with_it_it_exists(graph):
    with tf.variable_scope("a") as scope:
        v = get("v")
        with pytest.raises(ValueError, match="already exists"):
            get("v")
    with tf.variable_scope(scope, reuse=True):
        assert get("v") is v
        assert tf.get_variable("v") is v
        with pytest.raises(ValueError, match="does not exist"):
            get("new")
        with tf.variable_scope("b") as inner:
            assert inner.reuse is True  # inherited
            with tf.variable_scope("c", reuse=False) as innermost:
                assert innermost.reuse is True  # False means "as around"
    with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
        assert get("v") is v
        assert get("m") is get("m")


def test_sharing_needs_the_same_shape_and_dtype(graph):
    v = get("v", [2])
    tf.get_variable_scope().reuse_variables()
    for shape, dtype in [([3], None), ([2, 1], None), ([2], tf.int32)]:
        with pytest.raises(ValueError, match="Trying to share"):
            tf.get_variable("v", shape, dtype=dtype)
    assert tf.get_variable("v", [None]) is v


def test_eager_variables_are_never_shared():
    with tf.variable_scope("a") as scope:
        one, two = get("v"), get("v")
        assert one is not two
        assert one.name == two.name == "a/v:0"
        assert scope.reuse is tf.AUTO_REUSE
    with tf.variable_scope("a", reuse=True):
        assert get("v") is not one
        with pytest.raises(ValueError, match="shape must be specified"):
            tf.get_variable("v")
    assert tf.global_variables() == []


def test_an_eager_variable_store_shares_eager_variables():
    store = tf.EagerVariableStore()
    with store.as_default(), tf.variable_scope("a"):
        assert get("v") is get("v")
        get("fixed", trainable=False)
    assert get("v").name == "v:0"
    assert [v.name for v in store.variables()] == ["a/fixed:0", "a/v:0"]
    assert [v.name for v in store.trainable_variables()] == ["a/v:0"]
    assert [v.name for v in store.non_trainable_variables()] == ["a/fixed:0"]


# -- defaults and initial values --------------------------------------------------------------------------------------------


def value_of(variable):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(variable)


def test_inner_scopes_take_the_defaults_of_outer_ones(graph):
    with tf.variable_scope("i", initializer=ones, dtype=tf.float64), tf.variable_scope("j"):
        v = tf.get_variable("v", [2])
        n = tf.get_variable("n", [2], dtype=tf.int32)
    assert v.dtype is tf.float64
    np.testing.assert_array_equal(value_of([v, n]), [[1.0, 1.0], [1, 1]])


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"initializer": [1.0, 2.0]}, [1.0, 2.0]),
        ({"initializer": lambda: np.full([3], 2.0, np.float32)}, [2.0, 2.0, 2.0]),
        ({"shape": [2], "initializer": ones}, [1.0, 1.0]),
        ({"shape": [2], "dtype": tf.int64}, [0, 0]),
        ({"shape": [2], "dtype": tf.bool}, [False, False]),
        ({"shape": [2], "dtype": tf.string}, [b"", b""]),
    ],
)
def test_initial_values(graph, options, expected):
    np.testing.assert_array_equal(value_of(tf.get_variable("v", **options)), expected)


def test_floats_are_glorot_uniform_by_default(graph):
    value = value_of(tf.get_variable("v", [3, 400]))
    limit = np.sqrt(6 / 403)
    assert np.abs(value).max() < limit
    assert value.std() == pytest.approx(limit / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize(
    "options, match",
    [
        ({}, "shape must be specified"),
        ({"shape": [2], "initializer": [1.0, 2.0]}, "do not specify shape"),
        ({"initializer": [1.0], "dtype": tf.int32}, "float32.*int32"),
        ({"initializer": lambda shape, dtype: None}, "needs a shape"),
        ({"shape": [None, 2], "initializer": ones}, "needs a shape"),
        ({"shape": [2], "dtype": tf.complex64}, "needs an initializer"),
    ],
)
def test_a_new_variable_must_have_shape_and_value(graph, options, match):
    with pytest.raises(ValueError, match=match):
        tf.get_variable("v", **options)


@pytest.mark.parametrize(
    "arguments, options, error",
    [
        ((None,), {}, TypeError),
        ((3,), {}, TypeError),
        (("a",), {"reuse": 3}, ValueError),
        ((None, "d"), {"reuse": True}, ValueError),
        (("a",), {"auxiliary_name_scope": 1}, TypeError),
    ],
)
def test_bad_scopes(graph, arguments, options, error):
    with pytest.raises(error):
        tf.variable_scope(*arguments, **options).__enter__()


def test_a_regularizer_adds_to_the_losses(graph):
    with tf.variable_scope("i", regularizer=lambda v: 2.0 * v):
        get("v", [2])
        get("free", [2], regularizer=tf.no_regularizer)
    [loss] = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    assert loss.name.startswith("i/v/Regularizer/")
    np.testing.assert_array_equal(value_of(loss), [2.0, 2.0])


def test_local_variables_are_not_global(graph):
    local = tf.get_local_variable("loc", [1], initializer=ones)
    assert not local.trainable
    assert tf.local_variables() == [local]
    assert tf.global_variables() == []


def test_a_scope_lists_its_own_variables(graph):
    with tf.variable_scope("a") as scope:
        v, fixed = get("v"), get("fixed", trainable=False)
    get("ab")
    assert scope.global_variables() == [v, fixed]
    assert scope.trainable_variables() == [v]
    assert scope.local_variables() == []


# -- getters -------------------------------------------------------------------------------------------------------------


def test_getters_wrap_those_of_outer_scopes(graph):
    calls = []

    def suffix(text):
        def getter(getter, name, *args, **kwargs):
            calls.append((text, name))
            return getter(name + text, *args, **kwargs)

        return getter

    with tf.variable_scope("s", custom_getter=suffix("_s")):
        assert get("v").name == "s/v_s:0"
        with tf.variable_scope("u", custom_getter=suffix("_t")):
            assert get("v").name == "s/u/v_t_s:0"
        assert get("z", custom_getter=suffix("_own")).name == "s/z_own:0"  # instead of the scope's
    assert calls == [("_s", "s/v"), ("_t", "s/u/v"), ("_s", "s/u/v_t"), ("_own", "s/z")]


def test_a_getter_sees_all_arguments_by_name(graph):
    seen = {}

    def getter(getter, **kwargs):
        seen.update(kwargs)
        return getter(**kwargs)

    get("v", [2], custom_getter=getter)
    assert (seen["name"], seen["shape"], seen["dtype"], seen["reuse"]) == ("v", [2], tf.float32, False)
    assert "constraint" in seen

    def narrow(getter, name, shape, dtype, initializer, regularizer, reuse, trainable, collections, caching_device, partitioner,
               validate_shape, use_resource, synchronization, aggregation):  # fmt: skip
        return getter(name, shape=shape, initializer=initializer)

    assert get("w", [2], custom_getter=narrow).name == "w:0"
    with pytest.raises(ValueError, match="callable"):
        get("x", custom_getter=3)
