"""First values of variables from a checkpoint: ``init_from_checkpoint`` and ``warm_start``."""

import os

import numpy as np
import pytest

import minitf as tf

v1 = tf.compat.v1
OLD = {"old/a": [1.0, 2.0], "old/b": 3.0, "old/in/c": [[5.0]], "top": 9}


@pytest.fixture
def old(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in OLD.items():
            tf.get_variable(name, initializer=value)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(tmp_path / "old"))


@pytest.fixture
def graph():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def new(scope="new"):
    with tf.variable_scope(scope):
        a = tf.get_variable("a", [2], initializer=v1.zeros_initializer())
        b = tf.get_variable("b", [], initializer=v1.zeros_initializer(), trainable=False)
        with tf.variable_scope("in"):
            return [a, b, tf.get_variable("c", [1, 1], initializer=v1.zeros_initializer())]


def initialised(session, variables):
    session.run(tf.global_variables_initializer())
    return [value.tolist() for value in session.run(variables)]


ZERO, ONE = [[0.0, 0.0], 0.0, [[0.0]]], [[1.0, 2.0], 3.0, [[5.0]]]


@pytest.mark.parametrize(
    "entries, expected",
    [
        ({"old/": "new/"}, ONE),
        ({"old/a": "new/a"}, [ONE[0], *ZERO[1:]]),
        ([("old/in/c", "new/in/c"), ("old/b", "new/b")], [ZERO[0], *ONE[1:]]),
        ({"old/in/": "new/in/"}, [*ZERO[:2], ONE[2]]),
        ({}, ZERO),
    ],
)
def test_names_and_scopes(graph, old, entries, expected):
    variables = new()
    v1.train.init_from_checkpoint(old, entries)
    assert initialised(graph, variables) == expected


def test_the_root_of_names(graph, old):
    variables = [*new("old"), tf.get_variable("top", initializer=0)]
    v1.train.init_from_checkpoint(os.path.dirname(old), {"/": "/"})
    assert initialised(graph, variables) == [*ONE, 9]
    inner = new("x/old")
    v1.train.init_from_checkpoint(old, {"/": "x/"})
    assert initialised(graph, inner) == ONE


def test_variables_by_themselves(graph, old):
    a, b = tf.Variable([0.0, 0.0]), tf.Variable(0.0)
    v1.train.init_from_checkpoint(old, {"old/a": a, "old/b": [b]})
    assert initialised(graph, [a, b]) == ONE[:2]
    assert a.initial_value.op.name == "checkpoint_initializer"
    graph.run(a.assign([7.0, 7.0]))
    graph.run(a.initializer)
    assert graph.run(a).tolist() == ONE[0]


def test_what_was_made_of_the_old_initialiser_stays(graph, old):
    variables = new()
    before = tf.global_variables_initializer()
    v1.train.init_from_checkpoint(old, {"old/": "new/"})
    doubled = tf.Variable(2.0 * variables[0].initialized_value())
    graph.run(before)
    assert [value.tolist() for value in graph.run(variables)] == ZERO
    with tf.Session() as session:
        session.run(doubled.initializer)
        assert session.run(doubled).tolist() == [2.0, 4.0]


def test_pieces_get_their_regions(graph, tmp_path):
    value = np.arange(10, dtype=np.float32).reshape(5, 2)
    path = tf.train.Saver([tf.get_variable("whole", initializer=value)])
    graph.run(tf.global_variables_initializer())
    path = path.save(graph, str(tmp_path / "c"))
    with tf.variable_scope("new", partitioner=tf.fixed_size_partitioner(3)):
        table = tf.get_variable("table", [5, 2], initializer=v1.zeros_initializer())
        other = tf.get_variable("other", [5, 2], initializer=v1.zeros_initializer())
        third = tf.get_variable("third", [5, 2], initializer=v1.zeros_initializer())
    v1.train.init_from_checkpoint(path, [("whole", "new/table"), ("whole", other), ("whole", list(third))])
    graph.run(tf.global_variables_initializer())
    for found in (table, other, third):
        np.testing.assert_array_equal(graph.run(found.as_tensor()), value)
    v1.train.warm_start(path, "new/table", var_name_to_prev_var_name={"new/table": "whole"})
    graph.run(table.assign(0 * value))
    graph.run([piece.initializer for piece in table])
    np.testing.assert_array_equal(graph.run(table.as_tensor()), value)


