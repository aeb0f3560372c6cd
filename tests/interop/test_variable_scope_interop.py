"""One program of scopes run by TensorFlow and by minitf: the names of variables, scopes and operations are the same."""

import json

import pytest

import minitf.compat.v1 as tf

pytestmark = pytest.mark.interop

PROGRAM = """
def program(tf):
    out = []
    def note(scope):
        v = tf.get_variable("v", initializer=[1.0])
        made = [v, tf.Variable(1.0, name="w"), tf.constant(1.0, name="c")]
        out.append([scope.name, scope.original_name_scope, *[x.name for x in made]])
    def nest(depth, open_scope, **options):
        with open_scope(**options) as scope:
            note(scope)
            if depth:
                nest(depth - 1, open_scope, **options)
                nest(depth - 1, open_scope, **options)
    with tf.Graph().as_default():
        nest(2, lambda: tf.variable_scope(None, default_name="d"))
        nest(1, lambda: tf.variable_scope(None, default_name="d"))
        nest(2, lambda: tf.variable_scope("a", reuse=tf.AUTO_REUSE))
        nest(1, lambda: tf.variable_scope("a/b", reuse=tf.AUTO_REUSE))
        nest(1, lambda: tf.variable_scope("n", reuse=tf.AUTO_REUSE, auxiliary_name_scope=False))
        with tf.variable_scope("o") as outer:
            with tf.variable_scope("i") as inner:
                note(inner)
        with tf.variable_scope("else"), tf.name_scope("ns"):
            for scope in (outer, inner, outer):
                with tf.variable_scope(scope, reuse=tf.AUTO_REUSE) as again:
                    note(again)
                    with tf.variable_scope(None, default_name="d") as automatic:
                        note(automatic)
            with tf.variable_scope("") as empty:
                note(empty)
        out.append([v.name for v in tf.global_variables()])
        out.append([v.name for v in tf.trainable_variables(scope="a")])
        out.append([v.name for v in outer.global_variables()])
    with tf.variable_scope("a") as scope:
        out.append([scope.name, scope.reuse is tf.AUTO_REUSE, tf.get_variable("v", initializer=1.0).name])
        for _ in range(2):
            with tf.variable_scope(None, default_name="d") as automatic:
                out.append([automatic.name, automatic.original_name_scope, tf.get_variable("v", initializer=1.0).name])
    return json.loads(json.dumps(out))
"""


def test_scopes_give_the_same_names(oracle):
    space = {"json": json}
    exec(PROGRAM, space)
    ours = space["program"](tf)
    theirs = oracle("import json, tensorflow.compat.v1 as tf\n" + PROGRAM + "\nprint(json.dumps(program(tf)))")
    for our, their in zip(ours, theirs, strict=True):
        assert our == their
