"""Operations that are made when somebody asks for them look as if they had always been there."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minitf as tf

VALUE = np.arange(2, dtype=np.float32)
NAMES = ("v", "V", "v_1", "restore/v", None)
STEPS = st.one_of(
    st.tuples(st.just("variable"), st.sampled_from(NAMES)),
    st.tuples(st.just("traced"), st.sampled_from(NAMES)),
    st.tuples(st.just("op"), st.sampled_from(("v/Read", "v/Assign", "v/Assign_1", "restore/v/read", "restore/v", "v"))),
    st.tuples(st.just("restore"), st.sampled_from(("a", "b"))),
    st.tuples(st.just("ask"), st.sampled_from(("initializer", "initial_value", "op", "value", "run", "operations"))),
)  # fmt: skip


class Root(tf.train.AutoTrackable):
    pass


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    root = Root()
    for i in range(3):
        setattr(root, f"x{i}", tf.Variable(VALUE))
    return tf.train.CheckpointableSaver(root).save(str(tmp_path_factory.mktemp("saved") / "x"))


def built(steps, path, listener):
    """Runs the steps in a new graph; tells of all operations, and what session runs gave."""
    root, answers = Root(), []
    savers = {name: tf.train.CheckpointableSaver(root) for name in "ab"}
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        if listener is not None:
            graph.tell(listener)
        made = []
        for what, which in steps:
            if what in ("variable", "traced"):
                first = VALUE if what == "variable" else (lambda: tf.constant(VALUE) + 1.0)
                variable = tf.Variable(first, name=which)
                setattr(root, f"x{len(made) % 4}", variable)
                made.append(variable)
            elif what == "op":
                tf.constant(1.0, name=which)
            elif what == "restore":
                status = savers[which].restore(path)
                if made:
                    status.run_restore_ops(session)
                answers.append([tuple(e) for e in status.journal if type(e).__name__ == "OpBuilt"])
            elif which == "operations":
                answers.append([o.name for o in graph.get_operations()])
            elif made and which == "run":
                session.run([v.initializer for v in made])
                answers.append([v.tolist() for v in session.run(made)])
            elif made:
                asked = getattr(made[-1], which)
                answers.append((asked() if callable(asked) else asked).name)
        return [described(o) for o in graph.get_operations()], answers, graph.version


def described(operation):
    attrs = {k: v.tolist() if isinstance(v, np.ndarray) else str(v) for k, v in operation.attrs.items()}
    inputs = [t.name for t in operation.inputs] + [h.name for h in operation.handles]
    outputs = [(t.name, t.dtype, t.shape.as_list()) for t in operation.outputs]
    return operation.number, operation.name, operation.type, attrs, inputs, outputs, [c.name for c in operation.control_inputs]


@settings(max_examples=40)
@given(st.lists(STEPS, max_size=10))
def test_promised_operations_are_those_that_a_listener_sees_made_at_once(path, steps):
    heard = []
    expected = built(steps, path, heard.extend)
    assert built(steps, path, None) == expected
    assert [described(o) for o in heard] == expected[0]


def test_of_a_variable_and_its_restoring_nothing_is_made_until_somebody_asks(path):
    made = []
    root = Root()
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        append = graph.append
        graph.append = lambda *args, **kwargs: made.append(args[1]) or append(*args, **kwargs)
        root.x0 = tf.Variable(VALUE + 7.0, name="v")
        tf.train.CheckpointableSaver(root).restore(path).run_restore_ops(session)
        assert made == ["restore/source"]
        np.testing.assert_array_equal(session.run(root.x0), VALUE)
        assert set(made[1:]) == {"v/initial_value", "v", "v/Assign", "v/Read"}
        assert graph.get_operation_by_name("restore/v").inputs[0].op.name == "restore/v/read"
        names = ["v/initial_value", "v", "v/Assign", "v/Read", "restore/source", "restore/v/read", "restore/v"]
        assert [o.name for o in graph.get_operations()] == names


def test_all_threads_get_the_same_operations(path):
    with tf.Graph().as_default() as graph:
        variables = [tf.Variable(VALUE) for _ in range(300)]
    found = [[], []]
    start = threading.Barrier(2)

    def look(out):
        start.wait()
        out += [v.initializer for v in variables] if out is found[0] else graph.get_operations()

    threads = [threading.Thread(target=look, args=(out,)) for out in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1][2::4]


def test_a_finalized_graph_still_has_what_was_promised():
    with tf.Graph().as_default() as graph:
        v = tf.Variable(VALUE, name="v")
        graph.finalize()
        assert v.initializer.name == "v/Assign"
        with pytest.raises(RuntimeError, match="v_1.*finalized"):
            tf.Variable(VALUE, name="v")
        assert graph.version == len(graph.get_operations()) == 4