def test_an_eager_variable_is_assigned(old):
    a = tf.Variable([0.0, 0.0])
    v1.train.init_from_checkpoint(old, {"old/a": a})
    assert a.numpy().tolist() == ONE[0]
    store = v1.EagerVariableStore()
    with store.as_default():
        variables = new()
        v1.train.init_from_checkpoint(old, {"old/": "new/"})
    assert [v.numpy().tolist() for v in variables] == ONE


def test_a_scope_without_variables_is_said(graph, old, caplog):
    v1.train.init_from_checkpoint(old, {"old/": "nobody/"})
    assert "nobody/" in caplog.text


@pytest.mark.parametrize(
    "entries, error, match",
    [
        ({"old/b": "new/b", "old/zz": "new/a"}, ValueError, "no 'old/zz'"),
        ({"old/b": "new/b", "old/a": "new/zz"}, ValueError, "not the name of a variable"),
        ({"old/b": "new/b", "old": "new"}, ValueError, "old_scope/"),
        ({"old/b": "new/b", "old/": "new"}, ValueError, "old_scope/"),
        ({"old/b": "new/b", "zz/": "new/"}, ValueError, "no 'zz/a'"),
        ({"old/b": "new/b", "old/a": "new/in/c"}, ValueError, r"shape \(2,\)"),
        ({"old/b": "new/b", "top": "new/a"}, ValueError, "shape"),
        ([("old/b", "new/b"), ("top", "number")], tf.errors.InvalidArgumentError, "int32"),
        ({"old/b": "new/b", 3: "new/a"}, TypeError, "strings"),
        ({"old/b": "new/b", "old/a": 3}, TypeError, "variable or a name"),
    ],
)
def test_all_or_nothing(graph, old, entries, error, match):
    variables = [*new(), tf.get_variable("number", initializer=0.5)]
    with pytest.raises(error, match=match):
        v1.train.init_from_checkpoint(old, entries)
    assert initialised(graph, variables) == [*ZERO, 0.5]


def test_no_checkpoint(graph, tmp_path):
    with pytest.raises(tf.errors.NotFoundError):
        v1.train.init_from_checkpoint(str(tmp_path / "no"), {"/": "/"})
    with pytest.raises(ValueError, match="no checkpoint in the directory"):
        v1.train.init_from_checkpoint(str(tmp_path), {"/": "/"})


def test_a_file_that_is_gone_when_the_initialiser_runs(graph, old):
    variables = new()
    v1.train.init_from_checkpoint(old, {"old/": "new/"})
    v1.train.remove_checkpoint(old)
    with pytest.raises(tf.errors.NotFoundError):
        graph.run(variables[0].initializer)


@pytest.mark.parametrize(
    "wanted, expected",
    [
        (".*", [ONE[0], ZERO[1], ONE[2]]),  # trainable ones
        (".*in", [*ZERO[:2], ONE[2]]),
        ([".*b", "old/a"], [*ONE[:2], ZERO[2]]),  # all
        ("a", ZERO),  # names begin with it
        (None, ZERO),
        ("", ZERO),
    ],
)
def test_warm_start(graph, old, wanted, expected):
    variables = new("old")
    v1.train.warm_start(old, wanted)
    assert initialised(graph, variables) == expected


def test_warm_start_of_variables_that_had_other_names(graph, old):
    variables = new()
    before = {"new/a": "old/a", "new/b": "old/b"}
    v1.train.warm_start(old, variables[:2], var_name_to_prev_var_name=before)
    assert initialised(graph, variables) == [*ONE[:2], ZERO[2]]


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"vars_to_warm_start": 3}, ValueError, "string or a list"),
        ({"vars_to_warm_start": ["old/a", 3]}, ValueError, "strings only"),
        ({"var_name_to_prev_var_name": {"zz": "old/a"}}, ValueError, "not used: zz"),
        ({"var_name_to_vocab_info": {"old/a": 1}}, NotImplementedError, "vocabularies"),
        ({"var_name_to_prev_var_name": {"old/a": "zz"}}, ValueError, "no 'zz'"),
    ],
)
def test_warm_start_refuses(graph, old, options, error, match):
    variables = new("old")
    with pytest.raises(error, match=match):
        v1.train.warm_start(old, **options)
    assert initialised(graph, variables) == ZERO
