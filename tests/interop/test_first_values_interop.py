"""``init_from_checkpoint`` and ``warm_start``: the same programs in TensorFlow and minitf."""

import pytest

pytestmark = pytest.mark.interop

PROGRAM = """
import os, tempfile

def program(tf, np):
    v1, out = tf.compat.v1, []
    with tf.Graph().as_default(), v1.Session() as session:
        for name, value in {"old/a": [1.0, 2.0], "old/b": 3.0, "old/in/c": [[5.0]], "top": 9}.items():
            v1.get_variable(name, initializer=value)
        session.run(v1.global_variables_initializer())
        path = v1.train.Saver().save(session, os.path.join(tempfile.mkdtemp(), "c"))

    def run(scope, act):
        with tf.Graph().as_default(), v1.Session() as session:
            with v1.variable_scope(scope):
                a = v1.get_variable("a", [2], initializer=v1.zeros_initializer())
                b = v1.get_variable("b", [], initializer=v1.zeros_initializer(), trainable=False)
                with v1.variable_scope("in"):
                    c = v1.get_variable("c", [1, 1], initializer=v1.zeros_initializer())
                p = v1.get_variable("p", [1, 1], partitioner=v1.fixed_size_partitioner(1), initializer=v1.zeros_initializer())
            try:
                act([a, b, c, p])
                session.run(v1.global_variables_initializer())
                out.append([value.tolist() for value in session.run([a, b, c, *p])])
            except (TypeError, ValueError) as error:
                out.append("error")

    maps = [
        {"old/": "new/"}, {"old/a": "new/a"}, {"old/a": "new/a", "old/b": "new/b"}, [("old/in/c", "new/in/c")],
        {"old/in/": "new/in/"}, {"/": "/"}, {"old": "new"}, {"old": "new/"}, {"old/zz": "new/a"}, {"old/a": "new/zz"},
        {"zz/": "new/"}, {"old/": "zz/"}, {"old/a": "new/b"}, {"old/a": "new/a:0"}, {"old/in/c": "new/p"}, {"old/a": 3}, {},
        [("old/in/c", "new/p"), ("old/in/c", "new/in/c")], {"old/": "/"},
    ]
    for entries in maps:
        run("new", lambda variables: v1.train.init_from_checkpoint(path, entries))
    run("new", lambda variables: v1.train.init_from_checkpoint(os.path.dirname(path), {"old/a": variables[0]}))
    run("new", lambda variables: v1.train.init_from_checkpoint(path, {"old/in/c": list(variables[3])}))
    for wanted in (".*a", ".*in", ".*", None, ["old/a", ".*b"], "a", [], 3, ["old/b", "nobody"]):
        run("old", lambda variables: v1.train.warm_start(path, vars_to_warm_start=wanted))
    run("new", lambda variables: v1.train.warm_start(path, variables[:2], var_name_to_prev_var_name={
        "new/a": "old/a", "new/b": "old/b"}))
    run("new", lambda variables: v1.train.warm_start(path, ".*p", var_name_to_prev_var_name={"new/p": "old/in/c"}))
    run("new", lambda variables: v1.train.warm_start(path, ".*a", var_name_to_prev_var_name={"new/a": "old/a", "zz": "top"}))
    run("new", lambda variables: v1.train.warm_start(path, ".*a"))
    return out
"""


def test_the_same_in_both(both):
    mine, theirs = both(PROGRAM)
    assert mine == theirs
